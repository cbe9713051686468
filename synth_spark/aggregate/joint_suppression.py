"""Suppression of what published counts would prove together; see `docs/joint-suppression.md`.

Counts are lowered by further multiples of k, some to nothing, in rounds (`kernels.deduction`). The counts of up to
millions of combinations are looked at in one task. Of more, each round is shared by several tasks, which look at a part
of the groups each; as a round is the same either way, so is what is lowered.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.encode.combinations import bucket_bounds, bucketed
from synth_spark.encode.protected_counts import published_counts, published_lattice
from synth_spark.errors import EngineError
from synth_spark.kernels.arrow_codec import pack_ints, unpack_ints
from synth_spark.kernels.cells import Ints
from synth_spark.kernels.deduction.lowering import lowered_units, one_round
from synth_spark.plan.planner import ResolvedPlan

#: Combinations, at most, that one task looks at by itself.
MOST_ALONE = 5_000_000
_LOWERED, _STATE = "bucket int, cells binary, counts binary", "cells binary, units binary, total bigint"
_SUMS = ["lowered", "withheld", "lost", "published"]
Keep = Callable[[DataFrame], DataFrame]


def lowered_counts(
    counts: DataFrame, resolved: ResolvedPlan, keep: Keep, rounds: int, shares: int | None = None
) -> DataFrame:
    """Find the published counts that are lowered.

    Args:
        counts: exact counts, one row a bucket (see `combinations.count`).
        resolved: k, the number of records and the numbering of cells.
        keep: keeps what the rounds so far have lowered, and reads it back.
        rounds: how often it can, at most: once a round that tasks share.
        shares: number of tasks; default: by the size of the table.

    Returns:
        One row a bucket of which a count is lowered: ``bucket``, ``cells`` (ascending), and by how many records, a
        multiple of k, ``counts``.

    Raises:
        EngineError: rounds did not end.
    """
    exact = counts.select("cells", "counts")
    shares = shares or math.ceil(resolved.combinations / MOST_ALONE)
    if shares <= 1:
        return exact.groupBy().applyInArrow(lambda table: _all_rounds(table, resolved), _LOWERED)
    state, total = exact.where("false").selectExpr("cells", "counts AS units", "0L AS total"), 0
    every_share = F.explode(F.sequence(F.lit(0), F.lit(shares - 1))).alias("share")
    for _ in range(rounds):
        left, right = (frame.select("*", every_share).groupBy("share") for frame in (exact, state))
        proposed = left.cogroup(right).applyInArrow(
            lambda table, so_far: _one_round(table, so_far, resolved, shares), _STATE
        )
        state = keep(proposed.groupBy().applyInArrow(_merged, _STATE))
        before, total = total, state.agg(F.max("total")).collect()[0][0] or 0
        if total == before:
            return state.mapInArrow(lambda batches: (_by_bucket(*_state(one), resolved) for one in batches), _LOWERED)
    problem = f"went on for more than {rounds} rounds: so many counts prove too much together"
    raise EngineError("suppression", problem, "lower reporting_length, or raise privacy.k")


def lowered_sums(counts: DataFrame, k: int) -> dict[str, int]:
    """How much is published less than rounding alone would have left. SENSITIVE: for those who sign the release.

    Args:
        counts: exact counts, beside what of them is lowered (`encode.protected_counts.with_lowered`).
        k: privacy resolution.

    Returns:
        ``lowered``: how many counts; ``withheld``: how many of them are not published for that reason; ``lost``: the
        sum of what they were lowered by; ``published``: the sum of all published counts.
    """

    def add(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            sums = np.zeros(len(_SUMS), np.int64)
            for row in range(batch.num_rows):
                published = published_counts(batch, row, k)
                sums[-1] += published.sum()
                if batch["lowered_cells"][row].is_valid:
                    cells, less = (unpack_ints(batch[name][row]) for name in ("lowered_cells", "lowered_counts"))
                    left = published[np.searchsorted(unpack_ints(batch["cells"][row]), cells)]
                    sums[:-1] += len(cells), (left == 0).sum(), less.sum()
            yield pa.RecordBatch.from_arrays([pa.array([number]) for number in sums], names=_SUMS)

    added = counts.mapInArrow(add, ", ".join(f"{name} bigint" for name in _SUMS))
    found = added.agg(*(F.sum(name).alias(name) for name in _SUMS)).collect()[0]
    return {name: found[name] or 0 for name in _SUMS}


def _all_rounds(table: pa.Table, resolved: ResolvedPlan) -> pa.Table:
    lattice, cells = published_lattice(table, resolved)
    units = lowered_units(lattice, resolved.k)
    return pa.Table.from_batches([_by_bucket(cells[units > 0], units[units > 0], resolved)])


def _one_round(table: pa.Table, so_far: pa.Table, resolved: ResolvedPlan, shares: int) -> pa.Table:
    """What a share would lower in the state so far, and that state."""
    lattice, cells = published_lattice(table, resolved)
    before = np.zeros(len(cells) + 1, np.int64)
    for batch in so_far.to_batches():
        lowered_cells, units = _state(batch)
        before[np.searchsorted(cells, lowered_cells)] = units
    lattice.units[:] -= before
    lowered = before + one_round(lattice, resolved.k, table["share"][0].as_py(), shares)
    there = np.flatnonzero(lowered)
    return _packed(cells[there], lowered[there])


def _merged(table: pa.Table) -> pa.Table:
    """Of what shares would lower, the most for each cell."""
    parts = [_state(batch) for batch in table.to_batches()]
    cells, units = (np.concatenate([np.zeros(0, np.int64), *some]) for some in zip(*parts, strict=True))
    order = np.lexsort((units, cells))
    last = np.append(np.diff(cells[order]) > 0, np.ones(min(1, len(order)), bool))
    return _packed(cells[order][last], units[order][last])


def _state(batch: pa.RecordBatch) -> tuple[Ints, Ints]:
    """Cells and units of some rows of vectors."""
    vectors = [np.concatenate([np.zeros(0, np.int64), *map(unpack_ints, batch[name])]) for name in ("cells", "units")]
    return vectors[0], vectors[1]


def _packed(cells: Ints, units: Ints) -> pa.Table:
    arrays = [pack_ints([cells]), pack_ints([units]), pa.array([int(units.sum())])]
    return pa.table(arrays, names=["cells", "units", "total"])


def _by_bucket(cells: Ints, units: Ints, resolved: ResolvedPlan) -> pa.RecordBatch:
    return bucketed(cells, units * resolved.k, bucket_bounds(resolved.cells))
