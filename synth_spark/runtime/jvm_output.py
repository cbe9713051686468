"""What a JVM says on standard error, heard by the process that started it: passed on, but for what needs no saying.

On every start Java warns of a module that Spark's launcher asks for, and has no switch for that. All else is heard: it
is passed on at once, or its last lines are kept and told if the command fails (`tell_kept`). What is said by a JVM that
does not start is always passed on; only then, too, the packages that Spark's launcher found. This process's own
standard error stays as it is.
"""

import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from synth_spark.errors import EngineError
from synth_spark.runtime import logs

#: Lines that every JVM says that Spark starts.
NEEDLESS = frozenset({b"WARNING: Using incubator modules: jdk.incubator.vector"})
#: Lines with which Spark's launcher tells which packages it found: Delta's are a hundred.
_RESOLUTION = re.compile(
    rb"::|Ivy Default Cache|The jars for the packages|downloading |\S+ added as a (?:dependency|remote repository)"
)
#: A line that no JVM says: this process writes it after what has been said.
_MARK = b"\0heard\0\n"
#: Lines that are kept of what was not passed on.
_LAST = 60
#: Seconds to wait for a standard error that takes nothing.
_PATIENCE = 5.0


class Ear:
    """Hears the standard error of a process, line by line, in a thread of its own.

    Attributes:
        end: what is to be the process's standard error: the end of a pipe that is written to.
    """

    def __init__(self, tell: Callable[[bytes, bool], None], held: bool = False, kept: bool = False) -> None:
        """Begin to hear.

        Args:
            tell: takes a line, and whether it was said before `let_go`.
            held: whether lines are held back until then.
            kept: whether those that are said later are kept for `tell_kept`; a log of lines of JSON gets them anyway.
        """
        self._tell, self._starting, self._kept = tell, True, kept
        self._last: deque[bytes] = deque(maxlen=_LAST)
        self._held: list[bytes] | None = [] if held else None
        self._aside: list[bytes] = []
        self._resolving = False
        self._caught_up = threading.Event()
        ears, self.end = os.pipe()
        threading.Thread(target=self._listen, args=(ears,), daemon=True).start()

    def catch_up(self) -> None:
        """Return once all output so far is printed, or held back."""
        self._caught_up.clear()
        os.write(self.end, _MARK)
        self._caught_up.wait(_PATIENCE)

    def let_go(self, shown: bool) -> None:
        """Hold nothing back any more; what was held back, and which packages were found, is printed, or dropped."""
        self.catch_up()
        held, self._held = [*self._aside, *(self._held or [])], None
        for line in held if shown else ():
            self._tell(line, True)
        self._starting = False

    def tell_kept(self) -> None:
        """Pass on the last lines that were kept."""
        self.catch_up()
        while self._last:
            self._tell(self._last.popleft(), False)

    def _listen(self, ears: int) -> None:
        with open(ears, "rb") as stream:
            for line in stream:
                words = line.removesuffix(_MARK)
                if words and words.rstrip(b"\r\n") not in NEEDLESS:
                    self._take(words)
                if words != line:
                    self._caught_up.set()

    def _take(self, line: bytes) -> None:
        found = _RESOLUTION.match(line) is not None or (self._resolving and line.startswith(b"\t"))
        self._resolving = self._starting and found
        if self._held is not None:
            self._held.append(line)
        elif self._resolving:
            self._aside.append(line)
        elif self._kept and not logs.is_json():
            self._last.append(line)
        else:
            self._tell(line, self._starting)


_EARS: list[Ear] = []


@contextmanager
def heard(quiet: bool = False, kept: bool = False) -> Iterator[None]:
    """Hear the JVM that PySpark starts for the body, as long as that lives.

    Args:
        quiet: whether its output while it starts is printed only if it does not start.
        kept: whether its output later is printed only by `tell_kept`.

    Raises:
        EngineError: it did not start; its output has been printed.
    """
    from pyspark.errors import PySparkRuntimeError

    context: Any = import_module("pyspark.core.context")
    plain, before = context.launch_gateway, len(_EARS)

    def launch(conf: Any = None) -> Any:
        _EARS.append(Ear(logs.pass_on, held=quiet, kept=kept))
        return plain(conf, {"stderr": _EARS[-1].end})

    started = False
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # else one that is there is taken
        context.launch_gateway = launch
    try:
        yield
        started = True
    except PySparkRuntimeError as error:
        if error.getCondition() != "JAVA_GATEWAY_EXITED":
            raise
        raise EngineError("java", "ended before Spark had started", "see what it says above") from None
    finally:
        context.launch_gateway = plain
        for ear in _EARS[before:]:
            ear.let_go(shown=not started)


def catch_up() -> None:
    """Return once all output of the JVMs of this process is printed."""
    for ear in _EARS:
        ear.catch_up()


def tell_kept() -> None:
    """Print the last lines of what the JVMs of this process said, where they were kept."""
    for ear in _EARS:
        ear.tell_kept()
