"""Folders with small files that decide what counts: on this machine, or in a store, by the same few steps.

Each step is done whole or not at all, whenever a process ends. Nobody waits for a lock: of several who create a file of
one name at once, one is told that it did. `local_places`, `object_stores` and `hdfs_places` are the three kinds.
"""

import io
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Protocol, TypeVar, cast

from synth_spark.plan.addresses import HDFS, as_seen, scheme_of
from synth_spark.plan.sources.stores import StoredFile
from synth_spark.storage.hdfs_places import HdfsPlace
from synth_spark.storage.held import Held
from synth_spark.storage.local_places import LocalPlace
from synth_spark.storage.object_stores import StoredPlace

__all__ = ["Held", "Place", "at_once", "place", "source_of"]

T = TypeVar("T")
#: So many files are read or written at a time.
_AT_ONCE = 8
#: Bytes that are handed on at a time of a file in a store.
_BUFFER = 1 << 16


class Place(Protocol):
    """A folder. It need not exist: it does once a file is in it.

    Names are of files below it, with ``/`` between their parts; one that could lead elsewhere is refused. No name is
    that of a file and of a folder at once. Every step raises `RunError` if the folder cannot be reached, or refuses.

    Attributes:
        address: as the user wrote it.
        spark_address: what Spark is given for it.
    """

    address: str
    spark_address: str

    def below(self, name: str) -> "Place":
        """The folder of that name."""
        ...

    def read(self, name: str) -> bytes | None:
        """What a file holds; None if there is no such file."""
        ...

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name; a folder is none."""
        ...

    def create(self, name: str, content: bytes) -> bool:
        """Make a file that is not there yet.

        Returns:
            False if it is there; then it stays as it is. A store whose answer got lost may be asked again by its
            client, and then says so of what this call made: who must know reads the file.

        Raises:
            RunError: the folder cannot be written; in a store the file may have been made all the same.
        """
        ...

    def write(self, name: str, content: bytes) -> None:
        """Put content there, whatever is there: of several writers the last one wins, and readers see one of them."""
        ...

    def prepared(self, contents: Mapping[str, bytes]) -> AbstractContextManager[Callable[[], None]]:
        """Files whose content takes its space before the body begins, and that the body then puts in place.

        Args:
            contents: name → what each is to hold.

        Returns:
            A context manager, which gives what puts them in place, one after the other. What the body does not put
            there is nowhere afterwards. An object store holds nothing ready: there, all is written when it is put in
            place.
        """
        ...

    def abandoned(self, alone: bool = False) -> list[str]:
        """Unfinished files, by their names: on this machine also those that are written this moment.

        In HDFS, where others may be writing, those that were begun more than an hour ago; object stores keep none.

        Args:
            alone: whether nobody else has the right to write there: then in HDFS those of the last hour are told, too.
        """
        ...

    def remove_abandoned(self, names: Iterable[str]) -> None:
        """Remove some of the `abandoned` files."""
        ...

    def upload(self, file: Path, name: str) -> None:
        """Put a large file of this machine there, whatever is there, piece by piece; readers see all of it or nothing.

        Raises:
            RunError: it cannot be read, or the folder not written.
        """
        ...

    def download(self, name: str, file: Path) -> bool:
        """Copy a large file from there to this machine, piece by piece; False if it is not there."""
        ...

    def digest(self, name: str) -> tuple[str, int] | None:
        """SHA-256 (hexadecimal) and number of the bytes of a file, read piece by piece; None if it is not there."""
        ...

    def entries(self, prefix: str = "", deep: bool = False) -> list[Held]:
        """What is in the folder, by name; a file that is being written is not.

        Args:
            prefix: a folder below this one, to look in; names have it in front. Nothing is in one that is not there.
                Some stores tell of folders whose last file was removed.
            deep: whether all files below are told, and no folders; else files and folders that are directly in it.
        """
        ...

    def delete(self, names: Iterable[str]) -> None:
        """Remove files; those that are not there are no matter."""
        ...

    def delete_folder(self, name: str = "") -> None:
        """Remove all that is in a folder below this one, or in this one, and it; one that is not there is no matter."""
        ...

    def copy_from(self, other: "Place", name: str, to: str) -> bool:
        """Copy a file of another folder, if where both are copies by itself: no byte comes by this process.

        Args:
            other: the folder that it is in.
            name: its name there.
            to: its name here, which is that of another file; what is there is replaced.

        Returns:
            False if the two are not in the same store, or on this machine; then nothing was done.

        Raises:
            RunError: it is not there, or cannot be copied: stores refuse files of more than some gigabytes.
        """
        ...


def at_once(work: Callable[[str], T], names: Iterable[str]) -> list[T]:
    """Do something with each of some files, several at a time: a store takes its time for every one of them.

    Args:
        work: what is done, of a name.
        names: their names.

    Returns:
        What it gives, in the order of the names.

    Raises:
        Exception: what the first of them raises; all others are done by then, or have failed, too.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(work, names))


def place(address: str, private: bool = False) -> Place:
    """The folder at an address; it is not looked at yet.

    Args:
        address: a path of this machine, or an address of a store.
        private: whether folders that are made in HDFS are for their owner alone; elsewhere nothing follows from it.

    Raises:
        PlanError: the address names no bucket or container, or no name node.
        EngineError: the library for that store is not installed.
    """
    seen = as_seen(address)
    scheme = scheme_of(seen)
    if scheme == HDFS:
        return HdfsPlace(address, private)
    return LocalPlace(Path(seen), address) if scheme is None else StoredPlace(address)


def source_of(folder: Place, name: str) -> Path | IO[bytes]:
    """What Arrow reads a file from, of which it wants parts: a path of this machine, or pieces of an object.

    Args:
        folder: the folder.
        name: of the file.

    Raises:
        OSError: in a store: it is not there, or cannot be reached.
    """
    if isinstance(folder, LocalPlace):
        return folder.folder / name
    return cast(IO[bytes], io.BufferedReader(StoredFile(f"{folder.address}/{name}"), _BUFFER))
