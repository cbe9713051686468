"""Tables of three columns: which may be measured, which of them are worth it, and their cells for absent values.

Which may be measured follows from the numbers of values alone, which are released. What is worth measuring follows from
noisy scores.
"""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Ints

Floats = npt.NDArray[np.float64]
#: Most cells of a table of three columns that may be measured.
MOST_CELLS = 2_500
#: Tables that are measured, for each column of all.
_A_COLUMN = 10
#: Most triples of columns that are looked at; where there are more, none is: noise on so many scores hides them all.
_MOST_SCORED = 200_000


def candidates(sizes: Sequence[int]) -> Ints:
    """(t, 3) the triples of columns, ascending, whose tables may be measured.

    >>> candidates([2, 3, 1, 400, 4]).tolist()
    [[0, 1, 3], [0, 1, 4]]

    Args:
        sizes: places of the table of each column, absent being one where it has a place; a column of one is left out.
    """
    places = [column for column, size in enumerate(sizes) if size > 1]
    if math.comb(len(places), 3) > _MOST_SCORED:
        return np.zeros((0, 3), np.int64)
    triples: Ints = np.array([*combinations(places, 3)], np.int64).reshape(-1, 3)
    found: Ints = triples[np.array(sizes, float)[triples].prod(axis=1) <= MOST_CELLS]
    return found


def number_measured(scored: int, columns: int) -> int:
    """How many of some triples are measured.

    Args:
        scored: how many may be.
        columns: number of all columns.
    """
    return min(scored, _A_COLUMN * columns)


def worth_measuring(triples: Ints, scores: Ints, sizes: Sequence[int]) -> Ints:
    """The places of those triples that are measured, ascending: of largest noisy score / cells^(2/3).

    Args:
        triples: (t, 3) columns.
        scores: (t,) with noise.
        sizes: see `candidates`.
    """
    cells = np.array(sizes, float)[triples].prod(axis=1)
    order = np.argsort(-scores / cells ** (2 / 3), kind="stable")
    return np.sort(order[: number_measured(len(triples), len(sizes))])


def with_absent(inside: Ints, pairs: tuple[Ints, Ints, Ints]) -> Ints:
    """The table of three columns with place 0 for absent, from the counts of values and the tables of its pairs.

    >>> one = np.array([[5, 2], [1, 3]])
    >>> with_absent(np.array([[[1]]]), (one, one, one)).tolist()
    [[[4, 1], [0, 1]], [[1, 0], [2, 1]]]

    Args:
        inside: (a, b, c) how many records hold three values.
        pairs: (a + 1, b + 1), (a + 1, c + 1) and (b + 1, c + 1) tables of the first two columns, the outer and the last
            two, place 0 being absent.
    """
    first, outer, last = pairs
    a, b, c = inside.shape
    table = np.zeros((a + 1, b + 1, c + 1), np.int64)
    table[1:, 1:, 1:] = inside
    table[1:, 1:, 0] = first[1:, 1:] - inside.sum(axis=2)
    table[1:, 0, 1:] = outer[1:, 1:] - inside.sum(axis=1)
    table[0, 1:, 1:] = last[1:, 1:] - inside.sum(axis=0)
    table[1:, 0, 0] = first[1:, 0] - table[1:, 0, 1:].sum(axis=1)
    table[0, 1:, 0] = first[0, 1:] - table[0, 1:, 1:].sum(axis=1)
    table[0, 0, 1:] = outer[0, 1:] - table[0, 1:, 1:].sum(axis=0)
    table[0, 0, 0] = first[0, 0] - table[0, 0, 1:].sum()
    return table
