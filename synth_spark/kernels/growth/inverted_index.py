"""Records as baskets of attributes, laid out for the kernels that grow synthetic records."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Codes, Ints, starts_of
from synth_spark.kernels.numba_cache import compiled

#: An attribute that one record in so many holds has a bit set; others are looked up by their list of holders.
_FREQUENT = 128
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_PLACES = np.zeros(64, np.int64)
_PLACES[[((1 << place) * int(_DE_BRUIJN) % (1 << 64)) >> 58 for place in range(64)]] = np.arange(64)


class Baskets(NamedTuple):
    """n distinct records over A attributes of m columns; attribute (column, code) has index starts[column] + code − 1.

    Attributes:
        codes: (m, n) codes, a column after the other, 0 = absent or rare.
        weights: (n,) how many sensitive records each stands for.
        starts: (m + 1,) first attribute of each column.
        column_of: (A,) column of each attribute.
        first: (n + 1,) where each record's attributes begin in ``attributes``.
        attributes: (nnz,) attributes of the records, one record after the other.
        first_listed: (A + 1,) where the holders of each infrequent attribute begin in ``listed``.
        listed: the records that hold each infrequent attribute, ascending.
        bits: (F, ⌈n / 64⌉) the records that hold each frequent attribute, as bits, least significant first.
        bits_of: (A,) row of ``bits`` of each attribute; −1 if it is infrequent.
        held: (A,) number of the records that hold each attribute.
        support: (A,) weight of the records that hold each attribute.
    """

    codes: Codes
    weights: Ints
    starts: Ints
    column_of: npt.NDArray[np.int32]
    first: Ints
    attributes: npt.NDArray[np.int32]
    first_listed: Ints
    listed: npt.NDArray[np.int32]
    bits: npt.NDArray[np.uint64]
    bits_of: npt.NDArray[np.int32]
    held: Ints
    support: Ints


def baskets_of(codes: Codes, weights: Ints, cards: Ints) -> Baskets:
    """Lay out (n, m) codes whose values above ``cards`` have already been set to absent."""
    starts = starts_of(cards)
    column_of = np.repeat(np.arange(codes.shape[1], dtype=np.int32), cards)
    laid: Baskets = lay_out(np.ascontiguousarray(codes.T), np.ascontiguousarray(weights, np.int64), starts, column_of)
    return laid


@compiled
def project(baskets, attribute):
    """The records that hold an attribute, in the same order, without its column: small, and together in memory.

    Returns (their rows in the table they come from, their baskets).
    """
    held, m = baskets.held[attribute], baskets.codes.shape[0]
    rows = np.empty(held, np.int32)
    rows_holding(baskets, np.array([attribute]), held, rows, np.int64(0))
    codes, weights = np.zeros((m, held), np.uint16), np.empty(held, np.int64)
    for i in range(held):
        weights[i] = baskets.weights[rows[i]]
    for c in range(m):
        if c != baskets.column_of[attribute]:
            column = baskets.codes[c]
            for i in range(held):
                codes[c, i] = column[rows[i]]
    return rows, lay_out(codes, weights, baskets.starts, baskets.column_of)


@compiled
def lay_out(codes, weights, starts, column_of):
    """Lay out (m, n) codes over attributes that are numbered already."""
    m, n = codes.shape
    size, first = column_of.size, np.zeros(n + 1, np.int64)
    held, support = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for c in range(m):
        for r in range(n):
            v = codes[c, r]
            if v > 0:
                held[starts[c] + v - 1] += 1
                support[starts[c] + v - 1] += weights[r]
                first[r + 1] += 1
    for r in range(n):
        first[r + 1] += first[r]
    bits_of, frequent, first_listed = np.full(size, -1, np.int32), 0, np.zeros(size + 1, np.int64)
    for a in range(size):
        first_listed[a + 1] = first_listed[a]
        if held[a] > 0 and _FREQUENT * held[a] >= n:
            bits_of[a] = frequent
            frequent += 1
        else:
            first_listed[a + 1] += held[a]
    bits, at, place = np.zeros((frequent, (n + 63) // 64), np.uint64), first_listed[:-1].copy(), first[:-1].copy()
    attributes, listed = np.empty(first[n], np.int32), np.empty(first_listed[size], np.int32)
    for c in range(m):
        for r in range(n):
            if codes[c, r] > 0:
                a = starts[c] + codes[c, r] - 1
                attributes[place[r]] = a
                place[r] += 1
                if bits_of[a] >= 0:
                    bits[bits_of[a], r >> 6] |= np.uint64(1) << np.uint64(r & 63)
                else:
                    listed[at[a]] = r
                    at[a] += 1
    return Baskets(
        codes, weights, starts, column_of, first, attributes, first_listed, listed, bits, bits_of, held, support
    )


@compiled
def add_support(baskets, rows, support):
    """Add, for every attribute, the weight of those of the given rows that hold it."""
    for r in rows:
        weight = baskets.weights[r]
        for j in range(baskets.first[r], baskets.first[r + 1]):
            support[baskets.attributes[j]] += weight


@compiled
def clear_support(baskets, rows, support):
    """Set the support of every attribute that the given rows hold back to zero."""
    for r in rows:
        for j in range(baskets.first[r], baskets.first[r + 1]):
            support[baskets.attributes[j]] = 0


@compiled
def rows_holding(baskets, path, limit, rows, at):
    """Write the first rows, at most ``limit``, that hold all attributes of a non-empty path, ascending, from ``at`` on.

    Returns how many; fewer than ``limit`` are all there are.
    """
    rarest, number = _rarest(baskets, path), 0
    if rarest >= 0:
        for j in range(baskets.first_listed[rarest], baskets.first_listed[rarest + 1]):
            if number == limit:
                break
            if _holds(baskets, baskets.listed[j], path):
                rows[at + number] = baskets.listed[j]
                number += 1
        return number
    for word in range(baskets.bits.shape[1]):
        bits = _word(baskets, path, word)
        while bits != 0:
            rows[at + number] = 64 * word + _lowest(bits)
            number += 1
            if number == limit:
                return number
            bits &= bits - np.uint64(1)
    return number


@compiled
def support_reaches(baskets, path, limit):
    """Whether the rows that hold all attributes of a non-empty path weigh at least ``limit``."""
    rarest, weight = _rarest(baskets, path), 0
    if rarest >= 0:
        for j in range(baskets.first_listed[rarest], baskets.first_listed[rarest + 1]):
            if _holds(baskets, baskets.listed[j], path):
                weight += baskets.weights[baskets.listed[j]]
                if weight >= limit:
                    return True
        return False
    for word in range(baskets.bits.shape[1]):
        bits = _word(baskets, path, word)
        while bits != 0:
            weight += baskets.weights[64 * word + _lowest(bits)]
            if weight >= limit:
                return True
            bits &= bits - np.uint64(1)
    return False


@compiled
def _holds(baskets, row, path):
    """Whether a row holds all attributes of a path."""
    for a in path:
        column = baskets.column_of[a]
        if baskets.codes[column, row] != a - baskets.starts[column] + 1:
            return False
    return True


@compiled
def _rarest(baskets, path):
    """The attribute of a path with the fewest holders among the infrequent ones; −1 if all are frequent."""
    rarest = -1
    for a in path:
        if baskets.bits_of[a] < 0 and (rarest < 0 or baskets.held[a] < baskets.held[rarest]):
            rarest = a
    return rarest


@compiled
def _word(baskets, path, word):
    """The rows of one word that hold all attributes of a path."""
    bits = baskets.bits[baskets.bits_of[path[0]], word]
    for i in range(1, path.size):
        bits &= baskets.bits[baskets.bits_of[path[i]], word]
    return bits


@compiled
def _lowest(bits):
    """The place of the lowest bit that is set, by a de Bruijn sequence (Leiserson, Prokop and Randall, 1998)."""
    return _PLACES[((bits & (~bits + np.uint64(1))) * _DE_BRUIJN) >> np.uint64(58)]


@compiled
def rows_with(baskets, rows, attribute, out, at):
    """Write those of the given rows that hold an attribute to ``out`` from ``at`` on; returns how many.

    In place, with ``out`` the rows themselves and ``at`` 0, they move to the front.
    """
    column, number = baskets.column_of[attribute], 0
    codes, value = baskets.codes[column], attribute - baskets.starts[column] + 1
    for r in rows:
        if codes[r] == value:
            out[at + number] = r
            number += 1
    return number


@compiled
def mark_columns(baskets, path, taken):
    """Mark the columns of a path, and no others."""
    taken[:] = False
    for a in path:
        taken[baskets.column_of[a]] = True


@compiled
def write_record(baskets, path, record):
    """Write the codes of a path's attributes into an empty record."""
    for a in path:
        c = baskets.column_of[a]
        record[c] = a - baskets.starts[c] + 1


