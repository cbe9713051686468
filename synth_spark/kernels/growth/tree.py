"""Refinement: all seeds of a group grow their records together, down one shared tree.

A node of the tree is (combination C, rows that contain C, seeds that have kept exactly C). The support of every
attribute is counted once over the node's rows, which are *all* rows that contain C, so it is the support of C plus
that attribute in the whole table. A column is drawn; seeds whose value there has support ≥ k keep it and move to the
child (C + value); the others stay, with the node's counts, and another column is drawn. A seed's record is complete
when nothing more of it can be kept. So every record, as a whole, is contained in at least k sensitive records.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.growth.inverted_index import (
    Baskets,
    add_support,
    clear_support,
    lengthened,
    mark_columns,
    project,
    rows_holding,
    taller,
    write_record,
)
from synth_spark.kernels.growth.settings import Growth
from synth_spark.kernels.growth.single_seed import BITS, UNSEEN, grow_alone
from synth_spark.kernels.keyed_random import State, uniform
from synth_spark.kernels.numba_cache import compiled


class Grown(NamedTuple):
    """Records that seeds have grown to.

    Attributes:
        records: (q, m) codes.
        counts: (q,) copies of each.
        short: (q,) whether its seeds lost values on the way.
    """

    records: Codes
    counts: Ints
    short: npt.NDArray[np.bool_]


def grow_seeds(
    baskets: Baskets, seeds: npt.NDArray[np.int32], copies: Ints, how: Growth, state: State, pool: Ints
) -> list[Grown]:
    """Grow the records of one group of seeds, in a table of any size.

    A large table is divided: seeds go to the children of its root, and the rows of a child with many seeds are copied
    together, so that the work on them stays in the processor's caches. Small tables are refined in one call.

    Args:
        baskets: the records to count in, in random order.
        seeds: (s,) rows that are seeds; reordered in place.
        copies: (s,) copies of each seed, ≥ 1; reordered in place.
        how: how to grow.
        state: random stream.
        pool: (A,) raised by the values that the seeds could not keep.
    """
    if len(baskets.weights) <= how.rows or seeds.size <= how.few:
        return [refine(baskets, seeds, copies, how, state, pool)]
    children = divide(baskets, seeds, copies, how, state)
    order = np.lexsort((seeds, children))
    seeds, copies, children = seeds[order], copies[order], children[order]
    grown, rest = [], np.ones(seeds.size, np.bool_)
    attributes, begins = np.unique(children, return_index=True)
    for attribute, begin, end in zip(attributes, begins, [*begins[1:], seeds.size], strict=True):
        if attribute < 0 or end - begin <= how.few:
            continue
        rest[begin:end] = False
        rows, part = project(baskets, attribute)
        own = np.searchsorted(rows, seeds[begin:end]).astype(np.int32)
        column = baskets.column_of[attribute]
        for branch in grow_seeds(part, own, copies[begin:end], how, state, pool):
            branch.records[:, column] = attribute - baskets.starts[column] + 1
            grown.append(branch)
    if rest.any():
        grown.append(refine(baskets, seeds[rest], copies[rest], how, state, pool))
    return grown


@compiled
def divide(baskets, seeds, copies, how, state):
    """Split the seeds at the root of a table; reorders seeds and copies.

    Returns:
        (s,) the attribute of the child that each seed goes to; −1 for seeds that keep nothing.
    """
    children, left, m = np.full(seeds.size, -1, np.int64), seeds.size, baskets.codes.shape[0]
    taken, counted, score, keepers = np.zeros(m, np.bool_), np.ones(m, np.bool_), np.zeros(m), np.zeros(m)
    while left > 0:
        _score_columns(baskets, seeds[:left], copies[:left], how.k, baskets.support, taken, counted, score, keepers)
        column = _draw_column(score, keepers, how.power, state)
        if column < 0:
            break
        i = 0
        while i < left:
            v = _kept_value(baskets, seeds[i], column, how.k, baskets.support, baskets.starts[column])
            if v == 0:
                i += 1
                continue
            left -= 1
            seeds[i], seeds[left] = seeds[left], seeds[i]
            copies[i], copies[left] = copies[left], copies[i]
            children[left] = baskets.starts[column] + v - 1
    return children


@compiled
def refine(baskets, seeds, copies, how, state, pool):
    """Grow the records of one group of seeds.

    Arguments as of `grow_seeds`. What is kept is always counted over all rows.

    Returns:
        The records as `Grown`; equal records may come more than once.
    """
    (m, n), k, sample = baskets.codes.shape, how.k, how.sample
    most = 2 * seeds.size
    grown, filled = (
        Grown(np.zeros((most, m), np.uint16), np.zeros(most, np.int64), np.zeros(most, np.bool_)),
        np.int64(0),
    )
    rows = np.empty(4 * n + 16, np.int32)
    stack, height = np.empty((256, 6), np.int64), 1  # (rows, their end, seeds, their end, depth, attribute) a node
    stack[0] = (0, 0, 0, seeds.size, 0, -1)
    path, taken, counted = np.zeros(m, np.int64), np.zeros(m, np.bool_), np.zeros(m, np.bool_)
    support, score, keepers = np.zeros(baskets.column_of.size, np.int64), np.zeros(m), np.zeros(m)
    spare = np.empty(seeds.size, np.int32), np.empty(seeds.size, np.int64)
    while height > 0:
        height -= 1
        low, high, seed, end, depth, attribute = stack[height]
        if depth > 0:
            path[depth - 1] = attribute
        mark_columns(baskets, path[:depth], taken)
        if depth > 0 and end - seed == 1 and _size(baskets, seeds[seed]) - depth <= BITS:
            depth = grow_alone(baskets, rows[low:high], seeds[seed], path, depth, taken, how, state)
            filled = _finish(baskets, path[:depth], taken, seeds[seed:end], copies[seed:end], pool, grown, filled)
            continue
        exact = depth == 0 or high - low <= sample
        counted[:] = exact
        if depth == 0:
            support[:] = baskets.support
        else:
            add_support(baskets, rows[low : min(high, low + sample)], support)
        top = high
        while seed < end:
            _score_columns(baskets, seeds[seed:end], copies[seed:end], k, support, taken, counted, score, keepers)
            column = _draw_column(score, keepers, how.power, state)
            if column < 0:
                break
            if not counted[column]:
                _count_column(baskets, column, rows[low:high], support)
                counted[column] = True
                if not _any_kept(baskets, seeds[seed:end], column, k, support):
                    continue
            room = top + (n if depth == 0 else high - low)
            if room > rows.size:
                rows = lengthened(rows, top, 2 * room)
            seed, top, height, stack = _split(
                baskets, column, k, support, rows, low, high, top, seeds, copies, seed, end, spare, stack, height, depth
            )
        if depth > 0 and exact:
            clear_support(baskets, rows[low:high], support)
        else:
            support[:] = 0
        if seed < end:
            filled = _finish(baskets, path[:depth], taken, seeds[seed:end], copies[seed:end], pool, grown, filled)
    return Grown(grown.records[:filled], grown.counts[:filled], grown.short[:filled])


@compiled
def _size(baskets, row):
    """How many attributes a row holds."""
    return baskets.first[row + 1] - baskets.first[row]


@compiled
def _score_columns(baskets, seeds, copies, k, support, taken, counted, score, keepers):
    """Sum, for every free column, over the seeds that would keep their value: copies × support, and copies.

    In a column not counted over all rows every seed might keep its value, even one that no sampled row holds.
    """
    score[:] = 0.0
    keepers[:] = 0.0
    for i in range(seeds.size):
        s = seeds[i]
        for j in range(baskets.first[s], baskets.first[s + 1]):
            a = baskets.attributes[j]
            c = baskets.column_of[a]
            if taken[c] or (counted[c] and support[a] < k):
                continue
            score[c] += copies[i] * max(np.float64(support[a]), UNSEEN)
            keepers[c] += copies[i]


@compiled
def _count_column(baskets, column, rows, support):
    """Count the support of one column's values over all rows of a node."""
    start = baskets.starts[column]
    support[start : baskets.starts[column + 1]] = 0
    codes = baskets.codes[column]
    for r in rows:
        v = codes[r]
        if v > 0:
            support[start + v - 1] += baskets.weights[r]


