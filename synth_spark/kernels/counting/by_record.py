"""Counting combinations record by record: every record's own combinations of length 1…R are listed and added up.

The work is the number of combinations that the records hold, however many column tuples there are, so this is the way
to count wide and sparse tables. Records are listed by the columns of their values (as projected databases in
PrefixSpan): the records that hold a combination of R − 1 values stand together with their keys, and each adds its
later values to one vector, short enough to stay in a cache. No column is looked at in which a record has no value, and
cells are computed along the way from `CellSpace.within`.
"""

from typing import NamedTuple

import numpy as np

from synth_spark.kernels.cells import CellSpace, Codes, Ints, add_counts
from synth_spark.kernels.counting.by_column_tuple import (
    DENSE_CELLS,
    by_length,
    drain,
    room_for,
    tally_dense,
    tally_sorted,
)
from synth_spark.kernels.numba_cache import compiled

#: Values that are listed at once (20 bytes for each length below R).
_VALUES = 1 << 23


class _Values(NamedTuple):
    """What records hold, record after record: column and place (code − 1) of each value, and where a record ends."""

    columns: Ints
    places: Ints
    ends: Ints


class _Holders(NamedTuple):
    """For each length below R, one value after the other of the records that hold the combination before it."""

    rows: Ints  # (R, values) record
    begins: Ints  # (R, values) its next value
    keys: Ints  # (R, values) place inside the column tuple
    bounds: Ints  # (R, m + 1) where each column begins


def enumerate_records(space: CellSpace, codes: Codes, weights: Ints, values: int = _VALUES) -> tuple[Ints, Ints]:
    """Count every combination of length 1…R that occurs in a block of records, by listing those of each record.

    Args:
        space: the cells to count in.
        codes: (n, m) codes, 0 = absent.
        weights: (n,) multiplicities ≥ 1.
        values: values to list at once, ≥ 1; bounds memory.

    Returns:
        (cells, counts): the cells that occur, ascending, and the summed multiplicities of the records that hold them.
    """
    cards, weights = np.array(space.cards, np.int64), np.ascontiguousarray(weights, np.int64)
    parts = []
    dense = np.zeros(min(DENSE_CELLS, space.size), np.int64)
    ends = np.cumsum(np.count_nonzero(codes, axis=1))
    cuts = np.searchsorted(ends, np.arange(values, ends[-1] if len(ends) else 0, values))
    for low, high in zip([0, *cuts], [*cuts, len(codes)], strict=True):
        held = _Values(*_values_of(np.ascontiguousarray(codes[low:high])))
        cells, counts = _count_records(held, weights[low:high], cards, space.length_bounds(), space.within, dense)
        parts.append(by_length(space, cells, counts))
    if len(parts) == 1:
        return parts[0]
    cells, counts = (np.concatenate([part[index] for part in parts]) for index in (0, 1))
    return add_counts(cells, counts)


@compiled
def _values_of(codes):
    """The columns, places and ends of `_Values`."""
    n, m = codes.shape
    ends, size = np.empty(n, np.int64), 0
    for r in range(n):
        for c in range(m):
            size += codes[r, c] > 0
        ends[r] = size
    columns, places, at = np.empty(size, np.int32), np.empty(size, np.int32), 0
    for r in range(n):
        for c in range(m):
            if codes[r, c] > 0:
                columns[at], places[at] = c, codes[r, c] - 1
                at += 1
    return columns, places, ends


