"""Failures of the machine that Spark, Java or Python report in their own words, in a line that says what to do."""

import errno
from collections.abc import Iterator

from synth_spark.errors import EngineError

_AGAIN = "then run what is left: synth-spark resume RUN"
#: What the text of an error holds → the field, the problem and the remedy.
_KNOWN = (
    (
        ("No space left on device", "Disk quota exceeded"),
        (
            "disk",
            "is full, or the quota of this user is",
            f"free room in the run folder, output.path and TMPDIR, {_AGAIN}",
        ),
    ),
    (
        ("Cannot run program", "Python worker failed to connect back", "Resource temporarily unavailable"),
        (
            "workers",
            "could not be started: this user may start no further processes, or not this Python",
            f"look at `ulimit -u`, at PYSPARK_PYTHON and at what the container forbids, {_AGAIN}",
        ),
    ),
    (
        ("Python worker exited unexpectedly",),
        ("workers", "were ended from outside, as where memory is short", f"give the run more memory, {_AGAIN}"),
    ),
    (
        ("java.lang.OutOfMemoryError", "Cannot allocate memory"),
        ("memory", "is not enough for Spark", f"give the run more memory, or set spark.driver.memory, {_AGAIN}"),
    ),
)
#: Errors of the operating system → the same, by the first text of `_KNOWN` that they are told by.
_NUMBERS = {
    errno.ENOSPC: "No space left on device",
    errno.EDQUOT: "Disk quota exceeded",
    errno.EAGAIN: "Resource temporarily unavailable",
    errno.ENOMEM: "Cannot allocate memory",
}


def engine_failure(error: BaseException) -> EngineError | None:
    """The plain reason of an error that the machine is at the bottom of; None where that cannot be told.

    Args:
        error: as it was raised; what caused it is looked at, too. Its text may quote data and is not repeated.
    """
    texts = list(_texts(error))
    for marks, (field, problem, remedy) in _KNOWN:
        if any(mark in text for text in texts for mark in marks):
            return EngineError(field, problem, remedy)
    return None


def _texts(error: BaseException) -> Iterator[str]:
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        if isinstance(at, OSError) and at.errno in _NUMBERS:
            yield _NUMBERS[at.errno]
        try:
            yield str(at)
        except Exception:  # py4j asks the JVM for the text, which may have ended
            yield ""
        at = at.__cause__ or at.__context__
