"""Small files written so that readers see the old content or the new, and what is said of a disk that refuses."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from synth_spark.errors import RunError

#: Links are not followed where a file is written; Windows does not know how to ask for that.
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


def write_atomically(file: Path, content: str | bytes) -> None:
    """Replace a small file in one step: readers see the old content or the new, never a part."""
    write_unfinished(file, content).replace(file)


def unfinished_name(name: str) -> str:
    """What a file of this machine is called while it is written.

    >>> unfinished_name("run.md")
    '.run.md.unfinished'
    """
    return f".{name}.unfinished"


def write_unfinished(file: Path, content: str | bytes) -> Path:
    """Write what is to replace a small file under a hidden name beside it, down to the disk; returns its path.

    A link of that name is replaced, and what it leads to is left as it is. What a full disk took a part of is removed.
    """
    unfinished = file.with_name(unfinished_name(file.name))
    if unfinished.is_symlink():
        unfinished.unlink()
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _NOFOLLOW, 0o666)
    try:
        with open(handle, "wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
        raise
    return unfinished


def sync_folder(folder: Path) -> None:
    """Bring names in a folder down to the disk, where the file system does that for folders."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def remove_others(folder: Path, suffix: str) -> None:
    """Remove files that are not of a kind: checksums and marks that whoever wrote a folder put beside its files."""
    for file in folder.iterdir():
        if file.is_file() and file.suffix != suffix:
            file.unlink()


@contextmanager
def disk_errors(what: str) -> Iterator[None]:
    """A disk that is full, or refuses, as an error of one line.

    Raises:
        RunError: it is, or does.
    """
    remedy = "free space or mend permissions, then: synth-spark resume RUN"
    try:
        yield
    except ConnectionError:  # of Spark, not of the disk
        raise
    except OSError as error:
        raise RunError("work", f"could not be written: {what} ({error.strerror})", remedy) from None
    except Exception as error:  # Spark wraps it, and in more than one way
        if os.strerror(errno.ENOSPC) not in str(error):
            raise
        problem = f"could not be written: {what} ({os.strerror(errno.ENOSPC)}, here or in Spark's local folders)"
        raise RunError("work", problem, remedy) from None
