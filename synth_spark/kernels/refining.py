"""Refinement: all seeds of a group grow their records together, down one shared tree.

A node of the tree is (combination C, rows that contain C, seeds that have kept exactly C). The support of every
attribute is counted once over the node's rows, which are *all* rows that contain C, so it is the support of C plus
that attribute in the whole table. A column is drawn; seeds whose value there has support ≥ k keep it and move to the
child (C + value); the others stay, with the node's counts, and another column is drawn. A seed's record is complete
when nothing more of it can be kept. So every record, as a whole, is contained in at least k sensitive records.
"""

import numpy as np

from synth_spark.kernels.baskets import add_support, clear_support
from synth_spark.kernels.compiled import compiled
from synth_spark.kernels.sampling import uniform

# fields of a node on the stack
_ROWS, _ROWS_END, _SEEDS, _SEEDS_END, _DEPTH, _ATTRIBUTE = range(6)


@compiled
def refine(baskets, seeds, copies, k, power, state, pool):
    """Grow the records of one group of seeds.

    The column of a node is drawn with probability ∝ (mean support of the values that its seeds would keep)^power.

    Args:
        baskets: all records of the tree's root.
        seeds: (s,) rows that are seeds; reordered in place.
        copies: (s,) copies of each seed, ≥ 1; reordered in place.
        k: smallest support, ≥ 1.
        power: ≥ 0; 0 draws columns uniformly, a large one takes the most supported.
        state: random stream.
        pool: (A,) raised by the values that the seeds could not keep.

    Returns:
        (records, counts, short): (q, m) codes, (q,) copies of each, and (q,) whether its seeds lost values.
    """
    n, m = baskets.codes.shape
    records, counts = np.zeros((2 * seeds.size, m), np.uint16), np.zeros(2 * seeds.size, np.int64)
    short, made = np.zeros(2 * seeds.size, np.bool_), 0
    rows = np.empty(4 * n + 16, np.int32)
    rows[:n] = np.arange(n)
    stack, height = np.empty((256, 6), np.int64), 1
    stack[0] = (0, n, 0, seeds.size, 0, -1)
    path, taken = np.zeros(m, np.int64), np.zeros(m, np.bool_)
    support, score, keepers = np.zeros(baskets.column_of.size, np.int64), np.zeros(m), np.zeros(m)
    row_spare, copy_spare = np.empty(seeds.size, np.int32), np.empty(seeds.size, np.int64)
    while height > 0:
        height -= 1
        low, high, seed, seeds_end, depth, attribute = stack[height]
        if depth > 0:
            path[depth - 1] = attribute
        taken[:] = False
        for i in range(depth):
            taken[baskets.column_of[path[i]]] = True
        add_support(baskets, rows[low:high], support)
        top = high
        while seed < seeds_end:
            _score_columns(baskets, seeds[seed:seeds_end], copies[seed:seeds_end], k, support, taken, score, keepers)
            column = _draw_column(score, keepers, power, state)
            if column < 0:
                break
            room = top + high - low
            if room > rows.size:
                rows = _extended(rows, 2 * room)
            seed, top, height, stack = _split(
                baskets, column, k, support, rows, low, high, top, seeds, copies, seed, seeds_end,
                row_spare, copy_spare, stack, height, depth,
            )  # fmt: skip
        clear_support(baskets, rows[low:high], support)
        if seed < seeds_end:
            made = _finish(
                baskets,
                path[:depth],
                taken,
                seeds[seed:seeds_end],
                copies[seed:seeds_end],
                pool,
                records,
                counts,
                short,
                made,
            )
    return records[:made], counts[:made], short[:made]


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
def _split(
    baskets, column, k, support, rows, low, high, top, seeds, copies, seed, seeds_end, row_spare, copy_spare,
    stack, height, depth,
):  # fmt: skip
    """Move the seeds that keep their value in a column to children on the stack, with the rows of each child.

    Returns (first seed that stays, end of the rows in use, height of the stack, the stack).
    """
    start = baskets.starts[column]
    card = baskets.starts[column + 1] - start
    seeds_of, rows_of = np.zeros(card + 1, np.int64), np.zeros(card + 1, np.int64)  # entry 0: seeds that stay
    for i in range(seed, seeds_end):
        seeds_of[_kept_value(baskets, seeds[i], column, k, support, start)] += 1
    for i in range(low, high):
        rows_of[baskets.codes[rows[i], column]] += 1
    seed_at, row_at = np.zeros(card + 1, np.int64), np.full(card + 1, -1, np.int64)
    at = seed
    for v in range(1, card + 1):
        if seeds_of[v] == 0:
            continue
        if height == stack.shape[0]:
            taller = np.empty((2 * height, 6), np.int64)
            taller[:height] = stack
            stack = taller
        seed_at[v], row_at[v] = at, top
        stack[height] = (top, top + rows_of[v], at, at + seeds_of[v], depth + 1, start + v - 1)
        height += 1
        at += seeds_of[v]
        top += rows_of[v]
    stay = at
    seed_at[0] = stay
    for i in range(seed, seeds_end):
        v = _kept_value(baskets, seeds[i], column, k, support, start)
        row_spare[seed_at[v]], copy_spare[seed_at[v]] = seeds[i], copies[i]
        seed_at[v] += 1
    seeds[seed:seeds_end] = row_spare[seed:seeds_end]
    copies[seed:seeds_end] = copy_spare[seed:seeds_end]
    for i in range(low, high):
        v = baskets.codes[rows[i], column]
        if row_at[v] >= 0:
            rows[row_at[v]] = rows[i]
            row_at[v] += 1
    return stay, top, height, stack


@compiled
def _kept_value(baskets, seed, column, k, support, start):
    """The seed's code in a column if its support is ≥ k, else 0."""
    v = baskets.codes[seed, column]
    if v > 0 and support[start + v - 1] >= k:
        return np.int64(v)
    return np.int64(0)


@compiled
def _finish(baskets, path, taken, seeds, copies, pool, records, counts, short, made):
    """Write the node's combination once for the seeds that kept everything and once for those that lost values."""
    whole, partial = 0, 0
    for i in range(seeds.size):
        s = seeds[i]
        if baskets.first[s + 1] - baskets.first[s] == path.size:
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
                records[made, c] = a - baskets.starts[c] + 1
            counts[made], short[made] = number, lost == 1
            made += 1
    return made


@compiled
def _extended(array, capacity):
    longer = np.empty(capacity, array.dtype)
    longer[: array.size] = array
    return longer
