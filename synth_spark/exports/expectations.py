"""The release contract, and what came of it, as Great Expectations' own JSON: suites, and results of validations.

The rules are those of the contract alone, whose arguments are limits of the release such as k and R. Rules of a plan
are told in ``QUALITY.md``, without their arguments, which may be values. No result has a sample, or counts anything.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from synth_spark.schema.verdicts import Result

#: What Great Expectations says of a rule that was evaluated.
_NOT_RAISED = {"raised_exception": False, "exception_traceback": None, "exception_message": None}


def expectation_files(contract: str, results: Sequence[Result], versions: Mapping[str, str]) -> tuple[str, str]:
    """The suites of a release and the results of their validation.

    Args:
        contract: the text of ``contract.yml`` in the run folder.
        results: of the audit, those that may be published.
        versions: of what made the release, by package.

    Returns:
        (suites, results), both JSON: ``{"suites": […]}`` and ``{"results": […]}``.
    """
    rules = {entry["rule"]: entry for entry in yaml.safe_load(contract)["contract"]}
    told = [one for one in results if one.name in rules]
    meta = {"great_expectations_version": versions.get("great-expectations", "unknown")}
    suites = list(dict.fromkeys(one.suite for one in told))
    by_suite = {suite: [one for one in told if one.suite == suite] for suite in suites}
    return (
        _json("suites", (_suite(suite, [rules[one.name] for one in own], meta) for suite, own in by_suite.items())),
        _json("results", (_validation(suite, own, rules, meta) for suite, own in by_suite.items())),
    )


def _json(name: str, entries: Iterable[Mapping[str, Any]]) -> str:
    return json.dumps({name: list(entries)}, indent=1, ensure_ascii=False) + "\n"


def _expectation(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as Great Expectations writes it down; its type is the name of its class in snake case."""
    return {
        "type": re.sub(r"(?<!^)(?=[A-Z])", "_", rule["expectation"]).lower(),
        "kwargs": dict(rule["arguments"]),
        "meta": {"rule": rule["rule"], "meaning": rule["meaning"]},
        "severity": rule["severity"],
    }


def _suite(name: str, rules: Sequence[Mapping[str, Any]], meta: Mapping[str, str]) -> dict[str, Any]:
    return {"name": name, "expectations": [_expectation(rule) for rule in rules], "meta": dict(meta), "notes": None}


def _validation(
    suite: str, results: Sequence[Result], rules: Mapping[str, Mapping[str, Any]], meta: Mapping[str, str]
) -> dict[str, Any]:
    held = sum(one.success for one in results)
    return {
        "success": held == len(results),
        "suite_name": suite,
        "suite_parameters": {},
        "results": [
            {
                "success": one.success,
                "expectation_config": _expectation(rules[one.name]),
                "result": {},
                "meta": {"accepted": one.accepted} if one.accepted else {},
                "exception_info": dict(_NOT_RAISED),
            }
            for one in results
        ],
        "statistics": {
            "evaluated_expectations": len(results),
            "successful_expectations": held,
            "unsuccessful_expectations": len(results) - held,
            "success_percent": 100.0 * held / len(results),
        },
        "meta": dict(meta),
    }
