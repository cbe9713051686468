"""What the counts of pairs tell of two tables: how strongly columns hang together, and how each subgroup fares.

A pair of columns is a contingency table in which *absent* is one of the values: a flag is present or absent, and
whether two flags are absent together is an association, too. Its cells with an absent value follow from the counts of
single attributes and the number of records.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import CellSpace, Ints, starts_of
from synth_spark.kernels.numba_cache import compiled

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Singles:
    """What a table holds of single attributes.

    Attributes:
        counts: (Σ cards,) count of every attribute, column after column.
        records: number of records.
    """

    counts: Ints
    records: int


def compare_pairs(
    space: CellSpace, cells: Ints, source: Ints, target: Ints, of_source: Singles, of_target: Singles
) -> tuple[Ints, Floats, Floats, Floats]:
    """Compare the pairs of columns that any of some cells of length 2 belongs to.

    Args:
        space: the numbering of combinations; R ≥ 2.
        cells: (n,) ascending cells of length 2, all of a pair of columns or none of them.
        source: (n,) counts.
        target: (n,) counts.
        of_source: single counts of the source.
        of_target: those of the target.

    Returns:
        (columns, before, after, gaps): (p, 2) the pairs of columns; (p,) Cramér's V (Cramér 1946; without correction,
        0 where a column has one value) in source and target; and for every attribute the sum, over the pairs that its
        column is in, of the total variation distance between the other column's distribution among its records in
        source and target: 1 where the target has no such record, 0 where the source has none.
    """
    attributes = int(np.sum(space.cards))
    columns, keys = space.locate(cells, 2)
    first = np.flatnonzero(np.diff(cells - keys, prepend=-1))
    before, after = np.zeros(len(first)), np.zeros(len(first))
    gaps = np.zeros(attributes)
    _compare(
        columns[first],
        np.append(first, len(cells)),
        keys,
        np.ascontiguousarray(source, np.int64),
        np.ascontiguousarray(target, np.int64),
        np.array(space.cards, np.int64),
        starts_of(np.array(space.cards, np.int64)),
        of_source.counts,
        of_source.records,
        of_target.counts,
        of_target.records,
        before,
        after,
        gaps,
    )
    return columns[first], before, after, gaps


@compiled
def association(keys, counts, card, rows, columns, records):
    """Cramér's V of one contingency table, of which the cells of two present values are given.

    χ²/n + 1 is the sum over all cells of n_ij² / (n_i n_j); an absent value's counts are what is left of the others'.
    """
    row_left, column_left = rows.copy(), columns.copy()
    no_row = max(0, records - rows.sum())
    no_column = max(0, records - columns.sum())
    sum_, both = 0.0, 0
    for at in range(keys.size):
        count = counts[at]
        if count > 0:
            row, column = keys[at] // card, keys[at] % card
            row_left[row] -= count
            column_left[column] -= count
            both += count
            sum_ += float(count) * count / (float(rows[row]) * columns[column])
    categories, others = 0, 0
    for row in range(rows.size):
        if rows[row] > 0:
            categories += 1
            if no_column > 0:
                left = max(0, row_left[row])
                sum_ += float(left) * left / (float(rows[row]) * no_column)
    for column in range(columns.size):
        if columns[column] > 0:
            others += 1
            if no_row > 0:
                left = max(0, column_left[column])
                sum_ += float(left) * left / (float(columns[column]) * no_row)
    if no_row > 0 and no_column > 0:
        left = max(0, no_row - columns.sum() + both)
        sum_ += float(left) * left / (float(no_row) * no_column)
    categories += no_row > 0
    others += no_column > 0
    smaller = min(categories, others) - 1
    return np.sqrt(min(1.0, max(0.0, (sum_ - 1) / smaller))) if smaller > 0 else 0.0


@compiled
def _compare(pairs, bounds, keys, source, target, cards, starts, singles_1, n_1, singles_2, n_2, before, after, gaps):
    """Pair by pair; see `compare_pairs`."""
    for pair in range(pairs.shape[0]):
        left, right = pairs[pair, 0], pairs[pair, 1]
        low, high = bounds[pair], bounds[pair + 1]
        rows, columns = slice(starts[left], starts[left + 1]), slice(starts[right], starts[right + 1])
        part, card = keys[low:high], cards[right]
        before[pair] = association(part, source[low:high], card, singles_1[rows], singles_1[columns], n_1)
        after[pair] = association(part, target[low:high], card, singles_2[rows], singles_2[columns], n_2)
        # the sum of |s / s_v - t / t_v| over the other column's present values; then what is left: the absent
        gap = np.zeros(cards[left] + cards[right])
        rest_1, rest_2 = np.zeros(gap.size), np.zeros(gap.size)
        for at in range(low, high):
            for side in range(2):
                place = keys[at] // card if side == 0 else cards[left] + keys[at] % card
                attribute = starts[left] + place if side == 0 else starts[right] + place - cards[left]
                if singles_1[attribute] > 0 and singles_2[attribute] > 0:
                    share_1, share_2 = source[at] / singles_1[attribute], target[at] / singles_2[attribute]
                    gap[place] += abs(share_1 - share_2)
                    rest_1[place] += share_1
                    rest_2[place] += share_2
        for place in range(gap.size):
            attribute = starts[left] + place if place < cards[left] else starts[right] + place - cards[left]
            if singles_1[attribute] > 0:
                distance = 0.5 * (gap[place] + abs(rest_1[place] - rest_2[place])) if singles_2[attribute] > 0 else 1.0
                gaps[attribute] += distance
