"""Homogeneity, l-diversity and t-closeness of groups, against grouping the records themselves."""

from collections import Counter

import numpy as np
import pytest
from brute_force import Combination, counts_of
from hypothesis import given
from hypothesis import strategies as st
from random_tables import Table, coded_tables, few

from synth_spark.kernels.cells import CellSpace
from synth_spark.kernels.counting.by_column_tuple import walk_tuples
from synth_spark.kernels.risk.homogeneity import WithSecret, groups, with_secret


def by_grouping(table: Table, secret: int, length: int, k: int) -> list[tuple[int, int, bool, float]]:
    """(size, l, revealed, t) of every group, from the records."""
    records = [row for row, weight in zip(table.rows, table.weights.tolist(), strict=True) for _ in range(weight)]
    overall = Counter(row[secret] for row in records)
    found = []
    exact = counts_of(records, [1] * len(records), length)
    for combination, size in exact.items():
        if len(combination) == length and size >= k and all(column != secret for column, _ in combination):
            inside = Counter(row[secret] for row in records if holds(row, combination))
            gap = sum(abs(inside[v] / size - overall[v] / len(records)) for v in overall) / 2
            found.append((size, len(inside), len(inside) == 1 and 0 not in inside, round(gap, 9)))
    return sorted(found)


def holds(row: tuple[int, ...], combination: Combination) -> bool:
    return all(row[column] == code for column, code in combination)


@few
@given(coded_tables(most_columns=4), st.integers(1, 4), st.data())
def test_groups_are_what_grouping_finds(table: Table, k: int, data: st.DataObject) -> None:
    columns = len(table.cards)
    if columns < 2:
        return
    secret, length = data.draw(st.integers(0, columns - 1)), data.draw(st.integers(1, columns - 1))
    space = CellSpace(table.cards, length + 1)
    cells, counts = walk_tuples(space, table.codes, table.weights)
    edges = np.searchsorted(cells, space.length_bounds())
    own, longer = slice(edges[length - 1], edges[length]), slice(edges[length], edges[length + 1])
    besides = ~(space.decode(cells[own], length)[0] == secret).any(axis=1)
    chosen, rests, codes = with_secret(space, cells[longer], secret, length + 1)
    records = int(table.weights.sum())
    held = np.bincount(table.codes[:, secret], table.weights, table.cards[secret] + 1)[1:] if records else np.zeros(0)
    shares = held / max(1, records) if records else np.zeros(table.cards[secret])
    found = groups(
        cells[own][besides], counts[own][besides], WithSecret(rests, codes, counts[longer][chosen]), shares, k
    )
    rows = sorted(
        zip(
            found.sizes.tolist(),
            found.diversity.tolist(),
            found.revealed.tolist(),
            np.round(found.closeness, 9).tolist(),
            strict=True,
        )
    )
    expected = by_grouping(table, secret, length, k)
    assert [row[:3] for row in sorted(rows)] == [row[:3] for row in expected]
    assert sorted(row[3] for row in rows) == pytest.approx(sorted(row[3] for row in expected), abs=1e-8)


def test_everyone_of_a_group_has_the_same_value() -> None:
    """Five of five hold the value: revealed; four of five: two values, one of them absent."""
    space = CellSpace((2, 1), 2)
    chosen, rests, codes = with_secret(space, np.array([3, 4]), 1, 2)
    assert chosen.all()
    assert rests.tolist() == [0, 1]
    found = groups(np.array([0, 1]), np.array([5, 5]), WithSecret(rests, codes, np.array([5, 4])), np.array([0.9]), 5)
    assert found.revealed.tolist() == [True, False]
    assert found.diversity.tolist() == [1, 2]
    assert found.closeness == pytest.approx([0.1, 0.1])
