"""Who could be linked: records with unique or rare combinations. On all records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from synth_spark.encode import combinations
from synth_spark.kernels.arrow_codec import pack_ints, unpack_codes, unpack_ints, unpack_weights
from synth_spark.kernels.cells import Ints, starts_of
from synth_spark.kernels.risk.rarity import Judged, judge
from synth_spark.plan.planner import ResolvedPlan
from synth_spark.schema.domain import Domain
from synth_spark.schema.metrics import Metric

#: Most combinations that every task is sent, 9 bytes each.
MOST_SENT = 1 << 24
#: Combinations of which the common ones are looked at on the driver.
_MOST_COLLECTED = 1 << 30
_LISTED = 20


@dataclass(frozen=True)
class Linked:
    """How many records could be linked.

    Attributes:
        unique: (R,) records whose shortest unique combination has each length; None where uniques are not known.
        rare: (R,) records without a unique combination whose shortest rare one has each length.
        any_unique: records with a unique combination; None where not known.
        any_rare: records with a rare combination, unique ones included.
        by_attribute: (Σ cards,) records in which a rare combination contains each attribute.
        by_field: for each field, records in which a unique combination contains a value of it.
    """

    unique: Ints | None
    rare: Ints
    any_unique: int | None
    any_rare: int
    by_attribute: Ints
    by_field: Ints


@dataclass(frozen=True)
class CodedTable:
    """A table whose combinations were counted.

    Attributes:
        codes: one row a distinct record: ``record``, ``multiplicity``.
        counts: of its combinations, one row a bucket.
        occurring: how many combinations were counted.
        pruned: whether those with an attribute rarer than k were not.
    """

    codes: DataFrame
    counts: DataFrame
    occurring: int
    pruned: bool = False


def search(counted: CodedTable, resolved: ResolvedPlan, k: int, bounds: Sequence[int]) -> Linked | None:
    """Search every record for unique and rare combinations.

    Args:
        counted: the records, and their combinations.
        resolved: the numbers of the run.
        k: below which a combination is rare.
        bounds: the first column of each field, and the number of columns.

    Returns:
        What the search counted; None where more combinations are common than a task should be sent.
    """
    whole = not counted.pruned and counted.occurring <= MOST_SENT
    if not whole and counted.occurring > _MOST_COLLECTED:
        return None
    recurring, common = combinations.recurring(counted.counts, 2 if whole else k, k)
    if len(recurring) > MOST_SENT:
        return None
    space, starts = resolved.cells, starts_of(np.array(resolved.cards, np.int64))

    def look(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            records, weights = unpack_codes(batch["record"], len(space.cards)), unpack_weights(batch["multiplicity"])
            totals = totals_of(judge(space, records, recurring, common), records, weights, starts, bounds)
            yield pa.RecordBatch.from_arrays([pack_ints([totals])], names=["totals"])

    rows = counted.codes.repartition(resolved.counting_tasks).mapInArrow(look, "totals binary").toArrow()
    longest, attributes = space.max_length, int(starts[-1])
    nothing = np.zeros(2 * longest + 2 + attributes + len(bounds) - 1, np.int64)
    totals = np.sum([nothing, *map(unpack_ints, rows["totals"])], axis=0)
    return linked_of(totals, longest, attributes, whole)


def common_cells(counts: DataFrame, k: int, occurring: int) -> Ints | None:
    """Cells of the combinations that at least k records share, ascending; None where they are too many to be sent.

    Args:
        counts: one row a bucket.
        k: privacy resolution.
        occurring: number of combinations that were counted.
    """
    if occurring > _MOST_COLLECTED:
        return None
    cells, _ = combinations.recurring(counts, k, k)
    return cells if len(cells) <= MOST_SENT else None


def totals_of(judged: Judged, records: np.ndarray, weights: Ints, starts: Ints, bounds: Sequence[int]) -> Ints:
    """What judged records add to a `Linked`: its attributes, one after the other; additive over disjoint records."""
    any_unique = np.asarray(judged.unique.any(axis=1))
    any_rare = np.asarray(judged.rare.any(axis=1))
    first = [_shortest(flags) for flags in (judged.unique, judged.rare & ~any_unique[:, None])]
    rows, columns = np.nonzero(judged.in_rare)
    attributes = starts[columns] + records[rows, columns] - 1
    by_attribute = np.bincount(attributes, weights[rows], int(starts[-1]))
    by_field = [weights @ judged.in_unique[:, low:high].any(axis=1) for low, high in pairwise(bounds)]
    parts = [*(weights @ flags for flags in first), [weights @ any_unique, weights @ any_rare], by_attribute, by_field]
    return np.concatenate(parts).astype(np.int64)


def _shortest(flags: np.ndarray) -> np.ndarray:
    """The first flag of every row alone."""
    first: np.ndarray = flags & (np.cumsum(flags, axis=1) == 1)
    return first


def linked_of(totals: Ints, longest: int, attributes: int, whole: bool) -> Linked:
    """The sums of `totals_of` by name; ``whole``: whether unique combinations are known from rare ones."""
    unique, rare, some, by_attribute, by_field = np.split(totals, np.cumsum([longest, longest, 2, attributes]).tolist())
    if whole:
        return Linked(unique, rare, int(some[0]), int(some[1]), by_attribute, by_field)
    return Linked(None, rare + unique, None, int(some[1]), by_attribute, by_field)  # what is not known looks unique


def risk_table(linked: Linked, records: int, k: int, protect: bool, table: str = "sensitive") -> list[Metric]:
    """Linkable records by the length of the shortest combination that links them.

    Args:
        linked: what `search` returned.
        records: number of records n.
        k: privacy resolution.
        protect: whether every number is rounded down to a multiple of k; the table is called protected then.
        table: whose records: sensitive or synthetic.
    """
    rounding, table = (k, "protected") if protect else (1, table)
    total = records // rounding * rounding
    metrics: list[Metric] = []
    sums: dict[str, int] = {}
    for length in range(1, len(linked.rare) + 1):
        rare = int(linked.rare[length - 1]) // rounding * rounding
        numbers = {"rare": rare}
        if linked.unique is not None:
            numbers["unique"] = int(linked.unique[length - 1]) // rounding * rounding
        numbers["risky"] = sum(numbers.values())
        for name, number in numbers.items():
            sums[name] = sums.get(name, 0) + number
            metrics += _number(table, f"{name}_records", None, length, number, total)
    for name, number in sums.items():
        metrics += _number(table, f"{name}_records", None, None, number, total)
    return metrics


def linkable(linked: Linked, domain: Domain, held: Ints, records: int, table: str = "sensitive") -> list[Metric]:
    """Records with rare and with unique combinations, and the columns and attributes that link most.

    Args:
        linked: what `search` returned.
        domain: names of columns and values.
        held: (Σ cards,) exact count of every attribute.
        records: number of records n.
        table: whose records: sensitive or synthetic.
    """
    metrics = _number(table, "records_with_rare", None, None, linked.any_rare, records)
    if linked.any_unique is not None:
        metrics += _number(table, "records_with_unique", None, None, linked.any_unique, records)
    percent = 100 * linked.by_attribute / np.maximum(1, held)
    names = [(column.name, value) for column in domain.columns for value in column.values]
    for field in domain.names:
        of_field = [percent[at] for at, (name, _) in enumerate(names) if name == field and linked.by_attribute[at]]
        if of_field:  # attributes without a rare combination are left out of the mean, as in SDS
            value = float(np.mean(of_field))
            metrics.append(Metric("risk", table, "linkable_percent_by_column", field, None, value))
    if linked.unique is not None:
        for field, number in zip(domain.names, linked.by_field.tolist(), strict=True):
            metrics.append(Metric("risk", table, "records_with_unique_by_column", field, None, float(number)))
    for at in np.argsort(-percent, kind="stable")[:_LISTED]:
        if linked.by_attribute[at]:
            about = ": ".join(names[at])
            metrics.append(Metric("risk", table, "linkable_percent", about, None, float(percent[at])))
    return metrics


def _number(table: str, name: str, about: str | None, length: int | None, number: int, total: int) -> list[Metric]:
    """A number of records, and its share of all in per cent."""
    share = 100 * number / total if total else 0.0
    return [
        Metric("risk", table, name, about, length, float(number)),
        Metric("risk", table, f"{name}_percent", about, length, share),
    ]
