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

from synth_spark.kernels.baskets import add_support, clear_support
from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.compiled import compiled
from synth_spark.kernels.sampling import uniform

#: Attributes that fit in one word of bits, and so many that rows are merged by them.
_BITS, _MERGED_BITS = 64, 10


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


@compiled
def refine(baskets, pairs, seeds, copies, k, power, state, pool):
    """Grow the records of one group of seeds.

    The column of a node is drawn with probability ∝ (mean support of the values that its seeds would keep)^power.

    Args:
        baskets: all records of the tree's root.
        pairs: (A, A) their `pair_counts`: the supports at the root and at its children, which are the largest nodes.
        seeds: (s,) rows that are seeds; reordered in place.
        copies: (s,) copies of each seed, ≥ 1; reordered in place.
        k: smallest support, ≥ 1.
        power: ≥ 0; 0 draws columns uniformly, a large one takes the most supported.
        state: random stream.
        pool: (A,) raised by the values that the seeds could not keep.

    Returns:
        The records as `Grown`; equal records may come more than once.
    """
    n, m = baskets.codes.shape
    most = 2 * seeds.size
    grown, made = Grown(np.zeros((most, m), np.uint16), np.zeros(most, np.int64), np.zeros(most, np.bool_)), 0
    rows = np.empty(4 * n + 16, np.int32)
    stack, height = np.empty((256, 6), np.int64), 1  # (rows, their end, seeds, their end, depth, attribute) a node
    stack[0] = (0, 0, 0, seeds.size, 0, -1)
    path, taken = np.zeros(m, np.int64), np.zeros(m, np.bool_)
    support, score, keepers = np.zeros(baskets.column_of.size, np.int64), np.zeros(m), np.zeros(m)
    spare = np.empty(seeds.size, np.int32), np.empty(seeds.size, np.int64)
    while height > 0:
        height -= 1
        low, high, seed, end, depth, attribute = stack[height]
        if depth > 0:
            path[depth - 1] = attribute
        taken[:] = False
        for i in range(depth):
            taken[baskets.column_of[path[i]]] = True
        if depth > 0 and end - seed == 1 and _size(baskets, seeds[seed]) - depth <= _BITS:
            depth = _grow_alone(baskets, rows[low:high], seeds[seed], path, depth, taken, k, power, state)
            made = _finish(baskets, path[:depth], taken, seeds[seed:end], copies[seed:end], pool, grown, made)
            continue
        _fill_support(baskets, pairs, path[:depth], rows[low:high], support)
        top = high
        while seed < end:
            _score_columns(baskets, seeds[seed:end], copies[seed:end], k, support, taken, score, keepers)
            column = _draw_column(score, keepers, power, state)
            if column < 0:
                break
            room = top + (n if depth == 0 else high - low)
            if room > rows.size:
                rows = _extended(rows, 2 * room)
            seed, top, height, stack = _split(
                baskets, column, k, support, rows, low, high, top, seeds, copies, seed, end, spare, stack, height, depth
            )
        if depth > 1:
            clear_support(baskets, rows[low:high], support)
        else:
            support[:] = 0
        if seed < end:
            made = _finish(baskets, path[:depth], taken, seeds[seed:end], copies[seed:end], pool, grown, made)
    return Grown(grown.records[:made], grown.counts[:made], grown.short[:made])


@compiled
def _size(baskets, row):
    """How many attributes a row holds."""
    return baskets.first[row + 1] - baskets.first[row]


@compiled
def _fill_support(baskets, pairs, path, rows, support):
    """The support of every attribute at a node: known at the root and its children, deeper counted over its rows."""
    if path.size == 0:
        for a in range(support.size):
            support[a] = pairs[a, a]
    elif path.size == 1:
        support[:] = pairs[path[0]]
    else:
        add_support(baskets, rows, support)


