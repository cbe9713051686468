"""Runs side by side, from their folders alone."""

import csv
import io
import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synth_spark.errors import PlanError, RunError
from synth_spark.report.blocks import Chart, DataTable, Paragraphs
from synth_spark.report.html_page import page
from synth_spark.report.markdown import markdown
from synth_spark.tuning.comparison import content, csv_text, differing, outcomes, rows_of, table_text
from synth_spark.tuning.grid_search import advice


def run(
    folder: Path,
    name: str,
    k: int,
    kept: float,
    data: str = "cases.csv",
    longest: int = 3,
    common: float = 200.0,
    kind: str = "row_seeded",
    **plan: object,
) -> Path:
    """A run folder with what a comparison reads; records differ where the file does."""
    place = folder / name
    measures = [
        {
            "comparison": "sensitive_to_synthetic",
            "measure": measure,
            "length": length,
            "count_bin": None,
            "value": value,
        }
        for length in range(1, longest + 1)
        for measure, value in (
            ("kept_share_of_common", kept / length),
            ("mean_tvd", (1 - kept) * length),
            ("tuples", 3.0),
            ("source_combinations", 900.0),
            ("source_count", 4_000.0),
            ("common", common / length),
            ("kept", common * kept / length**2),
        )
    ]
    measures.append({**measures[0], "measure": "record_expansion", "length": None, "value": 1.25})
    measures.append({**measures[0], "count_bin": 10, "value": 99.0})
    (place / "tables" / "measures").mkdir(parents=True)
    kinds = pa.schema([("comparison", pa.string()), ("measure", pa.string()), ("length", pa.int32()),
                       ("count_bin", pa.int64()), ("value", pa.float64())])  # fmt: skip
    pq.write_table(pa.Table.from_pylist(measures, kinds), place / "tables" / "measures" / "part.parquet")
    asked = {
        "input": {"path": data},
        "privacy": {"kind": "k_anonymity", "k": k},
        "reporting_length": longest,
        "synthesis": {"kind": kind},
        "seed": k,
    }
    manifest = {
        "run_id": name, "plan": {**asked, **plan}, "facts": {"fields": [{"name": "a"}]},
        "tables": {"measures": {}, "records": {"content_hash": data}},
        "stages": {"read": {"seconds": 1.5}, "evaluate": {"seconds": 2.0}},
    }  # fmt: skip
    (place / "manifest.json").write_text(json.dumps(manifest))
    return place


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    return [run(tmp_path, "first", 5, 0.9), run(tmp_path, "second", 10, 0.8, title="another")]


def test_runs_differ_in_what_was_asked_for_and_not_in_chance_or_names(two: list[Path]) -> None:
    found = outcomes(two)
    assert differing(found) == ["privacy.k"]
    heads, rows = rows_of(found)
    first = dict(zip(heads, rows[0], strict=True))
    assert (first["run"], first["privacy.k"], first["seconds"]) == ("first", "5", "4")
    assert first["kept pairs"].split() == ["45.0", "%"]
    assert first["TVD triples"] == "0.300"
    assert first["expansion"] == "1.250"
    assert first["leaked"] == "–"
    assert first["guarantee"] == "k 5, whole records"
    told = table_text(found).splitlines()
    assert told[0].split() == ["run", "first", "second"]
    titles = {re.sub(" (pairs|triples)$", "", head.partition(":")[0]) for head in heads} - {
        "run",
        "guarantee",
        "privacy.k",
    }
    over = {title for line in told if ": over " in line for title in line.partition(": over ")[0].split(", ")}
    assert titles - {"seconds"} == over  # of every figure it is said what it is over
    assert [len(line) for line in csv.reader(io.StringIO(csv_text(found)))] == [len(heads)] * 3


def test_the_report_names_the_best_and_shows_what_privacy_costs(two: list[Path]) -> None:
    report = content(outcomes(two), "Compared", ("First of all.",))
    blocks = [block for section in report.sections for block in section.blocks]
    said = next(block for block in blocks if isinstance(block, Paragraphs))
    assert said.texts[0] == "First of all."
    assert "k 5 keeps most of the 100 pairs that at least 5 records hold: 45.0% (first)." in said.texts
    charts = [block for block in blocks if isinstance(block, Chart)]
    trade = next(chart for chart in charts if chart.kind == "points")
    assert [series.values for series in trade.series] == [(5.0, 10.0), (0.45, 0.4)]
    assert len(next(block for block in blocks if isinstance(block, DataTable)).rows) == 2
    assert "What privacy costs" in page(report)
    assert "What privacy costs" in markdown(report)
    assert report.edition == "INTERNAL"


