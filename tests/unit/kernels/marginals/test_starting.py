"""What records start from, against all spanning trees and against counting by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth_spark.kernels.keyed_random import stream
from synth_spark.kernels.marginals.starting import start, tree, whole_table


def _told(table) -> float:
    total, rows, columns = table.sum(), table.sum(axis=1), table.sum(axis=0)
    told = 0.0
    for i, j in np.argwhere(table > 0):
        told += table[i, j] / total * np.log(table[i, j] * total / (rows[i] * columns[j]))
    return told


def _connected(columns: int, edges) -> bool:
    reached = {0}
    for _ in range(columns):
        reached |= {b for a, b in edges if a in reached} | {a for a, b in edges if b in reached}
    return len(reached) == columns


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_the_tree_tells_most_of_all_trees_and_parents_come_first(seed: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    cards = rng.integers(1, 4, columns)
    pairs = {(i, j): rng.gamma(0.5, 3, (cards[i], cards[j])) for i, j in itertools.combinations(range(columns), 2)}
    steps = tree(columns, pairs)
    assert sorted(step.column for step in steps) == list(range(columns))
    edges = [tuple(sorted((step.column, step.parent))) for step in steps if step.parent >= 0]
    best = max(
        (sum(_told(pairs[edge]) for edge in own) for own in itertools.combinations(pairs, columns - 1)
         if _connected(columns, own)), default=0.0,
    )  # fmt: skip
    assert sum(_told(pairs[edge]) for edge in edges) == pytest.approx(best)
    reached = {-1}
    for step in steps:
        assert step.parent in reached
        reached.add(step.column)
        if step.parent >= 0:
            i, j = sorted((step.column, step.parent))
            assert step.table.tolist() == (pairs[i, j] if step.parent == i else pairs[i, j].T).tolist()


def test_columns_without_a_table_depend_on_no_other() -> None:
    assert [step.parent for step in tree(3, {})] == [-1, -1, -1]
    assert [(step.column, step.parent) for step in tree(3, {(1, 2): np.eye(2)})] == [(0, -1), (1, -1), (2, 1)]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 6), st.integers(0, 60))
def test_whole_tables_have_their_margins_and_are_near(seed: int, a: int, b: int, total: int) -> None:
    """Of a table that has the margins already, few cells are one off; of any other, only the margins are promised."""
    rng = np.random.default_rng(seed)
    exact = rng.multinomial(total, rng.dirichlet(np.full(a * b, 0.3))).reshape(a, b)
    rows, columns = exact.sum(axis=1), exact.sum(axis=0)
    for table in (exact.astype(float), rng.gamma(0.3, 5, (a, b)), np.zeros((a, b))):
        whole = whole_table(table, rows, columns)
        assert (whole >= 0).all()
        assert whole.sum(axis=1).tolist() == rows.tolist()
        assert whole.sum(axis=0).tolist() == columns.tolist()
    assert np.abs(whole_table(exact.astype(float), rows, columns) - exact).max() <= 1


def test_records_start_with_their_counts_and_the_tables_of_the_tree() -> None:
    rng = np.random.default_rng(3)
    group = rng.integers(0, 3, 4_000)
    exact = np.stack([(group + rng.integers(0, 2, 4_000)) % card for card in (3, 4, 2)], axis=1)
    pairs = {}
    for i, j in itertools.combinations(range(3), 2):
        pairs[i, j] = np.zeros((3, 4, 2)[i : i + 1] + (3, 4, 2)[j : j + 1])
        np.add.at(pairs[i, j], (exact[:, i], exact[:, j]), 0.5)  # half as many as there are to be
    steps, ones = tree(3, pairs), [np.bincount(exact[:, c]) for c in range(3)]
    made = start(ones, steps, stream(1, "start"))
    assert [np.bincount(made[:, c]).tolist() for c in range(3)] == [own.tolist() for own in ones]
    for column, parent, table in steps[1:]:
        found = np.zeros(table.shape)
        np.add.at(found, (made[:, parent], made[:, column]), 1)
        assert np.abs(found - 2 * table).max() <= 2
    again, other = (start(ones, steps, stream(1, key)) for key in ("start", "other"))
    assert made.tolist() == again.tolist()
    assert made.tolist() != other.tolist()
