"""What is left of a run once it was purged, and who could read it before."""

import json
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from releasing import another, hashes, release

from synth_spark import demo
from synth_spark.cli.main import main
from synth_spark.errors import RunError
from synth_spark.pipeline import api, purge
from synth_spark.pipeline.run import Run
from synth_spark.publish.published_release import open_release
from synth_spark.storage.run_store import RunStore

COLUMNS = ["gender", "ageBroad", "citizenship", "meansThreats"]
SEED = 987_654_321_123_456_789
RECORDS = 311


@pytest.fixture(scope="module")
def cases(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cases") / "cases.csv"
    demo.write_csv(spark, path, RECORDS, seed=3)
    return path


@pytest.fixture(scope="module")
def original(spark: SparkSession, cases: Path) -> Iterator[Run]:
    """A published run in a folder that everyone may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    settings = {"seed": SEED, "privacy__k": 4, "reporting_length": 2, "input__columns": COLUMNS}
    yield release(spark, cases, folder / "out", run_id="first", **settings)
    shutil.rmtree(folder)


@pytest.fixture
def store(original: Run, tmp_path: Path) -> RunStore:
    """The run folder, to be spoilt; what it published is that of the original."""
    return RunStore.open(Path(shutil.copytree(original.store.folder, tmp_path / "first")))


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_nobody_else_can_read_the_run_folder(original: Run) -> None:
    """Not what Spark's tasks wrote into it either; the published files, as a check of the check, everyone can."""
    folder = original.store.folder
    for path in (folder, folder.parent):
        assert path.stat().st_mode & 0o777 == 0o700
    inside = [folder / "manifest.json", *(folder / "tables").glob("*/*.parquet")]
    assert len(inside) > 10
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    nobody = pwd.getpwnam("nobody")

    def readable(path: Path) -> bool:
        done = subprocess.run(
            ["cat", str(path)],
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            capture_output=True,
            check=False,
        )
        return done.returncode == 0

    assert not any(readable(path) for path in inside)
    outside = sorted(Path(original.plan.output.path).glob("synthetic_records/*/*.parquet"))
    assert outside
    assert all(readable(path) for path in outside)


def test_a_purged_run_keeps_what_was_published_and_nothing_that_is_sensitive(store: RunStore) -> None:
    before = json.loads((store.folder / "manifest.json").read_text())
    sensitive = {name for name, entry in before["tables"].items() if entry["sensitivity"] != "SAFE"}
    assert len(sensitive) > 8
    text = (store.folder / "manifest.json").read_text()
    key = before["order_key"]
    assert all(told in text for told in (str(SEED), key, f'"rows": {RECORDS}', f'"records": {RECORDS}'))
    (store.folder / "rehearsal" / "rehearsal-1" / "tables").mkdir(parents=True)  # left by a run that was killed
    (store.folder / "tables" / ".records.unfinished").mkdir()
    store.manifest["tables"]["records"]["sums"] = ["123456789987654321"]  # whatever else may be known of a table
    for name in ("input.md", "inspect.md", "notes.txt", "a link"):  # read with exact counts, or by whomever put there
        assert name != "input.md" or (store.folder / name).is_file()
        (store.folder / name).unlink(missing_ok=True)
        (store.folder / name).write_text("SENSITIVE")
    (store.folder / "summary.json").write_text('{"verdict": "published", "purged": false}')
    notice = store.folder.parent / "quarantine" / "first.md"
    notice.parent.mkdir()
    notice.write_text("The release is held in its run folder")
    assert set(purge.purge(store)) == sensitive
    assert {path.name for path in store.folder.iterdir()} - {"tables"} <= purge.STAYING_FILES
    assert json.loads((store.folder / "summary.json").read_text()) == {"verdict": "published", "purged": True}
    assert not notice.exists()
    left = {path.name for path in (store.folder / "tables").iterdir()}
    assert left == set(before["tables"]) - sensitive
    assert not (store.folder / "rehearsal").exists()
    text = "".join(path.read_text() for path in files(store.folder) if path.suffix in (".json", ".yml"))
    assert str(SEED) not in text
    assert key not in text
    assert "123456789987654321" not in text
    assert f'"rows": {RECORDS}' not in text
    assert f'"records": {RECORDS}' not in text
    after = RunStore.open(store.folder)
    assert after.purged
    for name in before["tables"]:
        kept, was = after.manifest["tables"][name], before["tables"][name]
        assert (kept["content_hash"], kept["files"], kept["schema"]) == (
            was["content_hash"],
            was["files"],
            was["schema"],
        )
        assert kept["rows"] == (None if name in sensitive else was["rows"])
    assert (store.folder / "report.html").is_file()
    assert open_release(store.folder).run_id == "first"
    assert purge.purge(after) == []


def test_a_purged_run_says_so(store: RunStore, spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(store.folder)
    assert main(["purge", folder]) == 0
    assert "records" in capsys.readouterr().out
    assert main(["resume", folder]) == 0
    assert "it was purged" in capsys.readouterr().out
    assert main(["stage", "synthesize", folder]) == 7
    assert "was purged" in capsys.readouterr().err
    assert main(["validate", folder]) == 0
    assert json.loads((store.folder / "summary.json").read_text())["purged"] is True
    manifest = json.loads((store.folder / "manifest.json").read_text())
    assert set(manifest["stages"]) >= {"read", "publish"}  # nothing was forgotten on the way


def test_validating_a_purged_run_checks_what_was_published(store: RunStore, original: Run, spark: SparkSession) -> None:
    purge.purge(store)
    file = next(Path(original.plan.output.path).glob("synthetic_records/*/*.parquet"))
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b"?")
    try:
        assert main(["validate", str(store.folder)]) == 6
    finally:
        file.write_bytes(content)


def test_a_run_that_is_not_published_is_purged_by_force_alone(
    store: RunStore, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    del store.manifest["stages"]["publish"]
    store.save()
    assert main(["purge", str(store.folder)]) == 7
    assert "has not been published" in capsys.readouterr().err
    assert (store.folder / "tables" / "records").is_dir()
    assert main(["purge", str(store.folder), "--force"]) == 0
    assert not (store.folder / "tables" / "records").exists()
    assert main(["resume", str(store.folder)]) == 7
    assert "was purged" in capsys.readouterr().err


def test_a_run_whose_release_is_damaged_is_not_purged(store: RunStore, original: Run) -> None:
    file = next(Path(original.plan.output.path).glob("aggregates/*/*.parquet"))
    hidden = file.with_suffix(".hidden")
    file.rename(hidden)
    try:
        with pytest.raises(RunError, match="has no whole release"):
            purge.purge(store)
    finally:
        hidden.rename(file)
    assert (store.folder / "tables" / "records").is_dir()


def test_a_purge_that_was_cut_short_is_finished(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", torn)
        with pytest.raises(KeyboardInterrupt):
            purge.purge(store)
    again = RunStore.open(store.folder)
    assert again.purged  # nobody works with what is left
    assert (again.folder / "tables" / "records").is_dir()
    purge.purge(again)
    assert not (again.folder / "tables" / "records").exists()
    assert (again.folder / "tables" / "synthetic_records").is_dir()


def test_links_are_removed_and_not_followed(store: RunStore, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    shutil.rmtree(store.folder / "tables" / "records")
    (store.folder / "tables" / "records").symlink_to(tmp_path / "precious")
    purge.purge(store)
    assert (tmp_path / "precious" / "file").exists()
    assert not (store.folder / "tables" / "records").is_symlink()


def test_a_plan_can_ask_for_it(original: Run, tmp_path: Path) -> None:
    """The release is the same, and nothing sensitive is left as soon as it is in place."""
    run = another(original, tmp_path / "out", "first", "publish", operations__after_publication="purge")
    assert (run.store.folder / "tables" / "records").is_dir()
    api.resume(run)
    assert hashes(tmp_path / "out") == hashes(Path(original.plan.output.path))
    tables = RunStore.open(run.store.folder).manifest["tables"]
    left = {path.name for path in (run.store.folder / "tables").iterdir()}
    assert left == {name for name, entry in tables.items() if entry["sensitivity"] == "SAFE"}
    assert len(left) > 5
