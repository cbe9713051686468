"""Every rule of both contracts, on evidence made by hand: what is sound holds, a fault of its kind breaks it."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from synth_spark.plan import DifferentialPrivacy, SingleCounts
from synth_spark.privacy.ledger import Entry
from synth_spark.schema.published_columns import aggregate_columns
from synth_spark.validate.audit import Result, audit, contract
from synth_spark.validate.differencing_rules import DIFFERENCING, differencing_results, differencing_rules
from synth_spark.validate.evidence import Evidence
from synth_spark.validate.private_contract import PrivateRelease, audit_private, private_contract

K, NAMES = 5, ["a", "b"]
TERMS = DifferentialPrivacy(epsilon=1.0, delta=1e-6)
ENTRY = Entry("release", "cases", run_id="one", epsilon=1.0, delta=1e-6, nonce="n")
DRAWS = {"values": "v", "noisy_pairs": "p"}
RELEASE = PrivateRelease("one", TERMS, NAMES, {(0, "x"), (1, "y")}, 40, 0.0, ENTRY, DRAWS, DRAWS)
Written = dict[str, Any]


def singles(*rows: tuple[int, str, int | None, int | None]) -> pa.Table:
    """Single counts as written."""
    columns = zip(*rows, strict=True)
    names = ("column", "value", "protected", "synthetic")
    kinds = (pa.int32(), pa.string(), pa.int64(), pa.int64())
    return pa.table({name: pa.array(part, kind) for name, kind, part in zip(names, kinds, columns, strict=True)})


SINGLES = singles((0, "x", 10, 10), (1, "y", 5, 5))
SOUND: Written = {
    "singles": SINGLES, "leaked": 0, "emerged": 0, "fabricated": 0, "broken": 0, "unmatched": 0, "weakest": K,
    "above": 0, "different": 0, "missing": 0, "selections": 0, "length": 0, "proved": 0, "by_records": 0,
    "columns": {}, "unmet": (), "entries": [ENTRY], "release": RELEASE,
}  # fmt: skip


def evidence(written: Written, rules: list[Any], noisy: bool) -> Evidence:
    """What was counted of written tables; of a table's rules those named in ``unmet`` are not met by one row."""
    columns = {"synthetic_records": NAMES, "aggregates": aggregate_columns(NAMES, noisy=noisy), **written["columns"]}
    observed: dict[str, list[dict[str, int]]] = {"synthetic_records": [], "aggregates": []}
    for rule in rules:
        if rule.suite in observed:
            fault = int(f"{rule.suite}.{rule.name}" in written["unmet"])
            present = rule.expectation == "ExpectColumnValuesToNotBeNull"
            rows = 0 if fault and rule.name == "not_empty" else 7
            observed[rule.suite].append({"rows": rows, "nulls": fault * present, "unexpected": fault})
    return Evidence(columns, observed, written["singles"], pd.DataFrame({"broken": [written["broken"]]}))


def broken_rules(results: list[Result]) -> set[str]:
    return {result.name for result in results if not result.success}


def of_k_anonymity(single_counts: SingleCounts = "equal", **faults: Any) -> set[str]:
    """The rules that do not hold of sound evidence with some faults."""
    written, rules = SOUND | faults, contract(K, 3, single_counts, constrained=True)
    measures = {"measure": ["leaked", "emerged", "fabricated"]}
    measures |= {"value": [written[name] for name in measures["measure"]]}
    suites = {
        "proof": ("unmatched", "weakest"),
        "recount": ("above", "different", "missing", "selections", "length"),
        "joint_bounds": ("proved", "by_records"),
    }
    counted = {name: pd.DataFrame({column: [written[column]] for column in own}) for name, own in suites.items()}
    found = evidence(written, rules, noisy=False)
    results = audit(found, measures=pd.DataFrame(measures), counted=counted, names=NAMES, k=K, rules=rules)
    assert len(results) == len(rules)
    return broken_rules(results)


def of_differential_privacy(**faults: Any) -> set[str]:
    """The same of a private release."""
    written, rules = SOUND | faults, private_contract(3, True, True, "equal")
    results = audit_private(evidence(written, rules, noisy=True), written["release"], written["entries"], rules)
    assert len(results) == len(rules)
    return broken_rules(results)


