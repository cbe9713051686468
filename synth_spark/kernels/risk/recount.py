"""The recount's kernel: how many records hold each combination, by code that shares nothing with the other counting.

A record is the ascending places of the attributes that it holds, of each group of attributes at most one. Combinations
are numbered as a search visits them that goes on from each one to those with one more, later attribute: a, ab, abc, …,
ac, …, b, …. So they come out of it in the order of their numbers.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.numba_cache import compiled

Ints = npt.NDArray[np.int64]
Items = npt.NDArray[np.int32]


class Numbering(NamedTuple):
    """The numbers of all combinations of 1…R attributes, of each group of attributes at most one.

    Attributes:
        longest: R.
        before: at [r, a], how many combinations of 1…r + 1 attributes begin with an attribute before a.
        after: for each attribute, the first one of the next group.
    """

    longest: int
    before: Ints
    after: Ints


class Counted(NamedTuple):
    """Combinations, by number, and how many records hold each."""

    numbers: Ints
    counts: Ints


def numbering(groups: Sequence[int], longest: int) -> Numbering:
    """Number the combinations of 1…``longest`` attributes, of each group at most one.

    Args:
        groups: how many attributes each group has.
        longest: R.

    Raises:
        OverflowError: there are more combinations than 64-bit integers can number.

    >>> a_with_c_and_c = np.array([0, 2, 3]), np.array([0, 2, 2], np.int32)
    >>> numbers_of(*a_with_c_and_c, numbering([2, 1], 2))   # (a), (a, c), (b), (b, c), (c)
    array([1, 4])
    """
    later, of_groups = [1] * longest, []  # combinations of 0…r attributes of the groups behind one
    for size in reversed(groups):
        of_groups.append(later)
        later = [1, *(later[rest] + size * later[rest - 1] for rest in range(1, longest))]
    if sum(size * each[-1] for size, each in zip(groups, reversed(of_groups), strict=True)) >= 1 << 63:
        raise OverflowError("more combinations than 64-bit integers can number")
    sizes = np.array(groups, np.int64)
    before = np.zeros((longest, int(sizes.sum()) + 1), np.int64)
    trees = np.array(of_groups[::-1], np.int64).reshape(-1, longest)
    before[:, 1:] = np.cumsum(np.repeat(trees, sizes, axis=0), axis=0).T
    return Numbering(longest, before, np.repeat(np.cumsum(sizes), sizes))


def numbers_of(starts: Ints, items: Items, numbers: Numbering) -> Ints:
    """The number of every combination.

    Args:
        starts: (n + 1,) where the attributes of each combination begin, and their end.
        items: attributes, ascending in each combination, of which there are 1…R.
        numbers: see `numbering`.
    """
    found: Ints = _numbers(starts, items, *numbers)
    return found


def count_held(starts: Ints, items: Items, weights: Ints, numbers: Numbering) -> Counted:
    """Count every combination of 1…R attributes that a block of records holds.

    Args:
        starts: (n + 1,) where the attributes of each record begin, and their end.
        items: attributes, ascending in each record, of each group at most one.
        weights: (n,) how many records each stands for.
        numbers: see `numbering`.

    Returns:
        The combinations that occur, ascending.
    """
    return Counted(*_count(starts, items, weights, *numbers))


def added(one: Counted, other: Counted) -> Counted:
    """The counts of two blocks of records together; combinations are ascending in each, and in what comes of it."""
    return Counted(*_merge(*one, *other))


@compiled
def _numbers(starts, items, longest, before, after):
    """The number of each combination: of its first attribute by itself, and what is visited until each further one."""
    numbers = np.empty(starts.size - 1, np.int64)
    for i in range(numbers.size):
        last = items[starts[i]]
        number = before[longest - 1, last]
        for t in range(starts[i] + 1, starts[i + 1]):
            rest = before[longest - (t - starts[i]) - 1]
            number += 1 + rest[items[t]] - rest[after[last]]
            last = items[t]
        numbers[i] = number
    return numbers


@compiled
def _count(starts, items, weights, longest, before, after):
    """Visit the combinations that records hold, depth first; numbers and counts out, in the order of the visit.

    At a depth d stand the records that hold d attributes, once for each later attribute, sorted by it.
    """
    attributes, n = after.size, weights.size
    room = max(n, items.size)
    rows, begins = np.empty((longest, room), np.int32), np.empty((longest, room), np.int32)
    rows[0, :n], begins[0, :n] = np.arange(n), starts[:n]
    few = min(attributes, items.size)
    later, sums = np.empty((longest, few), np.int32), np.empty((longest, few), np.int64)
    bounds = np.zeros((longest, few + 1), np.int64)
    tally, weight = np.zeros(attributes, np.int64), np.zeros(attributes, np.int64)
    found, at = np.zeros(longest, np.int64), np.zeros(longest, np.int64)
    reached, last = np.zeros(longest, np.int64), np.zeros(longest, np.int64)
    numbers, counts, size = np.empty(1024, np.int64), np.empty(1024, np.int64), 0
    depth = 0
    found[0] = _extend(starts, items, weights, rows, begins, 0, 0, n, tally, weight, later[0], sums[0], bounds[0])
    while depth >= 0:
        j = at[depth]
        if j == found[depth]:
            depth -= 1
            continue
        at[depth] += 1
        item = later[depth, j]
        rest = before[longest - depth - 1]
        number = rest[item]
        if depth > 0:
            number += reached[depth - 1] + 1 - rest[after[last[depth - 1]]]
        if size == numbers.size:
            numbers, counts = _doubled(numbers), _doubled(counts)
        numbers[size], counts[size] = number, sums[depth, j]
        size += 1
        last[depth] = item
        if depth + 1 < longest:
            reached[depth] = number
            low, high = bounds[depth, j], bounds[depth, j + 1]
            depth += 1
            at[depth] = 0
            found[depth] = _extend(
                starts, items, weights, rows, begins, depth, low, high, tally, weight, later[depth], sums[depth],
                bounds[depth],
            )  # fmt: skip
    return numbers[:size], counts[:size]


@compiled
def _extend(starts, items, weights, rows, begins, depth, low, high, tally, weight, later, sums, bounds):
    """Sum, for some records, who holds each later attribute; list them by it one level deeper, if there is one."""
    found, least, most = 0, tally.size, -1
    for i in range(low, high):
        row = rows[depth, i]
        for t in range(begins[depth, i], starts[row + 1]):
            item = items[t]
            if tally[item] == 0:
                later[found] = item
                found += 1
                least, most = min(least, item), max(most, item)
            tally[item] += 1
            weight[item] += weights[row]
    if found * 8 > most - least:
        found = 0
        for item in range(least, most + 1):
            if tally[item] > 0:
                later[found] = item
                found += 1
    else:
        later[:found].sort()
    for j in range(found):
        item = later[j]
        sums[j] = weight[item]
        bounds[j + 1] = bounds[j] + tally[item]
        tally[item], weight[item] = 0, 0
    if depth + 1 < rows.shape[0]:
        for j in range(found):
            tally[later[j]] = bounds[j]
        for i in range(low, high):
            row = rows[depth, i]
            for t in range(begins[depth, i], starts[row + 1]):
                place = tally[items[t]]
                rows[depth + 1, place], begins[depth + 1, place] = row, t + 1
                tally[items[t]] = place + 1
        for j in range(found):
            tally[later[j]] = 0
    return found


@compiled
def _doubled(values):
    """The same values with as much room again."""
    more = np.empty(2 * values.size, np.int64)
    more[: values.size] = values
    return more


@compiled
def _merge(one, one_counts, other, other_counts):
    """Merge two ascending lists of numbers; the counts of numbers that both have are added."""
    numbers = np.empty(one.size + other.size, np.int64)
    counts = np.empty(numbers.size, np.int64)
    size, i, j = 0, 0, 0
    while i < one.size or j < other.size:
        if j == other.size or (i < one.size and one[i] < other[j]):
            numbers[size], counts[size] = one[i], one_counts[i]
            i += 1
        elif i == one.size or other[j] < one[i]:
            numbers[size], counts[size] = other[j], other_counts[j]
            j += 1
        else:
            numbers[size], counts[size] = one[i], one_counts[i] + other_counts[j]
            i, j = i + 1, j + 1
        size += 1
    return numbers[:size], counts[:size]
