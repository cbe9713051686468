"""Folders of this machine with small files that decide what counts, see `synth_spark.storage.places`."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from synth_spark.errors import RunError
from synth_spark.plan.addresses import for_spark
from synth_spark.storage.files import sync_folder
from synth_spark.storage.held import Held, below, is_unfinished
from synth_spark.storage.paths import kept_inside

if TYPE_CHECKING:
    from synth_spark.storage.places import Place


class LocalPlace:
    """A folder of this machine, see `synth_spark.storage.places.Place`.

    A file is written whole under a hidden name beside its place, down to the disk, and takes its name in one step: by a
    second link, which fails if the name is taken, or by a rename. Who dies before that leaves the hidden file. A link
    in the folder that leads out of it is followed by no step.

    Attributes:
        address: its path, as the user wrote it, without a last ``/``.
        spark_address: its path, absolute.
        folder: its path.
    """

    def __init__(self, folder: Path, address: str | None = None, root: Path | None = None) -> None:
        """Name a folder; it is not looked at yet.

        Args:
            folder: its path.
            address: as the user wrote it; default: the path.
            root: the folder that nothing may lead out of; default: the folder itself.
        """
        self.folder, self.address = folder, (str(folder) if address is None else address).rstrip("/") or "/"
        self.spark_address, self._root = for_spark(str(folder)), folder if root is None else root

    def below(self, name: str) -> "LocalPlace":
        """See `Place.below`."""
        address = f"{self.address.rstrip('/')}/{below(name, self.address)}"
        return LocalPlace(self.folder / name, address, self._root)

    def read(self, name: str) -> bytes | None:
        """See `Place.read`."""
        try:
            return self._path(name).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise self._refused("read", error) from None

    def exists(self, name: str) -> bool:
        """See `Place.exists`."""
        return self._path(name).is_file()

    def create(self, name: str, content: bytes) -> bool:
        """See `Place.create`."""
        path = self._path(name)
        if path.exists():
            return False
        with self._unfinished(path, content) as unfinished:
            try:
                os.link(unfinished, path)
            except FileExistsError:
                return False
            sync_folder(path.parent)
        return True

    def write(self, name: str, content: bytes) -> None:
        """See `Place.write`."""
        path = self._path(name)
        with self._unfinished(path, content) as unfinished:
            unfinished.replace(path)
            sync_folder(path.parent)

    @contextmanager
    def prepared(self, contents: Mapping[str, bytes]) -> Iterator[Callable[[], None]]:
        """See `Place.prepared`."""
        with ExitStack() as stack:
            unfinished = {
                self._path(name): stack.enter_context(self._unfinished(self._path(name), content))
                for name, content in contents.items()
            }

            def put() -> None:
                for path, file in unfinished.items():
                    file.replace(path)
                    sync_folder(path.parent)

            yield put

    def abandoned(self, alone: bool = False) -> list[str]:
        """See `Place.abandoned`."""
        del alone
        files = self.folder.rglob(".*.unfinished")
        return sorted(file.relative_to(self.folder).as_posix() for file in files if is_unfinished(file.name))

    def remove_abandoned(self, names: Iterable[str]) -> None:
        """See `Place.remove_abandoned`."""
        for name in filter(is_unfinished, names):
            parent, last = self._split(name)
            with suppress(FileNotFoundError):
                (parent / last).unlink()

    def upload(self, file: Path, name: str) -> None:
        """See `Place.upload`."""
        self._take(file, self._path(name))

    def download(self, name: str, file: Path) -> bool:
        """See `Place.download`."""
        try:
            shutil.copyfile(self._path(name), file)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._refused("read", error) from None
        return True

    def digest(self, name: str) -> tuple[str, int] | None:
        """See `Place.digest`."""
        try:
            with self._path(name).open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest(), stream.tell()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise self._refused("read", error) from None

    def entries(self, prefix: str = "", deep: bool = False) -> list[Held]:
        """See `Place.entries`."""
        folder = self._path(prefix) if prefix else self.folder
        try:
            return sorted(_held(folder, f"{prefix}/" if prefix else "", deep), key=lambda one: one.name)
        except OSError as error:
            raise self._refused("read", error) from None

    def delete(self, names: Iterable[str]) -> None:
        """See `Place.delete`; folders that are empty then go, too, but for this one."""
        for name in names:
            path = self._named(name)
            try:
                path.unlink()
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise self._refused("removed from", error) from None
            self._remove_empty(path.parent)

    def delete_folder(self, name: str = "") -> None:
        """See `Place.delete_folder`."""
        folder = self._named(name) if name else self.folder
        try:
            if folder.is_symlink():
                folder.unlink()
            else:
                shutil.rmtree(folder)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise self._refused("removed from", error) from None
        if name:
            self._remove_empty(folder.parent)

    def copy_from(self, other: "Place", name: str, to: str) -> bool:
        """See `Place.copy_from`; the system copies, where it can without a look at the bytes."""
        if not isinstance(other, LocalPlace):
            return False
        self._take(other._path(name), self._path(to))
        return True

    def _take(self, source: Path, path: Path) -> None:
        """Copy a file of this machine, whole or not at all."""
        with self._unfinished(path, b"") as unfinished:
            shutil.copyfile(source, unfinished)
            with unfinished.open("rb") as stream:
                os.fsync(stream.fileno())
            unfinished.replace(path)
            sync_folder(path.parent)

    def _named(self, name: str) -> Path:
        """A path that is to be removed: of a link only the link is."""
        parent, last = self._split(name)
        return parent / below(last, self.address)

    def _split(self, name: str) -> tuple[Path, str]:
        """The folder that a name is in, and the last part of the name."""
        folder, _, last = name.rpartition("/")
        return self._path(folder) if folder else self.folder, last

    def _path(self, name: str) -> Path:
        return kept_inside(self._root, self.folder / below(name, self.address), self.address, RunError)

    @contextmanager
    def _unfinished(self, path: Path, content: bytes) -> Iterator[Path]:
        """A hidden file beside a path that holds the content, on the disk; it is gone after the body."""
        unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}.unfinished")
        try:
            try:
                handle = _opened(unfinished)
                with open(handle, "wb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
                yield unfinished
            finally:
                with suppress(OSError):
                    unfinished.unlink()
        except OSError as error:
            raise self._refused("written", error) from None

    def _remove_empty(self, folder: Path) -> None:
        with suppress(OSError):  # somebody put something there
            while folder != self.folder:
                folder.rmdir()
                folder = folder.parent

    def _refused(self, what: str, error: OSError) -> RunError:
        return RunError(self.address, f"cannot be {what} ({error.strerror})", "check its path, permissions and disk")


def _opened(unfinished: Path) -> int:
    """A new file; its folder is made anew as often as somebody who removes the last file of it takes it away."""
    while True:
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            return os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)


def _held(folder: Path, start: str, deep: bool) -> Iterator[Held]:
    """What is in a folder, with names that begin with the start; what goes away meanwhile is left out."""
    try:
        found = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in found:
        name = start + entry.name
        if entry.is_dir(follow_symlinks=False):
            if deep:
                yield from _held(Path(entry.path), f"{name}/", deep)
            else:
                yield Held(name, is_folder=True)
        elif not is_unfinished(entry.name):
            with suppress(FileNotFoundError):
                about = entry.stat(follow_symlinks=False)
                yield Held(name, about.st_size, f"{about.st_mtime_ns}-{about.st_ino}-{about.st_size}")