@compiled
def pair_counts(codes, weights, starts, tracked, size):
    """(size, size) weighted number of (n, m) records that hold both attributes, among those tracked.

    Args:
        codes: (n, m) codes, 0 = absent.
        weights: (n,) multiplicities.
        starts: (m + 1,) first attribute of each column.
        tracked: (A,) row of each attribute in the result; −1 = not tracked.
        size: how many are tracked.
    """
    n, m = codes.shape
    pairs, held = np.zeros((size, size), np.int64), np.empty(m, np.int64)
    for r in range(n):
        number = 0
        for c in range(m):
            if codes[r, c] > 0 and tracked[starts[c] + codes[r, c] - 1] >= 0:
                held[number] = tracked[starts[c] + codes[r, c] - 1]
                number += 1
        for i in range(number):
            for j in range(number):
                pairs[held[i], held[j]] += weights[r]
    return pairs


@compiled
def taller(stack, height):
    """The same stack, twice as tall if it is full."""
    if height < stack.shape[0]:
        return stack
    grown = np.empty((2 * height, stack.shape[1]), stack.dtype)
    grown[:height] = stack
    return grown


@compiled
def lengthened(array, used, capacity):
    """The first ``used`` elements in an array of at least a capacity; the same array if it is long enough."""
    if capacity <= array.size:
        return array
    longer = np.empty(capacity, array.dtype)
    longer[:used] = array[:used]
    return longer


@compiled
def doubled(records, counts):
    """The same records and counts in arrays with twice the room."""
    size = counts.size
    more, more_counts = np.zeros((2 * size, records.shape[1]), np.uint16), np.zeros(2 * size, np.int64)
    more[:size], more_counts[:size] = records, counts
    return more, more_counts
