"""What the tests of published roots share: releases put in place without Spark, and runs that are about to publish."""

import json
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from synth_spark.errors import PublishError
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import api
from synth_spark.pipeline.run import Run
from synth_spark.publish.repository import ReleaseRepository
from synth_spark.runtime import faults
from synth_spark.storage.hashing import sha256
from synth_spark.storage.run_store import RunStore
from synth_spark.storage.runs.copies import Task

#: What Spark calls types of Arrow.
SPARK_TYPES = {
    pa.string(): "string", pa.int32(): "int", pa.int64(): "bigint", pa.float64(): "double", pa.bool_(): "boolean",
}  # fmt: skip


def place(
    out: Path,
    run_id: str,
    counts: Mapping[str, int],
    k: int = 10,
    columns: str = "ab",
    others: Mapping[str, pa.Table] | None = None,
    **plan: object,
) -> ReleaseRepository:
    """Publish a release of the given combinations, as ``a:x`` or ``a:x;b:y`` → count, step by step as it is done.

    Other tables stand beside the counts; where one is the table ``release``, that is the release's row.
    """
    out.mkdir(exist_ok=True)
    root = ReleaseRepository(out)
    told = {"privacy": "k_anonymity", "k": k, "reporting_length": 2, "title": "Cases", "guarantee": "It is safe."}
    tables = {
        "aggregates": pa.table(
            {
                "length": pa.array([text.count(";") + 1 for text in counts], pa.int32()),
                **{
                    name: pa.array(
                        [dict(part.split(":") for part in text.split(";")).get(name) for text in counts], pa.string()
                    )
                    for name in columns
                },
                "selections": pa.array(list(counts), pa.string()),
                "protected_count": pa.array(list(counts.values()), pa.int64()),
            }
        ),
        "release": pa.table(
            {name: [value] for name, value in {**told, "plan": json.dumps(plan), "protected_record_count": 600}.items()}
        ),
        **(others or {}),
    }
    with root.alone(run_id):
        seen = root.seen()
        root.begin(run_id, "parquet", tables)
        entries = {}
        for name, table in tables.items():
            folder = out / name / f"run_id={run_id}"
            folder.mkdir(parents=True)
            pq.write_table(table, folder / "part-00000.parquet")
            file = {"sha256": sha256(folder / "part-00000.parquet"), "bytes": 1}
            schema = [{"name": field.name, "type": SPARK_TYPES[field.type]} for field in table.schema]
            entries[name] = {"path": f"{name}/run_id={run_id}", "rows": len(table), "content_hash": file["sha256"]}
            entries[name] |= {"schema": schema, "grain": f"one row of {name}", "files": {"part-00000.parquet": file}}
        documents = {"RELEASE.md": f"This is {run_id}.\n", f"only-{run_id}.md": "Nobody else has this.\n"}
        root.file_documents(run_id, documents)
        about = {"run_id": run_id, "published": root.time(), "format": "parquet", "terms": told}
        root.write_manifest({**about, "tables": entries, "documents": sorted(documents)})
        root.switch(run_id, seen, "publish")
        root.end(run_id)
    return root


@contextmanager
def at_the_switch(first: Run, patched: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A run that publishes in a thread ``first``, and waits before its switch while the body runs; then it goes on.

    Yields:
        What it was refused with, once the body has ended.
    """
    waiting, go, failed, passed = threading.Event(), threading.Event(), [], faults.point

    def wait(name: str, folder: Path | None = None) -> None:
        if name == "publish.switch" and threading.current_thread().name == "first":
            waiting.set()
            assert go.wait(120)
        passed(name, folder)

    def publish() -> None:
        try:
            api.resume(first)
        except PublishError as error:
            failed.append(str(error))

    patched.setattr(faults, "point", wait)
    thread = threading.Thread(target=publish, name="first")
    thread.start()
    assert waiting.wait(120)
    try:
        yield failed
    finally:
        go.set()
        thread.join()


def about_to_publish(spark: SparkSession, ready: Path, folder: Path, out: Path | str, format_: str = "parquet") -> Run:
    """A copy of a run whose stages are done but the last, under its folder's name and with another target.

    It counts as compared with what is current there.
    """
    shutil.copytree(ready, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["run_id"] = manifest["plan"]["run_id"] = folder.name
    manifest["plan"]["output"] |= {"path": str(out), "format": format_}
    manifest["plan"]["work"] = str(folder.parent)
    manifest["facts"]["readers_have"] = ReleaseRepository(out).current()
    manifest["facts"]["readers_may_hold"] = sorted(ReleaseRepository(out).published())
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return Run(spark, RunStore.open(folder), Progress(quiet=True))


def by_this_process(_: object, task: Task, count: int) -> dict[str, dict[str, Any]]:
    """In place of `copies.by_tasks`: tasks of the session of tests do not know a server that was begun after it."""
    if not count:
        return {}
    done = pa.Table.from_batches(task(iter([pa.RecordBatch.from_pydict({"id": list(range(count))})])))
    return {row.pop("name"): row for row in done.to_pylist()}
