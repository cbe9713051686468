"""Cells, and the kernel that counts combinations, against the definitions written out."""

import itertools
from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.brute_force import Combination, cell_of, column_tuples, combinations_in_order, combinations_of, counts_of
from unit.tables import Table, coded_tables, few, random_table, table_of

from synth_spark.kernels.cells import CellSpace, Ints, add_counts
from synth_spark.kernels.counting import DENSE_CELLS, count_combinations


def spaces(most_cards: int = 4) -> st.SearchStrategy[CellSpace]:
    """Domains of 1…6 columns, some of them without values, and any R."""
    cards = st.lists(st.integers(0, most_cards), min_size=1, max_size=6)
    return cards.flatmap(lambda c: st.builds(CellSpace, st.just(tuple(c)), st.integers(1, len(c))))


def decoded(space: CellSpace, cells: Ints) -> list[Combination]:
    """The combinations behind ascending cells."""
    combinations: list[Combination] = []
    cuts = np.searchsorted(cells, space.length_bounds())
    for length, (low, high) in enumerate(itertools.pairwise(cuts), 1):
        columns, codes = space.decode(cells[low:high], length)
        assert columns.shape == codes.shape == (high - low, length)
        combinations += [tuple(zip(*row, strict=True)) for row in zip(columns.tolist(), codes.tolist(), strict=True)]
    return combinations


def counted(table: Table, longest: int) -> dict[Combination, int]:
    """What the kernel counts, by combination."""
    space = CellSpace(table.cards, longest)
    cells, counts = count_combinations(space, table.codes, table.weights)
    assert (np.diff(cells) > 0).all()
    return dict(zip(decoded(space, cells), counts.tolist(), strict=True))


@few
@given(spaces())
def test_cells_are_numbered_in_the_order_of_the_listed_combinations(space: CellSpace) -> None:
    listed = combinations_in_order(space.cards, space.max_length)
    assert space.size == len(listed)
    assert decoded(space, np.arange(space.size)) == listed
    assert [cell_of(c, space.cards, space.max_length) for c in listed] == list(range(len(listed)))


@few
@given(spaces())
def test_tuples_and_their_first_cells(space: CellSpace) -> None:
    listed = combinations_in_order(space.cards, space.max_length)
    tuples = column_tuples(len(space.cards), space.max_length)
    sizes = Counter(tuple(column for column, _ in combination) for combination in listed)
    assert space.tuples == tuples
    assert space.bases.tolist() == [0, *itertools.accumulate(sizes[t] for t in tuples)]
    for length in range(1, space.max_length + 1):
        first, end = space.first_tuple[length : length + 2]
        assert [tuple(t) for t in space.columns_of(length).tolist()] == tuples[first:end]
        assert {len(t) for t in tuples[first:end]} == {length}
        low, high = space.length_bounds()[length - 1 : length + 1]
        assert high - low == sum(len(combination) == length for combination in listed)


def test_decode_inverts_in_a_domain_too_large_to_list() -> None:
    space = CellSpace((65_535, 3_000, 65_535, 7), 3)
    chosen: list[Combination] = [
        ((0, 65_535),),
        ((3, 7),),
        ((0, 1), (2, 65_535)),
        ((1, 2_999), (3, 1)),
        ((0, 65_535), (1, 3_000), (2, 65_535)),
        ((1, 17), (2, 40_000), (3, 7)),
    ]
    cells = [cell_of(combination, space.cards, 3) for combination in chosen]
    assert cells == sorted(cells)
    assert decoded(space, np.array(cells)) == chosen
    assert space.size == cell_of(((1, 3_000), (2, 65_535), (3, 7)), space.cards, 3) + 1


@few
@given(coded_tables(), st.data())
def test_counts_are_those_of_the_listed_combinations(table: Table, data: st.DataObject) -> None:
    longest = data.draw(st.integers(1, len(table.cards)))
    assert counted(table, longest) == counts_of(table.rows, table.weights.tolist(), longest)


