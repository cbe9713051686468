"""Who writes to a published root of this machine: told to others at once. It decides nothing; commits do."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from synth_spark.errors import PublishError
from synth_spark.runtime import faults
from synth_spark.runtime.locks import lock

_LOCK = ".publishing"


@contextmanager
def locked(folder: Path, who: str) -> Iterator[bool]:
    """Be the only writer of a folder on this machine; the operating system releases that when the process ends.

    Args:
        folder: the published root; it is there.
        who: the run that is published, or what else is done; shown to others who want to write meanwhile.

    Yields:
        Whether the file system has locks: then nobody else on this machine writes, and what is marked as begun here
        has ended.

    Raises:
        PublishError: somebody else is writing, or the root cannot be written.
    """
    try:
        stream = (folder / _LOCK).open("a+b", buffering=0)  # nothing is left to be written on closing
    except OSError as error:
        raise PublishError("output.path", f"cannot be written ({error.strerror})", "choose another folder") from None
    with stream:
        try:
            lock(stream, wait=False)
            has_locks = True
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read(200).decode(errors="replace").strip() or "another process"
            remedy = "publish this one afterwards: synth-spark resume RUN"
            raise PublishError("output.path", f"is being written by {holder}", remedy) from None
        except OSError:
            has_locks = False
        with suppress(OSError):  # a full disk: who holds the lock is not written, but it is held
            stream.truncate(0)
            stream.write(f"{who} on {platform.node()} since {faults.now():%Y-%m-%d %H:%M:%S} UTC".encode())
        try:
            yield has_locks
        finally:
            with suppress(OSError):
                stream.truncate(0)
