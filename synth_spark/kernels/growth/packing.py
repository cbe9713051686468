"""Packing: records built from the values that seeds could not keep.

The pool holds, for every attribute, how many occurrences are left to place. Records that lost values are extended
first, then new ones are started, until the pool is empty or nothing fits. A value may join a record when the record
with it has support ≥ k over all rows; among those that may, it is drawn with a weight that the packing says:

    relative_deficit    support^1.5 × Σ_b max(0, (target(a, b) − placed(a, b)) / target(a, b))³
    deficit             support^1.5 × Σ_b max(0, target(a, b) − placed(a, b))
    count               support × what is left of the value in the pool

(b over the record's attributes). By the first, pairs that are still missing most, relative to their sensitive count,
come first; by all of them long and frequent records are preferred. By the first, a record that has half as many values
as the table's records have on average ends where only satisfied pairs are left to it: what it would take makes longer
combinations more frequent than they are, and goes to another record instead. Copies of one record walk a small tree
together, so a node's support is counted once.

A node with many rows is judged by the first ``sample`` of them, which are a random sample when rows come in the order
of a hash: their supports weigh the draw, and a value whose support there falls short of k must reach k over all rows
before it is taken. So a record costs little more in a large table than in a small one.

All records here hold the *base*: attributes that every row of the table holds, and whose columns it leaves out.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.growth.inverted_index import (
    Baskets,
    add_support,
    doubled,
    lengthened,
    mark_columns,
    project,
    rows_holding,
    rows_with,
    support_reaches,
    taller,
    write_record,
)
from synth_spark.kernels.growth.settings import Growth
from synth_spark.kernels.growth.tree import Grown
from synth_spark.kernels.keyed_random import State, uniform
from synth_spark.kernels.numba_cache import compiled

#: Weight of a value whose pairs are all satisfied, relative to one whose pairs are all missing.
_SATISFIED = 1e-9
#: Mean cube of what pairs lack of their targets, relatively, up to which they are as good as satisfied: a tenth.
_NEARLY = 1e-3
#: New records started together: at least this many, or this share of the records that the pool could still fill.
#: They share the tree, and see each other's draws only along it.
_BATCH, _BATCH_SHARE = 256, 8
_RELATIVE, _DEFICIT, _COUNT = 0, 1, 2

Flags = npt.NDArray[np.bool_]
Packed = list[tuple[Codes, Ints]]


class Book(NamedTuple):
    """What is to be placed, and how far the records' pairs are from their targets.

    Attributes:
        pool: (A,) occurrences still to place; lowered as they are placed.
        tracked: (A,) row of each attribute in the tables of pairs; −1 = too rare to be tracked: its pairs are always
            missing.
        targets: (T, T) how many records should hold both attributes, ≥ 0.
        placed: (T, T) how many records hold both attributes by now; raised as values are placed.
        limits: (T, T) most records that may hold both; (0, 0) where there is no limit.
    """

    pool: Ints
    tracked: npt.NDArray[np.int32]
    targets: npt.NDArray[np.float64]
    placed: Ints
    limits: Ints


class Packing(NamedTuple):
    """How records are packed, and with what.

    Attributes:
        book: what is to be placed; its pool and placed pairs are updated. Every attribute in the pool must have
            support ≥ k in the whole table.
        how: how to grow.
        base: attributes that all rows hold and all records are to hold.
    """

    book: Book
    how: Growth
    base: Ints

    def beside(self, attribute: int) -> "Packing":
        """The same for the rows that hold one more attribute."""
        return self._replace(base=np.append(self.base, attribute))


def pack(baskets: Baskets, packing: Packing, refined: Grown, starts: int | None, state: State) -> tuple[Codes, Ints]:
    """Extend the short ones among the records, then start new ones, until the pool is empty or nothing fits.

    Args:
        baskets: the records to count in, in random order.
        packing: how, and with what.
        refined: records that hold the base; those whose seeds lost values may be extended.
        starts: most new records, ≥ 0; None is as many as the pool takes, and wants an empty base.
        state: random stream.

    Returns:
        (records, counts): (p, m) codes and (p,) copies; empty records and new ones with nothing but the base are left
        out.
    """
    records, counts, short = refined
    some = records.any(axis=1)
    whole = ~short & some
    packed = [(records[whole], counts[whole])]
    packed += _extend(baskets, packing, records[short & some], counts[short & some], state)
    packed += _start_all(baskets, packing, starts, state)
    codes, copies = zip(*packed, strict=True)
    return np.concatenate(codes), np.concatenate(copies)


def _start_all(baskets: Baskets, packing: Packing, starts: int | None, state: State) -> Packed:
    """Start new records, a batch at a time, as long as they take values."""
    book, how, base = packing
    divided, packed = len(baskets.weights) > how.rows, []
    left, values = int(book.pool.sum()), baskets.codes.shape[0]  # values that a new record is expected to take
    while left > 0 and starts != 0:
        share = 1 if divided else _BATCH_SHARE  # every batch divides a large table anew
        batch = max(min(_BATCH, left // values), left // (share * values), 1)
        batch = batch if starts is None else min(batch, starts)
        for records, counts in _start(baskets, packing, batch, state):
            fed = (records > 0).sum(axis=1) > base.size
            packed.append((records[fed], counts[fed]))
        before, left = left, int(book.pool.sum())
        if left == before:
            break
        if divided:
            values = max(1, (before - left) // batch)
        starts = None if starts is None else starts - batch
    return packed


def _extend(baskets: Baskets, packing: Packing, records: Codes, counts: Ints, state: State) -> Packed:
    """Extend records that hold the base: in a large table apart by their rarest attribute."""
    book, how, base = packing
    done, rest = [], np.ones(counts.size, np.bool_)
    if len(baskets.weights) > how.rows and counts.size > how.few:
        rarest = _rarest_attributes(baskets, base, records)
        for attribute in np.flatnonzero(np.bincount(rarest[rarest >= 0], minlength=1) > how.few):
            own = rarest == attribute
            rest &= ~own
            _, part = project(baskets, attribute)
            done += _extend(part, packing.beside(int(attribute)), records[own], counts[own], state)
    done.append(_grow_all(baskets, book, how, base, records[rest], counts[rest], state))
    return done


def _start(baskets: Baskets, packing: Packing, copies: int, state: State) -> Packed:
    """Grow new records from the base: a large table is divided by their next value."""
    book, how, base = packing
    start = np.zeros((1, baskets.codes.shape[0]), np.uint16)
    write_record(baskets, base, start[0])
    if len(baskets.weights) <= how.rows or copies <= how.few:
        return [_grow_all(baskets, book, how, base, start, np.array([copies]), state)]
    drawn = _draw_next(baskets, book, how, base, copies, state)
    done = [(start, np.array([copies - drawn.sum()]))] if base.size and drawn.sum() < copies else []
    # worth a table of their own: so many copies repay the work of copying the rows together
    worth = (drawn > 0) & (drawn * len(baskets.weights) >= 16 * how.few * baskets.held)
    alone = np.flatnonzero((drawn > 0) & ~worth)
    starts = np.repeat(start, alone.size, axis=0)
    columns = baskets.column_of[alone]
    starts[np.arange(alone.size), columns] = alone - baskets.starts[columns] + 1
    done.append(_grow_all(baskets, book, how, base, starts, drawn[alone], state))
    for attribute in np.flatnonzero(worth):
        _, part = project(baskets, attribute)
        done += _start(part, packing.beside(int(attribute)), int(drawn[attribute]), state)
    return done


@compiled
def _rarest_attributes(baskets, base, records):
    """(q,) the rarest attribute of each record beside the base; −1 if there is none."""
    rarest = np.full(records.shape[0], -1, np.int64)
    based = np.zeros(records.shape[1], np.bool_)
    mark_columns(baskets, base, based)
    for i in range(records.shape[0]):
        for c in range(records.shape[1]):
            if records[i, c] > 0 and not based[c]:
                a = baskets.starts[c] + records[i, c] - 1
                if rarest[i] < 0 or baskets.support[a] < baskets.support[rarest[i]]:
                    rarest[i] = a
    return rarest


@compiled
def _draw_next(baskets, book, how, base, copies, state):
    """(A,) how many of the copies of the base take each value next; what they take has left the pool."""
    size = baskets.column_of.size
    support, drawn, path = np.zeros(size, np.int64), np.zeros(size, np.int64), np.empty(base.size + 1, np.int64)
    path[: base.size] = base
    fitting = _fitting(baskets, book, how.k, base, base.size, np.empty(0, np.int32), support)
    _draw_values(baskets, book, how, path, base.size, base.size, fitting, copies, support, drawn, state)
    return drawn


@compiled
def _grow_all(baskets, book, how, base, records, counts, state):
    """Add values from the pool to copies of records that hold the base, until none fits."""
    room, m, size = max(2 * counts.size, 16), records.shape[1], baskets.column_of.size
    out, out_counts, filled = np.zeros((room, m), np.uint16), np.zeros(room, np.int64), np.int64(0)
    rows, support, drawn = np.empty(4 * how.sample, np.int32), np.zeros(size, np.int64), np.zeros(size, np.int64)
    for i in range(counts.size):
        rows, out, out_counts, filled = _grow(
            baskets, book, how, base, records[i], counts[i], rows, support, drawn, state, out, out_counts, filled
        )
    return out[:filled], out_counts[:filled]


@compiled
def _grow(baskets, book, how, base, record, copies, rows, support, drawn, state, out, out_counts, filled):
    """Add values from the pool to copies of one record until none fits; writes the results to the output."""
    m, sample, begin = record.size, how.sample, base.size
    path, based = np.empty(m, np.int64), np.zeros(m, np.bool_)
    path[:begin] = base
    mark_columns(baskets, base, based)
    for c in range(m):
        if record[c] > 0 and not based[c]:
            path[begin] = baskets.starts[c] + record[c] - 1
            begin += 1
    stack, height = np.empty((64, 6), np.int64), 1  # (rows, their end, all of them?, copies, depth, attribute) a node
    stack[0] = (0, 0, 0, copies, begin, -1)
    while height > 0:
        height -= 1
        low, high, exact, number, depth, attribute = stack[height]
        if depth > begin:
            path[depth - 1] = attribute
        if depth > base.size and exact == 0:
            rows = lengthened(rows, low, low + sample)
            high = low + rows_holding(baskets, path[base.size : depth], sample, rows, low)
            exact = 1 if high - low < sample else 0
        least = how.k if exact > 0 or depth == base.size else 1
        fitting = _fitting(baskets, book, least, path[:depth], base.size, rows[low:high], support)
        taken = _draw_values(baskets, book, how, path, base.size, depth, fitting, number, support, drawn, state)
        support[fitting] = 0
        top = high
        for a in fitting:
            if drawn[a] == 0:
                continue
            end = top
            if exact > 0:
                rows = lengthened(rows, top, top + high - low)
                end += rows_with(baskets, rows[low:high], a, rows, top)
            stack = taller(stack, height)
            stack[height] = (top, end, exact, drawn[a], depth + 1, a)
            height += 1
            drawn[a] = 0
            top = end
        if taken < number and depth > 0:
            if filled == out_counts.size:
                out, out_counts = doubled(out, out_counts)
            out[filled] = 0
            write_record(baskets, path[:depth], out[filled])
            out_counts[filled] = number - taken
            filled += 1
    return rows, out, out_counts, filled


@compiled
def _fitting(baskets, book, least, path, base, rows, support):
    """The attributes of the pool that may join a record, with their support left in ``support``."""
    size, taken = support.size, np.zeros(baskets.codes.shape[0], np.bool_)
    fitting, count = np.empty(size, np.int64), 0
    mark_columns(baskets, path, taken)
    if path.size == base:  # all rows of the table
        support[:] = baskets.support
    else:
        add_support(baskets, rows, support)
    for a in range(size):
        if book.pool[a] > 0 and support[a] >= least and not taken[baskets.column_of[a]]:
            fitting[count] = a
            count += 1
        else:
            support[a] = 0
    return fitting[:count]


@compiled
def _draw_values(baskets, book, how, path, base, depth, fitting, copies, support, drawn, state):
    """Draw one value for each copy, in turn; counts them in ``drawn``. Returns how many copies got one.

    A support below k is that of a sample: such a value must reach k over all rows, or it is out. A draw changes the
    weight of the drawn value only.
    """
    weights, total = np.empty(fitting.size), 0.0
    for i in range(fitting.size):
        weights[i] = _weight(book, how, path[:depth], fitting[i], support)
    for copy in range(copies):
        chosen = -1
        while chosen < 0:
            total = weights.sum()
            if total <= 0:
                return copy
            at, mark = 0, uniform(state) * total - weights[0]
            while mark >= 0 and at < weights.size - 1:
                at += 1
                mark -= weights[at]
            while weights[at] == 0:  # rounding went past the last one
                at -= 1
            chosen = fitting[at]
            if support[chosen] < how.k and drawn[chosen] == 0:
                path[depth] = chosen
                if not support_reaches(baskets, path[base : depth + 1], how.k):
                    weights[at] = 0
                    chosen = -1
        book.pool[chosen] -= 1
        drawn[chosen] += 1
        _note(book, path[:depth], chosen)
        weights[at] = _weight(book, how, path[:depth], chosen, support)
    return copies


@compiled
def _note(book, path, a):
    """Count the pairs that a value makes with a record's attributes."""
    row = book.tracked[a]
    if row >= 0:
        for b in path:
            if book.tracked[b] >= 0:
                book.placed[row, book.tracked[b]] += 1
                book.placed[book.tracked[b], row] += 1


@compiled
def _weight(book, how, path, a, support):
    """How much a record wants a value; the first value of a new record is drawn ∝ what is left of it."""
    left = book.pool[a]
    if path.size == 0 or left == 0:
        return np.float64(left)
    missing, row, packing = _SATISFIED, book.tracked[a], how.packing
    if book.limits.size and _is_full(book, path, row):
        return 0.0
    if packing == _COUNT:
        return np.float64(support[a]) * left
    for b in path:
        other = book.tracked[b]
        if row < 0 or other < 0:
            missing += 1
            continue
        target, placed = book.targets[other, row], book.placed[other, row]
        if placed < target:
            share = target - placed if packing == _DEFICIT else (target - placed) / target
            missing += share if packing == _DEFICIT else share * share * share
    if path.size >= how.enough and packing == _RELATIVE and missing <= _NEARLY * path.size:
        return 0.0
    return support[a] * np.sqrt(support[a]) * missing


@compiled
def _is_full(book, path, row):
    """Whether a tracked value makes a pair with a record's attributes that no more records may hold."""
    for b in path:
        other = book.tracked[b]
        if row >= 0 and other >= 0 and book.placed[other, row] >= book.limits[other, row]:
            return True
    return False
