"""What classical suppression of cells would blank: the yardstick that synthetic records are compared with."""

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import CellSpace, Codes, Ints
from synth_spark.kernels.numba_cache import compiled
from synth_spark.kernels.risk.rarity import level_of


def suppress_cells(space: CellSpace, codes: Codes, common: Ints, order: Ints) -> Codes:
    """Blank cells until no record holds a rare combination, as local suppression does (Sweeney 2002), greedily.

    Columns are taken in a given order; a record keeps its value if every combination of it with values that the record
    kept before is common. Counts are those before anything was blanked: what is blanked elsewhere would make more
    combinations rare, so that this blanks the least that one pass can.

    Args:
        space: the numbering of combinations of length 1…R.
        codes: (n, m) codes, 0 = absent.
        common: cells of the combinations that occur at least k times, ascending.
        order: (m,) the columns, first those that are kept most willingly.

    Returns:
        (n, m) codes of what is left.
    """
    kept = np.zeros((codes.shape[1], codes.shape[0]), np.uint16)
    within = space.within
    _suppress(
        np.ascontiguousarray(codes.T),
        np.array(space.cards, np.int64),
        space.length_bounds(),
        within,
        common,
        np.ones(len(common), np.bool_),
        np.ascontiguousarray(order, np.int64),
        kept,
    )
    redacted: npt.NDArray[np.uint16] = np.ascontiguousarray(kept.T)
    return redacted


@compiled
def _first_cell(columns, length, cards, bounds, within):
    """The cell of the first values of ascending columns."""
    cell, inside, after = bounds[length - 1], 1, 0
    for position in range(length):
        c = columns[position]
        cell += inside * (within[length - position, after] - within[length - position, c])
        inside *= cards[c]
        after = c + 1
    return cell


@compiled
def _suppress(codes, cards, bounds, within, common, all_common, order, kept):
    """Column by column, walk the tuples of it and columns before it; (m, n) codes."""
    m, n = codes.shape
    longest = within.shape[0] - 1
    rows = np.empty((longest + 1, n), np.int32)
    alive = np.zeros(longest + 1, np.int64)
    place = np.zeros(longest + 1, np.int64)
    columns = np.empty(longest, np.int64)
    bad = np.zeros(n, np.bool_)
    for turn in range(m):
        c = order[turn]
        alive[1] = 0
        for row in range(n):
            bad[row] = False
            if codes[c, row] > 0:
                rows[1, alive[1]] = row
                alive[1] += 1
        depth, place[1], fresh = np.int64(1), turn, True
        while depth > 0:
            if fresh:  # look at the tuple of the columns at place[1…depth]
                for position in range(depth):
                    columns[position] = order[place[position + 1]]
                columns[:depth].sort()
                base = _first_cell(columns, depth, cards, bounds, within)
                size = 1
                for position in range(depth):
                    size *= cards[columns[position]]
                low, high = np.searchsorted(common, base), np.searchsorted(common, base + size)
                for i in range(alive[depth]):
                    row = rows[depth, i]
                    if not bad[row]:
                        key = 0
                        for position in range(depth):
                            key = key * cards[columns[position]] + codes[columns[position], row] - 1
                        if level_of(base + key, common, all_common, low, high) < 2:
                            bad[row] = True
                if depth < longest:
                    depth += 1
                    place[depth] = -1
            # the next column before that of the level above
            place[depth] += 1
            if depth == 1 or place[depth] >= place[depth - 1]:
                depth -= 1
                fresh = False
                continue
            other = order[place[depth]]
            alive[depth] = 0
            for i in range(alive[depth - 1]):
                row = rows[depth - 1, i]
                if kept[other, row] > 0 and not bad[row]:
                    rows[depth, alive[depth]] = row
                    alive[depth] += 1
            fresh = alive[depth] > 0
        for row in range(n):
            if codes[c, row] > 0 and not bad[row]:
                kept[c, row] = codes[c, row]
