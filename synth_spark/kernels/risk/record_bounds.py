"""How much synthetic records prove beside the published counts; nothing here is shared with what separates records.

Each record S is contained in at least k sensitive ones, in units of k: n(S) ≥ 1. Counts are looked up by hashes of
combinations, as in `joint_bounds`. A record proves something of fewer than k where

- it holds a combination of up to R attributes that is not published (``held``);
- it holds K, and K with one attribute more is published with as much as K: somebody holds S and this attribute, so a
  combination of up to R attributes of both that is not published is held by somebody (``group``);
- it shares a K with another record, and K is published with k alone: somebody holds both (``pair``).

In the last two nobody can be meant where both have different values of a column; then the release contradicts itself.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.numba_cache import compiled
from synth_spark.kernels.risk.joint_bounds import Published, hashes_of

Ints = npt.NDArray[np.int64]
#: Ways in which records prove something, in the order of their numbers.
WAYS = ("held", "group", "pair")


class Records(NamedTuple):
    """Distinct records as sets of attributes.

    Attributes:
        items: attributes of one record after the other, numbered as in `Published`, those not published behind them.
        starts: (n + 1,) where each record begins.
    """

    items: Ints
    starts: Ints


class Shared(NamedTuple):
    """Which records hold which of the combinations that are published with k alone, and with no part that is.

    Attributes:
        keys: (s,) hash of the combination, 0 for the empty one.
        rows: (s,) the record.
    """

    keys: npt.NDArray[np.uint64]
    rows: Ints


class _Table(NamedTuple):
    """Published combinations by hash, the empty one last.

    Attributes:
        keys: (N + 1,) hashes.
        slots: places of keys, −1 where there is none; found from the key's last bits on.
        starts: (N + 2,) where in ``added`` the attributes of each begin …
        added: … with which it is published with as much as without.
        smallest: (N + 1,) whether it is published with k alone, and has no part that is.
    """

    keys: npt.NDArray[np.uint64]
    slots: Ints
    starts: Ints
    added: Ints
    smallest: npt.NDArray[np.bool_]


def proved_by_each(published: Published, records: Records) -> tuple[Ints, Shared]:
    """How often records prove something by themselves, and what they share that two of them may prove something by.

    Args:
        published: what is published; ``column_of`` has the attributes of records that are not published, too.
        records: some of the records.

    Returns:
        (2,) numbers of the first two ways; and what is to be handed to `proved_by_pairs`, of all records together.
    """
    hashes = hashes_of(published)
    longest = published.members.shape[1]
    proved, keys, rows = _by_each(
        records.items, records.starts, published.column_of, hashes, _table(published), longest
    )
    return proved, Shared(keys, rows)


def proved_by_pairs(published: Published, records: Records, shared: Shared) -> int:
    """How often two records that share a group of k prove something: over groups, and pairs in them.

    Args:
        published: as for `proved_by_each`.
        records: all that hold one of the groups.
        shared: of these records, every group whole.
    """
    order = np.lexsort((shared.rows, shared.keys))
    firsts = np.flatnonzero(np.concatenate([[True], np.diff(shared.keys[order]) != 0])[: len(order)])
    bounds, longest = np.append(firsts, len(order)), published.members.shape[1]
    hashes, table = hashes_of(published), _table(published)
    of_rows = records.items, records.starts, shared.rows[order]
    return int(_by_pairs(of_rows, bounds, published.column_of, hashes, table, longest))


def _table(published: Published) -> _Table:
    """Lay out what is published."""
    members, hashes = published.members, hashes_of(published)
    keys = np.append(hashes[members].sum(axis=1, dtype=np.uint64), np.uint64(0))
    units = np.append(published.units, published.records)
    slots = _slots(keys, 1 << int(4 * len(keys)).bit_length())
    rows, places = np.nonzero(members >= 0)
    attributes = members[rows, places]
    parts = _places(keys, slots, keys[rows] - hashes[attributes])
    there = parts >= 0
    rows, attributes, parts = rows[there], attributes[there], parts[there]
    smallest = units == 1
    smallest[rows[units[parts] == 1]] = False
    equal = units[rows] == units[parts]
    order = np.argsort(parts[equal], kind="stable")
    starts = np.searchsorted(parts[equal][order], np.arange(len(keys) + 1))
    return _Table(keys, slots, starts, attributes[equal][order].astype(np.int64), smallest)


@compiled
def _slots(keys, size):
    """Places of keys in a table that is found through their last bits."""
    slots, mask = np.full(size, -1), np.uint64(size - 1)
    for place in range(len(keys)):
        slot = keys[place] & mask
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = place
    return slots


@compiled
def _place(keys, slots, key):
    """The place of a key; −1 where it is not there."""
    mask = np.uint64(len(slots) - 1)
    slot = key & mask
    while slots[slot] >= 0:
        if keys[slots[slot]] == key:
            return slots[slot]
        slot = (slot + np.uint64(1)) & mask
    return -1


@compiled
def _places(keys, slots, wanted):
    """The places of keys."""
    found = np.empty(len(wanted), np.int64)
    for i in range(len(wanted)):
        found[i] = _place(keys, slots, wanted[i])
    return found


@compiled
def _by_each(items, starts, column_of, hashes, table, longest):
    """Go through all combinations of each record: numbers of two ways, and keys and rows of what may be shared."""
    proved, marked = np.zeros(2, np.int64), np.full(len(column_of), -1)
    keys, rows, number = np.empty(64, np.uint64), np.empty(64, np.int64), 0
    chosen, sums = np.zeros(longest, np.int64), np.zeros(longest + 1, np.uint64)
    more = np.empty(len(column_of), np.int64)
    for row in range(len(starts) - 1):
        own, depth, following, place, found = items[starts[row] : starts[row + 1]], 0, 0, len(table.keys) - 1, 0
        while True:
            if place >= 0:  # a combination that was not looked at before
                for at in range(table.starts[place], table.starts[place + 1]):
                    if marked[table.added[at]] != row:
                        marked[table.added[at]], more[found] = row, table.added[at]
                        found += 1
                if table.smallest[place]:
                    if number == len(keys):
                        keys, rows = np.append(keys, keys), np.append(rows, rows)
                    keys[number], rows[number] = sums[depth], row
                    number += 1
                place = -1
            if depth < longest and following < len(own):
                sums[depth + 1] = sums[depth] + hashes[own[following]]
                place = _place(table.keys, table.slots, sums[depth + 1])
                if place >= 0:
                    chosen[depth] = following
                    depth += 1
                else:
                    proved[0] += 1
                following += 1
            elif depth > 0:
                depth -= 1
                following = chosen[depth] + 1
            else:
                break
        for i in range(found):
            proved[1] += _proves_with(own, more[i], column_of, hashes, table, longest)
    return proved, keys[:number].copy(), rows[:number].copy()


@compiled
def _proves_with(own, more, column_of, hashes, table, longest):
    """Whether what a record and one attribute more hold together is not all published."""
    for item in own:
        if item == more:
            return False
    both = np.append(own, more)
    sides = np.zeros(len(both), np.int64)
    sides[-1] = 2
    sides[:-1] = 1
    return _not_published(both, sides, column_of, hashes, table, longest)


@compiled
def _by_pairs(of_rows, bounds, column_of, hashes, table, longest):
    """Go through all pairs of records of each group."""
    items, starts, rows = of_rows
    proved = 0
    for group in range(len(bounds) - 1):
        for i in range(bounds[group], bounds[group + 1]):
            one = items[starts[rows[i]] : starts[rows[i] + 1]]
            for j in range(i + 1, bounds[group + 1]):
                other = items[starts[rows[j]] : starts[rows[j] + 1]]
                both, sides = _union(one, other)
                if (sides == 1).any() and (sides == 2).any():  # else one of them says nothing that the other does not
                    proved += _not_published(both, sides, column_of, hashes, table, longest)
    return proved


@compiled
def _union(one, other):
    """Attributes of two records, and of which each is: 1, 2, or 0 where both have it."""
    both, sides = np.append(one, other), np.zeros(len(one) + len(other), np.int64)
    sides[: len(one)] = 1
    number = len(one)
    for item in other:
        there = False
        for i in range(len(one)):
            if one[i] == item:
                sides[i], there = 0, True
        if not there:
            both[number], sides[number] = item, 2
            number += 1
    return both[:number], sides[:number]


@compiled
def _not_published(both, sides, column_of, hashes, table, longest):
    """Whether attributes of side 1 and of side 2 are in a combination of up to R that is not published.

    Parts of a published combination are published, so those of R attributes are looked at, or the one of all.
    """
    for i in range(len(both)):
        for j in range(len(both)):
            if sides[i] == 1 and sides[j] == 2 and column_of[both[i]] == column_of[both[j]]:
                return True  # nobody has both
    size = min(longest, len(both))
    chosen = np.arange(size)
    while True:
        key, first, second = np.uint64(0), False, False
        for i in chosen:
            key += hashes[both[i]]
            first |= sides[i] == 1
            second |= sides[i] == 2
        if first and second and _place(table.keys, table.slots, key) < 0:
            return True
        place = size - 1
        while place >= 0 and chosen[place] == len(both) - size + place:
            place -= 1
        if place < 0:
            return False
        chosen[place] += 1
        for later in range(place + 1, size):
            chosen[later] = chosen[later - 1] + 1
