"""Cells, and the kernel that counts combinations, against the definitions written out."""

import itertools
from collections import Counter
from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from brute_force import Combination, cell_of, column_tuples, combinations_in_order, combinations_of, counts_of
from hypothesis import given
from hypothesis import strategies as st
from random_tables import Table, coded_tables, few, random_table, table_of

from synth_spark.encode.combinations import bucket_bounds
from synth_spark.kernels.cells import CellSpace, Codes, Ints, add_counts
from synth_spark.kernels.counting.by_column_tuple import DENSE_CELLS, walk_tuples
from synth_spark.kernels.counting.by_record import enumerate_records
from synth_spark.kernels.counting.count import count_combinations, estimated_costs, work_of

Way = Callable[[CellSpace, Codes, Ints], tuple[Ints, Ints]]


def in_pieces(space: CellSpace, codes: Codes, weights: Ints) -> tuple[Ints, Ints]:
    """Enumeration that lists a few values at once."""
    return enumerate_records(space, codes, weights, 3)


WAYS: list[Way] = [count_combinations, walk_tuples, enumerate_records, in_pieces]
ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


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


def counted(table: Table, longest: int, way: Way = count_combinations) -> dict[Combination, int]:
    """What a kernel counts, by combination."""
    space = CellSpace(table.cards, longest)
    cells, counts = way(space, table.codes, table.weights)
    assert (np.diff(cells) > 0).all()
    assert cells.dtype == counts.dtype == np.int64
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
    firsts = [0, *itertools.accumulate(sizes[t] for t in tuples)]
    for length in range(1, space.max_length + 1):
        first, end = space.first_tuple[length : length + 2]
        assert {len(t) for t in tuples[first:end]} == {length}
        assert space.first_cells(np.array(tuples[first:end])).tolist() == firsts[first:end]
        assert space.within[length].tolist() == [
            sum(sizes[t] for t in tuples[first:end] if t[0] >= column) for column in range(len(space.cards) + 1)
        ]
        low, high = space.length_bounds()[length - 1 : length + 1]
        assert high - low == sum(len(combination) == length for combination in listed)
        columns, keys = space.locate(np.arange(low, high), length)
        assert (space.first_cells(columns) + keys).tolist() == list(range(low, high))
    assert space.first_tuple[-1] == len(tuples)


@few
@given(spaces())
def test_buckets_are_runs_of_column_tuples(space: CellSpace) -> None:
    listed = combinations_in_order(space.cards, space.max_length)
    tuples = column_tuples(len(space.cards), space.max_length)
    sizes = Counter(tuple(column for column, _ in combination) for combination in listed)
    bounds = bucket_bounds(space).tolist()
    firsts = [0, *itertools.accumulate(sizes[t] for t in tuples)]
    assert len(bounds) == min(64, len(tuples)) + 1
    assert [bounds[0], bounds[-1]] == [0, space.size]
    assert set(bounds) <= set(firsts)
    assert bounds == sorted(bounds)


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


@ways
@few
@given(coded_tables(), st.data())
def test_counts_are_those_of_the_listed_combinations(way: Way, table: Table, data: st.DataObject) -> None:
    longest = data.draw(st.integers(1, len(table.cards)))
    assert counted(table, longest, way) == counts_of(table.rows, table.weights.tolist(), longest)


@ways
@few
@given(coded_tables(most_columns=4, cards=st.sampled_from([1, 3, 3_000]), most_rows=25), st.data())
def test_counts_in_domains_too_large_for_a_vector(way: Way, table: Table, data: st.DataObject) -> None:
    # two wide columns on top, which repeat a few values far apart: their pair is tallied by sorting
    assert DENSE_CELLS < 3_000 * 3_000
    far = st.lists(st.sampled_from([0, 1, 1_500, 3_000]), min_size=len(table.rows), max_size=len(table.rows))
    wide = [list(row) for row in zip(data.draw(far), data.draw(far), strict=True)]
    rows = [[*pair, *row] for pair, row in zip(wide, table.rows, strict=True)]
    table = table_of(rows, table.weights.tolist(), (3_000, 3_000, *table.cards))
    for longest in (2, 3):
        assert counted(table, longest, way) == counts_of(table.rows, table.weights.tolist(), longest)


