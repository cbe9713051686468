"""Domains: which code a value gets, and strings to codes and back."""

from collections import Counter
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hostile import HOSTILE_VALUES
from hypothesis import given
from hypothesis import strategies as st
from random_tables import domain_of, encoded, few

from synth_spark.errors import InputError
from synth_spark.schema.domain import MAX_VALUES, Column, Domain, build, check_cardinality
from synth_spark.schema.fields import Field

values = st.one_of(st.sampled_from(HOSTILE_VALUES), st.text(min_size=1, max_size=8))
rows = st.integers(1, 4).flatmap(
    lambda columns: st.lists(st.lists(st.none() | values, min_size=columns, max_size=columns), min_size=1, max_size=25)
)


def single(*names: str) -> list[Field]:
    """Fields with one value a record."""
    return [Field(name) for name in names]


def marginals(column: list[int], value: list[str], count: list[int]) -> pa.Table:
    """Marginals as the first stage counts them."""
    arrays = [pa.array(column, pa.int32()), pa.array(value, pa.string()), pa.array(count, pa.int64())]
    return pa.table(arrays, names=["column", "value", "count"])


def test_values_come_by_count_and_ties_by_value() -> None:
    table = marginals([1, 0, 1, 0, 1, 1, 0], list("zbyaxwc"), [2, 1, 9, 1, 2, 2, 5])
    domain = build(single("A", "B"), table, 15, 1)
    assert domain.columns == (
        Column("A", ("c", "a", "b"), (5, 1, 1)),
        Column("B", ("y", "w", "x", "z"), (9, 2, 2, 2)),
    )
    assert (domain.names, domain.cards, domain.records) == (["A", "B"], (3, 4), 15)


def test_ties_are_broken_by_bytes() -> None:
    domain = build(single("A"), marginals([0] * 5, ["é", "a", "Z", "😀", "\uffff"], [1] * 5), 5, 1)
    assert domain.columns[0].values == ("Z", "a", "é", "\uffff", "😀")


@few
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_codes_follow_protected_counts_and_never_exact_ones(counts: list[tuple[int, int, int]], random: Random) -> None:
    """What is above a multiple of k is one thing in one table and another in the other: the codes are the same."""
    names = [f"v{at}" for at in range(len(counts))]
    random.shuffle(names)
    pair = [[10 * tens + more[side] for tens, *more in counts] for side in range(2)]
    held = [at for at in range(len(counts)) if all(side[at] for side in pair)]
    domains = [
        build(single("A"), marginals([0] * len(held), [names[at] for at in held], [side[at] for at in held]), 99, 10)
        for side in pair
    ]
    protected = {names[at]: counts[at][0] for at in held}
    assert domains[0].columns[0].values == domains[1].columns[0].values
    assert list(domains[0].columns[0].values) == sorted(protected, key=lambda value: (-protected[value], value))


@few
@given(st.permutations([(0, "a", 3), (0, "b", 3), (2, "a", 1), (2, "c", 7), (2, "b", 7)]))
def test_the_order_of_marginals_does_not_matter(listed: list[tuple[int, str, int]]) -> None:
    column, value, count = (list(part) for part in zip(*listed, strict=True))
    domain = build(single("A", "B", "C"), marginals(column, value, count), 20, 1)
    assert [c.values for c in domain.columns] == [("a", "b"), (), ("b", "c", "a")]
    assert [c.counts for c in domain.columns] == [(3, 3), (), (7, 7, 1)]


def test_columns_without_values_at_either_end() -> None:
    domain = build(single("A", "B", "C"), marginals([1], ["x"], [4]), 4, 1)
    assert domain.cards == (0, 1, 0)
    codes = domain.encode([pa.array(["x", None]), pa.array(["x", None]), pa.nulls(2, pa.string())])
    assert codes.tolist() == [[0, 1, 0], [0, 0, 0]]
    assert [array.to_pylist() for array in domain.decode(codes)] == [[None, None], ["x", None], [None, None]]


