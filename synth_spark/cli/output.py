"""Standard output and standard error that never end the work: what nobody takes is dropped.

A reader that has gone (``… | head -1``), a stream that was closed (``>&-``) or a disk that is full says nothing about
the work. So no print, line of progress or line of the log raises an error while `tolerant` holds.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Tolerant:
    """A stream of text whose errors are remembered instead of raised.

    Attributes:
        lost: the first error; from then on everything is dropped.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.lost: Exception | None = None

    def write(self, text: str) -> int:
        """Write a text; characters that the stream cannot hold are written as escapes."""
        if self.lost is None and self._stream is not None:
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                self._stream.write(text.encode("ascii", "backslashreplace").decode("ascii"))
            except (OSError, ValueError) as error:
                self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        if self.lost is None and self._stream is not None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._lose(error)

    @property
    def refused(self) -> bool:
        """Whether something was lost for another reason than that its reader had gone."""
        return self.lost is not None and not isinstance(self.lost, BrokenPipeError)

    def _lose(self, error: Exception) -> None:
        """Remember an error; what the stream still holds goes nowhere, else Python ends with an error of its own."""
        self.lost = error
        with suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def tolerant() -> Iterator[Tolerant]:
    """Make standard output and standard error tolerant while the body runs; gives standard output."""
    before = sys.stdout, sys.stderr
    out, err = Tolerant(sys.stdout), Tolerant(sys.stderr)
    sys.stdout, sys.stderr = out, err  # all that print, rich and logging ask of one
    try:
        yield out
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = before


def open_closed_streams() -> None:
    """Open the null device where the process was given no standard input, output or error.

    Else the next file that is opened would take the number of that stream, and would get what is printed.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free: this one
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w")
