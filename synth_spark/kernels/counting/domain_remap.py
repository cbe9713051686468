"""Codes and cells of one domain as those of a later one, to which values were added and whose order may have changed.

Codes follow protected counts, so more records can swap two values, and a value that is new moves those behind it. What
was counted is still true: every old code has one new code, and every cell one new cell.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from synth_spark.kernels.cell_translation import Translation
from synth_spark.kernels.cells import CellSpace, Codes, Ints, starts_of


@dataclass(frozen=True)
class Renumbering:
    """Where the attributes of a domain are in a later one.

    Attributes:
        old: (m,) cardinalities of the old columns.
        new: (w,) cardinalities of the new columns, w ≥ m.
        columns: (m,) new column of each old one, strictly ascending.
        codes: (attributes,) new code of each old attribute, column after column; ≥ 1 and different within a column.
    """

    old: tuple[int, ...]
    new: tuple[int, ...]
    columns: Ints
    codes: Ints

    @property
    def renumbers(self) -> bool:
        """Whether any code or column is another one now, or there are more columns."""
        starts = starts_of(np.array(self.old, np.int64))
        own = np.arange(starts[-1]) - np.repeat(starts[:-1], np.diff(starts)) + 1
        return len(self.old) != len(self.new) or not np.array_equal(self.codes, own)

    def records(self, codes: Codes) -> Codes:
        """(n, m) old codes → (n, w) new codes; 0 stays 0, and columns that are new are 0."""
        if not self.renumbers:
            return codes
        moved = np.zeros((len(codes), len(self.new)), np.uint16)
        moved[:, self.columns] = codes
        starts = starts_of(np.array(self.old, np.int64))
        for column, (low, high) in enumerate(pairwise(starts)):
            order = np.concatenate([[0], self.codes[low:high]]).astype(np.uint16)
            if not np.array_equal(order, np.arange(len(order))):  # few columns are in another order now
                moved[:, self.columns[column]] = order[codes[:, column]]
        return moved

    def cells(self, cells: Ints, longest: int) -> Ints:
        """(n,) ascending old cells → (n,) new cells of the same combinations, in the order of the old ones.

        Args:
            cells: of `CellSpace` over the old cardinalities.
            longest: longest combination of both numberings.
        """
        before, after = CellSpace(self.old, longest), CellSpace(self.new, longest)
        return Translation(before, after, np.repeat(self.columns, self.old), self.codes).cells(cells)[0]
