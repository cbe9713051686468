"""A zip file of which equal content makes equal bytes: put in place in one step, once all of it is on the disk."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from synth_spark.errors import PublishError
from synth_spark.storage.files import sync_folder

#: Permissions of every entry, of a regular file of Unix.
_MODE, _UNIX = 0o100644, 3
#: How much deflating is worth; the zip format knows no time before this year.
_LEVEL, _FIRST_YEAR = 6, 1980


@dataclass(frozen=True)
class Entry:
    """A file in the archive: its path below the top folder, its size in bytes and its SHA-256 in hexadecimal."""

    path: str
    size: int
    sha256: str


class Sink:
    """A file that is being written into the archive: counted and hashed as it goes by, and never held.

    Attributes:
        closed: whether it takes no more.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._hash, self._size = stream, hashlib.sha256(), 0
        self.closed = False

    def write(self, content: bytes | memoryview) -> int:
        """Add bytes; returns how many there were."""
        self._stream.write(content)
        self._hash.update(content)
        self._size += len(content)
        return len(content)

    def tell(self) -> int:
        """Bytes written so far."""
        return self._size

    def flush(self) -> None:
        """Do nothing: the archive is brought to the disk as a whole."""

    def close(self) -> None:
        """Take no more."""
        self.closed = True

    def entry(self, path: str) -> Entry:
        """What was written."""
        return Entry(path, self._size, self._hash.hexdigest())


class Archive:
    """A zip file that is being written.

    Attributes:
        entries: what is in it, in the order in which it was written.
    """

    def __init__(self, zipped: ZipFile, folder: str, when: datetime) -> None:
        self._zipped, self._folder = zipped, folder
        at = when.astimezone(UTC)
        self._time = max(at.timetuple()[:6], (_FIRST_YEAR, 1, 1, 0, 0, 0))
        self.entries: list[Entry] = []

    @contextmanager
    def open(self, path: str, compressed: bool = True) -> Iterator[Sink]:
        """Write one file; it is an entry once the body ends.

        Args:
            path: its path below the top folder, with ``/``.
            compressed: whether it is deflated; False for what is compressed already.
        """
        info = ZipInfo(f"{self._folder}/{path}", self._time)
        info.create_system, info.external_attr = _UNIX, _MODE << 16
        info.compress_type = ZIP_DEFLATED if compressed else ZIP_STORED
        info._compresslevel = _LEVEL  # type: ignore[attr-defined]  # public from Python 3.13
        with self._zipped.open(info, "w", force_zip64=True) as stream:
            sink = Sink(stream)
            yield sink
        self.entries.append(sink.entry(path))

    def write(self, path: str, text: str) -> None:
        """Write a small text in UTF-8."""
        with self.open(path) as sink:
            sink.write(text.encode())

    def sums(self) -> str:
        """All entries so far as ``sha256sum -c`` reads them, from inside the top folder."""
        return "".join(f"{entry.sha256}  {entry.path}\n" for entry in self.entries)


@contextmanager
def archive(file: Path, folder: str, when: datetime) -> Iterator[Archive]:
    """Write a zip file: beside its place first, then renamed; nothing is left of one that fails.

    Args:
        file: where it goes; one that is there is replaced.
        folder: name of the one folder that holds everything.
        when: the time that all entries carry, in UTC.

    Raises:
        PublishError: it cannot be written, or the disk is full.
    """
    partial = file.with_name(f"{file.name}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            with ZipFile(stream, "w") as zipped:
                yield Archive(zipped, folder, when)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
        sync_folder(file.parent)
    except OSError as error:
        problem = f"could not be written ({error.strerror or type(error).__name__})"
        raise PublishError("--output", problem, "free space or mend permissions, or choose another file") from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
