"""Published counts as a lattice: every combination knows those that hold one attribute more."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import CellSpace, Ints, starts_of
from synth_spark.kernels.numba_cache import compiled

Places = npt.NDArray[np.int32]


class Lattice(NamedTuple):
    """N combinations and, at place N, the empty one, which all records hold.

    Attributes:
        attributes: (N + 1, R) attributes of each combination, ascending; −1 behind the last.
        lengths: (N + 1,) how many they are.
        units: (N + 1,) published count of each in multiples of k; may become 0.
        starts: (N + 2,) where each combination's extensions begin in ``added`` and ``extended``.
        added: the one attribute more of each extension, ascending for each combination.
        extended: the place of each extension.
        column_of: (A,) column of each attribute; records have one value a column.
    """

    attributes: Places
    lengths: Places
    units: Ints
    starts: Ints
    added: Places
    extended: Ints
    column_of: Places


def lattice_of(space: CellSpace, cells: Ints, units: Ints, records: int) -> Lattice:
    """Lay out published combinations.

    Args:
        space: the numbering of combinations.
        cells: (N,) ascending cells; with a combination all parts of it are there.
        units: (N,) their published counts in multiples of k.
        records: published number of records in multiples of k.
    """
    number, bounds = len(cells), np.searchsorted(cells, space.length_bounds())
    firsts = starts_of(np.array(space.cards, np.int64))
    attributes = np.full((number + 1, space.max_length), -1, np.int32)
    lengths = np.zeros(number + 1, np.int32)
    parents: list[Ints] = []
    added: list[Places] = []
    extended: list[Ints] = []
    for length in range(1, space.max_length + 1):
        part = slice(bounds[length - 1], bounds[length])
        columns, codes = space.decode(cells[part], length)
        attributes[part, :length], lengths[part] = firsts[columns] + codes - 1, length
        for place in range(length):
            others = [other for other in range(length) if other != place]
            short = space.encode(columns[:, others], codes[:, others]) if others else None
            parents.append(np.full(len(columns), number) if short is None else np.searchsorted(cells, short))
            added.append(attributes[part, place])
            extended.append(np.arange(part.start, part.stop))
    parent, add = np.concatenate(parents), np.concatenate(added)
    order = np.lexsort((add, parent))
    starts = np.searchsorted(parent[order], np.arange(number + 2))
    column_of = np.repeat(np.arange(len(space.cards), dtype=np.int32), space.cards)
    counts = np.append(units, records).astype(np.int64)
    return Lattice(attributes, lengths, counts, starts, add[order], np.concatenate(extended)[order], column_of)


def fewest_of_parts(lattice: Lattice) -> Ints:
    """(N + 1,) the least units of the parts of each combination that lack one attribute; of the empty one the most."""
    parents = np.repeat(np.arange(len(lattice.units)), np.diff(lattice.starts))
    fewest = np.full(len(lattice.units), np.iinfo(np.int64).max)
    np.minimum.at(fewest, lattice.extended, lattice.units[parents])
    return fewest


@compiled
def extension(lattice, node, attribute):
    """The place of a combination with one attribute more; −1 where that is not published."""
    low, end = lattice.starts[node], lattice.starts[node + 1]
    high = end
    while low < high:
        middle = (low + high) // 2
        if lattice.added[middle] < attribute:
            low = middle + 1
        else:
            high = middle
    return lattice.extended[low] if low < end and lattice.added[low] == attribute else -1


@compiled
def falling(values):
    """Places of numbers from the largest to the smallest, equal ones in their order; compiled once for all who sort."""
    return np.argsort(-values, kind="mergesort")


@compiled
def next_choice(chosen, number):
    """The next choice of ascending places below ``number``, in place; whether there is one."""
    size = len(chosen)
    for i in range(size - 1, -1, -1):
        if chosen[i] < number - size + i:
            chosen[i] += 1
            for j in range(i + 1, size):
                chosen[j] = chosen[j - 1] + 1
            return True
    return False


@compiled
def supersets(lattice, node, depth, least):
    """Combinations that hold a given one and up to ``depth`` attributes more, of at least so many units.

    Returns:
        (places, alone, more): (n,) their places, (n,) those of the attributes more by themselves, and (n, depth) these
        attributes, ascending, −1 behind the last.
    """
    number, begin, end = 0, -1, 0
    rows = np.full((64, 2 + depth), -1)
    for level in range(depth):
        for parent in range(begin, end):
            at, short, last = node, len(lattice.units) - 1, -1
            if parent >= 0:
                at, short, last = rows[parent, 0], rows[parent, 1], rows[parent, 1 + level]
            for i in range(lattice.starts[at], lattice.starts[at + 1]):
                if lattice.added[i] <= last or lattice.units[lattice.extended[i]] < least:
                    continue
                if number == len(rows):
                    longer = np.full((2 * number, 2 + depth), -1)
                    longer[:number] = rows
                    rows = longer
                if parent >= 0:
                    rows[number] = rows[parent]
                rows[number, 0] = lattice.extended[i]
                rows[number, 1] = extension(lattice, short, lattice.added[i])
                rows[number, 2 + level] = lattice.added[i]
                number += 1
        begin, end = (0 if level == 0 else end), number
    return rows[:number, 0].copy(), rows[:number, 1].copy(), rows[:number, 2:].copy()
