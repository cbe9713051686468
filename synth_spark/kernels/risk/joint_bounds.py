"""How much published counts prove together, counted anew: nothing here is shared with what lowers counts.

Counts are in units of k, combinations are sets of attributes, found by a hash that is the sum of one number for each
attribute (Zobrist 1970), so that parts of a combination are subtractions. Every part K of every combination E is
listed; of each K all that is published with it is then together, and each bound of `docs/joint-suppression.md` is
looked at by going through it.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.numba_cache import compiled

#: Kinds of bounds, in the order of their numbers.
KINDS = ("parts", "values", "overlap", "residuals", "events")
Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]


class Published(NamedTuple):
    """Published combinations as sets.

    Attributes:
        members: (N, R) attributes of each; −1 behind the last.
        units: (N,) counts in multiples of k.
        records: number of records in multiples of k.
        column_of: (A,) column of each attribute, of which a record has one.
    """

    members: Ints
    units: Ints
    records: int
    column_of: Ints


def proved(published: Published, k: int, share: int = 0, shares: int = 1) -> Ints:
    """How often published counts prove something of fewer than k, or contradict each other: a number for each kind.

    Args:
        published: what is published.
        k: privacy resolution.
        share: which groups K are looked at: those whose hash is that modulo ``shares``.
        shares: of how many.
    """
    hashes = hashes_of(published)
    keys = hashes[published.members].sum(axis=1, dtype=np.uint64)
    order = np.argsort(keys)
    table = keys[order], np.ascontiguousarray(published.units[order])
    part_keys, owners, masks = _parts(published.members, hashes, np.uint64(share), np.uint64(shares))
    grouped = np.argsort(part_keys, kind="stable")
    starts = (
        np.flatnonzero(np.append(True, np.diff(part_keys[grouped]) != 0)) if len(grouped) else np.zeros(0, np.int64)
    )
    starts = np.append(starts, len(grouped))
    found: Ints = _proved(published, k, hashes, table, (part_keys, owners, masks), grouped, starts)
    return found


def hashes_of(published: Published) -> Keys:
    """(A + 1,) a number for each attribute, of which those of a combination are added up; the last one, of none, is 0.

    Args:
        published: what is published.
    """
    draw = np.random.Generator(np.random.PCG64(len(published.column_of)))
    hashes = draw.integers(0, 1 << 64, len(published.column_of) + 1, np.uint64, endpoint=False)
    hashes[-1] = 0
    return hashes


@compiled
def _parts(members, hashes, share, shares):
    """Every combination without some of its attributes: hash of the rest, the combination, and which are left out."""
    number, longest = members.shape
    keys, owners = np.empty(number << longest, np.uint64), np.empty(number << longest, np.int64)
    masks, at = np.empty(number << longest, np.int64), 0
    for row in range(number):
        length = 0
        while length < longest and members[row, length] >= 0:
            length += 1
        for mask in range(1, 1 << length):
            key = np.uint64(0)
            for place in range(length):
                if not mask >> place & 1:
                    key += hashes[members[row, place]]
            if key % shares == share:
                keys[at], owners[at], masks[at] = key, row, mask
                at += 1
    return keys[:at], owners[:at], masks[:at]


@compiled
def _units(table, key):
    """Units of the combination with a hash; 0 where none is published."""
    place = np.searchsorted(table[0], key)
    return table[1][place] if place < len(table[0]) and table[0][place] == key else 0


@compiled
def _proved(published, k, hashes, table, parts, grouped, starts):
    found = np.zeros(5, np.int64)
    for group in range(len(starts) - 1):
        rows = grouped[starts[group] : starts[group + 1]]
        key = parts[0][rows[0]]
        whole = published.records if key == 0 else _units(table, key)
        owners = parts[1][rows]
        units = published.units[owners]
        found[0] += np.sum(units > whole)
        added = np.full((len(rows), published.members.shape[1]), -1, np.int64)
        sizes = np.zeros(len(rows), np.int64)
        for i in range(len(rows)):
            for place in range(published.members.shape[1]):
                if parts[2][rows[i]] >> place & 1:
                    added[i, sizes[i]] = published.members[owners[i], place]
                    sizes[i] += 1
        found[1] += _values(published, whole, units, added, sizes)
        base = published.members[owners[0]]
        inside = np.zeros(len(base), np.int64)
        held = 0
        for place in range(len(base)):
            if base[place] >= 0 and not parts[2][rows[0]] >> place & 1:
                inside[held] = base[place]
                held += 1
        found[2] += _overlap(published, hashes, table, whole, inside[:held], units, added, sizes)
        if held + 2 <= len(base):
            found[3] += _residuals(published, k, whole, units, added, sizes)
        if held + 3 <= len(base):
            found[4] += _events(published, k, hashes, table, key, whole, units, added, sizes, len(base) - held)
    return found


@compiled
def _values(published, whole, units, added, sizes):
    """Columns whose values are published with more records than there are."""
    sums = np.zeros(published.column_of.max() + 1, np.int64)
    for i in range(len(sizes)):
        if sizes[i] == 1:
            sums[published.column_of[added[i, 0]]] += units[i]
    return (sums > whole).sum()


@compiled
def _overlap(published, hashes, table, whole, inside, units, added, sizes):
    """Pairs of groups that must share more than is published of a combination of both."""
    found, order, longest = 0, np.argsort(-units), published.members.shape[1]
    every = np.empty(3 * longest, np.int64)
    for i in range(len(order)):
        one = order[i]
        if 2 * units[one] <= whole:
            break
        for j in range(i + 1, len(order)):
            other = order[j]
            surplus = units[one] + units[other] - whole
            if surplus <= 0:
                break
            same, clash = False, False
            for a in added[one, : sizes[one]]:
                for b in added[other, : sizes[other]]:
                    same |= a == b
                    clash |= published.column_of[a] == published.column_of[b]
            if same:
                continue
            if clash:  # nobody has both
                found += 1
                continue
            first, second = sizes[one], sizes[one] + sizes[other]
            every[:first], every[first:second] = added[one, :first], added[other, : sizes[other]]
            every[second : second + len(inside)] = inside
            found += not _shared(hashes, table, every[: second + len(inside)], first, second, longest, surplus)
    return found


@compiled
def _shared(hashes, table, every, first, second, longest, surplus):
    """Whether every combination of attributes of both groups, as long as may be, is published with their surplus."""
    size = min(longest, len(every))
    for mask in range(1 << len(every)):
        number, key, of_one, of_other = 0, np.uint64(0), False, False
        for place in range(len(every)):
            if mask >> place & 1:
                number += 1
                key += hashes[every[place]]
                of_one |= place < first
                of_other |= first <= place < second
        if number == size and of_one and of_other and _units(table, key) < surplus:
            return False
    return True


@compiled
def _residuals(published, k, whole, units, added, sizes):
    """Pairs of columns whose values leave over what must meet."""
    place, number, kinds = np.full(len(published.column_of), -1), 0, 0
    kind_of = np.full(published.column_of.max() + 1, -1)
    kind, single = np.zeros(len(sizes), np.int64), np.zeros(len(sizes), np.int64)
    for i in range(len(sizes)):
        if sizes[i] == 1:
            column = published.column_of[added[i, 0]]
            if kind_of[column] < 0:
                kind_of[column] = kinds
                kinds += 1
            place[added[i, 0]], kind[number], single[number] = number, kind_of[column], units[i]
            number += 1
    kind = kind[:number]
    cells, left = np.zeros((kinds, kinds), np.int64), np.zeros((number, kinds), np.int64)
    for row in range(number):
        left[row] = single[row]
    for i in range(len(sizes)):
        if sizes[i] != 2 or place[added[i, 0]] < 0 or place[added[i, 1]] < 0:
            continue
        a, b = place[added[i, 0]], place[added[i, 1]]
        left[a, kind[b]] -= units[i]
        left[b, kind[a]] -= units[i]
        cells[kind[a], kind[b]] += units[i]
        cells[kind[b], kind[a]] += units[i]
    found = 0
    for x in range(kinds):
        for y in range(x):
            found += _must_meet(_falling(left, kind, x, y), _falling(left, kind, y, x), whole - cells[x, y], k)
    return found


@compiled
def _falling(left, kind, column, other):
    """What is left over of a column's values over another column, the most first."""
    rests, number = np.empty(len(kind), np.int64), 0
    for row in range(len(kind)):
        if kind[row] == column:
            at = number
            while at > 0 and rests[at - 1] < left[row, other]:
                rests[at] = rests[at - 1]
                at -= 1
            rests[at] = left[row, other]
            number += 1
    return rests[:number]


