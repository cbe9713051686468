"""Releases as the library hands them out: of runs that others made, of which only the end is to do."""

import json
import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from releasing import another, kept, work_until

import synth_spark as ss
from synth_spark.cli.main import main
from synth_spark.errors import PlanError, PublishError, RunError
from synth_spark.library.notebook import Bar
from synth_spark.library.running import begin
from synth_spark.pipeline.run import Run
from synth_spark.runtime import faults
from synth_spark.runtime.scratch import private_folder
from synth_spark.schema import tables

#: A rule that no release keeps, and that somebody may accept.
BROKEN = {"rule": "own.never", "measure": "mass_share_of_common", "length": 1, "at_least": 2.0, "severity": "warning"}


@pytest.fixture(scope="module")
def frames(explored_cases: Path) -> dict[str, Any]:
    """The same cases as frames of every kind in memory."""
    cases = pd.read_csv(explored_cases, dtype=str)
    return {"pandas": cases, "polars": pl.from_pandas(cases), "arrow": pa.Table.from_pandas(cases)}


@pytest.fixture(scope="module")
def records(spark: SparkSession, frames: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The records that are read of a frame in memory."""
    run = begin(frames["pandas"], work=tmp_path_factory.mktemp("read") / "work", quiet=True)
    work_until(run, "read")
    return kept(run, tables.RECORDS)


def test_a_frame_of_spark_is_read_by_its_session(
    spark: SparkSession, explored_cases: Path, records: pd.DataFrame, tmp_path: Path
) -> None:
    frame = spark.read.csv(str(explored_cases), header=True)
    run = begin(frame, work=tmp_path / "work", run_id="Of-Spark", quiet=True)
    assert run.plan.input.table == "synth_spark_of_spark"
    work_until(run, "read")
    pd.testing.assert_frame_equal(kept(run, tables.RECORDS), records)
    assert list((tmp_path / "work").glob("frames/*")) == []


def test_a_frame_of_spark_that_is_gone_is_asked_for_again(
    spark: SparkSession, explored_cases: Path, tmp_path: Path
) -> None:
    frame = spark.read.csv(str(explored_cases), header=True)
    run = begin(frame, work=tmp_path / "work", quiet=True)
    spark.catalog.dropTempView(run.plan.input.table or "")
    with pytest.raises(ss.SynthSparkError, match=r"is gone with its session.*give the frame again"):
        ss.resume(run.store.folder, quiet=True)

    def interrupted(name: str, _: Any = None) -> None:
        if name == "stage.read.done":
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(faults, "point", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ss.resume(run.store.folder, frame, quiet=True)
    assert run.store.open(run.store.folder).done("read")
    shutil.rmtree(run.store.folder)  # nobody resumes it


def test_where_tasks_see_other_disks_places_must_be_named(
    spark: SparkSession, frames: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = list(private_folder().rglob("*.parquet"))
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18")
    with pytest.raises(PlanError, match=r"^work: is not named, and tasks on other machines do not see"):
        begin(frames["arrow"], quiet=True)
    assert list(private_folder().rglob("*.parquet")) == before


@pytest.fixture(scope="module")
def released(explored: dict[str, Run], tmp_path_factory: pytest.TempPathFactory) -> ss.Release[Any]:
    """A copy of a run, published by the library. Nobody changes it."""
    run = another(explored["parquet"], tmp_path_factory.mktemp("released") / "out", "Again", "publish")
    return ss.resume(run.store.folder, quiet=True)


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "spark"])
def test_what_was_published_is_handed_out_as_frames(released: ss.Release[Any], kind: Any) -> None:
    opened = ss.open_release(released.path, kind=kind)
    kinds = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.Table, "spark": DataFrame}
    sizes = {}
    for name in ("synthetic", "aggregates", "evaluation", "quality"):
        frame = getattr(opened, name)
        assert isinstance(frame, kinds[kind])
        sizes[name] = frame.count() if isinstance(frame, DataFrame) else len(frame)
    entries = json.loads((Path(released.path) / "_manifests" / "Again.json").read_text())["tables"]
    rows = [entries[name]["rows"] for name in ("synthetic_records", "aggregates", "evaluation", "quality_results")]
    assert list(sizes.values()) == rows
    assert opened.report == (Path(released.path) / "RELEASE.md").read_text()
    with pytest.raises(PublishError, match="is not part of this release"):
        opened.table("counts")
    with pytest.raises(RunError, match="has no run folder"):
        opened.purge()


def test_whoever_opens_a_changed_release_gets_nothing(released: ss.Release[Any], tmp_path: Path) -> None:
    shutil.copytree(released.path, tmp_path / "out")
    (file,) = (tmp_path / "out" / "aggregates").rglob("*.parquet")
    file.write_bytes(b"")
    with pytest.raises(PublishError, match="is not what was audited"):
        ss.open_release(tmp_path / "out")


class Page(HTMLParser):
    """What HTML asks for, and the pages in its frames."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.frames: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href", "action", "data")]
        if tag == "iframe":
            self.frames.append(dict(attrs))


def test_a_notebook_shows_all_of_it_and_asks_for_nothing(released: ss.Release[Any]) -> None:
    html = released._repr_html_()
    page = Page(html)
    assert page.addresses == []
    assert [frame["sandbox"] for frame in page.frames] == ["allow-scripts allow-downloads"] * 2
    for frame, name in zip(page.frames, ("report.html", "showcase.html"), strict=True):
        assert frame["srcdoc"] == (Path(released.path) / name).read_text()
    assert "May go out" in html
    assert html.partition("</ol>")[0].count("<li>") == 4
    rules = released.quality["suite"] + "." + released.quality["rule"]
    assert all(rule in html.partition("<iframe")[0] for rule in rules)


