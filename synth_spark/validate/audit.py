"""The release contract as Great Expectations suites, run over the tables as written.

Results hold verdicts, never values: no sample of a failing row is fetched, shown or stored.
"""

import os
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from synth_spark.errors import AuditFailed, EngineError
from synth_spark.plan import SingleCounts
from synth_spark.runtime.imports import on_first_use, uncollected, unwarned
from synth_spark.schema.published_columns import aggregate_columns
from synth_spark.schema.verdicts import Result, Rule
from synth_spark.validate.observations import judged

if TYPE_CHECKING:
    import pandas as pd

    from synth_spark.validate.evidence import Evidence

_ROWS = pa.schema([*((name, pa.string()) for name in ("suite", "rule", "expectation", "severity")),
                   ("success", pa.bool_()), ("meaning", pa.string()), ("accepted", pa.string())])  # fmt: skip
_IN_SET = "ExpectColumnValuesToBeInSet"
#: All counts, and never a sample of values.
_RESULT_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": 0}


def rule(name: str, expectation: str, meaning: str, **arguments: Any) -> Rule:
    """A critical rule, named suite.rule."""
    suite, _, short = name.partition(".")
    return Rule(suite, short, expectation, arguments, meaning)


def contract(
    k: int, longest: int, single_counts: SingleCounts, constrained: bool = False, proven: bool = True
) -> list[Rule]:
    """The rules of every k-anonymous release, suite by suite.

    Args:
        k: privacy resolution.
        longest: R.
        single_counts: what the way of synthesis promises of those of the synthetic records.
        constrained: whether the plan declares structural rules.
        proven: whether every record, as a whole, is contained in ≥ k sensitive ones; else only what is counted of it.
    """
    none, pairs = {"value_set": [0]}, "ExpectColumnPairValuesToBeEqual"
    between, in_set, present = "ExpectColumnValuesToBeBetween", _IN_SET, "ExpectColumnValuesToNotBeNull"
    odd = f"SELECT length FROM {{batch}} WHERE protected_count % {int(k)} <> 0"  # noqa: S608 (a number)
    twice = "SELECT selections FROM {batch} GROUP BY selections HAVING count(*) > 1"

    same = {"column_A": "declared", "column_B": "written", "ignore_row_if": "neither"}
    singles = [
        rule("single_counts.value_domain", present, "Every synthetic value is a protected one.", column="protected")
    ]
    if single_counts == "equal":
        singles += [
            rule("single_counts.complete", present, "Every protected value is a synthetic one.", column="synthetic"),
            rule("single_counts.exact", in_set, "Single counts equal the protected ones.", column="difference", **none),
        ]
    elif single_counts == "multiples":
        rounded = "Single counts of the synthetic records are multiples of k."
        singles.append(rule("single_counts.multiple_of_k", in_set, rounded, column="remainder", **none))
    proof = [
        rule("proof.support", between, "≥ k sensitive records contain each record.", column="weakest", min_value=k),
        rule("proof.complete", in_set, "It covers each record as written, and no other.", column="unmatched", **none),
    ]
    figures = {
        "combinations.no_leakage": ("leaked", "No combination that is rare in the input is in fewer than k records."),
        "combinations.no_emergence": ("emerged", "No combination that is rare in the input is in k records or more."),
        "combinations.no_fabrication": ("fabricated", "Every combination of the records is in the input."),
    }
    combined = [
        rule(name, in_set, f"{meaning} Up to R.", column=column, **none) for name, (column, meaning) in figures.items()
    ]
    together = "Counts together prove nothing of fewer than k records, as far as is looked for."
    beside = "Nor does what the records hold, beside the counts."
    declared = [rule("constraints.kept", in_set, "Every synthetic record keeps the rules.", column="broken", **none)]
    return [
        rule("columns.schema", pairs, "Every table has its declared columns, in order.", **same),
        rule("synthetic_records.not_empty", "ExpectTableRowCountToBeBetween", "There are records.", min_value=1),
        rule("aggregates.selections", present, "Every combination has its text.", column="selections"),
        rule("aggregates.length", between, "No length above R.", column="length", min_value=1, max_value=longest),
        rule("aggregates.at_least_k", between, "No count below k.", column="protected_count", min_value=k),
        rule("aggregates.multiple_of_k", "UnexpectedRowsExpectation", "Multiples of k.", unexpected_rows_query=odd),
        rule("aggregates.unique", "UnexpectedRowsExpectation", "No combination twice.", unexpected_rows_query=twice),
        *_recounted(longest),
        rule("joint_bounds.nothing_proved", in_set, together, column="proved", **none),
        *([rule("joint_bounds.records_prove_nothing", in_set, beside, column="by_records", **none)] if proven else []),
        *singles,
        *combined,
        *(declared if constrained else []),
        *(proof if proven else []),
    ]


