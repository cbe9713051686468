"""Work begun early: it runs beside, is asked for once, and nothing of it outlives the stages that follow each other."""

import threading
import time
from concurrent.futures import Future
from typing import Any

import pytest

from synth_spark.pipeline.ahead import Ahead


class Session:
    """What `Ahead` needs of a session: tags, and a way to interrupt what carries one."""

    def __init__(self) -> None:
        self.interrupted = threading.Event()
        self.tags: list[str] = []

    def addTag(self, tag: str) -> None:  # noqa: N802
        self.tags.append(tag)

    def removeTag(self, tag: str) -> None:  # noqa: N802
        pass

    def interruptTag(self, tag: str) -> None:  # noqa: N802
        assert tag in self.tags
        self.interrupted.set()


@pytest.fixture
def spark() -> Any:
    return Session()


def test_what_was_begun_runs_beside_and_is_not_done_again(spark: Any) -> None:
    ahead, done, go = Ahead(spark, "r"), [], threading.Event()

    def work() -> str:
        assert go.wait(60)
        done.append(threading.current_thread() is threading.main_thread())
        return "made"

    with ahead.allowed():
        ahead.begin("validate", work)
        assert not done
        go.set()
        assert ahead.take("validate", work) == "made"
    assert done == [False]
    assert spark.tags == ["synth-spark.r.validate"]


def test_a_stage_by_itself_does_its_own_work(spark: Any) -> None:
    ahead, done = Ahead(spark, "r"), []
    ahead.begin("validate", lambda: done.append("early"))
    assert not done
    assert ahead.take("validate", lambda: "in its turn") == "in its turn"
    with ahead.allowed():
        ahead.begin("validate", lambda: "early")
        assert ahead.take("validate", lambda: "in its turn") == "early"
        assert ahead.take("validate", lambda: "once more") == "once more"


def test_an_error_is_raised_where_the_work_is_asked_for(spark: Any) -> None:
    def fail() -> None:
        raise ValueError("on purpose")

    ahead = Ahead(spark, "r")
    with ahead.allowed():
        ahead.begin("validate", fail)
        with pytest.raises(ValueError, match="on purpose"):
            ahead.take("validate", fail)


def test_what_nobody_asked_for_is_interrupted_and_waited_for(spark: Any) -> None:
    ahead, ended = Ahead(spark, "r"), threading.Event()

    def work() -> None:
        assert spark.interrupted.wait(60)
        ended.set()

    def fail() -> None:
        with ahead.allowed():
            ahead.begin("assess", work)
            while not spark.tags:  # it has not begun
                time.sleep(0.01)
            raise KeyError("a stage has failed")

    with pytest.raises(KeyError, match="a stage has failed"):
        fail()
    assert ended.is_set()


def test_who_is_interrupted_while_waiting_leaves_nothing_running(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead, ended = Ahead(spark, "r"), threading.Event()

    def work() -> None:
        assert spark.interrupted.wait(60)
        ended.set()

    def stopped(_: Future[Any]) -> None:
        while not spark.tags:  # it has not begun
            time.sleep(0.01)
        raise KeyboardInterrupt

    def wait() -> None:
        with ahead.allowed():
            ahead.begin("validate", work)
            ahead.take("validate", work)

    monkeypatch.setattr(Future, "result", stopped)
    with pytest.raises(KeyboardInterrupt):
        wait()
    assert ended.is_set()
