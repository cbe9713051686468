"""Short records put together to published combinations that no record holds.

Growing leaves records of a single attribute, and so does taking out of records what they would prove. Where the
attributes of a published combination are among them, one of each becomes one record of the combination: single counts
stay, at least k sensitive records contain it, and a combination is there that readers of the records would miss.
Combinations of R attributes come first, since they bring their parts along. Two more kinds of short records take part:

- one that lacks a single attribute of the combination becomes the combination with it, and is held by that;
- one that others hold as well is taken apart; what of it is not needed is left as it was.

A combination is passed over where the record would prove something (see `separation`): by itself, or with another
record in a group that is published with k alone. So none is made that holds such a group as a part.
"""

import numpy as np

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.deduction.lattice import Lattice, extension, fewest_of_parts
from synth_spark.kernels.deduction.separation import held_by_any, prove_nothing
from synth_spark.kernels.numba_cache import compiled


def regroup(lattice: Lattice, records: Codes, copies: Ints, firsts: Ints) -> tuple[Codes, Ints]:
    """Put short records together to combinations that are published and that no record holds.

    Args:
        lattice: what is published; units of what is withheld are 0.
        records: (n, m) codes of distinct records, 0 = absent.
        copies: (n,) of each.
        firsts: (m,) first attribute of each column.

    Returns:
        (records, copies): with as many of each attribute as before.
    """
    places = _places(lattice, records, firsts)
    short, spare = _short(lattice, records, copies, firsts, places)
    free = _attributes(lattice, spare)
    longer, made = records[places < 0], np.zeros(len(short), np.int64)
    stay = np.concatenate([longer, _as_records(lattice, np.flatnonzero(short), firsts, records)])
    wanted = _wanted(lattice, stay, firsts, free + _attributes(lattice, short))
    for length in range(lattice.attributes.shape[1], 1, -1):
        chosen = _rarest_first(lattice, wanted[lattice.lengths[wanted] == length])
        held = np.concatenate([longer, _as_records(lattice, np.flatnonzero(short + made), firsts, records)])
        _make(lattice, chosen[~held_by_any(lattice, held, firsts, chosen)], free, short, made)
    for length in range(lattice.attributes.shape[1], 0, -1):
        again = np.flatnonzero(lattice.lengths[:-1] == length)
        most = spare[again] if length > 1 else free[lattice.attributes[again, 0]]
        made[again] += _take(lattice.attributes[again], most, free)
    left = short + made
    there = np.flatnonzero(left)
    all_records = np.concatenate([longer, _as_records(lattice, there, firsts, records)])
    return all_records, np.concatenate([copies[places < 0], left[there]])


def _short(lattice: Lattice, records: Codes, copies: Ints, firsts: Ints, places: Ints) -> tuple[Ints, Ints]:
    """How many records are combinations themselves, by place: those that are not spare, and those that are.

    Spare are single attributes, and of longer ones those that other records, or a copy that is not spare, hold.
    """
    number = np.zeros(len(lattice.units), np.int64)
    number[places[places >= 0]] = copies[places >= 0]
    spare, stay = np.where(lattice.lengths == 1, number, 0), records[places < 0]
    for length in range(lattice.attributes.shape[1], 1, -1):
        at = np.flatnonzero((number > 0) & (lattice.lengths == length))
        is_held = held_by_any(lattice, stay, firsts, at)
        spare[at] = number[at] - ~is_held
        stay = np.concatenate([stay, _as_records(lattice, at[~is_held], firsts, records)])
    return number - spare, spare


def _attributes(lattice: Lattice, numbers: Ints) -> Ints:
    """(A,) how often each attribute is in so many of each combination."""
    there = np.flatnonzero(numbers)
    row, place = np.nonzero(lattice.attributes[there] >= 0)
    found = np.zeros(len(lattice.column_of), np.int64)
    np.add.at(found, lattice.attributes[there][row, place], numbers[there][row])
    return found


def _wanted(lattice: Lattice, records: Codes, firsts: Ints, free: Ints) -> Ints:
    """Places of the combinations of free attributes that no record holds and that may become one."""
    attributes = lattice.attributes[:-1]
    is_free = ((attributes < 0) | (free[attributes] > 0)).all(axis=1)
    may = (lattice.lengths[:-1] > 1) & (lattice.units[:-1] > 0) & (fewest_of_parts(lattice)[:-1] > 1)
    places = np.flatnonzero(is_free & may)
    places = places[~held_by_any(lattice, records, firsts, places)]
    wanted: Ints = places[prove_nothing(lattice, _as_records(lattice, places, firsts, records), firsts)]
    return wanted


def _rarest_first(lattice: Lattice, places: Ints) -> Ints:
    """Combinations of the rarest attributes first."""
    singles = np.zeros(len(lattice.column_of), np.int64)
    at = np.flatnonzero(lattice.lengths == 1)
    singles[lattice.attributes[at, 0]] = lattice.units[at]
    members = lattice.attributes[places]
    rarest = np.where(members >= 0, singles[members], np.iinfo(np.int64).max).min(
        axis=1, initial=np.iinfo(np.int64).max
    )
    chosen: Ints = places[np.argsort(rarest, kind="stable")]
    return chosen


def _as_records(lattice: Lattice, places: Ints, firsts: Ints, like: Codes) -> Codes:
    """Combinations as codes of records."""
    codes = np.zeros((len(places), like.shape[1]), like.dtype)
    row, place = np.nonzero(lattice.attributes[places] >= 0)
    attributes = lattice.attributes[places][row, place]
    codes[row, lattice.column_of[attributes]] = attributes - firsts[lattice.column_of[attributes]] + 1
    return codes


@compiled
def _make(lattice, wanted, free, short, made):
    """Make one record of each combination there is enough for: a part with one attribute less, or all attributes."""
    for place in wanted:
        members, length = lattice.attributes[place], lattice.lengths[place]
        for i in range(length):
            part = len(lattice.units) - 1
            for j in range(length):
                part = extension(lattice, part, members[j]) if j != i else part
            if short[part] > 0 and free[members[i]] > 0:
                short[part] -= 1
                free[members[i]] -= 1
                made[place] += 1
                break
        if made[place] == 0 and np.all(free[members[:length]] > 0):
            free[members[:length]] -= 1
            made[place] += 1


@compiled
def _take(combinations, most, free):
    """Take the attributes of combinations, each as often as there are, and at most so often; how often that was."""
    taken = np.zeros(len(combinations), np.int64)
    for row in range(len(combinations)):
        taken[row] = most[row]
        for a in combinations[row]:
            if a >= 0:
                taken[row] = min(taken[row], free[a])
        for a in combinations[row]:
            if a >= 0:
                free[a] -= taken[row]
    return taken


@compiled
def _places(lattice, records, firsts):
    """(n,) the place of each record's combination; −1 where it is longer than those, or nothing of it is published."""
    places = np.full(len(records), -1)
    for row in range(len(records)):
        at, number = len(lattice.units) - 1, 0
        for column in range(records.shape[1]):
            if records[row, column] > 0 and at >= 0:
                number += 1
                longest = number == lattice.attributes.shape[1] + 1
                at = -1 if longest else extension(lattice, at, firsts[column] + records[row, column] - 1)
        places[row] = at if number > 0 else -1
    return places
