"""Private folders of a process: who can enter them, where they are, and what becomes of those of a killed one."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from synth_spark.runtime import scratch

#: Makes its folders, says where they are, and waits to be killed; with a word more it forks before, and the fork ends.
_LIVING = """
import os, sys, time
from pathlib import Path
from synth_spark.runtime.scratch import scratch
made = scratch(Path(sys.argv[1]))
if len(sys.argv) > 2 and os.fork() == 0:
    sys.exit()
if len(sys.argv) > 2:
    os.wait()
print(*made.folders, sep="\\n", flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.delenv(scratch.VARIABLE, raising=False)
    yield
    scratch.remove()


def living(place: Path, *words: str) -> tuple[subprocess.Popen[str], list[Path]]:
    process = subprocess.Popen([sys.executable, "-c", _LIVING, place, *words], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, [Path(process.stdout.readline().rstrip("\n")) for _ in range(2)]


def test_they_are_for_this_user_alone_and_go_with_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = scratch.scratch(tmp_path / "out.work")
    finally:
        os.umask(before)
    assert made is scratch.scratch(tmp_path / "elsewhere")
    assert [folder.parent for folder in made.folders] == [tmp_path / "out.work", tmp_path / "tmp"]
    for folder in (*made.folders, tmp_path / "out.work"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    scratch.remove()
    assert not any(folder.exists() for folder in made.folders)


def test_places_that_the_operator_names_hold_private_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = [tmp_path / "fast", tmp_path / "large"]
    monkeypatch.setenv(scratch.VARIABLE, ",".join(map(str, named)))
    made = scratch.scratch(tmp_path / "out.work")
    assert [folder.parent for folder in made.local] == named
    with scratch.told_to_java(made):
        assert os.environ[scratch.VARIABLE] == ",".join(map(str, made.local))
    assert os.environ[scratch.VARIABLE] == ",".join(map(str, named))


@pytest.mark.parametrize("place", ["a, b", "file"])
def test_a_place_that_cannot_hold_them_is_done_without(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    made = scratch.scratch(tmp_path / place)
    assert {folder.parent for folder in made.folders} == {tmp_path / "tmp"}


@pytest.mark.parametrize("words", [(), ("forks",)])
def test_those_of_a_killed_process_are_swept_up_and_those_of_a_living_one_stay(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    process, folders = living(tmp_path / "work", *words)
    (folders[0] / "blockmgr").mkdir()
    assert scratch.sweep(tmp_path / "work") == []
    made = scratch.scratch(tmp_path / "work")
    assert all(folder.is_dir() for folder in (*folders, *made.folders))
    scratch.remove()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert folders[0].is_dir()
    scratch.scratch(tmp_path / "work")
    assert not any(folder.exists() for folder in folders)


def test_nothing_else_is_swept_up(tmp_path: Path) -> None:
    outside, work = tmp_path / "outside", tmp_path / "work"
    for folder in (outside, work / ".spark-without-a-lock", work / "run"):
        folder.mkdir(parents=True)
    (outside / "lock").touch()
    (work / ".spark-link").symlink_to(outside)
    assert scratch.sweep(work) == []
    assert {path.name for path in work.iterdir()} == {".spark-without-a-lock", ".spark-link", "run"}
    assert (outside / "lock").exists()
