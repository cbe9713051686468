"""Faults at every point of the line, and what is left after each: python tests/support/inject.py [COUNT] [--kills N].

A release of invented cases is published; over it, another is made, and interrupted: run after run is resumed into the
next fault, until every point was passed with every kind of fault that can happen there. After each of them it is
checked that

- the release before is whole, and named by the pointer, unless the new one is whole and named instead;
- every table that was kept has the content of an undisturbed run;
- the ledger was debited once;
- nothing in the published root belongs to no release (after a process was killed: once the next one has published).

In the end the new release has the content of the undisturbed one. Where noise is drawn (differential privacy), what was
drawn before a fault is what is published after it. Killed drivers are processes of their own.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from cluster import free_port
from installing import SPARK_HOME, clean_environment
from pyspark.sql import SparkSession

from synth_spark import demo
from synth_spark import plan as plans
from synth_spark.cli.main import main as main_of_the_command
from synth_spark.errors import PublishError, RunError
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import api
from synth_spark.pipeline.run import Run
from synth_spark.pipeline.stages import runner
from synth_spark.privacy.ledger import Ledger
from synth_spark.publish.delta import slices
from synth_spark.publish.published_release import open_release
from synth_spark.publish.repository import ReleaseRepository
from synth_spark.runtime import faults
from synth_spark.runtime.class_archive import java_options
from synth_spark.runtime.libraries import Libraries
from synth_spark.runtime.session import check_java, local_settings, session
from synth_spark.schema import tables
from synth_spark.storage.append_log import LineFile
from synth_spark.storage.hashing import content_hash, sha256
from synth_spark.storage.run_store import RunStore

BEFORE, DURING = "before", "during"
#: Lines that are interrupted: what they are, keys of their plans, and their share of the faults in per cent.
_LINES: list[tuple[str, dict[str, Any], int]] = [
    ("k-anonymity, Parquet", {}, 65),
    ("differential privacy, Parquet", {"privacy.epsilon": 8.0, "privacy.delta": 1e-4}, 25),
    ("k-anonymity, Delta (its publication)", {"output.format": "delta"}, 10),
]
_COLUMNS = ["gender", "ageBroad", "citizenship", "isForcedLabour"]
#: Where processes that are killed come from: one that has imported all they need, has no session, and forks.
_DRIVERS = multiprocessing.get_context("forkserver")
_DRIVERS.set_forkserver_preload(["pyspark.sql.connect.session", "synth_spark.cli.main", "synth_spark.pipeline.stages"])


@dataclass
class Line:
    """A published root with one release, and another one that is made again and again.

    Attributes:
        spark: a session.
        folder: where everything goes.
        settings: keys of the plan beside those of every line here.
        found: kinds of faults that were injected → how many.
        remote: where processes that are killed find Spark; default: each starts its own.
    """

    spark: SparkSession
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    found: Counter[str] = field(default_factory=Counter)
    remote: str | None = None

    def __post_init__(self) -> None:
        """Publish the release before, and make the other one undisturbed, to know its points and its content."""
        self.folder.mkdir(parents=True)
        self.cases, self.out = self.folder / "cases.csv.gz", self.folder / "out"
        self._aside("").mkdir()
        demo.write_csv(self.spark, self.cases, 300, seed=4)
        api.resume(self._start(BEFORE, seed=3))
        for path, name in ((self.out, "out"), (self.work, "work")):
            shutil.copytree(path, self._aside(name))
        self.points = []
        passed, spread = faults.point, faults.in_tasks
        faults.point = lambda name, *_: self.points.append(name)
        faults.in_tasks = lambda name, frame: self.points.append(name) or frame
        try:
            run = self._start(DURING, seed=5)
            api.resume(run)
        finally:
            faults.point, faults.in_tasks = passed, spread
        self.tables = self._contents(run.store)
        run.store.forget(["publish"], [tables.RELEASE, tables.SYNTHETIC_INDICATORS])
        shutil.copytree(self.work / DURING, self.ready)
        shutil.copyfile(self.work / "ledger.jsonl", self._aside("ledger"))

    @property
    def work(self) -> Path:
        """Folder of the run folders."""
        return self.out.with_name(f"{self.out.name}.work")

    @property
    def ready(self) -> Path:
        """The run folder of the new release, made but for its publication."""
        return self._aside(DURING)

    @property
    def private(self) -> bool:
        """Whether noise is drawn."""
        return "privacy.epsilon" in self.settings

    @property
    def delta(self) -> bool:
        """Whether tables are Delta tables."""
        return self.settings.get("output.format") == "delta"

    def possible(self) -> Iterator[tuple[str, str]]:
        """Every point with every kind of fault that can happen there, kind by kind, in the order of the line."""
        redone = self.points[self.points.index("stage.synthesize.before") if self.private else 0 :]
        for kind in [*faults.TASK_KINDS, *faults.KINDS]:
            if kind != "kill":  # damaged noise cannot be made again
                points = redone if kind == "corrupt" else self.points
                yield from ((point, kind) for point in points if _fits(point, kind))

    def begin(self, ready: bool = False) -> None:
        """Put everything back to where only the release before is there, and the other one is about to be made.

        Args:
            ready: whether it is about to be published.
        """
        for path in (self.out, self.work):
            shutil.rmtree(path, ignore_errors=True)
        if self.delta:  # Spark remembers what was in a folder of a Delta table
            self.out = self.folder / f"out-{self.found.total()}-{time.monotonic_ns()}"
        for path, name in ((self.out, "out"), (self.work, "work")):
            shutil.copytree(self._aside(name), path)
        self.drawn: dict[str, Any] = {}
        self.whole = fingerprint(self.out)
        if not ready:
            self._start(DURING, seed=5)
            return
        shutil.copytree(self.ready, self.work / DURING)
        shutil.copyfile(self._aside("ledger"), self.work / "ledger.jsonl")
        store = self._open().store
        store.manifest["plan"]["output"]["path"] = str(self.out)
        store.save()

    def strike(self, point: str, kind: str) -> None:
        """Resume the run into a fault, and check what is left.

        A clock that jumps and a table that is damaged stop nothing at once: the process falls at the next stage.
        """
        armed = f"{point}={kind}"
        if kind == "corrupt":
            self._rewind(point.split(".")[1])
        if kind in ("clock", "corrupt"):
            later = self.points[self.points.index(point) + 1 :]
            follows = next((name for name in later if name.endswith(".before") or name == "publish.settled"), None)
            armed += f",{follows or 'stage.publish.done'}=exception"
        os.environ[faults.VARIABLE] = armed
        error = None
        try:
            api.resume(self._open())
        except Exception as raised:
            error = raised
        finally:
            os.environ.pop(faults.VARIABLE)
            faults.behind[0] = timedelta()
        assert error is not None, f"{armed} was not noticed"
        if kind in ("full", "rename"):
            assert isinstance(error, (RunError, PublishError)), f"{armed}: {error!r}"
        self.found[kind] += 1
        self.check(armed)
        if kind == "corrupt":
            self._mend(point.split(".")[1])

    def kill(self, point: str) -> None:
        """Resume the run in a process of its own, which is killed at a point, and check what is left."""
        log = self.folder / "killed.log"
        driver = _DRIVERS.Process(target=_resume_into, args=(self.work / DURING, point, self.remote, log))
        driver.start()
        driver.join()
        assert driver.exitcode == -signal.SIGKILL, f"{point}: {driver.exitcode} {log.read_text()[-2000:]}"
        self.found["kill"] += 1
        self.check(f"{point}=kill", killed=True)

    def check(self, what: str, killed: bool = False) -> None:
        """What must hold after every fault."""
        store = self._open().store
        for name, known in self._contents(store).items():
            if self.private:
                assert name not in self.drawn or self.drawn[name] == known, f"{what}: {name} was drawn again"
                if "nois" in store.manifest["tables"][name]["grain"]:
                    self.drawn[name] = known
            else:
                assert known == self.tables[name], f"{what}: {name} has another content"
        lines = self._debits()
        assert lines.count(DURING) <= 1, f"{what}: debited {lines.count(DURING)} times"
        root = ReleaseRepository(self.out)
        self._check_before(what, more=killed or self.delta)
        if root.current() != BEFORE:
            assert root.current() == DURING, what
            self._same(what)
        if not killed:
            assert not root.remnants(), f"{what}: {root.remnants()}"
            assert not self.delta or set(slices(self.spark, self.out)) <= set(root.published()), what

    def _check_before(self, what: str, more: bool) -> None:
        """The release before is whole; as long as it is the current one, no file is another, and none more or less."""
        open_release(self.out, BEFORE).verify()
        there, published = fingerprint(self.out), ReleaseRepository(self.out).current() == DURING
        kept = {name: there.get(name) for name in self.whole} if more or published else there
        moved = [name for name in kept if kept[name] != self.whole.get(name)]
        if published:
            moved = [name for name in moved if "/" in name]  # pointer and copies of documents are the new ones
        assert not moved, f"{what}: {moved} of the release before changed"
        if self.delta:
            release = open_release(self.out, BEFORE)
            for name, entry in release.manifest["tables"].items():
                rows = self.spark.read.format("delta").load(str(self.out / name)).where(entry["where"])
                assert (
                    content_hash(rows.select(*(column["name"] for column in entry["schema"]))) == entry["content_hash"]
                )

    def finish(self) -> None:
        """Make the release without a fault; it must be that of the undisturbed run, and nothing else be there."""
        run = self._open()
        api.resume(run)
        assert run.store.done("publish")
        self.check("at the end")
        self._same("at the end")
        root = ReleaseRepository(self.out)
        assert (root.current(), list(root.published())) == (DURING, [BEFORE, DURING])
        assert not root.remnants()
        assert not root.under_way()
        assert self._debits() == [BEFORE, DURING]
        times = [event["at"] for event in root.history()]
        assert times == sorted(times)
        assert [event["run_id"] for event in root.history()] == [BEFORE, DURING]
        before = fingerprint(self.out)
        api.resume(self._open())
        assert fingerprint(self.out) == before, "a finished run was not left alone"

    def chain(self, struck: Sequence[tuple[str, str]]) -> None:
        """One run, interrupted again and again."""
        late = self.points.index("stage.publish.before")
        self.begin(ready=all(self.points.index(point) >= late for point, _ in struck))
        for point, kind in struck:
            if ReleaseRepository(self.out).current() == DURING and point.startswith("publish."):
                self.finish()
                self.begin(ready=True)  # to be published
            if kind == "kill":
                self.kill(point)
            else:
                self.strike(point, kind)
        self.finish()

    def _start(self, run_id: str, seed: int) -> Run:
        keys = {"input.path": str(self.cases), "output.path": str(self.out), "input.columns": _COLUMNS, "privacy.k": 5}
        if self.private:
            del keys["privacy.k"]
        keys |= {"output.indicators": True, "data_set": "cases", "run_id": run_id, "seed": seed, **self.settings}
        keys["ledger"] = str(self.work / "ledger.jsonl")
        return api.start(self.spark, plans.load(None, keys), Progress(quiet=True))

    def _open(self) -> Run:
        return Run(self.spark, RunStore.open(self.work / DURING), Progress(quiet=True))

    def _debits(self) -> list[str | None]:
        """The releases that the ledger holds."""
        entries = Ledger(LineFile(self.work / "ledger.jsonl")).entries()
        return [entry.run_id for entry in entries if entry.kind == "release"]

    def _stage_of(self, table: str) -> str:
        """The stage that keeps a table."""
        return next(
            name for name, stage in runner(self._open()).stages.items() if table in [kept.name for kept in stage.keeps]
        )

    def _rewind(self, table: str) -> None:
        """Have a table made once more that was made while another one of its stage was mended; not what was drawn."""
        runner(self._open()).forget(self._stage_of(table))

    def _mend(self, table: str) -> None:
        """A damaged table must be noticed before anything is made of it; then its stage is run again."""
        run, stage = self._open(), self._stage_of(table)
        if not run.store.done(stage):
            return  # it will be made again
        noticed = None
        try:
            api.resume(run)
        except RunError as raised:
            noticed = raised
        assert noticed is not None, f"a damaged {table} was not noticed"
        assert noticed.field == f"table {table}", noticed
        assert f"stage {stage} " in noticed.remedy, noticed
        api.work(run, stage)

    def _same(self, what: str) -> None:
        """What was published under the name of the new release is what the undisturbed run published."""
        release = open_release(self.out, DURING)
        release.verify()
        kept = self._contents(self._open().store)
        entries = release.manifest["tables"].items()
        for name, entry in ((name, entry) for name, entry in entries if name in kept):
            wanted = kept[name] if self.private else self.tables[name]
            assert entry["content_hash"] == wanted, f"{what}: another {name} was published"

    def _aside(self, name: str) -> Path:
        """Where something is kept for the next chain."""
        return self.folder / "aside" / name

    def _contents(self, store: RunStore) -> dict[str, str]:
        """Content hashes of kept tables; of Delta lines without the one that tells the folder, which varies here."""
        entries = store.manifest["tables"].items()
        return {name: one["content_hash"] for name, one in entries if not self.delta or name != tables.RELEASE.name}


def _resume_into(folder: Path, point: str, remote: str | None, log: Path) -> None:
    """The command ``resume``, as a process of its own runs it, which is killed at a point."""
    stream = log.open("wb")
    for descriptor in (1, 2):
        os.dup2(stream.fileno(), descriptor)
    for name in [name for name in os.environ if name.startswith(("PYSPARK_", "SPARK_"))]:
        del os.environ[name]
    os.environ[faults.VARIABLE] = f"{point}=kill"
    if remote is not None:
        os.environ["SPARK_REMOTE"] = remote
    sys.exit(main_of_the_command(["resume", str(folder), "--quiet"]))


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """A Spark Connect server, whose address drivers are given: they start in seconds, and it outlives them.

    All take up one session of it: its Python workers, which a session has of its own, need not start anew.
    """
    port = free_port()
    settings = {
        **local_settings(more=java_options(check_java())),
        "spark.sql.shuffle.partitions": "2",
        "spark.connect.grpc.binding.port": str(port),
    }
    command = [str(SPARK_HOME / "bin" / "spark-class"), "org.apache.spark.deploy.SparkSubmit"]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--master", "local[2]"]
    command += [part for key, value in settings.items() for part in ("--conf", f"{key}={value}")]
    environment = clean_environment(PYSPARK_PYTHON=sys.executable)
    with (folder / "server.log").open("wb") as log:
        running = subprocess.Popen([*command, "spark-internal"], env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        limit = time.monotonic() + 120
        while running.poll() is None and time.monotonic() < limit:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.2)
        assert running.poll() is None, (folder / "server.log").read_text(errors="replace")[-2000:]
        yield f"sc://127.0.0.1:{port}/;session_id={uuid.uuid4()}"
    finally:
        running.terminate()
        running.wait()


def fingerprint(root: Path) -> dict[str, str]:
    """Every file of a published root, by its path in it → its hash; the lock is nobody's content."""
    files = (file for file in sorted(root.rglob("*")) if file.is_file() and file.name != ".publishing")
    return {str(file.relative_to(root)): sha256(file) for file in files}


