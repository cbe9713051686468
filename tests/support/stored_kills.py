"""Whole runs whose input, work, output and ledger are in a store, killed in every stage, and taken up again.

A run of invented cases is made undisturbed, to know its content, and how long its stages take. Then it is made again in
other folders: the installed command is killed (SIGKILL) at a random moment of each stage in turn, and resumed into the
next one. After each kill it is checked that

- every table that the manifest names has the content of the undisturbed run; under differential privacy, that what was
  drawn is not drawn again;
- the ledger holds at most one debit of the run;
- the published root names no release, or the new one, whole.

In the end the release has the content of the undisturbed one, nothing that a killed process has left is in the root or
among the tables of the run folder, and the ledger holds one debit.
"""

import io
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count as counting
from pathlib import Path
from typing import Any

import pyarrow.csv
import pytest
from installing import ROOT, SPARK_HOME, clean_environment
from stored_stands import Stand

from synth_spark import demo
from synth_spark.pipeline.stages import STAGES
from synth_spark.privacy.ledger import Ledger
from synth_spark.publish import lifecycle, repository
from synth_spark.publish.published_release import open_release
from synth_spark.publish.repository import ReleaseRepository
from synth_spark.schema import tables
from synth_spark.storage import hdfs_places
from synth_spark.storage.append_log import opened
from synth_spark.storage.places import place
from synth_spark.storage.run_store import RunStore

#: Lines that are killed: what they are, and what is asked of the command beside places.
_PRIVATE = ["--epsilon", "8", "--set", "privacy.delta=0.0001", "--set", "input.columns=[gender, ageBroad, citizenship]"]
_LINES: list[tuple[str, list[str]]] = [
    ("k_anonymity", [str(ROOT / "conf" / "demo" / "release.yml")]),
    ("differential_privacy", _PRIVATE),
]
_ROWS, _RUN = 2_000, "killed"
#: Tables that two runs of one seed do not have in common: one tells when and where the run was made; in the other one
#: records are numbered in their order, whose key is drawn for each run by the operating system.
_UNLIKE = {tables.RELEASE.name, tables.SYNTHETIC_ATTRIBUTES.name}
#: What has a command tell events of its stages.
_LOG = ("--log-format", "json")
#: The part of a stage's time in which it is killed: later it might have ended.
_PART = 0.8


