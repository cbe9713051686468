"""The straight line of reading: sources → one table → values → coarser values → one row a subject → rules kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from synth_spark.errors import InputError
from synth_spark.plan import Input, named_columns
from synth_spark.plan.sources.header import BLANKS
from synth_spark.read import constraints, generalize, mapping, subjects, unreadable, values
from synth_spark.read.counters import Counters, Remark
from synth_spark.read.examination import Examination
from synth_spark.read.failures import explain_failure
from synth_spark.read.locations import Opened
from synth_spark.schema.fields import Field
from synth_spark.storage.inventory import Addition

#: A column is an identifier if so many records have it and so large a share of them has a value of its own.
IDENTIFIED_RECORDS, IDENTIFIED_SHARE = 1_000, 0.8
#: Values of a column that is remarked on when they are too many for its records.
_MANY = 50
#: Remarks for checks alone.
_INTERNAL = ("records", "longest", "distinct", "filled", *unreadable.INTERNAL)


@dataclass(frozen=True)
class Records:
    """An opened input.

    Attributes:
        fields: of the records.
        frame: one row a record: a string column, or a column of lists, for each field: c0, c1, …
        k: fewest records with a value for it to be released.
        counters: what is counted while the frame is written; see `check`.
        types: what the columns of the input held; see `Opened`.
        examination: a look at every byte of the files beside the work; see `check`.
        told: what people are told of the files.
        shared_ids: one row, how many ids occur in several sources, if such an id counts once in each of them; counting
            them is a job of its own.
    """

    fields: tuple[Field, ...]
    frame: DataFrame
    k: int
    counters: Counters
    types: frozenset[str]
    examination: Examination
    told: tuple[str, ...] = ()
    shared_ids: DataFrame | None = None


def open_records(spark: SparkSession, source: Input, k: int, only: Mapping[str, Addition] | None = None) -> Records:
    """Open the input of a plan; nothing but headers, keys of JSON, mapping tables and quantiles is read yet.

    Args:
        spark: the session.
        source: the input part of the plan.
        k: privacy resolution; an interval whose edges come from the data holds at least so many subjects.
        only: if given, what is read of each source; nothing of others.

    Raises:
        PlanError: a name in the plan is not in the input, or means two things.
        InputError: the input is missing or empty, or its header cannot be used.
    """
    counters = Counters()
    opened = mapping.open_all(spark, source, counters, only)
    names = named_columns(source, opened.names, opened.lists)
    fields = tuple(_field(name, opened, source) for name in names)
    examination = Examination(opened.files, opened.looks, spark)
    try:
        rows = _rows(opened, fields, source, k, counters)
    except Exception as error:  # quantiles are read at once
        raise explain_failure(error, examination) or error from None
    rows = generalize.grouped(spark, counters.observe(rows), names, source.groups, counters)
    if source.subject is not None:
        rows = subjects.joined(rows, fields, source.subject, source.record_limit, counters)
    records = constraints.kept(
        rows.select(*_columns(fields)), fields, source.constraints, source.on_violation, counters
    )
    measured = _measured(records, fields, counters)
    shared = _shared_ids(opened, source)
    return Records(fields, measured, k, counters, opened.types, examination, opened.told, shared)


def check(opened: Records, source: Input, records: DataFrame, part: bool = False) -> tuple[int, list[Remark]]:
    """Look at what was read, once it has been written; returns the number of records and what else was counted.

    Args:
        opened: the input, whose frame has been written.
        source: its part of the plan.
        records: what was written; looked at again only to name the column at fault.
        part: whether these are some of the records: whether a column identifies them only all together tell.

    Raises:
        InputError: no records; a value that is too long; an identifier; rows, codes or records that must not be; a
            file with a byte that is not of its encoding, or a quote that is not closed.
    """
    opened.examination.check()
    remarks = opened.counters.remarks()
    subjects.check(remarks)
    mapping.check(remarks)
    constraints.check(remarks)
    unreadable.check(remarks)
    measured = sizes(opened)
    if measured.records == 0:
        raise InputError("input", "holds no records under its header", "give a table with records")
    _check_lengths(measured.longest, source.max_value_length, records, opened.fields)
    if part:
        return measured.records, [remark for remark in remarks if remark.what not in _INTERNAL]
    for name, distinct in measured.distinct.items():
        check_identifier(name, distinct, measured.filled[name], source)
    shared = 0 if opened.shared_ids is None else opened.shared_ids.collect()[0]["ids"]
    contradicted = [Remark(*each) for each in source.contradictions]
    noted = [Remark("input.subject", subjects.IN_SEVERAL_SOURCES, shared)] if shared else []
    noted += [
        Remark(
            f"column '{name}'", f"values (about) in {measured.filled[name]:,} records: most are rarer than k", distinct
        )
        for name, distinct in measured.distinct.items()
        if distinct >= _MANY and distinct * opened.k > measured.filled[name]
    ]
    return measured.records, [*contradicted, *noted, *(remark for remark in remarks if remark.what not in _INTERNAL)]


@dataclass(frozen=True)
class Sizes:
    """How large what was read is.

    Attributes:
        records: number of records.
        longest: bytes of the longest value.
        distinct: about how many values each column with one value a record has (relative error 5 %).
        filled: how many records have a value, for each column.
    """

    records: int
    longest: int
    distinct: dict[str, int]
    filled: dict[str, int]


def sizes(opened: Records) -> Sizes:
    """How large what was read is, once it has been written."""
    numbers = {(remark.subject, remark.what): remark.count for remark in opened.counters.remarks()}
    distinct = {field.name: numbers.get((field.name, "distinct"), 0) for field in opened.fields if not field.many}
    filled = {field.name: numbers.get((field.name, "filled"), 0) for field in opened.fields}
    return Sizes(numbers.get(("input", "records"), 0), numbers.get(("input", "longest"), 0), distinct, filled)


def is_identifier(distinct: int, filled: int) -> bool:
    """Whether so many records have a column, and so many of them a value of their own, that it tells who they are."""
    return filled >= IDENTIFIED_RECORDS and distinct >= IDENTIFIED_SHARE * filled


def check_identifier(name: str, distinct: int, filled: int, source: Input) -> None:
    """Raise `InputError` for a column that tells who records are, unless the plan lists it."""
    if is_identifier(distinct, filled) and name not in source.identifiers:
        raise InputError(
            f"column '{name}'",
            f"has a value of its own for more than {IDENTIFIED_SHARE:.0%} of {{records}} records: an identifier, of "
            "which nothing could be released",
            "leave it out with input.columns, make its values coarser, or list it in input.identifiers",
            {"records": filled},
        )


def report_text(run_id: str, remarks: Iterable[Remark], told: Iterable[str] = ()) -> str:
    """How files were read, and what happened to values on the way in, as lists (Markdown).

    Args:
        run_id: of the run.
        remarks: what was counted.
        told: what is to be said of the files.
    """
    lines = [f"- {remark.subject}: {remark.count:,} {remark.what}" for remark in remarks]
    nothing = "Every value was taken as it is."
    head = [f"# Input of {run_id}", "", "SENSITIVE: exact counts. It stays in the run folder.", ""]
    files = [f"- {line}" for line in told]
    head += [*files, ""] if files else []
    return "\n".join([*head, *(lines or [nothing]), ""])


def _field(name: str, opened: Opened, source: Input) -> Field:
    """What a column of the records holds."""
    if name in opened.lists:
        return Field(name, True)
    return Field(name, True, source.multi_values[name]) if name in source.multi_values else Field(name)


def _shared_ids(opened: Opened, source: Input) -> DataFrame | None:
    """See `Records`; None where there is one source, or where ids are joined across sources."""
    subject = source.subject
    if subject is None or subject.across_sources or len(source.sources) < 2:
        return None
    raw = F.col(f"raw{opened.names.index(subject.id)}")
    return subjects.in_several_sources(opened.frame, raw, subject, F.col(mapping.ORIGIN))


def _rows(opened: Opened, fields: Sequence[Field], source: Input, k: int, counters: Counters) -> DataFrame:
    """Rows of values: c0, c1, … in the order of ``fields``; with subjects, also ``subject`` and ``place``."""
    raw = {name: f"raw{index}" for index, name in enumerate(opened.names)}
    subject, extra = source.subject, []
    whose: Column | None = None
    if subject is not None:
        origin = F.col(mapping.ORIGIN) if source.sources else None
        whose = subjects.identity(F.col(raw[subject.id]), subject, origin)
        order = subjects.place(F.col(raw[subject.order])) if subject.order else F.lit(0)
        extra = [whose.alias("subject"), order.alias("place")]
    texts = {}
    for field in fields:
        boolean = field.name in opened.booleans
        if field.name == source.source_column:
            texts[field.name] = F.col(mapping.ORIGIN)
        elif field.many:
            is_list = field.name in opened.lists
            cell = F.col(raw[field.name])
            texts[field.name] = values.several_values(cell, field.name, source, is_list, boolean, counters)
        else:
            texts[field.name] = values.one_value(raw[field.name], field.name, source, boolean, counters)
    trimmed = {name: F.trim(texts[name], F.lit(BLANKS)) for name in (*source.numbers, *source.dates)}
    for name in source.numbers.keys() - set(source.sensitive_zeros):
        trimmed[name] = generalize.without_zeros(trimmed[name], name, counters)
    edges = {name: list(bins.edges) for name, bins in source.numbers.items()}
    edges |= generalize.quantile_edges(opened.frame, trimmed, source.numbers, whose, k)
    for name, bins in source.numbers.items():
        texts[name] = generalize.interval(trimmed[name], name, bins, edges[name], counters)
    for name, dates in source.dates.items():
        texts[name] = generalize.period(trimmed[name], name, dates, counters)
    limit = source.record_limit if subject is None else None
    dealt = opened.undivided and limit is None  # the first records stay the first
    frame = counters.observe(opened.frame.hint("repartition") if dealt else opened.frame)
    if limit is not None:
        frame = mapping.in_turn(frame, limit) if source.sources else frame.limit(limit)
    return frame.select(*(texts[field.name].alias(f"c{index}") for index, field in enumerate(fields)), *extra)


def _measured(records: DataFrame, fields: Sequence[Field], counters: Counters) -> DataFrame:
    """The records, with what `check` needs to know of them counted on the way."""
    lengths = []
    for index, field in enumerate(fields):
        column = f"c{index}"
        if field.many:
            lengths.append(f"array_max(transform({column}, value -> octet_length(value)))")
        else:
            lengths.append(f"octet_length({column})")
            counters.add(field.name, "distinct", f"approx_count_distinct({column})")
        counters.add(field.name, "filled", f"count({column})")
    counters.add("input", "records", "count(1)")
    counters.add("input", "longest", f"max(coalesce(greatest({', '.join(['0', *lengths])}), 0))")
    return counters.observe(records)


def _check_lengths(longest: int, limit: int, records: DataFrame, fields: Sequence[Field]) -> None:
    if longest <= limit:  # in bytes, which are known without looking at the characters
        return
    texts = [
        F.array_max(F.transform(column, F.length)) if field.many else F.length(column)
        for column, field in zip(records.columns, fields, strict=True)
    ]
    row = records.agg(*(F.coalesce(F.max(length), F.lit(0)) for length in texts)).collect()[0]
    worst = max(range(len(fields)), key=lambda index: row[index])
    if row[worst] > limit:
        raise InputError(
            f"column '{fields[worst].name}'",
            f"holds a value of {{length}} characters; the limit is {limit:,}",
            "leave free text out with input.columns, or raise input.max_value_length",
            {"length": row[worst]},
        )


def _columns(fields: Sequence[Field]) -> list[str]:
    return [f"c{index}" for index in range(len(fields))]