def _fits(point: str, kind: str) -> bool:
    """Whether a kind of fault can happen at a point."""
    area, last = point.split(".")[0], point.split(".")[-1]
    if last == "tasks" or kind in faults.TASK_KINDS:
        return last == "tasks" and kind in faults.TASK_KINDS
    return {
        "exception": True,
        "rename": last in ("rename", "documents", "manifest", "switch") or point.startswith("publish.place"),
        "full": area == "publish" or last in ("rename", "renamed"),
        "audit": point.startswith("stage.validate") and last != "done",
        "clock": area == "stage" and last != "done",
        "corrupt": area == "keep" and last == "kept",
    }[kind]


def main() -> int:
    """Inject, count, print."""
    parser = argparse.ArgumentParser(description="Inject faults, and check what is left after each.")
    parser.add_argument("count", type=int, nargs="?", default=200, help="least number of faults")
    parser.add_argument("--kills", type=int, default=16, help="how many of them kill a driver")
    options = parser.parse_args()
    started, found = time.monotonic(), Counter()
    with tempfile.TemporaryDirectory(prefix="faults-") as name, session(Libraries(delta=True)) as spark:
        for number, (title, settings, share) in enumerate(_LINES):
            line = Line(spark, Path(name) / str(number), settings)
            possible = [one for one in line.possible() if not line.delta or ".publish." in f".{one[0]}"]
            if number == 0:
                points = [point for point in line.points if not point.endswith(".tasks")]
                with server(line.folder) as line.remote:
                    line.chain([(point, "kill") for point in _spread(points, options.kills)])
            struck = _spread(possible, -(-(options.count - options.kills) * share // 100))
            for kind in dict.fromkeys(kind for _, kind in struck):
                line.chain([one for one in struck if one[1] == kind])
                print(f"  {kind}: {line.found[kind]} survived, {time.monotonic() - started:.0f} s", flush=True)
            found += line.found
            print(f"{title}: {json.dumps(line.found)}, {time.monotonic() - started:.0f} s", flush=True)
    print(f"{found.total()} faults in {time.monotonic() - started:.0f} s, all survived: {json.dumps(found)}")
    return 0


def _spread(things: Sequence[Any], number: int) -> list[Any]:
    """So many of them, evenly, in order."""
    number = min(number, len(things))
    return [things[place * len(things) // number] for place in range(number)]


if __name__ == "__main__":
    sys.exit(main())
