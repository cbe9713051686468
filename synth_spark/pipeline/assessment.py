"""What both lines do alike to judge a release: the beginning and the end of `evaluate`, and the stage `assess`.

Everything is measured on all records, from counts that are there already. What is compared with exact counts is
INTERNAL; SAFE tables hold what follows from published counts and records alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from synth_spark import aggregate, evaluate, validate
from synth_spark.assess import (
    attribute_disclosure,
    differencing,
    differencing_bounds,
    linkability,
    rare_combinations,
    suppression_baseline,
)
from synth_spark.assess.differencing import Published
from synth_spark.encode import codes as encode
from synth_spark.encode import combinations
from synth_spark.errors import RunError
from synth_spark.kernels.counting.association import Singles
from synth_spark.pipeline.incremental import published_before
from synth_spark.pipeline.rehearsal import rehearsed
from synth_spark.pipeline.run import Run
from synth_spark.pipeline.runner import Stage
from synth_spark.pipeline.series.earlier_releases import earlier_releases, held_by_readers, run_of
from synth_spark.publish.repository import ReleaseRepository
from synth_spark.schema import tables
from synth_spark.schema.metrics import COMPARED, PUBLIC, Metric, count_metrics_table, metrics_table
from synth_spark.schema.tables import Kept, Table


def count_synthetic(run: Run, evidence: Callable[[], Any]) -> tuple[Kept, Kept]:
    """Count the combinations of the synthetic records as they were written.

    Args:
        run: the run.
        evidence: what the audit will ask for, of written tables alone: it is collected beside.

    Returns:
        The synthetic records, and their counts.

    Raises:
        AuditFailed: the records lack a column, or have another one.
    """
    resolved, written = run.resolved, run.kept(tables.SYNTHETIC_RECORDS)
    validate.check_columns("synthetic_records", run.domain.names, written.frame.columns)
    run.ahead.begin("validate", evidence)
    coded = encode.codes(written.frame, run.domain, written.rows)
    recoded = run.keep(tables.SYNTHETIC_CODES, coded)  # one row a distinct record
    counted = combinations.count(recoded.frame, resolved.cells, resolved.counting_tasks, resolved.counting_block)
    return written, run.keep(tables.SYNTHETIC_COUNTS, counted)  # one row a bucket of column tuples


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
    counted = zip((tables.COUNTS, tables.SYNTHETIC_COUNTS), evaluate.occurring(sums), strict=True)
    run.store.facts["occurring"] = {table.name: number for table, number in counted}
    measures = evaluate.measures(sums, run.resolved, synthetic_records, singles[1].records, reported)
    measures += evaluate.single_measures(PUBLIC, singles[1].counts, singles[2].counts)
    metrics = evaluate.fidelity_metrics(sums, run.resolved, run.domain, singles, run.rare_below, reported)
    run.keep(tables.MEASURES, count_metrics_table(measures))  # one row a measure, against exact counts too
    run.keep(tables.COMPARISONS, metrics_table(metrics))  # one row a figure, against exact counts too
    public = [measure for measure in measures if measure.comparison == PUBLIC]
    run.keep(tables.EVALUATION, count_metrics_table(public))  # one row a measure, protected → synthetic
    shown = [metric for metric in metrics if metric.comparison == PUBLIC]
    run.keep(tables.FIDELITY, metrics_table(shown))  # one row a figure, protected → synthetic


def begin_rehearsal(run: Run, stages: Mapping[str, Stage]) -> None:
    """Let the rehearsal, which needs the codes alone, run beside what is done before `assess`."""
    if run.plan.assessment.rehearsal:
        run.ahead.begin("assess", lambda: rehearsed(run, stages))


def assess(run: Run, stages: Mapping[str, Stage]) -> None:
    """Who could be linked, what groups disclose, what redaction loses, what attacks gain, what releases tell."""
    config = run.plan.assessment
    metrics = [*_risk(run), *_disclosure(run)]
    if config.redaction:
        metrics += _redaction(run)
    if config.rehearsal:
        run.progress.say("assess: rehearsing: a release of a part of the records is made and attacked")
        metrics += run.ahead.take("assess", lambda: rehearsed(run, stages))
    if config.rare:
        counts, synthetic = run.kept(tables.COUNTS).frame, run.kept(tables.SYNTHETIC_COUNTS).frame
        few = rare_combinations.rare_combinations(counts, synthetic, run.domain, run.resolved, run.rare_below)
        run.keep(tables.RARE, few)  # one row a combination
    differences = _differences(run)
    run.keep(tables.ASSESSMENT, metrics_table([*metrics, *differences]))  # one row a figure
    run.keep(tables.DIFFERENCES, metrics_table(differences))  # one row a figure of published tables


def _risk(run: Run) -> list[Metric]:
    """Rare and unique combinations of the records that go in, exact and rounded, and of those that come out."""
    resolved, k, metrics = run.resolved, run.rare_below, []
    synthetic_records = run.kept(tables.SYNTHETIC_RECORDS).rows
    for table, coded, counted, records in (
        ("sensitive", tables.CODES, tables.COUNTS, run.records),
        ("synthetic", tables.SYNTHETIC_CODES, tables.SYNTHETIC_COUNTS, synthetic_records),
    ):
        codes, counts = run.kept(coded).frame, run.kept(counted).frame
        pruned = resolved.prunes and table == "sensitive"
        side = linkability.CodedTable(codes, counts, _occurring(run, counted), pruned)
        linked = linkability.search(side, resolved, k, run.domain.bounds)
        if linked is None:
            run.progress.say(f"too many combinations are common to be looked up: linkable {table} records not counted")
            continue
        metrics += linkability.risk_table(linked, records, k, False, table)
        if table == "sensitive":
            metrics += linkability.risk_table(linked, records, k, True)
        held = run.single_counts(counted, records).counts
        metrics += linkability.linkable(linked, run.domain, held, records, table)
    return metrics


def _occurring(run: Run, table: Table) -> int:
    """How many combinations of a table of counts occur, as `keep_comparisons` counted.

    Raises:
        RunError: they were compared by an earlier version.
    """
    occurring: dict[str, int] = run.store.facts.get("occurring", {})
    if table.name not in occurring:
        raise RunError(
            "stage 'evaluate'", "was run by an earlier version", "run it again: synth-spark stage evaluate RUN"
        )
    return occurring[table.name]


def _disclosure(run: Run) -> list[Metric]:
    """Homogeneity of what goes in and of what comes out."""
    space, k = run.resolved.cells, run.rare_below
    bounds, names = run.domain.bounds, run.domain.names
    labels = evaluate.labels(run.domain)
    fields = [names.index(name) for name in run.plan.assessment.secrets]
    secrets = {column: labels[column] for field in fields for column in range(bounds[field], bounds[field + 1])}
    if not secrets:
        return []
    metrics = []
    sides = [("sensitive", tables.COUNTS, run.records)]
    sides.append(("synthetic", tables.SYNTHETIC_COUNTS, run.kept(tables.SYNTHETIC_RECORDS).rows))
    for side, table, records in sides:
        counts, singles = run.kept(table).frame, run.single_counts(table, records)
        metrics += attribute_disclosure.homogeneity(counts, space, singles, secrets, k, side)
    return metrics


def _redaction(run: Run) -> list[Metric]:
    codes, counts = run.kept(tables.CODES).frame, run.kept(tables.COUNTS).frame
    k = run.rare_below
    common = linkability.common_cells(counts, k, _occurring(run, tables.COUNTS))
    if common is None:
        run.progress.say("more combinations are common than can be looked up: redaction was not calculated")
        return []
    left = run.keep(
        tables.REDACTED, suppression_baseline.redacted(codes, run.resolved, k, common)
    ).frame  # one row a way and record
    filled = sum(sum(column.counts) for column in run.domain.columns)
    return suppression_baseline.losses(left, counts, run.resolved, k, filled)


def _differences(run: Run) -> list[Metric]:
    """Of how many combinations earlier releases and this one tell what; which they are is kept."""
    facts = run.store.facts
    for fact in ("compared", "readers_have", "readers_may_hold"):
        facts.pop(fact, None)
    if not run.policy.compared:
        if run.plan.assessment.earlier is not None:
            run.progress.say("the earlier release was not compared: what private releases cost is in the ledger")
        return []
    facts["readers_have"] = ReleaseRepository(run.plan.output.path).current()
    facts["readers_may_hold"] = held_by_readers(run)
    earlier, before = earlier_releases(run), published_before(run)
    if not any(earlier):
        return []
    added_to = None if before is None else before.records
    facts["compared"] = {"releases": [one.run_id for one in earlier.published], "added_to": added_to}
    lost = [Metric("difference", COMPARED, "not_read", name, None, 1.0) for name in earlier.lost]
    if lost:
        run.progress.say(f"not compared, as nobody can read them any more: {', '.join(earlier.lost)}")
    return lost + (_compared(run, earlier.published) if earlier.published else [])


def _compared(run: Run, releases: Sequence[Published]) -> list[Metric]:
    """Put every earlier release beside this one; what they tell together of single people is kept."""
    resolved, aggregates = run.resolved, run.kept(tables.AGGREGATES).frame
    this = Published(run.store.run_id, resolved.k, resolved.length, resolved.protected_records, aggregates)
    shown = [(one, this) for one in releases]
    pairs = [_as_compared(run, one, this) for one in releases]
    found = differencing_bounds.told(pairs, run.fields)
    if any(pair[0] is not one or pair[1] is not this for pair, one in zip(pairs, releases, strict=True)):
        found = differencing_bounds.as_published(found, shown)
    kept = run.keep(tables.DIFFERING, found).frame  # one row a (release, what is told, combination)
    last = releases[-1]
    shared = [field for field in run.fields if field.name in last.aggregates.columns]
    return [
        *(metric for pair in shown for metric in differencing.differences(*pair)),
        *differencing_bounds.told_metrics(kept, shown),
        *differencing_bounds.drift(last, this, shared),
    ]


def _as_compared(run: Run, earlier: Published, this: Published) -> tuple[Published, Published]:
    """An earlier release and this one as they would be if no count had been lowered, where both run folders say so.

    Counts that were chosen so that releases tell nothing together (fact ``stepped``) are compared as published.
    """
    theirs = run_of(run, earlier.run_id)
    if theirs is None or any(one.store.facts.get("step") for one in (run, theirs)):
        return earlier, this
    return _as_rounded(theirs, earlier), _as_rounded(run, this)


def _as_rounded(run: Run, published: Published) -> Published:
    """What a release would have published if no count had been lowered, if its run folder is there to say so.

    Who takes a lowered count for a rounded one concludes what need not be true, and such conclusions hold back no
    release; what is true and follows from published counts follows from these, too.
    """
    if not run.kept(tables.LOWERED).rows:
        return published
    rounded = aggregate.aggregates(run.kept(tables.COUNTS).frame, run.domain, run.resolved)
    return replace(published, aggregates=rounded)
