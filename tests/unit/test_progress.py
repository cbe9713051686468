"""What is said of a running stage."""

import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.tables import few

from synth_spark.progress import Progress, describe


@few
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0.01, 10**6))
def test_never_above_a_hundred_percent_and_never_negative(done: int, total: int, seconds: float) -> None:
    text = describe((done, total), seconds)
    assert "-" not in text
    shares = re.findall(r"\((\d+) %\)", text)
    if total == 0:
        assert shares == []
        return
    tasks = re.match(r"(\d+) of (\d+) tasks", text)
    assert tasks is not None
    assert int(tasks[1]) == min(done, total) <= int(tasks[2]) == total
    assert [int(share) for share in shares] == [100 * min(done, total) // total]
    assert int(shares[0]) <= 100
    assert (int(shares[0]) == 100) == (done >= total)


@few
@given(st.integers(1, 10**6), st.integers(0, 10**6), st.floats(0.01, 10**6))
def test_what_is_left_is_said_only_when_it_can_be_known(total: int, done: int, seconds: float) -> None:
    left = re.search(r"about (\d+) s left", describe((done, total), seconds))
    assert (left is not None) == (3 <= done < total)
    if left is not None:
        assert int(left[1]) == pytest.approx((total - done) * seconds / done, abs=0.51, rel=1e-9)


def test_two_tasks_say_nothing_about_the_rest_and_three_do() -> None:
    assert describe((2, 8), 4.0) == "2 of 8 tasks (25 %), 4 s"
    assert describe((3, 8), 6.0) == "3 of 8 tasks (37 %), 0.5 tasks/s, about 10 s left of this step, 6 s"
    assert describe((8, 8), 6.0) == "8 of 8 tasks (100 %), 6 s"


def test_without_tasks_only_the_time_is_said() -> None:
    assert describe(None, 3.4) == "3 s"
    assert describe((0, 0), 3.4) == "3 s"
    assert describe((5, 0), 3.4) == "3 s"


def test_a_stage_says_that_it_starts_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    with progress.stage("encode", "10 records [bold]"):
        progress.say("within")
    out, err = capsys.readouterr()
    assert out == ""
    lines = [line.split(" ", 1)[1] for line in err.splitlines()]
    assert lines[:2] == ["encode: 10 records [bold]", "within"]
    assert re.fullmatch(r"encode: done in \d+\.\d s", lines[2])


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
