"""Folders of HDFS with small files that decide what counts, see `synth_spark.storage.places`.

A file is written under a hidden name beside its place, closed, and, once it can be read whole, takes its name in one
step of the name node: a rename, which the name node refuses where the name is taken, unless it is asked to put the file
in the place of another. To create a file under its own name would not do: it is there, empty, before its content is,
and stays so if its writer dies.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from synth_spark.plan.addresses import HDFS, absolute
from synth_spark.plan.sources.stores import Address, hdfs
from synth_spark.plan.sources.stores.refusals import was_cut
from synth_spark.storage.held import Held, below, is_unfinished
from synth_spark.storage.in_stores import InStore

if TYPE_CHECKING:
    from hdfs_native import Client, FileWriter

    from synth_spark.storage.places import Place

T = TypeVar("T")
#: Permissions of files and folders that are made: for everybody to read, or for those whom the folder lets in.
_OPEN, _PRIVATE = (0o644, 0o755), (0o640, 0o700)
#: Seconds after which a hidden file is that of a process that was killed.
_GRACE = 3_600.0
#: Bytes of a large file that are held at a time.
_PIECE = 1 << 22
#: So often a closed file is looked at that cannot be read whole yet, with pauses that double: ten seconds in all.
_LOOKS, _PAUSE = 11, 0.01
#: Seconds after which the client knows that a connection was cut, and opens another one.
_SETTLED = 0.1
#: So often the folder of a new file is made anew, if others take it away.
_TRIES = 8


class HdfsPlace(InStore):
    """A folder of HDFS, see `synth_spark.storage.places.Place`.

    Attributes:
        address: as the user wrote it.
        spark_address: the same, in one spelling.
    """

    _remedy = hdfs.REMEDY

    def __init__(self, address: str, private: bool = False) -> None:
        """Name a folder; it is not looked at yet.

        Args:
            address: such as ``hdfs://host:8020/folder``.
            private: whether folders that are made are for their owner alone, and files for a group besides.

        Raises:
            PlanError: the address names no name node.
            EngineError: the library for HDFS is not installed.
        """
        self.address = absolute(address)
        _, self._host, path = Address.of(self.address)
        self._folder = f"/{path}".rstrip("/")
        self.spark_address = f"{HDFS}://{self._host}{self._folder}"
        self._is_private = private
        self._mode, self._folder_mode = _PRIVATE if private else _OPEN
        hdfs.client_of(self._host)

    def below(self, name: str) -> "HdfsPlace":
        """See `Place.below`."""
        return HdfsPlace(f"{self.address}/{below(name, self.address)}", self._is_private)

    def read(self, name: str) -> bytes | None:
        """See `Place.read`."""
        path = self._path(name)
        with self._errors("read"):
            try:
                return bytes(self._client.read(path).read())
            except FileNotFoundError:
                return None

    def exists(self, name: str) -> bool:
        """See `Place.exists`."""
        path = self._path(name)
        with self._errors("read"):
            return self._is_file(path)

    def create(self, name: str, content: bytes) -> bool:
        """See `Place.create`."""
        path = self._path(name)
        with self._errors("written"):
            if self._is_file(path):
                return False
            with self._unfinished(path, lambda: [content]) as put:
                try:
                    _again_if_cut(lambda: put(False))
                except FileExistsError:
                    return False
                except FileNotFoundError:  # it was asked for again, as an answer was lost; or somebody removed the file
                    if not self._is_file(path):
                        raise
                    return False
            return True

    def write(self, name: str, content: bytes) -> None:
        """See `Place.write`."""
        self._replace(self._path(name), lambda: [content])

    @contextmanager
    def prepared(self, contents: Mapping[str, bytes]) -> Iterator[Callable[[], None]]:
        """See `Place.prepared`."""
        with ExitStack() as stack:
            with self._errors("written"):
                puts = {
                    name: stack.enter_context(self._unfinished(self._path(name), partial(list, [content])))
                    for name, content in contents.items()
                }

            def put() -> None:
                for name, one in puts.items():
                    try:
                        one(True)
                    except Exception as error:
                        with self._errors("written"):
                            if not was_cut(error):
                                raise
                        self.write(name, contents[name])

            yield put

    def abandoned(self, alone: bool = False) -> list[str]:
        """See `Place.abandoned`; those of the last hour may be of processes on other machines."""
        with self._errors("read"):
            found = hdfs.listing(self._client, self._folder or "/", True)
        began = (time.time() - _GRACE) * 1000
        return sorted(
            self._name(one.path)
            for one in found
            if is_unfinished(one.path) and (alone or one.modification_time < began)
        )

    def remove_abandoned(self, names: Iterable[str]) -> None:
        """See `Place.remove_abandoned`."""
        with self._errors("removed from"):
            for name in filter(is_unfinished, names):
                folder, _, last = name.rpartition("/")
                self._delete(f"{self._path(folder) if folder else self._folder}/{last}")

    def upload(self, file: Path, name: str) -> None:
        """See `Place.upload`."""

        def pieces() -> Iterator[bytes]:
            stream.seek(0)
            return iter(lambda: stream.read(_PIECE), b"")

        with self._errors("written"), file.open("rb") as stream:
            self._replace(self._path(name), pieces)

    def entries(self, prefix: str = "", deep: bool = False) -> list[Held]:
        """See `Place.entries`."""
        folder = self._path(prefix) if prefix else self._folder or "/"
        with self._errors("read"):
            found = hdfs.listing(self._client, folder, deep)
        held = [
            Held(self._name(one.path), is_folder=True)
            if one.isdir
            else Held(self._name(one.path), one.length, hdfs.tag_of(one))
            for one in found
            if one.isdir or not is_unfinished(one.path)
        ]
        return sorted(held, key=lambda one: one.name)

    def delete(self, names: Iterable[str]) -> None:
        """See `Place.delete`; folders stay."""
        for path in map(self._path, names):
            with self._errors("removed from"):
                self._delete(path)

    def delete_folder(self, name: str = "") -> None:
        """See `Place.delete_folder`."""
        path = self._path(name) if name else self._folder or "/"
        with self._errors("removed from"), suppress(FileNotFoundError):
            if self._client.get_file_info(path).isdir:
                self._delete(path, recursive=True)

    def copy_from(self, other: "Place", name: str, to: str) -> bool:
        """See `Place.copy_from`: HDFS copies nothing by itself."""
        del other
        below(name, self.address), below(to, self.address)
        return False

    @property
    def _client(self) -> "Client":
        return hdfs.client_of(self._host)

    def _path(self, name: str) -> str:
        return f"{self._folder}/{below(name, self.address)}"

    def _name(self, path: str) -> str:
        return path.removeprefix(f"{self._folder}/")

    def _is_file(self, path: str) -> bool:
        try:
            return not self._client.get_file_info(path).isdir
        except FileNotFoundError:
            return False

    def _pieces(self, name: str) -> Iterator[bytes] | None:
        """See `InStore`."""
        path = self._path(name)

        def pieces() -> Iterator[bytes]:
            with self._errors("read"):
                for piece in reader.read_range_stream(0, reader.size):
                    yield bytes(piece)

        with self._errors("read"):
            try:
                reader = self._client.read(path)
            except FileNotFoundError:
                return None
        return pieces()

    def _delete(self, path: str, recursive: bool = False) -> None:
        _again_if_cut(lambda: self._client.delete(path, recursive=recursive))

    def _replace(self, path: str, pieces: Callable[[], Iterable[bytes]]) -> None:
        """Put a file in place, whatever is there; all of it once more if it is not known whether it took its name."""

        def put_whole() -> None:
            with self._unfinished(path, pieces) as put:
                put(True)

        with self._errors("written"):
            _again_if_cut(put_whole)

    @contextmanager
    def _unfinished(self, path: str, pieces: Callable[[], Iterable[bytes]]) -> Iterator[Callable[[bool], None]]:
        """A hidden file beside a path, closed; what is given puts it in place. It is gone after the body."""
        folder, _, last = path.rpartition("/")
        unfinished, placed = f"{folder}/.{last}.{secrets.token_hex(8)}.unfinished", False

        def put(overwrite: bool) -> None:
            nonlocal placed
            self._client.rename(unfinished, path, overwrite=overwrite)
            placed = True

        try:
            written = _again_if_cut(lambda: self._write_hidden(unfinished, folder, pieces()))
            self._await(unfinished, written)
            yield put
        finally:
            if not placed:
                with suppress(Exception):
                    self._client.delete(unfinished)

    def _write_hidden(self, unfinished: str, folder: str, pieces: Iterable[bytes]) -> int:
        """Write a new file, anew if it is there, and close it; returns its size."""
        with self._begun(unfinished, folder) as stream:
            written = sum(stream.write(piece) for piece in pieces if piece)
            if written:
                with suppress(NotImplementedError):  # where blocks are erasure-coded
                    stream.hsync()
        return written

    def _await(self, unfinished: str, size: int) -> None:
        """Wait until a closed file can be read whole: some name nodes close one before data nodes told them of its end.

        Raises:
            TimeoutError: it cannot.
        """
        for look in range(_LOOKS):
            if self._client.read(unfinished).size == size:
                return
            time.sleep(_PAUSE * 2**look)
        raise TimeoutError

    def _begun(self, unfinished: str, folder: str) -> "FileWriter":
        """A new file; its folder is made as often as it is not there."""
        from hdfs_native import WriteOptions

        options = WriteOptions(permission=self._mode, overwrite=True, create_parent=False)
        for _ in range(_TRIES):
            with suppress(FileNotFoundError):
                return self._client.create(unfinished, options)
            self._client.mkdirs(folder, self._folder_mode, create_parent=True)
        return self._client.create(unfinished, options)


def _again_if_cut(step: Callable[[], T]) -> T:
    """Take a step; once more if its connection was cut, as the client does not ask again for what changes something.

    Args:
        step: what can be done twice.
    """
    try:
        return step()
    except Exception as error:
        if not was_cut(error):
            raise
        time.sleep(_SETTLED)
        return step()
