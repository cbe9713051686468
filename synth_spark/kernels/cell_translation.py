"""The same combinations in another numbering: that of a domain with other values, or values in another order."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import CellSpace, Ints, starts_of


class Translation(NamedTuple):
    """Where the attributes of one numbering are in another.

    Attributes:
        old: cells that are translated.
        new: cells of the other numbering, with the same longest combination, or of fewer columns than that.
        columns: (attributes,) new column of each old attribute, column after column; −1 where there is none.
        codes: (attributes,) its new code, ≥ 1.
    """

    old: CellSpace
    new: CellSpace
    columns: Ints
    codes: Ints

    def cells(self, cells: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Translate combinations.

        Args:
            cells: (n,) ascending cells of the old numbering.

        Returns:
            (cells, known): (n,) cells of the new numbering in the order of the old ones, and which have one.

        >>> old, new = CellSpace((2,), 1), CellSpace((1, 1), 1)
        >>> Translation(old, new, np.array([1, -1]), np.array([1, 0])).cells(np.array([0, 1]))
        (array([1, 0]), array([ True, False]))
        """
        starts = starts_of(np.array(self.old.cards, np.int64))
        cuts = np.searchsorted(cells, self.old.length_bounds())
        moved, known = np.zeros(len(cells), np.int64), np.zeros(len(cells), np.bool_)
        for length, (low, high) in enumerate(pairwise(cuts), 1):
            if high > low:
                columns, codes = self.old.decode(cells[low:high], length)
                attributes = starts[columns] + codes - 1
                here = (self.columns[attributes] >= 0).all(axis=1)
                known[low:high] = here
                if here.any():  # none of these lengths, where the other numbering has fewer columns
                    moved[low:high][here] = self.combinations(attributes[here])
        return moved, known

    def combinations(self, attributes: Ints) -> Ints:
        """(n,) new cells of combinations given as (n, length) old attributes that all have a place, in any order."""
        columns, codes = self.columns[attributes], self.codes[attributes]
        order = np.argsort(columns, axis=1)
        return self.new.encode(np.take_along_axis(columns, order, 1), np.take_along_axis(codes, order, 1))


def with_parts(space: CellSpace, cells: Ints) -> Ints:
    """Ascending cells, and those of all parts of their combinations."""
    found = np.unique(cells)
    for length in range(space.max_length, 1, -1):
        low, high = np.searchsorted(found, space.length_bounds()[length - 1 : length + 1])
        columns, codes = space.decode(found[low:high], length)
        parts = [
            space.encode(np.delete(columns, place, axis=1), np.delete(codes, place, axis=1)) for place in range(length)
        ]
        found = np.unique(np.concatenate([found, *parts]))
    return found
