"""A published root: one writer at a time, one step from release to release, mended after a fault; releases of it."""

import json
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from inject import fingerprint
from publishing import place

from synth_spark.cli.main import main
from synth_spark.errors import PlanError, PublishError
from synth_spark.publish import lifecycle
from synth_spark.publish.diff import compare, diff_text
from synth_spark.publish.published_release import open_release
from synth_spark.publish.repository import ReleaseRepository
from synth_spark.runtime import faults

#: Holds the root until it is killed.
_HOLDING = """
import sys, time
from pathlib import Path
from synth_spark.publish.repository import ReleaseRepository
with ReleaseRepository(Path(sys.argv[1])).alone("other"):
    print("holding", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    place(tmp_path / "out", "one", {"a:x": 20, "a:y": 10})
    return tmp_path / "out"


def test_one_process_writes_at_a_time_and_a_killed_one_holds_nothing(out: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", _HOLDING, str(out)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "holding\n"
    before = fingerprint(out)
    with pytest.raises(PublishError, match=r"is being written by other on .*; publish this one afterwards"):
        place(out, "two", {"a:x": 20})
    assert fingerprint(out) == before
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    place(out, "two", {"a:x": 20})
    assert ReleaseRepository(out).current() == "two"


def test_a_pointer_that_somebody_else_moved_is_theirs(out: Path) -> None:
    root = ReleaseRepository(out)
    seen = root.seen()
    place(out, "two", {"a:x": 20})
    before = fingerprint(out)
    with pytest.raises(PublishError, match="was given another release meanwhile"):
        root.switch("one", seen, "rollback")
    assert fingerprint(out) == before


@pytest.mark.parametrize("point", ["publish.switched", "publish.switch"])
def test_a_switch_happens_or_not_and_the_rest_follows(out: Path, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed right before the switch, nothing has changed; right after it, whoever writes next puts the rest right."""
    before = fingerprint(out)
    monkeypatch.setenv(faults.VARIABLE, f"{point}=exception")
    with pytest.raises(RuntimeError):
        place(out, "two", {"a:x": 30})
    monkeypatch.delenv(faults.VARIABLE)
    root = ReleaseRepository(out)
    if point == "publish.switch":
        assert {name: text for name, text in fingerprint(out).items() if name in before} == before
        assert [root.is_published(name) for name in ("one", "two")] == [True, False]
        with root.alone("cleaning"):
            assert len(root.remnants()) == 4  # two tables, documents, manifest
            root.remove(root.remnants())
            root.end("two")
        assert fingerprint(out) == before
        return
    assert root.current() == "two"
    assert (out / "RELEASE.md").read_text() == "This is one.\n"
    with root.alone("anything"):
        pass
    assert (out / "RELEASE.md").read_text() == "This is two.\n"
    assert not (out / "only-one.md").exists()
    assert [(event["action"], event["run_id"]) for event in root.history()] == [("publish", "one"), ("publish", "two")]
    assert not (out / "_publishing").exists()
    assert not root.remnants()


