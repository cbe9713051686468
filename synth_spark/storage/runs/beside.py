"""Small files beside the run folders: rows of attempts and of audits, notices of releases that are held."""

from contextlib import suppress
from pathlib import Path

from synth_spark.errors import RunError
from synth_spark.plan.addresses import scheme_of
from synth_spark.storage.files import unfinished_name, write_atomically
from synth_spark.storage.paths import inside, kept_inside
from synth_spark.storage.places import place


def put(work: str, folder: str, name: str, content: bytes) -> None:
    """Put a file there, whole or not at all.

    Args:
        work: the folder of run folders.
        folder: the folder in it; on this machine it is made like it, and like what holds it: for its owner only.
        name: of the file.
        content: what it is to hold.

    Raises:
        RunError: the folder is a link that leads elsewhere, or the store refuses.
        OSError: the disk refuses.
    """
    if scheme_of(work) is not None:
        place(work, private=True).write(f"{folder}/{name}", content)
        return
    there = kept_inside(Path(work), Path(work) / folder, f"work: {folder}", RunError)
    for one in (there.parent, there):
        one.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(there / name, content)


def remove(work: str, folder: str, name: str) -> None:
    """Remove a file, if it is there, and what killed processes have written of it under a hidden name.

    Where the folder is a link that leads elsewhere, nothing is done.

    Args:
        work: the folder of run folders.
        folder: the folder in it.
        name: of the file.
    """
    if scheme_of(work) is not None:
        there = place(work).below(folder)
        there.delete([name])
        there.remove_abandoned(one for one in there.abandoned(alone=True) if one.startswith(f".{name}."))
    elif inside(Path(work), Path(work) / folder):
        with suppress(NotADirectoryError):
            for one in (name, unfinished_name(name)):
                (Path(work) / folder / one).unlink(missing_ok=True)
