"""Compiling every kernel ahead of its first use, on a small table."""

import numpy as np

from synth_spark.kernels.cells import CellSpace
from synth_spark.kernels.containment import support_up_to
from synth_spark.kernels.enumerating import enumerate_records
from synth_spark.kernels.sampling import hash_copies
from synth_spark.kernels.shards import Growth, grow_shard
from synth_spark.kernels.walking import walk_tuples


def compile_kernels() -> None:
    """Call every kernel once with the types that the stages call it with."""
    codes = np.random.default_rng(1).integers(0, 3, (2_000, 6)).astype(np.uint16)
    weights, cards = np.ones(len(codes), np.int64), (2,) * 6
    for count in (walk_tuples, enumerate_records):
        count(CellSpace(cards, 2), codes, weights)
    growth = Growth(k=60, shards=1, groups=1, power=1.5, seed=7, sample=4, rows=8)  # so small that tables are divided
    records, copies = grow_shard(codes, weights, np.array(cards, np.int64), growth, 0)
    hash_copies(records, copies, np.uint64(1))
    support_up_to(2, codes, weights, records)
