"""Runs side by side: what was asked for against what came of it. From run folders alone; no Spark. INTERNAL."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq

from synth_spark.errors import RunError
from synth_spark.exports.spreadsheets import inert_text
from synth_spark.plan.addresses import scheme_of
from synth_spark.report.blocks import Block, Chart, DataTable, Paragraphs, Report, Section, Series, TableColumn
from synth_spark.report.material import of_length
from synth_spark.schema.metric_definitions import definition
from synth_spark.schema.root_layout import RUN_MANIFEST
from synth_spark.schema.tables import MEASURES
from synth_spark.storage.paths import refuse_links
from synth_spark.storage.runs.folders import run_folder
from synth_spark.tuning import comparability
from synth_spark.tuning.comparability import (
    COUNTED,
    FIGURES,
    Outcome,
    kept_of,
    over_lines,
    over_the_same,
    reference,
    same_base_title,
    same_records,
)

#: Parts of a plan that differ from run to run and say nothing of how a release was made.
_IGNORED = (
    "run_id", "seed", "work", "ledger", "output.path", "operations.", "data_set", "title", "assessment.earlier",
    "input.since",
)  # fmt: skip
_MOST_SERIES = 4
#: Settings that are called otherwise where there is little room.
_SHORT = {"reporting_length": "R", "synthesis.kind": ""}


def outcomes(folders: Sequence[str | Path]) -> list[Outcome]:
    """Read runs.

    Args:
        folders: of runs, of this machine or of an object store.

    Raises:
        RunError: a folder holds no run that was evaluated, or the run was purged.
        PlanError: a run is under differential privacy.
    """
    runs = [str(folder) for folder in folders]
    manifests = [_manifest(run) for run in runs]
    comparability.check({one["run_id"]: one["plan"] for one in manifests})
    return [_outcome(run, manifest) for run, manifest in zip(runs, manifests, strict=True)]


def _manifest(run: str) -> dict[str, Any]:
    """What a run's manifest says, as far as it is read here."""
    if scheme_of(run) is not None:
        return run_folder(run).manifest()
    folder = Path(run)
    refuse_links(folder, f"run {folder}", RunError)
    try:
        manifest: dict[str, Any] = json.loads((folder / RUN_MANIFEST).read_text(encoding="utf-8"))
        if all(kind in manifest for kind in ("run_id", "plan", "tables", "stages")):
            return manifest
    except (OSError, ValueError, TypeError):
        pass
    raise RunError(f"run {folder}", "holds no run that can be read", "give folders of runs")


def _measures(run: str) -> list[dict[str, Any]]:
    """The rows of the measures of a run."""
    if scheme_of(run) is None:
        rows: list[dict[str, Any]] = pq.read_table(Path(run) / "tables" / MEASURES.name).to_pylist()
        return rows
    from synth_spark.storage.run_store import RunStore

    return list(RunStore.open(run).arrow(MEASURES).to_pylist())


def _outcome(run: str, manifest: dict[str, Any]) -> Outcome:
    try:
        entry = manifest["tables"].get(MEASURES.name)
        if "purged" in manifest:
            problem = "was purged: its exact figures are gone"
            raise RunError(f"run {run}", problem, "compare runs that are not purged")
        if entry is None:
            problem = "was not evaluated"
            raise RunError(f"run {run}", problem, "go on with it first: synth-spark resume RUN")
        rows = _measures(run)
    except (OSError, ValueError, KeyError):
        raise RunError(f"run {run}", "holds no run that can be read", "give folders of runs") from None
    read = manifest["tables"].get("records", {})
    columns = [field["name"] for field in manifest.get("facts", {}).get("fields", [])]
    measures = {
        (row["comparison"], row["measure"], row["length"]): row["value"] for row in rows if row["count_bin"] is None
    }
    plan = dict(_flat("", manifest["plan"]))
    source = manifest["plan"].get("input", {})
    name = manifest["plan"].get("data_set") or str(source.get("path") or source.get("table") or "several sources")
    return Outcome(
        run_id=manifest["run_id"],
        data_set=name,
        records=json.dumps([read["content_hash"], columns]) if "content_hash" in read else None,
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
    keys, apart = differing(outcomes), not same_records(outcomes)
    lengths = range(2, max(one.longest for one in outcomes) + 1)
    heads = ["run", "guarantee", *keys, *(["data set"] if apart else [])]
    rows = [
        [one.run_id, one.guarantee, *(str(one.plan.get(key, "–")) for key in keys), *([one.data_set] if apart else [])]
        for one in outcomes
    ]
    for figure in FIGURES:
        for length in lengths if figure.each else [None]:
            heads.append(f"{figure.title} {of_length(length)}" if length else figure.title)
            for one, row in zip(outcomes, rows, strict=True):
                row.append(_text(one.figure(figure.measure, length, figure.comparison), figure.percent))
    for length in lengths:
        base = reference(outcomes, length)
        if base is not None:
            heads.append(f"{same_base_title(base)}: {of_length(length)}")
            for one, row in zip(outcomes, rows, strict=True):
                row.append(_text(kept_of(one, base, length), True))
    return [*heads, "seconds"], [[*row, f"{one.seconds:.0f}"] for one, row in zip(outcomes, rows, strict=True)]


def _text(value: float | None, percent: bool) -> str:
    if value is None:
        return "–"
    if percent:
        return f"{100 * value:.1f}\u00a0%"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.3f}"


