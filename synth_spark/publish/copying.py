"""The files of an audited table, copied to a published root and compared with what was audited.

To a folder of this machine they are copied by this process. To a store they are put by tasks, each of which
takes some files: no byte of them comes by the driver, and a file is there whole or not at all. What is there then is
read back.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from synth_spark.errors import PublishError
from synth_spark.schema.tables import Kept
from synth_spark.storage.local_places import LocalPlace
from synth_spark.storage.places import Place, place

#: Most tasks that put files in a store.
_TASKS = 64
_SENT = "name string, sha256 string, bytes bigint"


def copied(kept: Kept, target: Place) -> dict[str, dict[str, Any]]:
    """Copy the files of a table; their hashes and sizes, by their names there.

    Args:
        kept: the table, as audited.
        target: the folder that they go to; what a publication that was killed has left in it is removed.

    Raises:
        PublishError: a file is not what was audited.
        RunError: the folder cannot be written.
    """
    target.delete_folder()
    names = {f"part-{at:05d}.parquet": name for at, name in enumerate(sorted(kept.files))}
    files = _here(kept, target, names) if isinstance(target, LocalPlace) else by_tasks(kept, target, names)
    for name, source in names.items():
        if files[name]["sha256"] != kept.files[source]:
            problem = "is not what was audited, or was torn while it was copied"
            raise PublishError(f"table {kept.table.name}", problem, "run again: synth-spark resume RUN")
    return files


def _here(kept: Kept, target: LocalPlace, names: dict[str, str]) -> dict[str, dict[str, Any]]:
    for name, source in names.items():
        target.upload(kept.path / source, name)
    return {name: _about(target, name) for name in names}


def by_tasks(kept: Kept, target: Place, names: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Copy files by tasks.

    Args:
        kept: the table.
        target: the folder that they go to.
        names: of each file there → here.

    Returns:
        SHA-256 and bytes of each, as read back.
    """
    numbers = kept.spark.range(0, len(names), 1, min(len(names), _TASKS))
    rows = numbers.mapInArrow(sending(kept.path, target.address, list(names.items())), _SENT).toArrow().to_pylist()
    return {row["name"]: {"sha256": row["sha256"], "bytes": row["bytes"]} for row in rows}


def sending(
    folder: Path, address: str, names: list[tuple[str, str]]
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What a task does: numbers of files → what it sent.

    Args:
        folder: where the files are.
        address: of the folder that they go to.
        names: of each file there, and here.
    """

    def send(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        target = place(address)
        for batch in batches:
            for at in batch.column(0).to_pylist():
                name, source = names[at]
                target.upload(folder / source, name)
                about = _about(target, name)
                arrays = [pa.array([name]), pa.array([about["sha256"]]), pa.array([about["bytes"]], pa.int64())]
                yield pa.RecordBatch.from_arrays(arrays, names=["name", "sha256", "bytes"])

    return send


def _about(target: Place, name: str) -> dict[str, Any]:
    """What is there, read back."""
    digest, size = target.digest(name) or ("", 0)
    return {"sha256": digest, "bytes": size}
