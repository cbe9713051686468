"""The files of an audited table, copied to a published root and compared with what was audited.

Who copies them is said in `storage.runs.copies`. What is there then is read back, and its SHA-256 must be the one that
was taken when the table was written.
"""

from typing import Any

from synth_spark.errors import PublishError
from synth_spark.schema.tables import Kept
from synth_spark.storage.places import Place
from synth_spark.storage.runs import copies


def names_of(kept: Kept) -> dict[str, str]:
    """The files of a table: their names in a published root → in the run folder."""
    return {f"part-{at:05d}.parquet": name for at, name in enumerate(sorted(kept.files))}


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
    names = names_of(kept)
    files = copies.copied(kept.spark, kept.folder.address, target, names)
    for to, name in names.items():
        if files[to]["sha256"] != kept.hashes[name]:
            problem = "is not what was audited, or was torn while it was copied"
            raise PublishError(f"table {kept.table.name}", problem, "run again: synth-spark resume RUN")
    return files
