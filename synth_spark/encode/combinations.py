"""Distributed counting of combinations, shared by aggregation and evaluation.

Every task counts the combinations of its records, block by block, and ships, for each bucket of column tuples, one
row (or a few, where it would have to hold too many) with two vectors: the cells that occur and their counts. One small
shuffle brings the vectors of a bucket together, where they are added. Counts are additive, so neither partitions nor
retries matter.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame

from synth_spark.kernels.arrow_codec import pack_ints, unpack_codes, unpack_ints, unpack_weights
from synth_spark.kernels.cells import CellSpace, Ints, add_counts
from synth_spark.kernels.counting.count import count_combinations
from synth_spark.kernels.counting.domain_remap import Renumbering

SCHEMA = "bucket int, cells binary, counts binary"
_NAMES = ["bucket", "cells", "counts"]
#: Cells that a task holds before it ships them (16 bytes each).
_HELD = 1 << 24
#: Most buckets of column tuples.
_BUCKETS = 64


def count(codes: DataFrame, space: CellSpace, tasks: int, block: int, common: Ints | None = None) -> DataFrame:
    """Count every combination of length 1…R of a table.

    Args:
        codes: one row a distinct record: ``record``, ``multiplicity``.
        space: the cells to count in.
        tasks: number of counting tasks.
        block: records that a task counts at once.
        common: if given, combinations with an attribute above these codes are not counted (see `count_combinations`).

    Returns:
        One row a bucket: ``bucket``, ``cells`` (ascending), ``counts``, both vectors of 64-bit integers.
    """
    return added(partial(codes, space, tasks, block, common))


def partial(
    codes: DataFrame, space: CellSpace, tasks: int, block: int, common: Ints | None = None, sign: int = 1
) -> DataFrame:
    """What each task counts by itself, to be `added`; arguments as of `count`.

    Args:
        codes: see `count`.
        space: see `count`.
        tasks: see `count`.
        block: see `count`.
        common: see `count`.
        sign: −1 to take the counts away.

    Returns:
        Rows of buckets: ``bucket``, ``cells`` (ascending), ``counts``.
    """
    bounds = bucket_bounds(space)
    columns = len(space.cards)

    def count_block(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        cells, counts = np.zeros(0, np.int64), np.zeros(0, np.int64)
        for records in _blocks(batches, block):
            record_codes = unpack_codes(records["record"], columns)
            weights = unpack_weights(records["multiplicity"])
            more_cells, more_counts = count_combinations(space, record_codes, weights, common)
            cells, counts = add_counts(np.concatenate([cells, more_cells]), np.concatenate([counts, more_counts]))
            if cells.size > _HELD:
                yield from _by_bucket(cells, sign * counts, bounds)
                cells, counts = cells[:0], counts[:0]
        yield from _by_bucket(cells, sign * counts, bounds)

    return codes.repartition(tasks).mapInArrow(count_block, SCHEMA)


def added(counts: DataFrame) -> DataFrame:
    """Add counts up, bucket by bucket; cells whose counts add up to nothing are gone.

    Args:
        counts: rows of counted buckets: ``bucket``, ``cells`` (in any order), ``counts`` (of either sign).

    Returns:
        See `count`; a bucket without cells has no row.
    """

    def add_bucket(table: pa.Table) -> pa.Table:
        cells = np.concatenate([unpack_ints(value) for value in table["cells"]])
        counts = np.concatenate([unpack_ints(value) for value in table["counts"]])
        cells, counts = add_counts(cells, counts)
        there = counts != 0
        packed = [pack_ints([cells[there]]), pack_ints([counts[there]])]
        return pa.table([table["bucket"].slice(0, 1), *packed], names=_NAMES).slice(0, int(there.any()))

    return counts.groupBy("bucket").applyInArrow(add_bucket, SCHEMA)


def renumbered(counts: DataFrame, moves: Renumbering, longest: int) -> DataFrame:
    """Counts over an old domain as counts over a later one, to be `added`.

    Args:
        counts: one row a bucket; see `count`.
        moves: where the old attributes are now.
        longest: longest combination that was counted.

    Returns:
        Rows of buckets of the later domain: ``bucket``, ``cells`` (ascending), ``counts``.
    """
    bounds = bucket_bounds(CellSpace(moves.new, longest))

    def move(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for packed_cells, number in zip(batch["cells"], batch["counts"], strict=True):
                cells = moves.cells(unpack_ints(packed_cells), longest)
                order = np.argsort(cells)
                yield from _by_bucket(cells[order], unpack_ints(number)[order], bounds)

    return counts.select("cells", "counts").mapInArrow(move, SCHEMA)


def recurring(counts: DataFrame, least: int, k: int) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """The combinations that occur at least so many times, collected: cells, 9 bytes each.

    Args:
        counts: one row a bucket.
        least: fewest occurrences.
        k: privacy resolution.

    Returns:
        (cells, common): ascending, and for each whether it occurs at least k times.
    """

    def keep(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for packed_cells, number in zip(batch["cells"], batch["counts"], strict=True):
                cells, occurrences = unpack_ints(packed_cells), unpack_ints(number)
                chosen = occurrences >= least
                signed = np.where(occurrences[chosen] >= k, cells[chosen], -1 - cells[chosen])
                yield pa.RecordBatch.from_arrays([pack_ints([signed])], names=["cells"])

    packed = counts.select("cells", "counts").mapInArrow(keep, "cells binary").toArrow()
    signed = np.concatenate([np.zeros(0, np.int64), *(unpack_ints(value) for value in packed["cells"])])
    cells = np.where(signed >= 0, signed, -1 - signed)
    order = np.argsort(cells)
    return cells[order], signed[order] >= 0


def bucket_bounds(space: CellSpace) -> Ints:
    """(B + 1,) first cell of each bucket: runs of column tuples, the same for every table over the same cells."""
    tuples = int(space.first_tuple[-1])
    edges = np.linspace(0, tuples, min(_BUCKETS, tuples) + 1).astype(np.int64)
    numbered = CellSpace((1,) * len(space.cards), space.max_length)  # one cell a column tuple
    cuts = np.searchsorted(edges, numbered.length_bounds())
    firsts = [
        space.first_cells(numbered.locate(edges[low:high], length)[0])
        for length, (low, high) in enumerate(pairwise(cuts), 1)
    ]
    return np.concatenate([*firsts, [space.size]])


def bucketed(cells: Ints, counts: Ints, bounds: Ints) -> pa.RecordBatch:
    """Counts as one row a bucket that has some: ``bucket``, ``cells``, ``counts``.

    Args:
        cells: (n,) ascending.
        counts: (n,) of each.
        bounds: see `bucket_bounds`.
    """
    cuts = np.searchsorted(cells, bounds)
    buckets = np.flatnonzero(np.diff(cuts))
    vectors = (pack_ints([values[cuts[one] : cuts[one + 1]] for one in buckets]) for values in (cells, counts))
    return pa.RecordBatch.from_arrays([pa.array(buckets, pa.int32()), *vectors], names=_NAMES)


def _blocks(batches: Iterator[pa.RecordBatch], block: int) -> Iterator[pa.Table]:
    """Join or cut Arrow batches into tables of up to so many records."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        for at in range(0, batch.num_rows, block):
            part = batch.slice(at, block)
            if held and rows + part.num_rows > block:
                yield pa.Table.from_batches(held)
                held, rows = [], 0
            held.append(part)
            rows += part.num_rows
    if held:
        yield pa.Table.from_batches(held)


def _by_bucket(cells: Ints, counts: Ints, bounds: Ints) -> Iterator[pa.RecordBatch]:
    cuts = np.searchsorted(cells, bounds)
    for bucket in np.flatnonzero(np.diff(cuts)):
        part = slice(cuts[bucket], cuts[bucket + 1])
        arrays = [pa.array([bucket], pa.int32()), pack_ints([cells[part]]), pack_ints([counts[part]])]
        yield pa.RecordBatch.from_arrays(arrays, names=_NAMES)