@compiled
def _score_columns(baskets, seeds, copies, k, support, taken, score, keepers):
    """Sum, for every free column, over the seeds that would keep their value: copies × support, and copies."""
    score[:] = 0.0
    keepers[:] = 0.0
    for i in range(seeds.size):
        s = seeds[i]
        for j in range(baskets.first[s], baskets.first[s + 1]):
            a = baskets.attributes[j]
            c = baskets.column_of[a]
            if support[a] >= k and not taken[c]:
                score[c] += copies[i] * support[a]
                keepers[c] += copies[i]


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
            if height == stack.shape[0]:
                taller = np.empty((2 * height, 6), np.int64)
                taller[:height] = stack
                stack = taller
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
    if depth == 0:  # all rows: the holders of each value are listed
        for v in range(1, card + 1):
            ends[v] = ends[v - 1]
            if seeds_of[v] > 0:
                first, last = baskets.first_holder[start + v - 1], baskets.first_holder[start + v]
                ends[v] += last - first
                rows[ends[v - 1] : ends[v]] = baskets.holders[first:last]
        return ends
    for i in range(low, high):
        at[baskets.codes[rows[i], column]] += 1
    for v in range(1, card + 1):
        ends[v] = ends[v - 1] + (at[v] if seeds_of[v] > 0 else 0)
        at[v] = ends[v - 1]
    for i in range(low, high):
        v = baskets.codes[rows[i], column]
        if v > 0 and seeds_of[v] > 0:
            rows[at[v]] = rows[i]
            at[v] += 1
    return ends


@compiled
def _kept_value(baskets, seed, column, k, support, start):
    """The seed's code in a column if its support is ≥ k, else 0."""
    v = baskets.codes[seed, column]
    if v > 0 and support[start + v - 1] >= k:
        return np.int64(v)
    return np.int64(0)


@compiled
def _grow_alone(baskets, rows, seed, path, depth, taken, k, power, state):
    """Grow the record of a seed that is alone at its node, down to its end; returns how many attributes it has.

    Only what the rows share with the seed matters now: each row becomes a set of bits, one for each free attribute of
    the seed. The draws are those of the general path: one for each column with a keeper, in order.
    """
    free, q = np.empty(path.size, np.int64), 0
    for j in range(baskets.first[seed], baskets.first[seed + 1]):
        if not taken[baskets.column_of[baskets.attributes[j]]]:
            free[q] = baskets.attributes[j]
            q += 1
    shared, weights = _shared_bits(baskets, rows, free[:q])
    closed, support = np.zeros(q, np.bool_), np.empty(q, np.int64)
    while True:
        support[:] = 0
        for i in range(weights.size):
            bits = shared[i]
            for j in range(q):
                if bits >> np.uint64(j) & np.uint64(1):
                    support[j] += weights[i]
        drawn, total = -1, 0.0
        for j in range(q):
            if closed[j] or support[j] < k:
                closed[j] = True  # its support can only fall
                continue
            weight = np.float64(support[j]) ** power
            total += weight
            if uniform(state) * total < weight:
                drawn = j
        if drawn < 0:
            return depth
        path[depth] = free[drawn]
        depth += 1
        taken[baskets.column_of[free[drawn]]] = True
        closed[drawn] = True
        kept = 0
        for i in range(weights.size):
            if shared[i] >> np.uint64(drawn) & np.uint64(1):
                shared[kept], weights[kept] = shared[i], weights[i]
                kept += 1
        shared, weights = shared[:kept], weights[:kept]


@compiled
def _shared_bits(baskets, rows, attributes):
    """Which of up to 64 attributes each row holds, as bits, with the rows' weights; few attributes: merged by bits."""
    merged = np.zeros(1 << attributes.size if attributes.size <= _MERGED_BITS else 0, np.int64)
    shared, weights = np.empty(rows.size, np.uint64), np.empty(rows.size, np.int64)
    columns, values = np.empty(attributes.size, np.int64), np.empty(attributes.size, np.int64)
    for j in range(attributes.size):
        columns[j] = baskets.column_of[attributes[j]]
        values[j] = attributes[j] - baskets.starts[columns[j]] + 1
    for i in range(rows.size):
        bits = np.uint64(0)
        for j in range(attributes.size):
            if baskets.codes[rows[i], columns[j]] == values[j]:
                bits |= np.uint64(1) << np.uint64(j)
        shared[i], weights[i] = bits, baskets.weights[rows[i]]
        if merged.size > 0:
            merged[bits] += weights[i]
    if merged.size == 0 or merged.size >= rows.size:
        return shared, weights
    occurring = np.flatnonzero(merged)
    return occurring.astype(np.uint64), merged[occurring]


@compiled
def _finish(baskets, path, taken, seeds, copies, pool, grown, made):
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
            for a in path:
                c = baskets.column_of[a]
                grown.records[made, c] = a - baskets.starts[c] + 1
            grown.counts[made], grown.short[made] = number, lost == 1
            made += 1
    return made


@compiled
def _extended(array, capacity):
    longer = np.empty(capacity, array.dtype)
    longer[: array.size] = array
    return longer
