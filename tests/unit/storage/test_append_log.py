"""Logs that are only added to: nothing is lost, nothing is there twice, and what was changed is noticed."""

import json
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synth_spark.errors import RunError
from synth_spark.storage import append_log
from synth_spark.storage.append_log import CommitLog, LineFile


class Faulty:
    """Objects in memory, of a store that is as bad as it may be.

    Attributes:
        address: a name.
        held: name → content.
        faults: what befalls the next calls: None, "refused" (nothing is done), "lost" (done, and not said).
    """

    def __init__(self, held: dict[str, bytes] | None = None) -> None:
        self.address, self.held = "memory", {} if held is None else held
        self.faults: list[str | None] = []
        self.alone = threading.Lock()

    def read(self, name: str) -> bytes | None:
        return self.held.get(name)

    def create(self, name: str, content: bytes) -> bool:
        with self.alone:
            fault = self.faults.pop(0) if self.faults else None
            if fault == "refused":
                raise RunError(self.address, "cannot be written", "wait")
            made = name not in self.held
            self.held.setdefault(name, content)
            if fault == "lost":
                raise RunError(self.address, "did not answer", "wait")
            return made


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(append_log, "sleep", lambda _: None)  # here alone: other threads go on sleeping


def add(number: int) -> Callable[[list[dict[str, Any]]], dict[str, Any]]:
    """An entry that says how many were before it."""
    return lambda entries: {"number": number, "before": len(entries)}


def test_entries_are_in_order_and_read_once(tmp_path: Path) -> None:
    objects = Faulty()
    for log in (CommitLog(objects), LineFile(tmp_path / "log.jsonl")):
        assert log.entries() == []
        for number in range(40):
            log.append(add(number))
        assert log.entries() == [{"number": number, "before": number} for number in range(40)]
        log.append(lambda _: None)
        assert len(log.entries()) == 40
    assert CommitLog(objects).entries() == log.entries()


def test_whatever_the_store_does_an_entry_is_there_once_or_an_error() -> None:
    """Refusals, and answers that get lost, in any order; a failure that stays one may have added the entry, once."""
    generator = random.Random(7)
    for _ in range(300):
        objects, failed = Faulty(), 0
        for number in range(5):
            objects.faults = generator.choices([None, "refused", "lost"], [2, 3, 2], k=8)
            try:
                CommitLog(objects).append(add(number))
            except RunError:
                failed += 1
        numbers = [entry["number"] for entry in CommitLog(objects).entries()]
        assert sorted(set(numbers)) == sorted(numbers)
        assert len(numbers) >= 5 - failed


def test_several_who_add_at_once_lose_nothing() -> None:
    objects = Faulty()

    def work(worker: int) -> None:
        log = CommitLog(objects)
        for number in range(20):
            log.append(add(100 * worker + number))

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = CommitLog(objects).entries()
    assert sorted(entry["number"] for entry in entries) == [100 * worker + n for worker in range(8) for n in range(20)]
    assert [entry["before"] for entry in entries] == list(range(160))  # each was decided on in the face of all before


@pytest.mark.parametrize("number", [1, 3, 20])
def test_what_was_changed_or_taken_out_is_noticed(number: int) -> None:
    objects = Faulty()
    for each in range(21):
        CommitLog(objects).append(add(each))
    name = f"{number:08}.json"
    entry = json.loads(objects.held[name])
    for changed, says in [
        (None, f"lacks its entry {number};"),
        ({**entry, "entry": {"number": 99}}, f"has an entry {number + 1} that was not written after"),
        (["no", "entry"], "holds a damaged entry"),
    ]:
        held = dict(objects.held)
        if changed is None:
            del held[name]
        else:
            held[name] = json.dumps(changed).encode()
        with pytest.raises(RunError, match=says):
            CommitLog(Faulty(held)).entries()
        with pytest.raises(RunError, match=says):
            CommitLog(Faulty(held)).append(add(1))
    objects.held["00000022.json"] = b"{"
    with pytest.raises(RunError, match="damaged"):
        CommitLog(objects).entries()
