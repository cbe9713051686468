"""Invented cases of human trafficking: a table of any length to try the product on.

The columns and their values follow the public CTDC Global Synthetic Dataset; every number below is made up here.
A case follows one of the pathways in ``PATHWAYS``: where from, where to, when, who, and which kind of exploitation;
the kind says how often each flag is recorded. How well a case is documented is one draw a case, so a seldom recorded
flag comes mostly with the common ones. Many cases belong to a caseload, people found together, alike in all but what is
personal. So records are sparse, correlated, and repeat; rare values and irregular cases, which draw every flag by
itself, make up the long tail. Every draw is a hash of the seed, the name of the draw, and the number of the row or
caseload. So a row is the same whatever the number of rows, partitions or batches.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from synth_spark.errors import EngineError, PlanError

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int64]  # indexes into a tuple of values, or ABSENT
Shares = npt.NDArray[np.float64]  # each in [0, 1]
ABSENT = -1

YEARS = tuple(str(year) for year in range(2002, 2024))
GENDERS = ("Woman", "Man", "Transgender/NonConforming")
AGES = ("0--8", "9--17", "18--20", "21--23", "24--26", "27--29", "30--38", "39--47", "48+")
MONTHS = ("0--12 (0-1 yr)", "13--24 (1-2 yrs)", "25+ (2+ yrs)")

#: Countries by region, the most frequent first; all regions have as many.
REGIONS = {
    "eastern europe": ("UKR", "MDA", "BLR", "RUS", "GEO", "ARM"),
    "balkans": ("ROU", "BGR", "ALB", "SRB", "HUN", "MKD"),
    "western europe": ("GBR", "ITA", "DEU", "ESP", "FRA", "NLD"),
    "gulf": ("ARE", "SAU", "JOR", "LBN", "KWT", "QAT"),
    "central asia": ("UZB", "KGZ", "KAZ", "TJK", "TKM", "AFG"),
    "south asia": ("NPL", "BGD", "IND", "LKA", "PAK", "MMR"),
    "southeast asia": ("PHL", "IDN", "KHM", "THA", "VNM", "MYS"),
    "west africa": ("NGA", "GHA", "SLE", "CIV", "SEN", "MLI"),
    "east africa": ("ETH", "UGA", "KEN", "MDG", "SOM", "ERI"),
    "americas": ("USA", "MEX", "COL", "HND", "GTM", "HTI"),
}
COUNTRIES = tuple(country for countries in REGIONS.values() for country in countries)

#: Kinds of exploitation, and below by flag the percent of their cases that have it; 0: irregular cases only. A
#: regular case has at most one type of labour, one type of sex and one recruiter.
KINDS = ("home", "building", "harvest", "kitchen", "brothel", "partner", "camera", "begging", "captive", "untold")
MEANS = {
    "meansDebtBondageEarnings": (0, 62, 68, 55, 58, 0, 0, 0, 0, 0),
    "meansThreats": (28, 0, 20, 30, 52, 60, 34, 40, 60, 10),
    "meansAbusePsyPhySex": (30, 0, 0, 0, 46, 76, 66, 58, 80, 0),
    "meansFalsePromises": (45, 78, 66, 0, 64, 20, 0, 0, 30, 0),
    "meansDrugsAlcohol": (0, 0, 0, 0, 10, 40, 12, 0, 0, 0),
    "meansDenyBasicNeeds": (48, 22, 36, 0, 0, 0, 0, 66, 50, 0),
    "meansExcessiveWorkHours": (70, 58, 44, 74, 0, 0, 0, 0, 64, 0),
    "meansWithholdDocs": (72, 40, 0, 26, 24, 0, 0, 0, 0, 0),
}
EXPLOITATION = {
    "isForcedLabour": (98, 99, 99, 97, 0, 0, 0, 4, 97, 6),
    "isSexualExploit": (0, 0, 0, 6, 98, 99, 99, 0, 74, 66),
    "isOtherExploit": (0, 0, 0, 0, 0, 0, 0, 98, 0, 0),
}
LABOUR = {
    "typeOfLabourAgriculture": (0, 4, 86, 0, 0, 0, 0, 0, 0, 0),
    "typeOfLabourConstruction": (0, 88, 0, 0, 0, 0, 0, 0, 0, 0),
    "typeOfLabourDomesticWork": (93, 0, 0, 0, 0, 0, 0, 0, 45, 0),
    "typeOfLabourHospitality": (0, 0, 3, 80, 0, 0, 0, 0, 35, 0),
}
SEX = {
    "typeOfSexProstitution": (0, 0, 0, 60, 90, 84, 10, 0, 60, 40),
    "typeOfSexPornography": (0, 0, 0, 0, 2, 8, 84, 0, 0, 0),
}
RECRUITERS = {
    "recruiterRelationIntimatePartner": (0, 0, 0, 0, 0, 74, 0, 0, 12, 0),
    "recruiterRelationFriend": (0, 7, 10, 12, 22, 10, 8, 0, 0, 0),
    "recruiterRelationFamily": (4, 0, 0, 0, 0, 0, 68, 66, 0, 0),
    "recruiterRelationOther": (34, 38, 30, 25, 28, 0, 0, 10, 30, 0),
}
FLAGS = MEANS | EXPLOITATION | LABOUR | SEX | RECRUITERS

#: Every column in the order of the table, and its values.
VALUES: dict[str, tuple[str, ...]] = {
    "yearOfRegistration": YEARS,
    "gender": GENDERS,
    "ageBroad": AGES,
    "citizenship": COUNTRIES,
    "CountryOfExploitation": COUNTRIES,
    "traffickMonths": MONTHS,
    **dict.fromkeys(FLAGS, ("1",)),
}
COLUMNS = tuple(VALUES)
SCHEMA = StructType([StructField(column, StringType()) for column in COLUMNS])

#: Share of a region's countries among the region's cases, by their place in REGIONS.
ORIGIN_SHARES = (0.66, 0.21, 0.08, 0.03, 0.01, 0.01)
#: Share of a region's countries among those brought there, by distance from the main corridor (see _places).
CORRIDOR_SHARES = (0.86, 0.08, 0.03, 0.01, 0.01, 0.01)
#: Share of cases whose citizenship is of any region, not of the pathway's.
ELSEWHERE = 0.015

#: Share of cases without the value. Age has its own shares below; months are absent unless documented.
NO_CITIZENSHIP = 0.03
NO_COUNTRY_OF_EXPLOITATION = 0.05
TRANSGENDER = 0.004
NO_GENDER = 0.012

#: Share of cases that are documented well enough to tell the months, and the shares of MONTHS among them.
MONTHS_DOCUMENTED = 0.16
MONTHS_SHARES = (0.68, 0.20, 0.12)

#: Share of cases that draw every flag by itself, and their least share of any flag.
IRREGULAR = 0.05
RARE_FLAG = 0.02

#: Share of cases that belong to a caseload, and how many there are, the first the largest, the last the smallest.
IN_CASELOAD = 0.65
CASELOADS = 800

#: Shares of AGES; what is missing to 1 is absent.
AGE_SHARES = {
    "children": (0.14, 0.74, 0.02, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00),
    "teenagers": (0.01, 0.70, 0.18, 0.02, 0.00, 0.00, 0.00, 0.00, 0.00),
    "young": (0.00, 0.07, 0.40, 0.25, 0.10, 0.03, 0.02, 0.00, 0.00),
    "adults": (0.00, 0.00, 0.02, 0.06, 0.12, 0.16, 0.46, 0.09, 0.02),
    "older": (0.00, 0.00, 0.00, 0.00, 0.02, 0.04, 0.36, 0.36, 0.16),
    "seldom told": (0.00, 0.07, 0.01, 0.01, 0.01, 0.01, 0.03, 0.01, 0.00),
}


class Pathway(NamedTuple):
    """What the cases of one pathway have in common.

    Attributes:
        parts: how frequent it is, relative to the other pathways.
        origin: region of citizenship.
        stays: share that is exploited in the country of citizenship.
        destination: region where the others are exploited.
        women: share of women among women and men.
        ages: key of AGE_SHARES.
        peak: year with most cases.
        spread: years after which a year has 1/e of the cases of the peak, either side.
        kind: one of KINDS.
    """

    parts: int
    origin: str
    stays: float
    destination: str
    women: float
    ages: str
    peak: int
    spread: float
    kind: str


PATHWAYS = (
    Pathway(160, "eastern europe", 0.03, "eastern europe", 0.07, "adults", 2011, 0.9, "building"),
    Pathway(130, "americas", 0.94, "americas", 0.93, "teenagers", 2017, 0.7, "partner"),
    Pathway(115, "southeast asia", 0.05, "gulf", 0.97, "seldom told", 2018, 0.6, "home"),
    Pathway(95, "balkans", 0.10, "western europe", 0.98, "young", 2005, 0.9, "brothel"),
    Pathway(80, "americas", 0.90, "americas", 0.91, "seldom told", 2019, 0.6, "untold"),
    Pathway(62, "southeast asia", 0.96, "southeast asia", 0.72, "children", 2021, 0.6, "camera"),
    Pathway(54, "south asia", 0.08, "gulf", 0.22, "adults", 2015, 0.6, "building"),
    Pathway(46, "central asia", 0.06, "eastern europe", 0.12, "adults", 2013, 0.7, "harvest"),
    Pathway(40, "eastern europe", 0.10, "western europe", 0.97, "young", 2004, 0.7, "brothel"),
    Pathway(34, "west africa", 0.12, "western europe", 0.97, "young", 2016, 0.6, "brothel"),
    Pathway(30, "east africa", 0.07, "gulf", 0.95, "young", 2014, 0.6, "home"),
    Pathway(26, "balkans", 0.62, "western europe", 0.48, "children", 2008, 0.7, "begging"),
    Pathway(22, "americas", 0.30, "americas", 0.30, "adults", 2020, 0.6, "harvest"),
    Pathway(19, "southeast asia", 0.20, "southeast asia", 0.10, "adults", 2016, 0.6, "harvest"),
    Pathway(16, "south asia", 0.80, "south asia", 0.85, "teenagers", 2012, 0.7, "brothel"),
    Pathway(14, "eastern europe", 0.30, "eastern europe", 0.35, "older", 2009, 0.9, "begging"),
    Pathway(12, "southeast asia", 0.10, "western europe", 0.40, "young", 2022, 0.5, "kitchen"),
    Pathway(10, "west africa", 0.85, "west africa", 0.45, "children", 2010, 0.7, "harvest"),
    Pathway(9, "western europe", 0.92, "western europe", 0.90, "teenagers", 2022, 0.5, "partner"),
    Pathway(7, "east africa", 0.78, "east africa", 0.70, "children", 2018, 0.6, "captive"),
    Pathway(6, "central asia", 0.20, "gulf", 0.95, "young", 2007, 0.7, "brothel"),
    Pathway(5, "south asia", 0.10, "southeast asia", 0.45, "adults", 2021, 0.6, "kitchen"),
    Pathway(4, "gulf", 0.70, "gulf", 0.80, "older", 2019, 0.7, "captive"),
    Pathway(4, "balkans", 0.15, "western europe", 0.06, "older", 2014, 0.9, "building"),
)


def generate(spark: SparkSession, rows: int, seed: int, partitions: int | None = None) -> DataFrame:
    """Make a table of invented cases; lazy, a partition at a time on the executors.

    Args:
        spark: the session, classic or Connect.
        rows: number of cases, ≥ 1.
        seed: any integer; the same seed gives the same cases, and a longer table begins with the shorter one.
        partitions: number of partitions, ≥ 1; Spark's default where None. The cases do not depend on it.

    Returns:
        The rows in the order of their numbers; columns as in ``SCHEMA``, all strings, null where absent, flags "1".

    Raises:
        PlanError: ``rows`` is below 1.
    """
    if rows < 1:
        raise PlanError(field="rows", problem=f"{rows} is below 1", remedy="ask for one row or more")
    return spark.range(0, rows, numPartitions=partitions).mapInArrow(partial(_batches, seed), SCHEMA)


def write_csv(spark: SparkSession, path: str | Path, rows: int, seed: int) -> None:
    """Write a table of invented cases as one csv file with a header; absent values are empty.

    One task writes the file, row by row, so it has the rows in order and may be larger than memory. An existing file is
    replaced, and only once the new one is complete. Missing folders are made.

    Args:
        spark: the session; its executors must see this machine's files.
        path: local path that ends in ``.csv``, or in ``.csv.gz`` to be compressed.
        rows: number of cases, ≥ 1.
        seed: any integer, as in ``generate``.

    Raises:
        PlanError: ``rows`` is below 1, or ``path`` has another ending or is a folder.
        EngineError: Spark wrote, but not to this machine's files.
    """
    target = Path(path).absolute()
    if not target.name.endswith((".csv", ".csv.gz")):
        raise PlanError(field=str(path), problem="not the name of a csv file", remedy="end it in .csv or .csv.gz")
    if target.is_dir():
        raise PlanError(field=str(path), problem="is a folder", remedy="remove it, or name a file")
    cases = generate(spark, rows, seed, partitions=1)
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        compression = "gzip" if target.suffix == ".gz" else "none"
        cases.write.csv(f"file://{scratch / 'parts'}", header=True, compression=compression)
        parts = list(scratch.glob("parts/part-*"))
        if len(parts) != 1:
            remedy = "write to a folder that this machine shares with the executors"
            raise EngineError(field=str(path), problem="Spark left no single file on this machine", remedy=remedy)
        parts[0].replace(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def cases(rows: int, seed: int) -> pa.Table:
    """A small table of invented cases in memory, without Spark: the same as ``generate`` makes."""
    return pa.Table.from_batches(_batches(seed, iter([pa.record_batch({"id": np.arange(rows)})])))


def _batches(seed: int, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Turn batches of row numbers (one int64 column) into batches of cases with the columns of ``SCHEMA``."""
    tables = {column: pa.array(values, pa.string()) for column, values in VALUES.items()}
    for batch in batches:
        codes = draw_codes(seed, batch.column(0).to_numpy())
        arrays = [table.take(pa.array(codes[name], mask=codes[name] == ABSENT)) for name, table in tables.items()]
        yield pa.RecordBatch.from_arrays(arrays, names=list(tables))


