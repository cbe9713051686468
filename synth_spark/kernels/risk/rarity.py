"""How rare the rarest combinations of every record are: who could be linked to a person. Column tuple by column tuple.

The walk is that of `kernels.walking`; where it counts, this looks up whether a combination is unique or rare.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import CellSpace, Codes, Ints
from synth_spark.kernels.counting.by_column_tuple import DENSE_CELLS
from synth_spark.kernels.numba_cache import compiled

Flags = npt.NDArray[np.bool_]
#: The level of a combination: it occurs once, less than k times, or at least k times.
UNIQUE, RARE, COMMON = 0, 1, 2


@dataclass(frozen=True)
class Judged:
    """Rare and unique combinations in n records of m columns, for lengths 1…R. Unique combinations are rare, too.

    Attributes:
        rare: (n, R) whether a record holds a rare combination of a length.
        unique: (n, R) whether it holds a unique one.
        in_rare: (n, m) whether a record's value is in a rare combination of the record.
        in_unique: (n, m) whether it is in a unique one.
    """

    rare: Flags
    unique: Flags
    in_rare: Flags
    in_unique: Flags


def judge(space: CellSpace, codes: Codes, recurring: Ints, common: Flags) -> Judged:
    """Look for unique and rare combinations in every record.

    Args:
        space: the numbering of combinations of length 1…R.
        codes: (n, m) codes, 0 = absent.
        recurring: cells of the combinations that occur more than once, ascending.
        common: for each of them, whether it occurs at least k ≥ 2 times.

    Returns:
        Which records and columns hold one.
    """
    n, m = codes.shape
    judged = Judged(*(np.zeros((n, width), np.bool_) for width in (space.max_length, space.max_length, m, m)))
    _judge(
        np.ascontiguousarray(codes.T),
        np.array(space.cards, np.int64),
        space.length_bounds(),
        space.within,
        recurring,
        common,
        np.zeros(min(DENSE_CELLS, max(1, space.size)), np.uint8),
        judged.rare,
        judged.unique,
        judged.in_rare,
        judged.in_unique,
    )
    return judged


@compiled
def level_of(cell, recurring, common, low, high):
    """Whether a combination is unique, rare or common; ``recurring[low:high]`` holds it if it occurs more than once."""
    while low < high:
        middle = (low + high) // 2
        if recurring[middle] < cell:
            low = middle + 1
        else:
            high = middle
    if low < recurring.size and recurring[low] == cell:
        return 2 if common[low] else 1
    return 0


@compiled
def _judge(codes, cards, bounds, within, recurring, common, dense, rare, unique, in_rare, in_unique):
    """Walk the column tuples depth first; (m, n) column-major codes."""
    m, n = codes.shape
    longest = within.shape[0] - 1
    rows, keys = np.empty((longest + 1, n), np.int32), np.zeros((longest + 1, n), np.int64)
    rows[0] = np.arange(n)
    alive, domain = np.zeros(longest + 1, np.int64), np.ones(longest + 1, np.int64)
    alive[0] = n
    column = np.full(longest + 2, -1, np.int64)
    next_cell = np.zeros((longest + 2, longest + 1), np.int64)  # as in walking
    next_cell[1, 1:] = bounds[:longest]
    depth = 1
    while depth > 0:
        column[depth] += 1
        c = column[depth]
        if c >= m:
            depth -= 1
            continue
        base = next_cell[depth, depth]
        next_cell[depth + 1] = next_cell[depth]
        for length in range(depth, longest + 1):
            rest = within[length - depth + 1]
            next_cell[depth, length] += domain[depth - 1] * (rest[c] - rest[c + 1])
        domain[depth] = domain[depth - 1] * cards[c]
        kept = 0
        for i in range(alive[depth - 1]):
            row = rows[depth - 1, i]
            value = codes[c, row]
            if value > 0:
                rows[depth, kept] = row
                keys[depth, kept] = keys[depth - 1, i] * cards[c] + (value - 1)
                kept += 1
        alive[depth] = kept
        if kept == 0:
            continue
        low, high = np.searchsorted(recurring, base), np.searchsorted(recurring, base + domain[depth])
        fits = domain[depth] <= dense.size and high - low <= 4 * kept
        if fits:
            for at in range(low, high):
                dense[recurring[at] - base] = 2 if common[at] else 1
        for i in range(kept):
            key = keys[depth, i]
            level = dense[key] if fits else level_of(base + key, recurring, common, low, high)
            if level < 2:
                row = rows[depth, i]
                rare[row, depth - 1] = True
                for position in range(1, depth + 1):
                    in_rare[row, column[position]] = True
                if level == 0:
                    unique[row, depth - 1] = True
                    for position in range(1, depth + 1):
                        in_unique[row, column[position]] = True
        if fits:
            for at in range(low, high):
                dense[recurring[at] - base] = 0
        if depth < longest:
            depth += 1
            column[depth] = c