@compiled
def _count_records(values, weights, cards, lengths, within, dense):
    """Visit the columns that occur together, depth first; cells and counts out, ascending within lengths."""
    longest, m, n, q = within.shape[0] - 1, cards.size, weights.size, values.columns.size
    cells, counts, size = np.empty(1024, np.int64), np.empty(1024, np.int64), np.int64(0)
    touched = np.empty(dense.size, np.int64)
    holders = _Holders(
        np.empty((longest, max(n, q)), np.int32),
        np.empty((longest, max(n, q)), np.int64),
        np.zeros((longest, max(n, q)), np.int64),
        np.zeros((longest, m + 1), np.int64),
    )
    holders.rows[0, :n] = np.arange(n)
    holders.begins[0, :n] = np.concatenate((np.zeros(1, np.int64), values.ends))[:n]
    column, inside = np.full(longest + 1, -1, np.int64), np.ones(longest + 1, np.int64)
    # first[d, l]: first cell of the combinations of length l that begin with the d columns so far
    first = np.zeros((longest + 1, longest + 1), np.int64)
    first[0, 1:] = lengths[:longest]
    depth, low, high = np.int64(0), np.int64(0), n
    while True:
        rows, keys = holders.rows[depth, low:high], holders.keys[depth, low:high]
        if depth > 0:
            cells, counts = room_for(high - low, cells, counts, size)
            if inside[depth] <= DENSE_CELLS:
                size = tally_dense(first[depth, depth], rows, keys, weights, dense, touched, cells, counts, size)
            else:
                size = tally_sorted(first[depth, depth], rows, keys, weights, cells, counts, size)
        if depth + 1 < longest:
            _list_later(values, cards, holders, depth, low, high)
            depth += 1
            column[depth] = -1
        else:
            cells, counts, size = _tally_later(
                values, cards, weights, holders, depth, low, high, first[depth, longest], inside[depth],
                within[1, column[depth] + 1] - within[1], dense, touched, cells, counts, size,
            )  # fmt: skip
        while depth > 0:  # on to the next columns that occur
            column[depth] += 1
            if column[depth] == m:
                depth -= 1
            elif holders.bounds[depth, column[depth]] < holders.bounds[depth, column[depth] + 1]:
                break
        if depth == 0:
            return cells[:size], counts[:size]
        c, after = column[depth], column[depth - 1] + 1
        low, high = holders.bounds[depth, c], holders.bounds[depth, c + 1]
        for length in range(depth, longest + 1):
            rest = within[length - depth + 1]
            first[depth, length] = first[depth - 1, length] + inside[depth - 1] * (rest[after] - rest[c])
        inside[depth] = inside[depth - 1] * cards[c]


@compiled
def _list_later(values, cards, holders, depth, low, high):
    """List the later values of the records that hold a combination, column by column, one length further."""
    rows, begins, keys = holders.rows[depth, low:high], holders.begins[depth, low:high], holders.keys[depth, low:high]
    bounds = holders.bounds[depth + 1]
    bounds[:] = 0
    for i in range(rows.size):
        for t in range(begins[i], values.ends[rows[i]]):
            bounds[values.columns[t] + 1] += 1
    for c in range(1, bounds.size):
        bounds[c] += bounds[c - 1]
    at = bounds[:-1].copy()
    for i in range(rows.size):
        for t in range(begins[i], values.ends[rows[i]]):
            c = values.columns[t]
            holders.rows[depth + 1, at[c]] = rows[i]
            holders.begins[depth + 1, at[c]] = t + 1
            holders.keys[depth + 1, at[c]] = keys[i] * cards[c] + values.places[t]
            at[c] += 1


@compiled
def _tally_later(
    values, cards, weights, holders, depth, low, high, base, inside, before, dense, touched, cells, counts, size
):
    """Count combinations of some columns with every later value of the records that hold them; the output.

    The first cell of theirs is ``base``; ``inside`` is the number of cells of their column tuple; ``before``, (m + 1,),
    is the number of values of the later columns before each.
    """
    rows, begins, keys = holders.rows[depth, low:high], holders.begins[depth, low:high], holders.keys[depth, low:high]
    listed, distinct = 0, 0
    for i in range(rows.size):
        listed += values.ends[rows[i]] - begins[i]
    sort = inside * before[-1] > DENSE_CELLS
    many = np.empty(listed if sort else 0, np.int64)
    many_rows = np.empty(many.size, np.int32)
    cells, counts = room_for(listed if sort else min(listed, inside * before[-1]), cells, counts, size)
    for i in range(rows.size):
        weight = weights[rows[i]]
        for t in range(begins[i], values.ends[rows[i]]):
            c = values.columns[t]
            key = inside * before[c] + keys[i] * cards[c] + values.places[t]
            if sort:
                many[distinct], many_rows[distinct] = key, rows[i]
                distinct += 1
                continue
            if dense[key] == 0:
                touched[distinct] = key
                distinct += 1
            dense[key] += weight
    if sort:
        return cells, counts, tally_sorted(base, many_rows, many, weights, cells, counts, size)
    return cells, counts, drain(base, touched[:distinct], dense, cells, counts, size)
