"""Equal records merged, and dealt to buckets, against the definitions written out."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from random_tables import Table, coded_tables, few

from synth_spark.kernels.counting import merge_records
from synth_spark.kernels.counting.merge_records import deal, merge

Rows = list[tuple[int, ...]]


def summed(rows: Rows, weights: list[int]) -> dict[tuple[int, ...], int]:
    """The definition: weights of equal rows add up, and what adds up to 0 is gone."""
    sums: Counter[tuple[int, ...]] = Counter()
    for row, weight in zip(rows, weights, strict=True):
        sums[row] += weight
    return {row: total for row, total in sums.items() if total}


def rows_of(codes: np.ndarray) -> Rows:
    return [tuple(row) for row in codes.tolist()]


@st.composite
def weighted(draw: st.DrawFn) -> tuple[Table, np.ndarray]:
    table = draw(coded_tables())
    return table, np.array(draw(st.lists(st.integers(-2, 2), min_size=len(table.rows), max_size=len(table.rows))), int)


@few
@given(weighted())
def test_equal_records_become_one_with_the_sum_of_their_weights(drawn: tuple[Table, np.ndarray]) -> None:
    table, weights = drawn
    codes, sums = merge(table.codes, weights)
    assert codes.dtype == np.uint16
    found = rows_of(codes)
    assert len(found) == len(set(found))
    assert dict(zip(found, sums.tolist(), strict=True)) == summed(rows_of(table.codes), weights.tolist())


@few
@given(weighted())
def test_different_records_stay_apart_though_their_hashes_are_equal(drawn: tuple[Table, np.ndarray]) -> None:
    table, _ = drawn
    ones, same = np.ones(len(table.rows), np.int64), np.zeros(len(table.rows), np.uint64)
    firsts, sums = merge_records.merge_by_hash(table.codes, ones, same)
    found = dict(zip(rows_of(table.codes[firsts]), sums.tolist(), strict=True))
    assert found == Counter(rows_of(table.codes))


def test_records_that_are_added_and_taken_away_are_gone() -> None:
    codes, sums = merge(np.array([[1, 2], [3, 4], [1, 2]], np.uint16), np.array([2, 1, -2]))
    assert rows_of(codes) == [(3, 4)]
    assert sums.tolist() == [1]


def test_tables_without_columns_or_rows_are_merged() -> None:
    codes, sums = merge(np.zeros((3, 0), np.uint16), np.array([1, 1, 5]))
    assert codes.shape == (1, 0)
    assert sums.tolist() == [7]
    codes, sums = merge(np.zeros((0, 4), np.uint16), np.zeros(0, np.int64))
    assert codes.shape == (0, 4)
    assert sums.size == 0


@few
@given(coded_tables(), st.integers(1, 9))
def test_every_record_is_dealt_once_and_equal_ones_to_one_bucket(table: Table, buckets: int) -> None:
    order, bounds = deal(table.codes, buckets)
    assert sorted(order.tolist()) == list(range(len(table.rows)))
    assert (bounds[0], bounds[-1]) == (0, len(table.rows))
    rows = rows_of(table.codes)
    where: dict[tuple[int, ...], set[int]] = {}
    for bucket in range(buckets):
        for row in order[bounds[bucket] : bounds[bucket + 1]]:
            where.setdefault(rows[row], set()).add(bucket)
    assert all(len(found) == 1 for found in where.values())


def test_a_record_is_dealt_to_the_same_bucket_whatever_table_it_is_in() -> None:
    codes = np.random.default_rng(1).integers(0, 50, (1_000, 3)).astype(np.uint16)
    chosen = []
    for part in (codes, codes[::-1]):
        order, bounds = deal(np.ascontiguousarray(part), 7)
        bucket = np.repeat(np.arange(7), np.diff(bounds))
        chosen.append({row: int(b) for row, b in zip(rows_of(part[order]), bucket, strict=True)})
    assert chosen[0] == chosen[1]
    assert set(chosen[0].values()) == set(range(7))