def _recounted(longest: int) -> list[Rule]:
    """The rules about what `synth_spark.validate.recount` finds."""
    meanings = {
        "above": "No published count is above the number of records that hold the combination, rounded down.",
        "different": "Every published count, with what it was lowered by, is that number.",
        "missing": f"Every combination of 1 to {longest} attributes that ≥ k records hold is published, or withheld.",
        "selections": "The text of every combination is that of its columns.",
        "length": "The length of every combination is its number of values.",
    }
    names = {"above": "no_more", "different": "exact", "missing": "complete"}
    return [
        rule(f"recount.{names.get(column, column)}", _IN_SET, meaning, column=column, value_set=[0])
        for column, meaning in meanings.items()
    ]


def audit(
    evidence: "Evidence",
    *,
    measures: "pd.DataFrame",
    counted: "Mapping[str, pd.DataFrame | None]",
    names: list[str],
    k: int,
    rules: list[Rule],
) -> list[Result]:
    """Check every rule of a contract.

    Args:
        evidence: what was counted of the written tables.
        measures: one row a measure of sensitive against synthetic combinations, all lengths: ``measure``, ``value``.
        counted: what was counted anew from the text that was read, one row each: of ``proof`` (see `weakest`; None if
            the contract has none), ``recount`` (see `recount`) and ``joint_bounds`` (see `joint_bounds`, and
            `record_bounds` if the contract has its rule).
        names: column names, in order.
        k: privacy resolution.
        rules: the contract.

    Returns:
        One result a rule.

    Raises:
        EngineError: an expectation could not be evaluated.
    """
    declared = {"synthetic_records": names, "aggregates": aggregate_columns(names, noisy=False)}
    counts = evidence.singles.select(["protected", "synthetic"]).to_pandas()
    counts = counts.assign(difference=counts["synthetic"] - counts["protected"], remainder=counts["synthetic"] % k)
    batches: dict[str, tuple[str, Any]] = {
        **evidence.batches(declared),
        "single_counts": ("pandas", counts),
        "combinations": ("pandas", measures.set_index("measure")["value"].to_frame().T.reset_index(drop=True)),
        **{suite: ("pandas", row) for suite, row in counted.items()},
    }
    return checked(batches, rules)


def checked(batches: dict[str, tuple[str, Any]], rules: Sequence[Rule]) -> list[Result]:
    """Check rules, suite by suite.

    Args:
        batches: suite → how its batch is looked at, and the batch: a frame by the library in spark or pandas, or what
            was observed of a written table, for each of its rules (see `observe`).
        rules: those of a suite next to each other.

    Raises:
        EngineError: an expectation could not be evaluated.
    """
    load_library()
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    _silence(context)
    results: list[Result] = []
    for (suite, name), group in groupby(rules, key=lambda rule: (rule.suite, rule.batch or rule.suite)):
        (where, batch), chosen = batches[name], list(group)
        if where == "observed":
            results += _judge(batch, suite, chosen)
        else:
            results += _run(_source(context, where), batch, suite, chosen)
    return results


def overall(measures: pa.Table) -> "pd.DataFrame":
    """Of the kept measures those of sensitive against synthetic combinations, all lengths: ``measure``, ``value``."""
    compared = pc.equal(measures["comparison"], "sensitive_to_synthetic")
    over_all = pc.and_(pc.is_null(measures["length"]), pc.is_null(measures["count_bin"]))
    measured: pd.DataFrame = measures.filter(pc.and_(compared, over_all)).select(["measure", "value"]).to_pandas()
    return measured


def quality_results(results: Iterable[Result]) -> pa.Table:
    """Results as a table, one row each."""
    return pa.Table.from_pylist([vars(result) for result in results], _ROWS)


