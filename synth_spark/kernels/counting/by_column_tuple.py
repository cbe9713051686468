"""Counting combinations column tuple by column tuple, in one depth-first walk.

The walk visits column tuples (0), (0, 1), (0, 1, 2), … and carries along the records that have a value in every
column so far together with their mixed-radix key. A tuple costs as many steps as its prefix has records left, and
dense tables run at the speed of a plain bincount.
"""

import numpy as np

from synth_spark.kernels.cells import CellSpace, Codes, Ints
from synth_spark.kernels.numba_cache import compiled

#: Largest number of cells that a column tuple may have to be counted in a dense vector (8 bytes a cell).
DENSE_CELLS = 1 << 22


def walk_tuples(space: CellSpace, codes: Codes, weights: Ints) -> tuple[Ints, Ints]:
    """Count every combination of length 1…R that occurs in a block of records, by visiting the column tuples.

    Args:
        space: the cells to count in.
        codes: (n, m) codes, 0 = absent.
        weights: (n,) multiplicities ≥ 1.

    Returns:
        (cells, counts): the cells that occur, ascending, and the summed multiplicities of the records that hold them.
    """
    cells, counts = _count_tuples(
        np.ascontiguousarray(codes.T),
        np.ascontiguousarray(weights, np.int64),
        np.array(space.cards, np.int64),
        space.length_bounds(),
        space.within,
        np.zeros(min(DENSE_CELLS, space.size), np.int64),
    )
    return by_length(space, cells, counts)


def by_length(space: CellSpace, cells: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Put cells in ascending order that ascend already within each length."""
    length = np.searchsorted(space.length_bounds(), cells, side="right").astype(np.uint8)
    order = np.argsort(length, kind="stable")
    return cells[order], counts[order]


@compiled
def _count_tuples(codes, weights, cards, bounds, within, dense):
    """Walk the column tuples; (m, n) column-major codes in, cells and counts out, ascending within lengths."""
    m, n = codes.shape
    longest = within.shape[0] - 1
    cells, counts, size = np.empty(1024, np.int64), np.empty(1024, np.int64), np.int64(0)
    touched = np.empty(max(n, 1), np.int64)
    rows, keys = np.empty((longest + 1, n), np.int32), np.zeros((longest + 1, n), np.int64)
    rows[0] = np.arange(n)
    alive, domain = np.zeros(longest + 1, np.int64), np.ones(longest + 1, np.int64)
    alive[0] = n
    column = np.full(longest + 2, -1, np.int64)
    #: next_cell[d, l]: first cell of the next column tuple of length l ≥ d that begins with the d − 1 columns so far
    next_cell = np.zeros((longest + 2, longest + 1), np.int64)
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
        kept = _narrow(
            codes[c], cards[c], rows[depth - 1, : alive[depth - 1]], keys[depth - 1], rows[depth], keys[depth]
        )
        alive[depth] = kept
        if kept == 0:  # nothing below either
            continue
        cells, counts = room_for(kept, cells, counts, size)
        if domain[depth] <= DENSE_CELLS:
            size = tally_dense(base, rows[depth, :kept], keys[depth], weights, dense, touched, cells, counts, size)
        else:
            size = tally_sorted(base, rows[depth, :kept], keys[depth, :kept], weights, cells, counts, size)
        if depth < longest:
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
def tally_dense(base, rows, keys, weights, dense, touched, cells, counts, size):
    """Count keys in a zeroed vector and append the counts to the output; returns its new size.

    ``base`` is the cell of key 0. There is a key for each of ``rows``, which weigh ``weights[row]``; keys < len(dense).
    ``dense`` is left as zeros; ``touched`` has room for as many different keys as there are.
    """
    distinct = 0
    for i in range(rows.size):
        key = keys[i]
        if dense[key] == 0:
            touched[distinct] = key
            distinct += 1
        dense[key] += weights[rows[i]]
    return drain(base, touched[:distinct], dense, cells, counts, size)


@compiled
def drain(base, touched, dense, cells, counts, size):
    """Move what was touched of a vector to the output, ascending, and zero it again; returns the output's new size."""
    touched.sort()
    for key in touched:
        cells[size] = base + key
        counts[size] = dense[key]
        dense[key] = 0
        size += 1
    return size


@compiled
def tally_sorted(base, rows, keys, weights, cells, counts, size):
    """Count keys of a domain too large for a vector, by sorting them; arguments as of `tally_dense`."""
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
def room_for(more, cells, counts, size):
    """The output with room for so many more cells."""
    if size + more <= cells.size:
        return cells, counts
    more_cells, more_counts = np.empty(2 * (size + more), np.int64), np.empty(2 * (size + more), np.int64)
    more_cells[:size] = cells[:size]
    more_counts[:size] = counts[:size]
    return more_cells, more_counts
