"""Private folders for what a local session writes down besides tables: shuffled rows, spilled rows, Java's own files.

Spark makes its folders as open as the umask is, and by default in the system's temporary folder. So a process that
starts a local session makes folders of its own, with permissions 0700, and Spark makes its folders in these. They are
removed when the session ends, or with the process. Of a process that was killed they are left; whoever makes, or
purges, something in the same place next removes them. A lock that the operating system lets go tells the dead from
the living.
"""

import atexit
import os
import shutil
import tempfile
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

from synth_spark.runtime import locks
from synth_spark.runtime.environment import variable

#: Where Spark takes its folders from before it looks at its settings; commas between.
VARIABLE = "SPARK_LOCAL_DIRS"
_PREFIX, _LOCK = ".spark-", "lock"


@dataclass(frozen=True)
class Scratch:
    """The private folders of a process.

    Attributes:
        local: for what Spark shuffles and spills.
        temporary: for what Java writes to its temporary folder; programs can be loaded from there.
    """

    local: tuple[Path, ...]
    temporary: Path

    @property
    def folders(self) -> tuple[Path, ...]:
        """All of them."""
        return (*self.local, self.temporary)


#: Those of this process, once they are made, the folder of `private_folder`, and the locks that say that it lives.
_MADE: list[Scratch] = []
_ONES: list[Path] = []
_LOCKS: list[int] = []


def scratch(place: Path | None = None) -> Scratch:
    """The private folders of this process; they are made when they are first asked for.

    Args:
        place: in which folder rows go, unless ``SPARK_LOCAL_DIRS`` names others; default: the system's temporary one,
            also if none can be made in that folder, or Spark would take its path for several.
    """
    if not _MADE:
        system = Path(tempfile.gettempdir())
        named = [Path(one) for one in os.environ.get(VARIABLE, "").split(",") if one]
        places = named or [place.absolute() if place is not None and "," not in str(place.absolute()) else system]
        _MADE.append(Scratch(tuple(_folder(one, system) for one in places), _folder(system, system)))
        atexit.register(remove, os.getpid())
    return _MADE[0]


def private_folder() -> Path:
    """The folder of this process for what nobody has named a place for: in the system's temporary folder, made once.

    It is for this user alone, and is removed with the process, whatever was put into it. Of a process that was killed
    it is left, and whoever makes private folders in the same place next removes it.
    """
    if not _ONES:
        system = Path(tempfile.gettempdir())
        _ONES.append(_folder(system, system))
        atexit.register(remove, os.getpid())
    return _ONES[0]


def told_to_java(private: Scratch) -> AbstractContextManager[None]:
    """What is started in the body finds the private folders in its environment, if others were named there."""
    return variable(VARIABLE, ",".join(map(str, private.local)) if VARIABLE in os.environ else None)


def remove(process: int | None = None) -> None:
    """Remove the private folders of this process.

    Args:
        process: whose they are; in a fork of it nothing is done. Default: this process.
    """
    if process is not None and process != os.getpid():
        return
    while _MADE:
        for folder in _MADE.pop().folders:
            shutil.rmtree(folder, ignore_errors=True)
    while _ONES:
        shutil.rmtree(_ONES.pop(), ignore_errors=True)
    while _LOCKS:
        os.close(_LOCKS.pop())


def sweep(place: Path) -> list[Path]:
    """Remove the private folders in a place that processes which were killed have left; returns which."""
    left = [folder for folder in place.glob(f"{_PREFIX}*") if not folder.is_symlink() and _is_left(folder)]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return left


def _folder(place: Path, otherwise: Path) -> Path:
    """A new folder for this user alone, with a lock; what others have left beside it is removed."""
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    except OSError:
        place = otherwise
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    handle = os.open(folder / f"{_LOCK}.new", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with suppress(OSError):  # a file system without locks: then nobody removes it but this process
        locks.lock(handle, wait=False)
        (folder / f"{_LOCK}.new").rename(folder / _LOCK)  # whoever sees it finds it taken
    _LOCKS.append(handle)
    with suppress(OSError):
        sweep(place)
    return folder


def _is_left(folder: Path) -> bool:
    """Whether the process that made a folder has ended; of another user's folder, and where locks tell nothing, not."""
    try:
        if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
            return False
        handle = os.open(folder / _LOCK, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return False
    try:
        locks.lock(handle, wait=False)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True
