"""The files of an audited table, copied to a published root and compared with what was audited.

To a folder of this machine they are copied by this process. To a store they are put by tasks, each of which
takes some files: no byte of them comes by the driver, and a file is there whole or not at all. What is there then is
read back, and its SHA-256 must be the one that was taken when the table was written.
"""

from typing import Any

from synth_spark.errors import PublishError
from synth_spark.schema.tables import Kept
from synth_spark.storage.local_places import LocalPlace
from synth_spark.storage.places import Place, place
from synth_spark.storage.runs import copies


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
    if isinstance(target, LocalPlace):
        source = place(kept.folder.address)
        for to, name in names.items():
            copies.copy(source, name, target, to)
        files = {to: copies.about(target, to) for to in names}
    else:
        task = copies.sending(kept.folder.address, target.address, list(names.items()))
        files = copies.by_tasks(kept.spark, task, len(names))
    for to, name in names.items():
        if files[to]["sha256"] != kept.hashes[name]:
            problem = "is not what was audited, or was torn while it was copied"
            raise PublishError(f"table {kept.table.name}", problem, "run again: synth-spark resume RUN")
    return files
