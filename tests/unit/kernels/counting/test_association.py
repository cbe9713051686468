"""Associations and subgroups from counts of pairs, against contingency tables written out."""

import itertools

import numpy as np
import pytest
from brute_force import cramers_v, subgroup_gap
from hypothesis import given
from hypothesis import strategies as st
from random_tables import Table, coded_tables, few

from synth_spark.kernels.cells import CellSpace, starts_of
from synth_spark.kernels.counting.association import Singles, compare_pairs
from synth_spark.kernels.counting.by_column_tuple import walk_tuples
from synth_spark.kernels.counting.count_differences import align


def copies(table: Table) -> list[tuple[int, ...]]:
    """Every record as often as it weighs."""
    return [row for row, weight in zip(table.rows, table.weights.tolist(), strict=True) for _ in range(weight)]


def singles_of(table: Table) -> Singles:
    starts = starts_of(np.array(table.cards, np.int64))
    counts = np.zeros(starts[-1], np.int64)
    for row in copies(table):
        for column, code in enumerate(row):
            if code:
                counts[starts[column] + code - 1] += 1
    return Singles(counts, len(copies(table)))


@few
@given(coded_tables(most_columns=4), st.data())
def test_pairs_are_compared_as_contingency_tables(source: Table, data: st.DataObject) -> None:
    rows = st.lists(st.tuples(*(st.integers(0, card) for card in source.cards)), max_size=30)
    codes = np.array(data.draw(rows), np.uint16).reshape(-1, len(source.cards))
    target = Table(codes, np.ones(len(codes), np.int64), source.cards)
    space = CellSpace(source.cards, min(2, len(source.cards)))
    if space.max_length < 2:
        return
    cells, s, t = align(
        *walk_tuples(space, source.codes, source.weights), *walk_tuples(space, target.codes, target.weights)
    )
    pairs = cells >= space.length_bounds()[1]
    columns, before, after, gaps = compare_pairs(
        space, cells[pairs], s[pairs], t[pairs], singles_of(source), singles_of(target)
    )
    old, new = copies(source), copies(target)
    starts = starts_of(np.array(source.cards, np.int64))
    expected = np.zeros(starts[-1])
    for (left, right), one, two in zip(columns.tolist(), before, after, strict=True):
        assert one == pytest.approx(cramers_v(old, left, right), abs=1e-9)
        assert two == pytest.approx(cramers_v(new, left, right), abs=1e-9)
        for column, other in ((left, right), (right, left)):
            for code in range(1, source.cards[column] + 1):
                expected[starts[column] + code - 1] += subgroup_gap(old, new, column, code, other)
    np.testing.assert_allclose(gaps, expected, atol=1e-9)
    occurring = {
        pair
        for side in (old, new)
        for row in side
        for pair in itertools.combinations(range(len(row)), 2)
        if row[pair[0]] and row[pair[1]]
    }
    assert {tuple(pair) for pair in columns.tolist()} == occurring


def test_a_flag_that_mirrors_another_is_wholly_associated() -> None:
    """Present together or absent together: absent counts as a value."""
    space = CellSpace((1, 1), 2)
    singles = Singles(np.array([5, 5]), 10)
    _, before, after, _ = compare_pairs(space, np.array([2]), np.array([5]), np.array([0]), singles, singles)
    assert before[0] == pytest.approx(1)
    assert after[0] == pytest.approx(1)  # never together
