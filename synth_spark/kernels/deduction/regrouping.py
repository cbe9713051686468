"""Short records put together to published combinations that no record holds.

Growing leaves records of a single attribute, and so does taking out of records what they would prove. Where the
attributes of a published combination are among them, one of each becomes one record of the combination: single counts
stay, at least k sensitive records contain it, and a combination is there that readers of the records would miss. What
records held before they were separated comes first (`gathering`), then combinations of R attributes, since they bring
their parts along. More records take part:

- a short one that lacks a single attribute of the combination becomes the combination with it, and is held by that;
- one that others hold as well, or a copy beyond the first, is taken apart; what of it is not needed is left as it was.

Records are taken apart shortest first, as long as nearly all pairs of attributes stay together. A combination is passed
over where the record would prove something (see `separation`): by itself, or with another record in a group that is
published with k alone. So none is made that holds such a group as a part.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.counting.merge_records import merge
from synth_spark.kernels.deduction.conflicts import held_by_any, prove_nothing
from synth_spark.kernels.deduction.gathering import gather, rows_of
from synth_spark.kernels.deduction.lattice import Lattice, extension, fewest_of_parts
from synth_spark.kernels.numba_cache import compiled

#: Share of the pairs of attributes in grown records, copies counted, that separating and regrouping may lose together.
#: Where separating loses more, regrouping loses none.
_COST = 0.004


class Grown(NamedTuple):
    """Records as they were grown, each of which at least k sensitive ones contain.

    Attributes:
        records: (g, m) codes.
        copies: (g,) of each.
    """

    records: Codes
    copies: Ints


def regroup(lattice: Lattice, records: Codes, copies: Ints, firsts: Ints, grown: Grown) -> tuple[Codes, Ints]:
    """Put spare attributes together to combinations that are published and that no record holds.

    Args:
        lattice: what is published; units of what is withheld are 0.
        records: (n, m) codes of distinct records, 0 = absent.
        copies: (n,) of each.
        firsts: (m,) first attribute of each column.
        grown: what those above are parts of.

    Returns:
        (records, copies): distinct, with as many of each attribute as before.
    """
    lengths = (records > 0).sum(axis=1)
    spare = np.where(_contained(records, *rows_of(records, firsts, len(lattice.column_of))), copies, copies - 1)
    longest, fewest = lattice.attributes.shape[1], min((1 - _COST) * _pairs(*grown), _pairs(records, copies))
    best = _regroup(lattice, records, copies, firsts, grown.records, np.zeros_like(copies))
    for length in range(longest + 1, records.shape[1] + 1):
        if not spare[lengths == length].any():
            continue
        apart = np.where((lengths > longest) & (lengths <= length), spare, 0)
        tried = _regroup(lattice, records, copies, firsts, grown.records, apart)
        if _pairs(*tried) < fewest:
            break
        best = tried
    return best


def _regroup(
    lattice: Lattice, records: Codes, copies: Ints, firsts: Ints, grown: Codes, apart: Ints
) -> tuple[Codes, Ints]:
    """Regroup short records, and so many copies of longer ones as ``apart`` says."""
    places = _places(lattice, records, firsts)
    short, spare = _short(lattice, records, copies, firsts, places)
    free = _attributes(lattice, spare) + _attributes_of(records, apart, firsts, len(lattice.column_of))
    stays = (places < 0) & (copies > apart)
    longer, made = records[stays], np.zeros(len(short), np.int64)
    stay = np.concatenate([longer, _as_records(lattice, np.flatnonzero(short), firsts, records)])
    held = np.append(held_by_any(lattice, stay, firsts, np.arange(len(short) - 1)), True)
    lost = _lost(lattice, held, grown, firsts, free)
    gathered = gather(lattice, lost, grown, firsts, free, held)
    longer = np.concatenate([longer, gathered])
    wanted = _wanted(lattice, held, records, firsts, free + _attributes(lattice, short))
    for length in range(lattice.attributes.shape[1], 1, -1):
        chosen = wanted[lattice.lengths[wanted] == length]
        whole = np.concatenate([longer, _as_records(lattice, np.flatnonzero(short + made), firsts, records)])
        _make(lattice, chosen[~held_by_any(lattice, whole, firsts, chosen)], free, short, made)
    order = np.flatnonzero(apart)[np.argsort(-(records[apart > 0] > 0).sum(axis=1), kind="stable")]
    back, numbers = _give_back(records[order], apart[order], firsts, free)
    for length in range(lattice.attributes.shape[1], 0, -1):
        again = np.flatnonzero(lattice.lengths[:-1] == length)
        most = spare[again] if length > 1 else free[lattice.attributes[again, 0]]
        made[again] += _take(lattice.attributes[again], most, free)
    left = short + made
    there = np.flatnonzero(left)
    together = np.concatenate([longer, back, _as_records(lattice, there, firsts, records)])
    once = np.ones(len(gathered), np.int64)
    return merge(together, np.concatenate([(copies - apart)[stays], once, numbers, left[there]]))


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


def _attributes_of(records: Codes, numbers: Ints, firsts: Ints, attributes: int) -> Ints:
    """(A,) how often each attribute is in so many of each record."""
    row, column = np.nonzero(records * (numbers > 0)[:, None])
    found = np.zeros(attributes, np.int64)
    np.add.at(found, firsts[column] + records[row, column] - 1, numbers[row])
    return found


def _pairs(records: Codes, copies: Ints) -> int:
    """How many pairs of attributes all copies of records hold."""
    lengths = (records > 0).sum(axis=1)
    return int((copies * lengths * (lengths - 1)).sum()) // 2


def _wanted(lattice: Lattice, held: npt.NDArray[np.bool_], like: Codes, firsts: Ints, free: Ints) -> Ints:
    """Places of the combinations of free attributes that no record holds and that may become one, rarest first."""
    places = _missing(lattice, held, free)
    places = places[fewest_of_parts(lattice)[places] > 1]
    clear = prove_nothing(lattice, _as_records(lattice, places, firsts, like), firsts)
    return _rarest_first(lattice, places[clear])


def _lost(lattice: Lattice, held: npt.NDArray[np.bool_], grown: Codes, firsts: Ints, free: Ints) -> Ints:
    """Places of the combinations of free attributes that only grown records hold: long ones first, then rare ones."""
    places = _missing(lattice, held, free)
    lost = _rarest_first(lattice, places[held_by_any(lattice, grown, firsts, places)])
    chosen: Ints = lost[np.argsort(-lattice.lengths[lost], kind="stable")]
    return chosen


def _missing(lattice: Lattice, held: npt.NDArray[np.bool_], free: Ints) -> Ints:
    """Places of the published combinations of free attributes that no record holds."""
    attributes = lattice.attributes[:-1]
    is_free = ((attributes < 0) | (free[attributes] > 0)).all(axis=1)
    return np.flatnonzero(is_free & (lattice.lengths[:-1] > 1) & (lattice.units[:-1] > 0) & ~held[:-1])


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
def _contained(records, starts, rows):
    """(n,) which of distinct records another one holds."""
    contained = np.zeros(len(records), np.bool_)
    smallest = np.full(len(records), len(records) + 1)
    found = np.full(len(records), -1)
    for attribute in range(len(starts) - 1):
        number = starts[attribute + 1] - starts[attribute]
        for row in rows[starts[attribute] : starts[attribute + 1]]:
            if number < smallest[row]:
                smallest[row], found[row] = number, attribute
    for row in range(len(records)):
        if found[row] < 0:
            continue
        for other in rows[starts[found[row]] : starts[found[row] + 1]]:
            if other != row:
                is_part = True
                for column in range(records.shape[1]):
                    if records[row, column] > 0 and records[row, column] != records[other, column]:
                        is_part = False
                        break
                if is_part:
                    contained[row] = True
                    break
    return contained


@compiled
def _give_back(records, numbers, firsts, free):
    """What is free of some records, so many copies of each, as records again; those that come first take first."""
    back, made = np.zeros((len(records) + 64, records.shape[1]), records.dtype), 0
    copies = np.zeros(len(back), np.int64)
    for row in range(len(records)):
        left = numbers[row]
        while left > 0:
            most = 0
            for column in range(records.shape[1]):
                attribute = firsts[column] + records[row, column] - 1
                if records[row, column] > 0 and free[attribute] > 0:
                    most = min(most, free[attribute]) if most > 0 else min(left, free[attribute])
            if most == 0:
                break
            if made == len(back):
                back = np.concatenate((back, np.zeros_like(back)))
                copies = np.concatenate((copies, np.zeros_like(copies)))
            for column in range(records.shape[1]):
                attribute = firsts[column] + records[row, column] - 1
                if records[row, column] > 0 and free[attribute] > 0:
                    back[made, column] = records[row, column]
                    free[attribute] -= most
            copies[made] = most
            left -= most
            made += 1
    return back[:made].copy(), copies[:made].copy()


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
