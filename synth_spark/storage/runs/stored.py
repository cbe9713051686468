"""The folder of a run in an object store or in HDFS, see `synth_spark.storage.runs.folders.RunFolder`.

Nothing is locked there, renamed, or hashed by this process.

Who works on a run takes a turn: an entry of the log ``turns``, of which each is made once (`storage.append_log`). The
owner of turn N alone writes ``manifest-N.json``, which begins as a copy of the manifest before it. Readers take that of
the highest turn that has one. Once it is saved the owner looks whether there is a turn N + 1 by now, and if so ends
with an error: whoever took the last turn goes on. If there is none yet, whoever takes it will copy what was saved, as
the copy is made after the turn was taken. What is saved later stands in a manifest that nobody reads.

Who takes the first turn makes the run, and saves its first manifest at once. If it was killed in between, there is a
turn and nothing else: ten minutes later whoever makes a run of that name takes the turn after it.

A table is written to a folder of its own, ``tables/<name>/<attempt>/``, which the manifest names, with its files as the
store lists them: size and tag. What no manifest names is left over, and is removed by whoever resumes the run.
"""

import hashlib
import io
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from synth_spark.errors import RunError
from synth_spark.runtime import faults
from synth_spark.storage.append_log import CommitLog, Entry
from synth_spark.storage.manifests import checked_run_manifest
from synth_spark.storage.places import Place
from synth_spark.storage.runs.local import taken

TURNS, _TABLES = "turns", "tables"
_ROWS = "part-00000.parquet"
#: So long whoever took a turn of a run of which no manifest was saved may be about to save one: clocks differ.
GRACE = timedelta(minutes=10)