@ways
def test_both_ways_to_tally_agree(way: Way) -> None:
    """Two columns of 2 values count the same in a small domain and as the last values of a huge one."""
    table = random_table(1, 40, (2, 2))
    small = counted(table, 2, way)
    far = np.where(table.codes > 0, table.codes + 2_998, 0).astype(np.uint16)
    large = counted(Table(far, table.weights, (3_000, 3_000)), 2, way)
    assert {tuple((column, code - 2_998) for column, code in c): n for c, n in large.items()} == small


@ways
def test_more_cells_than_first_made_room_for(way: Way) -> None:
    table = random_table(5, 40, (4, 4, 4, 4, 4, 4), absent=0.0)
    expected = counts_of(table.rows, table.weights.tolist(), 4)
    assert len(expected) > 1_024
    assert counted(table, 4, way) == expected


@ways
@pytest.mark.parametrize("rows", [[], [(0, 0, 0)], [(0, 0, 0), (0, 2, 0)]])
def test_tables_with_nothing_or_little_in_them(way: Way, rows: list[tuple[int, ...]]) -> None:
    table = table_of(rows, [2] * len(rows), (2, 2, 0))
    assert counted(table, 3, way) == counts_of(rows, [2] * len(rows), 3)


@few
@given(coded_tables(most_columns=5), st.integers(1, 5))
def test_both_ways_give_the_same_cells_in_wide_and_sparse_tables(table: Table, spread: int) -> None:
    """Columns that hold nothing stand between the others, and records have fewer values than R."""
    cards = np.zeros((len(table.cards), spread), np.int64)
    codes = np.zeros((len(table.codes), *cards.shape), np.uint16)
    cards[:, -1], codes[:, :, -1] = table.cards, table.codes
    space = CellSpace(tuple(cards.ravel().tolist()), min(3, cards.size))
    wide = codes.reshape(len(codes), cards.size)
    walked, enumerated = (way(space, wide, table.weights) for way in (walk_tuples, enumerate_records))
    assert [part.tolist() for part in walked] == [part.tolist() for part in enumerated]
    assert walked[1].sum() == sum(counts_of(table.rows, table.weights.tolist(), space.max_length).values())


@few
@given(coded_tables(), st.integers(1, 5), st.integers(1, 6))
def test_rare_attributes_are_left_out_and_nothing_else(table: Table, k: int, longest: int) -> None:
    table, common = table.by_frequency(k)
    space = CellSpace(table.cards, min(longest, len(table.cards)))
    cells, counts = count_combinations(space, table.codes, table.weights, common)
    everything = counts_of(table.rows, table.weights.tolist(), space.max_length)
    kept = {c: n for c, n in everything.items() if all(everything[(attribute,)] >= k for attribute in c)}
    assert dict(zip(decoded(space, cells), counts.tolist(), strict=True)) == kept
    assert {c for c, n in everything.items() if n >= k} <= set(kept)


def test_dense_tables_are_walked_and_wide_sparse_ones_enumerated() -> None:
    random = np.random.default_rng(1)
    for columns, filled, walked in ((12, 0.9, True), (40, 0.6, True), (60, 0.1, False), (240, 0.08, False)):
        codes = (random.random((3_000, columns)) < filled).astype(np.uint16)
        walking, enumerating = estimated_costs(CellSpace((1,) * columns, 3), codes)
        assert (walking < enumerating) == walked, columns


@few
@given(coded_tables(), st.integers(1, 6))
def test_the_work_of_both_ways(table: Table, longest: int) -> None:
    space = CellSpace(table.cards, min(longest, len(table.cards)))
    looked_at = sum(
        all(row[column] > 0 for column in columns[:-1])
        for columns in column_tuples(len(table.cards), space.max_length)
        for row in table.rows
    )
    held = sum(len(combinations_of(row, space.max_length)) for row in table.rows)
    assert work_of(space, table.codes) == (looked_at, held)


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
    """SDS's known answer (a): records of 3 and 2 values hold 3, 3, 1 and 2, 1 combinations of each length."""
    assert Counter(map(len, combinations_of((1, 2, 1), 3))) == {1: 3, 2: 3, 3: 1}
    assert Counter(map(len, combinations_of((2, 0, 2), 3))) == {1: 2, 2: 1}
    assert len(counted(table_of([(1, 2, 1)], [1], (1, 2, 1)), 3)) == 7
    assert len(counted(table_of([(2, 0, 2)], [1], (2, 1, 2)), 3)) == 3
