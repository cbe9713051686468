"""Protected counts: SDS's known answers, and its selection texts."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from brute_force import contains, counts_of
from hypothesis import given
from hypothesis import strategies as st
from random_tables import ELEVEN_ROWS, FIVE_ROWS, Table, coded_tables, domain_of, encoded, few, string_rows

from synth_spark.aggregate.k_anonymity import narrow_rows, ranks_of, selection_texts, wide_rows
from synth_spark.encode.protected_counts import protect
from synth_spark.kernels.cells import CellSpace, Ints
from synth_spark.kernels.counting.count import count_combinations
from synth_spark.plan import parse
from synth_spark.plan.planner import resolve
from synth_spark.schema.domain import Domain

Rows = Sequence[Sequence[str | None]]


def counted(domain: Domain, rows: Rows, longest: int = 3) -> tuple[CellSpace, Ints, Ints]:
    """The exact counts of a table of strings."""
    space = CellSpace(domain.cards, longest)
    return space, *count_combinations(space, encoded(domain, rows), np.ones(len(rows), np.int64))


def published(domain: Domain, space: CellSpace, cells: Ints, counts: Ints, k: int) -> list[dict[str, object]]:
    """The rows that `aggregates` makes of exact counts, without Spark around them."""
    texts, order = selection_texts(domain, k)
    starts = np.concatenate([[0], np.cumsum(domain.common(k))]).astype(np.int64)
    cells, protected = cells[counts >= k], protect(counts[counts >= k], k)
    cuts = np.searchsorted(cells, space.length_bounds())
    batches = []
    for length in range(1, space.max_length + 1):
        part = slice(cuts[length - 1], cuts[length])
        columns, codes = space.decode(cells[part], length)
        batches.append(narrow_rows(columns, codes, protected[part], starts, texts, order))
    mixed = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return [row for batch in mixed for row in wide_rows(domain, batch).to_pylist()]


def by_values(names: Sequence[str], rows: Rows, k: int) -> dict[str, int]:
    """Selections, shortened to their values run together (``a1b2``), with their protected counts."""
    domain = domain_of(names, rows)
    found = {}
    for row in published(domain, *counted(domain, rows), k):
        values = [attribute.split(":")[1] for attribute in str(row["selections"]).split(";")]
        found["".join(sorted(values))] = row["protected_count"]
    return found  # type: ignore[return-value]


def listed(text: str) -> dict[str, int]:
    """``"a1 3, a2 2"`` → ``{"a1": 3, "a2": 2}``."""
    return {name: int(count) for name, count in (entry.split() for entry in text.split(", "))}


# --- known answers


def test_five_rows_hold_seventeen_combinations() -> None:
    names, lines = FIVE_ROWS
    expected = listed(
        "a1 3, a2 2, b1 1, b2 3, c1 3, c2 1, a1b1 1, a1b2 2, a1c1 2, a2b2 1, a2c1 1, a2c2 1, b1c1 1, b2c1 2, "
        "a1b1c1 1, a1b2c1 1, a2b2c1 1"
    )
    assert len(expected) == 17
    assert by_values(names, string_rows(lines), 1) == expected


def test_three_rows_that_hold_a_value_and_the_lengths_they_allow() -> None:
    """SDS's known answer (c)."""
    rows = string_rows(["a1 b1 c1 d1", "a2 b2 - d2", "a1 b2 - d3"])
    domain = domain_of(["A", "B", "C", "D"], rows)
    codes = encoded(domain, rows)
    a1, b2 = domain.columns[0].values.index("a1") + 1, domain.columns[1].values.index("b2") + 1
    assert np.flatnonzero(codes[:, 0] == a1).tolist() == [0, 2]
    assert np.flatnonzero(codes[:, 1] == b2).tolist() == [1, 2]
    assert np.flatnonzero(codes[:, 2] == 0).tolist() == [1, 2]
    assert protect(np.array([domain.records]), 2).tolist() == [2]
    for config, length in ((10, 4), (2, 2)):
        wanted = {"input": {"path": "cases.csv"}, "privacy": {"k": 2}, "reporting_length": min(config, 8)}
        assert resolve(parse(wanted), tuple(domain.names), domain.cards, domain.records, 3, 3).length == length


