"""Faults of stores on the wire, and what is left after each: python tests/support/inject_stores.py PLACE [COUNT].

A release is published to a root in a store, as Parquet; over it, another is published, as Delta, and struck at one of
its requests: the request fails, its answer is lost, the store is throttled, or a name node is in safe mode, is not the
active one, or is gone; a listing fails; once, more often than the client asks again, or from then on; or the process is
killed, before or after the store did what it was asked. The same is done to a debit of the ledger. After each fault it
is checked that

- the release before is whole, and the current one, unless the new one is whole and the current one instead;
- the log of commits tells of each publication once, and the ledger of each debit at most once;
- publishing, or debiting, once more makes the release, and the debit, that were asked for; or, in turn, that
  ``releases clean`` removes all that is left over.

Two processes publish at once under faults, and two debit one ledger at once, of which one is killed meanwhile.

Publications take the steps of a run's last stage, of tables that are made here: they need no Spark. With ``--kills``
whole runs are killed, too: `stored_kills`. The store is one of `stored_stands.PLACES`.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any

import pyarrow as pa
import pytest
from faulty_store import Strike, concerns
from stored_kills import inject_kills
from stored_stands import DRIVERS, PLACES, Stand, hurried

from synth_spark import plan as plans
from synth_spark.errors import PublishError, SynthSparkError
from synth_spark.privacy import Delta, Epsilon, Rho, Spending
from synth_spark.privacy.entries import private_entry
from synth_spark.privacy.ledger import Ledger
from synth_spark.publish import lifecycle, publisher, repository
from synth_spark.publish.published_release import open_release
from synth_spark.publish.repository import ReleaseRepository
from synth_spark.runtime import faults
from synth_spark.schema import tables
from synth_spark.schema.tables import SafeTable
from synth_spark.storage import hdfs_places
from synth_spark.storage.append_log import opened
from synth_spark.storage.places import at_once, place
from synth_spark.storage.run_store import RunStore

BEFORE, DURING = "before", "during"
#: How often a fault strikes: once; until the client gives up; from then on.
_TIMES = (1, 3, -1)
_KILLS = ("kill", "kill-after")


def safe_tables(folder: Path) -> list[SafeTable]:
    """Tables that may be published, as a run folder of that name keeps them; it is made if it is not there."""
    made = [tables.SYNTHETIC_RECORDS, tables.AGGREGATES, tables.RELEASE]
    if not folder.exists():
        keys = {"input.path": "cases.csv", "output.path": str(folder / "out"), "work": str(folder.parent)}
        store = RunStore.create(plans.load(None, {**keys, "run_id": folder.name, "ledger": str(folder / "ledger")}))
        for number, table in enumerate(made):
            rows = pa.table({"title": [folder.name], "length": pa.array([number], pa.int64())})
            store.keep(None, table, store.write_rows(table, rows))  # type: ignore[arg-type]
    store = RunStore.open(folder)
    return [SafeTable(store.kept(None, table)) for table in made]  # type: ignore[arg-type]


def publish(folder: Path, address: str, format_: str = "parquet") -> publisher.Publication:
    """Publish what a run folder keeps."""
    keys = {"input.path": "cases.csv", "output.path": address, "work": str(folder.parent), "output.format": format_}
    plan = plans.load(None, keys)
    documents = {"RELEASE.md": f"This is {folder.name}.\n", "QUALITY.md": "It is good.\n"}
    return publisher.publish(safe_tables(folder), documents, plan.output, folder.name)


def debit(address: str, name: str = DURING) -> list[str]:
    """Debit a release of a name."""
    spending = Spending(Epsilon(1.0), Delta(1e-6), Rho(10.0), ())
    return Ledger(opened(address)).debit(private_entry("cases", name, "m", "record", spending))


def debited(address: str) -> list[str | None]:
    """The releases that a ledger holds, by name."""
    return sorted((entry.run_id for entry in Ledger(opened(address)).entries()), key=str)


def _meet(meets: Any, address: str, name: str) -> None:
    """Debit a release, at the moment at which another process does."""
    meets.wait(120)
    debit(address, name)


def _driver(environment: Mapping[str, str], work: Callable[..., object], meets: Any, given: tuple[Any, ...]) -> None:
    """A process of its own: 0, or the exit code of its error; at the switch it waits for whoever it is to meet."""
    os.environ.update(environment)
    passed = faults.point

    def point(name: str, folder: Path | None = None) -> None:
        if name == "publish.switch" and meets is not None:
            with suppress(BrokenBarrierError):  # the other one failed before
                meets.wait(120)
        passed(name, folder)

    faults.point = point
    with hurried():
        try:
            work(*given)
        except SynthSparkError as error:
            if meets is not None:
                meets.abort()
            sys.exit(error.exit_code)


@dataclass
class StoredLine:
    """Publications and debits in a store that are struck.

    Attributes:
        stand: the store; this process finds it by its environment.
        folder: where run folders go.
        found: kinds of faults that were injected → how many.
        told: the errors that were given.
    """

    stand: Stand
    folder: Path
    found: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    _number: int = 0

    def __post_init__(self) -> None:
        """Publish the release before; then the other one, and debit it, undisturbed, to know the requests."""
        self.before, self.during = self.folder / BEFORE, self.folder / DURING
        for folder in (self.before, self.during):
            safe_tables(folder)
        first = self._fresh()
        ReleaseRepository(first).check_commits()  # as a run does before its work; the server makes a bucket for it
        publish(self.before, first)
        self.whole = self._objects(first)
        self.publication = self._asked(lambda: publish(self.during, first, "delta"))
        self.debit = self._asked(lambda: debit(self._fresh()))

    def _fresh(self) -> str:
        self._number += 1
        return f"{self.stand.address}/{self._number}"

    def _asked(self, work: Callable[[], object]) -> list[tuple[str, str]]:
        """The requests that work makes."""
        self.stand.proxy.requests.clear()
        work()
        return list(self.stand.proxy.requests)

    def _objects(self, address: str) -> dict[str, bytes]:
        root = place(address)
        return {one.name: root.read(one.name) or b"" for one in root.entries(deep=True)}

    def _put_before(self, address: str) -> None:
        """Put the release before there."""
        root = place(address)
        at_once(lambda name: root.write(name, self.whole[name]), self.whole)

    def possible(self) -> Iterator[tuple[str, Strike]]:
        """Every request of a publication and of a debit, with every fault that can strike it."""
        for kind in (*self.stand.wire, *_KILLS):
            for what, requests in (("publication", self.publication), ("debit", self.debit)):
                for after in range(sum(concerns(kind, *request) for request in requests)):
                    for times in _TIMES if kind not in _KILLS else (1,):
                        yield what, Strike(kind, times=times, after=after)

    def strike(self, what: str, strike: Strike) -> None:
        """Strike a publication, or a debit, and check what is left."""
        address = self._fresh()
        if what == "publication":
            self._put_before(address)
        told = f"{what}: {strike}"
        work, given = (debit, (address,)) if what == "debit" else (publish, (self.during, address, "delta"))
        struck = self.stand.proxy.struck.total()
        self._work(strike, work, given)
        assert self.stand.proxy.struck.total() > struck, f"{told} struck nothing"
        self.found[strike.kind] += 1
        if what == "debit":
            self._check_debit(address, told)
        else:
            self._check(address, told, clean=self.found.total() % 2 == 0)

    def _work(self, strike: Strike, work: Callable[..., object], given: tuple[Any, ...]) -> None:
        """Work into a fault."""
        if strike.kind in _KILLS:
            driver = DRIVERS.Process(target=_driver, args=(dict(self.stand.environment), work, None, given))
            driver.start()
            self.stand.proxy.client = driver.pid
            self.stand.proxy.arm(strike)
            driver.join()
            self.stand.proxy.arm()
            assert driver.exitcode == -9, f"{strike}: {driver.exitcode}"
            return
        self.stand.proxy.arm(strike)
        try:
            work(*given)
        except SynthSparkError as error:
            self.told.append(str(error))
        finally:
            self.stand.proxy.arm()

    def _check(self, address: str, what: str, clean: bool) -> None:
        """What must hold after every fault, and what may be done then."""
        root = ReleaseRepository(address)
        current = root.current()
        assert current in (BEFORE, DURING), f"{what}: {current}"
        open_release(address).verify()
        open_release(address, BEFORE).verify()
        history = [event["run_id"] for event in root.history()]
        assert history == [BEFORE, *([DURING] if current == DURING else [])], f"{what}: {history}"
        if clean:
            with pytest.MonkeyPatch.context() as patched:
                for module in (repository, hdfs_places):
                    patched.setattr(module, "_GRACE", -60.0)  # as if hours had passed
                lifecycle.clean(address)
                assert not place(address).abandoned(), f"{what}: files that nobody will finish are left"
            if current == BEFORE:
                assert self._objects(address) == self.whole, f"{what}: something is left, or gone"
        publish(self.during, address, "delta")
        root = ReleaseRepository(address)
        assert root.current() == DURING, what
        assert [event["run_id"] for event in root.history()] == [BEFORE, DURING], what
        assert json.loads(root.place.read("LATEST.json") or b"")["run_id"] == DURING, what
        open_release(address).verify()
        hashes = {name: entry["content_hash"] for name, entry in open_release(address).manifest["tables"].items()}
        assert hashes == {one.kept.table.name: one.kept.content_hash for one in safe_tables(self.during)}, what
        assert not root.remnants(), f"{what}: {root.remnants()}"
        assert not root.under_way(), what

    def _check_debit(self, address: str, what: str) -> None:
        """A debit is there once, or not at all; asked for again it is there once."""
        for at_least in (0, 1):
            made = debited(address)
            assert made in ([DURING], [])[: 2 - at_least], f"{what}: {made}"
            debit(address)

    def race_of_debits(self, strike: Strike) -> None:
        """Two processes debit one ledger at once; the first is killed meanwhile, at a request of one of them."""
        address, names = self._fresh(), ("first", "second")
        meets, environment = DRIVERS.Barrier(2), dict(self.stand.environment)
        drivers = [
            DRIVERS.Process(target=_driver, args=(environment, _meet, meets, (meets, address, name))) for name in names
        ]
        struck = self.stand.proxy.struck.total()
        for driver in drivers:
            driver.start()
        self.stand.proxy.client = drivers[0].pid
        self.stand.proxy.arm(strike)
        for driver in drivers:
            driver.join()
        self.stand.proxy.arm()
        codes = [driver.exitcode for driver in drivers]
        assert self.stand.proxy.struck.total() > struck, f"{strike} struck nothing"
        assert codes[0] in (-9, 0), codes  # 0: it had ended when the request of the other one came
        self.found["two debits at once" + ", one of them killed" * (codes[0] != 0)] += 1
        made = debited(address)
        assert made.count("first") <= 1, f"{strike}: {made}"
        assert made.count("second") == 1 or codes[1] != 0, f"{strike}: {codes} {made}"
        for name in names:
            debit(address, name)
        assert debited(address) == sorted(names), f"{strike}: {debited(address)}"

    def race(self, *strikes: Strike) -> None:
        """Two processes publish at once, under faults; one wins, and the other one publishes after it."""
        address, meets = self._fresh(), DRIVERS.Barrier(2)
        folders = [self.folder / "first", self.folder / "second"]
        for folder in folders:
            safe_tables(folder)
        self._put_before(address)
        self.stand.proxy.arm(*strikes)
        environment = dict(self.stand.environment)
        drivers = [
            DRIVERS.Process(target=_driver, args=(environment, publish, meets, (one, address))) for one in folders
        ]
        for driver in drivers:
            driver.start()
        for driver in drivers:
            driver.join()
        self.stand.proxy.arm()
        codes = [driver.exitcode for driver in drivers]
        self.found["two at once"] += 1
        won = [folder.name for folder, code in zip(folders, codes, strict=True) if code == 0]
        assert set(codes) <= {0, PublishError.exit_code}, codes
        assert len(won) == 1 or (self.stand.few_tries and not won), codes
        assert ReleaseRepository(address).current() == (won or [BEFORE])[0]
        open_release(address).verify()
        lost = [folder for folder in folders if folder.name not in won]
        for folder in lost:
            publish(folder, address)
        root = ReleaseRepository(address)
        assert [event["run_id"] for event in root.history()] == [BEFORE, *won, *(folder.name for folder in lost)]
        assert (root.remnants(), root.under_way()) == ([], set())
        for name in root.published():
            open_release(address, name).verify()


@contextmanager
def stored_line(stand: Stand, folder: Path) -> Iterator[StoredLine]:
    """Publications and debits in a store, which this process uses meanwhile."""
    with pytest.MonkeyPatch.context() as patched, hurried():
        for name, value in stand.environment.items():
            patched.setenv(name, value)
        yield StoredLine(stand, folder)


def spread(line: StoredLine, number: int) -> list[tuple[str, Strike]]:
    """So many of the possible faults, evenly, in order: three of five on the wire, two of five kill a process."""
    every = list(line.possible())
    wire = [one for one in every if one[1].kind not in _KILLS]
    kills = [one for one in every if one[1].kind in _KILLS]
    return [*_spread(wire, number - number * 2 // 5), *_spread(kills, number * 2 // 5)]


def _spread(things: list[Any], number: int) -> list[Any]:
    number = min(number, len(things))
    return [things[at * len(things) // number] for at in range(number)]


def inject(stand: Stand, folder: Path, count: int) -> Counter[str]:
    """Strike publications and debits, at least so often; kinds of faults → how many."""
    started = time.monotonic()
    with stored_line(stand, folder) as line:
        print(f"{len(line.publication)} requests of a publication, {len(line.debit)} of a debit", flush=True)
        races = max(1, count // 25)
        for number, (what, strike) in enumerate(spread(line, count - 2 * races), 1):
            line.strike(what, strike)
            if number % 20 == 0:
                print(f"  {number} survived, {time.monotonic() - started:.0f} s", flush=True)
        wire = [kind for kind in stand.wire if "listing" not in kind]
        for number in range(races):
            line.race(Strike(wire[number % len(wire)], times=2, after=20 * number))
            asked = len(line.debit) * number // races
            line.race_of_debits(Strike(_KILLS[number % 2], after=asked))
        return line.found


def main() -> int:
    """Inject, count, print."""
    parser = argparse.ArgumentParser(description="Inject faults of a store, and check what is left after each.")
    parser.add_argument("place", choices=PLACES, help="where")
    parser.add_argument("count", type=int, nargs="?", default=200, help="least number of faults; 0: none but kills")
    parser.add_argument("--kills", type=int, default=0, help="how often whole runs are killed besides")
    options = parser.parse_args()
    started, found = time.monotonic(), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        server, work = Path(name) / "server", Path(name) / "work"
        server.mkdir()
        with PLACES[options.place](server) as stand:
            if options.count:
                found += inject(stand, work, options.count)
            if options.kills:
                found += inject_kills(stand, Path(name) / "kills", options.kills)
    print(f"{found.total()} faults in {time.monotonic() - started:.0f} s, all survived: {json.dumps(found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