def test_texts_of_a_release_are_no_html(explored: dict[str, Run], tmp_path: Path) -> None:
    run = another(explored["parquet"], tmp_path / "out", "Marked", "publish", title="<script>alert(1)</script>")
    html = ss.resume(run.store.folder, quiet=True)._repr_html_()
    outside = re.sub(r'srcdoc="[^"]*"', "", html)
    assert "<script" not in outside
    assert "&lt;script&gt;alert(1)" in outside


def test_what_is_held_is_not_handed_out(explored: dict[str, Run], tmp_path: Path) -> None:
    run = another(explored["parquet"], tmp_path / "out", "Held", "validate", rules=[BROKEN])
    with pytest.raises(ss.HeldError, match=r"breaks 1 of \d+ rules: own.never") as caught:
        ss.resume(run.store.folder, quiet=True)
    held = caught.value
    assert [(one.rule, one.severity) for one in held.held] == [("own.never", "warning")]
    assert held.run == run.store.folder
    assert held.report == run.store.folder / "report.html"
    assert held.report.is_file()
    assert "synth_spark.resume(" in str(held)
    assert not (tmp_path / "out" / "LATEST.json").exists()
    with pytest.raises(PublishError, match="has not been published"):
        ss.open_release(run.store.folder)
    out = ss.resume(run.store.folder, accept={"own.never": "it is a test"}, quiet=True)
    assert out.path == str(tmp_path / "out")
    assert "it is a test" in (run.store.folder / "quality.md").read_text()


def test_an_interrupted_run_can_be_resumed(
    explored: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = another(explored["parquet"], tmp_path / "out", "Interrupted", "publish")

    def interrupt(name: str, _: Any = None) -> None:
        if name == "stage.publish.before":
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(faults, "point", interrupt)
        with pytest.raises(KeyboardInterrupt) as caught:
            ss.resume(run.store.folder, quiet=True)
    assert caught.value.__notes__ == [f"what was kept can be resumed: synth_spark.resume({str(run.store.folder)!r})"]
    summary = json.loads((run.store.folder / "summary.json").read_text())
    assert summary["exit_code"] == 130
    assert ss.resume(quiet=True).run_id == "Interrupted"
    with pytest.raises(RunError, match="every run of this process has ended"):
        ss.resume()


def test_a_release_is_published_elsewhere_after_it_was_compared_there(
    released: ss.Release[Any], explored: dict[str, Run], tmp_path: Path
) -> None:
    there = released.publish(tmp_path / "out", quiet=True, work=tmp_path / "kept")
    assert (there.path, there.folder) == (str(tmp_path / "out"), tmp_path / "kept" / "Again")
    assert there.run_id == released.run_id
    pd.testing.assert_frame_equal(there.aggregates, released.aggregates)
    assert main(["validate", str(there.folder)]) == 0
    with pytest.raises(PublishError, match="has been published there already"):
        released.publish(tmp_path / "out", quiet=True)
    with pytest.raises(PlanError, match="work: is not named, or in a store"):
        released.publish("s3://bucket/out", quiet=True)
    other = another(explored["parquet"], tmp_path / "other", "Other", "publish")
    later = ss.resume(other.store.folder, quiet=True).publish(tmp_path / "out", quiet=True)
    told = json.loads((tmp_path / "out.work" / "Other" / "manifest.json").read_text())["facts"]
    assert told["readers_may_hold"] == ["Again"]
    assert "Again" in set(later.table("differences")["about"])


def test_a_purge_takes_the_copy_of_a_frame_along(
    explored: dict[str, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = another(explored["parquet"], tmp_path / "out", "Purged", "publish")
    copy = run.store.folder.parent / "frames" / "Purged.parquet"
    copy.parent.mkdir()
    copy.write_bytes(b"SENSITIVE")
    out = ss.resume(run.store.folder, quiet=True)
    assert "records" in out.purge()
    assert not copy.exists()
    assert not (run.store.folder / "tables" / "records").exists()
    assert len(out.synthetic) > 0


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What a notebook is told to show."""
    said: list[dict[str, str]] = []

    class Handle:
        def update(self, shown: dict[str, str], raw: bool) -> None:
            said.append(shown)

    class Display:
        @staticmethod
        def display(shown: dict[str, str], raw: bool, display_id: bool) -> Handle:
            said.append(shown)
            return Handle()

    monkeypatch.setitem(sys.modules, "IPython.display", Display)  # type: ignore[arg-type]
    return said


def test_a_bar_says_how_far_a_run_is_and_never_more(shown: list[dict[str, str]]) -> None:
    bar = Bar(lambda: (3, 2))
    with bar.stage("read", "reading <all>"):
        assert 'max="8" value="0"' in shown[-1]["text/html"]
    assert 'max="8" value="1"' in shown[-1]["text/html"]
    with bar.stage("inspect", "looking"):
        assert "value" not in shown[-1]["text/html"]
    bar.say("a <note>")
    with bar.stage("publish", "publishing"):
        pass
    assert 'max="8" value="8"' in shown[-1]["text/html"]
    assert shown[-1]["text/plain"] == "[8/8] publish: done\na <note>"
    assert all("<all>" not in one["text/html"] and "<note>" not in one["text/html"] for one in shown)
