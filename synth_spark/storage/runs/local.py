"""The folder of a run on this machine, see `synth_spark.storage.runs.folders.RunFolder`."""

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from synth_spark.errors import RunError
from synth_spark.runtime.locks import lock
from synth_spark.schema.root_layout import LOCK, RUN_MANIFEST
from synth_spark.storage.files import disk_errors, remove_others, write_atomically
from synth_spark.storage.local_places import LocalPlace
from synth_spark.storage.manifests import read_run_manifest
from synth_spark.storage.places import Place


class LocalRun:
    """A folder of this machine, readable by its owner only.

    A table is written under a hidden name and renamed once it is complete, so that a table that the manifest names is
    whole.

    Attributes:
        folder: its path.
        address: its path, as a text.
        place: the folder, for small files.
        work: the folder that it is in, absolute.
        turn: 1.
        hashed: yes.
    """

    hashed = True

    def __init__(self, folder: Path) -> None:
        """Name a folder; it is not looked at yet."""
        self.folder, self.address = folder, str(folder)
        self.place: Place = LocalPlace(folder)
        self.work, self.turn = str(folder.absolute().parent), 1

    def make(self) -> bool:
        """See `RunFolder.make`.

        Raises:
            RunError: it cannot be made.
        """
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.mkdir(mode=0o700)
            (self.folder / "tables").mkdir()
        except FileExistsError:
            return False
        except OSError as error:
            raise RunError(
                "work", f"cannot be written ({error.strerror})", "choose another folder with --set work=…"
            ) from None
        return True

    def is_there(self) -> bool:
        """See `RunFolder.is_there`."""
        return (self.folder / RUN_MANIFEST).is_file()

    def manifest(self, for_removal: bool = False) -> dict[str, Any]:
        """See `RunFolder.manifest`."""
        return read_run_manifest(self.folder, for_removal)

    def save(self, text: str, run_id: str) -> None:
        """See `RunFolder.save`."""
        del run_id
        with disk_errors(RUN_MANIFEST):
            write_atomically(self.folder / RUN_MANIFEST, text)

    @contextmanager
    def alone(self, run_id: str, check: Callable[[dict[str, Any]], None]) -> Iterator[None]:
        """See `RunFolder.alone`; the operating system lets go when the process ends, however that happens."""
        with disk_errors("its lock"):
            stream = (self.folder / LOCK).open("a")
        with stream:
            try:
                lock(stream, wait=False)
            except BlockingIOError:
                raise taken(run_id) from None
            except OSError:  # a file system without locks
                pass
            check(read_run_manifest(self.folder, for_removal=True))  # it was looked at when it was opened
            yield

    def write(self, name: str, text: str) -> None:
        """See `RunFolder.write`."""
        write_atomically(self.folder / name, text)

    def read(self, name: str) -> str | None:
        """See `RunFolder.read`."""
        try:
            return (self.folder / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def new(self, table: str) -> str:
        """See `RunFolder.new`."""
        return f".{table}.unfinished"

    def table(self, where: str) -> LocalPlace:
        """See `RunFolder.table`."""
        return LocalPlace(self._path(where))

    def tidy(self, where: str) -> None:
        """See `RunFolder.tidy`."""
        remove_others(self._path(where), ".parquet")

    def write_rows(self, where: str, rows: pa.Table) -> dict[str, str]:
        """See `RunFolder.write_rows`."""
        folder = self._path(where)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with (folder / "part-00000.parquet").open("wb") as stream:
            pq.write_table(rows, stream, compression="zstd", store_schema=False)
        return self.files(where)

    def settle(self, table: str, where: str) -> str:
        """See `RunFolder.settle`; one of before is removed."""
        shutil.rmtree(self._path(table), ignore_errors=True)
        self._path(where).rename(self._path(table))
        return table

    def files(self, where: str) -> dict[str, str]:
        """See `RunFolder.files`."""
        from synth_spark.storage.hashing import sha256  # beside functions of Spark, which a manifest is read without

        return {file.name: sha256(file) for file in sorted(self._path(where).glob("*.parquet"))}

    def drop(self, where: str) -> None:
        """See `RunFolder.drop`."""
        shutil.rmtree(self._path(where), ignore_errors=True)

    def clean(self, kept: Collection[str]) -> None:
        """See `RunFolder.clean`; whoever writes a table next removes what is there under its hidden name."""

    def purge(self, files: Collection[str], kept: Mapping[str, str]) -> None:
        """See `RunFolder.purge`; of links only the links are removed."""
        for path in self.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                if path.name != "tables":
                    shutil.rmtree(path)
            elif path.name not in files:
                path.unlink()
        for path in (self.folder / "tables").iterdir():
            if path.is_symlink() or path.is_file():
                path.unlink()
            elif path.name not in kept:
                shutil.rmtree(path)

    def _path(self, where: str) -> Path:
        return self.folder / "tables" / where


def taken(run_id: str) -> RunError:
    """The refusal of a run that another process works on."""
    return RunError(f"run {run_id}", "is being worked on by another process", "wait for it, or end it")
