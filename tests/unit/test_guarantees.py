"""The page on what is guaranteed names tests that exist, and has a row for all that is promised."""

import ast
import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pyarrow as pa
import pytest

from synth_spark import plan as plans
from synth_spark.plan import SingleCounts
from synth_spark.plan.counted import GIVEN
from synth_spark.plan.planner import resolve
from synth_spark.privacy import compose, spend
from synth_spark.report.narrative import differential_privacy, k_anonymity
from synth_spark.schema.metrics import PUBLIC, Metric
from synth_spark.validate import Result, contract, differencing_rules, private_contract

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_every_test_that_is_named_exists(file: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    missing = {name for at, name in NAMED if at == file} - there
    assert not missing


def test_nothing_is_named_in_another_way() -> None:
    """A test that is misspelt is not left out of the one above."""
    assert PAGE.count("::") == len(re.findall(r"`tests/[\w/]+\.py::\w+`", PAGE))


def test_every_rule_of_the_contracts_has_a_row() -> None:
    kinds, either = get_args(SingleCounts), (False, True)
    rules = [rule for kind, more in product(kinds, either) for rule in contract(5, 3, kind, more, more)]
    rules += [rule for kind, more in product(kinds, either) for rule in private_contract(3, more, more, kind)]
    rules += differencing_rules(5, True)
    rows = set(re.findall(r"^\| `([\w.]+)` \|", PAGE, re.M))
    assert {f"{rule.suite}.{rule.name}" for rule in rules} <= rows


def test_every_numbered_sentence_of_the_readme_has_a_row() -> None:
    chapter = (ROOT / "README.md").read_text(encoding="utf-8").split("## What is guaranteed")[1].split("\n## ")[0]
    for part in re.split(r"^### ", chapter, flags=re.M)[1:]:
        heading = part.splitlines()[0]
        numbers = re.findall(r"^(\d+)\. ", part, re.M)
        assert numbers, heading
        assert re.findall(rf"^\| {heading.lower()} (\d+): ", PAGE, re.M) == numbers


def test_every_row_names_a_test_or_says_why_not() -> None:
    for row in re.findall(r"^\| (?!sentence|rule \|)[^|\n]+\|.*\|$", PAGE, re.M):
        assert "::" in row or any(why in row for why in ("by hand alone", "advice", "a warning", "no promise")), row


MEASURED = [
    Metric(None, PUBLIC, measure, None, length, 1.0)
    for measure in ("kept_share_of_common", "mass_share_of_common", "mean_ratio", "largest_gap", "suppressed",
                    "source_combinations")
    for length in (1, 2, 3)
]  # fmt: skip
RULES: tuple[list[Any], ...] = ([], [{"forbid": {"a": "x", "b": "y"}}])


#: What the audit says of earlier releases: that there are none, that all were compared, that not all were.
COMPARED: tuple[list[Any], ...] = (
    [], *([Result("differencing", "everyone_compared", "", "warning", held, "")] for held in (True, False)),
)  # fmt: skip


def sentences_of(
    privacy: dict[str, Any], synthesis: dict[str, Any], rules: list[Any], compared: list[Any]
) -> list[str]:
    """RELEASE.md of a release of three columns, of which nothing was made."""
    content = {"input": {"path": "cases.csv", "constraints": rules}, "privacy": privacy, "synthesis": synthesis}
    numbers = resolve(plans.parse(content), ("a", "b", "c"), (2, 2, 2), 990, 8, 3)
    numbers = replace(numbers, stepped=privacy.get("stepwise", False))
    written, made = table([(1, 2.0)]), table([])
    if not numbers.plan.privacy.noisy:
        return k_anonymity.facts_of(numbers, "one", written, made).sentences(MEASURED, compared)
    spending = spend(numbers.plan, 3, 3, compose(numbers.plan, [3, 3, 3], [3, 3, 3], [1, 1, 1]))
    released = {"records": 990, "lengths": 3, "granted": bool(rules)}
    return differential_privacy.facts_of(numbers, "one", spending, released, written, made).sentences(MEASURED, [])


def table(rows: list[tuple[int, float]]) -> Any:
    """What the facts of a release ask of a table: its columns, rows, and lengths with standard errors."""
    lengths, errors = (
        pa.array([row[place] for row in rows], kind) for place, kind in enumerate((pa.int32(), "double"))
    )
    batch = pa.RecordBatch.from_arrays([lengths, errors], names=["length", "standard_error"])
    return SimpleNamespace(kept=SimpleNamespace(columns=["a", "b", "c"], rows=len(rows), batches=lambda _: [batch]))


def every_sentence() -> dict[str, set[str]]:
    """Kind of privacy → all sentences that RELEASE.md may have, over ways of synthesis, domains and rules."""
    scaled = {"kind": "aggregate_seeded", "scale": 2}
    ways = [{"kind": kind} for kind in ("row_seeded", "value_seeded", "unseeded", "aggregate_seeded")]
    private = [{"kind": "marginal_matching"}, {"kind": "aggregate_seeded"}, scaled]
    domains = (False, True, {"a": ["x"]}, {name: ["x"] for name in "abc"})
    terms = [{"epsilon": epsilon, "public_domain": domain} for domain in domains for epsilon in (1.0, 3.0)]
    of_k = product([{"k": 10}, {"k": 10, "stepwise": True}], [*ways, scaled], RULES, COMPARED)
    of_noise = product(terms, private, RULES, COMPARED[:1])
    return {
        heading: {sentence for one in variants for sentence in sentences_of(*one)}
        for heading, variants in (("k-anonymity", of_k), ("differential privacy", of_noise))
    }


def released_by(domain: Any, granted: bool = False, **more: Any) -> str:
    """RELEASE.md of a private release."""
    rules = RULES[1] if granted else RULES[0]
    return " ".join(sentences_of({"epsilon": 1.0, "public_domain": domain, **more}, {}, rules, []))


def test_a_promise_given_the_values_that_occur_is_told_so_everywhere() -> None:
    """And one that depends on none of them, as values are declared, is told without a condition."""
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"With `public_domain: true` that is promised {GIVEN}. " in readme
    assert f"| with `public_domain: true` that is promised {GIVEN.partition(',')[0]} |" in PAGE
    listed = {name: ["x"] for name in "abc"}
    texts = {"true": True, "false": False, "some": {"a": ["x"]}, "listed": listed}
    told = {name: released_by(domain) for name, domain in texts.items()}
    told["never absent"] = released_by(listed, never_absent=["a", "b", "c"])
    assert {name for name, text in told.items() if f"as without, {GIVEN}, which were declared" in text} == {"true"}
    assert {name for name, text in told.items() if GIVEN.partition(",")[0] in text} == {"true"}
    unconditional = "depends on no value that occurs"
    assert {name for name, text in told.items() if unconditional in text} == {"listed", "never absent"}
    for domain in (True, False):
        rules = {f"{one.suite}.{one.name}": one.meaning for one in private_contract(3, True, True, "equal", domain)}
        assert (GIVEN in rules["privacy.terms"]) == domain


def test_a_release_says_what_limits_further_ones() -> None:
    nothing, budget = (
        "No budget was granted for its data set: nothing limits",
        "It is within the budget that was granted",
    )
    assert [text in released_by(False) for text in (nothing, budget)] == [True, False]
    assert [text in released_by(False, granted=True) for text in (nothing, budget)] == [False, True]


def test_a_release_claims_a_comparison_only_where_there_was_one() -> None:
    told = [" ".join(sentences_of({"k": 10}, {"kind": "row_seeded"}, [], compared)) for compared in COMPARED]
    claims = ["compared with no earlier release", "compared with every earlier release", "was not compared with, or"]
    assert [[claim in text for claim in claims] for text in told] == [[i == j for i in range(3)] for j in range(3)]


@pytest.mark.parametrize(("kind", "sentences"), every_sentence().items())
def test_every_sentence_of_a_release_has_a_row_and_every_row_a_sentence(kind: str, sentences: set[str]) -> None:
    assert len(sentences) > 15
    quoted = re.findall(r"^\| “(.+?)” \|", PAGE, re.M)
    assert [sentence for sentence in sentences if not any(words in sentence for words in quoted)] == []
    own = PAGE.split(f"## RELEASE.md: {kind}")[1].split("\n## ")[0]
    rows = re.findall(r"^\| “(.+?)” \|", own, re.M)
    assert [words for words in rows if not any(words in sentence for sentence in sentences)] == []
