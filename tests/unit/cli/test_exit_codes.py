"""How a command ends that is stopped from outside, or that the machine lets down: one line, and its exit code."""

import errno
import logging
import os
import signal

import pytest

from synth_spark.cli.exit_codes import guarded
from synth_spark.monitoring.watch import Watch

SECRET = "Zwetlana-of-Nowhere"


CLEARED: list[bool] = []


def stopped(_: Watch) -> None:
    """Work that is stopped while Spark works, whose JVM ends as well: what clears up fails in its own way."""
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
    finally:
        gateway = {"name": "root", "levelno": logging.ERROR, "pathname": "/lib/py4j/java_gateway.py"}
        logging.getLogger().handle(logging.makeLogRecord({**gateway, "msg": "while sending command"}))
        os.kill(os.getpid(), signal.SIGTERM)  # a second time: what clears up goes on
        CLEARED.append(True)
        raise RuntimeError("the connection to the JVM is gone")


def test_a_command_whose_whole_group_is_sent_sigterm_is_interrupted(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    CLEARED.clear()
    assert guarded(stopped) == 130
    assert CLEARED == [True]
    said = "synth-spark: interrupted; what was kept can be resumed: synth-spark resume RUN\n"
    assert capsys.readouterr().err == said
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_libraries_warn_of_is_told_still(capsys: pytest.CaptureFixture[str]) -> None:
    guarded(lambda _: logging.getLogger("library").warning("a warning"))
    assert capsys.readouterr().err == "a warning\n"


def chained(cause: BaseException) -> Exception:
    """What Spark raises, who wraps what went wrong."""
    error = RuntimeError(f"An error occurred while calling o1.count: {SECRET}")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "x"), "disk: is full, or the quota of this user is; free room in"),
        (chained(OSError(errno.EDQUOT, "x")), "disk: is full"),
        (chained(RuntimeError(f"java.io.IOException: No space left on device {SECRET}")), "disk: is full"),
        (OSError(errno.EAGAIN, "x"), "workers: could not be started: this user may start no further processes"),
        (chained(RuntimeError('Cannot run program "python": error=13, Permission denied')), "workers: could not be"),
        (RuntimeError("Python worker failed to connect back."), "workers: could not be started"),
        (RuntimeError("Python worker exited unexpectedly (crashed)"), "workers: were ended from outside"),
        (chained(RuntimeError("java.lang.OutOfMemoryError: Java heap space")), "memory: is not enough for Spark"),
    ],
)
def test_what_the_machine_lacks_is_told_in_one_line(
    error: Exception, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(_: Watch) -> None:
        raise error

    assert guarded(work) == 8
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"synth-spark: {says}")
    assert line.endswith("synth-spark resume RUN")
    assert SECRET not in line


def test_another_error_is_not_taken_for_one_of_the_machine() -> None:
    def work(_: Watch) -> None:
        raise chained(ValueError("space"))

    assert guarded(work) == 70