class _Draws:
    """Uniform draws for (n,) keys: a name gives (n,) numbers in [0, 1), each a hash of seed, name and key."""

    def __init__(self, seed: int, keys: Ints) -> None:
        self.seed = seed
        self.steps = keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)

    def __call__(self, name: str) -> Shares:
        """Output number ``key`` of SplitMix64, started at a hash of seed and name, as a double of 53 bits."""
        start = hashlib.blake2b(f"{self.seed} {name}".encode(), digest_size=8).digest()
        bits = self.steps + np.uint64(int.from_bytes(start, "little"))
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits ^= bits >> np.uint64(31)
        return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


class _Tables(NamedTuple):
    """The P pathways as arrays, one entry or row each; ``upto`` arrays hold cumulative shares."""

    pathways_upto: Shares  # (P,)
    origin: Ints  # (P,) region of citizenship, as its place in REGIONS
    destination: Ints  # (P,) region of exploitation
    stays: Shares  # (P,) share exploited at home
    years_upto: Shares  # (P, 22)
    genders_upto: Shares  # (P, 3)
    ages_upto: Shares  # (P, 9)
    flags: dict[str, Shares]  # by flag, (P,)


@cache
def _tables() -> _Tables:
    """Build the arrays from the constants above."""
    regions, kinds = list(REGIONS), [KINDS.index(p.kind) for p in PATHWAYS]
    parts = np.array([p.parts for p in PATHWAYS], np.float64)
    distance = np.abs(np.array([[int(year) - p.peak for year in YEARS] for p in PATHWAYS]))
    years = np.exp(-distance / np.array([[p.spread] for p in PATHWAYS]))
    binary = 1 - TRANSGENDER - NO_GENDER
    genders = [(binary * p.women, binary * (1 - p.women), TRANSGENDER) for p in PATHWAYS]
    return _Tables(
        pathways_upto=_upto(parts / parts.sum()),
        origin=np.array([regions.index(p.origin) for p in PATHWAYS]),
        destination=np.array([regions.index(p.destination) for p in PATHWAYS]),
        stays=np.array([p.stays for p in PATHWAYS]),
        years_upto=_upto(years / years.sum(axis=1, keepdims=True)),
        genders_upto=_upto(genders),
        ages_upto=_upto([AGE_SHARES[p.ages] for p in PATHWAYS]),
        flags={flag: np.array([percent[kind] / 100 for kind in kinds]) for flag, percent in FLAGS.items()},
    )


