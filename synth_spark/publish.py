"""Stage 7: the only writer outside the run folder. It takes safe tables, as audited, and nothing else.

What was audited is what is published: files are copied beside the published root, compared with the hashes taken when
they were written, renamed into place, and only then named by the manifest and, last, by ``LATEST.json``. Readers trust
the pointer alone, so at any moment they see the earlier release whole or the new one whole.

Layout::

    OUT/<table>/run_id=<id>/part-00000.parquet …     (or OUT/<table>, a Delta table with a run_id column)
    OUT/_manifests/<id>.json
    OUT/RELEASE.md, OUT/QUALITY.md                   the latest release and its audit, explained
    OUT/LATEST.json                                  {"run_id", "manifest", "tables"}
"""

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from synth_spark.errors import PublishError
from synth_spark.plan import Output
from synth_spark.published import open_release
from synth_spark.roots import leading_out
from synth_spark.tables import SafeTable
from synth_spark.workspace import sha256, write_atomically


@dataclass(frozen=True)
class Publication:
    """A release in place."""

    run_id: str
    root: Path
    tables: dict[str, Path]


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
        probe.unlink()
    except OSError as error:
        raise PublishError("output.path", f"cannot be written ({error.strerror})", "choose another folder") from None
    for name in leading_out(root):
        raise PublishError("output.path", f"holds a link that leads out of it: {name}", "remove it, or choose a folder")
    if (root / "_manifests" / f"{run_id}.json").exists():
        raise PublishError(f"run_id '{run_id}'", "has been published there already", "choose another run_id")


def check_published(output: Output, run_id: str) -> None:
    """Check the published files of a run against the hashes in its manifest; Delta keeps its own.

    Raises:
        PublishError: a file, or the manifest, is missing or was changed.
    """
    open_release(Path(output.path), run_id).verify()


def publish(safe: list[SafeTable], documents: dict[str, str], output: Output, run_id: str) -> Publication:
    """Put a release in place.

    Args:
        safe: the tables.
        documents: file name → text, put beside the tables.
        output: where, and in which format.
        run_id: name of the release.

    Raises:
        PublishError: something could not be written; nothing of this release is left, the one before is as it was.
    """
    check_target(output, run_id)
    root = Path(output.path)
    staging = root.with_name(f"{root.name}.staging") / run_id
    placed: list[Path] = []
    try:
        if output.format == "delta":
            entries = {table.kept.table.name: _write_delta(table, root, run_id) for table in safe}
        else:
            entries = {table.kept.table.name: _stage(table, staging, run_id) for table in safe}
            for name in entries:
                target = root / name / f"run_id={run_id}"
                target.parent.mkdir(exist_ok=True)
                (staging / name).rename(target)
                placed.append(target)
        _switch(root, run_id, entries, documents, output.format)
    except OSError as error:
        for target in placed:
            shutil.rmtree(target, ignore_errors=True)
        (root / "_manifests" / f"{run_id}.json").unlink(missing_ok=True)
        raise PublishError(
            "output.path",
            f"could not be written ({error.strerror})",
            "free space or mend permissions, then: synth-spark stage publish RUN",
        ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if staging.parent.is_dir() and not any(staging.parent.iterdir()):
            staging.parent.rmdir()
    return Publication(run_id, root, {name: root / entry["path"] for name, entry in entries.items()})


def _stage(table: SafeTable, staging: Path, run_id: str) -> dict[str, Any]:
    kept = table.kept
    folder = staging / kept.table.name
    folder.mkdir(parents=True)
    files = {}
    for index, source in enumerate(sorted(kept.path.glob("*.parquet"))):
        target = folder / f"part-{index:05d}.parquet"
        shutil.copyfile(source, target)
        files[target.name] = {"sha256": sha256(target), "bytes": target.stat().st_size}
        if files[target.name]["sha256"] != sha256(source):
            raise PublishError(
                f"table {kept.table.name}", "was torn while it was copied", "run again: synth-spark stage publish RUN"
            )
    return {**_entry(table), "path": f"{kept.table.name}/run_id={run_id}", "files": files}


def _write_delta(table: SafeTable, root: Path, run_id: str) -> dict[str, Any]:
    kept = table.kept
    frame = kept.frame if "run_id" in kept.frame.columns else kept.frame.withColumn("run_id", F.lit(run_id))
    writer = (
        frame.write.format("delta")
        .mode("overwrite")
        .partitionBy("run_id")
        .option("replaceWhere", f"run_id = '{run_id}'")
        .option("delta.columnMapping.mode", "name")
        .option("txnAppId", f"synth-spark/{run_id}/{kept.table.name}")
        .option("txnVersion", 1)
    )
    try:
        writer.save(str(root / kept.table.name))
    except PySparkException as error:
        condition = error.getCondition() or "unknown condition"
        raise PublishError(
            f"table {kept.table.name}",
            f"was refused by Delta ({condition})",
            "publish tables of other columns to a folder of their own",
        ) from None
    return {**_entry(table), "path": kept.table.name, "where": f"run_id = '{run_id}'"}


def _entry(table: SafeTable) -> dict[str, Any]:
    kept = table.kept
    schema = [{"name": field.name, "type": field.dataType.simpleString()} for field in kept.frame.schema.fields]
    return {"grain": kept.table.grain, "rows": kept.rows, "content_hash": kept.content_hash, "schema": schema}


def _switch(root: Path, run_id: str, entries: dict[str, Any], documents: dict[str, str], format_: str) -> None:
    manifest = {
        "run_id": run_id,
        "published": datetime.now(UTC).isoformat(timespec="seconds"),
        "format": format_,
        "tables": entries,
        "documents": sorted(documents),
    }
    (root / "_manifests").mkdir(exist_ok=True)
    write_atomically(root / "_manifests" / f"{run_id}.json", json.dumps(manifest, indent=1, ensure_ascii=False))
    for name, text in documents.items():
        write_atomically(root / name, text)
    pointer = {
        "run_id": run_id,
        "manifest": f"_manifests/{run_id}.json",
        "tables": {name: entry["path"] for name, entry in entries.items()},
    }
    write_atomically(root / "LATEST.json", json.dumps(pointer, indent=1))
