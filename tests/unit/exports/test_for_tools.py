"""What other tools read beside the tables: dbt's sources, and Great Expectations' suites and results."""

import json
from typing import Any

import great_expectations as gx
import pandas as pd
import pytest
import yaml
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResultSchema

from synth_spark.exports.dbt_sources import dbt_sources
from synth_spark.exports.expectations import expectation_files
from synth_spark.validate import Result, contract, private_contract
from synth_spark.validate.audit import Rule

ENTRIES: dict[str, Any] = {
    "synthetic_records": {
        "grain": "one row an artificial record",
        "schema": [{"name": name, "type": "string"} for name in ("sex", "Côté (left)", "{{ env_var('KEY') }}")]
        + [{"name": "means", "type": "array<string>"}],
    },
    "aggregates": {
        "grain": "one row a combination",
        "schema": [
            {"name": "length", "type": "int"},
            {"name": "sex", "type": "string"},
            {"name": "selections", "type": "string"},
            {"name": "protected_count", "type": "bigint"},
        ],
    },
}


def test_every_table_and_column_is_a_source_of_dbt() -> None:
    content = yaml.safe_load(dbt_sources(ENTRIES))
    (source,) = content["sources"]
    assert (content["version"], source["name"]) == (2, "synth_spark")
    tables = {table["name"]: table for table in source["tables"]}
    assert tables.keys() == ENTRIES.keys()
    assert tables["aggregates"]["identifier"] == "latest_aggregates"
    columns = {column["name"]: column for column in tables["aggregates"]["columns"]}
    assert next(iter(columns)) == "run_id"
    assert set(columns) == {"run_id", "length", "sex", "selections", "protected_count"}
    assert columns["selections"]["data_tests"] == ["not_null", "unique"]
    assert "data_tests" not in columns["sex"]
    assert all(column["description"] and column["data_type"] for column in columns.values())
    of_records = {column["name"]: column for column in tables["synthetic_records"]["columns"]}
    assert of_records["Côté (left)"]["quote"] is True
    assert of_records["means"]["data_type"] == "string"


@pytest.mark.parametrize("begins", ["{{", "{%", "{#"])
def test_no_text_is_a_template_of_dbt(begins: str) -> None:
    name = f"a {begins} env_var('KEY')"
    entries = {"synthetic_records": {"grain": "g", "schema": [{"name": name, "type": "string"}]}}
    told = dbt_sources(entries)
    assert begins not in told
    assert "env_var" not in told


RULES = {
    "k_anonymity": contract(10, 3, "equal", constrained=True),
    "differential_privacy": private_contract(3, True, True, "equal"),
}


def told(rules: list[Rule], broken: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """The files of a release whose rules all held but one."""
    entries = [
        {
            "rule": f"{one.suite}.{one.name}",
            "meaning": one.meaning,
            "severity": one.severity,
            "expectation": one.expectation,
            "arguments": one.arguments,
        }
        for one in rules
    ]
    own = [{"rule": "own.secret", "arguments": {"value_set": ["a value"]}}]
    results = [
        Result(one.suite, one.name, one.expectation, one.severity, f"{one.suite}.{one.name}" != broken, one.meaning)
        for one in rules
    ]
    results.append(Result("own", "secret", "ExpectColumnValuesToBeInSet", "critical", True, "A rule of the plan."))
    text = yaml.safe_dump({"contract": entries, "own": own})
    suites, validations = expectation_files(text, results, {"great-expectations": gx.__version__})
    assert "a value" not in suites + validations
    return json.loads(suites), json.loads(validations)


@pytest.mark.parametrize("kind", RULES)
def test_suites_are_those_that_great_expectations_writes_itself(kind: str) -> None:
    suites, _ = told(RULES[kind])
    for suite in suites["suites"]:
        read = gx.ExpectationSuite(**suite)
        rules = [one for one in RULES[kind] if one.suite == suite["name"]]
        assert [type(one).__name__ for one in read.expectations] == [one.expectation for one in rules]
        assert [one.severity.value for one in read.expectations] == [one.severity for one in rules]
        written = read.to_json_dict()["expectations"]
        for mine, own in zip(suite["expectations"], written, strict=True):
            assert (mine["type"], mine["meta"]) == (own["type"], own["meta"])
            assert mine["kwargs"].items() <= own["kwargs"].items()
    assert sum(len(suite["expectations"]) for suite in suites["suites"]) == len(RULES[kind])


@pytest.mark.parametrize("kind", RULES)
def test_results_are_read_by_great_expectations_and_count_nothing(kind: str) -> None:
    _, validations = told(RULES[kind], broken="aggregates.length")
    for one in validations["results"]:
        read = ExpectationSuiteValidationResultSchema().load(one)
        broken = one["suite_name"] == "aggregates"
        assert read["success"] is not broken
        assert [each["success"] for each in one["results"]].count(False) == int(broken)
        assert [each["result"] for each in one["results"]] == [{}] * len(one["results"])


def test_the_suite_of_the_aggregates_can_be_run_again_on_the_published_table() -> None:
    suites, _ = told(
        [one for one in RULES["k_anonymity"] if "Query" not in one.expectation and "Rows" not in one.expectation]
    )
    (suite,) = [one for one in suites["suites"] if one["name"] == "aggregates"]
    context = gx.get_context(mode="ephemeral")
    batch = (
        context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("w")
    ).get_batch(
        {"dataframe": pd.DataFrame({"length": [1, 2], "selections": ["a:b", "c:d"], "protected_count": [10, 5]})}
    )
    failed = [
        one.expectation_config.meta["rule"]
        for one in batch.validate(gx.ExpectationSuite(**suite)).results
        if not one.success
    ]
    assert failed == ["aggregates.at_least_k"]