def test_what_another_machine_is_publishing_is_left_alone_for_an_hour(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = ReleaseRepository(out)
    with monkeypatch.context() as there:
        there.setattr("platform.node", lambda: "elsewhere")
        root.begin("theirs", "parquet", ["aggregates"])
    (out / "aggregates" / "run_id=theirs").mkdir()
    with root.alone("mine"):
        assert not root.unfinished()
        assert not root.remnants()
        assert root.under_way() == {"theirs"}
    mark = out / "_publishing" / "theirs.json"
    mark.write_text(json.dumps({**json.loads(mark.read_text()), "at": time.time() - 2 * 3600}))
    with root.alone("mine"):
        assert [one.run_id for one in root.unfinished()] == ["theirs"]
        assert root.remnants() == ["aggregates/run_id=theirs/"]


def test_without_locks_the_commits_still_decide(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    place(out, "two", {"a:x": 20})
    assert ReleaseRepository(out).current() == "two"


def test_a_clock_that_went_back_does_not_turn_releases_around(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "behind", [timedelta(days=1)])
    root = place(out, "two", {"a:x": 20})
    published = root.published()
    assert list(published) == ["one", "two"]
    assert published["one"]["published"] <= published["two"]["published"]
    assert lifecycle.chosen(out, 1, None) == ["one"]


def test_documents_from_before_they_were_kept_are_kept_now(out: Path) -> None:
    for file in (out / "_documents" / "one").iterdir():
        file.unlink()
    (out / "_documents" / "one").rmdir()
    place(out, "two", {"a:x": 20})
    assert (out / "RELEASE.md").read_text() == "This is two.\n"
    lifecycle.rollback(out, "one")
    assert (out / "RELEASE.md").read_text() == "This is one.\n"


def test_going_back_and_taking_back(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = fingerprint(out)
    place(out, "two", {"a:x": 30})
    assert not (out / "only-one.md").exists()
    assert main(["releases", "rollback", str(out), "one"]) == 0
    root = ReleaseRepository(out)
    assert root.current() == "one"
    there = fingerprint(out)
    assert {name for name in before if there[name] != before[name]} == {"LATEST.json"}
    assert not (out / "only-two.md").exists()
    assert root.history()[-1] | {"at": ""} == {"at": "", "action": "rollback", "run_id": "one", "previous": "two"}
    assert main(["releases", "rollback", str(out), "one"]) == 0
    assert len(root.history()) == 3
    assert main(["releases", "retire", str(out), "one"]) == 6
    assert "is the current one" in capsys.readouterr().err
    assert main(["releases", "retire", str(out), "two"]) == 0
    assert main(["releases", "retire", str(out), "two"]) == 0  # once more is once
    manifest = json.loads((out / "_manifests" / "two.json").read_text())
    assert manifest["tables"]["aggregates"]["rows"] == 1
    assert manifest["retired"] == root.history()[-1]["at"]
    assert [event["action"] for event in root.history()] == ["publish", "publish", "rollback", "retire"]
    assert not [name for name in fingerprint(out) if "two" in name and "_manifests" not in name]
    for command in ("rollback", "diff"):
        assert main(["releases", command, str(out), "two"]) == 6
    assert "was retired on" in capsys.readouterr().err
    assert {name: text for name, text in fingerprint(out).items() if name in before and "/" in name} == {
        name: text for name, text in before.items() if "/" in name
    }


def test_a_damaged_release_is_not_gone_back_to(out: Path) -> None:
    place(out, "two", {"a:x": 30})
    file = out / "aggregates" / "run_id=one" / "part-00000.parquet"
    file.write_bytes(file.read_bytes()[:-1])
    before = fingerprint(out)
    with pytest.raises(PublishError, match="aggregates: is not what was audited"):
        lifecycle.rollback(out, "one")
    with pytest.raises(PublishError, match="release 'three': is not in"):
        lifecycle.rollback(out, "three")
    assert fingerprint(out) == before


def test_retention_lets_the_current_release_be(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("two", "three"):
        place(out, name, {"a:x": 30})
    lifecycle.rollback(out, "one")
    assert lifecycle.chosen(out, 1, None) == ["two"]
    assert lifecycle.chosen(out, 0, None) == ["two", "three"]
    assert lifecycle.chosen(out, None, 1) == []
    monkeypatch.setattr(faults, "behind", [timedelta(days=-2)])
    assert lifecycle.chosen(out, None, 1) == ["two", "three"]
    assert main(["releases", "retire", str(out), "--older-than", "1"]) == 0
    assert [name for name, manifest in ReleaseRepository(out).published().items() if "retired" not in manifest] == [
        "one"
    ]


def test_a_retirement_that_was_killed_is_finished(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(out, "two", {"a:x": 30})
    monkeypatch.setenv(faults.VARIABLE, "retire.marked=exception")
    with pytest.raises(RuntimeError):
        lifecycle.retire(out, ["one"])
    monkeypatch.delenv(faults.VARIABLE)
    assert (out / "aggregates" / "run_id=one").exists()
    with pytest.raises(PublishError, match="was retired"):
        open_release(out, "one")
    assert "removed" in lifecycle.clean(out)
    assert not (out / "aggregates" / "run_id=one").exists()
    assert lifecycle.clean(out) == "nothing is left over"


def test_who_retires_may_say_that_nobody_had_read_it(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("two", "three"):
        place(out, name, {"a:x": 30})
    root = ReleaseRepository(out)
    assert main(["releases", "retire", str(out), "one"]) == 0
    assert lifecycle.retired_unread(root.history()) == set()
    for _ in range(2):  # later, and once
        assert main(["releases", "retire", str(out), "one", "--unread"]) == 0
    assert lifecycle.retired_unread(root.history()) == {"one"}
    assert [event.get("unread") for event in root.history() if event["action"] == "retire"] == [None, True]
    monkeypatch.setenv(faults.VARIABLE, "retire.marked=exception")
    with pytest.raises(RuntimeError):
        lifecycle.retire(out, ["two"], unread=True)
    monkeypatch.delenv(faults.VARIABLE)
    lifecycle.retire(out, ["two"], unread=True)  # what was cut short is said all the same
    assert lifecycle.retired_unread(root.history()) == {"one", "two"}


def test_releases_are_listed_and_shown(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place(out, "two", {"a:x": 30}, k=5)
    lifecycle.retire(out, ["one"])
    place(out, "three", {"a:x": 30, "a:y": 10, "b:z": 10})
    assert main(["releases", "list", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["release", "retired", "two", "*"]
    assert "k = 5, R = 2" in lines[2]
    assert lines[3].split()[1] == "three"
    assert lines[3].split()[-1] == "3"
    assert main(["releases", "show", str(out)]) == 0
    shown = capsys.readouterr().out
    for text in ("three (current)", "guarantee   It is safe.", "aggregates             3 rows", "RELEASE.md"):
        assert text in shown
    assert "one (retired, only this is left)" in lifecycle.show_text(out, "one")
    assert main(["releases", "show", str(out), "four"]) == 6
    assert main(["releases", "list", str(out / "aggregates")]) == 6


@pytest.mark.parametrize(
    "words",
    [
        ["list", "one"],
        ["diff"],
        ["rollback"],
        ["retire"],
        ["retire", "one", "--keep", "1"],
        ["show", "a", "b"],
        ["retire", "--keep", "1", "--unread"],
    ],
)
def test_what_is_asked_wrongly_is_refused(out: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["releases", words[0], str(out), *words[1:]]) == 2
    assert f"releases {words[0]}: " in capsys.readouterr().err


def test_two_releases_side_by_side(out: Path) -> None:
    """k = 10 and k = 4: intervals 20 … 29 and 28 … 31 leave 28 and 29; 10 … 19 and 16 … 19 leave 4; by hand."""
    place(out, "one-more", {"a:x": 20, "a:y": 10, "b:z": 10, "a:x;b:z": 10, "b:w": 30}, seen="x")
    later = {"a:x": 28, "a:y": 16, "b:z": 8, "a:x;b:z": 10, "b:v": 4, "c:u": 8}
    place(out, "two", later, k=4, columns="abc", seen="y")
    old, new = open_release(out, "one-more"), open_release(out, "two")
    found = compare(old, new, (10, 4), 2)
    assert (found.compared, found.gone, found.new, found.changed) == (6, 1, 1, 3)
    assert (found.small, found.one_step) == (3, 3)  # 8, 6 and 2
    # a:x 28 … 29, b:z 10 … 11, b:w none, a:x;b:z 10 … 13, a:y 16 … 19, b:v 4 … 7 (untold: 0 … 9)
    assert (found.narrowed, found.pinned, found.contradicting) == (2, 0, 1)
    assert found.lengths == ((5, 1, 1, 3), (1, 0, 0, 0))
    text = diff_text(old, new)
    assert "plan seen: x → y" in text
    assert "columns only in two: c" in text
    assert "WARNING: 3 published counts differ by less than k = 10" in text
    assert "2 exact counts are known to less than k, 0 of them exactly" in text
    same = diff_text(old, old)
    assert "WARNING" not in same
    assert "other content" not in same


def test_faults_are_armed_by_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(faults.VARIABLE, raising=False)
    faults.point("stage.read.before")
    monkeypatch.setenv(faults.VARIABLE, "stage.read.after=exception,keep.codes.rename=full")
    faults.point("stage.read.before")
    with pytest.raises(RuntimeError):
        faults.point("stage.read.after")
    with pytest.raises(OSError, match="No space left"):
        faults.point("keep.codes.rename")
    monkeypatch.setenv(faults.VARIABLE, "stage.read.after=surprise")
    with pytest.raises(PlanError, match="names a kind of fault that does not exist"):
        faults.point("stage.read.after")