@dataclass
class StoredRuns:
    """A run in a store that is killed again and again.

    Attributes:
        title: its line.
        asked: what is asked of the command.
        address: of a folder of a store that nothing else uses.
        environment: by which the command finds the store.
        log: where the command's log goes.
        seconds: stage → how long it takes, undisturbed.
        found: stages in which the command was killed → how often.
    """

    title: str
    asked: Sequence[str]
    address: str
    environment: Mapping[str, str]
    log: Path
    seconds: dict[str, float] = field(default_factory=dict)
    found: Counter[str] = field(default_factory=Counter)
    _drawn: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the run undisturbed."""
        table = demo.cases(_ROWS, seed=4)
        stream = io.BytesIO()
        pyarrow.csv.write_csv(table, stream)
        place(self.address).write("cases.csv", stream.getvalue())
        assert self._command(self._begin("undisturbed")) == 0, self.log.read_text()[-3000:]
        for event in self._events():
            if event.get("event") == "stage_finished":
                self.seconds[event["stage"]] = event["seconds"]
        self.stages = list(STAGES[self.title])
        assert list(self.seconds) == self.stages, self.seconds
        self.undisturbed = self._contents("undisturbed")

    @property
    def private(self) -> bool:
        """Whether noise is drawn."""
        return self.title == "differential_privacy"

    def chain(self, killed_in: Sequence[str]) -> None:
        """Make the run, killed in some stages, in order; then let it end, and check it."""
        words = self._begin("struck")
        for stage in killed_in:
            code = self._command(words, stage)
            if code == 0:
                break  # it was too quick, and is published
            assert code == -signal.SIGKILL, f"{stage}: {code} {self.log.read_text()[-3000:]}"
            self.found[f"kill in {self._last()}"] += 1
            self._check(stage)
            words = ["resume", self._run("struck"), *_LOG]
        assert self._command(words) == 0, self.log.read_text()[-3000:]
        self._check("at the end")
        self._check_end()

    def _begin(self, name: str) -> list[str]:
        """The words that begin the run, in folders of a name."""
        folder = f"{self.address}/{name}"
        keys = {"work": f"{folder}/work", "data_set": "cases", "seed": "5"}
        given = [part for key, value in keys.items() for part in ("--set", f"{key}={value}")]
        places = ["--input", f"{self.address}/cases.csv", "--output", f"{folder}/out", "--ledger", f"{folder}/ledger"]
        return ["run", *self.asked, *places, *given, "--run-id", _RUN, *_LOG]

    def _run(self, name: str) -> str:
        return f"{self.address}/{name}/work/{_RUN}"

    def _command(self, words: Sequence[str], killed_in: str | None = None) -> int:
        """The installed command in a process of its own, killed at a random moment of a stage, or of a later one.

        Returns:
            Its exit code.
        """
        command = [str(Path(sys.executable).with_name("synth-spark")), *words]
        environment = clean_environment(SPARK_HOME=str(SPARK_HOME), **self.environment)
        with self.log.open("wb") as log:
            running = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=self.log.parent)
        end: float | None = None
        while running.poll() is None:
            time.sleep(0.01)
            if killed_in is not None and end is None:
                begun = [one["stage"] for one in self._events() if one.get("event") == "stage_started"]
                late = [stage for stage in begun if self.stages.index(stage) >= self.stages.index(killed_in)]
                if late:
                    end = time.monotonic() + random.uniform(0, self.seconds[late[0]] * _PART)
            if end is not None and time.monotonic() >= end:
                running.kill()
        return running.wait()

    def _events(self) -> list[dict[str, Any]]:
        """What the command's log tells of the run; a rehearsal is another one, with stages of the same names."""
        found = []
        for line in self.log.read_text(errors="replace").splitlines():
            with suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict) and event.get("run_id") == _RUN:
                    found.append(event)
        return found

    def _last(self) -> str:
        """The stage that the log told of last."""
        return next(one["stage"] for one in reversed(self._events()) if str(one.get("event")).startswith("stage_"))

    def _contents(self, name: str) -> dict[str, str]:
        """Content hashes of the tables that a run keeps, but for those that two runs do not have in common."""
        entries = RunStore.open(self._run(name)).manifest["tables"]
        return {table: one["content_hash"] for table, one in entries.items() if table not in _UNLIKE}

    def _debits(self) -> list[str | None]:
        """The releases that the ledger holds."""
        entries = Ledger(opened(f"{self.address}/struck/ledger")).entries()
        return [entry.run_id for entry in entries if entry.kind == "release"]

    def _check(self, what: str) -> None:
        """What must hold after every kill."""
        store = RunStore.open(self._run("struck"))
        for name, known in self._contents("struck").items():
            if self.private:
                assert self._drawn.get(name, known) == known, f"{what}: {name} was drawn again"
                if "nois" in store.manifest["tables"][name]["grain"]:
                    self._drawn[name] = known
            else:
                assert known == self.undisturbed[name], f"{what}: {name} has another content"
            assert store.is_whole(name), f"{what}: {name} is torn"
        assert len(self._debits()) <= 1, f"{what}: {self._debits()}"
        current = ReleaseRepository(f"{self.address}/struck/out").current()
        assert current in (None, _RUN), f"{what}: {current}"
        if current is not None:
            open_release(f"{self.address}/struck/out").verify()

    def _check_end(self) -> None:
        """The release is there, of the content of the undisturbed one, and nothing else is."""
        out = f"{self.address}/struck/out"
        root, kept = ReleaseRepository(out), self._contents("struck")
        assert [event["run_id"] for event in root.history()] == [_RUN]
        assert self._debits() == [_RUN]
        published = open_release(out).manifest["tables"]
        assert set(published) == set(open_release(f"{self.address}/undisturbed/out").manifest["tables"])
        wanted = kept if self.private else self.undisturbed
        assert {name: one["content_hash"] for name, one in published.items() if name in kept} == {
            name: wanted[name] for name in published if name in kept
        }
        assert set(kept) == set(self.undisturbed)
        with pytest.MonkeyPatch.context() as patched:
            for module in (repository, hdfs_places):
                patched.setattr(module, "_GRACE", -60.0)  # as if hours had passed
            lifecycle.clean(out)
            assert lifecycle.clean(out) == "nothing is left over"
            assert (root.remnants(), root.under_way()) == ([], set())
            self._check_run_folder()

    def _check_run_folder(self) -> None:
        """Every file of a table is one that the manifest names; once the run is purged, nothing hidden is left."""
        folder, manifest = place(self._run("struck")), RunStore.open(self._run("struck")).manifest
        named = {
            f"tables/{name}/{entry['attempt']}/{file}"
            for name, entry in manifest["tables"].items()
            for file in entry["files"]
        }
        assert {one.name for one in folder.entries("tables", deep=True)} == named
        assert self._command(["purge", self._run("struck")]) == 0, self.log.read_text()[-3000:]
        assert folder.abandoned(alone=True) == []


def inject_kills(stand: Stand, folder: Path, count: int) -> Counter[str]:
    """Kill whole runs, so often; the stages in which they were killed → how often.

    Args:
        stand: the store; its proxy is passed by.
        folder: where logs go.
        count: how often.
    """
    folder.mkdir()
    found, started = Counter[str](), time.monotonic()
    is_s3 = bool(stand.environment)
    environment = {**stand.environment, "AWS_ENDPOINT_URL": stand.proxy.endpoint} if is_s3 else {}
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        for number in counting():
            title, asked = _LINES[number % len(_LINES)]
            address = f"{stand.address if is_s3 else stand.proxy.endpoint}/kills-{number}"
            runs = StoredRuns(title, asked, address, environment, folder / "log")
            left = min(count - found.total(), len(runs.stages))
            runs.chain([runs.stages[-1 - at * len(runs.stages) // left] for at in reversed(range(left))])
            found += runs.found
            print(f"{title}: {json.dumps(runs.found)}, {time.monotonic() - started:.0f} s", flush=True)
            if found.total() >= count:
                return found
    raise AssertionError("it counts for ever")
