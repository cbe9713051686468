"""Files of tables, copied and hashed; for a store by tasks: no byte of them comes by the process that asks for it.

Between two folders of one store the store itself copies. Else a task has the file on its own disk meanwhile. What is
there then is read back.
"""

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from synth_spark.errors import RunError
from synth_spark.storage.local_places import LocalPlace
from synth_spark.storage.places import Place, place

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Most tasks that copy, or hash, the files of a table.
_TASKS = 64
_ABOUT = "name string, sha256 string, bytes bigint"

Task = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def by_tasks(spark: "SparkSession", task: Task, count: int) -> dict[str, dict[str, Any]]:
    """Let tasks do something with files, some each.

    Args:
        spark: the session.
        task: numbers of files → names, SHA-256 and bytes.
        count: how many files there are.

    Returns:
        SHA-256 and bytes of each file, by name.
    """
    if not count:
        return {}
    numbers = spark.range(0, count, 1, min(count, _TASKS))
    rows = numbers.mapInArrow(task, _ABOUT).toArrow().to_pylist()
    return {row["name"]: {"sha256": row["sha256"], "bytes": row["bytes"]} for row in rows}


def sending(source: str, target: str, names: Sequence[tuple[str, str]]) -> Task:
    """A task that copies files.

    Args:
        source: address of the folder that they are in.
        target: address of the folder that they go to.
        names: of each file there, and here.
    """

    def send(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        here, there = place(source), place(target)
        for batch in batches:
            for at in batch.column(0).to_pylist():
                to, name = names[at]
                copy(here, name, there, to)
                yield _about(there, to)

    return send


def hashing(folder: str, names: Sequence[str]) -> Task:
    """A task that hashes files.

    Args:
        folder: address of the folder that they are in.
        names: theirs.
    """

    def look(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        there = place(folder)
        for batch in batches:
            for at in batch.column(0).to_pylist():
                yield _about(there, names[at])

    return look


def hashes(spark: "SparkSession", folder: str, names: Collection[str]) -> dict[str, str]:
    """SHA-256 of files, taken by tasks.

    Args:
        spark: the session.
        folder: address of the folder that they are in.
        names: theirs.
    """
    return hashes_of(by_tasks(spark, hashing(folder, sorted(names)), len(names)))


def hashes_of(files: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """SHA-256 of files of which more is told."""
    return {name: about["sha256"] for name, about in files.items()}


def copied(spark: "SparkSession", source: str, target: Place, names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Copy files: to a folder of this machine by this process, which sees it; to a store by tasks, some each.

    A file is there whole or not at all, and is read back by who copied it.

    Args:
        spark: the session.
        source: address of the folder that they are in.
        target: the folder that they go to.
        names: of each file there → in the source.

    Returns:
        SHA-256 and bytes of each file, as it is there.

    Raises:
        RunError: a file is not there, or a folder refuses.
    """
    if not isinstance(target, LocalPlace):
        return by_tasks(spark, sending(source, target.address, list(names.items())), len(names))
    here = place(source)
    for to, name in names.items():
        copy(here, name, target, to)
    return {to: about(target, to) for to in names}


def copy(source: Place, name: str, target: Place, to: str) -> None:
    """Copy a file, whole or not at all.

    Args:
        source: the folder that it is in.
        name: its name there.
        target: the folder that it goes to.
        to: its name there.

    Raises:
        RunError: it is not there, or a folder refuses.
    """
    if isinstance(source, LocalPlace):
        return target.upload(source.folder / name, to)
    if target.copy_from(source, name, to):
        return None
    with tempfile.TemporaryDirectory(prefix="synth-spark-") as folder:
        file = Path(folder) / "file"
        if not source.download(name, file):
            raise RunError(source.address, "does not hold a file that was written there", "run its stage again")
        return target.upload(file, to)


def about(folder: Place, name: str) -> dict[str, Any]:
    """SHA-256 and bytes of a file, read back; of one that is not there nothing is the same."""
    digest, size = folder.digest(name) or ("", 0)
    return {"sha256": digest, "bytes": size}


def _about(folder: Place, name: str) -> pa.RecordBatch:
    found = about(folder, name)
    arrays = [pa.array([name]), pa.array([found["sha256"]]), pa.array([found["bytes"]], pa.int64())]
    return pa.RecordBatch.from_arrays(arrays, names=["name", "sha256", "bytes"])
