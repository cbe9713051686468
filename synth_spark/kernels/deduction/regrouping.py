"""Records of single attributes put together to published combinations that no record holds.

Growing leaves records of a single attribute, and so does taking out of records what they would prove. Where the
attributes of a published combination are among them, one record of each becomes one record of the combination: single
counts stay, at least k sensitive records contain it, and a combination is there that readers of the records would
miss. Combinations of R attributes come first, since they bring their parts along.

A combination is passed over where the record would prove something (see `separation`): by itself, or with another
record in a group that is published with k alone. So none is made that holds such a group as a part.
"""

import numpy as np

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.deduction.lattice import Lattice, fewest_of_parts
from synth_spark.kernels.deduction.separation import held_by_any, prove_nothing
from synth_spark.kernels.numba_cache import compiled


def regroup(lattice: Lattice, records: Codes, copies: Ints, firsts: Ints) -> tuple[Codes, Ints]:
    """Put single attributes together to combinations that are published and that no record holds.

    Args:
        lattice: what is published; units of what is withheld are 0.
        records: (n, m) codes of distinct records, 0 = absent.
        copies: (n,) of each.
        firsts: (m,) first attribute of each column.

    Returns:
        (records, copies): with as many of each attribute as before.
    """
    single = np.flatnonzero((records > 0).sum(axis=1) == 1)
    columns = records[single].argmax(axis=1)
    attributes = firsts[columns] + records[single, columns] - 1
    free = np.zeros(len(lattice.column_of), np.int64)
    np.add.at(free, attributes, copies[single])
    made = [np.zeros((0, records.shape[1]), records.dtype)]
    wanted = _wanted(lattice, records, firsts, free)
    for length in range(lattice.attributes.shape[1], 1, -1):
        places = _rarest_first(lattice, wanted[lattice.lengths[wanted] == length], length, free)
        places = places[~held_by_any(lattice, np.concatenate(made), firsts, places)]
        taken = _take(lattice.attributes[places][:, :length].astype(np.int64), free)
        made.append(_as_records(lattice, places[taken], firsts, records))
    left = copies.copy()
    left[single] = free[attributes]
    there = left > 0
    numbers = np.ones(sum(map(len, made)), np.int64)
    return np.concatenate([records[there], *made]), np.concatenate([left[there], numbers])


def _wanted(lattice: Lattice, records: Codes, firsts: Ints, free: Ints) -> Ints:
    """Places of the combinations of free attributes that no record holds and that may become one."""
    attributes = lattice.attributes[:-1]
    is_free = ((attributes < 0) | (free[attributes] > 0)).all(axis=1)
    may = (lattice.lengths[:-1] > 1) & (lattice.units[:-1] > 0) & (fewest_of_parts(lattice)[:-1] > 1)
    places = np.flatnonzero(is_free & may)
    places = places[~held_by_any(lattice, records, firsts, places)]
    wanted: Ints = places[prove_nothing(lattice, _as_records(lattice, places, firsts, records), firsts)]
    return wanted


def _rarest_first(lattice: Lattice, places: Ints, length: int, free: Ints) -> Ints:
    """Combinations of one length whose attributes are still free, those of the rarest ones first."""
    rarest = free[lattice.attributes[places][:, :length]].min(axis=1)
    order = np.argsort(rarest, kind="stable")
    chosen: Ints = places[order][rarest[order] > 0]
    return chosen


def _as_records(lattice: Lattice, places: Ints, firsts: Ints, like: Codes) -> Codes:
    """Combinations as codes of records."""
    codes = np.zeros((len(places), like.shape[1]), like.dtype)
    row, place = np.nonzero(lattice.attributes[places] >= 0)
    attributes = lattice.attributes[places][row, place]
    codes[row, lattice.column_of[attributes]] = attributes - firsts[lattice.column_of[attributes]] + 1
    return codes


@compiled
def _take(attributes, free):
    """Take one of each attribute of as many combinations as there are; which of them it was enough for."""
    taken = np.zeros(len(attributes), np.bool_)
    for row in range(len(attributes)):
        taken[row] = True
        for a in attributes[row]:
            taken[row] &= free[a] > 0
        if taken[row]:
            for a in attributes[row]:
                free[a] -= 1
    return taken