def gate(results: Iterable[Result]) -> None:
    """Raise `AuditFailed`, naming the rules, if a critical one did not hold, or a warning that nobody accepted."""
    results = list(results)
    failed = [result for result in results if result.holds_back]
    if failed:
        problem = f"breaks {len(failed)} of {len(results)} rules: {', '.join(result.name for result in failed)}"
        remedy = "nothing was published; see report.html and quality.md in the run folder"
        if all(result.severity == "warning" for result in failed):
            remedy += "; warnings can be accepted: synth-spark resume RUN --accept RULE --reason TEXT"
            remedy += " (of a rule about what is published, the release tells the reason and who accepted it)"
        raise AuditFailed("release", problem, remedy)


def load_library() -> None:
    """Import Great Expectations, without its telemetry. It takes seconds; see `load_library_beside`.

    What it draws charts, tests distributions, checks JSON and renders pages with is not asked of it here, and would be
    four tenths of them.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    unwarned()  # it imports parts of PySpark that ask for pandas
    with on_first_use("altair", "scipy.stats", "scipy.sparse", "jsonschema", "mistune"):
        import great_expectations.expectations  # noqa: F401


def load_library_beside() -> None:
    """Import Great Expectations ahead of need, in a thread of its own: best while Spark works and Python waits."""
    threading.Thread(target=_load_uncollected, name="great-expectations", daemon=True).start()


def _load_uncollected() -> None:
    with uncollected():
        load_library()


def check_columns(table: str, declared: Sequence[str], written: Sequence[str]) -> None:
    """Refuse, by the name of its rule, a written table that has not even the columns that it is to be looked at by.

    Raises:
        AuditFailed: a column is missing, is there besides, or has another place.
    """
    if list(declared) != list(written):
        problem = "breaks the rule columns.schema: a column is missing, another one, or in another place"
        raise AuditFailed(f"table {table}", problem, "nothing was published; run the stage that makes it again")


def _silence(context: Any) -> None:
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context.variables.progress_bars = ProgressBarsConfig(globally=False)


def column_pairs(declared: dict[str, list[str]], written: dict[str, list[str]]) -> "pd.DataFrame":
    """One row a column: what a table should have there, and what it has."""
    import pandas as pd

    rows = [
        {"table": table, "declared": should or "(none)", "written": has or "(none)"}
        for table in declared
        for should, has in zip_longest(declared[table], written[table])
    ]
    return pd.DataFrame(rows)


def _source(context: Any, where: str) -> Any:
    """Where batches come from, spark or pandas; a context has one of each."""
    sources = context.data_sources.all()
    if where in sources:
        return sources[where]
    if where == "spark":
        return context.data_sources.add_spark(where, persist=False)
    return context.data_sources.add_pandas(where)


def _judge(observed: list[dict[str, int]], name: str, rules: list[Rule]) -> list[Result]:
    """The verdicts of one suite on what was observed of a written table."""
    return [
        Result(name, rule.name, rule.expectation, rule.severity, judged(_expectation(rule), counts), rule.meaning)
        for rule, counts in zip(rules, observed, strict=True)
    ]


def _expectation(rule: Rule, number: int = 0) -> Any:
    """The expectation of Great Expectations that a rule names; its number identifies its result."""
    import great_expectations.expectations as gxe

    return getattr(gxe, rule.expectation)(**rule.arguments, meta={"rule": number}, severity=rule.severity)


def _run(source: Any, batch: Any, name: str, rules: list[Rule]) -> list[Result]:
    """Validate one batch with one suite."""
    import great_expectations as gx

    expectations = [_expectation(rule, index) for index, rule in enumerate(rules)]
    suite = gx.ExpectationSuite(name=name, expectations=expectations)
    asset = source.add_dataframe_asset(name=f"{name} {rules[0].batch}".strip())
    definition = asset.add_batch_definition_whole_dataframe("whole")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcome = definition.get_batch({"dataframe": batch}).validate(suite, result_format=_RESULT_FORMAT)
    results = []
    for result in outcome.results:
        rule = rules[result.expectation_config.meta["rule"]]
        if _raised(result.exception_info or {}):
            raise EngineError(f"rule {name}.{rule.name}", "could not be evaluated", "run the stages before it again")
        verdict = bool(result.success)
        results.append(Result(name, rule.name, rule.expectation, rule.severity, verdict, rule.meaning))
    return results


def _raised(info: dict[str, Any]) -> bool:
    """Whether an expectation ended in an exception; its text may quote data and is not kept."""
    nested = [value for value in info.values() if isinstance(value, dict)]
    return any(bool(part.get("raised_exception")) for part in [info, *nested])
