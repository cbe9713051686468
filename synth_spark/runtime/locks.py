"""Locks on files, which the operating system lets go with the process that holds them.

Linux and macOS have them, on most file systems. Windows has none: there a file cannot be locked, as on a file system
without locks, and whoever asks for a lock does without or refuses the work, as it would there.
"""

import errno
from typing import IO, Any

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None  # type: ignore[assignment]


def lock(file: int | IO[Any], wait: bool = True) -> None:
    """Take the only lock on an open file, until it is closed.

    Args:
        file: the file, or its number.
        wait: whether to wait while another process holds the lock.

    Raises:
        BlockingIOError: another process holds it, and nobody waits.
        OSError: the file system, or the operating system, has no locks.
    """
    if fcntl is None:
        raise OSError(errno.ENOTSUP, "this operating system has no locks on files")
    fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
