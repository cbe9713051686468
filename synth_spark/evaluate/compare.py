"""Comparisons on Spark: the counts of two tables meet bucket by bucket; only sums leave a task."""

import math
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, GroupedData, SparkSession
from pyspark.sql import functions as F

from synth_spark.evaluate.measures import NEEDS_RARE, Measure, Sums, finish
from synth_spark.kernels.cells import CellSpace, Ints
from synth_spark.kernels.measures import BIN_SUMS, LENGTH_SUMS, align, sum_by_bin, sum_by_length
from synth_spark.kernels.wire import unpack_ints
from synth_spark.resolve import Resolved

#: source_to_target; the last one compares what is published alone.
COMPARISONS = ("sensitive_to_reportable", "sensitive_to_synthetic", "reportable_to_synthetic")
PUBLIC = COMPARISONS[-1]
_ROWS = pa.schema(
    [
        ("comparison", pa.string()),
        ("measure", pa.string()),
        ("length", pa.int32()),
        ("count_bin", pa.int64()),
        ("value", pa.float64()),
    ]
)
_PARTIAL = "comparison int, length int, count_bin bigint, measure int, value double"


def partial_sums(sensitive: DataFrame, synthetic: DataFrame, space: CellSpace, k: int) -> DataFrame:
    """Sum, bucket by bucket, what the measures are made of.

    Args:
        sensitive: counts of the sensitive records, one row a bucket.
        synthetic: counts of the synthetic records, one row a bucket.
        space: the cells of both.
        k: privacy resolution.

    Returns:
        One row a bucket, ``comparison``, ``length``, ``count_bin`` and ``measure``, with its ``value``; indices, not
        names; count_bin 0 holds the sums by length.
    """

    def compare(left: pa.Table, right: pa.Table) -> pa.Table:
        cells, exact, made = align(*_vector(left), *_vector(right))
        reportable = exact // k * k
        rows: list[tuple[int, int, int, int, float]] = []
        for index, (source, target) in enumerate([(exact, reportable), (exact, made), (reportable, made)]):
            rows += _rows(index, space, cells, source, target, k)
        return _sums_table(rows)

    together = sensitive.groupBy("bucket").cogroup(synthetic.groupBy("bucket"))
    return together.applyInArrow(compare, _PARTIAL)


def partial_sums_between(
    sensitive: DataFrame, reportable: DataFrame, synthetic: DataFrame, space: CellSpace, reported: int
) -> DataFrame:
    """Like `partial_sums`, where reportable counts are not the exact ones, rounded.

    Args:
        sensitive: exact counts, one row a bucket.
        reportable: released counts, one row a bucket.
        synthetic: counts of the synthetic records, one row a bucket.
        space: the cells of all.
        reported: longest combination that is reported; longer ones are not compared with what is.
    """
    end = int(space.length_bounds()[reported])

    def compared(index: int, most: int) -> Callable[[pa.Table, pa.Table], pa.Table]:
        def compare(left: pa.Table, right: pa.Table) -> pa.Table:
            cells, source, target = align(*_vector(left), *_vector(right))
            short = int(np.searchsorted(cells, most))
            return _sums_table(_rows(index, space, cells[:short], source[:short], target[:short], 1))

        return compare

    def grouped(counts: DataFrame) -> GroupedData:
        return counts.select("bucket", "cells", "counts").groupBy("bucket")

    pairs = [(sensitive, reportable, end), (sensitive, synthetic, space.size), (reportable, synthetic, end)]
    found = [
        grouped(source).cogroup(grouped(target)).applyInArrow(compared(index, most), _PARTIAL)
        for index, (source, target, most) in enumerate(pairs)
    ]
    return found[0].unionAll(found[1]).unionAll(found[2])


def measures(
    sums: DataFrame, resolved: Resolved, synthetic_records: int, protected: int, reported: int | None = None
) -> list[Measure]:
    """Collect the sums (some hundred a bucket), add them up and finish all measures of all comparisons.

    Args:
        sums: see `partial_sums`.
        resolved: the numbers of the run.
        synthetic_records: their number.
        protected: number of records that reportable aggregates carry.
        reported: longest combination that is reported; default: R.
    """
    parts: dict[tuple[int, int, int, int], list[float]] = {}
    for *key, value in sums.collect():
        parts.setdefault((key[0], key[1], key[2], key[3]), []).append(value)
    lengths = [resolved.length if index == 1 or reported is None else reported for index in range(len(COMPARISONS))]
    records = ((resolved.records, protected), (resolved.records, synthetic_records), (protected, synthetic_records))
    found: list[Measure] = []
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
        found += finish(Sums(comparison, by_length[: lengths[index]], by_bin, *records[index]))
    return known(found) if resolved.prunes else found


def known(found: Iterable[Measure]) -> list[Measure]:
    """The measures that are exact where no combination with an attribute rarer than k was counted.

    Neither reportable aggregates nor synthetic records hold such an attribute, so what these combinations add to a
    comparison with the sensitive records is what is suppressed, and figures of the sensitive records themselves.
    """
    return [measure for measure in found if measure.comparison == PUBLIC or measure.measure not in NEEDS_RARE]


def evaluation(spark: SparkSession, found: Iterable[Measure]) -> DataFrame:
    """Measures as a table, one row each."""
    return spark.createDataFrame(pa.Table.from_pylist([vars(measure) for measure in found], _ROWS)).coalesce(1)


def overall(table: DataFrame, comparison: str) -> pd.DataFrame:
    """The measures of one comparison over all lengths and bins: ``measure``, ``value``."""
    chosen = table.where((F.col("comparison") == comparison) & F.col("length").isNull() & F.col("count_bin").isNull())
    return chosen.select("measure", "value").toPandas()


def _sums_table(rows: list[tuple[int, int, int, int, float]]) -> pa.Table:
    names, types = (
        ["comparison", "length", "count_bin", "measure", "value"],
        [pa.int32(), pa.int32(), pa.int64(), pa.int32()],
    )
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    kinds = [*types, pa.float64()]
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)], names=names)


def _vector(bucket: pa.Table) -> tuple[Ints, Ints]:
    if bucket.num_rows == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return unpack_ints(bucket["cells"][0]), unpack_ints(bucket["counts"][0])


def _rows(
    index: int, space: CellSpace, cells: Ints, source: Ints, target: Ints, k: int
) -> list[tuple[int, int, int, int, float]]:
    by_length = sum_by_length(space, cells, source, target, k)
    rows = [
        (index, int(at) + 1, 0, int(measure), float(by_length[at, measure])) for at, measure in np.argwhere(by_length)
    ]
    for length, count_bin, sums in zip(*sum_by_bin(space, cells, source, target, k), strict=True):
        rows += [(index, int(length), int(count_bin), measure, float(value)) for measure, value in enumerate(sums)]
    return rows
