"""How a command ends: an error is one line that quotes no data, and the exit code.

Where standard error is a terminal, the line tells exact numbers of sensitive rows; where it goes to a file or to a
scheduler, which keeps it as a log, it does not.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synth_spark import errors
from synth_spark.errors import SynthSparkError, exit_code, missing_extra
from synth_spark.monitoring.watch import Watch
from synth_spark.runtime import logs
from synth_spark.runtime.engine_failures import engine_failure


def guarded(
    command: Callable[[Watch], None],
    summary: str | None = None,
    as_json: bool = False,
    log_file: str | None = None,
    quiet: bool = False,
) -> int:
    """Do the work of a command, watched and logged.

    Args:
        command: the work; it tells the watch what it works on.
        summary: a file for the summary, besides the one in the run folder: a path, or an address of a store.
        as_json: whether lines of JSON stand on standard error instead of text.
        log_file: a file that gets such lines, too.
        quiet: whether standard error gets errors alone.

    Returns:
        The exit code: 0, or that of the error, which was printed.
    """
    try:
        with logs.written(as_json, log_file, quiet), _terminated() as terminated:
            watch = Watch(summary)
            failed: BaseException | None = None
            try:
                command(watch)
            except (Exception, KeyboardInterrupt) as error:
                # a JVM that was sent SIGTERM as well ends before the work does: what then fails is no failure
                failed = KeyboardInterrupt() if terminated.is_set() else _plain(error)
            if failed is not None and watch.put_in_place():
                if not as_json:
                    print(f"synth-spark: {_after(watch, failed)}", file=sys.stderr)
                failed = None
            _end(watch, failed)
            if failed is None:
                return errors.PUBLISHED
            foreseen = isinstance(failed, (SynthSparkError, KeyboardInterrupt))
            if os.environ.get("SYNTH_SPARK_DEBUG") and not foreseen:
                raise failed
            if not as_json:
                _tell_what_spark_said(failed)
                print(f"synth-spark: {_message(failed, watch.run_id is not None)}", file=sys.stderr)
            return exit_code(failed)
    except SynthSparkError as error:  # there is no place to log or to tell the end
        print(f"synth-spark: {_message(error)}", file=sys.stderr)
        return exit_code(error)


def _plain(error: BaseException) -> BaseException:
    """An error, or the plain reason that the machine gives for it."""
    known = isinstance(error, (SynthSparkError, KeyboardInterrupt))
    return error if known else missing_extra(error) or engine_failure(error) or error


@contextmanager
def _terminated() -> Iterator[threading.Event]:
    """Let SIGTERM, by which schedulers stop what they started, end the work as Ctrl-C does: one line, and resumable.

    Yields what is set once that happened.
    """
    terminated = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield terminated
        return

    def interrupt(*_: Any) -> None:
        if not terminated.is_set():  # a second one would interrupt what ends the work
            terminated.set()
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield terminated
    finally:
        signal.signal(signal.SIGTERM, before)


def _after(watch: Watch, error: BaseException) -> str:
    """What is said of an error that came once the release was in place."""
    what = "was interrupted" if isinstance(error, KeyboardInterrupt) else f"failed ({type(error).__name__})"
    if isinstance(error, SynthSparkError):
        what = f"failed ({error})"
    return f"{watch.run_id} is published; what comes after that {what}; finish it: synth-spark resume RUN"


def _tell_what_spark_said(error: BaseException) -> None:
    """What the JVM said and nobody was told, if it may explain an error."""
    heard = sys.modules.get("synth_spark.runtime.jvm_output")
    if heard is not None and exit_code(error) in (errors.EngineError.exit_code, errors.UNFORESEEN):
        heard.tell_kept()


def _end(watch: Watch, failed: BaseException | None) -> None:
    """Tell everyone how the command ended; what goes wrong with that, or interrupts it, changes nothing."""
    try:
        watch.ended(failed)
    except (Exception, KeyboardInterrupt) as error:
        print(f"synth-spark: the summary could not be written ({type(error).__name__})", file=sys.stderr)


def _message(error: BaseException, of_run: bool = False) -> str:
    if isinstance(error, SynthSparkError):
        if not error.exact:
            return str(error)
        return error.whole() if sys.stderr.isatty() else f"{error} (exact numbers are shown at a terminal alone)"
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; what was kept can be resumed: synth-spark resume RUN"
    where = traceback.extract_tb(error.__traceback__)[-1]  # its text may quote data: it is not shown
    unpublished = "nothing was published; " if of_run else ""
    return (
        f"{type(error).__name__} in {Path(where.filename).name}:{where.lineno}; {unpublished}set "
        "SYNTH_SPARK_DEBUG=1 to see it whole (it may show data)"
    )
