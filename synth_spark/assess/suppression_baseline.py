"""What classical k-anonymisation would lose of the same records: the reason why synthetic ones are made at all.

Three ways of redaction, each at its best: counts are those before anything was taken away, although whatever is taken
away makes more combinations rare, so that a real redaction loses at least as much.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.encode import combinations
from synth_spark.kernels.arrow_codec import pack_codes, unpack_codes, unpack_ints, unpack_weights
from synth_spark.kernels.cells import Ints
from synth_spark.kernels.counting.count_differences import align
from synth_spark.kernels.risk.local_suppression import suppress_cells
from synth_spark.kernels.risk.rarity import judge
from synth_spark.plan.planner import ResolvedPlan
from synth_spark.schema.metrics import Metric

#: The ways, as reports name them.
CASES, LINKABLE_CASES, CELLS = "suppress cases", "suppress linkable cases", "suppress cells"
_WAYS = (CASES, LINKABLE_CASES, CELLS)
_REDACTED = "way int, record binary, multiplicity bigint"


def redacted(codes: DataFrame, resolved: ResolvedPlan, k: int, common: Ints) -> DataFrame:
    """What is left of the records, each way.

    1. Cases are suppressed whose record, as a whole, occurs less than k times (k-anonymity, Sweeney 2002, where all
       columns are quasi-identifiers).
    2. Cases are suppressed that hold a rare combination of up to R attributes.
    3. Cells are blanked until no record holds a rare combination of up to R attributes (local suppression), keeping
       the values of frequently filled columns first.

    Args:
        codes: one row a distinct record: ``record``, ``multiplicity``.
        resolved: the numbers of the run.
        k: below which a combination is rare.
        common: cells of combinations that at least k records share, ascending.

    Returns:
        One row a way and record that is left: ``way``, ``record``, ``multiplicity``.
    """
    space, width = resolved.cells, len(resolved.cards)
    every = np.ones(len(common), np.bool_)
    order = np.argsort(np.array(resolved.cards), kind="stable")  # few values, few rare ones

    def redact(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            records, weights = unpack_codes(batch["record"], width), unpack_weights(batch["multiplicity"])
            linked = judge(space, records, common, every).rare.any(axis=1)
            left = suppress_cells(space, records, common, order)
            kept = [(records, weights >= k), (records, ~linked), (left, np.ones(len(left), np.bool_))]
            for way, (rows, chosen) in enumerate(kept):
                arrays = [pack_codes(rows[chosen]), pa.array(weights[chosen])]
                number = pa.repeat(pa.scalar(way, pa.int32()), int(chosen.sum()))
                yield pa.RecordBatch.from_arrays([number, *arrays], names=["way", "record", "multiplicity"])

    return codes.repartition(resolved.counting_tasks).mapInArrow(redact, _REDACTED)


def losses(left: DataFrame, counts: DataFrame, resolved: ResolvedPlan, k: int, filled: int) -> list[Metric]:
    """How many cases, cells and common combinations are lost, each way.

    Args:
        left: see `redacted`, as it was kept.
        counts: of the records before, one row a bucket.
        resolved: the numbers of the run.
        k: below which a combination is rare.
        filled: cells of the records that hold a value.

    Returns:
        For each way, shares in per cent: ``lost_cases_percent``, ``lost_cells_percent``, and for each length
        ``lost_combinations_percent`` of the combinations that at least k records share and that no longer k do.
    """
    width = len(resolved.cards)

    def size(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            values = (unpack_codes(batch["record"], width) > 0).sum(axis=1) * unpack_weights(batch["multiplicity"])
            yield pa.RecordBatch.from_arrays([batch["way"], batch["multiplicity"], pa.array(values)], names=list("abc"))

    sizes = (
        left.mapInArrow(size, "a int, b bigint, c bigint")
        .groupBy("a")
        .agg(F.sum("b").alias("b"), F.sum("c").alias("c"))
    )
    by_way = {row["a"]: (row["b"], row["c"]) for row in sizes.collect()}
    metrics = []
    for way, name in enumerate(_WAYS):
        cases, cells = by_way.get(way, (0, 0))
        cases_lost, cells_lost = 1 - cases / resolved.records, 1 - cells / max(1, filled)
        metrics.append(Metric("redaction", "sensitive", "lost_cases_percent", name, None, 100 * cases_lost))
        metrics.append(Metric("redaction", "sensitive", "lost_cells_percent", name, None, 100 * cells_lost))
        rest = left.where(F.col("way") == way).drop("way")
        recounted = combinations.count(rest, resolved.cells, resolved.counting_tasks, resolved.counting_block)
        for length, (common, lost) in enumerate(_lost(counts, recounted, resolved, k), 1):
            percent = 100 * lost / common if common else 0.0
            metrics.append(Metric("redaction", "sensitive", "lost_combinations_percent", name, length, percent))
    return metrics


def _lost(before: DataFrame, after: DataFrame, resolved: ResolvedPlan, k: int) -> list[tuple[int, int]]:
    """For each length, combinations that at least k records shared, and those of them that less than k share now."""
    bounds, longest = resolved.cells.length_bounds(), resolved.length

    def compare(left: pa.Table, right: pa.Table) -> pa.Table:
        sides = [
            (unpack_ints(side["cells"][0]), unpack_ints(side["counts"][0]))
            if side.num_rows
            else (np.zeros(0, np.int64),) * 2
            for side in (left, right)
        ]
        cells, old, new = align(*sides[0], *sides[1])
        length = np.searchsorted(bounds, cells, side="right")
        common, lost = (
            np.bincount(length[flags], minlength=longest + 1) for flags in (old >= k, (old >= k) & (new < k))
        )
        return pa.table([pa.array(np.arange(longest + 1)), pa.array(common), pa.array(lost)], names=["l", "c", "n"])

    together = (
        before.groupBy("bucket").cogroup(after.groupBy("bucket")).applyInArrow(compare, "l bigint, c bigint, n bigint")
    )
    sums = {
        row["l"]: (row["c"], row["n"])
        for row in together.groupBy("l").agg(F.sum("c").alias("c"), F.sum("n").alias("n")).collect()
    }
    return [sums.get(length, (0, 0)) for length in range(1, longest + 1)]
