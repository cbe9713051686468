"""What a showcase tells of how far it can be trusted: the public report, put together from published tables alone."""

import json
from dataclasses import fields
from typing import Any

from synth_spark.exports.showcase.source import ShowcaseTables
from synth_spark.report.blocks import Report
from synth_spark.report.editions import public
from synth_spark.report.html_page import sections_html
from synth_spark.report.material import ReportData
from synth_spark.schema.metrics import PUBLIC, Metric
from synth_spark.schema.verdicts import Result

#: Tables that the report is made of, besides records and aggregates.
TABLES_SHOWN = ("release", "evaluation", "fidelity", "differences", "quality_results")
#: Sections that a showcase has pages of its own for.
_ELSEWHERE = ("summary", "marginals")


def trust_html(source: ShowcaseTables, columns: int) -> str:
    """The sections of the public report that a showcase shows, as HTML.

    Args:
        source: the published tables.
        columns: number of columns of the records.
    """
    report = public_report(source, columns)
    return sections_html([section for section in report.sections if section.anchor not in _ELSEWHERE])


def public_report(source: ShowcaseTables, columns: int) -> Report:
    """The public report of a release, without the charts of single columns.

    Args:
        source: the published tables.
        columns: number of columns of the records.
    """
    return public(_material(source, columns))


def release_row(source: ShowcaseTables) -> dict[str, Any]:
    """The one row that tells what the release is."""
    row: dict[str, Any] = source.table("release").to_pylist()[0]
    return row


def _material(source: ShowcaseTables, columns: int) -> ReportData:
    row, rows = release_row(source), {name: source.table(name).to_pylist() for name in TABLES_SHOWN[1:]}
    measures = tuple(Metric.of(one) for one in rows["evaluation"])
    metrics = tuple(Metric.of(one) for one in rows["fidelity"] + rows["differences"])
    results = tuple(Result(**_own(Result, one)) for one in rows["quality_results"])
    presentation = json.loads(row["presentation"])
    private = row["privacy"] == "differential_privacy"
    published = {one.length: int(one.value) for one in measures if _counts_published(one)}
    proved = any(one.suite == "proof" for one in results)
    return ReportData(
        title=row["title"],
        run_id="",
        private=private,
        guarantee=row["guarantee"],
        measured="That was proved for every synthetic record, on what was written." if proved else "",
        k=presentation["rare_below"] if private else row["k"],
        longest=row["reporting_length"],
        searched=row["reporting_length"],
        columns=columns,
        records=row["protected_record_count"],
        synthetic_records=row["synthetic_record_count"],
        combinations=tuple(published.get(length, 0) for length in range(1, row["reporting_length"] + 1)),
        settings=tuple((key, value) for key, value in presentation["settings"]),
        measures=measures,
        metrics=metrics,
        marginals=(),
        results=results,
    )


def _counts_published(one: Metric) -> bool:
    return (one.comparison, one.measure) == (PUBLIC, "source_combinations") and one.length is not None


def _own(kind: type, row: dict[str, Any]) -> dict[str, Any]:
    """The cells of a row that something has attributes for; later versions may have more."""
    names = {one.name for one in fields(kind)}
    return {name: value for name, value in row.items() if name in names}
