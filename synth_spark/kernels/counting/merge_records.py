"""Equal records merged, and dealt to buckets by their hash, so that equal ones of any two tables meet in one bucket."""

import numpy as np

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.keyed_random import hash_rows
from synth_spark.kernels.numba_cache import compiled

#: Bits of a hash that choose a bucket; the others choose a place in the table of those that are merged.
_BUCKET_BITS = 16


def merge(codes: Codes, weights: Ints) -> tuple[Codes, Ints]:
    """Merge equal records: (n, m) codes and (n,) weights → those that differ, in order of coming, and their sums.

    Weights may be negative; records whose sum is 0 are gone.

    >>> merge(np.array([[1, 2], [0, 0], [1, 2], [3, 0]], np.uint16), np.array([1, 1, 4, 0]))
    (array([[1, 2],
           [0, 0]], dtype=uint16), array([5, 1]))
    """
    firsts, sums = merge_by_hash(codes, weights, hash_rows(codes, np.uint64(0)))
    some = sums != 0
    return codes[firsts[some]], sums[some]


def deal(codes: Codes, buckets: int) -> tuple[Ints, Ints]:
    """Deal (n, m) codes to up to 2¹⁶ buckets: equal records to the same, whatever table they are in.

    Returns:
        (order, bounds): (n,) rows, bucket after bucket, and (buckets + 1,) where each begins.
    """
    chosen = hash_rows(codes, np.uint64(0)) >> np.uint64(64 - _BUCKET_BITS)
    bucket = (chosen % np.uint64(buckets)).astype(np.uint16)
    order = np.argsort(bucket, kind="stable")
    return order, np.searchsorted(bucket[order], np.arange(buckets + 1))


@compiled
def merge_by_hash(codes, weights, hashes):
    """The first row of each distinct record, and the sums of their weights; hashes may be the same for several."""
    n, m = codes.shape
    size = 16
    while size < 2 * n:
        size *= 2
    mask = np.uint64(size - 1)
    table = np.full(size, -1, np.int64)
    firsts, sums = np.empty(n, np.int64), np.empty(n, np.int64)
    used = 0
    for i in range(n):
        slot = hashes[i] & mask
        while True:
            entry = table[slot]
            if entry < 0:
                table[slot] = used
                firsts[used], sums[used] = i, weights[i]
                used += 1
                break
            first = firsts[entry]
            equal = hashes[first] == hashes[i]
            for c in range(m):
                equal = equal and codes[first, c] == codes[i, c]
            if equal:
                sums[entry] += weights[i]
                break
            slot = (slot + np.uint64(1)) & mask
    return firsts[:used], sums[:used]
