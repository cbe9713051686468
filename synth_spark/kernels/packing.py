"""Packing: records built from the values that seeds could not keep.

The pool holds, for every attribute, how many occurrences are left to place. Records that lost values are extended
first, then new ones are started from nothing, until the pool is empty. A value may join a record when the record
with it has support ≥ k over all rows; among those that may, it is drawn with weight

    support × Σ_b max(0, (target(a, b) − placed(a, b)) / target(a, b))³      (b over the record's attributes)

so pairs that are still missing most, relative to their sensitive count, come first, and long and frequent records are
preferred. Copies of one record walk a small tree together, so a node's support is counted once.

A node with many rows is judged by the first ``sample`` of them, which are a random sample when rows come in the order
of a hash: their supports weigh the draw, and a value whose support there falls short of k must reach k over all rows
before it is taken. So a record costs little more in a large table than in a small one.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.baskets import Baskets, add_support, project, rows_holding, support_reaches
from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.compiled import compiled
from synth_spark.kernels.sampling import State, uniform

#: Weight of a value whose pairs are all satisfied, relative to one whose pairs are all missing.
_SATISFIED = 1e-9
#: New records started together: at least this many, or this share of the records that the pool could still fill.
#: They share the tree, and see each other's draws only along it.
_BATCH, _BATCH_SHARE = 256, 8

Flags = npt.NDArray[np.bool_]


class Book(NamedTuple):
    """What is to be placed, and how far the records' pairs are from their targets.

    Attributes:
        pool: (A,) occurrences still to place; lowered as they are placed.
        pairs: (A, A) weighted sensitive records that hold both attributes; diagonal: single counts.
        placed: (A, A) how many records hold both attributes by now; raised as values are placed.
        share: this shard's share of the records, in (0, 1]: the target of a pair is share × pairs.
    """

    pool: Ints
    pairs: Ints
    placed: Ints
    share: float


class Packing(NamedTuple):
    """How records are packed.

    Attributes:
        k: smallest support, ≥ 1.
        sample: rows that a node is judged by where there are more; ≥ 1.
        rows: most rows of a table that is not divided; ≥ 1.
        few: copies that are worth dividing a table for; ≥ 0.
    """

    k: int
    sample: int
    rows: int
    few: int

    def worth(self, copies: Ints, held: Ints, rows: int) -> Flags:
        """Whether so many copies repay the work of copying the held rows together, out of all rows of a table."""
        return (copies > 0) & (copies * rows >= 16 * self.few * held)


def pack(
    baskets: Baskets, book: Book, how: Packing, records: Codes, counts: Ints, short: Flags, state: State
) -> tuple[Codes, Ints]:
    """Extend the short ones among the records, then start new ones, until the pool is empty.

    Args:
        baskets: all records, in random order.
        book: what is to be placed; its pool and placed pairs are updated. Every attribute in the pool must have single
            support ≥ k.
        how: k and sizes.
        records: (q, m) codes of the refined records.
        counts: (q,) copies of each.
        short: (q,) whether the record's seeds lost values, so that it may be extended.
        state: random stream.

    Returns:
        (records, counts): (p, m) codes and (p,) copies; empty records are left out.
    """
    whole = ~short & records.any(axis=1)
    packed = [(records[whole], counts[whole])]
    base, some = np.zeros(0, np.int64), short & records.any(axis=1)
    packed += _extend(baskets, book, how, base, records[some], counts[some], state)
    divided = len(baskets.weights) > how.rows
    left, values = int(book.pool.sum()), records.shape[1]  # values that a new record is expected to take
    while left > 0:
        share = 1 if divided else _BATCH_SHARE  # every batch divides a large table anew
        batch = max(min(_BATCH, left // values), left // (share * values), 1)
        packed += _start(baskets, book, how, base, batch, state)
        before, left = left, int(book.pool.sum())
        if divided:
            values = max(1, (before - left) // batch)
    codes, copies = zip(*packed, strict=True)
    return np.concatenate(codes), np.concatenate(copies)


def _extend(
    baskets: Baskets, book: Book, how: Packing, base: Ints, records: Codes, counts: Ints, state: State
) -> list[tuple[Codes, Ints]]:
    """Extend records that hold the base, whose rows are the table: in a large one apart by their rarest attribute."""
    done, rest = [], np.ones(counts.size, np.bool_)
    if len(baskets.weights) > how.rows and counts.size >= how.few:
        rarest = _rarest_attributes(baskets, base, records)
        for attribute in np.flatnonzero(np.bincount(rarest[rarest >= 0], minlength=1) >= max(1, how.few)):
            own = rarest == attribute
            rest &= ~own
            _, part = project(baskets, attribute)
            done += _extend(part, book, how, np.append(base, attribute), records[own], counts[own], state)
    done.append(_grow_all(baskets, book, how.k, how.sample, base, records[rest], counts[rest], state))
    return done


def _start(
    baskets: Baskets, book: Book, how: Packing, base: Ints, copies: int, state: State
) -> list[tuple[Codes, Ints]]:
    """Grow new records from the base, whose rows are the table: a large one is divided by their next value."""
    m = baskets.codes.shape[0]
    start = np.zeros((1, m), np.uint16)
    start[0, baskets.column_of[base]] = base - baskets.starts[baskets.column_of[base]] + 1
    if len(baskets.weights) <= how.rows or copies < how.few:
        return [_grow_all(baskets, book, how.k, how.sample, base, start, np.array([copies]), state)]
    drawn = _draw_next(baskets, book, how.k, base, copies, state)
    done = [(start, np.array([copies - drawn.sum()]))] if base.size and drawn.sum() < copies else []
    worth = how.worth(drawn, baskets.held, len(baskets.weights))
    alone = np.flatnonzero((drawn > 0) & ~worth)
    starts = np.repeat(start, alone.size, axis=0)
    columns = baskets.column_of[alone]
    starts[np.arange(alone.size), columns] = alone - baskets.starts[columns] + 1
    done.append(_grow_all(baskets, book, how.k, how.sample, base, starts, drawn[alone], state))
    for attribute in np.flatnonzero(worth):
        _, part = project(baskets, attribute)
        done += _start(part, book, how, np.append(base, attribute), int(drawn[attribute]), state)
    return done


@compiled
def _rarest_attributes(baskets, base, records):
    """(q,) the rarest attribute of each record beside the base; −1 if there is none."""
    rarest = np.full(records.shape[0], -1, np.int64)
    based = np.zeros(records.shape[1], np.bool_)
    for a in base:
        based[baskets.column_of[a]] = True
    for i in range(records.shape[0]):
        for c in range(records.shape[1]):
            if records[i, c] > 0 and not based[c]:
                a = baskets.starts[c] + records[i, c] - 1
                if rarest[i] < 0 or baskets.support[a] < baskets.support[rarest[i]]:
                    rarest[i] = a
    return rarest


@compiled
def _draw_next(baskets, book, k, base, copies, state):
    """(A,) how many of the copies of the base take each value next; what they take has left the pool."""
    size = baskets.column_of.size
    support, drawn, path = np.zeros(size, np.int64), np.zeros(size, np.int64), np.empty(base.size + 1, np.int64)
    path[: base.size] = base
    fitting = _fitting(baskets, book, k, base, base.size, np.empty(0, np.int32), support)
    _draw_values(baskets, book, k, path, base.size, base.size, fitting, copies, support, drawn, state)
    return drawn


@compiled
def _grow_all(baskets, book, k, sample, base, records, counts, state):
    """Add values from the pool to copies of records that hold the base, until none fits."""
    room, m, size = max(2 * counts.size, 16), records.shape[1], baskets.column_of.size
    out, out_counts, made = np.zeros((room, m), np.uint16), np.zeros(room, np.int64), 0
    rows, support, drawn = np.empty(4 * sample, np.int32), np.zeros(size, np.int64), np.zeros(size, np.int64)
    for i in range(counts.size):
        rows, out, out_counts, made = _grow(
            baskets, book, k, sample, base, records[i], counts[i], rows, support, drawn, state, out, out_counts, made
        )
    return out[:made], out_counts[:made]


@compiled
def _grow(baskets, book, k, sample, base, record, copies, rows, support, drawn, state, out, out_counts, made):
    """Add values from the pool to copies of one record until none fits; writes the results to the output."""
    m = record.size
    path, begin = np.empty(m, np.int64), base.size
    path[:begin] = base
    based = np.zeros(m, np.bool_)
    for a in base:
        based[baskets.column_of[a]] = True
    for c in range(m):
        if record[c] > 0 and not based[c]:
            path[begin] = baskets.starts[c] + record[c] - 1
            begin += 1
    stack, height = np.empty((64, 6), np.int64), 1  # (rows, their end, all of them?, copies, depth, attribute) a node
    stack[0] = (0, 0, 0, copies, begin, -1)
    while height > 0:
        height -= 1
        low, high, known, number, depth, attribute = stack[height]
        if depth > begin:
            path[depth - 1] = attribute
        if depth > base.size and known == 0:
            rows = _with_room(rows, low, low + sample)
            high = low + rows_holding(baskets, path[base.size : depth], sample, rows, low)
            known = 1 if high - low < sample else 0
        least = k if known > 0 or depth == base.size else 1
        fitting = _fitting(baskets, book, least, path[:depth], base.size, rows[low:high], support)
        done = number - _draw_values(baskets, book, k, path, base.size, depth, fitting, number, support, drawn, state)
        support[fitting] = 0
        top = high
        for a in fitting:
            if drawn[a] == 0:
                continue
            end = top
            if known > 0:
                rows = _with_room(rows, top, top + high - low)
                end = _child_rows(baskets, a, rows, low, high, top)
            if height == stack.shape[0]:
                taller = np.empty((2 * height, 6), np.int64)
                taller[:height] = stack
                stack = taller
            stack[height] = (top, end, known, drawn[a], depth + 1, a)
            height += 1
            drawn[a] = 0
            top = end
        if done > 0 and depth > 0:
            if made == out_counts.size:
                out, out_counts = _doubled(out, out_counts)
            out[made] = 0
            for i in range(depth):
                c = baskets.column_of[path[i]]
                out[made, c] = path[i] - baskets.starts[c] + 1
            out_counts[made] = done
            made += 1
    return rows, out, out_counts, made


@compiled
def _fitting(baskets, book, least, path, base, rows, support):
    """The attributes of the pool that may join a record, with their support left in ``support``."""
    size = support.size
    fitting, count = np.empty(size, np.int64), 0
    if path.size == base:  # all rows of the table
        support[:] = baskets.support
    else:
        add_support(baskets, rows, support)
    for a in range(size):
        if book.pool[a] > 0 and support[a] >= least:
            free = True
            for b in path:
                if baskets.column_of[b] == baskets.column_of[a]:
                    free = False
                    break
            if free:
                fitting[count] = a
                count += 1
                continue
        support[a] = 0
    return fitting[:count]


@compiled
def _draw_values(baskets, book, k, path, base, depth, fitting, copies, support, drawn, state):
    """Draw one value for each copy, in turn; counts them in ``drawn``. Returns how many copies got one.

    A support below k is that of a sample: such a value must reach k over all rows, or it is out.
    """
    upto = np.empty(fitting.size)
    for copy in range(copies):
        chosen = -1
        while chosen < 0:
            total = 0.0
            for i in range(fitting.size):
                if book.pool[fitting[i]] > 0 and support[fitting[i]] > 0:
                    total += _weight(book, path[:depth], fitting[i], support)
                upto[i] = total
            if total <= 0:
                return copy
            chosen = fitting[np.searchsorted(upto, uniform(state) * total, side="right")]
            if support[chosen] < k and drawn[chosen] == 0:
                path[depth] = chosen
                if not support_reaches(baskets, path[base : depth + 1], k):
                    support[chosen] = 0
                    chosen = -1
        book.pool[chosen] -= 1
        drawn[chosen] += 1
        for b in path[:depth]:
            book.placed[chosen, b] += 1
            book.placed[b, chosen] += 1
    return copies


@compiled
def _weight(book, path, a, support):
    """How much a record wants a value; the first value of a new record is drawn ∝ what is left of it."""
    if path.size == 0:
        return np.float64(book.pool[a])
    missing = _SATISFIED
    for b in path:
        target = book.share * book.pairs[b, a]
        if book.placed[b, a] < target:
            share = (target - book.placed[b, a]) / target
            missing += share * share * share
    return support[a] * missing


@compiled
def _child_rows(baskets, attribute, rows, low, high, top):
    """Write those rows of a node that hold an attribute behind the rows in use; returns their end."""
    column = baskets.column_of[attribute]
    value = attribute - baskets.starts[column] + 1
    for i in range(low, high):
        if baskets.codes[column, rows[i]] == value:
            rows[top] = rows[i]
            top += 1
    return top


@compiled
def _with_room(rows, used, end):
    """The same rows in an array that is long enough."""
    if end <= rows.size:
        return rows
    longer = np.empty(2 * end, np.int32)
    longer[:used] = rows[:used]
    return longer


@compiled
def _doubled(out, out_counts):
    more, more_counts = np.zeros((2 * out.shape[0], out.shape[1]), np.uint16), np.zeros(2 * out.shape[0], np.int64)
    more[: out.shape[0]] = out
    more_counts[: out.shape[0]] = out_counts
    return more, more_counts
