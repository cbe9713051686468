"""Rounding: every attribute's occurrences in the synthetic records become a multiple of k.

The excess, total mod k and what its published count is lowered by, is given up by the copies of records whose keyed
hash with the attribute is smallest. That needs no walk in order: each block of records offers as many of its smallest
hashes, the smallest of all decide a threshold for each attribute, and a copy gives up the attributes at or below
theirs, wherever it is.
"""

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.growth.inverted_index import doubled
from synth_spark.kernels.keyed_random import hash_copies, mixed
from synth_spark.kernels.numba_cache import compiled

Hashes = npt.NDArray[np.uint64]
_NONE = np.uint64(0xFFFFFFFFFFFFFFFF)


def offer(codes: Codes, copies: Ints, starts: Ints, most: int, key: int) -> tuple[Ints, Hashes]:
    """What a block of records offers to give up.

    Args:
        codes: (p, m) codes of distinct records, 0 = absent.
        copies: (p,) copies of each.
        starts: (m + 1,) first attribute of each column.
        most: largest excess of an attribute.
        key: of the hashes.

    Returns:
        (totals, lowest): (A,) occurrences of each attribute, and (A, most) the smallest hashes of the copies that hold
        it, ascending, filled up with the largest number.
    """
    totals, lowest = np.zeros(starts[-1], np.int64), np.full((starts[-1], most), _NONE)
    _offer(codes, copies, hash_copies(codes, copies, np.uint64(key)), starts, totals, lowest)
    return totals, np.sort(lowest, axis=1)


def merge(lowest: Hashes, other: Hashes) -> Hashes:
    """The smallest hashes of two offers."""
    return np.sort(np.concatenate([lowest, other], axis=1), axis=1)[:, : lowest.shape[1]]


def thresholds(totals: Ints, lowest: Hashes, k: int, lowered: Ints) -> tuple[npt.NDArray[np.bool_], Hashes]:
    """Decide who gives up what.

    Args:
        totals: see `offer`.
        lowest: see `offer`.
        k: privacy resolution.
        lowered: (A,) by how many multiples of k each attribute's published count is lowered; all copies of an attribute
            give it up where that leaves none.

    Returns:
        (A,) whether each attribute has an excess, and the largest hash of a copy that gives it up.
    """
    excess = totals % k + k * lowered
    largest = lowest[np.arange(len(totals)), np.clip(excess - 1, 0, lowest.shape[1] - 1)]
    return excess > 0, np.where(excess >= totals, _NONE, largest)


def give_up(
    codes: Codes, copies: Ints, starts: Ints, some: npt.NDArray[np.bool_], largest: Hashes, key: int
) -> tuple[Codes, Ints]:
    """Take the excess out of a block of records.

    Args:
        codes: (p, m) codes of distinct records.
        copies: (p,) copies of each.
        starts: (m + 1,) first attribute of each column.
        some: (A,) whether an attribute has an excess.
        largest: (A,) the threshold of those that have.
        key: of the hashes, as in `offer`.

    Returns:
        (records, copies): those left, none empty; copies that gave something up stand for themselves.
    """
    hashes = hash_copies(codes, copies, np.uint64(key))
    owners, changed = _give_up(codes, copies, hashes, starts, some, largest)
    left = copies - np.bincount(owners, minlength=len(copies))
    records, counts = np.concatenate([codes, changed]), np.concatenate([left, np.ones(len(owners), np.int64)])
    kept = (counts > 0) & records.any(axis=1)
    return records[kept], counts[kept]


@compiled
def _offer(codes, copies, hashes, starts, totals, lowest):
    """Add to the totals, and put the smallest hashes of each attribute into its row, in any order."""
    largest = np.zeros(totals.size, np.int64)  # place of the largest hash of each row
    width, at = lowest.shape[1], 0
    for r in range(codes.shape[0]):
        for _ in range(copies[r]):
            for c in range(codes.shape[1]):
                if codes[r, c] == 0:
                    continue
                a = starts[c] + codes[r, c] - 1
                totals[a] += 1
                own = mixed(hashes[at] + np.uint64(a))
                if own < lowest[a, largest[a]]:
                    lowest[a, largest[a]] = own
                    for i in range(width):
                        if lowest[a, i] > lowest[a, largest[a]]:
                            largest[a] = i
            at += 1


@compiled
def _give_up(codes, copies, hashes, starts, some, largest):
    """The copies that give something up: the row each is a copy of, and what is left of its record."""
    m, at, number = codes.shape[1], 0, 0
    owners, changed = np.empty(16, np.int64), np.empty((16, m), np.uint16)
    record = np.empty(m, np.uint16)
    for r in range(codes.shape[0]):
        for _ in range(copies[r]):
            record[:] = codes[r]
            less = False
            for c in range(m):
                a = starts[c] + codes[r, c] - 1
                if codes[r, c] > 0 and some[a] and mixed(hashes[at] + np.uint64(a)) <= largest[a]:
                    record[c] = 0
                    less = True
            at += 1
            if less:
                if number == owners.size:
                    changed, owners = doubled(changed, owners)
                owners[number], changed[number] = r, record
                number += 1
    return owners[:number], changed[:number]
