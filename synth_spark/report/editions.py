"""The content of a release's report, in its two editions.

INTERNAL is for those who sign: it tells of exact counts, of attacks and of what would have been lost. PUBLIC holds
nothing but what follows from published tables: figures that were compared with exact counts tell of the records.
"""

from synth_spark.report import attacks, differences, privacy_risk, utility
from synth_spark.report.blocks import Block, DataTable, Figures, KeyFigure, Paragraphs, Report, Section, TableColumn
from synth_spark.report.material import ReportData, number, share
from synth_spark.report.narrative.shared import verdict, verdict_on, withheld_text
from synth_spark.report.suppression import suppression
from synth_spark.schema.metrics import PUBLISHED


def internal(material: ReportData) -> Report:
    """The report for those who sign the release."""
    before, after = privacy_risk.sentences(material)
    counts, sentences = utility.sentences(material)
    sections = [
        _summary(material, (before, counts, after, sentences)),
        _audit(material),
        utility.preservation(material),
        utility.counts(material),
        suppression(material),
        utility.marginals(material),
        utility.distances(material),
        utility.associations(material),
        privacy_risk.linkable(material),
        privacy_risk.disclosure(material),
        attacks.attacks(material),
        attacks.models(material),
        privacy_risk.redaction(material),
        differences.differences(material),
        _settings(material),
    ]
    return _report(material, "INTERNAL", sections)


def public(material: ReportData) -> Report:
    """The report for everyone: from published tables alone.

    Raises:
        ValueError: the material holds a figure that was compared with exact counts, or what is listed for those who
            sign alone.
    """
    shown = {one.comparison for one in material.measures} | {one.comparison for one in material.metrics}
    if not shown <= set(PUBLISHED) or material.told or material.suppressed is not None:
        raise ValueError("figures of sensitive records in a public report")
    counts, sentences = utility.sentences(material)
    about = (
        f"What it is: about {material.records:,} records with {material.columns} columns, told by protected counts and "
        f"{material.synthetic_records:,} artificial records; none of them is a person."
    )
    sections = [
        _summary(material, (about, counts, f"Privacy: {material.guarantee} {material.measured}", sentences)),
        _audit(material),
        utility.preservation(material),
        utility.counts(material),
        utility.marginals(material),
        utility.distances(material),
        utility.associations(material),
        differences.differences(material, public=True),
        _settings(material),
    ]
    return _report(material, "PUBLIC", sections)


def _report(material: ReportData, edition: str, sections: list[Section | None]) -> Report:
    good = not any(result.holds_back for result in material.results)
    held = sum(result.success for result in material.results)
    outcome = "May go out" if good else "Must not go out"
    return Report(
        title=material.title,
        subtitle=f"Release {material.run_id}",
        edition="PUBLIC" if edition == "PUBLIC" else "INTERNAL",
        verdict=f"{outcome}: {held} of {len(material.results)} rules held",
        good=good,
        sections=tuple(section for section in sections if section is not None),
    )


def _summary(material: ReportData, sentences: tuple[str, ...]) -> Section:
    kept = material.measure("reportable_to_synthetic", "kept_share_of_common", 2)
    figures = [
        KeyFigure("records described", f"about {material.records:,}", "Number of records, as it may be told."),
        KeyFigure("synthetic records", number(material.synthetic_records), "Number of artificial records."),
        KeyFigure(
            "published combinations",
            number(sum(material.combinations)),
            "Combinations with a protected count of their own.",
        ),
    ]
    if kept is not None:
        text = "Share of the published pairs of attributes that the synthetic records hold."
        figures.append(KeyFigure("pairs kept", share(kept), text))
    return Section("summary", "In short", (Paragraphs(sentences, numbered=True), Figures(tuple(figures))))


def _audit(material: ReportData) -> Section:
    heads = tuple(TableColumn(name, number=False) for name in ("verdict", "rule", "meaning", "severity"))
    results = sorted(material.results, key=lambda result: result.success)
    rows = tuple((verdict_on(one), one.name, one.meaning, one.severity) for one in results)
    verdicts = (verdict(material.results), *withheld_text(material.withheld))
    blocks: tuple[Block, ...] = (Paragraphs(verdicts), DataTable("Rules of the audit", heads, rows))
    return Section("audit", "The audit", blocks)


def _settings(material: ReportData) -> Section:
    heads = (TableColumn("key", number=False), TableColumn("value", number=False))
    return Section("settings", "How it was made", (DataTable("What was asked for", heads, material.settings),))
