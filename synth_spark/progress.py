"""How far a run is: one live line on a terminal, plain lines elsewhere; never above 100 %, never a guess."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

#: Answers (tasks done, tasks in all) of what runs now, or None where that is not known.
Probe = Callable[[], tuple[int, int] | None]
#: Seconds between looks, and between lines where there is no terminal.
_LOOK, _LINE = 0.5, 15.0


class Progress:
    """Reports stages to standard error."""

    def __init__(self, probe: Probe = lambda: None, quiet: bool = False) -> None:
        self._probe = probe
        self._console = Console(file=sys.stderr, quiet=quiet, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Print one line."""
        self._console.print(f"{time.strftime('%H:%M:%S')} {text}", markup=False)

    @contextmanager
    def stage(self, name: str, what: str) -> Iterator[None]:
        """Report a stage while its body runs."""
        start, stop = time.monotonic(), threading.Event()
        status = Status("", console=self._console) if self._console.is_terminal else None
        if status:
            status.start()
        else:
            self.say(f"{name}: {what}")
        watcher = threading.Thread(target=self._watch, args=(name, what, start, stop, status), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()
            if status:
                status.stop()
        self.say(
            f"{name}: done in {time.monotonic() - start:.1f} s ({what})"
            if status
            else f"{name}: done in {time.monotonic() - start:.1f} s"
        )

    def _watch(self, name: str, what: str, start: float, stop: threading.Event, status: Status | None) -> None:
        last_line = start
        while not stop.wait(_LOOK):
            now = time.monotonic()
            text = f"{name}: {what}, {describe(self._probe(), now - start)}"
            if status:
                status.update(text)
            elif now - last_line >= _LINE:
                last_line = now
                self.say(text)


def describe(tasks: tuple[int, int] | None, seconds: float) -> str:
    """What can honestly be said of running tasks.

    >>> describe((6, 8), 3.0)
    '6 of 8 tasks (75 %), 2.0 tasks/s, about 1 s left of this step, 3 s'
    >>> describe((9, 8), 3.0)
    '8 of 8 tasks (100 %), 3 s'
    >>> describe(None, 3.0)
    '3 s'
    """
    if tasks is None or tasks[1] == 0:
        return f"{seconds:.0f} s"
    done, total = min(tasks), tasks[1]
    text = f"{done} of {total} tasks ({100 * done // total} %)"
    if 3 <= done < total and seconds > 0:  # fewer say nothing about the rest
        rate = done / seconds
        text += f", {rate:.1f} tasks/s, about {(total - done) / rate:.0f} s left of this step"
    return f"{text}, {seconds:.0f} s"
