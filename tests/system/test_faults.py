"""A run that is interrupted anywhere, a disk that is full, two who publish at once: a whole release, or nothing of it.

`make faults` goes through all points; here are a dozen, one of each kind at least, and what needs a stage of its own.
"""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from inject import Line, fingerprint, server
from publishing import about_to_publish, at_the_switch
from pyspark.sql import SparkSession

from synth_spark.cli.main import main
from synth_spark.errors import PublishError
from synth_spark.pipeline import api
from synth_spark.pipeline.stages import STAGES
from synth_spark.publish import lifecycle, publisher
from synth_spark.publish.delta import slices
from synth_spark.publish.published_release import open_release
from synth_spark.publish.publisher import Publisher
from synth_spark.publish.repository import ReleaseRepository
from synth_spark.runtime import faults
from synth_spark.schema import tables

#: Of the tables of a release as many as its steps as Delta are told apart by; each takes seconds.
FOUR = (tables.SYNTHETIC_RECORDS, tables.AGGREGATES, tables.EVALUATION, tables.RELEASE)
DOZEN = [
    ("keep.records.tasks", "task"),
    ("keep.domain.rename", "rename"),
    ("keep.codes.tasks", "worker"),
    ("keep.counts.rename", "full"),
    ("keep.aggregates.kept", "corrupt"),
    ("stage.synthesize.before", "clock"),
    ("keep.measures.renamed", "exception"),
    ("stage.validate.after", "audit"),
    ("publish.copy.aggregates", "full"),
    ("publish.place.quality_results", "rename"),
    ("publish.switch", "full"),
    ("publish.switched", "rename"),
    ("stage.publish.after", "exception"),
]


@pytest.fixture(scope="module")
def line(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Line:
    return Line(spark, tmp_path_factory.mktemp("faults") / "line")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path | None]:
    """A file system of 4 MB of its own; None where none can be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    yield place if mounted else None
    if mounted:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.takes("a run that is taken up again a dozen times")
def test_a_dozen_faults_of_every_kind(line: Line) -> None:
    assert {point for point, _ in DOZEN} <= set(line.points)
    line.chain(DOZEN)
    assert set(line.found) == {*faults.KINDS, *faults.TASK_KINDS} - {"kill"}


@pytest.mark.takes("a run that is taken up again a dozen times")
def test_a_driver_that_is_killed_after_every_stage(line: Line) -> None:
    """One run, killed at each boundary in turn, and right after the pointer was switched: the same content."""
    stages = list(STAGES["k_anonymity"])
    points = [f"stage.{stage}.done" for stage in stages]
    with server(line.folder) as line.remote:
        line.chain([(point, "kill") for point in [*points[:-1], "publish.switched", points[-1]]])


@pytest.mark.parametrize("machines", [1, 2])
def test_of_two_who_publish_at_once_one_wins(
    line: Line, spark: SparkSession, tmp_path: Path, machines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one machine the second is refused; on two, which no lock sees, the one that comes too late to the pointer."""
    out = tmp_path / "out"
    first, second = (about_to_publish(spark, line.ready, tmp_path / name, out) for name in ("first", "second"))
    if machines == 2:
        monkeypatch.setattr("fcntl.flock", lambda *_: None)
        monkeypatch.setattr("platform.node", lambda: threading.current_thread().name)
    with at_the_switch(first, monkeypatch) as failed:
        if machines == 1:
            with pytest.raises(PublishError, match=r"is being written by first on .*; publish this one afterwards"):
                api.resume(second)
        else:
            api.resume(second)
    won, lost = (first, second) if machines == 1 else (second, first)
    assert [("another release meanwhile" in text) for text in failed] == [True] * (machines - 1)
    root = ReleaseRepository(out)
    assert list(root.published()) == [root.current()] == [won.store.run_id]
    assert not root.remnants()
    assert not root.under_way()
    api.resume(lost)
    assert root.current() == lost.store.run_id
    assert list(root.published()) == [won.store.run_id, lost.store.run_id]
    for name in root.published():
        open_release(out, name).verify()


