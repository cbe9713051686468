"""Files that are written at the end, or beside the work: whether they can be is known before it."""

import tempfile
from pathlib import Path

from synth_spark.errors import SynthSparkError


def check_writable(file: Path, field: str, error: type[SynthSparkError]) -> None:
    """Refuse, before any work, a file that could not be written; nothing is made, and nothing stays.

    Folders that are not there yet are no reason to refuse: who writes makes them (`make_folder_of`).

    Args:
        file: the file; neither it nor its folder need exist.
        field: what it is, for the message.
        error: the class of the error.

    Raises:
        SynthSparkError: it is a folder, or its folder cannot be made or written.
    """
    if file.is_dir():
        raise error(field, "is a folder", "give the name of a file")
    folder = file.absolute().parent
    try:
        while not folder.exists():
            folder = folder.parent
        with tempfile.TemporaryFile(dir=folder):
            pass
        if file.exists():
            file.open("ab").close()
    except OSError as failed:
        raise error(field, f"cannot be written ({failed.strerror})", "give another path, or mend permissions") from None


def make_folder_of(file: Path) -> None:
    """Make the folder of a file that stays inside, and those above it; those that are made are their owner's alone."""
    missing = [folder for folder in reversed(file.absolute().parents) if not folder.exists()]
    for folder in missing:
        folder.mkdir(mode=0o700, exist_ok=True)
