"""Comparing two tables of counts over the same cells: the sums that every measure of a release is made of.

Definitions: s(c) and t(c) are the counts of combination c in source and target, 0 if absent; c is rare if s(c) < k.
Sums are additive over disjoint sets of column tuples, so buckets are compared apart and their sums added.
"""

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import CellSpace, Ints

Floats = npt.NDArray[np.float64]

#: What is summed for every length.
LENGTH_SUMS = (
    "tuples",  # column tuples
    "source_combinations",  # c with s > 0
    "target_combinations",  # c with t > 0
    "source_count",  # Σ s
    "target_count",  # Σ t
    "source_rare",  # c with 0 < s < k
    "target_rare",  # c with 0 < t < k
    "source_unique",  # c with s = 1
    "target_unique",  # c with t = 1
    "suppressed",  # c with s > 0, t = 0
    "fabricated",  # c with s = 0, t > 0
    "leaked",  # c with 0 < s < k and 0 < t < k: leakage as SDS counts it
    "emerged",  # c with 0 < s < k ≤ t: leakage that SDS overlooks
    "both",  # c with s > 0 and t > 0
    "absolute_error",  # Σ |s − t| over both
    "common",  # c with s ≥ k
    "kept",  # … of which t > 0
    "common_count",  # Σ s over s ≥ k
    "kept_count",  # Σ min(s, t) over s ≥ k
    "tvd",  # Σ over column tuples of ½ Σ |s − t| / Σ s
)
#: What is summed over the preservation population {s ≥ k} ∪ {t > 0}, for every length and every bin of t.
BIN_SUMS = ("population", "preservation", "length", "target_count", "proportional_error")
#: Upper bound of the first bin of target counts; each next one is double.
FIRST_BIN = 10


def count_bins(counts: Ints) -> Ints:
    """The bin of each count: the smallest of 10, 20, 40, 80, … that is not below it.

    >>> count_bins(np.array([0, 10, 11, 20, 21, 41]))
    array([10, 10, 20, 20, 40, 80])
    """
    doublings = np.ceil(np.log2(np.maximum(counts, 1) / FIRST_BIN)).astype(np.int64)
    bins = FIRST_BIN * (np.int64(1) << np.maximum(doublings, 0))
    bins = np.where(bins < counts, 2 * bins, bins)  # guard the logarithm's rounding
    return np.where((bins > FIRST_BIN) & (bins // 2 >= counts), bins // 2, bins)


def align(cells: Ints, counts: Ints, others: Ints, other_counts: Ints) -> tuple[Ints, Ints, Ints]:
    """Put two sparse vectors on the union of their cells.

    >>> align(np.array([1, 4]), np.array([7, 8]), np.array([4, 5]), np.array([1, 2]))
    (array([1, 4, 5]), array([7, 8, 0]), array([0, 1, 2]))
    """
    union = np.union1d(cells, others)
    left, right = np.zeros(union.size, np.int64), np.zeros(union.size, np.int64)
    left[np.searchsorted(union, cells)] = counts
    right[np.searchsorted(union, others)] = other_counts
    return union, left, right


def sum_by_length(space: CellSpace, cells: Ints, source: Ints, target: Ints, k: int) -> np.ndarray:
    """(R, len(LENGTH_SUMS)) sums over aligned counts; ``tuples`` is left 0, being known without counting."""
    common, rare = source >= k, (source > 0) & (source < k)
    s, t = source > 0, target > 0
    gap = np.abs(source - target)
    terms = {
        "source_combinations": s, "target_combinations": t, "source_count": source, "target_count": target,
        "source_rare": rare, "target_rare": t & (target < k),
        "source_unique": source == 1, "target_unique": target == 1, "suppressed": s & ~t, "fabricated": ~s & t,
        "leaked": rare & t & (target < k), "emerged": rare & (target >= k), "both": s & t,
        "absolute_error": np.where(s & t, gap, 0), "common": common, "kept": common & t,
        "common_count": np.where(common, source, 0), "kept_count": np.where(common, np.minimum(source, target), 0),
    }  # fmt: skip
    sums = np.zeros((space.max_length, len(LENGTH_SUMS)))
    length = np.searchsorted(space.length_bounds(), cells, side="right") - 1
    for name, term in terms.items():
        sums[:, LENGTH_SUMS.index(name)] = np.bincount(length, term, space.max_length)
    distances = tuple_distances(space, cells, source, target)
    sums[:, LENGTH_SUMS.index("tvd")] = [math.fsum(values) for _, values in distances]
    return sums


def tuple_distances(space: CellSpace, cells: Ints, source: Ints, target: Ints) -> list[tuple[Ints, Floats]]:
    """Total variation distance of every column tuple: ½ Σ |s − t| / Σ s over its combinations of present values.

    Args:
        space: the numbering of combinations.
        cells: (n,) ascending cells.
        source: (n,) counts.
        target: (n,) counts.

    Returns:
        For each length (first, distances): the first cell of every column tuple that any of the cells belongs to, and
        its distance. That of a column tuple without any is 0.
    """
    distances, gap = [], np.abs(source - target)
    for length, (low, high) in enumerate(pairwise(np.searchsorted(cells, space.length_bounds())), 1):
        first = cells[low:high] - space.locate(cells[low:high], length)[1]
        starts = low + np.flatnonzero(np.diff(first, prepend=-1))
        gaps, sources = (np.add.reduceat(part[:high], starts) for part in (gap, source))
        distances.append((first[starts - low], 0.5 * gaps / np.maximum(1, sources)))
    return distances


def sum_by_bin(space: CellSpace, cells: Ints, source: Ints, target: Ints, k: int) -> tuple[Ints, Ints, np.ndarray]:
    """Sums over the preservation population.

    Returns:
        (lengths, bins, sums): (g,), (g,) and (g, len(BIN_SUMS)), one row a length and bin that occurs.
    """
    chosen = (source >= k) | (target > 0)
    cells, source, target = cells[chosen], source[chosen].astype(float), target[chosen]
    length = np.searchsorted(space.length_bounds(), cells, side="right")
    bins = count_bins(target)
    safe = np.maximum(source, 1)
    preserved = np.where(source > 0, np.minimum(target / safe, 1), 0)
    error = np.where(source > 0, np.abs(target - source) / safe, 1)
    terms = [np.ones(len(cells)), preserved, length, target, error]
    groups, index = np.unique(np.stack([length, bins]), axis=1, return_inverse=True)
    sums = np.stack([np.bincount(index.ravel(), term, groups.shape[1]) for term in terms], axis=1)
    return groups[0], groups[1], sums
