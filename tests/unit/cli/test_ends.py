"""How a command ends: what comes once a release is in place changes nothing, what comes before does."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from publishing import place

from synth_spark.cli.exit_codes import guarded
from synth_spark.errors import PublishError, RunError
from synth_spark.monitoring import Watch
from synth_spark.monitoring.progress import Progress
from synth_spark.plan import parse
from synth_spark.storage.run_store import RunStore

ERRORS = [
    KeyError("x"),
    KeyboardInterrupt(),
    BrokenPipeError(),
    RunError("work", "is full", "free it"),
    PublishError("output.path", "names this release, but its documents could not all be put beside it", "free it"),
]


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """A run of which nothing is done; another release is the current one."""
    place(tmp_path / "out", "earlier", {"a:x": 20})
    (tmp_path / "cases.csv").write_text("a,b\nx,y\n")
    where = {"input": {"path": str(tmp_path / "cases.csv")}, "output": {"path": str(tmp_path / "out")}}
    return RunStore.create(parse({**where, "run_id": "run"}))


def ending(store: RunStore, error: BaseException | None, before: Callable[[], object] = lambda: None) -> int:
    """The exit code of a command that works on the run, does something and ends with an error."""

    def work(watch: Watch) -> None:
        watch.begun(store, Progress(quiet=True), {})
        before()
        if error is not None:
            raise error

    return guarded(work)


def told(store: RunStore) -> tuple[str, int, bool]:
    """What the run folder says for machines: verdict, exit code, and whether the figure of success is 1."""
    summary = json.loads((store.folder / "summary.json").read_text())
    figures = (store.folder / "metrics.prom").read_text()
    success = next(line for line in figures.splitlines() if line.startswith("synth_spark_run_success"))
    return summary["verdict"], summary["exit_code"], success.endswith(" 1.0")


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "switched alone"])
def test_what_fails_once_the_release_is_in_place_only_warns(
    store: RunStore, error: BaseException, recorded: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    def publish() -> None:
        if recorded:
            store.manifest["stages"]["publish"] = {"seconds": 0.1}
        else:  # the pointer was switched, and what comes after that failed
            place(Path(store.plan.output.path), "run", {"a:x": 30})

    assert ending(store, error, publish) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("synth-spark: run is published; what comes after that ")
    assert line.endswith("finish it: synth-spark resume RUN")
    assert told(store) == ("published", 0, True)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("earlier", [True, False], ids=["published before", "not published"])
def test_any_other_failure_is_one(store: RunStore, error: BaseException, earlier: bool) -> None:
    if earlier:
        store.manifest["stages"]["publish"] = {"seconds": 0.1}
    assert ending(store, error) != 0
    verdict, code, success = told(store)
    assert (verdict, success) == ("interrupted" if isinstance(error, KeyboardInterrupt) else "failed", False)
    assert code != 0


@pytest.mark.parametrize("what", ["summarize", "metrics_text", "row"])
@pytest.mark.parametrize("error", [KeyError("x"), OSError(28, "full"), RunError("a", "b", "c")], ids=repr)
def test_what_cannot_be_told_changes_no_end(
    store: RunStore, what: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(f"synth_spark.monitoring.watch.{what}", broken)
    assert ending(store, None) == 0
    assert ending(store, PublishError("a", "b", "c")) == 6
    if what == "metrics_text":  # the others are told all the same
        assert (store.folder / "summary.json").is_file()
        assert len(list(store.folder.with_name("runs").glob("*.parquet"))) == 2


def test_a_full_disk_of_log_summary_and_figures_changes_no_end(
    store: RunStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is a link to a device that is always full, which is left as it is."""
    files = [tmp_path / name for name in ("log.json", "summary.json", "figures.prom")]
    for file in files:
        file.symlink_to("/dev/full")
    store.manifest["plan"]["operations"]["metrics"] = str(files[2])

    def work(watch: Watch) -> None:
        watch.begun(store, Progress(), {})
        store.manifest["stages"]["publish"] = {"seconds": 0.1}

    assert guarded(work, summary=str(files[1]), log_file=str(files[0])) == 0
    err = capsys.readouterr().err
    full = "could not be written (No space left on device)"
    assert [line.partition(full)[0].split()[-1] for line in err.splitlines() if full in line] == [
        "file", "summary.json", "figures.prom",
    ]  # fmt: skip
    assert "Traceback" not in err
    assert told(store) == ("published", 0, True)
    assert all(file.is_symlink() for file in files)


def test_an_interruption_while_the_end_is_told_changes_no_end(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("synth_spark.monitoring.watch.summarize", interrupted)
    assert ending(store, None) == 0
    assert capsys.readouterr().err == "synth-spark: the summary could not be written (KeyboardInterrupt)\n"


def test_that_nothing_was_published_is_said_of_runs_alone(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(store, KeyError("x")) == 70
    assert "nothing was published" in capsys.readouterr().err

    def work(watch: Watch) -> None:
        raise KeyError("x")

    assert guarded(work) == 70
    assert "nothing was published" not in capsys.readouterr().err
