"""Logs that are only added to: lines of a file of this machine, or numbered files of a folder, also one in a store.

Who adds an entry has seen all that are before it. A file of lines is locked meanwhile. In a folder nothing is locked:
entry N + 1 is made where it is not there yet, and of several who try one wins; the others look at what it says, and
decide anew. An entry carries a random nonce, so that one whose answer got lost is known again, and the SHA-256 of the
entry before it, so that no entry can be changed, or taken out between others, without being noticed.
"""

import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

from synth_spark.errors import RunError
from synth_spark.plan.addresses import scheme_of
from synth_spark.runtime.locks import lock
from synth_spark.runtime.writable import check_writable
from synth_spark.storage.places import Place, place

Entry = dict[str, Any]
#: Entries so far → the one to add; None: none is to be added.
Decision = Callable[[list[Entry]], Entry | None]

_REMEDY = "restore it from a backup: without it nobody knows what it said"
#: An object by which it is found out whether the store keeps what is there.
_PROBE = "probe"
#: So many entries are looked for at once.
_WINDOW = 16
#: So often an entry is tried that is not refused because another one came first, with pauses that double.
_TRIES, _PAUSE = 6, 0.2


def opened(address: str) -> "LineFile | CommitLog":
    """The log at an address: a file of this machine, or a folder of a store, which in HDFS is for its owner alone.

    Raises:
        PlanError: the address names no bucket or container, or no name node.
        EngineError: the library for that store is not installed.
    """
    return LineFile(Path(address)) if scheme_of(address) is None else CommitLog(place(address, private=True))


class LineFile:
    """A log in a file of this machine: JSON lines, each written whole and flushed to the disk under a lock.

    Attributes:
        address: its path.
    """

    def __init__(self, file: Path) -> None:
        self.address, self._file = str(file), file

    def entries(self) -> list[Entry]:
        """All entries, oldest first; none if the log is not there.

        Raises:
            RunError: it cannot be read, or is damaged.
        """
        try:
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError):
            raise RunError(self.address, "cannot be read", "check its permissions") from None
        return [_parsed(line, self.address) for line in text.splitlines() if line.strip()]

    def append(self, decide: Decision) -> None:
        """Add an entry.

        Args:
            decide: is given all entries, and asked once more if others were added meanwhile.

        Raises:
            RunError: the log cannot be read or written, or is damaged.
        """
        with self._locked() as stream:
            entry = decide(self.entries())
            if entry is not None:
                stream.write(json.dumps(entry) + "\n")
                stream.flush()
                os.fsync(stream.fileno())

    def check(self) -> None:
        """Find out, before any work, whether entries can be added; nothing is written.

        Raises:
            RunError: they cannot.
        """
        check_writable(self._file, self.address, RunError)
        try:
            folder = next(one for one in self._file.absolute().parents if one.exists())
            with tempfile.TemporaryFile(dir=folder) as probe:
                lock(probe)
        except OSError as error:
            raise self._unlocked(error) from None

    def _unlocked(self, error: OSError) -> RunError:
        problem = f"is where no file can be locked ({error.strerror})"
        return RunError(self.address, problem, "choose another file, or a store")

    @contextmanager
    def _locked(self) -> Iterator[Any]:
        """The file, to be appended to by nobody else."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            stream = self._file.open("a", encoding="utf-8")
        except OSError as error:
            raise RunError(self.address, f"cannot be written ({error.strerror})", "choose another file") from None
        with stream:
            try:
                lock(stream)
            except OSError as error:
                raise self._unlocked(error) from None
            yield stream


class CommitLog:
    """A log of numbered objects: ``00000001.json``, ``00000002.json``, …, none of which is ever changed.

    Attributes:
        address: where they are.
    """

    def __init__(self, folder: Place) -> None:
        self.address, self._folder = folder.address, folder
        self._read: list[bytes] = []
        self._looked = False  # whether all entries of some moment were read: those that follow come one by one

    def entries(self) -> list[Entry]:
        """See `LineFile`; entries that were read before are not read again, as none changes."""
        with ThreadPoolExecutor(_WINDOW) as pool:
            while True:
                start, many = len(self._read) + 1, _WINDOW if not self._looked else 1
                found = list(pool.map(self._folder.read, map(_name, range(start, start + many))))
                known = next((at for at, content in enumerate(found) if content is None), many)
                self._take(found[:known])
                if known == many:
                    continue
                self._looked = True
                if any(content is not None for content in found[known:]):
                    if self._folder.read(_name(len(self._read) + 1)) is None:
                        raise RunError(self.address, f"lacks its entry {len(self._read) + 1}", _REMEDY)
                    continue  # others were adding entries meanwhile
                return [self._entry(content) for content in self._read]

    def append(self, decide: Decision) -> None:
        """See `LineFile`."""
        nonce, failed = secrets.token_hex(16), 0
        while True:
            entries = self.entries()
            if any(_parsed(content, self.address).get("nonce") == nonce for content in self._read):
                return  # it was added, though we did not get to know of it
            entry = decide(entries)
            if entry is None:
                return
            content = json.dumps({"nonce": nonce, "after": self._last(), "entry": entry}).encode()
            try:
                if self._folder.create(_name(len(self._read) + 1), content):
                    return
            except RunError:
                failed += 1
                if failed == _TRIES:
                    raise
                sleep(_PAUSE * 2**failed)

    def first(self) -> str | None:
        """The SHA-256 of the first entry, which tells this log from every other, wherever it is; None of an empty log.

        Raises:
            RunError: it cannot be read, or is damaged.
        """
        self.entries()
        return hashlib.sha256(self._read[0]).hexdigest() if self._read else None

    def check(self) -> None:
        """See `LineFile`; an object ``probe`` stays beside the entries."""
        self._folder.create(_PROBE, b"1")
        if self._folder.create(_PROBE, b"2") or self._folder.read(_PROBE) != b"1":
            problem = "is in a store that lets an object take the place of another, though it was asked not to"
            raise RunError(self.address, problem, "choose a store with conditional writes, or a folder of this machine")

    def _last(self) -> str | None:
        """The SHA-256 of the last entry."""
        return hashlib.sha256(self._read[-1]).hexdigest() if self._read else None

    def _take(self, contents: list[bytes | None]) -> None:
        for content in contents:
            assert content is not None
            if _parsed(content, self.address).get("after") != self._last():
                problem = f"has an entry {len(self._read) + 1} that was not written after the one before it"
                raise RunError(self.address, problem, _REMEDY)
            self._read.append(content)

    def _entry(self, content: bytes) -> Entry:
        entry = _parsed(content, self.address).get("entry")
        if not isinstance(entry, dict):
            raise RunError(self.address, "holds a damaged entry", _REMEDY)
        return entry


def _name(number: int) -> str:
    return f"{number:08}.json"


def _parsed(text: str | bytes, address: str) -> Entry:
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict):
        raise RunError(address, "holds a damaged entry", _REMEDY)
    return entry
