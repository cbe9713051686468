"""A look at an input before a release: what is in it, who could be linked, and a plan to start from. SENSITIVE.

It reads the input as a run would, counts combinations, and looks for rare ones in a sample of the records.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import yaml
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark import read
from synth_spark.encode import codes as encode
from synth_spark.encode import combinations
from synth_spark.errors import InputError
from synth_spark.kernels.arrow_codec import pack_ints, unpack_codes, unpack_ints, unpack_weights
from synth_spark.kernels.cells import Ints, starts_of
from synth_spark.kernels.risk.linkage import rare_records
from synth_spark.pipeline.run import Run
from synth_spark.plan.planner import ResolvedPlan, resolve
from synth_spark.schema import tables
from synth_spark.schema.domain import MAX_SEVERAL, MAX_VALUES, Domain, build
from synth_spark.schema.fields import Field

#: Most distinct records that are searched for rare combinations; those with the smallest hashes are.
_SEARCHED, _TASKS = 100_000, 4
#: Excess of possible over typical combinations above which a table is hard to synthesize.
_EXCESS = 5.0
#: What looks like a number, a date, several values; and how many values must.
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
_MOST, _SOME, _MANY = 0.95, 0.05, 20
_LISTED = 20

Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ColumnProfile:
    """The profile of one column.

    Attributes:
        field: the column.
        kind: identifier, free text, number, date, several values, flag, list or category.
        values: number of its values; estimated for identifiers and free text.
        common: how many of them at least k records have.
        empty: share of records without one.
        linkable: mean over its values of the share of their records that hold a rare combination with it; None if it
            was left out.
    """

    field: Field
    kind: str
    values: int
    common: int
    empty: float
    linkable: float | None


@dataclass(frozen=True)
class Inspection:
    """The profile of an input.

    Attributes:
        records: number of records.
        searched: number of records that were searched for rare combinations.
        k: below which a combination is rare.
        columns: of the input.
        rare: share of the searched records with a rare combination of each length, from 1.
        linkable: share with any.
        attributes: (column, value, share of its records that a rare combination with it links), highest first.
        possible: possible combinations of one value of every column, for each record.
        typical: 2 to the power of the mean number of values of a record.
    """

    records: int
    searched: int
    k: int
    columns: tuple[ColumnProfile, ...]
    rare: tuple[float, ...]
    linkable: float
    attributes: tuple[tuple[str, str, float], ...]
    possible: float
    typical: float


def inspect(run: Run) -> Inspection:
    """Look at the input of a run's plan; what is read and counted is kept in the run's folder.

    Raises:
        PlanError, InputError, ResourceError: as a run would.
    """
    opened = read.open_records(run.spark, run.plan.input, run.plan.privacy.k)
    try:
        records = run.keep(tables.RECORDS, opened.frame).frame
    except Exception as error:  # as in a run
        raise read.explain_failure(error, opened.examination) or error from None
    opened.examination.check()
    sizes = read.sizes(opened)
    left_out = {field.name: why for field in opened.fields if (why := _why_left_out(sizes, field))}
    used = [(index, field) for index, field in enumerate(opened.fields) if field.name not in left_out]
    if not used:
        raise InputError("input", "has identifiers and free text alone", "add columns that records share values of")
    records = records.select(*(f"c{index}" for index, _ in used))
    domain = _domain(run, records, [field for _, field in used], sizes.records)
    codes = run.keep(tables.CODES, encode.codes(records, domain, sizes.records))
    plan = resolve(run.plan, tuple(domain.names), domain.cards, sizes.records, codes.rows, domain.filled)
    common_values = domain.common(plan.k) if plan.prunes else None
    counted = combinations.count(codes.frame, plan.cells, plan.counting_tasks, plan.counting_block, common_values)
    common, _ = combinations.recurring(run.keep(tables.COUNTS, counted).frame, plan.k, plan.k)
    searched = _search(codes.frame, plan, common)
    return Inspection(
        records=sizes.records,
        searched=searched.records,
        k=plan.k,
        columns=tuple(_columns(opened.fields, domain, sizes, left_out, searched, plan.k)),
        rare=tuple(searched.rare / searched.records),
        linkable=searched.any_rare / searched.records,
        attributes=_attributes(domain, searched.shares, searched.weights),
        possible=math.prod(float(max(1, card)) for card in domain.cards) / sizes.records,
        typical=2.0 ** (sum(sum(column.counts) for column in domain.columns) / sizes.records),
    )


def report_text(run_id: str, inspection: Inspection) -> str:
    """The profile, as tables (Markdown)."""
    about = "" if inspection.searched == inspection.records else f", estimated from {inspection.searched:,} of them"
    lines = [
        f"# A look at the input of {run_id}",
        "",
        "SENSITIVE: exact counts and rare values. It stays in the run folder.",
        "",
        f"{inspection.records:,} records; {inspection.linkable:.1%} of them hold a combination of up to "
        f"{len(inspection.rare)} attributes that fewer than {inspection.k} records share{about}.",
        "",
        "| length | records with a rare combination |",
        "|---:|---:|",
        *(f"| {length} | {share:.1%} |" for length, share in enumerate(inspection.rare, 1)),
        "",
        "| column | kind | values | of them common | empty | linkable |",
        "|---|---|---:|---:|---:|---:|",
        *(_row(column) for column in sorted(inspection.columns, key=lambda column: -(column.linkable or 0))),
        "",
        "Linkable: the share of records with a value that a rare combination with it links, on average over values.",
        "",
        f"| the {len(inspection.attributes[:_LISTED])} most linkable attributes | of their records |",
        "|---|---:|",
        *(f"| {_cell(name)}: {_cell(value)} | {share:.1%} |" for name, value, share in inspection.attributes[:_LISTED]),
        "",
        f"Synthesizability: {inspection.possible:,.1f} possible combinations a record, {inspection.typical:,.1f} in a "
        f"typical record: {inspection.possible / inspection.typical:,.1f} times. "
        + ("Well suited." if inspection.possible <= _EXCESS * inspection.typical else _ADVICE),
        "",
    ]
    return "\n".join(lines)


def proposed_plan(run: Run, inspection: Inspection) -> str:
    """A plan to start from (YAML): the one that was given, with what the columns suggest."""
    content: dict[str, Any] = run.plan.model_dump(mode="json", exclude_defaults=True, exclude={"run_id", "seed"})
    given = content.setdefault("input", {})
    kinds = {column.field.name: column.kind for column in inspection.columns}
    if any(kind in _LEFT_OUT for kind in kinds.values()):
        given["columns"] = [name for name, kind in kinds.items() if kind not in _LEFT_OUT]
    for key, kind, value in (("numbers", "number", {"quantiles": 8}), ("dates", "date", "month")):
        chosen = {name: value for name, its_kind in kinds.items() if its_kind == kind}
        if chosen:
            given[key] = {**chosen, **given.get(key, {})}
    several = {name: kind[-1] for name, kind in kinds.items() if kind.startswith("several values, ")}
    if several:
        given["multi_values"] = {**several, **given.get("multi_values", {})}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


#: Kinds of columns that nothing could be released of.
_LEFT_OUT = ("identifier", "free text")
_ADVICE = "More than 5 times: make values coarser, or leave out the most linkable columns."


@dataclass(frozen=True)
class _Search:
    """Results of the search for rare combinations.

    Attributes:
        records: that were searched.
        rare: of them, those with a rare combination of each length.
        any_rare: of them, those with any.
        linked: for each attribute, those where a rare combination contains it.
        weights: for each attribute, those that hold it.
    """

    records: int
    rare: Ints
    any_rare: int
    linked: Ints
    weights: Ints

    @property
    def shares(self) -> Shares:
        """For each attribute, the share of its records where a rare combination contains it."""
        return self.linked / np.maximum(self.weights, 1)


def _search(codes: DataFrame, plan: ResolvedPlan, common: Ints) -> _Search:
    """Search the records with the smallest hashes."""
    width, space = len(plan.cards), plan.cells
    starts = starts_of(np.array(plan.cards, np.int64))

    def look(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            records, weights = unpack_codes(batch["record"], width), unpack_weights(batch["multiplicity"])
            linked, attributes = rare_records(space, records, weights, common)
            rows, columns = np.nonzero(records)
            held = np.bincount(starts[columns] + records[rows, columns] - 1, weights[rows], int(starts[-1]))
            totals = np.array([weights.sum(), weights @ linked.any(axis=1), *(weights @ linked)])
            arrays = [pack_ints([part.astype(np.int64)]) for part in (totals, attributes, held)]
            yield pa.RecordBatch.from_arrays(arrays, names=["totals", "linked", "held"])

    sample = codes.orderBy(F.xxhash64("record"), "record").limit(_SEARCHED).repartition(_TASKS, "record")
    rows = sample.mapInArrow(look, "totals binary, linked binary, held binary").toArrow()
    totals, linked, held = (np.sum([unpack_ints(value) for value in rows[name]], axis=0) for name in rows.column_names)
    return _Search(int(totals[0]), totals[2:], int(totals[1]), linked, held)


def _domain(run: Run, records: DataFrame, fields: list[Field], number: int) -> Domain:
    """The domain of the columns that are looked at; every value of several gets a column, unless there are too many."""
    attributes = run.keep(tables.DOMAIN, encode.marginals(records, fields))
    encode.check_size(attributes.rows)
    marginals = attributes.frame.toArrow()
    encode.check_text(marginals, fields)
    sizes = np.bincount(marginals["column"].to_numpy(), minlength=len(fields))
    few = all(size <= MAX_SEVERAL for field, size in zip(fields, sizes, strict=True) if field.many)
    return build(fields, marginals, number, 1 if few else run.plan.privacy.k)


def _why_left_out(sizes: read.Sizes, field: Field) -> str | None:
    """The kind of a column that nothing could be released of; None for others."""
    distinct, filled = sizes.distinct.get(field.name, 0), sizes.filled.get(field.name, 0)
    if read.is_identifier(distinct, filled):
        return "identifier"
    return "free text" if distinct > MAX_VALUES // 2 else None


def _columns(
    fields: tuple[Field, ...], domain: Domain, sizes: read.Sizes, left_out: dict[str, str], search: _Search, k: int
) -> Iterator[ColumnProfile]:
    """What each column seems to hold."""
    shares, weights = search.shares, search.weights
    starts = starts_of(np.array(domain.cards, np.int64))
    place = {name: index for index, name in enumerate(domain.names)}
    for field in fields:
        empty = 1 - sizes.filled.get(field.name, 0) / sizes.records
        if field.name in left_out:
            yield ColumnProfile(field, left_out[field.name], sizes.distinct.get(field.name, 0), 0, empty, None)
            continue
        low, high = domain.bounds[place[field.name] : place[field.name] + 2]
        part = slice(starts[low], starts[high])
        held = weights[part] > 0
        counts = [count for column in domain.columns[low:high] for count in column.counts]
        values = [value for column in domain.columns[low:high] for value in column.values]
        common = sum(count >= k for count in counts)
        linkable = float(shares[part][held].mean()) if held.any() else 0.0
        yield ColumnProfile(field, _kind(field, values, counts), len(values), common, empty, linkable)


def _attributes(domain: Domain, shares: Shares, weights: Ints) -> tuple[tuple[str, str, float], ...]:
    names = [(column.name, value) for column in domain.columns for value in column.values]
    ranked = [(*names[at], float(shares[at])) for at in np.argsort(-shares, kind="stable") if weights[at] > 0]
    return tuple(ranked[: 5 * _LISTED])


def _kind(field: Field, values: list[str], counts: list[int]) -> str:
    """What a column seems to hold, by its values weighed by their counts."""
    total = max(1, sum(counts))

    def share(pattern: re.Pattern[str]) -> float:
        return sum(count for value, count in zip(values, counts, strict=True) if pattern.fullmatch(value)) / total

    if field.many:
        return "list"
    if len(values) <= 2 and set(values) <= {"0", "1", "true", "false"}:
        return "flag"
    if len(values) > _MANY and share(_NUMBER) >= _MOST:
        return "number"
    if len(values) > _MANY and share(_DATE) >= _MOST:
        return "date"
    for delimiter in (";", "|"):
        joined = [value for value in values if delimiter in value]
        pieces = {piece for value in joined for piece in value.split(delimiter)}
        held = sum(count for value, count in zip(values, counts, strict=True) if delimiter in value)
        if held >= _SOME * total and len(pieces & set(values)) >= len(pieces) / 2:
            return f"several values, {delimiter}"
    return "category"


def _row(column: ColumnProfile) -> str:
    linkable = "left out" if column.linkable is None else f"{column.linkable:.1%}"
    numbers = f"{column.values:,} | {column.common:,} | {column.empty:.1%}"
    return f"| {_cell(column.field.name)} | {_cell(column.kind)} | {numbers} | {linkable} |"


def _cell(text: str) -> str:
    """Text that does not break a table."""
    return text.replace("|", "\\|").replace("\n", " ").replace("\r", " ")