#: Rules of written tables, which both contracts have, and those of one alone.
_OBSERVED = ("synthetic_records.not_empty", "aggregates.selections", "aggregates.length", "aggregates.unique")
_ROUNDED, _NOISY = ("aggregates.at_least_k", "aggregates.multiple_of_k"), ("aggregates.positive", "aggregates.interval")
_BOTH: list[tuple[str, dict[str, Any]]] = [
    ("columns.schema", {"columns": {"synthetic_records": ["b", "a"]}}),
    ("constraints.kept", {"broken": 1}),
]
FAULTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {"unmet": (name,)}) for name in (*_OBSERVED, *_ROUNDED)),
    *_BOTH,
    ("combinations.no_leakage", {"leaked": 1}),
    ("combinations.no_emergence", {"emerged": 1}),
    ("combinations.no_fabrication", {"fabricated": 1}),
    ("proof.support", {"weakest": K - 1}),
    ("proof.complete", {"unmatched": 1}),
    ("recount.no_more", {"above": 1}),
    ("recount.exact", {"different": 1}),
    ("recount.complete", {"missing": 1}),
    ("recount.selections", {"selections": 1}),
    ("recount.length", {"length": 1}),
    ("joint_bounds.nothing_proved", {"proved": 1}),
    ("joint_bounds.records_prove_nothing", {"by_records": 1}),
    ("single_counts.exact", {"singles": singles((0, "x", 10, 15), (1, "y", 5, 5))}),
    ("single_counts.complete", {"singles": singles((0, "x", 10, 10), (1, "y", 5, None))}),
    ("single_counts.value_domain", {"singles": singles((0, "x", 10, 10), (1, "y", 5, 5), (1, "z", None, 5))}),
]
PRIVATE_FAULTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {"unmet": (name,)}) for name in (*_OBSERVED, *_NOISY)),
    *_BOTH,
    ("combinations.released", {"release": replace(RELEASE, fabricated=1.0)}),
    ("privacy.delta", {"release": replace(RELEASE, records=2_000_000)}),
    ("privacy.debited", {"entries": [ENTRY, ENTRY]}),
    ("privacy.debited", {"entries": []}),
    ("privacy.terms", {"entries": [replace(ENTRY, epsilon=2.0)]}),
    ("privacy.terms", {"entries": [replace(ENTRY, delta=2e-6)]}),
    ("privacy.terms", {"entries": [replace(ENTRY, nonce="of another run")]}),
    ("privacy.terms", {"entries": [replace(ENTRY, data_set="others")]}),
    ("privacy.drawn", {"release": replace(RELEASE, entered={})}),
    ("privacy.drawn", {"release": replace(RELEASE, entered={**DRAWS, "noisy_pairs": "another"})}),
    ("privacy.drawn", {"release": replace(RELEASE, draws={"values": "v"})}),
    ("single_counts.exact", {"singles": singles((0, "x", 10, 11), (1, "y", 5, 5))}),
    ("single_counts.exact", {"singles": singles((0, "x", 10, 10), (1, "y", 5, None))}),
    ("single_counts.value_domain", {"singles": singles((0, "x", 10, 10), (1, "y", 5, 5), (1, "z", 5, 5))}),
]


def test_what_is_sound_breaks_no_rule() -> None:
    assert of_k_anonymity() == of_differential_privacy() == set()


@pytest.mark.parametrize(("rule", "fault"), FAULTS)
def test_a_fault_breaks_the_rule_of_its_kind_alone(rule: str, fault: dict[str, Any]) -> None:
    assert of_k_anonymity(**fault) == {rule}


@pytest.mark.parametrize(("rule", "fault"), PRIVATE_FAULTS)
def test_a_fault_of_a_private_release_breaks_the_rule_of_its_kind_alone(rule: str, fault: dict[str, Any]) -> None:
    assert of_differential_privacy(**fault) == {rule}


@pytest.mark.parametrize(
    ("single_counts", "off_by", "rules"),
    [("equal", 5, {"single_counts.exact"}), ("multiples", 5, set()), ("multiples", 1, {"single_counts.multiple_of_k"}),
     ("free", 1, set())],
)  # fmt: skip
def test_single_counts_are_held_to_what_their_way_of_synthesis_promises(
    single_counts: SingleCounts, off_by: int, rules: set[str]
) -> None:
    off = singles((0, "x", 10, 10 + off_by), (1, "y", 5, 5))
    assert of_k_anonymity(single_counts, singles=off) == rules


@pytest.mark.parametrize(
    ("fault", "rules"),
    [
        ({}, set()),
        ({"added": K - 1}, {"differencing.enough_added"}),
        ({"told": 1}, {"differencing.no_small_group"}),
        ({"known": 1}, {"differencing.no_known_count"}),
        ({"uncompared": 1}, {"differencing.everyone_compared"}),
    ],
)
def test_releases_are_held_to_what_they_tell_together(fault: dict[str, int], rules: set[str]) -> None:
    numbers = {"added": K, "told": 0, "known": 0, "uncompared": 0} | fault
    results = differencing_results(differencing_rules(K, adds=True), numbers)
    assert broken_rules(results) == rules
    assert {result.severity for result in results} == {"warning"}
    assert {result.name for result in results} == set(DIFFERENCING)


def test_where_nothing_was_compared_no_rule_says_that_nothing_is_told() -> None:
    rules = differencing_rules(K, adds=False, compares=False)
    results = differencing_results(rules, {"added": 0, "told": 0, "known": 0, "uncompared": 1})
    assert {result.name: result.success for result in results} == {"differencing.everyone_compared": False}


def test_every_rule_has_a_fault_that_breaks_it() -> None:
    """Rules whose meaning depends on the way of synthesis, and those of two releases, have tests of their own."""
    every: list[tuple[list[Any], list[tuple[str, dict[str, Any]]]]] = [
        (contract(K, 3, "equal", True), FAULTS), (private_contract(3, True, True, "equal"), PRIVATE_FAULTS),
    ]  # fmt: skip
    for rules, faults in every:
        assert {f"{rule.suite}.{rule.name}" for rule in rules} == {name for name, _ in faults}
