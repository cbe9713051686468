"""Structured logs: one JSON object a line, for what watches runs. Python's ``logging``, logger ``synth_spark``.

Every line holds ``time`` (UTC), ``level``, ``event`` and what the event is about: names, seconds, and rows of tables
that may be published. Exact numbers of sensitive rows, values and tracebacks are never part of one. Without `written`,
events go wherever the process sends its logs.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from synth_spark.errors import PlanError
from synth_spark.runtime.writable import check_writable, make_folder_of

_LOGGER = logging.getLogger("synth_spark")
_LOGGER.addHandler(logging.NullHandler())  # else Python prints warnings itself where nobody set up logging


class JsonLines(logging.Formatter):
    """A log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without what was raised, or what a library says of itself: both may quote data."""
        own = record.name == _LOGGER.name
        about = {"text": record.getMessage()} if own else {"logger": record.name}
        content = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", "message" if own else "library"),
            **getattr(record, "about", about),
        }
        return json.dumps(content, ensure_ascii=False, default=str)


def event(name: str, level: int = logging.INFO, **about: Any) -> None:
    """Log an event.

    Args:
        name: what happened: ``run_started``, ``stage_finished``, ``table_kept``, …
        level: of `logging`.
        about: names and numbers; what is None is left out. Never a value of a record.
    """
    given = {key: value for key, value in about.items() if value is not None}
    text = " ".join([name, *(f"{key}={value}" for key, value in given.items())])
    _LOGGER.log(level, text, extra={"event": name, "about": given})


def is_json() -> bool:
    """Whether standard error is lines of JSON, by which libraries are heard, too."""
    return any(isinstance(handler.formatter, JsonLines) for handler in logging.getLogger().handlers)


def pass_on(line: bytes, with_words: bool = False) -> None:
    """Tell a line that a JVM wrote to its standard error: as it is, or, where that is JSON, as one of library ``java``.

    Args:
        line: what it wrote.
        with_words: whether JSON repeats it; what was said before any record was read cannot quote one.
    """
    if not is_json():
        with suppress(OSError):  # a standard error that is closed
            while line:
                line = line[os.write(2, line) :]
    elif with_words:
        event("java", logging.ERROR, text=line.decode(errors="replace").rstrip())
    else:
        logging.getLogger("java").warning("said something")


class _Libraries(logging.StreamHandler):  # type: ignore[type-arg]  # of any stream
    """Prints what libraries warn of, as Python does where nobody set up logging; but not what py4j says of itself.

    Where a command is interrupted py4j logs the stack of its connection. Without a handler it would also set one up.
    """

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setLevel(logging.WARNING)

    def filter(self, record: logging.LogRecord) -> bool:
        own, py4j = record.name.startswith("synth_spark"), "py4j" in Path(record.pathname).parts
        return not own and not py4j and bool(super().filter(record))


class _LogFile(logging.FileHandler):
    """A log file that never ends the work: once it cannot be written that is told, and the rest of it is dropped."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, encoding="utf-8")
        self._lost = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self._lost:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002  # the name is logging's
        """Tell that the file is lost, once, instead of printing where the work is."""
        self._lose(sys.exc_info()[1])

    def close(self) -> None:
        """Close the file; what it still holds may not be written either."""
        try:
            super().close()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: BaseException | None) -> None:
        if self._lost:
            return
        self._lost = True
        text = f"the log file could not be written ({getattr(error, 'strerror', None) or type(error).__name__})"
        if is_json():
            event("note", logging.WARNING, text=text)
        else:
            sys.stderr.write(f"synth-spark: {text}; the rest of it is dropped\n")


@contextmanager
def as_they_were() -> Iterator[None]:
    """Keep libraries from setting up the logs of this process while the body runs, where nobody has done so.

    py4j, when it is interrupted, would print its stack, and whatever is logged later would be printed, too.
    """
    root = logging.getLogger()
    if root.handlers:
        yield
        return
    handler = _Libraries()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


@contextmanager
def written(as_json: bool = False, file: str | None = None, quiet: bool = False) -> Iterator[None]:
    """Write events as lines of JSON, while the body runs.

    Args:
        as_json: whether to standard error, where libraries then are heard as such lines, too, by their names alone.
        file: a file that they are added to, too.
        quiet: whether standard error gets warnings and errors alone.

    Raises:
        PlanError: the file cannot be written.
    """
    handlers: list[logging.Handler] = []
    if as_json:
        handlers.append(logging.StreamHandler(sys.stderr))
        handlers[0].setLevel(logging.WARNING if quiet else logging.INFO)
    if file is not None:
        try:
            check_writable(Path(file), "--log-file", PlanError)
            make_folder_of(Path(file))
            handlers.append(_LogFile(Path(file)))
        except OSError as error:
            raise PlanError("--log-file", f"cannot be written ({error.strerror})", "give another file") from None
    level, passed_on = _LOGGER.level, _LOGGER.propagate
    for handler in handlers:
        handler.setFormatter(JsonLines())
        _LOGGER.addHandler(handler)
    libraries = [handlers[0]] if as_json else [_Libraries()]
    for handler in libraries:  # else Python prints what they say, and warn of, as it is
        logging.getLogger().addHandler(handler)
        logging.captureWarnings(as_json)
    if handlers:
        _LOGGER.setLevel(logging.INFO)
        _LOGGER.propagate = not as_json  # else a line could be on standard error twice
    try:
        yield
    finally:
        _LOGGER.setLevel(level)
        _LOGGER.propagate = passed_on
        for handler in libraries:
            logging.getLogger().removeHandler(handler)
            logging.captureWarnings(False)
        for handler in handlers:
            _LOGGER.removeHandler(handler)
            handler.close()