@compiled
def _any_kept(baskets, seeds, column, k, support):
    """Whether any seed keeps its value in a column."""
    kept = False
    for s in seeds:
        kept |= _kept_value(baskets, s, column, k, support, baskets.starts[column]) > 0
    return kept


@compiled
def _draw_column(score, keepers, power, state):
    """One column with keepers, with probability ∝ (score / keepers)^power; −1 if there is none."""
    drawn, total = -1, 0.0
    for c in range(score.size):
        if keepers[c] > 0:
            weight = (score[c] / keepers[c]) ** power
            total += weight
            if uniform(state) * total < weight:
                drawn = c
    return drawn


@compiled
def _split(baskets, column, k, support, rows, low, high, top, seeds, copies, seed, end, spare, stack, height, depth):
    """Move the seeds that keep their value in a column to children on the stack, with the rows of each child.

    Returns (first seed that stays, end of the rows in use, height of the stack, the stack).
    """
    start = baskets.starts[column]
    card = baskets.starts[column + 1] - start
    seeds_of = np.zeros(card + 1, np.int64)  # by value; entry 0: seeds that stay
    for i in range(seed, end):
        seeds_of[_kept_value(baskets, seeds[i], column, k, support, start)] += 1
    ends = _child_rows(baskets, column, seeds_of, rows, low, high, top, depth)
    seed_at, at = np.zeros(card + 1, np.int64), seed
    for v in range(1, card + 1):
        seed_at[v] = at
        if seeds_of[v] > 0:
            stack = taller(stack, height)
            stack[height] = (ends[v - 1], ends[v], at, at + seeds_of[v], depth + 1, start + v - 1)
            height += 1
            at += seeds_of[v]
    seed_at[0] = at
    spare_seeds, spare_copies = spare
    for i in range(seed, end):
        v = _kept_value(baskets, seeds[i], column, k, support, start)
        spare_seeds[seed_at[v]], spare_copies[seed_at[v]] = seeds[i], copies[i]
        seed_at[v] += 1
    seeds[seed:end] = spare_seeds[seed:end]
    copies[seed:end] = spare_copies[seed:end]
    return at, ends[card], height, stack


