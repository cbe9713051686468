"""Runs side by side: what was asked for against what came of it. From run folders alone; no Spark. INTERNAL."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from synth_spark.errors import RunError
from synth_spark.evaluate.metric_definitions import definition
from synth_spark.exports.spreadsheets import inert_text
from synth_spark.report.blocks import Block, Chart, DataTable, Paragraphs, Report, Section, Series, TableColumn
from synth_spark.report.material import of_length
from synth_spark.schema.root_layout import RUN_MANIFEST
from synth_spark.storage.paths import refuse_links

#: Parts of a plan that differ from run to run and say nothing of how a release was made.
_IGNORED = (
    "run_id", "seed", "work", "ledger", "output.path", "operations.", "data_set", "title", "assessment.earlier",
    "input.since",
)  # fmt: skip
_SYNTHETIC, _REPORTABLE = "sensitive_to_synthetic", "sensitive_to_reportable"
_MOST_SERIES = 4
#: Settings that are called otherwise where there is little room.
_SHORT = {"reporting_length": "R", "synthesis.kind": ""}


@dataclass(frozen=True)
class Outcome:
    """One run.

    Attributes:
        run_id: its name.
        data_set: what it was made of, as its ledger calls it.
        plan: its settings, by dotted key.
        seconds: of all its stages together.
        longest: R.
        measures: (comparison, measure, length) → value, over all bins.
    """

    run_id: str
    data_set: str
    plan: Mapping[str, Any]
    seconds: float
    longest: int
    measures: Mapping[tuple[str, str, int | None], float]

    def figure(self, measure: str, length: int | None = None, comparison: str = _SYNTHETIC) -> float | None:
        """A measure; None if it was not taken."""
        return self.measures.get((comparison, measure, length))


#: The figures that are compared: title, measure, comparison, whether there is one for each length from 2, percent.
_FIGURES = (
    ("kept", "kept_share_of_common", _SYNTHETIC, True, True),
    ("mass", "mass_share_of_common", _SYNTHETIC, True, True),
    ("TVD", "mean_tvd", _SYNTHETIC, True, False),
    ("suppressed %", "suppressed_percent_of_source", _REPORTABLE, False, False),
    ("mean error", "mean_absolute_error", _SYNTHETIC, False, False),
    ("expansion", "record_expansion", _SYNTHETIC, False, False),
    ("leaked", "leaked", _SYNTHETIC, False, False),
    ("fabricated", "fabricated", _SYNTHETIC, False, False),
)


def outcomes(folders: Sequence[Path]) -> list[Outcome]:
    """Read runs.

    Raises:
        RunError: a folder holds no run that was evaluated.
    """
    return [_outcome(folder) for folder in folders]


def _outcome(folder: Path) -> Outcome:
    refuse_links(folder, f"run {folder}", RunError)
    try:
        manifest = json.loads((folder / RUN_MANIFEST).read_text(encoding="utf-8"))
        entry = manifest["tables"].get("measures")
        if entry is None:
            problem = "was not evaluated"
            raise RunError(f"run {folder}", problem, "go on with it first: synth-spark resume RUN")
        rows = pq.read_table(folder / "tables" / "measures").to_pylist()
    except (OSError, ValueError, KeyError):
        raise RunError(f"run {folder}", "holds no run that can be read", "give folders of runs") from None
    measures = {
        (row["comparison"], row["measure"], row["length"]): row["value"] for row in rows if row["count_bin"] is None
    }
    plan = dict(_flat("", manifest["plan"]))
    source = manifest["plan"].get("input", {})
    name = manifest["plan"].get("data_set") or str(source.get("path") or source.get("table") or "several sources")
    return Outcome(
        run_id=manifest["run_id"],
        data_set=name,
        plan={key: value for key, value in plan.items() if not key.startswith(("input.", *_IGNORED))},
        seconds=sum(stage["seconds"] for stage in manifest["stages"].values()),
        longest=max(length or 0 for _, _, length in measures),
        measures=measures,
    )


def _flat(prefix: str, content: Mapping[str, Any]) -> list[tuple[str, Any]]:
    rows = []
    for key, value in content.items():
        rows += _flat(f"{prefix}{key}.", value) if isinstance(value, dict) else [(f"{prefix}{key}", value)]
    return rows


def differing(outcomes: Sequence[Outcome]) -> list[str]:
    """The settings in which the runs differ, in the order of the plan."""
    keys = dict.fromkeys(key for one in outcomes for key in one.plan)
    return [key for key in keys if len({json.dumps(one.plan.get(key)) for one in outcomes}) > 1]


def rows_of(outcomes: Sequence[Outcome]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the comparison, as text: a row a run."""
    keys = differing(outcomes)
    lengths = range(2, max(one.longest for one in outcomes) + 1)
    figures = [
        (f"{title} {of_length(length)}" if length else title, measure, comparison, length, percent)
        for title, measure, comparison, each, percent in _FIGURES
        for length in (lengths if each else [None])
    ]
    heads = ["run", *keys, *(title for title, *_ in figures), "seconds"]
    rows = [
        [
            one.run_id,
            *(str(one.plan.get(key, "–")) for key in keys),
            *(
                _text(one.figure(measure, length, comparison), percent)
                for _, measure, comparison, length, percent in figures
            ),
            f"{one.seconds:.0f}",
        ]
        for one in outcomes
    ]
    return heads, rows


