"""Cells: one integer for every combination that a domain allows.

A combination is a column tuple and one value in each of its columns. Column tuples are ordered by length, then
lexicographically; inside a tuple the values form a mixed-radix number. Both together give the combination's
*cell*, so a table of counts is a sparse vector over cells: sorted integers beside counts, additive, cheap to
merge, and free of strings.
"""

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
    >>> space.size              # 2 + 3 single attributes, 6 pairs
    11
    >>> space.decode(np.array([5, 10]), 2)[1]   # the first and the last pair
    array([[1, 1],
           [2, 3]])
    """

    cards: tuple[int, ...]
    max_length: int

    @cached_property
    def first_tuple(self) -> Ints:
        """(R + 2,) index of the first tuple of each length; entry 0 unused, last entry = number of tuples."""
        per_length = [math.comb(len(self.cards), length) for length in range(1, self.max_length + 1)]
        return np.concatenate([[0, 0], np.cumsum(per_length)]).astype(np.int64)

    @cached_property
    def within(self) -> Ints:
        """(R + 1, m + 1) number of combinations of l of the columns c, c + 1, …, at [l, c].

        These elementary symmetric polynomials number all combinations without a list of the column tuples: there are
        Π cards of (c₁ … cᵢ) × (within[l − i, cᵢ + 1] − within[l − i, c]) combinations of length l between the first one
        that begins with columns c₁ … cᵢ and the first one that begins with c₁ … cᵢ, c.
        """
        m = len(self.cards)
        cards = np.array(self.cards, np.int64)
        within = np.zeros((self.max_length + 1, m + 1), np.int64)
        within[0] = 1
        for length in range(1, self.max_length + 1):
            within[length, :m] = np.cumsum((cards * within[length - 1, 1:])[::-1])[::-1]
        return within

    @property
    def size(self) -> int:
        """Number of cells."""
        return int(self.within[1:, 0].sum())

    def length_bounds(self) -> Ints:
        """(R + 1,) cell at which each length begins, and the end."""
        return np.concatenate([[0], np.cumsum(self.within[1:, 0])])

    def first_cells(self, columns: Ints) -> Ints:
        """(n,) first cell of each of n column tuples of one length, given as (n, length) ascending columns."""
        cards = np.array(self.cards, np.int64)
        n, length = columns.shape
        cells, inside = np.full(n, self.length_bounds()[length - 1]), np.ones(n, np.int64)
        after = np.zeros(n, np.int64)
        for position in range(length):
            column, within = columns[:, position], self.within[length - position]
            cells += inside * (within[after] - within[column])
            inside *= cards[column]
            after = column + 1
        return cells

    def locate(self, cells: Ints, length: int) -> tuple[Ints, Ints]:
        """The column tuples behind cells of one length.

        Returns:
            (columns, keys): (n, length) columns; (n,) places inside the column tuple, 0 for its first cell.
        """
        cards = np.array(self.cards, np.int64)
        columns = np.empty((len(cells), length), np.int64)
        rest, inside = cells - self.length_bounds()[length - 1], np.ones(len(cells), np.int64)
        after = np.zeros(len(cells), np.int64)
        for position in range(length):
            before = self.within[length - position, 0] - self.within[length - position]
            column = np.searchsorted(before, before[after] + rest // inside, side="right") - 1
            rest = rest - inside * (before[column] - before[after])
            inside = inside * cards[column]
            columns[:, position], after = column, column + 1
        return columns, rest

    def decode(self, cells: Ints, length: int) -> tuple[Ints, Ints]:
        """The combinations behind cells of one length.

        Returns:
            (columns, codes): two (n, length) arrays; codes start at 1.
        """
        columns, rest = self.locate(cells, length)
        cards = np.array(self.cards, np.int64)
        codes = np.empty_like(columns)
        for position in range(length - 1, -1, -1):
            card = cards[columns[:, position]]
            codes[:, position] = rest % card + 1
            rest = rest // card
        return columns, codes

    def encode(self, columns: Ints, codes: Ints) -> Ints:
        """(n,) cells of n combinations of one length, given as (n, length) ascending columns and their codes.

        >>> space = CellSpace(cards=(2, 3), max_length=2)
        >>> space.encode(*space.decode(np.array([5, 10]), 2))
        array([ 5, 10])
        """
        cards = np.array(self.cards, np.int64)
        keys = np.zeros(len(columns), np.int64)
        for position in range(columns.shape[1]):
            keys = keys * cards[columns[:, position]] + codes[:, position] - 1
        return self.first_cells(columns) + keys


def starts_of(cards: Ints) -> Ints:
    """(m + 1,) first attribute of each column, where attributes are numbered column after column; and their number.

    >>> starts_of(np.array([2, 0, 3]))
    array([0, 2, 2, 5])
    """
    return np.concatenate([[0], np.cumsum(cards)]).astype(np.int64)


def add_counts(cells: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Sum the counts of equal cells.

    >>> add_counts(np.array([5, 2, 5]), np.array([1, 1, 4]))
    (array([2, 5]), array([1, 5]))
    """
    if cells.size == 0:
        return cells, counts
    order = np.argsort(cells)
    cells, counts = cells[order], counts[order]
    starts = np.flatnonzero(np.concatenate([[True], cells[1:] != cells[:-1]]))
    return cells[starts], np.add.reduceat(counts, starts)
