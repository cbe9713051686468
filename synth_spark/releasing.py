"""The end of both lines: what was audited is told, and put in place."""

from collections.abc import Callable

from synth_spark import aggregate, explain, publish, synthesize, tables, validate
from synth_spark.evaluate import Measure
from synth_spark.explain import Telling
from synth_spark.reporting import public_documents
from synth_spark.run import Run
from synth_spark.tables import SafeTable, Table


def release(run: Run, counts: Table, telling: Callable[[SafeTable, SafeTable], Telling]) -> None:
    """Publish the tables of a run, as they were audited, with the release and its audit explained.

    Args:
        run: the run.
        counts: its aggregates.
        telling: how a release is told, from its aggregates and its synthetic records.

    Raises:
        AuditFailed: the audit holds the release back.
        PublishError: it could not be put in place; the one before is as it was.
    """
    aggregates = aggregate.vouch(run.kept(counts))
    synthetic = synthesize.vouch(run.kept(tables.SYNTHETIC_RECORDS))

    def derived(table: Table) -> SafeTable:
        return SafeTable.derived(run.kept(table), aggregates, synthetic)

    others = (tables.EVALUATION, tables.FIDELITY, tables.DIFFERENCES, tables.QUALITY_RESULTS)
    safe = [synthetic, aggregates, *map(derived, others)]
    results = [validate.Result(*row) for row in run.kept(tables.QUALITY_RESULTS).frame.collect()]
    validate.gate(results)
    told = telling(aggregates, synthetic)
    run.keep(tables.RELEASE, told.row(run.spark, run.plan, safe))  # one row
    safe.append(derived(tables.RELEASE))
    if run.plan.output.indicators:
        run.keep(tables.SYNTHETIC_INDICATORS, synthesize.indicators(synthetic.kept.frame, run.domain))
        safe.append(derived(tables.SYNTHETIC_INDICATORS))
    for table in safe:
        run.workspace.verify(table.kept.table)
    measures = [Measure(*row) for row in run.kept(tables.EVALUATION).frame.collect()]
    documents = public_documents(run, results)
    documents["RELEASE.md"] = told.text(measures, results) + "\n" + documents["RELEASE.md"]
    documents["QUALITY.md"] = explain.quality_text(run.workspace.run_id, results)
    done = publish.publish(safe, documents, run.plan.output, run.workspace.run_id)
    if done.was_there:
        run.progress.say(f"{done.run_id} had been published already, with this content: nothing was changed")
