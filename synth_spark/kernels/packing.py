"""Packing: records built from the values that seeds could not keep.

The pool holds, for every attribute, how many occurrences are left to place. Records that lost values are extended
first, then new ones are started from nothing, until the pool is empty. A value may join a record when the record
with it has support ≥ k over all rows; among those that may, it is drawn with weight

    support × Σ_b max(0, (target(a, b) − placed(a, b)) / target(a, b))³      (b over the record's attributes)

so pairs that are still missing most, relative to their sensitive count, come first, and long and frequent records are
preferred. Copies of one record walk a small tree together, so a node's support is counted once.
"""

from typing import NamedTuple

import numpy as np

from synth_spark.kernels.baskets import add_support, rows_containing
from synth_spark.kernels.cells import Ints
from synth_spark.kernels.compiled import compiled
from synth_spark.kernels.sampling import uniform

#: Weight of a value whose pairs are all satisfied, relative to one whose pairs are all missing.
_SATISFIED = 1e-9
#: New records started together: at least this many, or this share of the records that the pool could still fill.
#: They share the tree, and see each other's draws only along it.
_BATCH, _BATCH_SHARE = 256, 8


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


@compiled
def pack(baskets, book, k, records, counts, short, state):
    """Extend the short ones among the records, then start new ones, until the pool is empty.

    Args:
        baskets: all records of the tree's root.
        book: what is to be placed; its pool and placed pairs are updated.
        k: smallest support, ≥ 1; every attribute in the pool must have single support ≥ k.
        records: (q, m) codes of the refined records.
        counts: (q,) copies of each.
        short: (q,) whether the record's seeds lost values, so that it may be extended.
        state: random stream.

    Returns:
        (records, counts): (p, m) codes and (p,) copies; empty records are left out.
    """
    n, m = baskets.codes.shape
    size = baskets.column_of.size
    out, out_counts, made = (
        np.zeros((max(2 * counts.size, 16), m), np.uint16),
        np.zeros(max(2 * counts.size, 16), np.int64),
        0,
    )
    rows = np.empty(4 * n + 16, np.int32)
    support, drawn = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for i in range(counts.size):
        if not records[i].any():
            continue
        found = rows_containing(baskets, records[i], rows) if short[i] else 0
        rows, out, out_counts, made = _grow(
            baskets, book, k, records[i], counts[i], short[i], rows, found, support, drawn, state, out, out_counts, made
        )
    nothing = np.zeros(m, np.uint16)
    left = book.pool.sum()
    while left > 0:
        batch = max(min(_BATCH, left // m), left // (_BATCH_SHARE * m), 1)
        rows, out, out_counts, made = _grow(
            baskets, book, k, nothing, batch, True, rows, 0, support, drawn, state, out, out_counts, made
        )
        left = book.pool.sum()
    return out[:made], out_counts[:made]


@compiled
def _grow(baskets, book, k, record, copies, extend, rows, found, support, drawn, state, out, out_counts, made):
    """Add values from the pool to copies of one record until none fits; writes the results to the output."""
    m = record.size
    path, base = np.empty(m, np.int64), 0
    for c in range(m):
        if record[c] > 0:
            path[base] = baskets.starts[c] + record[c] - 1
            base += 1
    stack, height = np.empty((64, 5), np.int64), 1
    stack[0] = (0, found, copies, base, -1)
    while height > 0:
        height -= 1
        low, high, number, depth, attribute = stack[height]
        if depth > base:
            path[depth - 1] = attribute
        fitting = np.empty(0, np.int64)
        if extend:
            fitting = _fitting(baskets, book, k, path[:depth], rows[low:high], support)
        done = number - _draw_values(book, path[:depth], fitting, number, support, drawn, state)
        support[fitting] = 0
        top = high
        for a in fitting:
            if drawn[a] == 0:
                continue
            rows, end = _child_rows(baskets, a, depth, rows, low, high, top)
            if height == stack.shape[0]:
                taller = np.empty((2 * height, 5), np.int64)
                taller[:height] = stack
                stack = taller
            stack[height] = (top, end, drawn[a], depth + 1, a)
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
def _fitting(baskets, book, k, path, rows, support):
    """The attributes of the pool that may join a record, with their support left in ``support``."""
    size = support.size
    fitting, count = np.empty(size, np.int64), 0
    if path.size == 0:
        for a in range(size):
            support[a] = book.pairs[a, a]
    elif path.size == 1:
        support[:] = book.pairs[path[0]]
    else:
        add_support(baskets, rows, support)
    for a in range(size):
        if book.pool[a] > 0 and support[a] >= k:
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
def _draw_values(book, path, fitting, copies, support, drawn, state):
    """Draw one value for each copy, in turn; counts them in ``drawn``. Returns how many copies got one."""
    for copy in range(copies):
        chosen, total = -1, 0.0
        for i in range(fitting.size):
            a = fitting[i]
            if book.pool[a] > 0:
                weight = _weight(book, path, a, support)
                total += weight
                if uniform(state) * total < weight:
                    chosen = a
        if chosen < 0:
            return copy
        book.pool[chosen] -= 1
        drawn[chosen] += 1
        for b in path:
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
            missing += ((target - book.placed[b, a]) / target) ** 3
    return support[a] * missing


@compiled
def _child_rows(baskets, attribute, depth, rows, low, high, top):
    """Write the rows of a child behind those in use; returns (rows, end)."""
    begin, end = baskets.first_holder[attribute], baskets.first_holder[attribute + 1]
    room = top + (end - begin if depth == 0 else high - low)
    if room > rows.size:
        longer = np.empty(2 * room, np.int32)
        longer[:top] = rows[:top]
        rows = longer
    at = top
    if depth == 0:
        rows[top : top + end - begin] = baskets.holders[begin:end]
        return rows, top + end - begin
    column = baskets.column_of[attribute]
    value = attribute - baskets.starts[column] + 1
    for i in range(low, high):
        if baskets.codes[rows[i], column] == value:
            rows[at] = rows[i]
            at += 1
    return rows, at


@compiled
def _doubled(out, out_counts):
    more, more_counts = np.zeros((2 * out.shape[0], out.shape[1]), np.uint16), np.zeros(2 * out.shape[0], np.int64)
    more[: out.shape[0]] = out
    more_counts[: out.shape[0]] = out_counts
    return more, more_counts
