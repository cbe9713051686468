"""Stage 7: the only writer outside the run folder. It takes safe tables, as audited, and nothing else.

What was audited is what is published: files are copied beside the published root, compared with the hashes taken when
they were written, renamed into place, and only then named by the manifest and, last, by ``LATEST.json``. Readers trust
the pointer alone, so at any moment they see the earlier release whole or the new one whole. The steps, each of which
may be the last one of a process that is killed:

1. the root is locked; what an earlier publication left half done is finished or removed;
2. a mark in ``OUT.staging`` says what is about to be put in place;
3. tables are copied there and compared, then put in place (Delta: slices are written, and compared; ``release`` last);
4. the documents are put in place under the run's name, then the manifest;
5. the pointer is replaced, if nobody else did meanwhile; copies of the documents and the history follow;
6. the mark is removed.

Killed before 5, nothing of the release is published, and the next publication to that root removes what is there
(of this run: it is made anew); killed later, it is published, and whatever writes to the root next finishes it. `root`
tells the layout.
"""

import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from synth_spark.errors import PublishError
from synth_spark.plan import Output
from synth_spark.publish.delta import in_order, remove_slices, write_slice
from synth_spark.publish.published_release import open_release
from synth_spark.publish.repository import ReleaseRepository
from synth_spark.runtime import faults
from synth_spark.schema.root_layout import HISTORY, POINTER
from synth_spark.schema.tables import RELEASE, SafeTable
from synth_spark.storage.files import sync_folder
from synth_spark.storage.hashing import sha256, sha256_of_text
from synth_spark.storage.paths import leading_out

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
    """

    run_id: str
    root: Path
    tables: dict[str, Path]
    was_there: bool = False


def check_target(output: Output, run_id: str) -> None:
    """Make sure, before any work, that a release could be put in place.

    Raises:
        PublishError: the output cannot be written, leads elsewhere, or holds this run already.
    """
    root = Path(output.path)
    try:
        root.mkdir(parents=True, exist_ok=True)
        probe = root / f".probe-{run_id}"
        probe.touch()
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise PublishError("output.path", f"cannot be written ({error.strerror})", "choose another folder") from None
    _refuse_links(root)
    if ReleaseRepository(root).is_published(run_id):
        raise already_published(run_id)


def _refuse_links(root: Path) -> None:
    for name in leading_out(root) if root.is_dir() else ():
        raise PublishError("output.path", f"holds a link that leads out of it: {name}", "remove it, or choose a folder")


def already_published(run_id: str) -> PublishError:
    """The refusal of a release that is there already."""
    return PublishError(f"run_id '{run_id}'", "has been published there already", "choose another run_id")


def check_published(output: Output, run_id: str) -> None:
    """Check the published files of a run against the hashes in its manifest; Delta keeps its own.

    Raises:
        PublishError: a file, or the manifest, is missing or was changed.
    """
    open_release(Path(output.path), run_id).verify()


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
        if name.startswith((".", "_")) or "/" in name or name in (POINTER, HISTORY):
            raise ValueError(f"{name} is no name of a document")
    _refuse_links(Path(output.path))
    root = ReleaseRepository(Path(output.path))
    with root.alone(run_id):
        manifest = root.manifest(run_id)
        if manifest is not None and root.is_published(run_id):
            return _already_there(root, run_id, manifest, safe)
        if after and root.current() not in after:
            problem = "has another current release than the one that this one was compared with"
            raise PublishError("output.path", problem, "compare with that one: synth-spark resume RUN")
        spark = safe[0].kept.spark
        try:
            _clean(root, spark, output.format, run_id)
            seen = root.pointer()
            staging = root.begin(run_id, output.format, [table.kept.table.name for table in safe])
            faults.point("publish.begin")
            if output.format == "delta":
                entries = _write_delta(safe, root, run_id)
            else:
                entries = _place(root, staging, run_id, safe)
            faults.point("publish.documents")
            root.file_documents(run_id, documents)
            faults.point("publish.manifest")
            root.write_manifest(_manifest(root, run_id, output.format, entries, documents, safe))
            root.switch(run_id, seen, "publish")
            faults.point("publish.settled")
        except BaseException as error:
            _undo(root, spark, output.format, run_id)
            if isinstance(error, OSError):
                raise _failed(root, run_id, error) from None
            raise
        root.end(run_id)
    return Publication(run_id, root.path, {name: root.path / entry["path"] for name, entry in entries.items()})


def _already_there(
    root: ReleaseRepository, run_id: str, manifest: Mapping[str, Any], safe: Sequence[SafeTable]
) -> Publication:
    """A release that is in place already, if it is of the same content; how it was told may differ by version.

    Raises:
        PublishError: it is not, or was retired.
    """
    if "retired" in manifest:
        raise PublishError(f"run_id '{run_id}'", "was published there and retired", "make a new release")
    entries = manifest["tables"]
    known = {name: entry["content_hash"] for name, entry in entries.items() if name != RELEASE.name}
    if known != {one.kept.table.name: one.kept.content_hash for one in safe if one.kept.table.name != RELEASE.name}:
        raise already_published(run_id)
    return Publication(run_id, root.path, {name: root.path / entry["path"] for name, entry in entries.items()}, True)


def _clean(root: ReleaseRepository, spark: SparkSession, format_: str, run_id: str) -> None:
    """Remove what killed publications left; slices of this run stay, as they need not be written again."""
    dead = [one for one in root.unfinished() if one.run_id != run_id]
    cleaned = [one for one in dead if one.format != "delta" or format_ == "delta"]  # else: `releases clean`
    for one in cleaned:
        if one.format == "delta":
            remove_slices(spark, root.path, one.run_id, one.tables)
    root.remove(root.remnants())
    for one in cleaned:
        root.end(one.run_id)


def _undo(root: ReleaseRepository, spark: SparkSession, format_: str, run_id: str) -> None:
    """Remove what there is of a publication that failed; what resists is removed by the next one."""
    if root.current() == run_id:  # it did not fail before the switch: whatever comes next finishes it
        return
    with suppress(Exception):
        if format_ == "delta":
            names = [name for one in root.unfinished() if one.run_id == run_id for name in one.tables]
            remove_slices(spark, root.path, run_id, names)
        root.remove(root.remnants())
        root.end(run_id)


def _failed(root: ReleaseRepository, run_id: str, error: OSError) -> PublishError:
    remedy = "free space or mend permissions, then: synth-spark resume RUN"
    if root.current() == run_id:
        problem = f"names this release, but its documents could not all be put beside it ({error.strerror})"
        return PublishError("output.path", problem, remedy)
    return PublishError("output.path", f"could not be written ({error.strerror})", remedy)


def _place(root: ReleaseRepository, staging: Path, run_id: str, safe: Sequence[SafeTable]) -> dict[str, Any]:
    """Copy all tables beside the root, then rename them into place."""
    entries = {}
    for table in safe:
        name = table.kept.table.name
        faults.point(f"publish.copy.{name}")
        entries[name] = _copy(table, staging / name, run_id)
        root.alive(run_id)
    for name in entries:
        faults.point(f"publish.place.{name}")
        target = root.path / name / f"run_id={run_id}"
        target.parent.mkdir(exist_ok=True)
        (staging / name).rename(target)
        sync_folder(target.parent)
    return entries


def _copy(table: SafeTable, folder: Path, run_id: str) -> dict[str, Any]:
    kept = table.kept
    folder.mkdir()
    files = {}
    for index, (name, digest) in enumerate(sorted(kept.files.items())):
        source = kept.path / name
        target = folder / f"part-{index:05d}.parquet"
        with source.open("rb") as content, target.open("wb") as stream:
            shutil.copyfileobj(content, stream, 1 << 20)
            stream.flush()
            os.fsync(stream.fileno())
        files[target.name] = {"sha256": sha256(target), "bytes": target.stat().st_size}
        if files[target.name]["sha256"] != digest:
            problem = "is not what was audited, or was torn while it was copied"
            raise PublishError(f"table {kept.table.name}", problem, "run again: synth-spark resume RUN")
    sync_folder(folder)
    return {**_entry(table), "path": f"{kept.table.name}/run_id={run_id}", "files": files}


def _write_delta(safe: Sequence[SafeTable], root: ReleaseRepository, run_id: str) -> dict[str, Any]:
    """Write the slices of all tables, the one whose row is the commit last."""
    by_name = {table.kept.table.name: table for table in safe}
    for name in in_order(by_name):
        faults.point(f"publish.write.{name}")
        write_slice(by_name[name], root.path, run_id)
        faults.point(f"publish.check.{name}")
        root.alive(run_id)
    where = f"run_id = '{run_id}'"
    return {name: {**_entry(table), "path": name, "where": where} for name, table in by_name.items()}


def _entry(table: SafeTable) -> dict[str, Any]:
    kept = table.kept
    schema = [{"name": name, "type": kind} for name, kind in kept.types.items()]
    return {"grain": kept.table.grain, "rows": kept.rows, "content_hash": kept.content_hash, "schema": schema}


def _manifest(
    root: ReleaseRepository,
    run_id: str,
    format_: str,
    entries: Mapping[str, Any],
    documents: Mapping[str, str],
    safe: Sequence[SafeTable],
) -> dict[str, Any]:
    rows = [row for one in safe if one.kept.table is RELEASE for row in one.kept.arrow().to_pylist()]
    return {
        "run_id": run_id,
        "published": root.time(),
        "format": format_,
        "terms": {name: row[name] for row in rows for name in _TERMS if name in row},
        "tables": dict(entries),
        "documents": sorted(documents),
        "document_hashes": {name: sha256_of_text(documents[name]) for name in sorted(documents)},
    }
