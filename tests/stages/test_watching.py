"""What runs leave for machines, however they end: summaries, a table of runs, figures, lineage, logs, names of jobs."""

import errno
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pandas as pd
import pytest
from prometheus import samples
from pyspark.sql import SparkSession
from releasing import published

from synth_spark import demo
from synth_spark.cli.main import main
from synth_spark.monitoring import lineage

ROOT = Path(__file__).parents[2]
COLUMNS = "[gender,ageBroad,citizenship,meansThreats,isForcedLabour]"


@pytest.fixture(scope="module")
def cases(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cases") / "cases.csv"
    demo.write_csv(spark, path, 307, seed=3)
    return path


def command(cases: Path, folder: Path, *more: str) -> list[str]:
    where = ["--input", str(cases), "--output", str(folder / "out"), "--seed", "5", "--k", "5", "--length", "2"]
    return ["run", *where, "--set", f"input.columns={COLUMNS}", "--set", "title=Weekly cases", *more]


class Finished:
    """A run that was published, with everything that watches it."""

    def __init__(self, cases: Path, folder: Path, capture: Callable[[], str]) -> None:
        self.folder, self.out = folder, folder / "out"
        self.run = folder / "out.work" / "first"
        told = [
            "--summary",
            str(folder / "summary.json"),
            "--log-file",
            str(folder / "log.jsonl"),
            "--log-format",
            "json",
        ]
        operations = f"operations={{metrics: {folder / 'weekly.prom'}, lineage: {folder / 'lineage.jsonl'}}}"
        self.code = main(command(cases, folder, "--run-id", "first", *told, "--set", operations))
        self.err = capture()


@pytest.fixture(scope="module")
def finished(cases: Path, tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Finished:
    import contextlib
    import io

    errors = io.StringIO()
    with contextlib.redirect_stderr(errors):
        return Finished(cases, tmp_path_factory.mktemp("watched"), errors.getvalue)


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def summary_of(path: Path) -> dict:
    return json.loads(path.read_text())


def test_a_published_run_is_summed_up(finished: Finished) -> None:
    assert finished.code == 0
    found = summary_of(finished.run / "summary.json")
    assert found == summary_of(finished.folder / "summary.json")
    assert (found["format"], found["run_id"], found["job"]) == (1, "first", "Weekly cases")
    assert (found["verdict"], found["exit_code"], found["error"]) == ("published", 0, None)
    assert found["privacy"] == {"kind": "k_anonymity", "k": 5}
    manifest = json.loads((finished.run / "manifest.json").read_text())
    assert [one["stage"] for one in found["stages"]] == [
        "read", "encode", "aggregate", "synthesize", "evaluate", "assess", "validate", "publish",
    ]  # fmt: skip
    assert all(one["done"] for one in found["stages"])
    assert {one["stage"]: one["seconds"] for one in found["stages"]} == {
        name: entry["seconds"] for name, entry in manifest["stages"].items()
    }
    rows = {one["table"]: one["rows"] for one in found["tables"] if one["rows"] is not None}
    for table in ("synthetic_records", "aggregates", "evaluation"):
        assert rows[table] == len(published(finished.out, table))
    assert found["published"]["path"] == str(finished.out)
    assert Path(found["published"]["manifest"]).is_file()
    evaluation = published(finished.out, "evaluation")
    kept = evaluation.query("measure == 'kept_share_of_common' and length == 2 and count_bin.isna()")["value"].item()
    assert {"measure": "kept_share_of_common", "length": 2, "value": kept} in found["figures"]


def test_no_exact_number_of_sensitive_rows_is_told(finished: Finished) -> None:
    """307 records were read: no summary, log, figure or event says so, or how many rows another table has."""
    found = summary_of(finished.run / "summary.json")
    sensitive = [one for one in found["tables"] if one["sensitivity"] != "SAFE"]
    assert len(sensitive) > 8
    assert all(one["rows"] is None for one in sensitive)
    manifest = json.loads((finished.run / "manifest.json").read_text())
    assert manifest["tables"]["records"]["rows"] == 307
    names = ["weekly.prom", "log.jsonl", "lineage.jsonl", "summary.json"]
    text = "".join((finished.folder / name).read_text() for name in names) + finished.err
    assert not re.search(r"\b307(\.0)?\b", re.sub(r"[0-9T:.+-]{20,}|\"seconds\": [0-9.]+|[0-9a-f-]{36}", "", text))


def test_nothing_for_machines_holds_a_value_of_a_record(finished: Finished, cases: Path) -> None:
    names = ["weekly.prom", "log.jsonl", "lineage.jsonl", "summary.json"]
    text = "".join((finished.folder / name).read_text() for name in names) + finished.err
    columns = COLUMNS.strip("[]").split(",")
    values = {value for name in columns for value in pd.read_csv(cases, dtype=str)[name].dropna().unique()}
    told = {value for value in values if len(value) > 2 and re.search(rf"\b{re.escape(value)}\b", text)}
    assert len(values) > 10
    assert told == set()


def test_every_line_of_the_log_is_an_object(finished: Finished) -> None:
    shown = [json.loads(line) for line in finished.err.splitlines()]
    kept = rows_of(finished.folder / "log.jsonl")
    assert [one for one in shown if one["event"] != "library"] == kept
    events = [one["event"] for one in kept]
    assert events[0] == "run_started"
    assert {"stage_started", "stage_finished", "table_kept", "run_finished"} <= set(events)
    assert {one["run_id"] for one in kept} == {"first"}
    stages = [one["stage"] for one in kept if one["event"] == "stage_finished"]
    assert stages == [one["stage"] for one in summary_of(finished.run / "summary.json")["stages"]]
    (end,) = (one for one in kept if one["event"] == "run_finished")
    assert (end["verdict"], end["exit_code"], end["published"]) == ("published", 0, str(finished.out))
    rows = {one["table"]: one["rows"] for one in kept if one["event"] == "table_kept" and "rows" in one}
    assert rows["synthetic_records"] == len(published(finished.out, "synthetic_records"))
    assert "records" not in rows
    assert "counts" not in rows


def test_figures_are_in_the_format_that_monitors_read(finished: Finished) -> None:
    text = (finished.folder / "weekly.prom").read_text()
    assert text == (finished.run / "metrics.prom").read_text()
    found = samples(text)
    assert found["synth_spark_run_success", (("job", "Weekly cases"),)] == 1
    assert found["synth_spark_run_exit_code", (("job", "Weekly cases"),)] == 0
    stages = summary_of(finished.run / "summary.json")["stages"]
    for one in stages:
        assert found["synth_spark_stage_seconds", (("job", "Weekly cases"), ("stage", one["stage"]))] == one["seconds"]
    records = (("job", "Weekly cases"), ("table", "synthetic_records"))
    assert found["synth_spark_table_rows", records] == len(published(finished.out, "synthetic_records"))
    kept = (("job", "Weekly cases"), ("length", "2"), ("measure", "kept_share_of_common"))
    assert 0 < found["synth_spark_evaluation", kept] <= 1
    verdicts = {labels: value for (name, labels), value in found.items() if name == "synth_spark_run_verdict"}
    assert sum(verdicts.values()) == 1
    assert verdicts[("job", "Weekly cases"), ("verdict", "published")] == 1
    assert "first" not in {
        value for (name, labels) in found if name != "synth_spark_run_info" for _, value in labels
    }  # a run's name as a label would be a new series each time


def test_lineage_says_where_from_and_where_to(finished: Finished, cases: Path) -> None:
    start, end = rows_of(finished.folder / "lineage.jsonl")
    assert (start["eventType"], end["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == end["run"]["runId"]
    assert start["job"]["namespace"] == "synth-spark"
    assert start["job"]["name"] == "Weekly cases"
    assert [(one["namespace"], one["name"]) for one in start["inputs"]] == [("file", str(cases))]
    assert start["outputs"] == []
    outputs = {Path(one["name"]).name: one for one in end["outputs"]}
    manifest = json.loads((finished.out / "_manifests" / "first.json").read_text())
    assert set(outputs) == set(manifest["tables"])
    for name, entry in manifest["tables"].items():
        fields = outputs[name]["facets"]["schema"]["fields"]
        assert [(one["name"], one["type"]) for one in fields] == [(c["name"], c["type"]) for c in entry["schema"]]
        assert outputs[name]["outputFacets"]["outputStatistics"]["rowCount"] == entry["rows"]
        assert outputs[name]["facets"]["version"]["datasetVersion"] == "first"


def test_jobs_are_named_after_run_and_stage(finished: Finished, spark: SparkSession) -> None:
    tracker = spark.sparkContext.statusTracker()
    for stage in ("encode", "synthesize", "validate"):
        assert tracker.getJobIdsForGroup(f"synth-spark.first.{stage}"), stage
    assert not tracker.getJobIdsForGroup("synth-spark.first.nothing")
    assert spark.sparkContext.getLocalProperty("spark.jobGroup.id") is None
    assert not [tag for tag in spark.getTags() if tag.startswith("synth-spark")]


@pytest.mark.takes("two audits of a whole release")
def test_a_held_run_is_told_and_its_rows_are_added(finished: Finished, cases: Path, spark: SparkSession) -> None:
    rules = "[{rule: use.kept, measure: kept_share_of_common, length: 2, at_least: 2}]"
    told = ["--run-id", "held", "--summary", str(finished.folder / "held.json"), "--set", f"rules={rules}"]
    metrics = f"operations={{metrics: {finished.folder / 'held.prom'}, lineage: {finished.folder / 'held.jsonl'}}}"
    assert main(command(cases, finished.folder, *told, "--set", metrics)) == 5
    found = summary_of(finished.folder / "held.json")
    assert found == summary_of(finished.run.with_name("held") / "summary.json")
    assert (found["verdict"], found["exit_code"], found["published"]) == ("held", 5, None)
    assert (found["error"]["class"], found["error"]["field"]) == ("AuditFailed", "release")
    assert found["error"]["stage"] == "validate"
    assert "use.kept" in found["error"]["problem"]
    assert [one["done"] for one in found["stages"]][-2:] == [False, False]
    start, end = rows_of(finished.folder / "held.jsonl")
    assert (start["eventType"], end["eventType"], end["outputs"]) == ("START", "FAIL", [])
    assert end["run"]["facets"]["errorMessage"]["message"] == "AuditFailed: release"
    figures = samples((finished.folder / "held.prom").read_text())
    assert figures["synth_spark_run_success", (("job", "Weekly cases"),)] == 0
    assert figures["synth_spark_run_verdict", (("job", "Weekly cases"), ("verdict", "held"))] == 1
    assert figures["synth_spark_release_timestamp_seconds", (("job", "Weekly cases"),)] > 0  # that of the run before
    runs = pd.read_parquet(finished.run.parent / "runs").set_index("run_id")
    assert runs["verdict"].to_dict() == {"first": "published", "held": "held"}
    assert runs["exit_code"].to_dict() == {"first": 0, "held": 5}
    assert runs.loc["first", "synthetic_records"] == len(published(finished.out, "synthetic_records"))
    assert pd.isna(runs.loc["first", "error_class"])
    assert runs.loc["held", "error_class"] == "AuditFailed"
    assert len(spark.read.parquet(str(finished.run.parent / "runs")).columns) == len(runs.columns) + 1


def test_a_run_that_fails_before_it_has_a_folder_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ["--summary", str(tmp_path / "s.json"), "--set", f"operations.metrics={tmp_path / 'm.prom'}"]
    assert main(command(tmp_path / "none.csv", tmp_path, *told, "--log-format", "json")) == 3
    found = summary_of(tmp_path / "s.json")
    assert (found["verdict"], found["exit_code"], found["run_id"]) == ("failed", 3, None)
    assert (found["error"]["class"], found["error"]["field"]) == ("InputError", "input.path")
    assert samples((tmp_path / "m.prom").read_text())["synth_spark_run_exit_code", (("job", "Weekly cases"),)] == 3
    err = capsys.readouterr().err
    (line,) = (json.loads(line) for line in err.splitlines())
    assert (line["event"], line["error"], line["field"]) == ("failed", "InputError", "input.path")
    assert main(command(tmp_path / "none.csv", tmp_path, "--set", "privacy.k=zero", *told)) == 2
    assert summary_of(tmp_path / "s.json")["error"]["class"] == "PlanError"
    assert main(command(tmp_path / "none.csv", tmp_path, "--summary", str(tmp_path / "no" / "s.json"))) == 3
    assert summary_of(tmp_path / "no" / "s.json")["verdict"] == "failed"  # its folder is made


def test_an_unforeseen_error_is_told_by_its_class_alone(
    cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spark: SparkSession
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("Anna Jones")

    monkeypatch.setattr("synth_spark.encode.codes.codes", fail)
    asked = ["--run-id", "fell", "--summary", str(tmp_path / "s.json"), "--log-file", str(tmp_path / "log.jsonl")]
    lines = f"operations.lineage={tmp_path / 'lineage.jsonl'}"
    assert main(command(cases, tmp_path, *asked, "--set", lines)) == 70
    found = summary_of(tmp_path / "s.json")
    assert (found["verdict"], found["exit_code"]) == ("failed", 70)
    assert found["error"]["class"] == "ValueError"
    assert found["error"]["stage"] == "encode"
    assert found["error"]["problem"] is None
    assert re.fullmatch(r"test_watching.py:\d+", found["error"]["where"])
    for file in ("s.json", "log.jsonl", "lineage.jsonl"):
        assert "Anna" not in (tmp_path / file).read_text()
    assert [one["eventType"] for one in rows_of(tmp_path / "lineage.jsonl")] == ["START", "FAIL"]


def test_an_end_that_cannot_be_told_changes_nothing(
    cases: Path,
    tmp_path: Path,
    spark: SparkSession,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A monitor's disk that is full, a table of runs that is a file, nobody who listens: the release is published."""
    (tmp_path / "out.work").mkdir()
    (tmp_path / "out.work" / "runs").touch()

    def full(file: Path) -> None:
        if file.name == "m.prom":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("synth_spark.monitoring.documents.make_folder_of", full)
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "http")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__URL", "http://127.0.0.1:9")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__RETRY", '{"total": 0}')
    assert main(command(cases, tmp_path, "--set", f"operations.metrics={tmp_path / 'none' / 'm.prom'}")) == 0
    assert (tmp_path / "out" / "LATEST.json").is_file()
    err = capsys.readouterr().err
    for remark in ("m.prom could not be written", "the table of runs could not be written", "the end could not be"):
        assert remark in err


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict]]]:
    """Something that takes OpenLineage events."""
    received: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append({"path": self.path, "event": json.loads(body)})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}", received
    listening.shutdown()
    thread.join()
    listening.server_close()


def test_lineage_goes_to_a_url(server: tuple[str, list[dict]], finished: Finished, spark: SparkSession) -> None:
    """An audit of the published run once more, told to a server."""
    url, received = server
    manifest = json.loads((finished.run / "manifest.json").read_text())
    before = manifest["plan"]["operations"]["lineage"]
    manifest["plan"]["operations"]["lineage"] = url
    (finished.run / "manifest.json").write_text(json.dumps(manifest))
    assert main(["validate", str(finished.run), "--quiet"]) == 0
    manifest["plan"]["operations"]["lineage"] = before
    (finished.run / "manifest.json").write_text(json.dumps(manifest))
    assert [one["event"]["eventType"] for one in received] == ["START", "COMPLETE"]
    assert {one["path"] for one in received} == {"/api/v1/lineage"}


def test_without_the_client_lineage_is_refused_before_any_work(
    cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "openlineage", None)
    assert main(command(cases, tmp_path, "--set", "operations.lineage=events.jsonl")) == 8
    assert "pip install 'synth-spark[lineage]'" in capsys.readouterr().err
    assert not (tmp_path / "out.work").exists()
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9")
    assert main(command(cases, tmp_path)) == 8
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    assert main(command(tmp_path / "none.csv", tmp_path)) == 3


def test_a_query_and_keys_in_addresses_are_not_told() -> None:
    from synth_spark import plan as plans

    asked = plans.parse({"input": {"sql": "SELECT * FROM cases WHERE name = 'Anna'"}})
    assert lineage.input_datasets(asked) == []
    # a plan that holds a key is refused; should an address get here some other way, its key does not go on
    for scheme in ("s3", "s3a", "s3n"):
        assert lineage.dataset_of(f"{scheme}://key:secret@bucket/a.csv") == ("s3://bucket", "a.csv")
    assert lineage.dataset_of("wasbs://cases:secret@account.net/a.csv")[0] == "wasbs://cases@account.net"


def test_every_key_of_a_summary_is_documented(finished: Finished) -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    found = summary_of(finished.run / "summary.json")
    keys = [*found, *found["stages"][0], *found["tables"][0], *found["published"]]
    keys += ["class", "field", "problem", "remedy", "where"]
    assert [key for key in keys if f"`{key}`" not in text] == []
    metrics = {name for name, _ in samples((finished.run / "metrics.prom").read_text())}
    assert [name for name in sorted(metrics) if f"`{name}`" not in text] == []
    events = {one["event"] for one in rows_of(finished.folder / "log.jsonl")}
    assert [name for name in sorted(events) if f"`{name}`" not in text] == []
