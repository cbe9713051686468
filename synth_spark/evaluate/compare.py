"""Comparisons on Spark: the counts of two tables meet bucket by bucket, in one pass.

What leaves a task are sums, and one figure a column tuple, pair of columns or attribute.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, GroupedData

from synth_spark.encode.protected_counts import published_counts
from synth_spark.evaluate.fidelity import Vectors, fidelity
from synth_spark.evaluate.measures import NEEDS_RARE, Sums, finish
from synth_spark.kernels.arrow_codec import pack_ints, unpack_ints
from synth_spark.kernels.cells import CellSpace, Ints
from synth_spark.kernels.counting.association import Singles, compare_pairs
from synth_spark.kernels.counting.count_differences import (
    BIN_SUMS,
    LENGTH_SUMS,
    align,
    sum_by_bin,
    sum_by_length,
    tuple_distances,
)
from synth_spark.plan.planner import ResolvedPlan
from synth_spark.schema.domain import Domain
from synth_spark.schema.metrics import COMPARISONS, PUBLIC, Metric

_PARTIAL = "comparison int, length int, count_bin bigint, measure int, value double, vector binary"
_PARTIAL_ROWS = pa.schema(
    [
        ("comparison", pa.int32()),
        ("length", pa.int32()),
        ("count_bin", pa.int64()),
        ("measure", pa.int32()),
        ("value", pa.float64()),
        ("vector", pa.binary()),
    ]
)
#: Kinds of vectors, in the place of a measure: of column tuples, of pairs of columns, of attributes.
_DISTANCES, _PAIRS, _GAPS = -1, -2, -3
_Row = tuple[int, int, int, int, float | None, bytes | None]


def single_counts(counts: DataFrame, space: CellSpace, records: int) -> Singles:
    """What a table of counts, one row a bucket, says of single attributes."""
    most = int(space.length_bounds()[1])

    def short(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for cells, values in zip(*(map(unpack_ints, batch[name]) for name in ("cells", "counts")), strict=True):
                end = int(np.searchsorted(cells, most))
                if end:
                    arrays = [pa.array(cells[:end]), pa.array(values[:end])]
                    yield pa.RecordBatch.from_arrays(arrays, names=["cell", "count"])

    singles = counts.select("cells", "counts").mapInArrow(short, "cell bigint, count bigint").toArrow()
    vector = np.zeros(most, np.int64)
    vector[singles["cell"].to_numpy()] = singles["count"].to_numpy()
    return Singles(vector, records)


def partial_sums(
    sensitive: DataFrame, synthetic: DataFrame, space: CellSpace, k: int, singles: tuple[Singles, Singles, Singles]
) -> DataFrame:
    """Sum, bucket by bucket, what the measures are made of.

    Args:
        sensitive: counts of the sensitive records, one row a bucket, beside what of them is lowered (`with_lowered`).
        synthetic: counts of the synthetic records, one row a bucket.
        space: the cells of both.
        k: privacy resolution.
        singles: single counts of sensitive, reportable and synthetic records.

    Returns:
        One row a bucket, ``comparison``, ``length``, ``count_bin`` and ``measure``, with its ``value``; indices, not
        names; count_bin 0 holds the sums by length. And one row a bucket and kind of vector, with its ``vector``.
    """
    exact_singles, reported_singles, synthetic_singles = singles
    pairs = [
        (exact_singles, reported_singles),
        (exact_singles, synthetic_singles),
        (reported_singles, synthetic_singles),
    ]

    def compare(left: pa.Table, right: pa.Table) -> pa.Table:
        cells, exact, synthetic_counts = align(*_vector(left), *_vector(right))
        reportable = np.zeros(len(cells), np.int64)
        if left.num_rows:
            reportable[np.searchsorted(cells, unpack_ints(left["cells"][0]))] = published_counts(left, 0, k)
        rows: list[_Row] = []
        for index, (source, target) in enumerate(
            [(exact, reportable), (exact, synthetic_counts), (reportable, synthetic_counts)]
        ):
            there = (source > 0) | (target > 0)  # else it would be told that combinations occur which neither has
            args = (index, space, cells[there], source[there], target[there])
            rows += [*_rows(*args, k), *_vectors(*args, pairs[index])]
        return _sums_table(rows)

    together = sensitive.groupBy("bucket").cogroup(synthetic.groupBy("bucket"))
    return together.applyInArrow(compare, _PARTIAL)


class CountedTable(NamedTuple):
    """The counts of a table, one row a bucket, and those of single attributes among them."""

    frame: DataFrame
    singles: Singles


def partial_sums_between(
    sensitive: CountedTable, reportable: CountedTable, synthetic: CountedTable, space: CellSpace, reported: int, k: int
) -> DataFrame:
    """Like `partial_sums`, where reportable counts are not the exact ones, rounded.

    Args:
        sensitive: exact counts.
        reportable: released counts.
        synthetic: counts of the synthetic records.
        space: the cells of all.
        reported: longest combination that is reported; longer ones are not compared with what is.
        k: below which a combination of the sensitive records is rare; of what is released none is.
    """
    end = int(space.length_bounds()[reported])

    def compared(
        index: int, most: int, rare_below: int, pair: tuple[Singles, Singles]
    ) -> Callable[[pa.Table, pa.Table], pa.Table]:
        def compare(left: pa.Table, right: pa.Table) -> pa.Table:
            cells, source, target = align(*_vector(left), *_vector(right))
            short = slice(int(np.searchsorted(cells, most)))
            args = (index, space, cells[short], source[short], target[short])
            return _sums_table([*_rows(*args, rare_below), *_vectors(*args, pair)])

        return compare

    def grouped(counts: DataFrame) -> GroupedData:
        return counts.select("bucket", "cells", "counts").groupBy("bucket")

    asked = [
        (sensitive, reportable, end, k),
        (sensitive, synthetic, space.size, k),
        (reportable, synthetic, end, 1),
    ]
    rows = [
        grouped(source.frame)
        .cogroup(grouped(target.frame))
        .applyInArrow(compared(index, most, rare_below, (source.singles, target.singles)), _PARTIAL)
        for index, (source, target, most, rare_below) in enumerate(asked)
    ]
    return rows[0].unionAll(rows[1]).unionAll(rows[2])


def measures(
    sums: pa.Table, resolved: ResolvedPlan, synthetic_records: int, protected: int, reported: int | None = None
) -> list[Metric]:
    """Add the sums of all buckets up and finish all measures of all comparisons.

    Args:
        sums: see `partial_sums`; some hundred rows a bucket.
        resolved: the numbers of the run.
        synthetic_records: their number.
        protected: number of records that reportable aggregates carry.
        reported: longest combination that is reported; default: R.
    """
    parts: dict[tuple[int, int, int, int], list[float]] = {}
    for row in sums.filter(pc.is_null(sums["vector"])).to_pylist():
        key = (row["comparison"], row["length"], row["count_bin"], row["measure"])
        parts.setdefault(key, []).append(row["value"])
    lengths = _lengths(resolved.length, reported)
    records = ((resolved.records, protected), (resolved.records, synthetic_records), (protected, synthetic_records))
    results: list[Metric] = []
    for index, comparison in enumerate(COMPARISONS):
        by_length = np.zeros((resolved.length, len(LENGTH_SUMS)))
        by_bin: dict[tuple[int, int], np.ndarray] = {}
        for (at, length, count_bin, measure), values in parts.items():
            if at != index:
                continue
            total = math.fsum(values)  # exactly rounded, so the order in which buckets arrive does not matter
            if count_bin == 0:
                by_length[length - 1, measure] = total
            else:
                by_bin.setdefault((length, count_bin), np.zeros(len(BIN_SUMS)))[measure] = total
        by_length[:, LENGTH_SUMS.index("tuples")] = np.diff(resolved.cells.first_tuple[1:])
        results += finish(Sums(comparison, by_length[: lengths[index]], by_bin, *records[index]))
    return exact_without_rare(results) if resolved.prunes else results


def fidelity_metrics(
    sums: pa.Table,
    resolved: ResolvedPlan,
    domain: Domain,
    singles: tuple[Singles, Singles, Singles],
    k: int,
    reported: int | None = None,
) -> list[Metric]:
    """Distances, associations and subgroups of all comparisons.

    Args:
        sums: see `partial_sums`.
        resolved: the numbers of the run.
        domain: names of columns and values.
        singles: single counts of sensitive, reportable and synthetic records.
        k: subgroups of fewer records are left out.
        reported: longest combination that is reported; default: R.
    """
    vectors = [Vectors() for _ in COMPARISONS]
    chosen = sums.filter(pc.is_valid(sums["vector"]))
    for index, length, kind, packed in zip(
        *(chosen[name] for name in ("comparison", "length", "measure", "vector")), strict=True
    ):
        _unpack(vectors[index.as_py()], length.as_py(), kind.as_py(), unpack_ints(packed))
    exact, reportable, synthetic = singles
    results: list[Metric] = []
    lengths = _lengths(resolved.length, reported)
    for index, pair in enumerate([(exact, reportable), (exact, synthetic), (reportable, synthetic)]):
        if resolved.prunes and COMPARISONS[index] != PUBLIC:
            continue  # what was not counted would be missing in the source
        space = CellSpace(resolved.cards, lengths[index])
        results += fidelity(COMPARISONS[index], vectors[index], space, domain, pair, k)
    return results


def _lengths(longest: int, reported: int | None) -> list[int]:
    """Longest combination of each comparison."""
    return [longest if index == 1 or reported is None else reported for index in range(len(COMPARISONS))]


def exact_without_rare(measures: Iterable[Metric]) -> list[Metric]:
    """The measures that are exact where no combination with an attribute rarer than k was counted.

    Neither reportable aggregates nor synthetic records hold such an attribute, so what these combinations add to a
    comparison with the sensitive records is what is suppressed, and figures of the sensitive records themselves.
    """
    return [measure for measure in measures if measure.comparison == PUBLIC or measure.measure not in NEEDS_RARE]


def occurring(sums: pa.Table) -> tuple[int, int]:
    """How many combinations occur among the sensitive records, as far as they were counted, and the synthetic ones.

    Args:
        sums: see `partial_sums`.
    """
    compared = pc.equal(sums["comparison"], COMPARISONS.index("sensitive_to_synthetic"))
    by_length = sums.filter(pc.and_(compared, pc.and_(pc.is_null(sums["vector"]), pc.equal(sums["count_bin"], 0))))
    numbers = [
        pc.sum(by_length.filter(pc.equal(by_length["measure"], LENGTH_SUMS.index(name)))["value"]).as_py()
        for name in ("source_combinations", "target_combinations")
    ]
    return int(numbers[0] or 0), int(numbers[1] or 0)


def _sums_table(rows: list[_Row]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(_PARTIAL_ROWS)
    return pa.table(
        [pa.array(part, kind.type) for part, kind in zip(columns, _PARTIAL_ROWS, strict=True)], _PARTIAL_ROWS
    )


def _vector(bucket: pa.Table) -> tuple[Ints, Ints]:
    if bucket.num_rows == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return unpack_ints(bucket["cells"][0]), unpack_ints(bucket["counts"][0])


def _rows(index: int, space: CellSpace, cells: Ints, source: Ints, target: Ints, k: int) -> list[_Row]:
    by_length = sum_by_length(space, cells, source, target, k)
    rows: list[_Row] = [
        (index, int(at) + 1, 0, int(measure), float(by_length[at, measure]), None)
        for at, measure in np.argwhere(by_length)
    ]
    for length, count_bin, sums in zip(*sum_by_bin(space, cells, source, target, k), strict=True):
        rows += [
            (index, int(length), int(count_bin), measure, float(value), None) for measure, value in enumerate(sums)
        ]
    return rows


def _vectors(
    index: int, space: CellSpace, cells: Ints, source: Ints, target: Ints, singles: tuple[Singles, Singles]
) -> list[_Row]:
    """Figures of the column tuples, pairs of columns and attributes of a bucket: floats as integers of their bits."""
    rows: list[_Row] = []

    def add(length: int, kind: int, *parts: np.ndarray) -> None:
        packed = np.concatenate([np.ascontiguousarray(part).ravel().view(np.int64) for part in parts])
        rows.append((index, length, 0, kind, None, pack_ints([packed])[0].as_py()))

    for length, (first, distances) in enumerate(tuple_distances(space, cells, source, target), 1):
        if len(first):
            add(length, _DISTANCES, first, distances)
    if space.max_length > 1:
        low, high = np.searchsorted(cells, space.length_bounds()[1:3])
        if high > low:
            part = slice(low, high)
            columns, before, after, gaps = compare_pairs(space, cells[part], source[part], target[part], *singles)
            add(2, _PAIRS, columns, before, after)
            add(2, _GAPS, gaps)
    return rows


def _unpack(vectors: Vectors, length: int, kind: int, packed: Ints) -> None:
    """Undo `_vectors`."""
    if kind == _DISTANCES:
        first, distances = np.split(packed, 2)
        vectors.distances.setdefault(length, []).append((first, distances.view(np.float64)))
    elif kind == _PAIRS:
        pairs = len(packed) // 4
        columns, before, after = np.split(packed, [2 * pairs, 3 * pairs])
        vectors.pairs.append((columns.reshape(pairs, 2), before.view(np.float64), after.view(np.float64)))
    else:
        vectors.gaps.append(packed.view(np.float64))
