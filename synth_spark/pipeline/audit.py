"""How an audit ends, for both lines: results are kept, reported and remembered; a release that must not go out is held.

A release that breaks a rule stays where it is, in its sensitive run folder, with its report; beside the run folders,
``quarantine/RUN_ID.md`` says why. The results of every audit, whatever came of it, are added to ``quality_results``
there.
"""

import getpass
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd
import yaml
from pyspark.sql import DataFrame

from synth_spark import validate
from synth_spark.assess.differencing_bounds import DISCLOSURES, KNOWN
from synth_spark.pipeline.publication import write_internal
from synth_spark.pipeline.run import Run
from synth_spark.plan import PlanRule
from synth_spark.report import narrative
from synth_spark.runtime import faults
from synth_spark.schema import tables
from synth_spark.schema.metrics import PUBLISHED, Metric
from synth_spark.schema.root_layout import CONTRACT, QUARANTINE
from synth_spark.schema.verdicts import Result, Rule
from synth_spark.storage.runs import beside


def conclude(
    run: Run, rules: Sequence[Rule], results: Sequence[Result], synthetic: DataFrame, aggregates: DataFrame
) -> None:
    """Check the plan's own rules besides, keep all results, and stop here if the release must not go out.

    Args:
        run: the run.
        rules: of the contract.
        results: theirs.
        synthetic: the synthetic records as written.
        aggregates: the aggregates as written.

    Raises:
        AuditFailed: a critical rule is broken, or a warning that nobody accepted.
        PlanError: what was accepted is no warning of this release.
    """
    measured = all_metrics(run)
    more, compared = _differencing(run, measured)
    rules = [*rules, *more]
    every = [*results, *compared, *validate.own_results(run.plan.rules, measured, synthetic, aggregates)]
    validate.check_accepted(run.plan, run.plan.accepted)
    every = _with_acceptances(every, acceptances(run))
    run.keep(tables.AUDIT_RESULTS, validate.quality_results(every))  # one row an expectation
    hidden = withheld(run.plan.rules)
    shown = [result for result in every if result.name not in hidden]
    run.keep(tables.QUALITY_RESULTS, validate.quality_results(shown))  # one row an expectation
    run.store.write(CONTRACT, _contract_text(run, rules))
    run.store.write("quality.md", narrative.quality_text(run.store.run_id, every))
    write_internal(run, every)
    _remember(run, every)
    _quarantine(run, every)
    validate.gate(every)


def accept(run: Run, rule: str, reason: str) -> None:
    """Record that someone accepts that a warning is broken.

    Args:
        run: the run.
        rule: name of the warning.
        reason: why. With the name of who accepts it, it is published where the rule is about what is published.

    Raises:
        PlanError: there is no such warning.
        RunError: another process works on the run. Nothing was written.
    """
    validate.check_accepted(run.plan, [rule])
    when, by = faults.now().isoformat(timespec="seconds"), _who()
    with run.store.alone():
        run.store.manifest.setdefault("accepted", {})[rule] = {"reason": reason, "by": by, "when": when}
        run.store.save()
    if rule not in withheld(run.plan.rules):
        told = f"that “{by}” accepted it, when, and the reason that was given"
        run.progress.warn(f"if {rule} is broken, the release tells everyone {told}")


def withheld(rules: Sequence[PlanRule]) -> set[str]:
    """Names of rules whose outcome is not published: it tells of exact figures, which nothing protects.

    A plan's rules about a written table, or about a figure of published tables, tell nothing that these do not.
    """
    measured = [one for one in rules if one.measure is not None]
    return {validate.ENOUGH_ADDED} | {one.rule for one in measured if one.comparison not in PUBLISHED}


def acceptances(run: Run) -> dict[str, str]:
    """Rules that may be broken, and why: as the plan says, and as was said since.

    What a run folder names that is no warning of its run accepts nothing, and holds up nothing.
    """
    known, recorded = validate.acceptable(run.plan), run.store.manifest.get("accepted", {})
    entries = {rule: entry for rule, entry in recorded.items() if rule in known}
    return {
        **run.plan.accepted,
        **{rule: f"{entry['reason']} ({entry['by']}, {entry['when']})" for rule, entry in entries.items()},
    }


def all_metrics(run: Run) -> list[Metric]:
    """Everything that was measured and that a rule may name."""
    rows = [row for row in run.kept(tables.MEASURES).arrow().to_pylist() if row["count_bin"] is None]
    for table in (tables.COMPARISONS, tables.ASSESSMENT):
        rows += run.kept(table).arrow().to_pylist()
    return [Metric.of(row) for row in rows]


def _differencing(run: Run, measured: Sequence[Metric]) -> tuple[list[Rule], list[Result]]:
    """The rules of a release that has earlier ones, and what came of them; none for any other."""
    compared = run.store.facts.get("compared")
    if compared is None:
        return [], []
    of_two = [one for one in measured if one.topic == "difference"]
    uncompared = {one.about for one in of_two if one.measure in ("not_read", "lengths_not_compared") and one.value}
    uncompared |= {one.about for one in of_two if one.measure == "columns_shared" and not one.value}
    adds = compared["added_to"] is not None
    numbers = {
        "told": sum(int(one.value) for one in of_two if one.measure in DISCLOSURES),
        "known": sum(int(one.value) for one in of_two if one.measure == KNOWN),
        "uncompared": len(uncompared),
        "added": run.records - compared["added_to"] if adds else 0,
    }
    rules = validate.differencing_rules(run.resolved.k, adds, bool(compared["releases"]))
    return rules, validate.differencing_results(rules, numbers)


def _with_acceptances(results: Iterable[Result], accepted: dict[str, str]) -> list[Result]:
    return [
        replace(result, accepted=accepted[result.name]) if not result.success and result.name in accepted else result
        for result in results
    ]


def _contract_text(run: Run, rules: Sequence[Rule]) -> str:
    """Everything that a release is audited against, as YAML: the contract's expectations, and the plan's own rules."""
    contract = [
        {
            "rule": f"{rule.suite}.{rule.name}",
            "meaning": rule.meaning,
            "severity": rule.severity,
            "expectation": rule.expectation,
            "arguments": rule.arguments,
        }
        for rule in rules
    ]
    own = [rule.model_dump(mode="json", exclude_defaults=True) for rule in run.plan.rules]
    return yaml.safe_dump({"contract": contract, "own": own}, sort_keys=False, allow_unicode=True)


def _remember(run: Run, results: Sequence[Result]) -> None:
    """Add results to those of all runs: one row a rule and audit."""
    now = faults.now()
    rows = pd.DataFrame([vars(result) for result in results])
    rows.insert(0, "audited", now.replace(tzinfo=None))
    rows.insert(0, "run_id", run.store.run_id)
    name = f"{now:%Y%m%dT%H%M%S%f}-{run.store.run_id}.parquet"
    beside.put(run.plan.work_address, "quality_results", name, rows.to_parquet(index=False))


def _quarantine(run: Run, results: Sequence[Result]) -> None:
    """Say beside the run folders which releases are held, and why; and no longer once they may go out."""
    work, name = run.plan.work_address, f"{run.store.run_id}.md"
    if not any(result.holds_back for result in results):
        beside.remove(work, QUARANTINE, name)
        return
    where = f"The release is held in its run folder, {run.store.full_address}; read report.html there. SENSITIVE.\n\n"
    text = where + narrative.quality_text(run.store.run_id, results)
    beside.put(work, QUARANTINE, name, text.encode())


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # what it raises where there is no user depends on the version of Python
        return "unknown"
