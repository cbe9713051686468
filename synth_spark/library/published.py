"""A published release in a program or a notebook: its tables as frames, and what is done with it."""

from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast, overload

from synth_spark.errors import RunError
from synth_spark.library.frames import Kind, handed_back
from synth_spark.library.notebook import progress_of, release_html
from synth_spark.monitoring import Watch
from synth_spark.plan.addresses import scheme_of
from synth_spark.publish.published_release import PublishedRelease
from synth_spark.publish.published_release import open_release as opened
from synth_spark.runtime.scratch import private_folder
from synth_spark.schema.root_layout import RELEASE_TEXT
from synth_spark.storage.paths import inside

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from pyspark.sql import DataFrame, SparkSession

    from synth_spark.exports.warehouse.loading import Loaded
    from synth_spark.runtime.libraries import Libraries
    from synth_spark.storage.run_store import RunStore

FrameT = TypeVar("FrameT")


class Release(Generic[FrameT]):
    """A release that was audited and published. Whatever it hands out is read from published files.

    A notebook shows it: what is guaranteed, the audit, the charts, and the page to explore it.

    Attributes:
        run_id: its name.
        path: the published root, where its tables and documents are.
        folder: the run folder, SENSITIVE; None where it is in an object store, or the release was opened as its readers
            open it.
        run_folder: path or address of the run folder; None where the release was opened as its readers open it.
    """

    def __init__(
        self, published: PublishedRelease, kind: Kind, spark: "SparkSession | None", run_folder: str | None = None
    ) -> None:
        self._published, self._kind, self._spark = published, kind, spark
        self.run_id, self.path, self.run_folder = published.run_id, published.root.address, run_folder
        self.folder = None if run_folder is None or scheme_of(run_folder) is not None else Path(run_folder)

    @cached_property
    def synthetic(self) -> FrameT:
        """The synthetic records: your columns, values as text, absent as null."""
        return self.table("synthetic_records")

    @cached_property
    def aggregates(self) -> FrameT:
        """The protected counts: a row a published combination."""
        return self.table("aggregates")

    @cached_property
    def evaluation(self) -> FrameT:
        """How well the records reproduce the published counts."""
        return self.table("evaluation")

    @cached_property
    def quality(self) -> FrameT:
        """Every rule of the audit that may be told of, and whether it held."""
        return self.table("quality_results")

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of all published tables."""
        return self._published.tables

    @property
    def report(self) -> str:
        """The release and its guarantees in sentences, as Markdown: ``RELEASE.md`` as it was published.

        Raises:
            PublishError: it is not there, or is not what was published.
        """
        return self._published.document(RELEASE_TEXT) or ""

    def table(self, name: str) -> FrameT:
        """A published table.

        Args:
            name: one of `tables`.

        Raises:
            PublishError: the release has no such table, or a file of it is missing or damaged.
        """
        return cast(FrameT, handed_back(self._published, name, self._kind, self._spark))

    def publish(
        self, output: str | PathLike[str], quiet: bool = False, work: str | PathLike[str] | None = None
    ) -> "Release[FrameT]":
        """Publish the release to a folder, after it was compared with what readers of that folder may hold.

        A run folder in a temporary folder is copied beside the new one, as ``<output>.work/<run id>``, SENSITIVE, as
        the command leaves it; this release stays as it is.

        Args:
            output: the published root, on this machine or in a store.
            quiet: whether nothing is said of progress.
            work: a folder of this machine that the run folder is copied to, whether it is a temporary one or not.

        Returns:
            The release as it is there.

        Raises:
            HeldError: together with a release that readers have it tells of few; nothing was published there.
            PlanError: the folder is in a store, the run folder is a temporary one, and ``work`` is not given; or
                ``work`` is in a store.
            PublishError: the folder cannot be written, or holds this release already.
            RunError: there is no run folder, it was purged, or it is to be copied and is in a store.
        """
        from synth_spark.library.elsewhere import moved
        from synth_spark.library.running import carried_out
        from synth_spark.pipeline import api
        from synth_spark.pipeline.run import Run
        from synth_spark.pipeline.stages import runner

        store = self._store("to publish it elsewhere")
        is_stored = scheme_of(store.address) is not None
        stays = is_stored or (store.plan.work is not None and not inside(private_folder(), store.folder))
        copied_to = None if work is None else fspath(work)
        target = moved(store, fspath(output), stays and work is None, copied_to)
        spark = self._session()
        run, watch = Run(spark, target, progress_of(spark, quiet)), Watch()
        watch.begun(target, run.progress, runner(run).stages)
        carried_out(run, watch, lambda: api.resume(run))
        return Release(opened(fspath(output), self.run_id), self._kind, spark, target.address)

    def package(self, target: str | PathLike[str] | None = None) -> Path:
        """Make one zip of the release, as data portals offer it for download.

        Args:
            target: file, or folder that is there; default: ``<data set>-<run>.zip`` in the current folder.

        Returns:
            The file.

        Raises:
            PublishError: the release is not what was audited, or the file cannot be written.
        """
        from synth_spark.exports.data_package import package

        return package(self._published, None if target is None else Path(target), self._spark)

    def load(self, target: str, schema: str | None = None) -> "Loaded":
        """Load the release into a warehouse; nothing happens if it is the one that was loaded last.

        Args:
            target: ``postgresql://…`` or ``duckdb:PATH``.
            schema: where its tables go; default: ``public``, in DuckDB ``main``.

        Returns:
            What was loaded: tables and their rows.

        Raises:
            PlanError: the target or the schema is not understood.
            EngineError: a library is missing.
            PublishError: it would break readers, or was refused; what was loaded before is as it was.
        """
        from synth_spark.exports import warehouse

        return warehouse.load(self._published, target, schema, self._spark)

    def purge(self) -> list[str]:
        """Remove what the run kept, all that may not be published, and the copy of a frame; the release stays.

        Returns:
            Names of the tables that were removed.

        Raises:
            RunError: there is no run folder, the published files are not what was audited, or a process works there.
        """
        from synth_spark.pipeline.purge import purge

        return purge(self._store("to purge", removing=True))

    def _store(self, what: str, removing: bool = False) -> "RunStore":
        from synth_spark.storage.run_store import RunStore

        if self.run_folder is None:
            problem = "was opened as its readers open it, and has no run folder"
            raise RunError(f"release '{self.run_id}'", problem, f"use the one that release() gave, {what}")
        return RunStore.open(self.run_folder, for_removal=removing)

    def _session(self) -> "SparkSession":
        from synth_spark.runtime.session import found_session

        return self._spark if self._spark is not None else found_session(_libraries(self._published))

    def _repr_html_(self) -> str:
        return release_html(self._published, self._spark, self.run_folder)

    def __repr__(self) -> str:
        return f"<Release {self.run_id} in {self.path}: {', '.join(self.tables)}>"


@overload
def open_release(
    path: str | PathLike[str], run_id: str | None = None, kind: Literal["pandas"] = "pandas"
) -> "Release[pd.DataFrame]": ...


@overload
def open_release(
    path: str | PathLike[str], run_id: str | None = None, *, kind: Literal["polars"]
) -> "Release[pl.DataFrame]": ...


@overload
def open_release(path: str | PathLike[str], run_id: str | None = None, *, kind: Literal["arrow"]) -> "Release[Any]": ...


@overload
def open_release(
    path: str | PathLike[str], run_id: str | None = None, *, kind: Literal["spark"]
) -> "Release[DataFrame]": ...


def open_release(path: str | PathLike[str], run_id: str | None = None, kind: Kind = "pandas") -> Release[Any]:
    """Open a published release, once its files are what was audited.

    Args:
        path: a folder of published tables, or the run folder of a published run.
        run_id: name of a release of that folder; default: the current one.
        kind: of the frames that it hands out: ``pandas``, ``polars``, ``arrow`` or ``spark``.

    Raises:
        PublishError: there is none, it was retired, or a file is missing or was changed.

    >>> open_release("nowhere")
    Traceback (most recent call last):
    ...
    synth_spark.errors.PublishError: nowhere: holds no manifest of a release that can be read; give a folder of \
published tables, or a run folder
    """
    published = opened(str(path), run_id)
    published.verify()
    if kind != "spark" and not published.is_sliced:
        return Release(published, kind, None)
    from synth_spark.runtime.session import found_session

    return Release(published, kind, found_session(_libraries(published)))


def _libraries(published: PublishedRelease) -> "Libraries":
    """What a session needs that reads a release."""
    from synth_spark.runtime.libraries import Libraries
    from synth_spark.runtime.s3 import is_in_s3

    return Libraries(published.is_sliced, is_in_s3(published.root.address))
