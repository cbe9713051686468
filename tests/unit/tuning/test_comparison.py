"""Runs side by side, from their folders alone."""

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synth_spark.errors import RunError
from synth_spark.report.blocks import Chart, DataTable, Paragraphs
from synth_spark.report.html_page import page
from synth_spark.report.markdown import markdown
from synth_spark.tuning.comparison import content, csv_text, differing, outcomes, rows_of, table_text


def run(
    folder: Path, name: str, k: int, kept: float, data: str = "cases.csv", longest: int = 3, **plan: object
) -> Path:
    """A run folder with what a comparison reads."""
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
        "seed": k,
    }
    manifest = {
        "run_id": name, "plan": {**asked, **plan}, "tables": {"measures": {}},
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
    assert table_text(found).splitlines()[0].split() == ["run", "first", "second"]
    assert [len(line) for line in csv.reader(io.StringIO(csv_text(found)))] == [len(heads)] * 3


def test_the_report_names_the_best_and_shows_what_privacy_costs(two: list[Path]) -> None:
    report = content(outcomes(two), "Compared", ("First of all.",))
    blocks = [block for section in report.sections for block in section.blocks]
    said = next(block for block in blocks if isinstance(block, Paragraphs))
    assert said.texts[0] == "First of all."
    assert any("k 5 keeps most pairs" in text for text in said.texts)
    charts = [block for block in blocks if isinstance(block, Chart)]
    trade = next(chart for chart in charts if chart.kind == "points")
    assert [series.values for series in trade.series] == [(5.0, 10.0), (0.45, 0.4)]
    assert len(next(block for block in blocks if isinstance(block, DataTable)).rows) == 2
    assert "What privacy costs" in page(report)
    assert "What privacy costs" in markdown(report)
    assert report.edition == "INTERNAL"


def test_runs_of_other_data_and_length_are_told_apart(tmp_path: Path) -> None:
    found = outcomes([run(tmp_path, "a", 5, 0.9), run(tmp_path, "b", 5, 0.9, data="other.csv", longest=2)])
    report = content(found)
    said = " ".join(text for block in report.sections[0].blocks for text in block.texts)  # type: ignore[union-attr]
    assert "not made of the same data set" in said
    heads, rows = rows_of(found)
    assert dict(zip(heads, rows[1], strict=True))["kept triples"] == "–"


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run that can be read"):
        outcomes([tmp_path])
    place = run(tmp_path, "early", 5, 0.9)
    manifest = json.loads((place / "manifest.json").read_text())
    (place / "manifest.json").write_text(json.dumps({**manifest, "tables": {}}))
    with pytest.raises(RunError, match="was not evaluated"):
        outcomes([place])