def table_text(outcomes: Sequence[Outcome]) -> str:
    """The comparison for a terminal: a column a run, as there are more figures than runs; then what they are over."""
    heads, rows = rows_of(outcomes)
    columns = [heads, *rows]
    wide = [max(map(len, column)) for column in columns]
    lines = [
        "  ".join(cell.ljust(wide[0]) if at == 0 else cell.rjust(wide[at]) for at, cell in enumerate(line))
        for line in zip(*columns, strict=True)
    ]
    return "\n".join([*lines, *over_lines(outcomes)])


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
    columns = [TableColumn(head, _definition(head), at > 0) for at, head in enumerate(heads)]
    table = DataTable("What was asked for, and what came of it", tuple(columns), tuple(map(tuple, rows)))
    keys = differing(outcomes)
    texts = (
        f"They differ in {', '.join(keys)}." if keys else "They differ in nothing that was asked for.",
        *comparability.comparability_sentences(outcomes, lambda one: called(one, keys)),
    )
    charts = tuple(_charts(outcomes))
    sections = (
        Section("summary", "In short", (Paragraphs((*advice, *texts), numbered=True),)),
        Section("runs", "The runs", (table, Paragraphs(tuple(over_lines(outcomes))))),
        *([Section("charts", "Side by side", charts)] if charts else []),
    )
    names = "INTERNAL figures of sensitive records: choosing by them is for those who may see these records"
    return Report(title, names, "INTERNAL", f"{len(outcomes)} runs", True, sections)


def called(one: Outcome, keys: Sequence[str]) -> str:
    """A run by what is particular to it."""
    named = [f"{_SHORT.get(key, key.rpartition('.')[2])} {one.plan.get(key, '–')}".strip() for key in keys]
    return ", ".join(named) or one.run_id


def _definition(head: str) -> str:
    """What a column of the comparison says, and what it is over."""
    if head.startswith("kept of k"):
        return "Share of the combinations that at least that many records hold which the run's synthetic records hold."
    if head == "guarantee":
        return "What k sensitive records or more hold of a synthetic record: all of it, or combinations up to a length."
    found = [figure for figure in FIGURES if head.startswith(figure.title)]
    return f"{definition(found[0].measure)} Over {found[0].over}." if found else ""


def _kept(outcomes: Sequence[Outcome], one: Outcome, length: int) -> float | None:
    base = reference(outcomes, length)
    return None if base is None else kept_of(one, base, length)


def _measure(measure: str, one: Outcome, length: int) -> float | None:
    return one.figure(measure, length)


def _charts(outcomes: Sequence[Outcome]) -> list[Block]:
    """What is over the same combinations in all runs, side by side; nothing else is."""
    base, keys = reference(outcomes), differing(outcomes)
    lengths = tuple(range(2, max(one.longest for one in outcomes) + 1))
    if base is None or not lengths:
        return []
    names = tuple(
        called(one, keys) if len({called(o, keys) for o in outcomes}) == len(outcomes) else one.run_id
        for one in outcomes
    )
    charts: list[Block] = []

    def bars(caption: str, measure: str, how: str, figure: Callable[[Outcome, int], float | None]) -> None:
        unit: Literal["number", "percent"] = "number" if measure == "mean_tvd" else "percent"
        series = tuple(
            Series(of_length(length), tuple(figure(one, length) for one in outcomes))
            for length in lengths[:_MOST_SERIES]
        )
        charts.append(Chart("bars", caption, how, names, series, measure.replace("_", " "), unit=unit))

    how = _definition(same_base_title(base))
    bars(f"Combinations of at least {base.k} records that are kept", "share kept", how, partial(_kept, outcomes))
    for caption, measure, counts in (
        ("Counts that are reproduced", "mass_share_of_common", ("common",)),
        ("Distance of marginals; less is better", "mean_tvd", COUNTED),
    ):
        if over_the_same(outcomes, counts, 2):
            bars(caption, measure, definition(measure), partial(_measure, measure))
    if len({one.k for one in outcomes}) > 1:
        kept = Series("kept", tuple(kept_of(one, base, 2) for one in outcomes))
        series = (Series("k", tuple(float(one.k) for one in outcomes)), kept)
        how = f"{how} To the right is more private, above is more useful."
        axis = f"share kept of the pairs that at least {base.k} records hold"
        charts.append(Chart("points", "What privacy costs", how, names, series, axis, "k"))
    return charts
