"""A seed alone at its node: its record is grown on sets of bits, without looking at other seeds."""

import numpy as np

from synth_spark.kernels.growth.inverted_index import rows_with
from synth_spark.kernels.keyed_random import uniform
from synth_spark.kernels.numba_cache import compiled

#: Attributes that fit in one word of bits, and so few that a number is kept for each set of them.
BITS, _TABLE_BITS = 64, 11
#: Weight of a value that no row of a sample holds, in rows.
UNSEEN = 0.5


@compiled
def grow_alone(baskets, rows, seed, path, depth, taken, how, state):
    """Grow the record of a seed that is alone at its node, down to its end; returns how many attributes it has.

    Only what the rows share with the seed matters now. While there are more rows than the sample, attributes are drawn
    by the sample and counted over all rows; then each row becomes a set of bits, one for each free attribute, and for
    few attributes the weights of all their sets are summed at once.

    Args:
        baskets: all records of the tree's root.
        rows: rows of the node; reordered in place.
        seed: row of the seed; it holds at most `BITS` attributes beside those taken.
        path: (m,) attributes of the record so far, written on.
        depth: how many they are.
        taken: (m,) columns of those attributes, written on.
        how: how to grow; an attribute is drawn with probability ∝ support^power.
        state: random stream.
    """
    free, q = np.empty(path.size, np.int64), 0
    for j in range(baskets.first[seed], baskets.first[seed + 1]):
        if not taken[baskets.column_of[baskets.attributes[j]]]:
            free[q] = baskets.attributes[j]
            q += 1
    closed = np.zeros(q, np.bool_)
    depth, left = _grow_by_sample(baskets, rows, free[:q], closed, path, depth, taken, how, state)
    rows = rows[:left]
    free, closed = free[:q][~closed], closed[~closed]
    if free.size <= _TABLE_BITS:
        table, held = _supersets(baskets, rows, free), 0
    else:
        table, held = np.empty(0, np.int64), 0
        shared, weights = _shared_bits(baskets, rows, free)
    support = np.empty(free.size, np.int64)
    while True:
        if table.size > 0:
            for j in range(free.size):
                support[j] = table[held | 1 << j]
        else:
            _sum_bits(shared, weights, support)
        closed |= support < how.k  # it can only fall
        drawn = _draw_attribute(support.astype(np.float64), closed, how.power, state)
        if drawn < 0:
            return depth
        path[depth] = free[drawn]
        depth += 1
        taken[baskets.column_of[free[drawn]]] = True
        closed[drawn] = True
        held |= 1 << drawn
        if table.size == 0:
            kept = shared >> np.uint64(drawn) & np.uint64(1) == np.uint64(1)
            shared, weights = shared[kept], weights[kept]


@compiled
def _grow_by_sample(baskets, rows, free, closed, path, depth, taken, how, state):
    """Grow while there are more rows than the sample; returns (how many attributes, how many rows are left).

    Attributes that were taken, or cannot be, are closed; without one that is open no row is left.
    """
    support, left = np.empty(free.size, np.int64), rows.size
    while left > how.sample:
        shared, weights = _shared_bits(baskets, rows[: how.sample], free)
        _sum_bits(shared, weights, support)
        drawn = _draw_attribute(np.maximum(support, UNSEEN), closed, how.power, state)
        if drawn < 0:
            return depth, 0
        closed[drawn] = True
        kept = _keep_rows(baskets, rows[:left], free[drawn], how.k)
        if kept > 0:
            path[depth] = free[drawn]
            depth += 1
            taken[baskets.column_of[free[drawn]]] = True
            left = kept
    return depth, left


@compiled
def _sum_bits(shared, weights, support):
    """The weight of the sets that hold each bit."""
    support[:] = 0
    for i in range(weights.size):
        for j in range(support.size):
            if shared[i] >> np.uint64(j) & np.uint64(1):
                support[j] += weights[i]


@compiled
def _draw_attribute(support, closed, power, state):
    """One attribute that is not closed, with probability ∝ support^power; −1 if all are."""
    drawn, total = -1, 0.0
    for j in range(closed.size):
        if not closed[j]:
            weight = support[j] ** power
            total += weight
            if uniform(state) * total < weight:
                drawn = j
    return drawn


@compiled
def _keep_rows(baskets, rows, attribute, k):
    """Move the rows that hold an attribute to the front, if they weigh at least k; returns how many, else 0."""
    column = baskets.column_of[attribute]
    value = attribute - baskets.starts[column] + 1
    weight = 0
    for r in rows:
        if baskets.codes[column, r] == value:
            weight += baskets.weights[r]
            if weight >= k:
                break
    return rows_with(baskets, rows, attribute, rows, np.int64(0)) if weight >= k else 0


@compiled
def _shared_bits(baskets, rows, attributes):
    """Which of up to 64 attributes each row holds, as bits, and the rows' weights."""
    shared, weights = np.zeros(rows.size, np.uint64), np.empty(rows.size, np.int64)
    for i in range(rows.size):
        weights[i] = baskets.weights[rows[i]]
    for j in range(attributes.size):
        c = baskets.column_of[attributes[j]]
        codes, value = baskets.codes[c], attributes[j] - baskets.starts[c] + 1
        for i in range(rows.size):
            shared[i] |= np.uint64(codes[rows[i]] == value) << np.uint64(j)
    return shared, weights


@compiled
def _supersets(baskets, rows, attributes):
    """(2^q,) the weight of the rows that hold at least the attributes of each set, q being few (Yates, 1937)."""
    shared, weights = _shared_bits(baskets, rows, attributes)
    table = np.zeros(1 << attributes.size, np.int64)
    for i in range(rows.size):
        table[shared[i]] += weights[i]
    for j in range(attributes.size):
        step = 1 << j
        for begin in range(0, table.size, 2 * step):
            for i in range(begin, begin + step):
                table[i] += table[i + step]
    return table