@compiled
def _child_rows(baskets, column, seeds_of, rows, low, high, top, depth):
    """Write the rows of every child that has seeds behind those in use; returns (card + 1,) where each value's end."""
    start, card = baskets.starts[column], seeds_of.size - 1
    ends, at = np.full(card + 1, top, np.int64), np.zeros(card + 1, np.int64)
    if depth == 0:  # all rows
        for v in range(1, card + 1):
            ends[v] = ends[v - 1]
            if seeds_of[v] > 0:
                a = start + v - 1
                path = np.array([a])
                ends[v] += rows_holding(baskets, path, baskets.held[a], rows, ends[v - 1])
        return ends
    codes, values = baskets.codes[column], np.empty(high - low, np.uint16)
    for i in range(low, high):
        values[i - low] = codes[rows[i]]
        at[values[i - low]] += 1
    for v in range(1, card + 1):
        ends[v] = ends[v - 1] + (at[v] if seeds_of[v] > 0 else 0)
        at[v] = ends[v - 1]
    for i in range(low, high):
        v = values[i - low]
        if v > 0 and seeds_of[v] > 0:
            rows[at[v]] = rows[i]
            at[v] += 1
    return ends


@compiled
def _kept_value(baskets, seed, column, k, support, start):
    """The seed's code in a column if its support is ≥ k, else 0."""
    v = baskets.codes[column, seed]
    if v > 0 and support[start + v - 1] >= k:
        return np.int64(v)
    return np.int64(0)


@compiled
def _finish(baskets, path, taken, seeds, copies, pool, grown, filled):
    """Write the node's combination once for the seeds that kept everything and once for those that lost values."""
    whole, partial = 0, 0
    for i in range(seeds.size):
        s = seeds[i]
        if _size(baskets, s) == path.size:
            whole += copies[i]
            continue
        partial += copies[i]
        for j in range(baskets.first[s], baskets.first[s + 1]):
            a = baskets.attributes[j]
            if not taken[baskets.column_of[a]]:
                pool[a] += copies[i]
    for lost in range(2):
        number = partial if lost else whole
        if number > 0:
            write_record(baskets, path, grown.records[filled])
            grown.counts[filled], grown.short[filled] = number, lost == 1
            filled += 1
    return filled
