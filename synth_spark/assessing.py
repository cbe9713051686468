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
    known = _differences(run)
    run.keep(tables.ASSESSMENT, evaluate.assessment(run.spark, [*found, *known]))  # one row a figure
    run.keep(tables.DIFFERENCES, evaluate.assessment(run.spark, known))  # one row a figure of published tables


def _risk(run: Run) -> list[Finding]:
    codes, counts = run.kept(tables.CODES).frame, run.kept(tables.COUNTS).frame
    linked = evaluate.search(codes, counts, run.resolved, run.rare_below, run.domain.bounds)
    if linked is None:
        run.progress.say("more combinations are common than can be looked up: linkable records were not counted")
        return []
    records, k = run.records, run.rare_below
    tables_ = [row for protect in (False, True) for row in evaluate.risk_table(linked, records, k, protect)]
    held = evaluate.single_counts(counts, run.resolved.cells, records).counts
    return [*tables_, *evaluate.linkable(linked, run.domain, held, records)]


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


def _differences(run: Run) -> list[Finding]:
    """What this release tells together with an earlier one: with the one that is named, or the one that it adds to."""
    if isinstance(run.plan.privacy, DifferentialPrivacy):
        return []
    told, k, longest = run.kept(tables.AGGREGATES).frame, run.resolved.k, run.resolved.length
    folder, before, found = run.plan.assessment.earlier, published_before(run), []
    run.workspace.facts.pop("compared", None)
    if folder is not None:
        named = evaluate.earlier_release(run.spark, Path(folder))
        found = evaluate.differences(named, told, k, longest)
    if before is None:
        return found
    run.workspace.facts["compared"] = {"run_id": before.workspace.run_id, "records": before.records}
    resolved, theirs = before.resolved, before.kept(tables.AGGREGATES).frame
    if folder is None:
        known = evaluate.Earlier(before.workspace.run_id, resolved.k, resolved.length, theirs)
        found = evaluate.differences(known, told, k, longest)
    earlier = evaluate.Published(before.workspace.run_id, resolved.protected_records, theirs)
    this = evaluate.Published(run.workspace.run_id, run.resolved.protected_records, told)
    found += evaluate.subtracted(earlier, this, run.fields, k, min(longest, resolved.length))
    return [*found, *evaluate.drift(earlier, this, run.fields)]