def said_of(*folders: Path) -> tuple[str, list[Chart]]:
    """The sentences of a comparison, and its charts."""
    blocks = [block for section in content(outcomes(folders)).sections for block in section.blocks]
    texts = next(block for block in blocks if isinstance(block, Paragraphs)).texts
    return " ".join(texts), [block for block in blocks if isinstance(block, Chart)]


def test_shares_of_other_combinations_are_not_ranked(tmp_path: Path) -> None:
    """Of few pairs of a large k more are kept, as a share; of the same pairs fewer are."""
    many = run(tmp_path, "many", 5, 0.8, common=7_030.0)
    few = run(tmp_path, "few", 50, 0.98, common=378.0)
    said, charts = said_of(many, few)
    assert "not ranked (common pairs: 3,515 of k 5, 189 of k 50)" in said
    assert "k 5 keeps most of the 3,515 pairs that at least 5 records hold: 40.0% (many)." in said
    assert "k 50 keeps" not in said
    heads, rows = rows_of(outcomes([many, few]))
    assert [dict(zip(heads, row, strict=True))["kept of k 5: pairs"] for row in rows] == ["40.0\u00a0%", "2.6\u00a0%"]
    assert not [chart for chart in charts if chart.caption == "Counts that are reproduced"]


def test_runs_of_other_records_are_told_apart_and_not_ranked(tmp_path: Path) -> None:
    made = [run(tmp_path, "a", 5, 0.9), run(tmp_path, "b", 5, 0.9, data="other.csv", longest=2)]
    said, charts = said_of(*made)
    assert "not made of the same records" in said
    assert ("keeps most" in said, "nearest" in said, charts) == (False, False, [])
    heads, rows = rows_of(outcomes(made))
    second = dict(zip(heads, rows[1], strict=True))
    assert (second["kept triples"], second["data set"]) == ("–", "other.csv")
    assert not [head for head in heads if head.startswith("kept of")]


def test_a_weaker_guarantee_is_named_and_ranked_by_itself(tmp_path: Path) -> None:
    whole = run(tmp_path, "whole", 5, 0.7)
    seeded = run(tmp_path, "seeded", 5, 0.9, kind="aggregate_seeded")
    said, _ = said_of(whole, seeded)
    assert "They do not promise the same: aggregate_seeded promise less" in said
    assert "Of runs that promise whole records, row_seeded keeps most of the 100 pairs" in said
    assert "Of runs that promise up to 3 attributes, aggregate_seeded keeps most of the 100 pairs" in said
    heads, rows = rows_of(outcomes([whole, seeded]))
    assert [row[heads.index("guarantee")] for row in rows] == ["k 5, whole records", "k 5, up to 3 attributes"]
    advised = advice(outcomes([whole, run(tmp_path, "best", 5, 1.9, kind="aggregate_seeded")]))
    assert "Of the plans that promise whole records: No plan keeps 90% of the 100 pairs" in advised
    assert "Of the plans that promise up to 3 attributes: The largest k that keeps 90% of the 100 pairs" in advised


def test_plans_are_recommended_by_the_same_pairs(tmp_path: Path) -> None:
    """All that a very large k has common is kept, and that is next to nothing."""
    tried = [run(tmp_path, "k5", 5, 1.9), run(tmp_path, "k500", 500, 2.0, common=6.0)]
    assert "90% of the 100 pairs that at least 5 records of the sample hold: k 5, with 95.0%." in advice(
        outcomes(tried)
    )


def test_differential_privacy_is_not_compared_by_exact_figures(tmp_path: Path) -> None:
    noisy = run(tmp_path, "noisy", 5, 0.9, privacy={"kind": "differential_privacy", "epsilon": 1.0})
    for asked in ([noisy], [run(tmp_path, "plain", 5, 0.9), noisy]):
        with pytest.raises(PlanError, match="run noisy: is under differential privacy"):
            outcomes(asked)


def test_a_run_that_was_purged_has_nothing_to_compare(tmp_path: Path) -> None:
    place = run(tmp_path, "gone", 5, 0.9)
    manifest = json.loads((place / "manifest.json").read_text())
    (place / "manifest.json").write_text(json.dumps({**manifest, "purged": {"started": "now"}}))
    with pytest.raises(RunError, match="was purged"):
        outcomes([place])


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run that can be read"):
        outcomes([tmp_path])
    place = run(tmp_path, "early", 5, 0.9)
    manifest = json.loads((place / "manifest.json").read_text())
    (place / "manifest.json").write_text(json.dumps({**manifest, "tables": {}}))
    with pytest.raises(RunError, match="was not evaluated"):
        outcomes([place])