@compiled
def _must_meet(rows, columns, whole, k):
    """Whether the rests of some rows and some columns exceed the whole by more than k − 1 in each of their cells."""
    of_rows = 0
    for a in range(len(rows)):
        of_rows += rows[a]
        of_columns = 0
        for b in range(len(columns)):
            of_columns += columns[b]
            if (of_rows + of_columns - whole) * k > (a + 1) * (b + 1) * (k - 1):
                return True
    return False


@compiled
def _events(published, k, hashes, table, key, whole, units, added, sizes, most):
    """Sets of three attributes or more of which too many hold one."""
    singles = np.argsort(-units * (sizes == 1))[: (sizes == 1).sum()]
    chosen, size, following, found = np.zeros(most, np.int64), 0, 0, 0
    while True:
        if size < most and following < len(singles) and _reach(units, singles, chosen[:size], following, most) >= whole:
            chosen[size] = singles[following]
            size, following = size + 1, following + 1
            if size > 2:
                found += _too_many(published, k, hashes, table, key, whole, added[chosen[:size], 0])
        elif size:
            size -= 1
            following = 0
            while singles[following] != chosen[size]:
                following += 1
            following += 1
        else:
            return found


@compiled
def _reach(units, singles, chosen, following, most):
    """Most records that a set of attributes can hold that begins so: no single one of those to come holds more."""
    return units[chosen].sum() + (most - len(chosen)) * units[singles[following]]


@compiled
def _too_many(published, k, hashes, table, key, whole, attributes):
    none = whole
    for mask in range(1, 1 << len(attributes)):
        part, sign = key, 1
        for place in range(len(attributes)):
            if mask >> place & 1:
                part += hashes[attributes[place]]
                sign = -sign
        none += sign * _units(table, part)
    for one in range(len(attributes)):
        for other in range(one):
            if published.column_of[attributes[one]] == published.column_of[attributes[other]]:
                return 0
    positive = 1 << (len(attributes) - 1)
    return int(-none * k > (positive - 1) * (k - 1))