def test_five_rows_protected() -> None:
    names, lines = FIVE_ROWS
    expected = listed("a1 2, a2 2, b2 2, c1 2, a1b2 2, a1c1 2, b2c1 2")
    assert by_values(names, string_rows(lines), 2) == expected


def test_eleven_rows_exact() -> None:
    names, lines = ELEVEN_ROWS
    rows = string_rows(lines)
    domain = domain_of(names, rows)
    space, cells, counts = counted(domain, rows)
    per_length = np.split(counts, np.searchsorted(cells, space.length_bounds())[1:-1])
    assert [part.size for part in per_length] == [12, 34, 30]
    assert (counts.size, counts.sum()) == (76, 154)
    assert counts.mean() == pytest.approx(2.0263, abs=5e-5)
    assert [(part == 1).sum() for part in per_length] == [4, 22, 22]


@pytest.mark.parametrize(("below", "records"), [(2, 7), (3, 8)])
def test_eleven_rows_records_with_rare_combinations(below: int, records: int) -> None:
    names, lines = ELEVEN_ROWS
    rows = string_rows(lines)
    domain = domain_of(names, rows)
    space, cells, counts = counted(domain, rows)
    codes = encoded(domain, rows).tolist()
    cuts = np.searchsorted(cells, space.length_bounds())
    at_risk = set()
    for length in (1, 2, 3):
        part = slice(cuts[length - 1], cuts[length])
        columns, values = space.decode(cells[part][counts[part] < below], length)
        for combination in zip(columns.tolist(), values.tolist(), strict=True):
            wanted = dict(zip(*combination, strict=True))
            record = [wanted.get(column, 0) for column in range(len(names))]
            at_risk |= {index for index, row in enumerate(codes) if contains(row, record)}
    assert len(at_risk) == records


def test_eleven_rows_protected() -> None:
    names, lines = ELEVEN_ROWS
    expected = listed(
        "a2 6, b2 6, d2 6, c2 6, a1 4, d1 4, b1 4, c1 4, "
        "b2d2 4, c1d1 4, c2d2 4, a2c2 4, b2c2 4, a2d2 4, a2b2 4, b1d1 2, b1c1 2, a1d1 2, a1b1 2, a1c1 2, "
        "a1b1c1 2, a2b2d2 2, a2b2c2 2, a1c1d1 2, b1c1d1 2, a1b1d1 2, a2c2d2 2, b2c2d2 2"
    )
    assert by_values(names, string_rows(lines), 2) == expected


# --- rounding


@few
@given(st.lists(st.integers(0, 10**12)), st.integers(2, 50))
def test_protected_counts_are_multiples_of_k_just_below(counts: list[int], k: int) -> None:
    protected = protect(np.array(counts, np.int64), k).tolist()
    for count, kept in zip(counts, protected, strict=True):
        assert kept % k == 0
        assert 0 <= count - kept < k


@few
@given(coded_tables(most_columns=4), st.integers(2, 4))
def test_rows_hold_the_values_of_their_selections(table: Table, k: int) -> None:
    """Columns, selections and counts of every published row agree with the listed combinations."""
    names = [f"H{column}" for column in range(len(table.cards))]
    rows: Rows = [[f"v{code}" if code else None for code in row] for row in table.rows]
    domain = domain_of(names, rows)
    exact: Counter[str] = Counter()
    for combination, count in counts_of(table.rows, [1] * len(rows), min(3, len(names))).items():
        exact[";".join(f"H{column}:v{code}" for column, code in combination)] = count
    found = published(domain, *counted(domain, rows, min(3, len(names))), k)
    assert {row["selections"]: row["protected_count"] for row in found} == {
        text: count // k * k for text, count in exact.items() if count >= k
    }
    for row in found:
        values = [f"{name}:{row[name]}" for name in names if row[name] is not None]
        assert ";".join(values) == row["selections"]
        assert row["length"] == len(values)


