"""Codes and cells of a domain as those of a later one, against the definitions written out."""

from collections import Counter

import numpy as np
import pyarrow as pa
from brute_force import Combination, combinations_in_order, counts_of
from hypothesis import given
from hypothesis import strategies as st
from random_tables import Table, coded_tables, few

from synth_spark.kernels.cells import CellSpace
from synth_spark.kernels.counting.count import count_combinations
from synth_spark.kernels.counting.domain_remap import Renumbering
from synth_spark.schema.domain import Domain, arrived, build, renumbering
from synth_spark.schema.fields import Field


@st.composite
def moves(draw: st.DrawFn) -> tuple[Table, Renumbering]:
    """A table, and a later domain: values in any order, more of them, and more columns anywhere between."""
    table = draw(coded_tables())
    new_cards, columns, codes = [], [], []
    for card in table.cards:
        new_cards += draw(st.lists(st.integers(0, 2), max_size=1))
        columns.append(len(new_cards))
        new_cards.append(card + draw(st.integers(0, 2)))
        codes += draw(st.permutations(range(1, new_cards[-1] + 1)))[:card]
    found = (np.array(columns, np.int64), np.array(codes, np.int64))
    return table, Renumbering(table.cards, tuple(new_cards), *found)


def moved_row(move: Renumbering, row: tuple[int, ...]) -> tuple[int, ...]:
    """The definition: value by value."""
    result, at = [0] * len(move.new), 0
    for column, (card, code) in enumerate(zip(move.old, row, strict=True)):
        if code:
            result[move.columns[column]] = int(move.codes[at + code - 1])
        at += card
    return tuple(result)


@few
@given(moves())
def test_records_keep_their_values(drawn: tuple[Table, Renumbering]) -> None:
    table, move = drawn
    moved = move.records(table.codes)
    assert moved.dtype == np.uint16
    assert [tuple(row) for row in moved.tolist()] == [moved_row(move, row) for row in table.rows]


@few
@given(moves(), st.integers(1, 3))
def test_counts_of_moved_cells_are_those_of_moved_records(drawn: tuple[Table, Renumbering], longest: int) -> None:
    table, move = drawn
    longest = min(longest, len(table.cards))
    cells, counts = count_combinations(CellSpace(move.old, longest), table.codes, table.weights)
    moved = move.cells(cells, longest)
    space = combinations_in_order(move.new, longest)
    found: dict[Combination, int] = {space[cell]: int(n) for cell, n in zip(moved, counts, strict=True)}
    assert len(found) == len(cells)
    assert found == counts_of([moved_row(move, row) for row in table.rows], table.weights.tolist(), longest)


@few
@given(coded_tables())
def test_a_domain_that_stays_as_it_is_changes_nothing(table: Table) -> None:
    same = [code for card in table.cards for code in range(1, card + 1)]
    columns = np.arange(len(table.cards))
    assert not Renumbering(table.cards, table.cards, columns, np.array(same, np.int64)).renumbers
    assert Renumbering(table.cards, (*table.cards, 0), columns, np.array(same, np.int64)).renumbers
    if max(table.cards) > 1:
        reverse = [code for card in table.cards for code in range(card, 0, -1)]
        assert Renumbering(table.cards, table.cards, columns, np.array(reverse, np.int64)).renumbers


FIELDS = (Field("a"), Field("m", many=True), Field("b"))


def domain(counts: dict[tuple[int, str], int], k: int = 3) -> Domain:
    marginals = {
        "column": pa.array([column for column, _ in counts], pa.int32()),
        "value": pa.array([value for _, value in counts], pa.string()),
        "count": pa.array(list(counts.values()), pa.int64()),
    }
    return build(FIELDS, pa.table(marginals), 30, k)


def test_domains_meet_by_value_and_tell_what_became_common() -> None:
    before = Counter({(0, "x"): 5, (0, "y"): 3, (1, "m2"): 4, (1, "m1"): 2, (1, "m9"): 1, (2, "z"): 1})
    after = before + Counter({(0, "y"): 4, (0, "w"): 6, (1, "m1"): 1, (1, "m3"): 3})
    old, new = domain(before), domain(after)
    assert [column.values for column in new.columns] == [("w", "y", "x"), ("m1",), ("m2",), ("m3",), ("z",)]
    move = renumbering(old, new)
    assert (move.old, move.new) == ((2, 1, 1), (3, 1, 1, 1, 1))
    assert move.columns.tolist() == [0, 2, 4]
    assert move.codes.tolist() == [3, 2, 1, 1]
    assert arrived(old, new) == {1: ["m1", "m3"]}
    assert arrived(new, new) == {}
    assert not renumbering(new, new).renumbers


def test_a_field_without_a_common_value_has_no_column_to_find() -> None:
    old = domain({(0, "x"): 5, (1, "m1"): 1, (2, "z"): 4})
    new = domain({(0, "x"): 5, (1, "m1"): 3, (2, "z"): 4})
    assert renumbering(old, new).columns.tolist() == [0, 2]
    assert arrived(old, new) == {1: ["m1"]}
