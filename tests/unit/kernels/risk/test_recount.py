"""The recount's kernel against combinations written out, of records as sets of attributes."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from brute_force import counts_of
from hypothesis import given
from hypothesis import strategies as st
from random_tables import Table, coded_tables, few, random_table

from synth_spark.kernels.risk.recount import Counted, Ints, Items, added, count_held, numbering, numbers_of

Held = tuple[int, ...]


def listed(records: Sequence[Held]) -> tuple[Ints, Items]:
    """Records of attributes as the kernel takes them."""
    starts = np.concatenate([[0], np.cumsum([len(held) for held in records])]).astype(np.int64)
    return starts, np.array([item for held in records for item in held], np.int32)


def in_order(groups: Sequence[int], longest: int) -> list[Held]:
    """Every combination, in the order of the search: as tuples are ordered."""
    of = np.repeat(np.arange(len(groups)), groups).tolist()
    every = (held for size in range(1, longest + 1) for held in itertools.combinations(range(len(of)), size))
    return sorted(held for held in every if len({of[item] for item in held}) == len(held))


def named(counted: Counted, groups: Sequence[int], longest: int) -> dict[Held, int]:
    """What was counted, by combination."""
    every = in_order(groups, longest)
    assert (np.diff(counted.numbers) > 0).all()
    return {every[number]: count for number, count in zip(*(each.tolist() for each in counted), strict=True)}


def as_sets(table: Table) -> list[Held]:
    """The records of a table as attributes."""
    starts = np.concatenate([[0], np.cumsum(table.cards)]).tolist()
    return [tuple(starts[c] + code - 1 for c, code in enumerate(row) if code) for row in table.codes.tolist()]


def twin(table: Table, longest: int) -> dict[Held, int]:
    """The twin of `count_held`."""
    starts = np.concatenate([[0], np.cumsum(table.cards)]).tolist()
    counted = counts_of(table.rows, table.weights.tolist(), longest)
    return {tuple(starts[column] + code - 1 for column, code in each): count for each, count in counted.items()}


@few
@given(coded_tables(), st.integers(1, 5))
def test_every_combination_is_counted(table: Table, longest: int) -> None:
    counted = count_held(*listed(as_sets(table)), table.weights, numbering(table.cards, longest))
    assert named(counted, table.cards, longest) == twin(table, longest)


@few
@given(coded_tables(), st.integers(1, 4), st.data())
def test_blocks_add_up(table: Table, longest: int, data: st.DataObject) -> None:
    records, numbers = as_sets(table), numbering(table.cards, longest)
    cut = data.draw(st.integers(0, len(records)))
    parts = [
        count_held(*listed(records[part]), table.weights[part], numbers) for part in (slice(cut), slice(cut, None))
    ]
    assert named(added(*parts), table.cards, longest) == twin(table, longest)


@pytest.mark.parametrize(
    ("groups", "longest"), [([1], 1), ([1], 3), ([7], 2), ([2, 3, 1], 2), ([1, 2, 0, 3, 1], 4), ([1] * 6, 8)]
)
def test_numbers_follow_the_order_of_the_search(groups: list[int], longest: int) -> None:
    every = in_order(groups, longest)
    assert numbers_of(*listed(every), numbering(groups, longest)).tolist() == list(range(len(every)))


def test_large_numbers_are_exact() -> None:
    groups, longest = [65_535, 3, 65_535, 3, 65_535, 20_000], 4
    numbers = numbering(groups, longest)
    size = int(numbers.before[-1, -1])
    assert 2**62 < size < 2**63
    firsts = np.concatenate([[0], np.cumsum(groups)]).tolist()
    ends = [(0,), (0, firsts[1]), (firsts[1] - 1, firsts[3] - 1, firsts[5] - 1, firsts[6] - 1), (firsts[6] - 1,)]
    found = numbers_of(*listed(ends), numbers).tolist()
    assert found[:2] == [0, 1]
    assert found[3] == size - 1
    after = size - int(numbers.before[-1, firsts[1]])  # of those that begin behind the first group
    assert found[2] < size - after
    with pytest.raises(OverflowError):
        numbering([65_535] * 4, 4)


def test_a_table_of_some_size() -> None:
    table = random_table(3, 300, (4, 4, 4, 4, 4, 4, 4))
    found = named(count_held(*listed(as_sets(table)), table.weights, numbering(table.cards, 3)), table.cards, 3)
    assert found == twin(table, 3)
    assert len(found) > 1024
