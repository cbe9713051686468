"""Counting the combinations of a block of records, for all column tuples in one walk.

The walk visits column tuples depth first, (0), (0, 1), (0, 1, 2), …, and carries along the records that have a
value in every column so far together with their mixed-radix key. A tuple costs as many steps as its prefix has
records left, so wide and sparse tables (CTDC: 53 columns, 9 values a record) cost little more than the
combinations they hold, and dense ones run at the speed of a plain bincount.
"""

import math

import numpy as np

from synth_spark.kernels.cells import CellSpace, Codes, Ints
from synth_spark.kernels.compiled import compiled

#: Largest number of cells that a column tuple may have to be counted in a dense vector (8 bytes a cell).
DENSE_CELLS = 1 << 22


def count_combinations(space: CellSpace, codes: Codes, weights: Ints) -> tuple[Ints, Ints]:
    """Count every combination of length 1…R that occurs in a block of records.

    Args:
        space: the cells to count in.
        codes: (n, m) codes, 0 = absent.
        weights: (n,) multiplicities ≥ 1.

    Returns:
        (cells, counts): the cells that occur, ascending, and the summed multiplicities of the records that hold them.
    """
    m, longest = len(space.cards), space.max_length
    choose = np.array([[math.comb(a, b) for b in range(longest + 1)] for a in range(m + 1)], np.int64)
    cells, counts = _count_cells(
        np.ascontiguousarray(codes.T),
        np.ascontiguousarray(weights, np.int64),
        np.array(space.cards, np.int64),
        longest,
        space.bases,
        space.first_tuple,
        choose,
    )
    order = np.argsort(cells)
    return cells[order], counts[order]


@compiled
def _count_cells(codes, weights, cards, longest, bases, first_tuple, choose):
    """Walk the column tuples; (m, n) column-major codes in, unordered cells and counts out."""
    m, n = codes.shape
    cells, counts, size = np.empty(1024, np.int64), np.empty(1024, np.int64), 0
    dense, touched = np.zeros(DENSE_CELLS, np.int64), np.empty(max(n, 1), np.int64)
    rows, keys = np.empty((longest + 1, n), np.int32), np.zeros((longest + 1, n), np.int64)
    rows[0] = np.arange(n)
    alive, domain = np.zeros(longest + 1, np.int64), np.ones(longest + 1, np.int64)
    alive[0] = n
    column = np.full(longest + 2, -1, np.int64)
    next_tuple = first_tuple.copy()
    depth = 1
    while depth > 0:
        column[depth] += 1
        c = column[depth]
        if c >= m:
            depth -= 1
            continue
        base = bases[next_tuple[depth]]
        next_tuple[depth] += 1
        domain[depth] = domain[depth - 1] * cards[c]
        kept = _narrow(
            codes[c], cards[c], rows[depth - 1, : alive[depth - 1]], keys[depth - 1], rows[depth], keys[depth]
        )
        alive[depth] = kept
        if kept > 0:
            if size + kept > cells.size:
                cells, counts = _grown(cells, counts, 2 * (size + kept))
            if domain[depth] <= DENSE_CELLS:
                size = _tally_dense(base, rows[depth, :kept], keys[depth], weights, dense, touched, cells, counts, size)
            else:
                size = _tally_sorted(base, rows[depth, :kept], keys[depth, :kept], weights, cells, counts, size)
        if depth == longest:
            continue
        if kept == 0:  # nothing below: step over the tuples of this subtree
            for length in range(depth + 1, longest + 1):
                next_tuple[length] += choose[m - 1 - c, length - depth]
            continue
        depth += 1
        column[depth] = c
    return cells[:size], counts[:size]


@compiled
def _narrow(values, card, above_rows, above_keys, rows, keys):
    """Keep the rows that have a value in one more column, and extend their keys; returns how many."""
    kept = 0
    for i in range(above_rows.size):
        r = above_rows[i]
        v = values[r]
        if v > 0:
            rows[kept] = r
            keys[kept] = above_keys[i] * card + (v - 1)
            kept += 1
    return kept


@compiled
def _tally_dense(base, rows, keys, weights, dense, touched, cells, counts, size):
    """Count keys in a zeroed vector, move what was touched to the output, and zero it again."""
    found = 0
    for i in range(rows.size):
        key = keys[i]
        if dense[key] == 0:
            touched[found] = key
            found += 1
        dense[key] += weights[rows[i]]
    for i in range(found):
        key = touched[i]
        cells[size] = base + key
        counts[size] = dense[key]
        dense[key] = 0
        size += 1
    return size


@compiled
def _tally_sorted(base, rows, keys, weights, cells, counts, size):
    """Count keys of a domain too large for a vector, by sorting them."""
    order = np.argsort(keys)
    previous = np.int64(-1)
    for i in order:
        if keys[i] != previous:
            previous = keys[i]
            cells[size] = base + previous
            counts[size] = 0
            size += 1
        counts[size - 1] += weights[rows[i]]
    return size


@compiled
def _grown(cells, counts, capacity):
    more_cells, more_counts = np.empty(capacity, np.int64), np.empty(capacity, np.int64)
    more_cells[: cells.size] = cells
    more_counts[: counts.size] = counts
    return more_cells, more_counts
