"""The release contract as Great Expectations suites, run over the tables as written.

Results hold counts and verdicts, never values: no sample of a failing row is fetched, shown or stored.
"""

import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame

from synth_spark.errors import AuditFailed, EngineError

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

SCHEMA = "suite string, rule string, expectation string, severity string, success boolean, meaning string"
#: Full numbers, and never a sample of values.
_RESULT_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": 0}


@dataclass(frozen=True)
class Result:
    """One expectation and whether it held."""

    suite: str
    rule: str
    expectation: str
    severity: str
    success: bool
    meaning: str


def audit(
    *,
    synthetic: DataFrame,
    aggregates: DataFrame,
    single_counts: "pd.DataFrame",
    measures: "pd.DataFrame",
    proof: "pd.DataFrame",
    names: list[str],
    k: int,
    longest: int,
) -> list[Result]:
    """Check every expectation of the release contract.

    Args:
        synthetic: the synthetic records as written.
        aggregates: the aggregates as written.
        single_counts: one row an attribute: ``protected``, ``synthetic``.
        measures: one row a measure of sensitive against synthetic combinations, over all lengths: ``measure``, ``value``.
        proof: one row: ``distinct`` synthetic records, ``proven`` ones, ``weakest`` support (up to k).
        names: column names, in order.
        k: privacy resolution.
        longest: R.

    Returns:
        One result an expectation.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)

    def rule(name: str, meaning: str) -> dict[str, Any]:
        return {"meta": {"rule": name, "meaning": meaning}, "severity": "critical"}

    spark_source = context.data_sources.add_spark("written", persist=False)
    pandas_source = context.data_sources.add_pandas("measured")
    results = _run(context, spark_source, "synthetic_records", synthetic, [
        gxe.ExpectTableColumnsToMatchOrderedList(column_list=names, **rule("schema", "The columns are the input's, in order.")),
        gxe.ExpectTableRowCountToBeBetween(min_value=1, **rule("not_empty", "There are synthetic records.")),
    ])  # fmt: skip
    columns = ["length", *names, "selections", "protected_count"]
    results += _run(context, spark_source, "aggregates", aggregates, [
        gxe.ExpectTableColumnsToMatchOrderedList(column_list=columns, **rule("schema", "The columns are as declared.")),
        gxe.ExpectColumnValuesToNotBeNull(column="selections", **rule("selections", "Every combination has its text.")),
        gxe.ExpectColumnValuesToBeBetween(
            column="length", min_value=1, max_value=longest, **rule("length", "No combination is longer than R.")),
        gxe.ExpectColumnValuesToBeBetween(
            column="protected_count", min_value=k, **rule("at_least_k", "No published count is below k.")),
        gxe.UnexpectedRowsExpectation(
            unexpected_rows_query=f"SELECT length FROM {{batch}} WHERE protected_count % {k} <> 0",
            **rule("multiple_of_k", "Every published count is a multiple of k.")),
        gxe.UnexpectedRowsExpectation(
            unexpected_rows_query="SELECT selections FROM {batch} GROUP BY selections HAVING count(*) > 1",
            **rule("unique_combinations", "Every combination is published once.")),
    ])  # fmt: skip
    single_counts = single_counts.assign(difference=single_counts["synthetic"] - single_counts["protected"])
    results += _run(context, pandas_source, "single_counts", single_counts, [
        gxe.ExpectColumnValuesToNotBeNull(
            column="protected", **rule("value_domain", "Every synthetic value is a protected attribute.")),
        gxe.ExpectColumnValuesToNotBeNull(
            column="synthetic", **rule("complete_values", "Every protected attribute occurs in the synthetic records.")),
        gxe.ExpectColumnValuesToBeInSet(
            column="difference", value_set=[0], **rule("single_counts", "Synthetic single counts equal the protected ones.")),
    ])  # fmt: skip
    wide = measures.set_index("measure")["value"].to_frame().T.reset_index(drop=True)
    results += _run(context, pandas_source, "combinations", wide, [
        gxe.ExpectColumnValuesToBeInSet(
            column="leaked", value_set=[0], **rule("no_leakage", "No rare combination occurs in the synthetic records.")),
        gxe.ExpectColumnValuesToBeInSet(
            column="emerged", value_set=[0], **rule("no_emergence", "No rare combination became a frequent one.")),
        gxe.ExpectColumnValuesToBeInSet(
            column="fabricated", value_set=[0], **rule("no_fabrication", "Every synthetic combination exists in the input.")),
    ])  # fmt: skip
    results += _run(context, pandas_source, "proof", proof, [
        gxe.ExpectColumnValuesToBeBetween(
            column="weakest", min_value=k, **rule("proof", "Every synthetic record is contained in at least k sensitive records.")),
        gxe.ExpectColumnPairValuesToBeEqual(
            column_A="distinct", column_B="proven", **rule("proof_complete", "The proof covers every distinct synthetic record.")),
    ])  # fmt: skip
    return results


def gate(results: list[Result]) -> None:
    """Raise `AuditFailed`, naming the rules, if a critical expectation did not hold."""
    failed = [f"{result.suite}.{result.rule}" for result in results if not result.success and result.severity == "critical"]
    if failed:
        raise AuditFailed(
            "release", f"breaks {len(failed)} of {len(results)} rules: {', '.join(failed)}", "nothing was published; see quality.md in the run folder"
        )


def _run(context: "gx.data_context.EphemeralDataContext", source: Any, name: str, batch: Any, expectations: list[Any]) -> list[Result]:
    import great_expectations as gx

    suite = gx.ExpectationSuite(name=name, expectations=expectations)
    definition = source.add_dataframe_asset(name=name).add_batch_definition_whole_dataframe("whole")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcome = definition.get_batch({"dataframe": batch}).validate(suite, result_format=_RESULT_FORMAT)
    found = []
    for result in outcome.results:
        config = result.expectation_config
        if result.exception_info and _raised(result.exception_info):
            raise EngineError(f"expectation {name}.{config.meta['rule']}", "could not be evaluated", "see the run's stages before it")
        found.append(
            Result(name, config.meta["rule"], config.type, str(config.severity.value if hasattr(config.severity, "value") else config.severity), bool(result.success), config.meta["meaning"])
        )
    return found


def _raised(info: dict[str, Any]) -> bool:
    """Whether an expectation ended in an exception; its text may quote data and is not kept."""
    if "raised_exception" in info:
        return bool(info["raised_exception"])
    return any(isinstance(value, dict) and value.get("raised_exception") for value in info.values())
