"""Names, quoting and contracts of a warehouse, by themselves and in DuckDB."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth_spark.errors import PlanError, PublishError
from synth_spark.exports.warehouse.contract import Contract, contract_of, evolves
from synth_spark.exports.warehouse.database import check_schema, connected
from synth_spark.exports.warehouse.names import LONGEST, RESERVED, unique_names
from synth_spark.exports.warehouse.statements import DIALECTS, KINDS, identifier, literal
from synth_spark.schema.fields import json_arrays

HEADERS = st.lists(st.text(min_size=1, max_size=90), unique=True, max_size=30)


@settings(deadline=None)
@given(HEADERS)
def test_every_header_gets_a_name_of_its_own_that_databases_take(headers: list[str]) -> None:
    names = unique_names(headers, taken=["run_id"])
    assert len({one.lower() for one in (*names, "run_id")}) == len(headers) + 1  # DuckDB does not tell capitals apart
    for header, name in zip(headers, names, strict=True):
        assert name == header or len(header.encode()) >= LONGEST - 3 or "\0" in header or name.startswith(f"{header}_")
        assert 0 < len(name.encode()) <= LONGEST
    columns = ", ".join(f"{identifier(name)} VARCHAR" for name in names)
    if names:
        duckdb.sql(f"CREATE OR REPLACE TEMP TABLE made ({columns})")
        assert duckdb.table("made").columns == names


@given(HEADERS, HEADERS)
def test_what_has_a_name_keeps_it_whatever_comes_and_goes(before: list[str], after: list[str]) -> None:
    known = dict(zip(before, unique_names(before), strict=True))
    later = unique_names([*after, *(header for header in before if header not in after)], known)
    assert len(set(later)) == len(later)
    for header, name in zip([*after, *(header for header in before if header not in after)], later, strict=True):
        assert known.get(header, name) == name


def test_names_are_those_of_the_release_unless_a_warehouse_takes_none_such() -> None:
    headers = ["yearOfRegistration", "column", "select", "HTTPCode 2", 'say "x"', "年"]
    assert unique_names(headers) == headers
    assert unique_names(["Sex", "sex", "xmin", "XMIN"]) == ["Sex", "sex_2", "xmin_", "XMIN"]
    assert unique_names(["x" * 70, "x" * 71]) == ["x" * 63, "x" * 61 + "_2"]
    assert unique_names(["年" * 30]) == ["年" * 21]


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


def test_columns_of_another_version_of_the_contract_are_not_mixed_with_these() -> None:
    """Version 1 had `sex_2` where the release said `Sex 2`; what was loaded by it stays as it is."""
    entries = {"aggregates": {"Sex 2": "string"}}
    old = contract(**entries)
    old = replace(old, version=1, tables=(replace(old.tables[0], columns=old.tables[0].columns[:1]),))
    new = contract(old, **entries)
    assert new.tables[0].names == ("run_id", "Sex 2")
    assert evolves(old, new) == ["columns are named by version 2 of the contract, and were by version 1"]


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"b": "string"}, "column synthetic_records.a is gone"),
        ({"a": "array<string>", "b": "string"}, "column synthetic_records.a was string and is list"),
        ({"b": "string", "a": "string"}, "column synthetic_records.a is in another place"),
    ],
)
def test_what_readers_would_trip_over_is_told(columns: dict[str, str], problem: str) -> None:
    old = contract(synthetic_records={"a": "string", "b": "string"})
    assert problem in evolves(old, contract(synthetic_records=columns))
    assert evolves(old, contract(aggregates={})) == ["table synthetic_records is gone"]
    cut, other = (contract(aggregates={"x" * long: "string"}) for long in (70, 71))
    assert evolves(cut, other) == [f"column aggregates.{'x' * LONGEST} is of another header"]
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
