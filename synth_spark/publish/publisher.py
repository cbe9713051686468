"""Stage 7: the only writer outside the run folder. It takes safe tables, as audited, and nothing else.

What was audited is what is published: files are copied to their place in the published root, compared with the hashes
taken when they were written, and only then named by the manifest and, last, by a commit. Readers trust commits and the
pointer alone, so at any moment they see the earlier release whole or the new one whole. The steps, each of which may be
the last one of a process that is killed:

1. on this machine the root is locked; what an earlier publication left half done is finished or removed;
2. a mark says what is about to be put in place;
3. tables are copied there and compared; as Delta, in a store, a log is put beside the files of each (`delta_log`), on
   this machine slices are written instead, and compared, ``release`` last (`delta`);
4. the documents are put in place under the run's name, then the manifest;
5. a commit is made, if nobody else made one meanwhile; the pointer and copies of the documents follow;
6. the mark is removed.

Killed before 5, nothing of the release is published, and the next publication to that root removes what is there
(of this run: it is made anew); killed later, it is published, and whatever writes to the root next finishes it. `root`
tells the layout.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pyspark.sql import SparkSession

from synth_spark.errors import PublishError, RunError, SynthSparkError
from synth_spark.plan import Output
from synth_spark.publish.copying import copied
from synth_spark.publish.delta import in_order, remove_slices, write_slice
from synth_spark.publish.delta_log import needs_mapping, put_log
from synth_spark.publish.published_release import open_release
from synth_spark.publish.repository import ReleaseRepository
from synth_spark.runtime import faults
from synth_spark.runtime.writable import check_writable
from synth_spark.schema.tables import RELEASE, SafeTable
from synth_spark.storage.hashing import sha256_of_text
from synth_spark.storage.paths import checked_name
from synth_spark.storage.root_files import is_document

#: What a list of releases tells of each, from the row of the table ``release``.
_TERMS = ("title", "privacy", "k", "epsilon", "delta", "reporting_length", "guarantee")


@dataclass(frozen=True)
class Publication:
    """A release in place.

    Attributes:
        run_id: its name.
        root: the published root.
        tables: name → where it is.
        was_there: whether it had been published before, and nothing was changed.
        mapped: names of the Delta tables whose columns are mapped, which not every reader of Delta can read.
    """

    run_id: str
    root: str
    tables: dict[str, str]
    was_there: bool = False
    mapped: tuple[str, ...] = ()


def check_target(output: Output, run_id: str) -> None:
    """Make sure, before any work, that a release could be put in place; nothing is made.

    Raises:
        PublishError: the output cannot be written, leads elsewhere, or holds this run already.
    """
    checked_name(run_id, "run_id", PublishError)
    root = ReleaseRepository(output.path)
    if root.is_local:
        try:
            root.check_links()
        except OSError as error:
            problem = f"cannot be written ({error.strerror})"
            raise PublishError("output.path", problem, "choose another folder") from None
        check_writable(root.folder / f".probe-{run_id}", "output.path", PublishError)
    else:
        root.check_commits()
    if root.is_published(run_id):
        raise already_published(run_id)


def already_published(run_id: str) -> PublishError:
    """The refusal of a release that is there already."""
    return PublishError(f"run_id '{run_id}'", "has been published there already", "choose another run_id")


def check_published(output: Output, run_id: str) -> None:
    """Check the published files of a run against the hashes in its manifest; slices of Delta tables keep their own.

    Raises:
        PublishError: a file, or the manifest, is missing or was changed.
    """
    open_release(output.path, run_id).verify()


def publish(
    safe: Sequence[SafeTable],
    documents: Mapping[str, str],
    output: Output,
    run_id: str,
    after: Collection[str | None] = (),
) -> Publication:
    """Put a release in place.

    Args:
        safe: the tables.
        documents: file name → text, put beside the tables.
        output: where, and in which format.
        run_id: name of the release.
        after: releases, one of which must be the current one (None: there is none yet); default: any may be.

    Returns:
        Where it is; a release of the same content that is there already is left as it is.

    Raises:
        PublishError: something could not be written, or another release is being published there: nothing of this
            release is left, the one before is as it was. Or another content was published under that name, or the
            current release is none of ``after``.
    """
    for name in documents:
        if not is_document(name):
            raise ValueError(f"{name} is no name of a document")
    root = ReleaseRepository(output.path)
    with root.alone(run_id):
        manifest = root.manifest(run_id)
        if manifest is not None and root.is_published(run_id):
            return _already_there(root, run_id, manifest, safe)
        if after and root.current() not in after:
            problem = "has another current release than the one that this one was compared with"
            raise PublishError("output.path", problem, "compare with that one: synth-spark resume RUN")
        publisher = Publisher(root, run_id, output.format, tuple(safe), output.catalog)
        entries = publisher.publish(documents)
    return Publication(run_id, root.place.address, _places(root, entries), mapped=tuple(publisher.mapped))


def _places(root: ReleaseRepository, entries: Mapping[str, Any]) -> dict[str, str]:
    """Where the tables of a release are."""
    return {name: f"{root.place.address}/{entry['path']}" for name, entry in entries.items()}


def _already_there(
    root: ReleaseRepository, run_id: str, manifest: Mapping[str, Any], safe: Sequence[SafeTable]
) -> Publication:
    """A release that is in place already, if it is of the same content; its documents may differ by version.

    Raises:
        PublishError: it is not, or was retired.
    """
    if "retired" in manifest:
        raise PublishError(f"run_id '{run_id}'", "was published there and retired", "make a new release")
    entries = manifest["tables"]
    published = {name: entry["content_hash"] for name, entry in entries.items() if name != RELEASE.name}
    if published != {one.kept.table.name: one.kept.content_hash for one in safe if one.kept.table.name != RELEASE.name}:
        raise already_published(run_id)
    return Publication(run_id, root.place.address, _places(root, entries), True)


@dataclass(frozen=True)
class Publisher:
    """The steps of one publication, of which the only writer of a root takes one after the other.

    Attributes:
        root: where it goes.
        run_id: name of the release.
        format: parquet or delta.
        safe: its tables.
        catalog: the catalog that shows what is current there, if any does.
        mapped: names of the Delta tables that were written, and whose columns are mapped.
    """

    root: ReleaseRepository
    run_id: str
    format: str
    safe: tuple[SafeTable, ...]
    catalog: str | None = None
    mapped: list[str] = field(default_factory=list)

    def publish(self, documents: Mapping[str, str]) -> dict[str, Any]:
        """Take all steps; the tables' entries of the manifest.

        Raises:
            PublishError: a step failed: nothing of the release is left, unless it is the current one already.
        """
        try:
            self._clean()
            seen = self.root.seen()
            self._alive()
            faults.point("publish.begin")
            entries = self._write_slices() if self._sliced else self._place()
            faults.point("publish.documents")
            self.root.file_documents(self.run_id, documents)
            faults.point("publish.manifest")
            self.root.write_manifest(self._manifest(entries, documents))
            self.root.switch(self.run_id, seen, "publish", self._private)
            faults.point("publish.settled")
        except BaseException as error:
            self.undo()
            if isinstance(error, OSError | RunError):
                raise self._failed(error) from None
            raise
        self.root.end(self.run_id)
        return entries

    def undo(self) -> None:
        """Remove what there is of a publication that failed; what resists is removed by the next one."""
        if self.root.current() == self.run_id:  # it did not fail before the switch: whatever comes next finishes it
            return
        with suppress(Exception):
            if self._sliced:
                names = [name for one in self.root.unfinished() if one.run_id == self.run_id for name in one.tables]
                remove_slices(self._spark, self.root.folder, self.run_id, names)
            self.root.remove(self.root.remnants())
            self.root.end(self.run_id)

    @cached_property
    def _terms(self) -> dict[str, Any]:
        """What was asked for of the release, as its row tells it."""
        rows = [row for one in self.safe if one.kept.table is RELEASE for row in one.kept.arrow().to_pylist()]
        return {name: row[name] for row in rows for name in _TERMS if name in row}

    @property
    def _private(self) -> bool:
        """Whether it was made under differential privacy."""
        return bool(self._terms.get("privacy") == "differential_privacy")

    @cached_property
    def _time(self) -> str:
        """When it is published, as its manifest and its logs tell it."""
        return self.root.time(self._private)

    @property
    def _sliced(self) -> bool:
        """Whether its tables become slices of Delta tables."""
        return self.root.is_sliced(self.format)

    @property
    def _spark(self) -> SparkSession:
        return self.safe[0].kept.spark

    def _clean(self) -> None:
        """Remove what killed publications left; slices of this run stay, as they need not be written again."""
        dead = [one for one in self.root.unfinished() if one.run_id != self.run_id]
        sliced = {one.run_id for one in dead if self.root.is_sliced(one.format)}
        cleaned = [one for one in dead if one.run_id not in sliced or self._sliced]  # else: `releases clean`
        for one in cleaned:
            if one.run_id in sliced:
                remove_slices(self._spark, self.root.folder, one.run_id, one.tables)
        self.root.remove(self.root.remnants())
        for one in cleaned:
            self.root.end(one.run_id)

    def _place(self) -> dict[str, Any]:
        """Copy the files of all tables to their places; as Delta, with logs beside them."""
        entries = {}
        for table in self.safe:
            name = table.kept.table.name
            faults.point(f"publish.copy.{name}")
            folder = self.root.table(self.run_id, name)
            files = copied(table.kept, folder)
            entries[name] = {**manifest_entry(table), "path": f"{name}/run_id={self.run_id}", "files": files}
            if self.format == "delta":
                entries[name]["delta_log"] = put_log(table.kept, folder, files, self.run_id, self._time)
                self.mapped.extend([name] if needs_mapping(table.kept.columns) else [])
            self._alive()
            faults.point(f"publish.place.{name}")
        return entries

    def _alive(self) -> None:
        """Give a sign of life."""
        self.root.begin(self.run_id, self.format, [table.kept.table.name for table in self.safe])

    def _write_slices(self) -> dict[str, Any]:
        """Write the slices of all tables, the one whose row is the commit last."""
        by_name = {table.kept.table.name: table for table in self.safe}
        for name in in_order(by_name):
            faults.point(f"publish.write.{name}")
            if write_slice(by_name[name], self.root.folder, self.run_id):
                self.mapped.append(name)
            faults.point(f"publish.check.{name}")
            self._alive()
        where = f"run_id = '{self.run_id}'"
        return {name: {**manifest_entry(table), "path": name, "where": where} for name, table in by_name.items()}

    def _manifest(self, entries: Mapping[str, Any], documents: Mapping[str, str]) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "published": self._time,
            "format": self.format,
            "terms": self._terms,
            "tables": dict(entries),
            **({} if self.catalog is None else {"catalog": self.catalog}),
            "documents": sorted(documents),
            "document_hashes": {name: sha256_of_text(documents[name]) for name in sorted(documents)},
        }

    def _failed(self, error: OSError | RunError) -> SynthSparkError:
        told = error.problem if isinstance(error, RunError) else f"cannot be written ({error.strerror})"
        remedy = "free space or mend permissions, then: synth-spark resume RUN"
        if self.root.current() == self.run_id:
            told = f"names this release, but its documents could not all be put beside it: it {told}"
        return PublishError("output.path", told, remedy)


def manifest_entry(table: SafeTable) -> dict[str, Any]:
    """What the manifest tells of a table, but for its place: grain, rows, content hash, names and types of columns."""
    kept = table.kept
    schema = [{"name": name, "type": kind} for name, kind in kept.types.items()]
    return {"grain": kept.table.grain, "rows": kept.rows, "content_hash": kept.content_hash, "schema": schema}