def _text(value: float | None, percent: bool) -> str:
    if value is None:
        return "–"
    if percent:
        return f"{100 * value:.1f}\u00a0%"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.3f}"


def table_text(outcomes: Sequence[Outcome]) -> str:
    """The comparison for a terminal: a column a run, as there are more figures than runs."""
    heads, rows = rows_of(outcomes)
    columns = [heads, *rows]
    wide = [max(map(len, column)) for column in columns]
    lines = [
        "  ".join(cell.ljust(wide[0]) if at == 0 else cell.rjust(wide[at]) for at, cell in enumerate(line))
        for line in zip(*columns, strict=True)
    ]
    return "\n".join(lines)


def csv_text(outcomes: Sequence[Outcome]) -> str:
    """The comparison as CSV, of which no spreadsheet runs a cell: a row a run."""
    heads, rows = rows_of(outcomes)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([[inert_text(cell) for cell in line] for line in (heads, *rows)])
    return out.getvalue().replace("\u00a0", " ")


def content(outcomes: Sequence[Outcome], title: str = "Runs compared", advice: Sequence[str] = ()) -> Report:
    """The comparison as a report.

    Args:
        outcomes: the runs; two or more say most.
        title: of the report.
        advice: sentences that go before the others.
    """
    heads, rows = rows_of(outcomes)
    definitions = {title: measure for title, measure, *_ in _FIGURES}
    columns = [
        TableColumn(
            head, next((definition(definitions[name]) for name in definitions if head.startswith(name)), ""), at > 0
        )
        for at, head in enumerate(heads)
    ]
    table = DataTable("What was asked for, and what came of it", tuple(columns), tuple(map(tuple, rows)))
    sections = (
        Section("summary", "In short", (Paragraphs((*advice, *_sentences(outcomes)), numbered=True),)),
        Section("runs", "The runs", (table,)),
        Section("charts", "Side by side", tuple(_charts(outcomes))),
    )
    names = "INTERNAL figures of sensitive records: choosing by them is for those who may see these records"
    return Report(title, names, "INTERNAL", f"{len(outcomes)} runs", True, sections)


def called(one: Outcome, keys: Sequence[str]) -> str:
    """A run by what is particular to it."""
    named = [f"{_SHORT.get(key, key.rpartition('.')[2])} {one.plan.get(key, '–')}".strip() for key in keys]
    return ", ".join(named) or one.run_id


def _sentences(outcomes: Sequence[Outcome]) -> list[str]:
    keys = differing(outcomes)
    texts = [f"They differ in {', '.join(keys)}." if keys else "They differ in nothing that was asked for."]
    if len({one.data_set for one in outcomes}) > 1:
        texts.append("They were not made of the same data set: their figures cannot be compared as they stand.")
    for what, measure, best in (
        ("keeps most pairs", "kept_share_of_common", max),
        ("is nearest in pairs", "mean_tvd", min),
    ):
        values = {one.run_id: value for one in outcomes if (value := one.figure(measure, 2)) is not None}
        if values:
            winner = best(values, key=lambda run: values[run])
            one = next(one for one in outcomes if one.run_id == winner)
            texts.append(f"{called(one, keys)} {what}: {_text(values[winner], measure != 'mean_tvd')} ({winner}).")
    return texts


def _charts(outcomes: Sequence[Outcome]) -> list[Block]:
    keys = differing(outcomes)
    names = tuple(
        called(one, keys) if len({called(o, keys) for o in outcomes}) == len(outcomes) else one.run_id
        for one in outcomes
    )
    lengths = tuple(range(2, max(one.longest for one in outcomes) + 1))
    charts: list[Block] = []
    for caption, measure, unit in (
        ("Combinations that are kept", "kept_share_of_common", "percent"),
        ("Counts that are reproduced", "mass_share_of_common", "percent"),
        ("Distance of marginals; less is better", "mean_tvd", "number"),
    ):
        if lengths:
            series = tuple(
                Series(of_length(length), tuple(one.figure(measure, length) for one in outcomes))
                for length in lengths[:_MOST_SERIES]
            )
            how = definition(measure)
            shown = "percent" if unit == "percent" else "number"
            charts.append(Chart("bars", caption, how, names, series, measure.replace("_", " "), unit=shown))  # type: ignore[arg-type]
    across = tuple(_number(one.plan.get("privacy.k")) for one in outcomes)
    if len({value for value in across if value is not None}) > 1:
        series = (Series("k", across), Series("kept", tuple(one.figure("kept_share_of_common", 2) for one in outcomes)))
        how = f"{definition('kept_share_of_common')} To the right is more private, above is more useful."
        charts.append(Chart("points", "What privacy costs", how, names, series, "share of pairs kept", "k"))
    return charts


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