class StoredRun:
    """A folder of a store, which says who may read it; in HDFS it is made for its owner alone.

    Attributes:
        address: as the user wrote it.
        place: the folder, for small files.
        work: the folder that it is in.
        turn: which of those who have worked on the run this process is, from 1; 0 while it only reads.
        hashed: no.
    """

    hashed = False

    def __init__(self, place: Place) -> None:
        """Name a folder; it is not looked at yet."""
        self.place, self.address, self.turn = place, place.address, 0
        self.work = place.address.rpartition("/")[0]
        self._turns = CommitLog(place.below(TURNS))

    def make(self) -> bool:
        """See `RunFolder.make`; a run whose maker was killed before it saved a manifest is made by the next one."""
        if self._take(0):
            return True
        turns = self._turns.entries()
        if not _is_deserted(self.place, turns) or not self._take(len(turns)):
            return False
        if _newest(self.place, len(turns)) is None:
            return True
        self.turn = 0  # whoever took the turn before was slow, not dead
        return False

    def is_there(self) -> bool:
        """See `RunFolder.is_there`."""
        return is_there(self.place)

    def manifest(self, for_removal: bool = False) -> dict[str, Any]:
        """See `RunFolder.manifest`; a store knows no links.

        Raises:
            RunError: as there; or whoever began to make the run has saved none.
        """
        del for_removal
        turns = self._turns.entries()
        content = _newest(self.place, len(turns))
        if turns and content is None:
            remedy = "begin it anew with the same run_id, at the earliest ten minutes after that process was killed"
            raise RunError(f"run {self.address}", "has no manifest yet: no process has saved one", remedy)
        return checked_run_manifest(self.address, content)

    def save(self, text: str, run_id: str) -> None:
        """See `RunFolder.save`."""
        self.place.write(_manifest(self.turn), text.encode())
        self._check_turn(run_id)  # not before: what is saved when this passes is what the next turn begins with

    @contextmanager
    def alone(self, run_id: str, check: Callable[[dict[str, Any]], None]) -> Iterator[None]:
        """See `RunFolder.alone`; who has taken a turn keeps it until another process takes the next."""
        if self.turn:
            self._check_turn(run_id)
        else:
            seen = len(self._turns.entries())
            check(self.manifest())
            if not self._take(seen):
                raise taken(run_id)
            self._begin(check)
        yield

    def write(self, name: str, text: str) -> None:
        """See `RunFolder.write`; who was overtaken leaves the documents of the next one alone."""
        self._check_turn(self.address.rpartition("/")[2])
        self.place.write(name, text.encode())

    def read(self, name: str) -> str | None:
        """See `RunFolder.read`."""
        content = self.place.read(name)
        return None if content is None else content.decode()

    def new(self, table: str) -> str:
        """See `RunFolder.new`."""
        return f"{table}/{secrets.token_hex(8)}"

    def table(self, where: str) -> Place:
        """See `RunFolder.table`."""
        return self.place.below(f"{_TABLES}/{where}")

    def tidy(self, where: str) -> None:
        """See `RunFolder.tidy`; only files of Parquet count."""

    def write_rows(self, where: str, rows: pa.Table) -> dict[str, str]:
        """See `RunFolder.write_rows`."""
        stream = io.BytesIO()
        pq.write_table(rows, stream, compression="zstd", store_schema=False)
        self.place.write(f"{_TABLES}/{where}/{_ROWS}", stream.getvalue())
        return {_ROWS: hashlib.sha256(stream.getvalue()).hexdigest()}

    def settle(self, table: str, where: str) -> str:
        """See `RunFolder.settle`: it stays where it was written."""
        del table
        return where

    def files(self, where: str) -> dict[str, str]:
        """See `RunFolder.files`; they are listed, and not read."""
        found = self.place.entries(f"{_TABLES}/{where}")
        files = [one for one in found if not one.is_folder and one.name.endswith(".parquet")]
        return {one.name.rpartition("/")[2]: f"{one.size}:{one.tag}" for one in files}

    def drop(self, where: str) -> None:
        """See `RunFolder.drop`."""
        self.place.delete_folder(f"{_TABLES}/{where}")

    def clean(self, kept: Collection[str]) -> None:
        """See `RunFolder.clean`; only who owns the last turn does that, for whom nobody else may write there."""
        staying = tuple(f"{_TABLES}/{where}/" for where in kept)
        found = self.place.entries(_TABLES, deep=True)
        self.place.delete([one.name for one in found if not one.name.startswith(staying)])
        self.place.remove_abandoned(self.place.abandoned(alone=True))

    def purge(self, files: Collection[str], kept: Mapping[str, str]) -> None:
        """See `RunFolder.purge`; manifests of earlier turns go, as they hold the seed, and so do unfinished files."""
        names = {*files, _manifest(self.turn)}
        folders = (f"{TURNS}/", *(f"{_TABLES}/{where}/" for where in kept.values()))
        found = [one.name for one in self.place.entries(deep=True)]
        self.place.delete([name for name in found if name not in names and not name.startswith(folders)])
        self.place.remove_abandoned(self.place.abandoned(alone=True))

    def _take(self, seen: int) -> bool:
        """Take the turn after those that were seen; False if another process has taken it."""
        lost = False

        def decide(entries: list[Entry]) -> Entry | None:
            nonlocal lost
            lost = len(entries) != seen
            return None if lost else {"began": faults.now().isoformat(timespec="seconds")}

        self._turns.append(decide)
        self.turn = 0 if lost else seen + 1
        return not lost

    def _begin(self, check: Callable[[dict[str, Any]], None]) -> None:
        """Copy the manifest of the turn before, which may have been written to while this one was taken."""
        try:
            content = _newest(self.place, self.turn - 1)
            check(checked_run_manifest(self.address, content))
            self.place.write(_manifest(self.turn), content or b"")
        except BaseException:
            self.turn = 0
            raise

    def _check_turn(self, run_id: str) -> None:
        """Raise `RunError` unless this process took the last turn."""
        if len(self._turns.entries()) != self.turn:
            raise taken(run_id)


def is_there(run: Place) -> bool:
    """Whether there is a run in a folder of a store: its manifest was saved, or somebody may be about to save one."""
    return run.exists(f"{TURNS}/00000001.json") and not _is_deserted(run, CommitLog(run.below(TURNS)).entries())


def _is_deserted(run: Place, turns: list[Entry]) -> bool:
    """Whether those who took these turns were killed before any of them saved a manifest."""
    try:
        passed = faults.now() - datetime.fromisoformat(turns[-1]["began"])
    except (LookupError, TypeError, ValueError):  # somebody else wrote it
        return False
    return passed > GRACE and _newest(run, len(turns)) is None


def _newest(run: Place, turn: int) -> bytes | None:
    """The manifest of the highest turn that has one; who took a turn may have been killed before it wrote one."""
    for number in range(turn, 0, -1):
        content = run.read(_manifest(number))
        if content is not None:
            return content
    return None


def _manifest(turn: int) -> str:
    return f"manifest-{turn:08}.json"
