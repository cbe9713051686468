"""Fine values become coarse ones: numbers to intervals, dates to periods, codes to groups."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from synth_spark.errors import InputError, PlanError, ResourceError
from synth_spark.plan import Bins, Dates, Groups, Location, nearest
from synth_spark.plan.sources.header import BLANKS
from synth_spark.read import interval_edges as edge
from synth_spark.read import unreadable
from synth_spark.read.counters import Counters
from synth_spark.read.locations import open_table
from synth_spark.read.unreadable import NO_GROUP

#: Numbers are exact to this many decimals.
_NUMBER = "decimal(38,10)"
#: Dates by ISO 8601 that tell at least the year, the month, the day.
_ISO = tuple(
    f"^[0-9]{{4}}{part}$"
    for part in (
        "(-[0-9]{1,2}(-[0-9]{1,2}([T ].*)?)?)?",
        "-[0-9]{1,2}(-[0-9]{1,2}([T ].*)?)?",
        "-[0-9]{1,2}-[0-9]{1,2}([T ].*)?",
    )
)
#: How finely quantiles are searched for: relative rank error at most one in so many.
_ACCURACY = 10_000
#: Most codes of a mapping table; it is a part of the plan and goes to every task.
_MOST_CODES = 1_000_000


def number(text: Column) -> Column:
    """A text as a number; null if it is none."""
    return text.try_cast(_NUMBER)


def without_zeros(text: Column, name: str, counters: Counters) -> Column:
    """A number that is 0, however it is written, is absent as the text ``0`` is, and counted."""
    zero = F.coalesce(number(text) == 0, F.lit(False))
    counters.when(f"column '{name}'", "zeros such as 0.0, taken as absent (see input.sensitive_zeros)", zero)
    return F.when(~zero, text)


def interval(text: Column, name: str, bins: Bins, edges: Sequence[Decimal], counters: Counters) -> Column:
    """The interval that a number lies in; a text that is not a number is absent, and counted.

    Args:
        text: the value, null if absent.
        name: of the column.
        bins: what was asked for.
        edges: of `quantiles` or `edges`.
        counters: where to count.
    """
    value = number(text)
    subject = f"column '{name}'"
    counters.when(subject, "values that are not numbers, taken as absent", text.isNotNull() & value.isNull())
    unreadable.note(counters, subject, unreadable.NUMBERS, text, value)
    if bins.width is not None:
        return F.when(value.isNotNull(), _of_width(value, bins, bins.width))
    texts = edge.labels(edges)
    label = F.lit(texts[-1])
    for bound, below in reversed(list(zip(edges, texts, strict=False))):
        label = F.when(value < _decimal(bound), F.lit(below)).otherwise(label)
    return F.when(value.isNotNull(), label)


def _of_width(value: Column, bins: Bins, width: Decimal) -> Column:
    given = [number for number in (width, bins.origin, bins.bottom, bins.top) if number is not None]
    places = max(0, *(-int(number.normalize().as_tuple().exponent) for number in given))
    number_type = f"decimal(38,{places})"
    steps = F.floor((value - _decimal(bins.origin)) / _decimal(width)).cast("decimal(20,0)")
    low = (steps * _decimal(width) + _decimal(bins.origin)).cast(number_type)
    high = (low + _decimal(width)).cast(number_type)
    if bins.bottom is not None:
        low = F.greatest(low, _decimal(bins.bottom).cast(number_type))
    if bins.top is not None:
        high = F.least(high, _decimal(bins.top).cast(number_type))
    label = F.concat(low.cast("string"), F.lit(" to <"), high.cast("string"))
    if bins.top is not None:
        label = F.when(value >= _decimal(bins.top), F.lit(f"{edge.number_text(bins.top)} or over")).otherwise(label)
    if bins.bottom is not None:
        label = F.when(value < _decimal(bins.bottom), F.lit(f"under {edge.number_text(bins.bottom)}")).otherwise(label)
    return label


def quantile_edges(
    frame: DataFrame, texts: dict[str, Column], bins: dict[str, Bins], whose: Column | None, k: int
) -> dict[str, list[Decimal]]:
    """Edges from the data: rounded quantiles, with at least k subjects at every edge and in every interval.

    Reads the input three times.

    Args:
        frame: the rows.
        texts: the values of the columns in question.
        bins: for each of them, how many intervals.
        whose: the subject of a row; None if a row is a subject.
        k: fewest subjects of an edge, and of an interval.

    Raises:
        InputError: a column has too few numbers for two intervals.
    """
    asked = {
        name: [step / part.quantiles for step in range(1, part.quantiles)]
        for name, part in bins.items()
        if part.quantiles is not None
    }
    if not asked:
        return {}
    kept = [] if whose is None else [whose.alias("whose")]
    numbers = frame.select(*kept, *(number(texts[name]).alias(f"v{index}") for index, name in enumerate(asked)))
    quantiles = [
        F.percentile_approx(F.col(f"v{index}").cast("double"), shares, _ACCURACY).alias(f"q{index}")
        for index, shares in enumerate(asked.values())
    ]
    (row,) = numbers.agg(*quantiles).collect()
    rounded = [edge.roundings(found or []) for found in row]
    near = [[(one.low, one.high) for own in edges for one in own] for edges in rounded]
    held = [iter(counts) for counts in _held(numbers, near)]
    shared = [
        edge.kept(edges, [[next(counts) for _ in own] for own in edges], k)
        for edges, counts in zip(rounded, held, strict=True)
    ]
    within = [list(zip([None, *bounds], [*bounds, None], strict=True)) for bounds in shared]
    result = {
        name: edge.merged(bounds, counts, k)
        for name, bounds, counts in zip(asked, shared, _held(numbers, within), strict=True)
    }
    for name, bounds in result.items():
        if not bounds:
            remedy = "give edges or a width instead of quantiles"
            raise InputError(f"column '{name}'", f"has too few different numbers for intervals of at least {k}", remedy)
    return result


def _held(numbers: DataFrame, ranges: Sequence[Sequence[tuple[Decimal | None, Decimal | None]]]) -> list[list[int]]:
    """How many subjects have a number in each range, from its first bound to before its second; None is no bound.

    Args:
        numbers: columns v0, v1, …, and ``whose`` where a subject may have several rows.
        ranges: of each column.
    """
    inside = []
    for index, own in enumerate(ranges):
        value = F.col(f"v{index}")
        for low, high in own:
            there = value.isNotNull()
            there &= F.lit(True) if low is None else value >= _decimal(low)
            there &= F.lit(True) if high is None else value < _decimal(high)
            inside.append(F.when(there, 1).otherwise(0))
    names = [f"n{place}" for place in range(len(inside))]
    flags = [flag.alias(name) for flag, name in zip(inside, names, strict=True)]
    if "whose" in numbers.columns:  # one row a subject: whether any of its rows is there
        own_rows = numbers.where(F.col("whose").isNotNull()).groupBy("whose")
        flags = [F.col(name) for name in names]
        numbers = own_rows.agg(*(F.max(flag).alias(name) for flag, name in zip(inside, names, strict=True)))
    (row,) = numbers.select(*flags).agg(F.lit(0), *(F.coalesce(F.sum(name), F.lit(0)) for name in names)).collect()
    counts = iter(row[1:])
    return [[int(next(counts)) for _ in own] for own in ranges]


def period(text: Column, name: str, dates: Dates, counters: Counters) -> Column:
    """The period that a date lies in; a text that is not a date, or tells less of one, is absent, and counted."""
    if dates.format:
        when, fine = F.try_to_timestamp(text, F.lit(dates.format)), F.lit(True)
    else:
        when = F.when(text.rlike(_ISO[0]), text.try_cast("timestamp_ntz"))
        fine = text.rlike(_ISO[dates.parts - 1])
    when = F.when(F.year(when).between(1, 9999), when)
    subject = f"column '{name}'"
    counters.when(subject, "values that are not dates, taken as absent", text.isNotNull() & when.isNull())
    coarser = f"dates that tell less than the {dates.to}, taken as absent"
    counters.when(subject, coarser, when.isNotNull() & ~fine)
    day = F.when(fine, when).cast("date")
    unreadable.note(counters, subject, unreadable.DATES, text, day)
    year = F.date_format(day, "yyyy")
    week = F.lpad(F.weekofyear(day).cast("string"), 2, "0")
    labels = {
        "year": year,
        "half": F.concat(year, F.lit("-H"), F.when(F.month(day) <= 6, "1").otherwise("2")),
        "quarter": F.concat(year, F.lit("-Q"), F.quarter(day).cast("string")),
        "month": F.date_format(day, "yyyy-MM"),
        "week": F.concat(F.date_part(F.lit("YEAROFWEEK"), day).cast("string"), F.lit("-W"), week),
        "day": F.date_format(day, "yyyy-MM-dd"),
    }
    return labels[dates.to]


def grouped(
    spark: SparkSession, frame: DataFrame, names: Sequence[str], groups: dict[str, Groups], counters: Counters
) -> DataFrame:
    """Codes replaced by their groups, in single values and in lists.

    Args:
        spark: the session.
        frame: columns c0, c1, … in the order of ``names``, then others.
        names: of the columns.
        groups: by column.
        counters: where codes without a group are counted.
    """
    if not groups:
        return frame
    losing = {name: f"c{names.index(name)}" for name, part in groups.items() if part.others == "absent"}
    frame = unreadable.observe_codes(frame, losing, counters)
    maps = {names.index(name): (part.others, *_mapping(spark, name, part)) for name, part in groups.items()}
    width = len(frame.columns)

    def replace(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            columns, missing = list(batch.columns), []
            for index, (others, codes, targets) in maps.items():
                columns[index], unknown = _replaced(columns[index], others, codes, targets)
                missing.append(pa.array(unknown))
            yield pa.RecordBatch.from_arrays([*columns, *missing], names=out)

    out = [*frame.columns, *(f"missing{index}" for index in maps)]
    types = [field.dataType.simpleString() for field in frame.schema.fields] + ["bigint"] * len(maps)
    schema = ", ".join(f"{name} {kind}" for name, kind in zip(out, types, strict=True))
    replaced = frame.mapInArrow(replace, schema)
    for index, (others, *_) in maps.items():
        counters.add(f"column '{names[index]}'", f"{NO_GROUP} ({others})", F.sum(f"missing{index}"))
    return counters.observe(replaced).select(*out[:width])


def _replaced(cells: pa.Array, others: str, codes: pa.Array, targets: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Cells of groups, and in each the number of codes that have none."""
    if pa.types.is_list(cells.type):
        values, rows = pc.list_flatten(cells), pc.list_parent_indices(cells)
        changed, unknown = _replaced(values, others, codes, targets)
        there = pc.is_valid(changed)
        row_ids, kept = rows.filter(there).to_numpy(), changed.filter(there)
        pairs = pa.table({"row": row_ids, "value": kept}).group_by(["row", "value"]).aggregate([])
        pairs = pairs.sort_by([("row", "ascending"), ("value", "ascending")])
        sizes = np.bincount(pairs["row"].to_numpy(), minlength=len(cells))
        offsets = pa.array(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32))
        lists = pa.ListArray.from_arrays(offsets, pairs["value"].combine_chunks(), mask=pa.array(sizes == 0))
        return lists, np.bincount(rows.to_numpy(), weights=unknown, minlength=len(cells)).astype(np.int64)
    places = pc.index_in(cells, value_set=codes)
    replaced = targets.take(places)
    unknown = pc.and_(pc.is_valid(cells), pc.is_null(places))
    changed = pc.if_else(unknown, cells, replaced) if others == "keep" else replaced
    return changed, unknown.to_numpy(zero_copy_only=False).astype(np.int64)