@few
@given(coded_tables(most_columns=4, cards=st.sampled_from([1, 3, 3_000]), most_rows=25), st.data())
def test_counts_in_domains_too_large_for_a_vector(table: Table, data: st.DataObject) -> None:
    # two wide columns on top, which repeat a few values far apart: their pair is tallied by sorting
    assert DENSE_CELLS < 3_000 * 3_000
    far = st.lists(st.sampled_from([0, 1, 1_500, 3_000]), min_size=len(table.rows), max_size=len(table.rows))
    wide = [list(row) for row in zip(data.draw(far), data.draw(far), strict=True)]
    rows = [[*pair, *row] for pair, row in zip(wide, table.rows, strict=True)]
    table = table_of(rows, table.weights.tolist(), (3_000, 3_000, *table.cards))
    assert counted(table, 3) == counts_of(table.rows, table.weights.tolist(), 3)


def test_both_ways_to_tally_agree() -> None:
    """Two columns of 2 values count the same in a small domain and as the last values of a huge one."""
    table = random_table(1, 40, (2, 2))
    small = counted(table, 2)
    far = np.where(table.codes > 0, table.codes + 2_998, 0).astype(np.uint16)
    large = counted(Table(far, table.weights, (3_000, 3_000)), 2)
    assert {tuple((column, code - 2_998) for column, code in c): n for c, n in large.items()} == small


def test_more_cells_than_first_made_room_for() -> None:
    table = random_table(5, 40, (4, 4, 4, 4, 4, 4), absent=0.0)
    expected = counts_of(table.rows, table.weights.tolist(), 4)
    assert len(expected) > 1_024
    assert counted(table, 4) == expected


@pytest.mark.parametrize("rows", [[], [(0, 0, 0)], [(0, 0, 0), (0, 2, 0)]])
def test_tables_with_nothing_or_little_in_them(rows: list[tuple[int, ...]]) -> None:
    table = table_of(rows, [2] * len(rows), (2, 2, 0))
    assert counted(table, 3) == counts_of(rows, [2] * len(rows), 3)


@few
@given(coded_tables(), st.integers(0, 40), st.integers(1, 3))
def test_counts_of_two_blocks_add_up_to_those_of_the_whole(table: Table, cut: int, longest: int) -> None:
    space = CellSpace(table.cards, min(longest, len(table.cards)))
    parts = [
        count_combinations(space, table.codes[part], table.weights[part]) for part in (slice(0, cut), slice(cut, None))
    ]
    cells, counts = add_counts(np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]))
    whole_cells, whole_counts = count_combinations(space, table.codes, table.weights)
    assert cells.tolist() == whole_cells.tolist()
    assert counts.tolist() == whole_counts.tolist()


@few
@given(coded_tables(most_columns=4, most_rows=20), st.randoms(use_true_random=False))
def test_a_weight_is_as_many_rows_in_any_order(table: Table, random: Random) -> None:
    copies = [row for row, weight in zip(table.rows, table.weights, strict=True) for _ in range(weight)]
    random.shuffle(copies)
    longest = len(table.cards)
    assert counted(table_of(copies, [1] * len(copies), table.cards), longest) == counted(table, longest)


@few
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5))))
def test_add_counts_sums_equal_cells(pairs: list[tuple[int, int]]) -> None:
    expected: Counter[int] = Counter()
    for cell, count in pairs:
        expected[cell] += count
    cells, counts = add_counts(*np.array(pairs, np.int64).reshape(-1, 2).T)
    assert list(zip(cells.tolist(), counts.tolist(), strict=True)) == sorted(expected.items())


def test_a_record_of_m_values_holds_binomially_many_combinations() -> None:
    """Specification 10.2 (a): records of 3 and 2 values hold 3, 3, 1 and 2, 1 combinations of each length."""
    assert Counter(map(len, combinations_of((1, 2, 1), 3))) == {1: 3, 2: 3, 3: 1}
    assert Counter(map(len, combinations_of((2, 0, 2), 3))) == {1: 2, 2: 1}
    assert len(counted(table_of([(1, 2, 1)], [1], (1, 2, 1)), 3)) == 7
    assert len(counted(table_of([(2, 0, 2)], [1], (2, 1, 2)), 3)) == 3
