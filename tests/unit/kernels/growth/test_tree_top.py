"""The top of the tree: parts see all rows that hold their path, and seeds go to one of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_tables import Table, coded_tables, few, random_table

from synth_spark.kernels.cells import Ints
from synth_spark.kernels.growth.settings import Growth
from synth_spark.kernels.growth.tree_top import Counts, Node, apportion, cut_for_seeds, cut_for_starts, holding, route


def starts_of(cards: Ints) -> Ints:
    """First attribute of each column."""
    return np.concatenate([[0], np.cumsum(cards)]).astype(np.int64)


def counts_at(table: Table, starts: Ints, path: tuple[int, ...]) -> Counts:
    """What the rows that hold a path hold, by brute force."""
    held, support = np.zeros(starts[-1], np.int64), np.zeros(starts[-1], np.int64)
    for row, weight, own in zip(table.codes, table.weights, holding(path, table.codes, starts), strict=True):
        for column in np.flatnonzero(row) if own else []:
            held[starts[column] + row[column] - 1] += 1
            support[starts[column] + row[column] - 1] += weight
    return Counts(held, support)


def cut(table: Table, starts: Ints, top: Node, k: int, most: int, pool: Ints | None = None) -> list[Node]:
    """Cut until leaves have at most so many rows; returns them, numbered."""
    waiting = [top]
    while waiting:
        node = waiting.pop()
        counts, random = counts_at(table, starts, node.path), np.random.default_rng(len(node.path))
        if pool is None:
            cut_for_seeds(node, counts, starts, Growth(k, power=1.5), random)
        else:
            cut_for_starts(node, counts, starts, Growth(k, power=1.5), pool, random)
        waiting += [
            child for child in node.children.values() if child.rows > most and len(child.path) < len(starts) - 1
        ]
    for part, leaf in enumerate(top.leaves()):
        leaf.part = part
    return top.leaves()


@few
@given(coded_tables(), st.integers(2, 4), st.integers(1, 6))
def test_leaves_get_all_rows_that_hold_their_path_and_seeds_go_to_one(table: Table, k: int, most: int) -> None:
    table, common = table.by_frequency(k)
    codes, starts = np.where(table.codes > common, np.uint16(0), table.codes), starts_of(common)
    table = Table(codes, table.weights, tuple(common.tolist()))
    top = Node(rows=len(codes), seeds=float(len(codes)))
    leaves = cut(table, starts, top, k, most)
    found = {part: (rows, copies) for part, rows, copies in route(top, codes, starts, table.weights)}
    sent = np.zeros(len(codes), np.int64)
    for leaf in leaves:
        rows, copies = found.get(leaf.part, (np.zeros(0, np.int64), np.zeros(0, np.int64)))
        assert sorted(rows.tolist()) == np.flatnonzero(holding(leaf.path, codes, starts)).tolist()
        assert table.weights[rows].sum() >= k or not leaf.path
        assert leaf.rows == len(rows)
        assert ((copies == 0) | (copies == table.weights[rows])).all()
        np.add.at(sent, rows, copies)
    assert ((sent == 0) | (sent == table.weights)).all()
    if all(len(leaf.path) == 1 for leaf in leaves):  # cut once: every seed that holds a value it is cut by goes there
        values = list(top.children)
        kept = np.any([holding((attribute,), codes, starts) for attribute in values], axis=0)
        assert (sent > 0).tolist() == kept.tolist()


def test_rows_without_the_seeds_to_pay_for_them_are_not_sent() -> None:
    """A column that every record holds takes all seeds, so the other columns' values get no part."""
    table, common = random_table(3, 600, (2, 9, 9)).by_frequency(2)
    codes = table.codes.copy()
    codes[:, 0] = np.maximum(codes[:, 0], 1)
    full = Table(codes, table.weights, tuple(common.tolist()))
    starts = starts_of(common)
    top = Node(rows=len(codes), seeds=float(len(codes)))
    cut_for_seeds(top, counts_at(full, starts, ()), starts, Growth(2, power=8.0), np.random.default_rng(1))
    assert top.order == (0,)
    assert len(top.children) == 2


@few
@given(coded_tables(), st.integers(2, 4), st.integers(1, 6), st.data())
def test_new_records_are_started_where_they_are_shared(table: Table, k: int, most: int, data: st.DataObject) -> None:
    table, common = table.by_frequency(k)
    codes, starts = np.where(table.codes > common, np.uint16(0), table.codes), starts_of(common)
    table = Table(codes, table.weights, tuple(common.tolist()))
    size = int(starts[-1])
    before = np.array(data.draw(st.lists(st.integers(0, 9), min_size=size, max_size=size)), np.int64)
    pool, top = before.copy(), Node(rows=len(codes))
    top.starts = data.draw(st.integers(0, 20))
    wanted = top.starts
    leaves = cut(table, starts, top, k, most, pool)
    used = np.zeros(size, np.int64)
    for leaf in leaves:
        if leaf.path:
            assert table.weights[holding(leaf.path, codes, starts)].sum() >= k
            assert leaf.starts > 0
            used[list(leaf.path)] += leaf.starts
    assert (used <= before - pool).all()
    assert (pool >= 0).all()
    assert sum(leaf.starts for leaf in leaves) <= wanted or not top.order


@few
@given(st.integers(0, 60), st.lists(st.tuples(st.floats(0, 10), st.integers(0, 20)), min_size=1, max_size=9))
def test_shares_sum_to_all_there_is(total: int, given_: list[tuple[float, int]]) -> None:
    weights, most = np.array([weight for weight, _ in given_]), np.array([number for _, number in given_], np.int64)
    shares = apportion(total, weights, most)
    assert (shares >= 0).all()
    assert (shares <= most).all()
    assert shares[weights == 0].sum() == 0
    assert shares.sum() == min(total, int(most[weights > 0].sum()))


@pytest.mark.parametrize("total", [7, 100])
def test_shares_are_proportional_where_nothing_limits_them(total: int) -> None:
    weights = np.array([0.5, 0.3, 0.2])
    assert np.abs(apportion(total, weights, np.full(3, 1_000)) - total * weights).max() < 1
