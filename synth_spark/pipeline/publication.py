"""The end of both lines: the report in both editions, and what was audited explained and put in place."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from synth_spark import aggregate, synthesize, validate
from synth_spark.exports import catalog, showcase
from synth_spark.exports.dbt_sources import dbt_sources
from synth_spark.exports.expectations import expectation_files
from synth_spark.pipeline.run import Run
from synth_spark.plan import Catalog
from synth_spark.publish import publisher
from synth_spark.publish.long_form import long_form
from synth_spark.publish.published_release import Fetched
from synth_spark.report import narrative
from synth_spark.report.editions import internal, public
from synth_spark.report.html_page import page
from synth_spark.report.markdown import markdown, sections_text
from synth_spark.report.material import Marginal, ReportData, Told
from synth_spark.report.narrative.shared import versions
from synth_spark.report.settings import settings
from synth_spark.schema import tables
from synth_spark.schema.metrics import PUBLIC, Metric
from synth_spark.schema.published_columns import COUNT_COLUMNS
from synth_spark.schema.root_layout import (
    CONTRACT,
    EXPECTATIONS,
    QUALITY_TEXT,
    RELEASE_TEXT,
    REPORT,
    SHOWCASE,
    SOURCES,
    VALIDATIONS,
)
from synth_spark.schema.tables import Kept, SafeTable, Table
from synth_spark.schema.verdicts import Result
from synth_spark.storage.local_places import LocalPlace
from synth_spark.storage.places import place

#: Combinations that are named to those who sign, of those that releases together tell of.
_LISTED = 12


def publish_tables(run: Run) -> None:
    """Publish the tables of a run, as they were audited, with the release and its audit explained.

    Args:
        run: the run.

    Raises:
        AuditFailed: the audit holds the release back.
        PublishError: it could not be put in place; the one before is as it was.
        RunError: it is in place, and the ledger cannot be written.
    """
    counts, fetched = run.policy.aggregates, Fetched()
    aggregates = aggregate.vouch(run.kept(counts))
    synthetic = synthesize.vouch(run.kept(tables.SYNTHETIC_RECORDS))

    def derived(table: Table) -> SafeTable:
        return SafeTable.derived(run.kept(table), aggregates, synthetic)

    others = (tables.EVALUATION, tables.FIDELITY, tables.DIFFERENCES, tables.QUALITY_RESULTS)
    safe = [synthetic, aggregates, *map(derived, others)]
    every, results = (_results(run, table) for table in (tables.AUDIT_RESULTS, tables.QUALITY_RESULTS))
    validate.gate(every)
    withheld = len(every) - len(results)
    story = run.policy.narrative(run, aggregates, synthetic)
    measures = [Metric.of(row) for row in run.kept(tables.EVALUATION).arrow().to_pylist()]
    sentences = story.sentences(measures, results)
    shown = showcase.presentation(run.plan, showcase.published_values(_source(safe, fetched)))
    texts = {
        "sentences": json.dumps(sentences, ensure_ascii=False),
        "presentation": json.dumps(shown, ensure_ascii=False),
    }
    run.keep(tables.RELEASE, story.row(run.plan, safe, texts))  # one row
    safe.append(derived(tables.RELEASE))
    if run.plan.output.indicators:
        run.keep(tables.SYNTHETIC_INDICATORS, synthesize.indicators(synthetic.kept.frame, run.domain))
        safe.append(derived(tables.SYNTHETIC_INDICATORS))
    if run.plan.output.long_form:
        safe += [derived(table) for table in _keep_long_forms(run, counts)]
    for table in safe:
        run.store.verify(table.kept.table)
    documents = public_documents(run, results, withheld)
    documents[RELEASE_TEXT] = narrative.release_text(run.plan.title, sentences) + "\n" + documents[RELEASE_TEXT]
    documents[QUALITY_TEXT] = narrative.quality_text(run.store.run_id, results, withheld)
    documents |= _for_tools(run, safe, results)
    if run.plan.showcase.make:
        documents[SHOWCASE] = showcase.showcase(_source(safe, fetched))
    facts = run.store.facts
    after = [facts["readers_have"]] if "readers_have" in facts else []
    done = publisher.publish(safe, documents, run.plan.output, run.store.run_id, after)
    run.policy.published(run)
    if run.plan.output.shown_in is not None:
        _show(run, run.plan.output.shown_in)
    _say(run, done)


def _show(run: Run, shown_in: Catalog) -> None:
    """Let a catalog show what is published, and say what is left to be done there."""
    for statement in catalog.follow(run.spark, run.plan.output.path, shown_in):
        run.progress.warn(f"this session does not understand a statement, make it where the catalog does: {statement}")
    if not catalog.lasts(run.spark, shown_in.name):
        kept = "are gone with this session, which keeps its catalog in memory"
        run.progress.warn(f"tables of {shown_in.name} {kept}: docs/operations.md, «Releases in a catalog»")


def _for_tools(run: Run, safe: Sequence[SafeTable], results: Sequence[Result]) -> dict[str, str]:
    """What other tools read beside the tables, by file name: dbt's sources, Great Expectations' suites and results."""
    contract = run.store.read(CONTRACT) or ""
    suites, validations = expectation_files(contract, results, versions())
    tables_ = {one.kept.table.name: publisher.manifest_entry(one) for one in safe}
    return {SOURCES: dbt_sources(tables_), EXPECTATIONS: suites, VALIDATIONS: validations}


def _say(run: Run, done: publisher.Publication) -> None:
    """What is to be known of how a release was put in place."""
    if done.was_there:
        run.progress.say(f"{done.run_id} had been published already, with this content: nothing was changed")
    if done.mapped:
        names = ", ".join(sorted(done.mapped))
        run.progress.say(
            f"columns of these Delta tables are mapped, and not every reader reads that right: {names}; docs/delta.md "
            "tells which readers do, and what to do for the others"
        )


def _keep_long_forms(run: Run, counts: Table) -> tuple[Table, Table]:
    records, aggregates = run.kept(tables.SYNTHETIC_RECORDS), run.kept(counts)
    figures = [name for name in aggregates.columns if name in COUNT_COLUMNS]
    run.keep(tables.SYNTHETIC_ATTRIBUTES, long_form(records, run.fields, "record_id"))
    long = long_form(aggregates, run.fields, "combination_id", ("length", *figures))
    run.keep(tables.AGGREGATE_ATTRIBUTES, long)
    return tables.SYNTHETIC_ATTRIBUTES, tables.AGGREGATE_ATTRIBUTES


def _source(safe: Sequence[SafeTable], fetched: Fetched) -> showcase.ShowcaseTables:
    """What a showcase is made of: safe tables, as they were kept."""
    return showcase.ShowcaseTables({one.kept.table.name: _files(one.kept, fetched) for one in safe})


def _files(kept: Kept, fetched: Fetched) -> list[Path]:
    """The files of a kept table on this machine, in order; those of an object store are fetched."""
    folder = place(kept.folder.address)
    if isinstance(folder, LocalPlace):
        return [folder.folder / name for name in sorted(kept.files)]
    return [fetched.file(folder, name) for name in sorted(kept.files)]


def _results(run: Run, table: Table) -> list[validate.Result]:
    return [validate.Result(**row) for row in run.kept(table).arrow().to_pylist()]


def write_internal(run: Run, results: Sequence[Result]) -> None:
    """Write the report for those who sign into the run folder: report.html and report.md. SENSITIVE."""
    material = _material(run, results, tables.MEASURES, (tables.COMPARISONS, tables.ASSESSMENT))
    report = internal(replace(material, told=_told(run), suppressed=run.store.facts.get("suppressed")))
    run.store.write(REPORT, page(report))
    run.store.write("report.md", markdown(report))


def _told(run: Run) -> tuple[Told, ...]:
    """The combinations that earlier releases and this one tell of, of the fewest records first."""
    if tables.DIFFERING.name not in run.store.manifest["tables"]:
        return ()
    worst = run.kept(tables.DIFFERING).frame.orderBy("most", "least", "length", "selections", "release", "told")
    return tuple(Told(**row.asDict()) for row in worst.limit(_LISTED).collect())


def public_documents(run: Run, results: Sequence[Result], withheld: int) -> dict[str, str]:
    """The report for everyone, by file name: from safe tables alone; RELEASE.md lacks what it begins with.

    Args:
        run: the run.
        results: of the audit, those that may be published.
        withheld: how many others there are.
    """
    material = _material(run, results, tables.EVALUATION, (tables.FIDELITY, tables.DIFFERENCES), withheld)
    report = public(material)
    return {REPORT: page(report), RELEASE_TEXT: sections_text(report)}


def _material(
    run: Run, results: Sequence[Result], measured: Table, metric_tables: Sequence[Table], withheld: int = 0
) -> ReportData:
    plan, promise = run.plan, run.policy.promise(run)
    measures = tuple(Metric.of(row) for row in run.kept(measured).arrow().to_pylist())
    metrics = tuple(Metric.of(row) for table in metric_tables for row in run.kept(table).arrow().to_pylist())
    published = {one.length: int(one.value) for one in measures if _counts_published(one)}
    return ReportData(
        title=plan.title,
        run_id=run.store.run_id,
        private=promise.private,
        guarantee=promise.guarantee,
        measured=promise.shown,
        k=promise.k,
        longest=promise.longest,
        searched=run.resolved.length,
        columns=len(run.fields),
        records=promise.records,
        synthetic_records=run.kept(tables.SYNTHETIC_RECORDS).rows,
        combinations=tuple(published.get(length, 0) for length in range(1, promise.longest + 1)),
        settings=settings(plan),
        measures=measures,
        metrics=metrics,
        marginals=_marginals(run),
        results=tuple(results),
        withheld=withheld,
    )


def _counts_published(one: Metric) -> bool:
    return (one.comparison, one.measure) == (PUBLIC, "source_combinations") and one.length is not None


def _marginals(run: Run) -> tuple[Marginal, ...]:
    """Published and synthetic single counts, both as written; values in the order of their columns."""
    rows = run.kept(tables.SINGLE_COUNTS).arrow().to_pylist()
    names = [field.name for field in run.fields]
    rows.sort(key=lambda row: (row["column"], row["value"]))
    return tuple(Marginal(names[row["column"]], row["value"], row["protected"], row["synthetic"]) for row in rows)
