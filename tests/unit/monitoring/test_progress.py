"""What is said of a running stage."""

import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_tables import few

from synth_spark.monitoring import progress as progress_module
from synth_spark.monitoring.progress import Progress, Step
from synth_spark.runtime import logs


@few
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0.01, 10**6))
def test_never_above_a_hundred_percent_and_never_negative(before: int, more: int, total: int, seconds: float) -> None:
    done = before + more
    text = Step((before, total), before).seen((done, total), seconds).describe(seconds)
    assert "-" not in text
    shares = re.findall(r"\((\d+) %\)", text)
    if total == 0:
        assert text == ""
        return
    tasks = re.match(r"(\d+) of (\d+) tasks", text)
    assert tasks is not None
    assert int(tasks[1]) == min(done, total) <= int(tasks[2]) == total
    assert [int(share) for share in shares] == [100 * min(done, total) // total]
    assert int(shares[0]) <= 100
    assert (int(shares[0]) == 100) == (done >= total)


@few
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0.01, 10**6))
def test_what_is_left_is_said_only_when_it_can_be_known(before: int, more: int, left: int, seconds: float) -> None:
    """The rate is that of the tasks that were done since the step was first seen."""
    total = before + more + left
    text = Step((before, total), before).seen((before + more, total), seconds).describe(seconds)
    said = re.search(r"about (\d+) s left", text)
    assert (said is not None) == (more >= 3 and left > 0)
    if said is not None:
        assert int(said[1]) == pytest.approx(left * seconds / more, abs=0.51, rel=1e-9)


def test_two_tasks_say_nothing_about_the_rest_and_three_do() -> None:
    assert Step((2, 8)).describe(4.0) == "2 of 8 tasks (25 %)"
    assert Step((3, 8)).describe(6.0) == "3 of 8 tasks (37 %), 0.5 tasks/s, about 10 s left of this step"
    assert Step((8, 8)).describe(6.0) == "8 of 8 tasks (100 %)"


@pytest.mark.parametrize("later", [(1, 8), (6, 9), None])
def test_other_tasks_are_another_step(later: tuple[int, int] | None) -> None:
    """So the time that steps before took is not in its rate."""
    step = Step((5, 8), 0, 1.0).seen(later, 60.0)
    assert step == Step(later, later[0] if later else 0, 60.0)
    assert "left" not in step.describe(61.0)


def test_without_tasks_nothing_is_said() -> None:
    assert Step().describe(3.4) == Step((0, 0)).describe(3.4) == Step((5, 0)).describe(3.4) == ""


def test_a_long_stage_says_how_far_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(progress_module, "LINE_EVERY", 0.02)
    looks = threading.Semaphore(0)

    def probe() -> tuple[int, int] | None:
        looks.release()
        return 1, 4

    with Progress(probe).stage("encode", "coding"):
        for _ in range(9):
            assert looks.acquire(timeout=60)
    assert re.search(r"encode: coding, 1 of 4 tasks \(25 %\), 0 s\n", capsys.readouterr().err)


def test_a_stage_says_that_it_starts_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(verbose=True)
    with progress.stage("encode", "10 records [bold]"):
        progress.say("within")
    out, err = capsys.readouterr()
    assert out == ""
    lines = [line.split(" ", 1)[1] for line in err.splitlines()]
    assert lines[:2] == ["encode: 10 records [bold]", "within"]
    assert re.fullmatch(r"encode: done in \d+\.\d s", lines[2])


def test_a_stage_is_one_line_unless_more_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    with progress.stage("encode", "10 records [bold]"):
        progress.detail("within")
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"encode: done in \d+\.\d s \(10 records \[bold\]\)", line.split(" ", 1)[1])


def test_a_failing_stage_is_not_done(capsys: pytest.CaptureFixture[str]) -> None:
    before = threading.active_count()
    progress = Progress()
    with pytest.raises(ZeroDivisionError), progress.stage("encode", "records"):
        raise ZeroDivisionError
    assert "done" not in capsys.readouterr().err
    assert threading.active_count() == before


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(quiet=True)
    with progress.stage("encode", "records"):
        progress.say("within")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("quiet", "logged"), [(False, False), (True, False), (False, True), (True, True)])
def test_a_warning_is_told_once_however_quiet(quiet: bool, logged: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with logs.written(as_json=logged, quiet=quiet):
        Progress(quiet=quiet, logged=logged).warn("everyone is told")
    told = capsys.readouterr().err
    assert told.count("everyone is told") == 1
    assert told.startswith("{") == logged
