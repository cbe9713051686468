"""Cells: one integer for every combination that a domain allows.

A combination is a column tuple and one value in each of its columns. Column tuples are ordered by length, then
lexicographically; inside a tuple the values form a mixed-radix number. Both together give the combination's
*cell*, so a table of counts is a sparse vector over cells: sorted integers beside counts, additive, cheap to
merge, and free of strings.
"""

import itertools
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class CellSpace:
    """The numbering of all combinations of length 1…``max_length`` over columns of the given cardinalities.

    Attributes:
        cards: number of values a column, absent not counted; each ≥ 0.
        max_length: longest combination R, 1 ≤ R ≤ number of columns.

    >>> space = CellSpace(cards=(2, 3), max_length=2)
    >>> space.tuples
    [(0,), (1,), (0, 1)]
    >>> space.size              # 2 + 3 single attributes, 6 pairs
    11
    """

    cards: tuple[int, ...]
    max_length: int

    @cached_property
    def tuples(self) -> list[tuple[int, ...]]:
        """Column tuples in the order of their cells."""
        columns = range(len(self.cards))
        return [t for length in range(1, self.max_length + 1) for t in itertools.combinations(columns, length)]

    @cached_property
    def first_tuple(self) -> Ints:
        """(R + 2,) index of the first tuple of each length; entry 0 unused, last entry = number of tuples."""
        per_length = [math.comb(len(self.cards), length) for length in range(1, self.max_length + 1)]
        return np.concatenate([[0, 0], np.cumsum(per_length)]).astype(np.int64)

    @cached_property
    def bases(self) -> Ints:
        """(T + 1,) first cell of each tuple; last entry = number of cells."""
        cards = np.array(self.cards, np.int64)
        sizes = [np.prod(cards[self.columns_of(length)], axis=1) for length in range(1, self.max_length + 1)]
        return np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64)

    @property
    def size(self) -> int:
        """Number of cells."""
        return int(self.bases[-1])

    def columns_of(self, length: int) -> Ints:
        """(T_l, l) the columns of each tuple of one length."""
        tuples = list(itertools.combinations(range(len(self.cards)), length))
        return np.array(tuples, np.int64).reshape(-1, length)

    def length_bounds(self) -> Ints:
        """(R + 1,) cell at which each length begins, and the end."""
        return self.bases[self.first_tuple[1:]]

    def decode(self, cells: Ints, length: int) -> tuple[Ints, Ints]:
        """The combinations behind cells of one length.

        Returns:
            (columns, codes): two (n, length) arrays; codes start at 1.
        """
        index = np.searchsorted(self.bases, cells, side="right") - 1
        columns = self.columns_of(length)[index - self.first_tuple[length]]
        rest = cells - self.bases[index]
        cards = np.array(self.cards, np.int64)
        codes = np.empty_like(columns)
        for position in range(length - 1, -1, -1):
            card = cards[columns[:, position]]
            codes[:, position] = rest % card + 1
            rest = rest // card
        return columns, codes


def add_counts(cells: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Sum the counts of equal cells.

    >>> add_counts(np.array([5, 2, 5]), np.array([1, 1, 4]))
    (array([2, 5]), array([1, 5]))
    """
    if cells.size == 0:
        return cells, counts
    order = np.argsort(cells, kind="stable")
    cells, counts = cells[order], counts[order]
    starts = np.flatnonzero(np.concatenate([[True], cells[1:] != cells[:-1]]))
    return cells[starts], np.add.reduceat(counts, starts)
