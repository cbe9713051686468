"""Combinations that records held before attributes were taken out of them, put together anew of spare attributes.

What is put together is a part of a record as it was grown, so at least k sensitive records contain it, whatever its
length. It is made around one lost combination: of a record that held it, that attribute is added which brings most
back that nobody holds any more, then the next. A combination of single attributes brings itself back alone.
"""

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.deduction.conflicts import find_conflicts, holds, indices
from synth_spark.kernels.deduction.lattice import Lattice, extension, next_choice
from synth_spark.kernels.deduction.separation import PAIR
from synth_spark.kernels.numba_cache import compiled


def gather(
    lattice: Lattice, wanted: Ints, grown: Codes, firsts: Ints, free: Ints, held: npt.NDArray[np.bool_]
) -> Codes:
    """Put lost combinations together, one after the other.

    Args:
        lattice: what is published; units of what is withheld are 0.
        wanted: (w,) places of combinations that nobody holds any more; those that come first are made first.
        grown: (g, m) codes of the records as they were grown.
        firsts: (m,) first attribute of each column.
        free: (A,) how often each attribute is there to be used; what is used is taken off.
        held: (N + 1,) which combinations somebody holds; those that are brought back are entered.

    Returns:
        (r, m) codes of the records that were made, one copy of each.
    """
    withheld, tight, groups = indices(lattice)
    smallest = np.zeros(len(lattice.units), np.bool_)
    smallest[groups.places] = True
    starts, rows = rows_of(grown, firsts, len(free))
    made: Codes = _gather(lattice, wanted, grown, firsts, free, held, (withheld, tight, smallest, starts, rows))
    return made


def rows_of(records: Codes, firsts: Ints, attributes: int) -> tuple[Ints, Ints]:
    """Which of (n, m) records hold each attribute: (A + 1,) where those of each begin, and the records."""
    row, column = np.nonzero(records)
    attribute = firsts[column] + records[row, column] - 1
    order = np.argsort(attribute, kind="stable")
    return np.searchsorted(attribute[order], np.arange(attributes + 1)), row[order]


@compiled
def _gather(lattice, wanted, grown, firsts, free, held, known):
    withheld, tight, smallest, starts, rows = known
    columns = grown.shape[1]
    made, number = np.zeros((len(wanted), columns), grown.dtype), 0
    best, members = np.empty(columns, np.int64), np.empty(columns, np.int64)
    for place in wanted:
        length, score, most = lattice.lengths[place], 0.0, 0
        core = lattice.attributes[place, :length]
        if held[place] or not np.all(free[core] > 0):
            continue
        rarest = core[np.argmin(starts[core + 1] - starts[core])]
        for row in rows[starts[rarest] : starts[rarest + 1]]:
            if not holds(lattice, grown[row], firsts, place):
                continue
            members[:length] = core
            gained, size = _grow(lattice, grown[row], firsts, free, held, members, length, withheld, tight, smallest)
            if gained > score * size:
                score, most = gained / size, size
                best[:size] = members[:size]
        for i in range(most):
            _gained(lattice, best, i, best[i], held, smallest, True)
            made[number, lattice.column_of[best[i]]] = best[i] - firsts[lattice.column_of[best[i]]] + 1
            free[best[i]] -= 1
        number += most > 0
    return made[:number].copy()


@compiled
def _grow(lattice, record, firsts, free, held, members, length, withheld, tight, smallest):
    """Add attributes of a record to the first ``length`` members, in place: what they bring back, and their number."""
    scratch, conflicts = np.empty(len(record), np.int64), np.empty(len(record), np.int64)
    codes, gained = np.zeros(len(record), record.dtype), 0
    for i in range(length):
        more = _gained(lattice, members, i, members[i], held, smallest, False)
        if more < 0:
            return 0, length
        gained += more
        codes[lattice.column_of[members[i]]] = members[i] - firsts[lattice.column_of[members[i]]] + 1
    if find_conflicts(lattice, codes, firsts, withheld, tight, scratch, conflicts):
        return 0, length
    may = (record > 0) & (codes == 0)
    while True:
        most, best = 0, -1
        for column in range(len(may)):
            if not may[column]:
                continue
            attribute = firsts[column] + record[column] - 1
            more = -1
            if free[attribute] > 0:
                more = _gained(lattice, members, length, attribute, held, smallest, False)
            may[column] = more >= 0
            if more > most:
                most, best = more, column
        if best < 0:
            return gained, length
        codes[best], may[best] = record[best], False
        if find_conflicts(lattice, codes, firsts, withheld, tight, scratch, conflicts):
            codes[best] = 0
            continue
        members[length] = firsts[best] + record[best] - 1
        gained, length = gained + most, length + 1


@compiled
def _gained(lattice, members, number, attribute, held, smallest, enter):
    """What an attribute brings back with some of the first ``number`` members: triples, and pairs for more.

    Returns:
        −1 where something is not published, or is a group of k that somebody else holds; with ``enter`` all is held
        afterwards.
    """
    gained, root = 0, len(lattice.units) - 1
    for size in range(min(lattice.attributes.shape[1], number + 1)):
        chosen = np.arange(size)
        while True:
            at = extension(lattice, root, attribute)
            for i in chosen:
                at = extension(lattice, at, members[i]) if at >= 0 else -1
            if at < 0 or lattice.units[at] == 0 or (held[at] and smallest[at] and not enter):
                return -1
            if not held[at]:
                gained += PAIR if size == 1 else 1
            if enter:
                held[at] = True
            if not next_choice(chosen, number):
                break
    return gained
