"""The folder of a run by the few steps that `storage.run_store` takes in it; `local` and `stored` are the two kinds.

On this machine a table is written beside its place and takes it by a rename, one process works there by a lock, and
files are known by their SHA-256. In a store nothing is locked, renamed or hashed by this process: see `stored`.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa

from synth_spark.plan.addresses import as_seen, scheme_of
from synth_spark.storage.local_places import LocalPlace
from synth_spark.storage.places import Place, place, source_of
from synth_spark.storage.runs.local import LocalRun
from synth_spark.storage.runs.stored import StoredRun

#: Raises an error if what a manifest says is not what was read of it before.
Check = Callable[[dict[str, Any]], None]


class RunFolder(Protocol):
    """The folder of one run. Every step raises `RunError`, or `OSError` on this machine, if the folder refuses.

    Attributes:
        address: as it is told to people.
        place: the folder, for small files.
        work: the folder of run folders that it is in.
        turn: which of those who have worked on the run this process is, counted from 1; on this machine always 1.
        hashed: whether files of tables are known by their SHA-256, which this process takes.
    """

    address: str
    place: Place
    work: str
    turn: int
    hashed: bool

    def make(self) -> bool:
        """Make the folder; False if it is there."""
        ...

    def is_there(self) -> bool:
        """Whether there is a run in it."""
        ...

    def manifest(self, for_removal: bool = False) -> dict[str, Any]:
        """What the manifest says; see `manifests.read_run_manifest`."""
        ...

    def save(self, text: str, run_id: str) -> None:
        """Put the manifest in its place, whole or not at all; whoever works on the run next begins with it.

        Raises:
            RunError: in a store: another process works on the run by now.
        """
        ...

    def alone(self, run_id: str, check: Check) -> AbstractContextManager[None]:
        """Be the only process that works on the run, if its manifest passes the check.

        Raises:
            RunError: another process works on it.
        """
        ...

    def write(self, name: str, text: str) -> None:
        """Put a document there, whole or not at all."""
        ...

    def read(self, name: str) -> str | None:
        """A document; None if it is not there."""
        ...

    def new(self, table: str) -> str:
        """Where a table is written, below the folder of tables: nothing that is kept is there."""
        ...

    def table(self, where: str) -> Place:
        """The folder of a table."""
        ...

    def tidy(self, where: str) -> None:
        """Remove what Spark has put beside the files of a table."""
        ...

    def write_rows(self, where: str, rows: pa.Table) -> dict[str, str]:
        """Write a small table as one file; returns its SHA-256 by its name."""
        ...

    def settle(self, table: str, where: str) -> str:
        """Put a table that was written in its place; returns where it is then."""
        ...

    def files(self, where: str) -> dict[str, str]:
        """The files of a table → what changes whenever they do: SHA-256, in a store size and tag."""
        ...

    def drop(self, where: str) -> None:
        """Remove a table that no manifest names any more, if it is there."""
        ...

    def clean(self, kept: Collection[str]) -> None:
        """Remove what killed processes have written below the folder of tables, but for what is kept."""
        ...

    def purge(self, files: Collection[str], kept: Mapping[str, str]) -> None:
        """Remove everything but the manifest, some files, and some tables.

        Args:
            files: names of those that stay.
            kept: tables that stay → where they are.
        """
        ...


@dataclass(frozen=True)
class TableFolder:
    """The folder of a kept table, as `schema.tables.Kept` asks for it.

    Attributes:
        place: the folder.
    """

    place: Place

    @property
    def address(self) -> str:
        """Its address; on this machine its absolute path."""
        return self.place.spark_address if isinstance(self.place, LocalPlace) else self.place.address

    @property
    def spark_address(self) -> str:
        """What Spark is given for it."""
        return self.place.spark_address

    def source(self, name: str) -> Path | IO[bytes]:
        """What Arrow reads a file from."""
        return source_of(self.place, name)


def run_folder(address: str | Path) -> RunFolder:
    """The folder of a run at an address; it is not looked at yet.

    Args:
        address: a path of this machine, or an address of a store.

    Raises:
        PlanError: the address names no bucket or container, or no name node.
        EngineError: the library for that store is not installed.
    """
    seen = as_seen(str(address))
    return LocalRun(Path(seen)) if scheme_of(seen) is None else StoredRun(place(seen, private=True))
