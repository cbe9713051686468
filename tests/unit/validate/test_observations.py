"""What Great Expectations says of numbers that were observed: its own verdicts, on both sides of each limit."""

from typing import Any

import pytest

from synth_spark.validate.audit import contract, load_library
from synth_spark.validate.observations import judged
from synth_spark.validate.private_contract import private_contract

ROWS = {"rows": 7, "nulls": 0, "unexpected": 0}
CASES: list[tuple[str, dict[str, Any], dict[str, int], dict[str, int]]] = [
    ("ExpectTableRowCountToBeBetween", {"min_value": 1}, {"rows": 1}, {"rows": 0}),
    ("ExpectTableRowCountToBeBetween", {"min_value": 1, "max_value": 7}, {"rows": 7}, {"rows": 8}),
    ("ExpectColumnValuesToNotBeNull", {"column": "a"}, {}, {"nulls": 1, "unexpected": 1}),
    ("ExpectColumnValuesToBeBetween", {"column": "a", "min_value": 1}, {"nulls": 2}, {"unexpected": 1}),
    ("UnexpectedRowsExpectation", {"unexpected_rows_query": "SELECT a FROM {batch}"}, {}, {"unexpected": 1}),
]


@pytest.mark.parametrize(("name", "arguments", "met", "unmet"), CASES)
def test_verdicts(name: str, arguments: dict[str, Any], met: dict[str, int], unmet: dict[str, int]) -> None:
    load_library()
    import great_expectations.expectations as gxe

    expectation = getattr(gxe, name)(**arguments)
    assert judged(expectation, {**ROWS, **met})
    assert not judged(expectation, {**ROWS, **unmet})


def test_every_rule_about_a_written_table_can_be_observed() -> None:
    rules = [*contract(10, 3, "equal", True), *private_contract(3, True, True, "equal")]
    about_written = {rule.expectation for rule in rules if rule.suite in ("synthetic_records", "aggregates")}
    assert about_written == {name for name, *_ in CASES}
