"""What synthetic records prove beside the counts, and which of their attributes are taken out so that they do not.

Each record S is contained in at least k sensitive ones. So it overlaps with every group that takes up nearly all of
what both are in: n(S ∪ E) ≥ n(S) + n(E) − n(K) for K = S ∩ E, as in `overlap`. With n(S) ≥ k alone that is someone

- where E is published with as much as K: all but k − 1 of K, at most, hold E;
- where E is another record, and K is published with k: two groups of k among fewer than 2·k.

Then every combination of attributes of both must be published. A record must not hold what is withheld, either. What a
record loses becomes a record of that attribute alone, so single counts stay as they are; and a part of a record proves
nothing that the record did not.

There is a choice: each attribute of what must not be held, or of the K that is shared, will do. Where all records are
at hand, that is taken out without which the fewest pairs and triples are in no record any more; and copies of a record
are halved first, so that the other half can lose something else, and what one half lost stays in the other.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.deduction.lattice import Lattice, extension, fewest_of_parts, next_choice
from synth_spark.kernels.numba_cache import compiled

#: A pair that no record holds any more counts for so many triples.
_PAIR = 10


class _Index(NamedTuple):
    """Some combinations by their least frequent attribute: where those of each begin, their places, one number each."""

    starts: Ints
    places: Ints
    numbers: Ints


def separate(lattice: Lattice, records: Codes, copies: Ints, firsts: Ints) -> tuple[Codes, Ints]:
    """Take out of records what proves something of a small group.

    Args:
        lattice: what is published; units of what is withheld are 0.
        records: (n, m) codes of distinct records, 0 = absent.
        copies: (n,) of each.
        firsts: (m,) first attribute of each column.

    Returns:
        (records, copies): the records that are left, and those of single attributes; not merged.
    """
    withheld, tight, smallest = _indices(lattice)
    halved = np.flatnonzero(_in_conflict(lattice, records, firsts, withheld, tight) & (copies > 1))
    source = np.concatenate([np.arange(len(records)), halved])
    numbers = copies[source]
    numbers[len(records) :] //= 2
    numbers[halved] -= numbers[len(records) :]
    left = records[source]
    _separate(lattice, left, firsts, withheld, tight, True)
    keys, rows = _held(lattice, left, firsts, smallest)
    order = np.lexsort((rows, keys))
    _part(lattice, left, firsts, keys[order], rows[order], True)
    return with_pieces(records[source], left, numbers)


def separate_each(lattice: Lattice, records: Codes, firsts: Ints) -> tuple[Codes, Ints, Ints]:
    """Take out of each record what it proves by itself; who else there is does not matter.

    Args:
        lattice: as for `separate`.
        records: (n, m) codes of some records.
        firsts: (m,) first attribute of each column.

    Returns:
        (left, places, rows): (n, m) what is left of each record; and which records hold which of the combinations
        that two records must not share, by their places in the lattice.
    """
    withheld, tight, smallest = _indices(lattice)
    left = records.copy()
    _separate(lattice, left, firsts, withheld, tight, False)
    return left, *_held(lattice, left, firsts, smallest)


def separate_groups(lattice: Lattice, records: Codes, places: Ints, firsts: Ints) -> Codes:
    """Take out of records what two of them prove that share a combination; each group of them by itself.

    A part of a record proves nothing that the record does not. So what a record loses in any of its groups can be
    taken out of it afterwards, and it does not matter which task has looked at which group.

    Args:
        lattice: as for `separate`.
        records: (s, m) codes of one record after the other, for each combination that it shares; groups are whole, and
            in each of them records come in the order in which they are compared.
        places: (s,) the combination, ascending.
        firsts: (m,) first attribute of each column.

    Returns:
        (s, m) what is left of each in its group.
    """
    left = records.copy()
    _part(lattice, left, firsts, places, np.arange(len(places)), False)
    return left


def with_pieces(records: Codes, left: Codes, copies: Ints) -> tuple[Codes, Ints]:
    """What is left of records, and what they lost, as records of single attributes; not merged.

    Args:
        records: (n, m) codes.
        left: (n, m) what is left of each.
        copies: (n,) of each.
    """
    row, column = np.nonzero(left != records)
    pieces = np.zeros((len(row), records.shape[1]), records.dtype)
    pieces[np.arange(len(row)), column] = records[row, column]
    there = left.any(axis=1)
    return np.concatenate([left[there], pieces]), np.concatenate([copies[there], copies[row]])


def prove_nothing(lattice: Lattice, records: Codes, firsts: Ints) -> npt.NDArray[np.bool_]:
    """(n,) which of (n, m) records neither hold what is withheld nor prove anything by themselves."""
    withheld, tight, _ = _indices(lattice)
    clear: npt.NDArray[np.bool_] = ~_in_conflict(lattice, records, firsts, withheld, tight)
    return clear


def held_by_any(lattice: Lattice, records: Codes, firsts: Ints, places: Ints) -> npt.NDArray[np.bool_]:
    """(p,) which combinations, by their places in the lattice, at least one of (n, m) records holds."""
    held: npt.NDArray[np.bool_] = _held_by_any(
        lattice, records, firsts, _indexed(lattice, places, np.arange(len(places))), len(places)
    )
    return held


def _indices(lattice: Lattice) -> tuple[_Index, _Index, _Index]:
    """What must not be held; groups that one attribute more has no less of; the smallest, with no part as small."""
    withheld = _indexed(lattice, np.flatnonzero(lattice.units[:-1] == 0), None)
    parents = np.repeat(np.arange(len(lattice.units)), np.diff(lattice.starts))
    same = lattice.units[parents] == lattice.units[lattice.extended]
    tight = np.flatnonzero(same & (lattice.lengths[parents] >= 2) & (lattice.units[parents] > 0))
    smallest = np.flatnonzero((lattice.units[:-1] == 1) & (fewest_of_parts(lattice)[:-1] > 1))
    return withheld, _indexed(lattice, parents[tight], lattice.added[tight]), _indexed(lattice, smallest, None)


def _indexed(lattice: Lattice, places: Ints, numbers: npt.NDArray[np.integer[Any]] | None) -> _Index:
    root = len(lattice.units) - 1
    singles = np.full(len(lattice.column_of) + 1, np.iinfo(np.int64).max)
    begin, end = lattice.starts[root : root + 2]
    singles[lattice.added[begin:end]] = lattice.units[lattice.extended[begin:end]]
    singles[-1] = np.iinfo(np.int64).max  # of no attribute
    members = lattice.attributes[places]
    rarest = members[np.arange(len(places)), np.argmin(singles[members], axis=1)]
    order = np.argsort(rarest, kind="stable")
    starts = np.searchsorted(rarest[order], np.arange(len(lattice.column_of) + 1))
    given = np.zeros(len(places), np.int64) if numbers is None else numbers.astype(np.int64)
    return _Index(starts, places[order], given[order])


@compiled
def _holds(lattice, record, firsts, place):
    """Whether a record holds a combination."""
    for a in lattice.attributes[place]:
        if a >= 0 and record[lattice.column_of[a]] != a - firsts[lattice.column_of[a]] + 1:
            return False
    return True


@compiled
def _attributes(record, firsts, held):
    number = 0
    for column in range(len(record)):
        if record[column] > 0:
            held[number] = firsts[column] + record[column] - 1
            number += 1
    return number


@compiled
def _separate(lattice, records, firsts, withheld, tight, weigh):
    """Take out of each record what is withheld, and what it proves with published counts."""
    held, conflicts = np.empty(records.shape[1], np.int64), np.empty(records.shape[1], np.int64)
    for row in range(len(records)):
        while _find_conflicts(lattice, records[row], firsts, withheld, tight, held, conflicts):
            losses = _losses(records, row, conflicts, weigh)
            records[row, _cheapest(losses, conflicts)] = 0


@compiled
def _in_conflict(lattice, records, firsts, withheld, tight):
    """Which records hold or prove by themselves what they must not."""
    held, conflicts = np.empty(records.shape[1], np.int64), np.empty(records.shape[1], np.int64)
    found = np.zeros(len(records), np.bool_)
    for row in range(len(records)):
        found[row] = _find_conflicts(lattice, records[row], firsts, withheld, tight, held, conflicts)
    return found


@compiled
def _find_conflicts(lattice, record, firsts, withheld, tight, held, conflicts):
    """Count for each column of a record in how much it is that must not be; returns whether there is any."""
    conflicts[:] = 0
    number = _attributes(record, firsts, held)
    for i in range(number):
        for at in range(withheld.starts[held[i]], withheld.starts[held[i] + 1]):
            if _holds(lattice, record, firsts, withheld.places[at]):
                _count(lattice, withheld.places[at], conflicts)
        for at in range(tight.starts[held[i]], tight.starts[held[i] + 1]):
            if _holds(lattice, record, firsts, tight.places[at]):
                before = conflicts.sum()
                _count_conflicts(lattice, record, held[:number], tight.numbers[at], conflicts)
                if conflicts.sum() > before:
                    _count(lattice, tight.places[at], conflicts)
    return conflicts.any()


@compiled
def _count(lattice, place, conflicts):
    for a in lattice.attributes[place]:
        if a >= 0:
            conflicts[lattice.column_of[a]] += 1


@compiled
def _cheapest(losses, conflicts):
    """The column with the least loss for each conflict that it solves; of equal ones the first."""
    best = int(np.argmax(conflicts))
    for column in range(len(conflicts)):
        if conflicts[column] > 0 and (1 + losses[column]) * conflicts[best] < (1 + losses[best]) * conflicts[column]:
            best = column
    return best


@compiled
def _losses(records, row, wanted, weigh):
    """How much of a record no other record would hold without one of its columns: triples, and pairs for more.

    Args:
        records: (n, m) codes.
        row: which of them.
        wanted: (m,) above 0 where that is asked.
        weigh: else nothing is lost by any.
    """
    columns = np.flatnonzero(records[row])
    number, words = len(columns), (len(columns) + 63) // 64
    losses = np.zeros(records.shape[1], np.int64)
    if not weigh:
        return losses
    both = np.zeros((number, number, words), np.uint64)  # attributes that somebody has beside two of them
    shared, mask = np.empty(number, np.int64), np.zeros(words, np.uint64)
    asked = columns[wanted[columns] > 0]
    for other in range(len(records)):
        has_any = False
        for column in asked:
            has_any |= records[other, column] == records[row, column]
        if other == row or not has_any:
            continue
        most = 0
        mask[:] = 0
        for i in range(number):
            if records[other, columns[i]] == records[row, columns[i]]:
                shared[most] = i
                mask[i // 64] |= np.uint64(1) << np.uint64(i % 64)
                most += 1
        for i in shared[:most]:
            if most > 1 and wanted[columns[i]] > 0:
                for j in shared[:most]:
                    for word in range(words):
                        both[i, j, word] |= mask[word]
    for i in range(number):
        if wanted[columns[i]] == 0:
            continue
        for j in range(number):
            seen = 0
            for a in range(number):
                if a != i and a != j and both[i, j, a // 64] >> np.uint64(a % 64) & np.uint64(1):
                    seen += 1
            if j != i:
                losses[columns[i]] += number - 2 - seen  # each triple twice
                if not both[i, j].any():
                    losses[columns[i]] += _PAIR
    return losses


@compiled
def _count_conflicts(lattice, record, held, more, conflicts):
    """Count the attributes of a record that are not published together with one that some of its holders have, too."""
    column, longest = lattice.column_of[more], lattice.attributes.shape[1]
    if record[column] > 0:
        for a in held:
            if a == more:
                return
        conflicts[column] += 1  # it has another value: then nobody has both
        return
    chosen = np.arange(min(longest - 1, len(held)))
    root = len(lattice.units) - 1
    while True:
        at = extension(lattice, root, more)
        for i in chosen:
            at = extension(lattice, at, held[i]) if at >= 0 else -1
        if at < 0 or lattice.units[at] == 0:
            for i in chosen:
                conflicts[lattice.column_of[held[i]]] += 1
        if not next_choice(chosen, len(held)):
            return


@compiled
def _held(lattice, records, firsts, index):
    """Which of some combinations which records hold: (keys, rows)."""
    held, found, number = np.empty(records.shape[1], np.int64), np.empty((64, 2), np.int64), 0
    for row in range(len(records)):
        for i in range(_attributes(records[row], firsts, held)):
            for at in range(index.starts[held[i]], index.starts[held[i] + 1]):
                if _holds(lattice, records[row], firsts, index.places[at]):
                    if number == len(found):
                        longer = np.empty((2 * number, 2), np.int64)
                        longer[:number] = found
                        found = longer
                    found[number, 0], found[number, 1] = index.places[at], row
                    number += 1
    return found[:number, 0].copy(), found[:number, 1].copy()


@compiled
def _held_by_any(lattice, records, firsts, index, number):
    held, found = np.empty(records.shape[1], np.int64), np.zeros(number, np.bool_)
    for row in range(len(records)):
        for i in range(_attributes(records[row], firsts, held)):
            for at in range(index.starts[held[i]], index.starts[held[i] + 1]):
                if not found[index.numbers[at]] and _holds(lattice, records[row], firsts, index.places[at]):
                    found[index.numbers[at]] = True
    return found


@compiled
def _part(lattice, records, firsts, keys, rows, weigh):
    """Take out of records that overlap in a group what they prove together."""
    begin = 0
    while begin < len(keys):
        end = begin
        while end < len(keys) and keys[end] == keys[begin]:
            end += 1
        for i in range(begin, end):
            for j in range(i + 1, end):
                one, other = records[rows[i]], records[rows[j]]
                while _holds(lattice, one, firsts, keys[i]) and _holds(lattice, other, firsts, keys[i]):
                    conflicts = _find_shared(lattice, one, other, firsts)
                    if not conflicts.any():
                        break
                    for side in range(2):
                        _count(lattice, keys[i], conflicts[side])
                    ours = _losses(records, rows[i], conflicts[0], weigh)
                    theirs = _losses(records, rows[j], conflicts[1], weigh)
                    worst = _cheapest(np.append(ours, theirs), conflicts.ravel())
                    if worst < len(one):
                        one[worst] = 0
                    else:
                        other[worst - len(one)] = 0
        begin = end


@compiled
def _find_shared(lattice, one, other, firsts):
    """Count for each column of two records in what it is that must not be, as far as the first of it: (2, m)."""
    columns, longest = len(one), lattice.attributes.shape[1]
    both, conflicts, number = np.empty(2 * columns, np.int64), np.zeros((2, columns), np.int64), 0
    side = np.zeros(2 * columns, np.int64)
    for column in range(columns):
        if one[column] > 0 and other[column] > 0 and one[column] != other[column]:
            conflicts[:, column] += 1  # nobody has both
        for of, record in ((1, one), (2, other)):
            if record[column] > 0 and not (of == 2 and one[column] == other[column]):
                both[number] = firsts[column] + record[column] - 1
                side[number] = 0 if one[column] == other[column] else of
                number += 1
    chosen, root = np.arange(min(longest, number)), len(lattice.units) - 1
    while not conflicts.any():
        first, second = False, False
        for i in chosen:
            first |= side[i] == 1
            second |= side[i] == 2
        if first and second:
            at = root
            for i in chosen:
                at = extension(lattice, at, both[i]) if at >= 0 else -1
            if at < 0 or lattice.units[at] == 0:
                for i in chosen:
                    if side[i]:
                        conflicts[side[i] - 1, lattice.column_of[both[i]]] += 1
                break
        if not next_choice(chosen, number):
            break
    return conflicts
