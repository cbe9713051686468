"""The archive of Spark's classes: who it is for, and what becomes of it when it cannot be written."""

import os
import stat
import sys
from pathlib import Path

import pytest

from synth_spark.runtime.class_archive import WRITTEN_TO, archive_of, java_options, write_archive

JAVA = 'openjdk version "17.0.1" 2024-01-16'
WRITES = "import os, pathlib; pathlib.Path(os.environ['SYNTH_SPARK_CLASSES']).write_text('classes')"


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a cache"))
    monkeypatch.delenv(WRITTEN_TO, raising=False)


def test_without_an_archive_java_starts_as_ever() -> None:
    assert java_options(JAVA) == ()


def test_what_a_command_wrote_is_what_the_next_session_starts_from() -> None:
    file = write_archive(JAVA, (sys.executable, "-c", WRITES))
    assert file == archive_of(JAVA)
    assert file is not None
    assert file.read_text() == "classes"
    assert f"-XX:SharedArchiveFile={file}" in java_options(JAVA)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700, "what is loaded from there is executed"
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_another_java_has_another_archive() -> None:
    write_archive(JAVA, (sys.executable, "-c", WRITES))
    assert java_options(JAVA.replace("17.0.1", "17.0.2")) == ()


def test_the_same_spark_elsewhere_has_another_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Java takes no archive of classes that came from another place."""
    here = write_archive(JAVA, (sys.executable, "-c", WRITES))
    monkeypatch.setenv("SPARK_HOME", str(tmp_path / "another environment"))
    assert java_options(JAVA) == ()
    there = write_archive(JAVA, (sys.executable, "-c", WRITES))
    assert {here, there} == set(archive_of(JAVA).parent.iterdir())


def test_the_archives_of_the_last_few_installations_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    files = []
    for number in range(6):
        monkeypatch.setenv("SPARK_HOME", f"/spark-{number}")
        files.append(write_archive(JAVA, (sys.executable, "-c", WRITES)))
        os.utime(archive_of(JAVA), (number, number))
    kept = set(archive_of(JAVA).parent.iterdir())
    assert kept == set(files[2:])


@pytest.mark.parametrize("code", [f"{WRITES}; raise SystemExit(1)", "pass"], ids=["failed", "wrote nothing"])
def test_a_command_that_fails_leaves_nothing(code: str) -> None:
    assert write_archive(JAVA, (sys.executable, "-c", code)) is None
    assert not list(archive_of(JAVA).parent.iterdir())


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert write_archive(JAVA, (sys.executable, "-c", WRITES)) is None


def test_a_session_that_writes_one_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WRITTEN_TO, "/somewhere/classes.jsa")
    assert "-XX:ArchiveClassesAtExit=/somewhere/classes.jsa" in java_options(JAVA)


def test_a_user_without_a_home_folder_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(self: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "expanduser", homeless)
    assert java_options(JAVA) == ()
    assert write_archive(JAVA, (sys.executable, "-c", WRITES)) is None
