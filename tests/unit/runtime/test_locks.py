"""Locks on files: one holder at a time, and systems without them."""

from pathlib import Path

import pytest

from synth_spark.errors import RunError
from synth_spark.runtime import locks
from synth_spark.runtime.locks import lock
from synth_spark.storage.append_log import LineFile


def test_a_lock_has_one_holder_until_the_file_is_closed(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("a") as second:
        with (tmp_path / "lock").open("a") as first:
            lock(first, wait=False)
            with pytest.raises(BlockingIOError):
                lock(second.fileno(), wait=False)
        lock(second)


def test_where_there_are_no_locks_a_ledger_in_a_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "fcntl", None)
    log = LineFile(tmp_path / "ledger.jsonl")
    with pytest.raises(RunError, match="no file can be locked"):
        log.check()
    with pytest.raises(RunError, match="no file can be locked"):
        log.append(lambda entries: {"number": len(entries)})
    assert log.entries() == []
