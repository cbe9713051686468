"""The risk table against SDS's known answers, and linkable records against listing them."""

from itertools import pairwise

import numpy as np
import pytest
from brute_force import combinations_of, counts_of
from hypothesis import given
from hypothesis import strategies as st
from random_tables import ELEVEN_ROWS, Table, coded_tables, domain_of, encoded, few, string_rows

from synth_spark.assess.linkability import Linked, linkable, linked_of, risk_table, totals_of
from synth_spark.kernels.cells import CellSpace, Codes, starts_of
from synth_spark.kernels.counting.by_column_tuple import walk_tuples
from synth_spark.kernels.risk.rarity import judge
from synth_spark.schema.domain import Domain


def searched(codes: Codes, weights: np.ndarray, cards: tuple[int, ...], length: int, k: int, parts: int = 1) -> Linked:
    """As a stage searches, in so many tasks."""
    space, starts = CellSpace(cards, length), starts_of(np.array(cards, np.int64))
    cells, counts = walk_tuples(space, codes, weights)
    twice = counts >= 2
    bounds = list(range(len(cards) + 1))
    totals = [
        totals_of(
            judge(space, codes[part], cells[twice], counts[twice] >= k), codes[part], weights[part], starts, bounds
        )
        for part in np.array_split(np.arange(len(codes)), parts)
    ]
    return linked_of(np.sum(totals, axis=0), length, int(starts[-1]), whole=True)


@pytest.fixture(scope="module")
def eleven() -> tuple[Domain, Codes]:
    names, lines = ELEVEN_ROWS
    rows = string_rows(lines)
    domain = domain_of(names, rows)
    return domain, encoded(domain, rows)


def table_of(linked: Linked, k: int, protect: bool) -> list[tuple[float, float, float]]:
    found = {(one.measure, one.length): one.value for one in risk_table(linked, 11, k, protect)}
    return [tuple(found[f"{name}_records", l] for name in ("rare", "unique", "risky")) for l in (1, 2, 3)]  # noqa: E741


@pytest.mark.parametrize(
    ("k", "protect", "expected"),
    [
        (2, False, [(0, 4, 4), (0, 3, 3), (0, 0, 0)]),
        (2, True, [(0, 4, 4), (0, 2, 2), (0, 0, 0)]),
        (3, False, [(0, 4, 4), (0, 3, 3), (1, 0, 1)]),
        (3, True, [(0, 3, 3), (0, 3, 3), (0, 0, 0)]),
    ],
)
def test_the_risk_table_is_that_of_sds(eleven, k: int, protect: bool, expected) -> None:
    domain, codes = eleven
    linked = searched(codes, np.ones(11, np.int64), domain.cards, 3, k)
    assert table_of(linked, k, protect) == expected
    shares = {
        one.length: one.value for one in risk_table(linked, 11, k, protect) if one.measure == "risky_records_percent"
    }
    total = 11 // k * k if protect else 11
    assert [shares[at] for at in (1, 2, 3)] == pytest.approx([100 * row[2] / total for row in expected])
    assert shares[None] == pytest.approx(100 * sum(row[2] for row in expected) / total)


def test_records_columns_and_attributes_of_sds(eleven) -> None:
    domain, codes = eleven
    held = np.array([count for column in domain.columns for count in column.counts])
    found = linkable(searched(codes, np.ones(11, np.int64), domain.cards, 3, 3), domain, held, 11)
    figures = {(one.measure, one.about): one.value for one in found}
    assert figures["records_with_unique", None] == 7
    assert figures["records_with_rare", None] == 8
    by_attribute = {about: value for (name, about), value in figures.items() if name == "linkable_percent"}
    assert by_attribute == {
        **{f"{c.upper()}: {c}1": 25 for c in "abcd"},
        **{f"{c.upper()}: {c}{n}": 100 for c in "abcd" for n in (2, 3)},
    }
    columns = {about: value for (name, about), value in figures.items() if name == "linkable_percent_by_column"}
    assert columns == dict.fromkeys("ABCD", 75)


@few
@given(coded_tables(most_columns=5), st.integers(1, 3), st.integers(2, 5), st.integers(1, 3))
def test_linkable_records_are_those_that_listing_finds(table: Table, length: int, k: int, parts: int) -> None:
    length = min(length, len(table.cards))
    linked = searched(table.codes, table.weights, table.cards, length, k, parts)
    exact = counts_of(table.rows, table.weights.tolist(), length)
    unique, rare = [0] * length, [0] * length
    some_unique = some_rare = 0
    by_field = [0] * len(table.cards)
    starts = starts_of(np.array(table.cards, np.int64))
    by_attribute = np.zeros(starts[-1], np.int64)
    for row, weight in zip(table.rows, table.weights.tolist(), strict=True):
        held = combinations_of(row, length)
        lonely = [c for c in held if exact[c] == 1]
        small = [c for c in held if exact[c] < k]
        some_unique += weight * bool(lonely)
        some_rare += weight * bool(small)
        if lonely:
            unique[min(map(len, lonely)) - 1] += weight
        elif small:
            rare[min(map(len, small)) - 1] += weight
        for column, code in {attribute for c in small for attribute in c}:
            by_attribute[starts[column] + code - 1] += weight
        for column in {column for c in lonely for column, _ in c}:
            by_field[column] += weight
    assert linked.unique is not None
    assert (linked.unique.tolist(), linked.rare.tolist()) == (unique, rare)
    assert (linked.any_unique, linked.any_rare) == (some_unique, some_rare)
    assert linked.by_field.tolist() == by_field
    assert linked.by_attribute.tolist() == by_attribute.tolist()
    n = int(table.weights.sum())
    for protect, unit in ((False, 1), (True, k)):
        found = {(one.measure, one.length): one.value for one in risk_table(linked, n, k, protect)}
        for at in range(length):
            assert found["rare_records", at + 1] == rare[at] - rare[at] % unit
            assert found["unique_records", at + 1] == unique[at] - unique[at] % unit
            risky, total = rare[at] - rare[at] % unit + unique[at] - unique[at] % unit, n - n % unit
            assert found["risky_records", at + 1] == risky
            assert found["risky_records_percent", at + 1] == pytest.approx(100 * risky / total if total else 0)
    assert all(a <= b for a, b in pairwise([some_unique, some_rare]))


def test_rounding_can_only_hide(eleven) -> None:
    domain, codes = eleven
    linked = searched(codes, np.ones(11, np.int64), domain.cards, 3, 3)
    exact = {(one.measure, one.length): one.value for one in risk_table(linked, 11, 3, False)}
    told = {(one.measure, one.length): one.value for one in risk_table(linked, 11, 3, True)}
    for key, value in told.items():
        if not key[0].endswith("percent"):
            assert value <= exact[key]
            assert value % 3 == 0
