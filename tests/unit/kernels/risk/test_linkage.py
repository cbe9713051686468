"""Records with rare combinations, against listing them all."""

import numpy as np
from brute_force import combinations_of, counts_of
from hypothesis import given
from hypothesis import strategies as st
from random_tables import Table, coded_tables, few

from synth_spark.kernels.cells import CellSpace, starts_of
from synth_spark.kernels.counting.by_column_tuple import walk_tuples
from synth_spark.kernels.risk.linkage import rare_records


@few
@given(coded_tables(), st.integers(1, 4), st.integers(1, 6))
def test_rare_records_are_those_that_hold_a_rare_combination(table: Table, length: int, k: int) -> None:
    length = min(length, len(table.cards))
    space = CellSpace(table.cards, length)
    cells, counts = walk_tuples(space, table.codes, table.weights)
    linked, attributes = rare_records(space, table.codes, table.weights, cells[counts >= k])
    exact = counts_of(table.rows, table.weights.tolist(), length)
    starts = starts_of(np.array(table.cards))
    expected = np.zeros(starts[-1], np.int64)
    for row, weight, flags in zip(table.rows, table.weights.tolist(), linked.tolist(), strict=True):
        rare = [c for c in combinations_of(row, length) if exact[c] < k]
        assert flags == [any(len(c) == size for c in rare) for size in range(1, length + 1)]
        for column, code in {attribute for combination in rare for attribute in combination}:
            expected[starts[column] + code - 1] += weight
    assert attributes.tolist() == expected.tolist()
