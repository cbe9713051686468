"""Which records hold a combination that is too rare: who could be linked to a person."""

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import CellSpace, Codes, Ints, starts_of
from synth_spark.kernels.numba_cache import compiled


def rare_records(space: CellSpace, codes: Codes, weights: Ints, common: Ints) -> tuple[npt.NDArray[np.bool_], Ints]:
    """Look for rare combinations in every record.

    Args:
        space: the numbering of combinations of length 1…R.
        codes: (n, m) codes, 0 = absent; every combination of theirs occurs.
        weights: (n,) multiplicities.
        common: cells of the combinations that are not rare, ascending.

    Returns:
        (linked, attributes): (n, R) whether a record holds a rare combination of each length; and for each attribute of
        the domain, column after column, the summed weights of the records in which a rare combination contains it.
    """
    cards = np.array(space.cards, np.int64)
    linked = np.zeros((len(codes), space.max_length), np.bool_)
    touched = np.zeros(codes.shape, np.bool_)
    bounds, within = space.length_bounds(), space.within
    for length in range(1, space.max_length + 1):
        low, high = np.searchsorted(common, bounds[length - 1 : length + 1])
        part = np.ascontiguousarray(common[low:high])
        _mark(codes, cards, within, int(bounds[length - 1]), length, part, linked[:, length - 1], touched)
    rows, columns = np.nonzero(touched)
    places = starts_of(cards)[columns] + codes[rows, columns] - 1
    return linked, np.bincount(places, weights[rows], int(cards.sum())).astype(np.int64)


@compiled
def _mark(codes, cards, within, first, length, common, linked, touched):
    """Walk through the combinations of one length of every record, in the order of cells."""
    m = codes.shape[1]
    held = np.empty(m, np.int64)
    chosen = np.empty(length, np.int64)
    for row in range(codes.shape[0]):
        filled = 0
        for column in range(m):
            if codes[row, column] != 0:
                held[filled] = column
                filled += 1
        if filled < length:
            continue
        for position in range(length):
            chosen[position] = position
        while True:
            cell, inside, after, key = first, 1, 0, 0
            for position in range(length):
                column = held[chosen[position]]
                cell += inside * (within[length - position, after] - within[length - position, column])
                inside *= cards[column]
                key = key * cards[column] + codes[row, column] - 1
                after = column + 1
            cell += key
            low, high = 0, common.size
            while low < high:
                middle = (low + high) // 2
                if common[middle] < cell:
                    low = middle + 1
                else:
                    high = middle
            if low == common.size or common[low] != cell:
                linked[row] = True
                for position in range(length):
                    touched[row, held[chosen[position]]] = True
            last = length - 1
            while last >= 0 and chosen[last] == filled - length + last:
                last -= 1
            if last < 0:
                break
            chosen[last] += 1
            for position in range(last + 1, length):
                chosen[position] = chosen[position - 1] + 1