def _mapping(spark: SparkSession, name: str, groups: Groups) -> tuple[pa.Array, pa.Array]:
    """Codes and their groups; an empty group is absent."""
    where = f"input.groups.{name}"
    pairs = list(groups.values.items()) if groups.path is None else _read_mapping(spark, where, groups)
    if len({code for code, _ in pairs}) < len(pairs):
        raise InputError(f"{where}.path", "has a code with two groups", "give every code one group")
    if not pairs:
        raise InputError(f"{where}.path", "holds no codes", "give a table with codes and groups")
    codes, targets = zip(*pairs, strict=True)
    return pa.array(codes, pa.string()), pa.array([target or None for target in targets], pa.string())


def _read_mapping(spark: SparkSession, where: str, groups: Groups) -> list[tuple[str, str]]:
    opened = open_table(spark, Location(path=groups.path, sheet=groups.sheet), where)
    for column in (groups.code, groups.group):
        if column not in opened.names:
            remedy = f"did you mean {nearest(str(column), list(opened.names))}?"
            raise PlanError(where, f"names no column of the mapping table: '{column}'", remedy)
    chosen = [
        F.trim(F.coalesce(F.col(f"raw{opened.names.index(str(column))}"), F.lit("")), F.lit(BLANKS)).alias(alias)
        for column, alias in ((groups.code, "code"), (groups.group, "group"))
    ]
    rows = opened.frame.select(*chosen).where("code <> ''").distinct().limit(_MOST_CODES + 1).collect()
    if len(rows) > _MOST_CODES:
        raise ResourceError(f"{where}.path", f"holds more than {_MOST_CODES:,} codes", "map fewer codes")
    return [(row["code"], row["group"]) for row in rows]


def _decimal(value: Decimal) -> Column:
    return F.lit(format(value, "f")).cast(_NUMBER)
