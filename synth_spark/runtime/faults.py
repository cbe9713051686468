"""Faults on purpose, at named points of the line: how it is shown that a run survives them.

The environment variable ``SYNTH_SPARK_FAULTS`` arms points: ``NAME=KIND``, several with commas between. Without it a
point is one look into the environment. Names are made of words of the code, of stages and of declared tables, never of
anything that was read, so no data can arm or name one. ``tests/support/inject.py`` goes through all of them.

Points, in the order in which a run passes them::

    stage.<stage>.before | .after | .done       around a stage's work, and when it is recorded
    keep.<table>.tasks                          in the tasks that write a kept table (task, worker)
                                                of what begins early (`ahead`), beside a stage before
    keep.<table>.rename | .renamed | .kept      before it is put in place, before it is recorded, after that
    publish.begin                               the target is this run's alone
    publish.copy.<table>, publish.place.<table> before a table is copied, and put in place (files)
    publish.write.<table>, publish.check.<table> before and after a table is written (slices of Delta tables)
    publish.documents | .manifest               before the documents, and the manifest, are put in place
    publish.switch | .switched | .settled       before the pointer is switched, after that, and after the rest
    retire.marked                               a release is said to be retired, and still there
"""

import errno
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from synth_spark.errors import AuditFailed, PlanError

VARIABLE = "SYNTH_SPARK_FAULTS"
#: What can be done at a point, and what in tasks.
KINDS = {
    "exception": "something nobody thought of is raised",
    "rename": "the file system refuses (EIO)",
    "full": "the disk is full (ENOSPC)",
    "kill": "the driver is killed (SIGKILL)",
    "audit": "a rule of the audit is broken",
    "clock": "the clock goes back a day, and stays there",
    "corrupt": "a file of the kept table is damaged",
}
TASK_KINDS = {"task": "every task raises", "worker": "the Python worker of every task dies"}

#: How far the clock was set back.
behind = [timedelta()]


def point(name: str, folder: Path | None = None) -> None:
    """Do what was armed here, if anything was.

    Args:
        name: of the point.
        folder: of the kept table, where there is one to be damaged.

    Raises:
        PlanError: the environment names a kind that does not exist.
    """
    kind = _armed(name)
    if kind is None or kind in TASK_KINDS:
        return
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "exception":
        raise RuntimeError("a fault was injected")
    elif kind in ("rename", "full"):
        code = errno.EIO if kind == "rename" else errno.ENOSPC
        raise OSError(code, os.strerror(code))
    elif kind == "audit":
        raise AuditFailed("audit", "was broken by an injected fault", "inject none")
    elif kind == "clock":
        behind[0] = timedelta(days=1)
    elif kind == "corrupt" and folder is not None:
        _damage(folder)


def in_tasks(name: str, frame: Any) -> Any:
    """The same DataFrame; where a fault was armed for tasks, one whose tasks fail.

    Raises:
        PlanError: the environment names a kind that does not exist.
    """
    kind = _armed(name)
    if kind not in TASK_KINDS:
        return frame

    def fail(batches: Iterator[Any]) -> Iterator[Any]:
        if kind == "worker":
            os._exit(1)
        raise RuntimeError("a fault was injected")
        yield from batches

    return frame.mapInArrow(fail, frame.schema)


def now() -> datetime:
    """The time, in UTC; a clock that was set back by a fault is behind."""
    return datetime.now(UTC) - behind[0]


def _armed(name: str) -> str | None:
    """The kind of fault that was armed at a point."""
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    armed = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
    kind = armed.get(name)
    if kind is not None and kind not in KINDS and kind not in TASK_KINDS:
        raise PlanError(
            VARIABLE, "names a kind of fault that does not exist", f"use {', '.join({**KINDS, **TASK_KINDS})}"
        )
    return kind


def _damage(folder: Path) -> None:
    """Change a byte in the middle of the first file."""
    file = min(folder.glob("*.parquet"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