# --- selection texts


def test_texts_are_in_byte_order() -> None:
    """``A1:x`` comes before ``A:x``, for 1 < :, upper case before lower case, and letters before emoji."""
    names = ("A", "A1", "a", "É", "Z")
    rows: Rows = [["x", "x", "x", "x", "x"]] * 2 + [["X", "y", "😀", None, "ÿ"]] * 2
    texts, place = selection_texts(domain_of(names, rows), 2)
    expected = ["A1:x", "A1:y", "A:X", "A:x", "Z:x", "Z:ÿ", "a:x", "a:😀", "É:x"]
    assert texts.to_pylist() == expected
    # attributes in domain order: ties of count by value
    attributes = ["A:X", "A:x", "A1:x", "A1:y", "a:x", "a:😀", "É:x", "Z:x", "Z:ÿ"]
    assert [expected[at] for at in place] == attributes


def test_selections_follow_the_texts_not_the_columns() -> None:
    rows: Rows = [["x", "x", "b"]] * 2
    domain = domain_of(("A", "A1", "0"), rows)
    found = {str(row["selections"]) for row in published(domain, *counted(domain, rows), 2)}
    assert found == {"A:x", "A1:x", "0:b", "A1:x;A:x", "0:b;A:x", "0:b;A1:x", "0:b;A1:x;A:x"}


def test_separators_are_written_as_names() -> None:
    rows: Rows = [["p;q", "b:1"]] * 3
    domain = domain_of(("D;h", "E:h"), rows)
    texts, _ = selection_texts(domain, 2)
    assert texts.to_pylist() == ["D<semicolon>h:p<semicolon>q", "E<colon>h:b<colon>1"]
    row = published(domain, *counted(domain, rows, 2), 2)[-1]
    assert row == {
        "length": 2,
        "D;h": "p;q",
        "E:h": "b:1",
        "selections": "D<semicolon>h:p<semicolon>q;E<colon>h:b<colon>1",
        "protected_count": 2,
    }


def test_the_escaped_text_decides_the_order() -> None:
    """``:`` (3A) would sort before ``;`` (3B), but ``<colon>`` and ``<semicolon>`` (both 3C) sort by their letters."""
    rows: Rows = [["x:"]] * 2 + [["x;"]] * 2 + [["x<"]] * 2 + [["x<d"]] * 2
    texts, _ = selection_texts(domain_of(("A",), rows), 2)
    assert texts.to_pylist() == ["A:x<", "A:x<colon>", "A:x<d", "A:x<semicolon>"]


def test_rare_values_have_no_text() -> None:
    rows: Rows = [["seen", "z"], ["seen", "z"], ["secret", "z"]]
    texts, place = selection_texts(domain_of(("A", "B"), rows), 2)
    assert texts.to_pylist() == ["A:seen", "B:z"]
    assert place.tolist() == [0, 1]
    texts, place = selection_texts(domain_of(("A", "B"), rows), 4)
    assert (texts.to_pylist(), place.tolist()) == ([], [])


@given(
    st.lists(st.tuples(st.integers(1, 8), st.one_of(st.integers(1, 200), st.integers(1, 10**12))), min_size=2).map(
        lambda found: np.array(sorted(found, key=lambda pair: (pair[0], -pair[1])), np.int64)
    )
)
def test_parts_are_cut_in_the_order_of_aggregates(found: Ints) -> None:
    ranks = ranks_of(found[:, 0], found[:, 1])
    assert (np.diff(ranks) >= 0).all()
    assert (np.diff(ranks)[np.diff(found[:, 0]) > 0] > 0).all()
    alike = (np.diff(found[:, 0]) == 0) & (np.diff(ranks) == 0)
    assert (16 * -np.diff(found[:, 1])[alike] < found[:-1, 1][alike]).all()
