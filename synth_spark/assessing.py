"""What both lines find out about a release, of whichever privacy: the ends of `evaluate`, and the stage `assess`.

Everything is measured on all records, from counts that are there already. What is compared with exact counts is
INTERNAL; SAFE tables hold what follows from published counts and records alone.
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from synth_spark import evaluate, tables
from synth_spark.evaluate import Finding
from synth_spark.increment import published_before
from synth_spark.kernels.pairs import Singles
from synth_spark.plan import DifferentialPrivacy
from synth_spark.rehearsal import rehearsed
from synth_spark.run import Run, Stage

#: Combinations that are named, of those that two releases tell most of.
_NAMED = 12


def keep_comparisons(
    run: Run,
    sums: pa.Table,
    synthetic_records: int,
    singles: tuple[Singles, Singles, Singles],
    reported: int | None = None,
) -> None:
    """Finish what was compared, and keep it: all of it for those who sign, and what may be published.

    Args:
        run: the run.
        sums: of all buckets; see `evaluate.partial_sums`.
        synthetic_records: their number.
        singles: single counts of sensitive, reportable and synthetic records.
        reported: longest combination that is reported; default: R.
    """
    measures = evaluate.measures(sums, run.resolved, synthetic_records, singles[1].records, reported)
    found = evaluate.findings(sums, run.resolved, run.domain, singles, run.rare_below, reported)
    run.keep(tables.MEASURES, evaluate.evaluation(run.spark, measures))  # one row a measure, against exact counts too
    run.keep(tables.COMPARISONS, evaluate.assessment(run.spark, found))  # one row a figure, against exact counts too
    public = [measure for measure in measures if measure.comparison == evaluate.PUBLIC]
    run.keep(tables.EVALUATION, evaluate.evaluation(run.spark, public))  # one row a measure, protected → synthetic
    shown = [finding for finding in found if finding.comparison == evaluate.PUBLIC]
    run.keep(tables.FIDELITY, evaluate.assessment(run.spark, shown))  # one row a figure, protected → synthetic


def assess(run: Run, stages: Mapping[str, Stage]) -> None:
    """Who could be linked, what groups disclose, what redaction loses, what attacks gain, what two releases tell."""
    wish = run.plan.assessment
    found = [*_risk(run), *_disclosure(run)]
    if wish.redaction:
        found += _redaction(run)
    if wish.rehearsal:
        run.progress.say("assess: rehearsing: a release of a part of the records is made and attacked")
        found += rehearsed(run, stages)
    if wish.rare:
        counts, made = run.kept(tables.COUNTS).frame, run.kept(tables.SYNTHETIC_COUNTS).frame
        few = evaluate.rare_combinations(counts, made, run.domain, run.resolved, run.rare_below)
        run.keep(tables.RARE, few)  # one row a combination
    known, which = _differences(run)
    run.keep(tables.ASSESSMENT, evaluate.assessment(run.spark, [*found, *known, *which]))  # one row a figure
    run.keep(tables.DIFFERENCES, evaluate.assessment(run.spark, known))  # one row a figure of published tables


def _risk(run: Run) -> list[Finding]:
    """Rare and unique combinations of the records that go in, exact and rounded, and of those that come out."""
    resolved, k, found = run.resolved, run.rare_below, []
    made = run.kept(tables.SYNTHETIC_RECORDS).rows
    for table, coded, counted, records in (
        ("sensitive", tables.CODES, tables.COUNTS, run.records),
        ("synthetic", tables.SYNTHETIC_CODES, tables.SYNTHETIC_COUNTS, made),
    ):
        codes, counts = run.kept(coded).frame, run.kept(counted).frame
        pruned = resolved.prunes and table == "sensitive"
        linked = evaluate.search(codes, counts, resolved, k, run.domain.bounds, pruned)
        if linked is None:
            run.progress.say(f"too many combinations are common to be looked up: linkable {table} records not counted")
            continue
        found += evaluate.risk_table(linked, records, k, False, table)
        if table == "sensitive":
            found += evaluate.risk_table(linked, records, k, True)
        held = evaluate.single_counts(counts, resolved.cells, records).counts
        found += evaluate.linkable(linked, run.domain, held, records, table)
    return found


def _disclosure(run: Run) -> list[Finding]:
    """Homogeneity of what goes in and of what comes out."""
    space, k = run.resolved.cells, run.rare_below
    bounds, names = run.domain.bounds, run.domain.names
    labels = evaluate.labels(run.domain)
    fields = [names.index(name) for name in run.plan.assessment.secrets]
    secrets = {column: labels[column] for field in fields for column in range(bounds[field], bounds[field + 1])}
    if not secrets:
        return []
    found = []
    sides = [("sensitive", tables.COUNTS, run.records)]
    sides.append(("synthetic", tables.SYNTHETIC_COUNTS, run.kept(tables.SYNTHETIC_RECORDS).rows))
    for side, table, records in sides:
        counts = run.kept(table).frame
        singles = evaluate.single_counts(counts, space, records)
        found += evaluate.homogeneity(counts, space, singles, secrets, k, side)
    return found


def _redaction(run: Run) -> list[Finding]:
    codes, counts = run.kept(tables.CODES).frame, run.kept(tables.COUNTS).frame
    k = run.rare_below
    common = evaluate.common_cells(counts, k)
    if common is None:
        run.progress.say("more combinations are common than can be looked up: redaction was not calculated")
        return []
    left = run.keep(
        tables.REDACTED, evaluate.redacted(codes, run.resolved, k, common)
    ).frame  # one row a way and record
    filled = sum(sum(column.counts) for column in run.domain.columns)
    return evaluate.losses(left, counts, run.resolved, k, filled)


def _differences(run: Run) -> tuple[list[Finding], list[Finding]]:
    """Of how many combinations an earlier release and this one tell what, and which they tell best.

    The earlier one is that which is named, or that which this one adds to.
    """
    folder, before = run.plan.assessment.earlier, published_before(run)
    run.workspace.facts.pop("compared", None)
    if isinstance(run.plan.privacy, DifferentialPrivacy):
        if folder is not None:
            run.progress.say("the earlier release was not compared: what private releases cost is in the ledger")
        return [], []
    if folder is not None:
        earlier = evaluate.earlier_release(run.spark, Path(folder))
    elif before is not None:
        theirs, resolved = before.kept(tables.AGGREGATES).frame, before.resolved
        earlier = evaluate.Earlier(before.workspace.run_id, resolved.k, resolved.length, theirs)
    else:
        return [], []
    told, found = run.kept(tables.AGGREGATES).frame, run.resolved
    differing = evaluate.differing(earlier, told, found.k, found.length)
    which = run.keep(tables.DIFFERING, differing)  # one row a combination
    known = evaluate.differences(earlier, told, found.k, found.length)
    if before is not None:
        known += _subtracted(run, before)
    return known, evaluate.told_best(which.frame, _NAMED)


def _subtracted(run: Run, before: Run) -> list[Finding]:
    """What subtracting the release that this one adds to tells, and how far columns moved."""
    run.workspace.facts["compared"] = {"run_id": before.workspace.run_id, "records": before.records}
    told, theirs = (one.kept(tables.AGGREGATES).frame for one in (run, before))
    earlier = evaluate.Published(before.workspace.run_id, before.resolved.protected_records, theirs)
    this = evaluate.Published(run.workspace.run_id, run.resolved.protected_records, told)
    longest = min(run.resolved.length, before.resolved.length)
    found = evaluate.subtracted(earlier, this, run.fields, run.resolved.k, longest)
    return [*found, *evaluate.drift(earlier, this, run.fields)]
