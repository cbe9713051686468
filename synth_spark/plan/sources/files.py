"""Files and folders of an input, on this machine or in a store, by what reading asks of them.

A path that is neither, and one of a store that does not let this process in, is left to Spark alone.
"""

import io
import os
from pathlib import Path
from typing import IO, NamedTuple, cast

from synth_spark.errors import InputError
from synth_spark.plan.addresses import scheme_of
from synth_spark.plan.sources import stores

#: Bytes that are handed on at a time of a file in a store.
_BUFFER = 1 << 16


class Entry(NamedTuple):
    """A file, or a folder, in a folder.

    Attributes:
        name: without folders.
        path: absolute.
        is_folder: whether it is a folder.
        size: of a file, in bytes.
        tag: what a store has for the content of a file; empty on this machine.
    """

    name: str
    path: str
    is_folder: bool
    size: int = 0
    tag: str = ""


def is_reached(path: str) -> bool:
    """Whether this process can look at a path: one of this machine, or of a store that lets it in."""
    return scheme_of(path) is None or (stores.is_stored(path) and stores.is_reached(path))


def is_seen(path: str) -> bool:
    """Whether this process can look at a path, and something is there."""
    if stores.is_stored(path):
        return stores.is_reached(path) and (is_file(path) or is_folder(path))
    return scheme_of(path) is None and Path(path).exists()


def is_file(path: str) -> bool:
    """Whether there is a file at a path; one in a store that cannot be looked at is none."""
    if not stores.is_stored(path):
        return Path(path).is_file()
    try:
        stores.StoredFile(path)
    except OSError:
        return False
    return True


def is_folder(path: str) -> bool:
    """Whether there is a folder at a path.

    Raises:
        InputError: the store cannot be looked into.
    """
    return bool(inside(path)) if stores.is_stored(path) else Path(path).is_dir()


def size(path: str) -> int:
    """Bytes of a file.

    Raises:
        OSError: of this machine: it is not there, or cannot be looked at.
        InputError: the same of a store.
    """
    return entry(path).size


def entry(path: str) -> Entry:
    """A file by its path.

    Raises:
        OSError: of this machine: it is not there, or cannot be looked at.
        InputError: the same of a store.
    """
    if stores.is_stored(path):
        found = _looked_at(path)
        return Entry(Path(path).name, path, False, found.size, found.tag)
    return Entry(Path(path).name, path, False, Path(path).stat().st_size)


def opened(path: str) -> IO[bytes]:
    """A file as a stream of bytes.

    Raises:
        OSError: of this machine: it is not there, or cannot be looked at.
        InputError: the same of a store.
    """
    if stores.is_stored(path):
        return cast(IO[bytes], io.BufferedReader(_looked_at(path), _BUFFER))
    return Path(path).open("rb")


def inside(folder: str, deep: bool = False) -> list[Entry]:
    """What is in a folder, by path; a link on this machine is what it leads to.

    Args:
        folder: the folder; in one of a store that is not there nothing is.
        deep: whether all files below are told, and no folders.

    Raises:
        OSError: of this machine: it cannot be looked at.
        InputError: the same of a store.
    """
    return _stored(folder, deep) if stores.is_stored(folder) else _local(folder, deep)


def _looked_at(path: str) -> stores.StoredFile:
    try:
        return stores.StoredFile(path)
    except OSError:
        raise _unseen(f"file '{Path(path).name}'") from None


def _unseen(field: str) -> InputError:
    who = "AWS_…, AZURE_…, GOOGLE_…, HADOOP_… variables"
    remedy = f"check its address, the network, and who you are to the store ({who})"
    return InputError(field, "cannot be looked at in its store", remedy)


def _stored(folder: str, deep: bool) -> list[Entry]:
    try:
        found = stores.listed(folder, deep)
    except Exception:  # of a client; a server's text may quote anything
        raise _unseen(f"folder '{Path(folder).name}'") from None
    start = f"{folder.partition('://')[0]}://{stores.Address.of(folder).bucket}/"
    return [Entry(one.key.rpartition("/")[2], start + one.key, one.is_folder, one.size, one.tag) for one in found]


def _local(folder: str, deep: bool) -> list[Entry]:
    if deep:
        files = (path for path in Path(folder).rglob("*") if path.is_file())
        return [Entry(path.name, str(path), False, path.stat().st_size) for path in sorted(files)]
    with os.scandir(folder) as found:
        entries = [(one, one.is_dir()) for one in found]
    told = [Entry(one.name, one.path, is_dir, 0 if is_dir else one.stat().st_size) for one, is_dir in entries]
    return sorted(told, key=lambda one: Path(one.path))
