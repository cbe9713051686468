"""Records that come to have given tables of pairs and triples of columns: they exchange values.

Two records that exchange their values of one column change no single count. An exchange is made where it brings the
records nearer to the tables: where the sum over all cells of (records − wanted)² / (wanted + 1) falls, so that a record
weighs more where few are wanted; a cell of three columns weighs a tenth of one of two. First at random, which keeps
records as mixed as the tables allow; then, for every two values of a column, among the records that the differences say
should have the other one. At last records leave the cells that are to be empty, where others can take a value of theirs
without coming into as many such cells: every other time one is asked that is in such a cell, too.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.keyed_random import State, uniform
from synth_spark.kernels.marginals.links import laid_out, links_of, rules_of
from synth_spark.kernels.numba_cache import compiled

Floats = npt.NDArray[np.float64]
#: Exchanges that are tried at random, for each value of each record.
_PROPOSALS = 8
#: Exchanges in a row that bring nothing, after which two values are left as they are.
_PATIENCE = 30
#: Times that all records are gone through for cells that are to be empty, records tried for each value, and what a
#: record in such a cell weighs beside the sum over all cells.
_ROUNDS, _TRIES, _PRICE = 8, 32, 10.0
#: What a cell of three columns weighs beside one of two.
_TRIPLE = 0.1


class Wanted(NamedTuple):
    """Tables that records are to have.

    Attributes:
        pairs: (p, 2) pairs of columns.
        tables: for each pair, (cards[i], cards[j]) counts; less than 0 is a price on every record there.
        sparing: (q, 2) pairs of columns, these or others, with cells that are to be empty.
        empty: for each of those, (cards[i], cards[j]) whether it is.
        triples: three different columns each.
        triple_tables: for each of those, (cards[i], cards[j], cards[k]) counts.
    """

    pairs: Ints
    tables: list[Floats]
    sparing: Ints
    empty: list[npt.NDArray[np.bool_]]
    triples: Sequence[tuple[int, int, int]] = ()
    triple_tables: Sequence[Floats] = ()


def exchange(
    codes: Codes, cards: Ints, wanted: Wanted, barred: list[tuple[tuple[int, int], ...]], passes: int, state: State
) -> None:
    """Exchange values of records until they have given tables, as nearly as may be; in place.

    Args:
        codes: (n, m) codes, each from 0 to its column's card − 1.
        cards: (m,) number of codes of each column.
        wanted: the tables.
        barred: (column, code) pairs that no record may hold all of. No exchange makes more records hold such a set;
            one that makes fewer do is made whatever the tables say.
        passes: over all columns, after the exchanges at random.
        state: of the random stream.
    """
    n, m = codes.shape
    if n < 2 or not m:
        return
    laid, all_tables = laid_out(cards, wanted.pairs, wanted.triples), [*wanted.tables, *wanted.triple_tables]
    counts = np.concatenate([np.zeros(0), *(table.ravel() for table in all_tables)])
    weights = np.repeat([1.0, _TRIPLE], [laid.bases[len(wanted.pairs)], counts.size - laid.bases[len(wanted.pairs)]])
    cells = np.stack(
        [-counts, weights / (np.maximum(counts, 0) + 1)], axis=1
    )  # records too many, and what the square of that weighs
    _add(codes, *laid, cells)
    fixed = (*links_of(cards, laid), *rules_of(m, barred))
    _at_random(codes, cells, *fixed, _PROPOSALS * m * n, state)
    for _ in range(passes):
        _pass(codes, cells, *fixed, cards, state)
    if wanted.empty:
        empty = np.concatenate([own.ravel() for own in wanted.empty])
        sparing = links_of(cards, laid_out(cards, wanted.sparing, ()))
        for _ in range(_ROUNDS):
            _leave(codes, cells, *fixed, empty, *sparing, state)


@compiled
def _add(codes, columns, strides, bases, cells):
    """Add the records to the cells that they are in."""
    for t in range(columns.shape[0]):
        i, j, k = columns[t]
        for r in range(codes.shape[0]):
            at = bases[t] + codes[r, i] * strides[t, 0] + codes[r, j] * strides[t, 1] + codes[r, k] * strides[t, 2]
            cells[at, 0] += 1.0


@compiled
def _more(cells, at):
    """What the sum would change by if a cell got one record more."""
    return cells[at, 1] * (1.0 + 2.0 * cells[at, 0])


@compiled
def _less(cells, at):
    """What the sum would change by if a cell got one record less."""
    return cells[at, 1] * (1.0 - 2.0 * cells[at, 0])


@compiled
def _beside(codes, links, q, r):
    """The cell of a table that a record is in by its values of the other columns, with code 0 of the column itself."""
    return links[q, 2] + codes[r, links[q, 0]] * links[q, 4] + codes[r, links[q, 1]] * links[q, 5]


@compiled
def _change(codes, cells, starts, links, c, r, s):
    """What the sum would change by if two records exchanged their values of a column."""
    u, v, change = codes[r, c], codes[s, c], 0.0
    for q in range(starts[c], starts[c + 1]):
        own = links[q, 3]
        x, y = _beside(codes, links, q, r), _beside(codes, links, q, s)
        if x != y:
            change += _less(cells, x + u * own) + _more(cells, x + v * own)
            change += _less(cells, y + v * own) + _more(cells, y + u * own)
    return change


@compiled
def _exchange(codes, cells, starts, links, c, r, s):
    u, v = codes[r, c], codes[s, c]
    for q in range(starts[c], starts[c + 1]):
        own = links[q, 3]
        x, y = _beside(codes, links, q, r), _beside(codes, links, q, s)
        cells[x + u * own, 0] -= 1.0
        cells[x + v * own, 0] += 1.0
        cells[y + v * own, 0] -= 1.0
        cells[y + u * own, 0] += 1.0
    codes[r, c], codes[s, c] = v, u


@compiled
def _held(codes, c, r, value, low, high, bounds, members):
    """How many barred sets a record would hold with a value in a column, of those with that column."""
    held = 0
    for rule in range(low, high):
        whole = True
        for at in range(bounds[rule, 0], bounds[rule, 1]):
            column = members[at, 0]
            has = value if column == c else codes[r, column]
            if has != members[at, 1]:
                whole = False
                break
        held += whole
    return held


@compiled
def _broken(codes, firsts, bounds, members, c, r, s):
    """How many more barred sets two records would hold if they exchanged their values of a column."""
    u, v, low, high, broken = codes[r, c], codes[s, c], firsts[c], firsts[c + 1], 0
    if high > low:
        broken = _held(codes, c, r, v, low, high, bounds, members) - _held(codes, c, r, u, low, high, bounds, members)
        broken += _held(codes, c, s, u, low, high, bounds, members) - _held(codes, c, s, v, low, high, bounds, members)
    return broken


@compiled
def _made(codes, cells, starts, links, firsts, bounds, members, c, r, s):
    """Make an exchange, if it mends more sets that are barred than it breaks, or as many and brings tables nearer."""
    if codes[r, c] == codes[s, c]:
        return False
    broken = _broken(codes, firsts, bounds, members, c, r, s)
    if broken > 0 or (broken == 0 and _change(codes, cells, starts, links, c, r, s) >= 0.0):
        return False
    _exchange(codes, cells, starts, links, c, r, s)
    return True


@compiled
def _at_random(codes, cells, starts, links, firsts, bounds, members, proposals, state):
    n, m = codes.shape
    for _ in range(proposals):
        c, r, s = int(uniform(state) * m), int(uniform(state) * n), int(uniform(state) * n)
        _made(codes, cells, starts, links, firsts, bounds, members, c, r, s)


@compiled
def _pass(codes, cells, starts, links, firsts, bounds, members, cards, state):
    """For every column, in random order, every two of its values, in random order."""
    n, m = codes.shape
    largest = cards.max()
    rows, bins, order = np.empty(n, np.int64), np.empty(largest + 1, np.int64), np.arange(m)
    twos, score = np.empty((largest * (largest - 1) // 2, 2), np.int64), np.empty(n)
    most = 0
    for c in range(m):
        if starts[c + 1] > starts[c]:
            last = starts[c + 1] - 1
            most = max(most, links[last, 8] + links[last, 6] * links[last, 7])
    slope = np.empty((2, most))
    _shuffle(order, state)
    for c in order:
        _by_value(codes[:, c], cards[c], bins, rows, state)
        number = 0
        for u in range(cards[c]):
            for v in range(u):
                twos[number, 0], twos[number, 1] = u, v
                number += 1
        for last in range(number - 1, -1, -1):
            one = int(uniform(state) * (last + 1))
            u, v = twos[one]
            twos[one, 0], twos[one, 1] = twos[last]
            ours, theirs = rows[bins[u] : bins[u + 1]], rows[bins[v] : bins[v + 1]]
            if not ours.size or not theirs.size:
                continue
            if not _slopes(cells, starts, links, c, u, v, slope):
                continue
            _scores(codes, starts, links, c, ours, slope[0], score)
            _scores(codes, starts, links, c, theirs, slope[1], score)
            _meet(codes, cells, starts, links, firsts, bounds, members, c, ours, theirs, score)


@compiled
def _meet(codes, cells, starts, links, firsts, bounds, members, c, ours, theirs, score):
    """Exchange values between records of two values that each would gain, in the order in which they come."""
    i, j, vain = 0, 0, 0
    while vain < _PATIENCE:
        while i < ours.size and score[ours[i]] >= 0.0:
            i += 1
        while j < theirs.size and score[theirs[j]] >= 0.0:
            j += 1
        if i == ours.size or j == theirs.size:
            break
        r, s, vain = ours[i], theirs[j], vain + 1
        if _made(codes, cells, starts, links, firsts, bounds, members, c, r, s):
            ours[i], theirs[j], vain = s, r, 0
        i, j = i + 1, j + 1


@compiled
def _inside(codes, empty, starts, links, c, r, value):
    """How many cells that are to be empty a record would be in with a value in a column, of those with that column."""
    inside = 0
    for q in range(starts[c], starts[c + 1]):
        inside += empty[_beside(codes, links, q, r) + value * links[q, 3]]
    return inside


@compiled
def _leave(codes, cells, starts, links, firsts, bounds, members, empty, begins, spared, state):
    """Records in cells that are to be empty exchange a value that has brought them there, if another can take it.

    Every other try is with a record that is in such a cell by its value of the same column: where one column follows
    from another, only these can take each other's values.
    """
    n, m = codes.shape
    there = np.empty(n, np.int64)
    for c in range(m):
        number = 0
        for r in range(n):
            if _inside(codes, empty, begins, spared, c, r, codes[r, c]) > 0:
                there[number] = r
                number += 1
        for r in there[:number]:
            for tried in range(_TRIES):
                u = codes[r, c]
                here = _inside(codes, empty, begins, spared, c, r, u)
                if here == 0:
                    break
                s = there[int(uniform(state) * number)] if tried % 2 else int(uniform(state) * n)
                v = codes[s, c]
                if u == v:
                    continue
                more = _inside(codes, empty, begins, spared, c, r, v) - here
                more += _inside(codes, empty, begins, spared, c, s, u) - _inside(codes, empty, begins, spared, c, s, v)
                if more >= 0 or _broken(codes, firsts, bounds, members, c, r, s) > 0:
                    continue
                if _PRICE * more + _change(codes, cells, starts, links, c, r, s) < 0.0:
                    _exchange(codes, cells, starts, links, c, r, s)


@compiled
def _slopes(cells, starts, links, c, u, v, slope):
    """For all values of the other columns of each table, what a record with them adds by going from u to v, and back.

    Returns whether any two records could bring the sum down.
    """
    best = 0.0
    for q in range(starts[c], starts[c + 1]):
        _, _, base, own, step, stride, many, more, at = links[q]
        forth, back = np.inf, np.inf
        for x in range(many):
            for y in range(more):
                beside = base + x * step + y * stride
                ours, theirs = beside + u * own, beside + v * own
                slope[0, at] = _less(cells, ours) + _more(cells, theirs)
                slope[1, at] = _less(cells, theirs) + _more(cells, ours)
                forth, back = min(forth, slope[0, at]), min(back, slope[1, at])
                at += 1
        best += min(forth + back, 0.0)
    return best < 0.0


@compiled
def _scores(codes, starts, links, c, rows, slope, score):
    """What each of some records would add."""
    for r in rows:
        total = 0.0
        for q in range(starts[c], starts[c + 1]):
            more = links[q, 7]
            second = codes[r, links[q, 1]] if more > 1 else 0
            total += slope[links[q, 8] + codes[r, links[q, 0]] * more + second]
        score[r] = total


@compiled
def _by_value(codes, card, bins, rows, state):
    """The records of each value, in random order: those of value v are ``rows[bins[v]:bins[v + 1]]``."""
    bins[: card + 1] = 0
    for r in range(codes.size):
        bins[codes[r] + 1] += 1
    for v in range(card):
        bins[v + 1] += bins[v]
    for r in range(codes.size):
        v = codes[r]
        rows[bins[v]] = r
        bins[v] += 1
    for v in range(card, 0, -1):
        bins[v] = bins[v - 1]
    bins[0] = 0
    for v in range(card):
        _shuffle(rows[bins[v] : bins[v + 1]], state)


@compiled
def _shuffle(array, state):
    for last in range(array.size - 1, 0, -1):
        other = int(uniform(state) * (last + 1))
        array[last], array[other] = array[other], array[last]
