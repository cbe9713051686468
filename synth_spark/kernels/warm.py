"""Compiling every kernel ahead of its first use, on a table of four records."""

import numpy as np

from synth_spark.kernels.cells import CellSpace
from synth_spark.kernels.containment import support_up_to
from synth_spark.kernels.counting import count_combinations
from synth_spark.kernels.sampling import hash_copies
from synth_spark.kernels.shards import Growth, grow_shard


def compile_kernels() -> None:
    """Call every kernel once with the types that the stages call it with."""
    codes = np.array([[1, 1, 2], [1, 2, 1], [2, 1, 1], [1, 1, 0]], np.uint16)
    weights, cards = np.array([3, 3, 1, 2], np.int64), (2, 2, 2)
    count_combinations(CellSpace(cards, 2), codes, weights)
    records, copies = grow_shard(codes, weights, np.array(cards, np.int64), Growth(2, 1, 2, 1.5, 7), 0)
    hash_copies(records, copies, np.uint64(1))
    support_up_to(2, codes, weights, records)
