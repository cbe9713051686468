"""What a synthetic record must not hold, or prove beside the counts, by itself or with another record.

See `separation` for what is proved and why; this says where.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.deduction.lattice import Lattice, extension, fewest_of_parts, next_choice
from synth_spark.kernels.numba_cache import compiled


class Index(NamedTuple):
    """Some combinations by their least frequent attribute: where those of each begin, their places, one number each."""

    starts: Ints
    places: Ints
    numbers: Ints


def prove_nothing(lattice: Lattice, records: Codes, firsts: Ints) -> npt.NDArray[np.bool_]:
    """(n,) which of (n, m) records neither hold what is withheld nor prove anything by themselves."""
    withheld, tight, _ = indices(lattice)
    clear: npt.NDArray[np.bool_] = ~in_conflict(lattice, records, firsts, withheld, tight)
    return clear


def held_by_any(lattice: Lattice, records: Codes, firsts: Ints, places: Ints) -> npt.NDArray[np.bool_]:
    """(p,) which combinations, by their places in the lattice, at least one of (n, m) records holds."""
    held: npt.NDArray[np.bool_] = _held_by_any(
        lattice, records, firsts, _indexed(lattice, places, np.arange(len(places))), len(places)
    )
    return held


def indices(lattice: Lattice) -> tuple[Index, Index, Index]:
    """What must not be held; groups that one attribute more has no less of; the smallest, with no part as small."""
    withheld = _indexed(lattice, np.flatnonzero(lattice.units[:-1] == 0), None)
    parents = np.repeat(np.arange(len(lattice.units)), np.diff(lattice.starts))
    same = lattice.units[parents] == lattice.units[lattice.extended]
    tight = np.flatnonzero(same & (lattice.lengths[parents] >= 2) & (lattice.units[parents] > 0))
    smallest = np.flatnonzero((lattice.units[:-1] == 1) & (fewest_of_parts(lattice)[:-1] > 1))
    return withheld, _indexed(lattice, parents[tight], lattice.added[tight]), _indexed(lattice, smallest, None)


def _indexed(lattice: Lattice, places: Ints, numbers: npt.NDArray[np.integer[Any]] | None) -> Index:
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
    return Index(starts, places[order], given[order])


@compiled
def holds(lattice, record, firsts, place):
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
def in_conflict(lattice, records, firsts, withheld, tight):
    """Which records hold or prove by themselves what they must not."""
    held, conflicts = np.empty(records.shape[1], np.int64), np.empty(records.shape[1], np.int64)
    found = np.zeros(len(records), np.bool_)
    for row in range(len(records)):
        found[row] = find_conflicts(lattice, records[row], firsts, withheld, tight, held, conflicts)
    return found


@compiled
def find_conflicts(lattice, record, firsts, withheld, tight, held, conflicts):
    """Count for each column of a record in how much it is that must not be; returns whether there is any."""
    conflicts[:] = 0
    number = _attributes(record, firsts, held)
    for i in range(number):
        for at in range(withheld.starts[held[i]], withheld.starts[held[i] + 1]):
            if holds(lattice, record, firsts, withheld.places[at]):
                count_members(lattice, withheld.places[at], conflicts)
        for at in range(tight.starts[held[i]], tight.starts[held[i] + 1]):
            if holds(lattice, record, firsts, tight.places[at]):
                before = conflicts.sum()
                _count_conflicts(lattice, record, held[:number], tight.numbers[at], conflicts)
                if conflicts.sum() > before:
                    count_members(lattice, tight.places[at], conflicts)
    return conflicts.any()


@compiled
def count_members(lattice, place, conflicts):
    """Count each column of a combination once more."""
    for a in lattice.attributes[place]:
        if a >= 0:
            conflicts[lattice.column_of[a]] += 1


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
def holders(lattice, records, firsts, index):
    """Which of some combinations which records hold: (keys, rows)."""
    held, found, number = np.empty(records.shape[1], np.int64), np.empty((64, 2), np.int64), 0
    for row in range(len(records)):
        for i in range(_attributes(records[row], firsts, held)):
            for at in range(index.starts[held[i]], index.starts[held[i] + 1]):
                if holds(lattice, records[row], firsts, index.places[at]):
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
                if not found[index.numbers[at]] and holds(lattice, records[row], firsts, index.places[at]):
                    found[index.numbers[at]] = True
    return found


@compiled
def find_shared(lattice, one, other, firsts):
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
