"""Unique and rare combinations of every record, and what classical suppression blanks, against listing them all."""

import numpy as np
from brute_force import combinations_of, counts_of
from hypothesis import given
from hypothesis import strategies as st
from random_tables import Table, coded_tables, few, random_table

from synth_spark.kernels.cells import CellSpace
from synth_spark.kernels.counting.by_column_tuple import walk_tuples
from synth_spark.kernels.risk.local_suppression import suppress_cells
from synth_spark.kernels.risk.rarity import judge


@few
@given(coded_tables(), st.integers(1, 4), st.integers(2, 6))
def test_records_are_judged_by_their_rarest_combinations(table: Table, length: int, k: int) -> None:
    length = min(length, len(table.cards))
    space = CellSpace(table.cards, length)
    cells, counts = walk_tuples(space, table.codes, table.weights)
    twice = counts >= 2
    found = judge(space, table.codes, cells[twice], counts[twice] >= k)
    exact = counts_of(table.rows, table.weights.tolist(), length)
    for at, row in enumerate(table.rows):
        held = combinations_of(row, length)
        for rarer, flags, columns in ((k, found.rare, found.in_rare), (2, found.unique, found.in_unique)):
            few_ = [c for c in held if exact[c] < rarer]
            assert flags[at].tolist() == [any(len(c) == size for c in few_) for size in range(1, length + 1)]
            inside = {column for c in few_ for column, _ in c}
            assert columns[at].tolist() == [column in inside for column in range(len(table.cards))]


@few
@given(coded_tables(), st.integers(1, 4), st.integers(2, 6), st.randoms(use_true_random=False))
def test_suppression_keeps_what_is_common_with_all_that_was_kept(table, length, k, random) -> None:
    length = min(length, len(table.cards))
    space = CellSpace(table.cards, length)
    cells, counts = walk_tuples(space, table.codes, table.weights)
    order = list(range(len(table.cards)))
    random.shuffle(order)
    redacted = suppress_cells(space, table.codes, cells[counts >= k], np.array(order))
    exact = counts_of(table.rows, table.weights.tolist(), length)
    for row, left in zip(table.rows, redacted.tolist(), strict=True):
        kept = [0] * len(row)
        for column in order:
            if row[column]:
                tried = [*kept[:column], row[column], *kept[column + 1 :]]
                if all(exact[c] >= k for c in combinations_of(tried, length)):
                    kept = tried
        assert left == kept


def test_domains_too_large_for_a_vector_are_judged_alike() -> None:
    """A pair of columns with more cells than the dense vector has; most combinations are unique."""
    table = random_table(5, 300, (6, 5))
    wide = CellSpace((3_000, 3_000), 2)
    cells, counts = walk_tuples(wide, table.codes, table.weights)
    twice = counts >= 2
    found = judge(wide, table.codes, cells[twice], counts[twice] >= 9)
    small = CellSpace(table.cards, 2)
    cells, counts = walk_tuples(small, table.codes, table.weights)
    twice = counts >= 2
    expected = judge(small, table.codes, cells[twice], counts[twice] >= 9)
    for name in ("rare", "unique", "in_rare", "in_unique"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
