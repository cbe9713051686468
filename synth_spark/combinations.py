"""Distributed counting of combinations, shared by aggregation and evaluation.

Every task counts all column tuples of its records and ships, for each bucket of column tuples, one row with two
vectors: the cells that occur and their counts. One small shuffle brings the vectors of a bucket together, where they
are added. Counts are additive, so neither partitions nor retries matter.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from synth_spark.kernels.cells import CellSpace, Ints, add_counts
from synth_spark.kernels.counting import count_combinations
from synth_spark.kernels.wire import pack_ints, unpack_codes, unpack_ints

SCHEMA = "bucket int, cells binary, counts binary"
_NAMES = ["bucket", "cells", "counts"]
#: Records that a task counts at once.
_BLOCK = 1 << 20
#: Most buckets of column tuples.
_BUCKETS = 64


def count(codes: DataFrame, space: CellSpace, tasks: int) -> DataFrame:
    """Count every combination of length 1…R of a table.

    Args:
        codes: one row a distinct record: ``record``, ``multiplicity``.
        space: the cells to count in.
        tasks: number of counting tasks.

    Returns:
        One row a bucket: ``bucket``, ``cells`` (ascending), ``counts``, both vectors of 64-bit integers.
    """
    bounds = bucket_bounds(space)
    columns = len(space.cards)

    def count_block(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        cells, counts = np.zeros(0, np.int64), np.zeros(0, np.int64)
        for block in _blocks(batches):
            records = unpack_codes(block["record"], columns)
            more_cells, more_counts = count_combinations(space, records, block["multiplicity"].to_numpy())
            cells, counts = add_counts(np.concatenate([cells, more_cells]), np.concatenate([counts, more_counts]))
        yield from _by_bucket(cells, counts, bounds)

    def add_bucket(table: pa.Table) -> pa.Table:
        cells = np.concatenate([unpack_ints(value) for value in table["cells"]])
        counts = np.concatenate([unpack_ints(value) for value in table["counts"]])
        cells, counts = add_counts(cells, counts)
        return pa.table([table["bucket"].slice(0, 1), pack_ints([cells]), pack_ints([counts])], names=_NAMES)

    partial = codes.repartition(tasks).mapInArrow(count_block, SCHEMA)
    return partial.groupBy("bucket").applyInArrow(add_bucket, SCHEMA)


def bucket_bounds(space: CellSpace) -> Ints:
    """(B + 1,) first cell of each bucket: runs of column tuples, the same for every table over the same cells."""
    tuples = len(space.bases) - 1
    edges = np.linspace(0, tuples, min(_BUCKETS, tuples) + 1).astype(np.int64)
    return space.bases[edges]


def _blocks(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Join Arrow batches into tables of about a million records."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(part.num_rows for part in held) >= _BLOCK:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def _by_bucket(cells: Ints, counts: Ints, bounds: Ints) -> Iterator[pa.RecordBatch]:
    cuts = np.searchsorted(cells, bounds)
    for bucket in np.flatnonzero(np.diff(cuts)):
        part = slice(cuts[bucket], cuts[bucket + 1])
        arrays = [pa.array([bucket], pa.int32()), pack_ints([cells[part]]), pack_ints([counts[part]])]
        yield pa.RecordBatch.from_arrays(arrays, names=_NAMES)
