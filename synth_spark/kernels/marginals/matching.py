"""Records that have given pair tables: they start from the columns' own counts and are moved between cells.

The gradual update of PrivSyn (Zhang et al. 2021, section 5): for every pair of columns, in random order and again and
again, some records of cells that have too many go to cells that have too few: half of them become copies of a record
that is there already, which keeps what the other columns have to do with it, half only take the two values.
"""

import numpy as np

from synth_spark.kernels.keyed_random import uniform
from synth_spark.kernels.numba_cache import compiled

#: How much of what is too many moves in a pass: a factor of each pass on the one before, and the least.
_SLOWER, _LEAST = 0.97, 0.1
#: Share of moved records that become copies.
_COPIED = 0.5


def shares(counts, part: int, parts: int, phases):
    """What one of several parts has of counts: whole numbers, near equal shares, that add up to the counts, rounded.

    Args:
        counts: (n,) ≥ 0.
        part: which, from 0.
        parts: how many.
        phases: (n,) in [0, 1): where a count's fractions fall.
    """
    cuts = [np.floor(counts * (step / parts) + phases) for step in (part, part + 1)]
    return (cuts[1] - cuts[0]).astype(np.int64)


def start(ones, records: int, state):
    """(m, records) codes, every column filled with its own counts, in a random order.

    Args:
        ones: for each column, counts of its values from 0.
        records: how many.
        state: of the random stream.
    """
    codes = np.zeros((len(ones), records), np.uint16)
    for column, counts in enumerate(ones):
        drawn = np.repeat(np.arange(len(counts)), counts)[:records]
        lacking = records - drawn.size
        weights = np.cumsum(np.maximum(counts, 0) + 1e-12)
        extra = np.searchsorted(weights, _uniforms(lacking, state) * weights[-1], side="right")
        filled = np.concatenate([drawn, np.minimum(extra, len(counts) - 1)])
        codes[column] = filled[np.argsort(_uniforms(records, state), kind="stable")]
    return codes


@compiled
def _uniforms(size, state):
    drawn = np.empty(size)
    for i in range(size):
        drawn[i] = uniform(state)
    return drawn


def match(codes, cards, pairs, targets, passes: int, state) -> None:
    """Move records until they have given pair tables, as nearly as may be; in place.

    Args:
        codes: (m, n) codes, each from 0 to its column's card − 1.
        cards: (m,) number of codes of each column.
        pairs: (p, 2) pairs of columns, (i, j).
        targets: for each pair a (cards[i], cards[j]) table of counts with total about n.
        passes: over all pairs.
        state: of the random stream.
    """
    if not len(pairs) or not codes.shape[1]:
        return
    bounds = np.concatenate([[0], np.cumsum([target.size for target in targets])]).astype(np.int64)
    wanted = np.concatenate([target.ravel() for target in targets]).astype(np.float64)
    order = np.arange(len(pairs), dtype=np.int32)
    for number in range(passes):
        _shuffle(order, state)
        _pass(codes, cards, pairs, bounds, wanted, order, max(_LEAST, _SLOWER**number), state)


@compiled
def _shuffle(array, state):
    for last in range(array.size - 1, 0, -1):
        other = int(uniform(state) * (last + 1))
        array[last], array[other] = array[other], array[last]


@compiled
def _pass(codes, cards, pairs, bounds, wanted, order, step, state):
    m, n = codes.shape
    largest = 0
    for p in range(pairs.shape[0]):
        largest = max(largest, bounds[p + 1] - bounds[p])
    cell, rows = np.empty(n, np.int32), np.empty(n, np.int32)
    counts, starts = np.empty(largest, np.int64), np.empty(largest + 1, np.int64)
    free = np.empty(n + largest, np.int32)
    for p in order:
        first, second, width = codes[pairs[p, 0]], codes[pairs[p, 1]], cards[pairs[p, 1]]
        size, base = bounds[p + 1] - bounds[p], bounds[p]
        _sort_by_cell(first, second, width, size, cell, counts, starts, rows)
        places = _places(counts, wanted, base, size, step, free, state)
        _shuffle(free[:places], state)
        at, begin = 0, int(uniform(state) * size)
        for turn in range(size):
            here = (begin + turn) % size
            excess = (counts[here] - wanted[base + here]) * step
            if excess <= 0:
                continue
            low, high = starts[here], starts[here + 1]
            for _ in range(int(excess + uniform(state))):
                if at == places or low == high:
                    break
                chosen = low + int(uniform(state) * (high - low))
                row = rows[chosen]
                rows[chosen], rows[low] = rows[low], row
                low += 1
                there = free[at]
                at += 1
                held = starts[there + 1] - starts[there]
                if held > 0 and uniform(state) < _COPIED:
                    model = rows[starts[there] + int(uniform(state) * held)]
                    for c in range(m):
                        codes[c, row] = codes[c, model]
                else:
                    first[row], second[row] = there // width, there % width


@compiled
def _sort_by_cell(first, second, width, size, cell, counts, starts, rows):
    """The cell of every record, how many records each has, and the records cell by cell."""
    counts[:size] = 0
    for r in range(first.size):
        here = np.int32(first[r]) * np.int32(width) + np.int32(second[r])
        cell[r] = here
        counts[here] += 1
    starts[0] = 0
    for c in range(size):
        starts[c + 1] = starts[c] + counts[c]
    for r in range(first.size):
        rows[starts[cell[r]]] = r
        starts[cell[r]] += 1
    for c in range(size, 0, -1):
        starts[c] = starts[c - 1]
    starts[0] = 0


@compiled
def _places(counts, wanted, base, size, step, free, state):
    """One entry in ``free`` for every record that a cell is to get; their number."""
    places = 0
    for c in range(size):
        lacking = (wanted[base + c] - counts[c]) * step
        if lacking > 0:
            for _ in range(int(lacking + uniform(state))):
                if places < free.size:
                    free[places] = c
                    places += 1
    return places
