"""The report of a run: what its kept tables hold, put together as material, in both editions."""

from collections.abc import Sequence

from synth_spark.pipeline.run import Run
from synth_spark.report.editions import internal, public
from synth_spark.report.html_page import page
from synth_spark.report.markdown import markdown, sections_text
from synth_spark.report.material import Marginal, ReportData
from synth_spark.report.settings import settings
from synth_spark.schema import tables
from synth_spark.schema.metrics import PUBLIC, Metric
from synth_spark.schema.root_layout import RELEASE_TEXT, REPORT
from synth_spark.schema.tables import Table
from synth_spark.validate import Result


def write_internal(run: Run, results: Sequence[Result]) -> None:
    """Write the report for those who sign into the run folder: report.html and report.md. SENSITIVE."""
    material = _material(run, results, tables.MEASURES, (tables.COMPARISONS, tables.ASSESSMENT))
    report = internal(material)
    run.store.write(REPORT, page(report))
    run.store.write("report.md", markdown(report))


def public_documents(run: Run, results: Sequence[Result], withheld: int) -> dict[str, str]:
    """The report for everyone, by file name: from safe tables alone; RELEASE.md lacks what it begins with.

    Args:
        run: the run.
        results: of the audit, those that may be told.
        withheld: how many others there are.
    """
    material = _material(run, results, tables.EVALUATION, (tables.FIDELITY, tables.DIFFERENCES), withheld)
    report = public(material)
    return {REPORT: page(report), RELEASE_TEXT: sections_text(report)}


def _material(
    run: Run, results: Sequence[Result], measured: Table, found: Sequence[Table], withheld: int = 0
) -> ReportData:
    plan, promise = run.plan, run.policy.promise(run)
    measures = tuple(Metric.of(row) for row in run.kept(measured).arrow().to_pylist())
    metrics = tuple(Metric.of(row) for table in found for row in run.kept(table).arrow().to_pylist())
    published = {one.length: int(one.value) for one in measures if _counts_published(one)}
    return ReportData(
        title=plan.title,
        run_id=run.store.run_id,
        private=plan.privacy.noisy,
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
