"""Rounding totals: exact multiples, by whichever blocks the records come in."""

from collections import Counter

import numpy as np
from brute_force import attributes_of
from hypothesis import given
from hypothesis import strategies as st
from random_tables import Table, coded_tables, few

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.growth.rounding import give_up, merge, offer, thresholds

keys = st.integers(0, 2**64 - 1)


def starts_of(table: Table) -> Ints:
    """First attribute of each column."""
    return np.concatenate([[0], np.cumsum(table.cards)]).astype(np.int64)


def distinct(table: Table) -> tuple[Codes, Ints]:
    """The records of a table, each once, with their copies."""
    merged: Counter[tuple[int, ...]] = Counter()
    for row, weight in zip(table.rows, table.weights.tolist(), strict=True):
        merged[row] += weight
    codes = np.array(list(merged), np.uint16).reshape(-1, len(table.cards))
    return codes, np.array(list(merged.values()), np.int64)


def occurrences(codes: Codes, copies: Ints) -> Counter[tuple[int, int]]:
    """How often each attribute occurs."""
    found: Counter[tuple[int, int]] = Counter()
    for record, count in zip(codes.tolist(), copies.tolist(), strict=True):
        for attribute in attributes_of(tuple(record)):
            found[attribute] += count
    return found


def round_totals(table: Table, k: int, key: int, cut: int, lowered: Ints | None = None) -> tuple[Codes, Ints]:
    """Round a table in two blocks, that are cut at a record."""
    codes, copies = distinct(table)
    starts, cut = starts_of(table), min(cut, len(codes))
    blocks = [(codes[:cut], copies[:cut]), (codes[cut:], copies[cut:])]
    lowered = np.zeros(starts[-1], np.int64) if lowered is None else lowered
    offers = [offer(*block, starts, k - 1 + k * int(lowered.max(initial=0)), key) for block in blocks]
    lowest = merge(offers[0][1], offers[1][1])
    some, largest = thresholds(offers[0][0] + offers[1][0], lowest, k, lowered)
    parts = [give_up(*block, starts, some, largest, key) for block in blocks]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


@few
@given(coded_tables(), st.integers(2, 6), keys, st.integers(0, 9))
def test_totals_become_the_multiples_below(table: Table, k: int, key: int, cut: int) -> None:
    before = occurrences(*distinct(table))
    records, copies = round_totals(table, k, key, cut)
    assert occurrences(records, copies) == +Counter({a: count // k * k for a, count in before.items()})
    assert (copies > 0).all()
    assert records.any(axis=1).all()
    assert copies.sum() <= distinct(table)[1].sum()


@few
@given(coded_tables(), st.integers(2, 6), keys, st.integers(0, 9), st.data())
def test_totals_follow_counts_that_are_lowered(table: Table, k: int, key: int, cut: int, data: st.DataObject) -> None:
    attributes = [(column, value) for column, card in enumerate(table.cards) for value in range(1, card + 1)]
    lowered = data.draw(st.lists(st.integers(0, 2), min_size=len(attributes), max_size=len(attributes)))
    before = occurrences(*distinct(table))
    records, copies = round_totals(table, k, key, cut, np.array(lowered, np.int64))
    expected = {a: max(0, before[a] // k - less) * k for a, less in zip(attributes, lowered, strict=True)}
    assert occurrences(records, copies) == +Counter(expected)


@few
@given(coded_tables(), st.integers(2, 6), keys, st.integers(0, 9), st.integers(0, 9))
def test_blocks_do_not_matter(table: Table, k: int, key: int, cut: int, other: int) -> None:
    made: list[Counter[tuple[int, ...]]] = []
    for place in (cut, other):
        made.append(Counter())
        records, copies = round_totals(table, k, key, place)
        for record, count in zip(records.tolist(), copies.tolist(), strict=True):
            made[-1][tuple(record)] += count
    assert made[0] == made[1]


def test_the_key_decides_who_gives_up() -> None:
    table = Table(
        np.arange(1, 12, dtype=np.uint16)[:, None] * np.array([[0, 1]], np.uint16) % 12, np.ones(11, np.int64), (0, 11)
    )
    codes = np.stack([np.ones(11, np.uint16), table.codes[:, 1]], axis=1)
    starts, copies = np.array([0, 1, 12]), np.full(11, 4)
    losers = set()
    for key in range(30):
        some, largest = thresholds(*offer(codes, copies, starts, 3, key), 4, np.zeros(12, np.int64))
        assert not some.any()  # 44 and eleven times 4 are multiples of 4 already
        some, largest = thresholds(*offer(codes, copies, starts, 42, key), 43, np.zeros(12, np.int64))
        records, _ = give_up(codes, copies, starts, np.append(some[:1], np.zeros(11, np.bool_)), largest, key)
        losers |= {record[1] for record in records.tolist() if record[0] == 0}
    assert len(losers) > 5