def _upto(shares: npt.ArrayLike) -> Shares:
    """Cumulative shares along the last axis; a total within rounding of 1 becomes 1 exactly."""
    upto = np.cumsum(np.asarray(shares, np.float64), axis=-1)
    return np.where(upto > 1 - 1e-9, 1.0, upto)


def _choose(draws: Shares, upto: Shares) -> Codes:
    """Pick by cumulative shares, (K,) or one row a draw (n, K); a draw beyond the last share is ABSENT."""
    codes = (draws[:, None] >= upto).sum(axis=1)
    return np.where(codes == upto.shape[-1], ABSENT, codes)


def draw_codes(seed: int, rows: Ints) -> dict[str, Codes]:
    """Draw the cases with the given row numbers.

    Args:
        seed: any integer.
        rows: (n,) row numbers ≥ 0, in any order.

    Returns:
        By column of ``VALUES``, (n,) indexes of its values, or ABSENT.
    """
    person, tables = _Draws(seed, rows), _tables()
    caseload = (person("caseload") ** 2 * CASELOADS).astype(np.int64)
    case = _Draws(seed, np.where(person("in caseload") < IN_CASELOAD, -1 - caseload, rows))  # rows are never below 0
    pathway = np.searchsorted(tables.pathways_upto, case("pathway"), side="right")
    documentation = case("documentation")
    citizenship, exploitation = _places(case, pathway)
    months = _choose(case("traffickMonths"), _upto(MONTHS_SHARES))
    return {
        "yearOfRegistration": _choose(case("yearOfRegistration"), tables.years_upto[pathway]),
        "gender": _choose(person("gender"), tables.genders_upto[pathway]),
        "ageBroad": _choose(person("ageBroad"), tables.ages_upto[pathway]),
        "citizenship": citizenship,
        "CountryOfExploitation": exploitation,
        "traffickMonths": np.where(documentation < MONTHS_DOCUMENTED, months, ABSENT),
        **{flag: np.where(there, 0, ABSENT) for flag, there in _flags(case, pathway, documentation).items()},
    }


