"""The proof's kernel against a plain count of the rows that contain a record."""

import numpy as np
from brute_force import support
from hypothesis import given
from hypothesis import strategies as st
from random_tables import Table, coded_tables, few, random_table, table_of

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.risk.containment import support_up_to


def ones(rows: Codes) -> Ints:
    """Weights of rows that stand for themselves."""
    return np.ones(len(rows), np.int64)


def expected(limit: int, table: Table, records: Codes) -> list[int]:
    """The twin of `support_up_to`."""
    return [min(limit, support(record, table.rows, table.weights.tolist())) for record in records.tolist()]


@few
@given(coded_tables(), st.integers(1, 50), st.data())
def test_support_of_any_records(table: Table, limit: int, data: st.DataObject) -> None:
    # one code more than the rows may hold: values that occur in no row
    record = st.tuples(*(st.integers(0, card + 1) for card in table.cards))
    drawn = data.draw(st.lists(record, max_size=12))
    records = np.array(drawn, np.uint16).reshape(-1, len(table.cards))
    assert support_up_to(limit, table.codes, table.weights, records).tolist() == expected(limit, table, records)


@few
@given(coded_tables(), st.integers(1, 4), st.data())
def test_support_of_parts_of_rows(table: Table, limit: int, data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.booleans(), min_size=table.codes.size, max_size=table.codes.size))
    records = np.where(np.array(kept, bool).reshape(table.codes.shape), table.codes, np.uint16(0))
    found = support_up_to(limit, table.codes, table.weights, records)
    assert found.tolist() == expected(limit, table, records)
    assert (found >= 1).all()


def test_counting_stops_at_the_limit() -> None:
    table = table_of([(1, 1)] * 5 + [(1, 2)] * 3, [1] * 8, (1, 2))
    records = np.array([(1, 0), (1, 1), (0, 2), (0, 0)], np.uint16)
    assert support_up_to(100, table.codes, ones(table.codes), records).tolist() == [8, 5, 3, 8]
    assert support_up_to(5, table.codes, ones(table.codes), records).tolist() == [5, 5, 3, 5]
    assert support_up_to(4, table.codes, ones(table.codes), records).tolist() == [4, 4, 3, 4]
    assert support_up_to(1, table.codes, ones(table.codes), records).tolist() == [1, 1, 1, 1]


def test_no_rows_contain_nothing() -> None:
    records = np.array([(1, 0), (0, 0)], np.uint16)
    assert support_up_to(3, np.zeros((0, 2), np.uint16), ones(np.zeros((0, 2), np.uint16)), records).tolist() == [0, 0]
    assert support_up_to(3, records, ones(records), np.zeros((0, 2), np.uint16)).tolist() == []


def test_the_largest_codes_are_told_apart() -> None:
    rows = np.array([(65_535, 1), (65_534, 1), (65_535, 65_535)], np.uint16)
    records = np.array([(65_535, 0), (65_534, 1), (65_535, 65_535), (65_533, 0)], np.uint16)
    assert support_up_to(9, rows, ones(rows), records).tolist() == [2, 1, 1, 0]


def test_a_table_of_some_size() -> None:
    table = random_table(3, 400, (4, 4, 4, 4, 4, 4))
    records = np.where(random_table(4, 400, (4,) * 6).codes > 2, table.codes, 0).astype(np.uint16)
    assert support_up_to(20, table.codes, table.weights, records).tolist() == expected(20, table, records)
