"""How far a run is: one live line on a terminal, plain lines elsewhere; never above 100 %, never a guess.

Whatever is said is an event of the structured log, too (`synth_spark.runtime.logs`).
"""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from synth_spark.runtime import logs

if TYPE_CHECKING:
    from rich.console import Console

#: Answers (tasks done, tasks in all) of what runs now, or None where that is not known.
Probe = Callable[[], tuple[int, int] | None]
#: Seconds between looks, and between lines where there is no terminal.
LOOK_EVERY, LINE_EVERY = 0.5, 15.0


class Live(Protocol):
    """What shows one text in the place of the one before."""

    def start(self) -> None:
        """Begin to show."""

    def update(self, status: str) -> None:
        """Show a text."""

    def stop(self) -> None:
        """Show nothing any more."""


class Progress:
    """Reports stages to standard error, and to the structured log.

    Attributes:
        run_id: the run that events are about, once there is one.
    """

    def __init__(
        self, probe: Probe = lambda: None, quiet: bool = False, verbose: bool = False, logged: bool = False
    ) -> None:
        """Begin.

        Args:
            probe: says how far Spark is.
            quiet: whether nothing is printed but warnings.
            verbose: whether the beginning of a stage, and details, are printed, too.
            logged: whether standard error has the structured log: then nothing is printed.
        """
        from rich.console import Console  # a command imports it while the JVM starts

        self.run_id: str | None = None
        self._probe, self._verbose = probe, verbose
        self._console = Console(file=sys.stderr, quiet=quiet or logged, highlight=False, soft_wrap=True)
        loud = Console(file=sys.stderr, quiet=logged, highlight=False, soft_wrap=True)
        self._warnings = loud if quiet else self._console  # one that shows a live line prints above it

    def event(self, name: str, level: int = logging.INFO, **about: Any) -> None:
        """Log an event of the run, and print nothing; see `synth_spark.runtime.logs.event`."""
        logs.event(name, level, run_id=self.run_id, **about)

    def say(self, text: str) -> None:
        """Print one line, and log it as a note."""
        self._print(text)
        self.event("note", text=text)

    def warn(self, text: str) -> None:
        """Print one line, also where little is to be printed, and log it as a note that is a warning."""
        self._print(text, self._warnings)
        self.event("note", logging.WARNING, text=text)

    def detail(self, text: str) -> None:
        """Log a note that is printed only where more than the usual was asked for."""
        if self._verbose:
            self._print(text)
        self.event("note", text=text)

    def _print(self, text: str, console: "Console | None" = None) -> None:
        (console or self._console).print(f"{time.strftime('%H:%M:%S')} {text}", markup=False)

    def live(self) -> "Live | None":
        """What shows how far a stage is while it runs; None where that is told line by line."""
        return self._console.status("") if self._console.is_terminal else None

    @contextmanager
    def stage(self, name: str, what: str) -> Iterator[None]:
        """Report a stage while its body runs."""
        start, stop = time.monotonic(), threading.Event()
        self.event("stage_started", stage=name, what=what)
        status = self.live()
        if status:
            status.start()
        elif self._verbose:
            self._print(f"{name}: {what}")
        watcher = threading.Thread(target=self._watch, args=(name, what, start, stop, status), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()
            if status:
                status.stop()
        seconds = time.monotonic() - start
        self._print(f"{name}: done in {seconds:.1f} s" + ("" if self._verbose and not status else f" ({what})"))
        self.event("stage_finished", stage=name, seconds=round(seconds, 3))

    def _watch(self, name: str, what: str, start: float, stop: threading.Event, status: "Live | None") -> None:
        last_line, step = start, Step()
        while not stop.wait(LOOK_EVERY if status else LINE_EVERY / 3):  # asking costs Spark some work
            now = time.monotonic()
            step = step.seen(self._probe(), now)
            parts = [f"{name}: {what}", step.describe(now), f"{now - start:.0f} s"]
            text = ", ".join(part for part in parts if part)
            if status:
                status.update(text)
            elif now - last_line >= LINE_EVERY:
                last_line = now
                self._print(text)
                done, total = step.tasks or (None, None)
                self.event("stage_running", stage=name, seconds=round(now - start, 1), tasks_done=done, tasks=total)


@dataclass(frozen=True)
class Step:
    """The tasks that run together at a moment: a stage of the line has several such steps, one after the other.

    Attributes:
        tasks: (done, in all); None where that is not known.
        before: how many were done when the step was first seen.
        since: when that was, in seconds.
    """

    tasks: tuple[int, int] | None = None
    before: int = 0
    since: float = 0.0

    def seen(self, tasks: tuple[int, int] | None, now: float) -> "Step":
        """The same step further on, or another one: other tasks in all, or fewer done."""
        if tasks is None or self.tasks is None or tasks[1] != self.tasks[1] or tasks[0] < self.tasks[0]:
            return Step(tasks, tasks[0] if tasks else 0, now)
        return replace(self, tasks=tasks)

    def describe(self, now: float) -> str:
        """What can honestly be said of it.

        >>> Step((2, 12)).seen((8, 12), 3.0).describe(3.0)
        '8 of 12 tasks (66 %), 2.7 tasks/s, about 2 s left of this step'
        >>> Step((9, 8)).describe(3.0)
        '8 of 8 tasks (100 %)'
        >>> Step().describe(3.0)
        ''
        """
        if self.tasks is None or self.tasks[1] == 0:
            return ""
        done, total = min(self.tasks), self.tasks[1]
        text = f"{done} of {total} tasks ({100 * done // total} %)"
        if done - self.before >= 3 and done < total and now > self.since:  # fewer say nothing about the rest
            rate = (done - self.before) / (now - self.since)
            text += f", {rate:.1f} tasks/s, about {(total - done) / rate:.0f} s left of this step"
        return text
