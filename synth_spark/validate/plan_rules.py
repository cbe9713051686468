"""The rules of a plan, beside those of the contract: about a figure that was measured, or about a written table."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame

from synth_spark.errors import PlanError
from synth_spark.plan import PlanRule
from synth_spark.schema.metrics import Metric
from synth_spark.schema.verdicts import Result, Rule
from synth_spark.validate.audit import checked

_MEASURED = "ExpectColumnValuesToBeBetween"


def own_results(
    wishes: Sequence[PlanRule], metrics: Sequence[Metric], synthetic: DataFrame, aggregates: DataFrame
) -> list[Result]:
    """Check the rules of a plan.

    Args:
        wishes: the rules.
        metrics: everything that was measured.
        synthetic: the synthetic records as written.
        aggregates: the aggregates as written.

    Returns:
        One result a rule; a rule about a figure that was not measured does not hold.

    Raises:
        PlanError: there is no such expectation, or it does not take these arguments.
        EngineError: an expectation could not be evaluated.
    """
    batches: dict[str, tuple[str, Any]] = {
        "synthetic_records": ("spark", synthetic),
        "aggregates": ("spark", aggregates),
    }
    rules, missing = [], []
    for config in wishes:
        suite, _, name = config.rule.partition(".")
        if config.measure is None:
            _check(config)
            kind, arguments, batch = str(config.expectation), config.arguments, str(config.table)
        else:
            value = next((metric.value for metric in metrics if _names(config, metric)), math.nan)
            if math.isnan(value):
                meaning = f"{config.meaning} (was not measured)".strip()
                missing.append(Result(suite, name, _MEASURED, config.severity, False, meaning))
                continue
            kind, batch = _MEASURED, f"figure {config.rule}"
            arguments = {"column": "figure", "min_value": config.at_least, "max_value": config.at_most}
            batches[batch] = ("pandas", pd.DataFrame({"figure": [value]}))
        rules.append(Rule(suite, name, kind, arguments, config.meaning, config.severity, batch))
    return [*checked(batches, rules), *missing] if rules else missing


def check_rules(wishes: Sequence[PlanRule]) -> None:
    """Refuse rules about a table that could not be checked in the end; columns are looked at elsewhere.

    Args:
        wishes: the rules of a plan.

    Raises:
        PlanError: there is no such expectation, or it does not take these arguments.
    """
    for config in wishes:
        if config.expectation is not None:
            _check(config)


def _names(config: PlanRule, metric: Metric) -> bool:
    """Whether a rule is about a metric."""
    named = (config.topic, config.comparison, config.measure, config.about, config.length)
    return named == (metric.topic, metric.comparison, metric.measure, metric.about, metric.length)


def _check(config: PlanRule) -> None:
    """Find mistakes in the name and the arguments of an expectation."""
    import great_expectations.expectations as gxe

    field = f"rules {config.rule}"
    expectation = getattr(gxe, str(config.expectation), None)
    if expectation is None:
        raise PlanError(field, "names an expectation that Great Expectations does not have", "see its gallery")
    try:
        expectation(**config.arguments)
    except (TypeError, ValueError):
        raise PlanError(field, "has arguments that its expectation does not take", "see its gallery") from None
