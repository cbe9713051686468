"""Names, quoting and contracts of a warehouse, by themselves and in DuckDB."""

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth_spark.errors import PlanError, PublishError
from synth_spark.exports.warehouse.contract import Contract, contract_of, evolves
from synth_spark.exports.warehouse.database import check_schema, connected
from synth_spark.exports.warehouse.names import LONGEST, RESERVED, is_name, name_of, unique_names
from synth_spark.exports.warehouse.statements import DIALECTS, KINDS, identifier, literal
from synth_spark.schema.fields import json_arrays

HEADERS = st.lists(st.text(min_size=1, max_size=90), unique=True, max_size=30)


@given(HEADERS)
def test_every_header_gets_a_plain_name_of_its_own(headers: list[str]) -> None:
    names = unique_names(headers, taken=["run_id"])
    assert len({*names, "run_id"}) == len(headers) + 1
    for name in names:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert len(name.encode()) <= LONGEST
        assert name not in RESERVED
        assert is_name(name)


@given(HEADERS, HEADERS)
def test_what_has_a_name_keeps_it_whatever_comes_and_goes(before: list[str], after: list[str]) -> None:
    known = dict(zip(before, unique_names(before), strict=True))
    later = unique_names([*after, *(header for header in before if header not in after)], known)
    assert len(set(later)) == len(later)
    for header, name in zip([*after, *(header for header in before if header not in after)], later, strict=True):
        assert known.get(header, name) == name


def test_names_say_what_the_headers_said() -> None:
    assert name_of("HTTPCode 2") == "http_code_2"
    assert name_of("naïve") == "naive"
    assert name_of("select") == "select_"
    assert unique_names(["x" * 70, "x" * 71]) == ["x" * 63, "x" * 61 + "_2"]


def test_words_that_duckdb_reserves_are_reserved() -> None:
    words = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category IN ('reserved', 'type_function')"
    assert {word for (word,) in duckdb.sql(words).fetchall()} <= RESERVED


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")))
def test_quoted_texts_and_names_arrive_as_they_were(text: str) -> None:
    assert duckdb.sql(f"SELECT {literal(text)}").fetchall() == [(text,)]
    if text:
        assert duckdb.sql(f"SELECT 1 AS {identifier(text)}").columns == [text]


@given(st.lists(st.none() | st.lists(st.text(alphabet=st.characters(codec="utf-8"))), max_size=8), st.integers(0, 3))
def test_lists_are_arrays_of_json(lists: list[list[str] | None], first: int) -> None:
    made = json_arrays(pa.array(lists, pa.list_(pa.string())).slice(min(first, len(lists)))).to_pylist()
    assert [None if text is None else json.loads(text) for text in made] == lists[first:]


def contract(earlier: Contract | None = None, **tables: dict[str, str]) -> Contract:
    entries: dict[str, Any] = {
        name: {"schema": [{"name": column, "type": kind} for column, kind in columns.items()], "grain": "one row"}
        for name, columns in tables.items()
    }
    return contract_of({"tables": entries}, {}, earlier)


def test_columns_of_the_data_come_last_so_that_more_of_them_are_at_the_end() -> None:
    first = {"length": "int", "b": "string", "selections": "string", "protected_count": "bigint"}
    old = contract(aggregates=first)
    assert old.tables[0].names == ("run_id", "length", "selections", "protected_count", "b")
    new = contract(old, aggregates={"length": "int", "a": "string", **first})
    assert new.tables[0].names == ("run_id", "length", "selections", "protected_count", "b", "a")
    assert evolves(old, new) == []
    assert evolves(new, old) == ["column aggregates.a is gone"]
    assert Contract.load(new.dump()) == new


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"b": "string"}, "column synthetic_records.a is gone"),
        ({"a": "array<string>", "b": "string"}, "column synthetic_records.a was string and is list"),
        ({"b": "string", "a": "string"}, "column synthetic_records.a is in another place"),
        ({"A": "string", "b": "string"}, "column synthetic_records.a is of another header"),
    ],
)
def test_what_readers_would_trip_over_is_told(columns: dict[str, str], problem: str) -> None:
    old = contract(synthetic_records={"a": "string", "b": "string"})
    assert problem in evolves(old, contract(synthetic_records=columns))
    assert evolves(old, contract(aggregates={})) == ["table synthetic_records is gone"]
    assert evolves(old, contract(synthetic_records={"a": "string", "b": "string"}, aggregates={})) == []


def test_a_value_that_nobody_has_any_more_is_an_empty_column() -> None:
    old = contract(synthetic_indicators={"means_debt": "string", "means_force": "string"})
    new = contract(old, synthetic_indicators={"means_force": "string", "means_drugs": "string"})
    assert new.tables[0].names == ("run_id", "means_debt", "means_force", "means_drugs")
    assert evolves(old, new) == []


def test_types_are_those_of_the_contract() -> None:
    with pytest.raises(PublishError, match="protected_count': is string, and by contract bigint"):
        contract(aggregates={"protected_count": "string"})
    with pytest.raises(PublishError, match="has a type that no warehouse is promised"):
        contract(new_table={"x": "map<string,int>"})


@pytest.mark.parametrize("target", ["mysql://host/db", "duckdb:", "file.duckdb", ""])
def test_targets_of_another_form_are_refused(target: str) -> None:
    with pytest.raises(PlanError, match="TARGET"), connected(target):
        pass
    with pytest.raises(PlanError, match="--schema"):
        check_schema('x"; DROP')


def test_the_types_that_are_documented_are_those_of_the_contract() -> None:
    text = (Path(__file__).parents[3] / "docs" / "warehouses.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `[a-z<>]+` \| (\w+).*? \| (.+) \|$", text, re.MULTILINE)
    told = {kind: tuple(types.split(" | ")) for kind, types in rows}
    assert told == {name: tuple(kind.sql[dialect] for dialect in DIALECTS) for name, kind in KINDS.items()}