@few
@given(rows)
def test_strings_survive_encoding(rows: list[list[str | None]]) -> None:
    domain = domain_of([f"c{index}" for index in range(len(rows[0]))], rows)
    codes = encoded(domain, rows)
    assert codes.dtype == np.uint16
    assert [list(row) for row in zip(*(array.to_pylist() for array in domain.decode(codes)), strict=True)] == rows
    for index, column in enumerate(domain.columns):
        counts = Counter(row[index] for row in rows if row[index] is not None)
        assert list(column.values) == sorted(counts, key=lambda value: (-counts[value], str(value).encode()))
        assert list(column.counts) == [counts[value] for value in column.values]
        # code v is the v-th value
        for row, code in zip(rows, codes[:, index].tolist(), strict=True):
            assert code == (0 if row[index] is None else column.values.index(row[index]) + 1)


def test_every_hostile_string_has_a_code_of_its_own() -> None:
    rows: list[list[str | None]] = [[value] for value in HOSTILE_VALUES]
    domain = domain_of(["A"], rows)
    codes = encoded(domain, rows)
    assert sorted(codes[:, 0].tolist()) == list(range(1, len(HOSTILE_VALUES) + 1))
    assert domain.decode(codes)[0].to_pylist() == HOSTILE_VALUES


def test_values_outside_the_domain_are_absent() -> None:
    domain = domain_of(["A"], [["a"], ["b"], ["b"]])
    assert domain.encode([pa.array(["b", "c", None, "A", "a ", "", "a"])]).tolist() == [
        [1],
        [0],
        [0],
        [0],
        [0],
        [0],
        [2],
    ]


def test_nothing_to_encode_or_decode() -> None:
    domain = domain_of(["A", "B"], [["a", "b"]])
    assert domain.encode([pa.array([], pa.string())] * 2).shape == (0, 2)
    assert [len(array) for array in domain.decode(np.zeros((0, 2), np.uint16))] == [0, 0]
    assert Domain((), (), (0,), 0).encode([]).shape == (0, 0)


@few
@given(rows, st.integers(1, 6))
def test_common_values_have_the_first_codes(rows: list[list[str | None]], k: int) -> None:
    domain = domain_of([f"c{index}" for index in range(len(rows[0]))], rows)
    common = domain.common(k)
    assert common.dtype == np.int64
    codes = encoded(domain, rows)
    for index, column in enumerate(domain.columns):
        frequent = [code for code, count in enumerate(column.counts, 1) if count >= k]
        assert frequent == list(range(1, common[index] + 1))
        assert {code for code, count in Counter(codes[:, index].tolist()).items() if code and count >= k} == set(
            frequent
        )


def test_as_many_values_as_codes_can_tell_apart() -> None:
    names = [f"v{number:05d}" for number in range(MAX_VALUES)]
    domain = build(single("A"), marginals([0] * MAX_VALUES, names, [1] * MAX_VALUES), MAX_VALUES, 1)
    codes = domain.encode([pa.array([names[0], names[-1], "v"])])
    assert codes.tolist() == [[1], [65_535], [0]]
    assert domain.decode(codes)[0].to_pylist() == [names[0], names[-1], None]


def test_one_value_more_is_refused_and_only_the_column_named() -> None:
    count = MAX_VALUES + 1
    table = marginals([0] + [1] * count, ["x", *(f"secret{number}" for number in range(count))], [1] * (count + 1))
    with pytest.raises(InputError) as caught:
        build(single("fine", "case id"), table, count, 1)
    assert "'case id'" in caught.value.field
    assert "65,536" in caught.value.whole()
    assert "secret" not in caught.value.whole()


def test_check_cardinality_at_the_limit() -> None:
    check_cardinality("A", 65_535)
    with pytest.raises(InputError, match="column 'A'"):
        check_cardinality("A", 65_536)
