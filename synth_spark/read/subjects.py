"""The rows of a person become one record. The person's id is used here and goes no further."""

from collections.abc import Iterable, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synth_spark.errors import InputError
from synth_spark.plan import Subject, listed
from synth_spark.plan.sources.header import BLANKS
from synth_spark.read.counters import Counters, Remark
from synth_spark.schema.fields import Field

#: The remark on a column with several values for a subject.
_CONFLICT = "subjects with several values"
#: What is hashed beside an id where only some subjects are read: the same ids are chosen in every run.
_CHOSEN = "input.record_limit"
_NO_ID = "rows without an id"
#: The remark on ids that several sources have in common, where they are not joined.
IN_SEVERAL_SOURCES = (
    "ids that occur in more than one source: each counts as one subject in each of them, and k counts that; where one "
    "id is one person in all sources, set input.subject.across_sources"
)


def identity(raw: Column, subject: Subject, origin: Column | None) -> Column:
    """The subject of a row: its trimmed id, null where empty; with its source, unless sources are to be joined."""
    present = _id(raw, subject)
    if origin is None or subject.across_sources:
        return present
    return F.when(present.isNotNull(), F.struct(origin, present))


def _id(raw: Column, subject: Subject) -> Column:
    """The trimmed id of a row, null where it is empty."""
    text = F.trim(raw, F.lit(BLANKS))
    text = F.lower(text) if subject.ignore_case else text
    return F.when(text != "", text)


def in_several_sources(rows: DataFrame, raw: Column, subject: Subject, origin: Column) -> DataFrame:
    """How many ids occur in two sources or more: one row, ``ids``.

    Args:
        rows: of all sources.
        raw: their ids.
        subject: how ids are compared.
        origin: the source of a row.
    """
    sources = rows.select(_id(raw, subject).alias("id"), origin.alias("origin")).where("id IS NOT NULL")
    ends = sources.groupBy("id").agg(F.min("origin").alias("first"), F.max("origin").alias("last"))
    return ends.where("first <> last").agg(F.count(F.lit(1)).alias("ids"))


def place(raw: Column) -> Column:
    """What rows are ordered by: numbers by size before texts, texts as they are, so dates should be ISO 8601."""
    text = F.trim(raw, F.lit(BLANKS))
    return F.struct(text.try_cast("double").isNull().alias("text"), text.try_cast("double").alias("number"), text)


def joined(
    frame: DataFrame, fields: Sequence[Field], subject: Subject, most: int | None, counters: Counters
) -> DataFrame:
    """One row a subject.

    Of a field with one value, the only one there is or the one that the plan takes; of a field with several, all.

    Args:
        frame: columns c0, c1, … in the order of ``fields``, ``subject`` (see `identity`) and ``place`` (see `place`).
        fields: what the columns are.
        subject: how rows are joined.
        most: most subjects; which of them is decided by a hash of source and id, so that every source has its share.
        counters: where rows without an id, and subjects with several values, are counted: see `check`.
    """
    counters.when("input.subject", _NO_ID, F.col("subject").isNull())
    rows = counters.observe(frame)
    wanted = [
        part
        for index, field in enumerate(fields)
        for part in _parts(F.col(f"c{index}"), f"c{index}", field, subject.take.get(field.name))
    ]
    gathered = rows.groupBy("subject").agg(*wanted, F.count(F.lit(1)).alias("rows"))
    if most is not None:
        gathered = gathered.orderBy(F.xxhash64(F.lit(_CHOSEN), F.col("subject")), "subject").limit(most)
    for index, field in enumerate(fields):
        if not field.many and field.name not in subject.take:
            counters.when(f"column '{field.name}'", _CONFLICT, F.col(f"c{index}") != F.col(f"c{index}_last"))
    counters.when("input.subject", "subjects with more than one row, which were joined", F.col("rows") > 1)
    return counters.observe(gathered).select(*(f"c{index}" for index in range(len(fields))))


def check(remarks: Iterable[Remark]) -> None:
    """Look at what was counted while rows were joined.

    Raises:
        InputError: rows without an id, or subjects with several values in a column that is to have one.
    """
    conflicts: dict[str, int] = {}
    for remark in remarks:
        if remark.what == _NO_ID:
            remedy = "give every row an id, or leave such rows out"
            raise InputError("input.subject.id", "is empty in {rows} rows", remedy, {"rows": remark.count})
        if remark.what == _CONFLICT:
            conflicts[remark.subject.removeprefix("column '").removesuffix("'")] = remark.count
    if conflicts:
        several = "columns" if len(conflicts) > 1 else "column"
        raise InputError(
            f"{several} {listed(conflicts)}",
            f"{'hold' if len(conflicts) > 1 else 'holds'} different values for up to {{subjects}} subjects",
            "list them in input.multi_values, or choose one value with input.subject.take (first, last, most_frequent)",
            {"subjects": max(conflicts.values())},
        )


def _parts(column: Column, name: str, field: Field, take: str | None) -> list[Column]:
    """What is aggregated of a column."""
    if field.many:
        values = F.array_sort(F.array_distinct(F.flatten(F.collect_list(column))))
        return [F.when(F.size(values) > 0, values).alias(name)]
    if take == "most_frequent":
        return [F.mode(column, True).alias(name)]
    if take is not None:
        pair = F.when(column.isNotNull(), F.struct(F.col("place"), column.alias("value")))
        return [(F.min(pair) if take == "first" else F.max(pair))["value"].alias(name)]
    return [F.min(column).alias(name), F.max(column).alias(f"{name}_last")]
