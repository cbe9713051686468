"""What of a plan is published: every key is declared, and one that is not declared stays inside."""

import json
import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, create_model

from synth_spark.exports.showcase.presentation import presentation
from synth_spark.plan import Plan, parse, published
from synth_spark.plan.published import PRIVATE, PUBLISHED
from synth_spark.report.narrative.shared import release_row
from synth_spark.report.settings import settings

#: A plan that sets keys of every kind; texts that begin with SECRET must not be published.
ASKED: dict[str, Any] = {
    "title": "Cases",
    "input": {
        "path": "SECRET/cases.csv",
        "columns": ["age", "sex", "means", "day"],
        "record_limit": 71253,
        "max_value_length": 71254,
        "identifiers": ["SECRET identifier"],
        "numbers": {"age": {"edges": [71255, 71256]}, "sex": {"width": 5, "bottom": 71257, "origin": 71258}},
        "dates": {"day": {"to": "month", "format": "yyyy-MM 'SECRET'"}},
        "multi_values": {"means": ";"},
        "subject": {"id": "SECRET id", "order": "SECRET order", "take": {"sex": "first"}},
        "null_markers": ["SECRET marker"],
        "groups": {"sex": {"path": "SECRET.csv", "code": "a", "group": "b"}},
        "constraints": [{"forbid": {"sex": "SECRET", "age": "x"}}],
    },
    "assessment": {"earlier": "SECRET before", "secrets": ["sex"]},
    "rules": [{"rule": "use.pairs", "measure": "SECRET", "at_least": 0.71259}],
    "accepted": {"use.pairs": "SECRET reason"},
    "output": {"path": "SECRET/out"},
    "operations": {"job": "SECRET job", "metrics": "SECRET.prom"},
    "work": "SECRET/work",
    "ledger": "SECRET/ledger",
    "data_set": "SECRET data",
    "run_id": "SECRET-run",
    "task_memory": 71260,
    "seed": 71261,
    "publication": {"authors": [{"family": "Doe", "given": "Jane"}], "licence": "CC-BY-4.0"},
}


def models_in(kind: Any) -> Iterator[tuple[type[BaseModel], bool]]:
    """The parts of a plan that a type names, and whether they stand in a list or under names."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind, False
    if typing.get_origin(kind) in (Annotated, types.UnionType, typing.Union):
        yield from (found for one in typing.get_args(kind) for found in models_in(one))
    elif typing.get_origin(kind) in (dict, tuple, list):
        yield from ((model, True) for one in typing.get_args(kind) for model, _ in models_in(one))


def keys_of(model: type[BaseModel], above: str = "") -> set[str]:
    """All keys of a plan, with ``*`` for names and places, without those below a key that is private as a whole."""
    found: set[str] = set()
    for name, entry in model.model_fields.items():
        key = above + name
        if key in PRIVATE:
            found.add(key)
            continue
        within = list(models_in(entry.annotation))
        for one, many in within:
            found |= keys_of(one, f"{key}.*." if many else f"{key}.")
        if not within:
            found.add(f"{key}.*" if f"{key}.*" in PUBLISHED else key)
    return found


def test_every_key_of_the_plan_is_either_listed_or_declared_private() -> None:
    known = keys_of(Plan)
    assert len(known) > 100
    assert known - PUBLISHED.keys() - PRIVATE.keys() == set(), "list them in plan/published.py, with the reason"
    assert (PUBLISHED.keys() | PRIVATE.keys()) - known == set(), "no key of the plan"
    assert PUBLISHED.keys() & PRIVATE.keys() == set()
    assert all(PUBLISHED.values())
    assert all(PRIVATE.values())


def test_a_key_that_nobody_listed_is_not_published() -> None:
    longer = create_model("Longer", __base__=Plan, whim=(str, "SECRET whim"))
    plan = longer.model_validate({"input": {"path": "x.csv"}, "whim": "SECRET too"})
    assert "SECRET" not in json.dumps(published(plan))


@pytest.mark.parametrize("form", ["plan", "settings", "presentation", "row"])
def test_nothing_private_is_told(form: str) -> None:
    plan = parse(ASKED)
    told = {
        "plan": lambda: published(plan),
        "settings": lambda: settings(plan),
        "presentation": lambda: presentation(plan, {"sex": ["f"]}),
        "row": lambda: release_row(plan, {}, "safe", [], {}).to_pylist(),
    }[form]()
    text = json.dumps(told)
    assert "SECRET" not in text
    assert "7125" not in text
    assert "7126" not in text


def test_what_readers_need_is_told() -> None:
    told = published(parse(ASKED))
    assert told["input"]["multi_values"] == {"means": ";"}
    numbers = {"age": {"width": None, "quantiles": None}, "sex": {"width": "5", "quantiles": None}}
    assert told["input"]["numbers"] == numbers
    assert told["input"]["dates"] == {"day": {"to": "month"}}
    assert told["input"]["subject"] == {"across_sources": False, "take": {"sex": "first"}}
    assert told["publication"]["authors"][0]["family"] == "Doe"
    assert told["output"] == {"format": "parquet", "indicators": False, "long_form": False}
    assert ("input.numbers.sex.width", "5") in settings(parse(ASKED))