def _places(draws: _Draws, pathway: Ints) -> tuple[Codes, Codes]:
    """Draw (n,) citizenships and (n,) countries of exploitation for (n,) pathways.

    Those who do not stay go to the pathway's destination. Each country of origin has its own main corridor there:
    the first leads to the first, the second to the second, …; inside one region, each leads to the next country.
    """
    tables, size = _tables(), len(ORIGIN_SHARES)
    anywhere = (draws("any region") * len(REGIONS)).astype(np.int64)
    region = np.where(draws("elsewhere") < ELSEWHERE, anywhere, tables.origin[pathway])
    place = _choose(draws("citizenship"), _upto(ORIGIN_SHARES))
    citizenship = region * size + place
    target = tables.destination[pathway]
    turn = _choose(draws("corridor"), _upto(CORRIDOR_SHARES))
    abroad = target * size + (place + turn + (region == target)) % size
    exploitation = np.where(draws("stays") < tables.stays[pathway], citizenship, abroad)
    return (
        np.where(draws("no citizenship") < NO_CITIZENSHIP, ABSENT, citizenship),
        np.where(draws("no country of exploitation") < NO_COUNTRY_OF_EXPLOITATION, ABSENT, exploitation),
    )


def _flags(draws: _Draws, pathway: Ints, documentation: Shares) -> dict[str, npt.NDArray[np.bool_]]:
    """Draw all FLAGS of (n,) cases: by flag, (n,) whether it is present.

    The flags of a group share one draw a case, and a flag is present where the draw falls into its interval, as
    wide as its share. Intervals all begin at 0 where flags come together (the rarer only with the commoner), and
    lie end to end where they exclude each other. In irregular cases every flag has its own draw. No case has a type
    of labour without forced labour, or a type of sex without sexual exploitation.
    """
    tables, irregular = _tables(), draws("irregular") < IRREGULAR
    groups = (
        (MEANS, documentation, False),
        (EXPLOITATION, documentation, False),
        (LABOUR, documentation, True),
        (SEX, documentation, True),
        (RECRUITERS, draws("recruiter"), True),
    )
    flags: dict[str, npt.NDArray[np.bool_]] = {}
    for group, shared, exclusive in groups:
        begin = np.zeros(len(PATHWAYS))
        for flag in group:
            share = tables.flags[flag]
            regular = (shared >= begin[pathway]) & (shared < (begin + share)[pathway])
            flags[flag] = np.where(irregular, draws(flag) < np.maximum(share, RARE_FLAG)[pathway], regular)
            begin = begin + share if exclusive else begin
    for types, parent in ((LABOUR, "isForcedLabour"), (SEX, "isSexualExploit")):
        flags.update({flag: flags[flag] & flags[parent] for flag in types})
    return flags