def test_a_full_disk(
    line: Line, spark: SparkSession, tmp_path: Path, disk: Path | None, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """It is told in a line, and the release before is as it was; with space, the run goes on where it was.

    Where no file system can be mounted (a container without that right), the same is asked of an injected ENOSPC.
    """
    out = (disk or tmp_path) / "out"
    api.resume(about_to_publish(spark, line.ready, tmp_path / "before", out))
    whole, folder = fingerprint(out), tmp_path / "during"
    about_to_publish(spark, line.ready, folder, out)
    points = ("publish.begin", "publish.copy.release", "publish.documents")
    for left, point in zip((0, 40_000, 250_000), points, strict=True):
        if disk is None:
            monkeypatch.setenv(faults.VARIABLE, f"{point}=full")
        else:
            _fill(disk, left)
        assert main(["resume", str(folder), "--quiet"]) == 6
        told = capsys.readouterr().err
        assert "output.path: cannot be written (No space left on device); free space" in told
        assert fingerprint(out) == whole
        assert not ReleaseRepository(out).remnants()
        monkeypatch.delenv(faults.VARIABLE, raising=False)
        if disk is not None:
            (disk / "filler").unlink()
    assert main(["resume", str(folder), "--quiet"]) == 0
    assert ReleaseRepository(out).current() == "during"
    assert {name: kept for name, kept in fingerprint(out).items() if name in whole and "/" in name} == {
        name: kept for name, kept in whole.items() if "/" in name
    }
    after = fingerprint(out)
    assert main(["resume", str(folder), "--quiet"]) == 0
    assert "Nothing to do: during is finished and has been published." in capsys.readouterr().out
    assert main(["stage", "publish", str(folder), "--quiet"]) == 6
    assert fingerprint(out) == after


def _fill(disk: Path, left: int) -> None:
    """Leave only so many bytes."""
    with (disk / "filler").open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(4096))
        except OSError:
            pass
        stream.truncate(max(0, stream.tell() - left))


@pytest.mark.takes("publishes three times as Delta, four tables each")
def test_delta_tables_are_published_by_the_row_of_release(
    line: Line, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    out, publish = tmp_path / "out", publisher.publish
    monkeypatch.setattr(
        publisher, "publish", lambda safe, *rest: publish([one for one in safe if one.kept.table in FOUR], *rest)
    )
    first = about_to_publish(spark, line.ready, tmp_path / "first", out, "delta")
    api.resume(first)
    second = about_to_publish(spark, line.ready, tmp_path / "second", out, "delta")

    def tear(run, point: str) -> None:
        """As if killed: nothing is undone."""
        with monkeypatch.context() as torn:
            torn.setattr(Publisher, "undo", lambda _: None)
            torn.setenv(faults.VARIABLE, f"{point}=exception")
            with pytest.raises(RuntimeError):
                api.resume(run)

    def told() -> set[str]:
        return {row["run_id"] for row in spark.read.format("delta").load(str(out / "release")).collect()}

    def versions(table: str) -> int:
        return len(list((out / table / "_delta_log").glob("*.json")))

    tear(second, "publish.write.release")
    assert set(slices(spark, out)) == {"first", "second"}
    assert told() == {"first"} == {ReleaseRepository(out).current()}
    before = versions("aggregates")
    api.resume(second)
    assert versions("aggregates") == before  # what had been written was not written again
    assert told() == {"first", "second"}
    third = about_to_publish(spark, line.ready, tmp_path / "third", out, "delta")
    tear(third, "publish.write.evaluation")
    assert "third" in slices(spark, out)
    assert main(["releases", "clean", str(out)]) == 0
    assert "third: removed from aggregates, synthetic_records" in capsys.readouterr().out
    assert set(slices(spark, out)) == {"first", "second"}
    api.resume(third)  # Delta has seen these transactions, but what they wrote is gone
    rows = [open_release(out, name).arrow("aggregates", spark).num_rows for name in ("first", "second", "third")]
    assert rows == [first.store.manifest["tables"]["aggregates"]["rows"]] * 3
    assert main(["releases", "retire", str(out), "--keep", "2"]) == 0
    assert "VACUUM" in capsys.readouterr().out
    assert set(slices(spark, out)) == {"second", "third"} == told()
    assert main(["releases", "diff", str(out), "second"]) == 0
    assert f"table aggregates: {rows[0]:,} → {rows[0]:,} rows, same content" in capsys.readouterr().out
    assert main(["releases", "rollback", str(out), "second"]) == 0
    assert lifecycle.list_text(out).splitlines()[2].startswith("*        second")
