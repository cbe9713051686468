"""The records of a CSV file as texts, whatever its packing, encoding and line ends; and a look at a whole file."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from synth_spark.errors import InputError
from synth_spark.kernels import csv_records as kernel
from synth_spark.kernels import csv_state
from synth_spark.kernels.csv_state import State
from synth_spark.plan.sources.delimited.fields import LAYOUT
from synth_spark.plan.sources.delimited.text import table_texts
from synth_spark.plan.sources.layout import CsvFile, Dialect
from synth_spark.plan.sources.unpacking import CHUNK

_CHECKED = "look at the quotes there, set input.quote or input.escape, or set input.multiline for quoted line breaks"

#: Bytes that a look takes at a time: few enough to stay near the processor from the first step to the last.
_LOOK = 1 << 16
#: Bytes of the longest record that is looked for its end.
_LONGEST = 1 << 28


def records(file: CsvFile, dialect: Dialect, width: int = 0, chunk: int = CHUNK) -> Iterator[pa.StringArray]:
    """The records of a file without those that are skipped, piece by piece; blank lines are no records.

    Args:
        file: the file.
        dialect: how its records are written.
        width: how many fields every record has; 0 if that is not looked at.
        chunk: bytes that a piece is made of.

    Raises:
        InputError: it cannot be read to its end, holds a byte that is not of the encoding, or quotes that leave open
            where a record ends.
    """
    scan = _Scan(file, dialect, width)
    left, skipped = b"", 0
    for text in table_texts(file, dialect.codec, chunk):
        data = text.encode()
        ends, filled = scan.go_on(text, data)
        whole = left + data
        places = np.concatenate([[0], ends + len(left)]).astype(np.int64)
        left = whole[places[-1] :]
        if len(left) > _LONGEST:
            problem = "has a record of more than {megabytes} megabytes"
            raise InputError(f"file '{file.name}'", problem, _CHECKED, {"megabytes": _LONGEST >> 20})
        rows, skipped = _some(_sliced(whole, places), filled, skipped, file.skipped)
        if len(rows):
            yield rows
    filled_last = scan.finish()
    if left:
        rows, _ = _some(pa.array([left.decode()], pa.string()), np.array([filled_last]), skipped, file.skipped)
        yield rows


def examine(file: CsvFile, dialect: Dialect, width: int = 0) -> None:
    """Look at a whole file; where no quote is in it, only its bytes are looked at.

    Args:
        file: the file.
        dialect: how its records are written.
        width: how many fields every record has; 0 if that is not looked at.

    Raises:
        InputError: as `records` does.
    """
    try:
        _walk(file, dialect, width, passing=width == 0)
    except InputError:
        _walk(file, dialect, width, passing=False)  # which counts the lines of all that was passed by, too
        raise


def _walk(file: CsvFile, dialect: Dialect, width: int, passing: bool) -> None:
    """Go through a file; with or without passing by what has no quotes in it, of which no lines are counted."""
    scan = _Scan(file, dialect, width)
    for text in table_texts(file, dialect.codec, _LOOK):
        if passing and not (scan.is_inside or dialect.quote in text or dialect.escape in text):
            scan.pass_by(text)
        else:
            scan.go_on(text, text.encode(), telling=False)
    scan.finish()


class _Scan:
    """A walk through a file by `kernel.find_ends`."""

    def __init__(self, file: CsvFile, dialect: Dialect, width: int) -> None:
        self._file, self._dialect, self._width = file, dialect, width
        self._state = csv_state.begin()
        self._state[csv_state.LINES] = int(file.separated)
        signs = dialect.delimiter + dialect.quote + dialect.escape
        self._wide = not signs.isascii()
        self._signs = np.array([ord(sign) for sign in signs], np.int64)

    def go_on(self, text: str, data: bytes, telling: bool = True) -> tuple[State, np.ndarray]:
        """Where records end in the bytes of a text, and which of them are more than blanks; nothing if not telling."""
        units = np.frombuffer(text.encode("utf-32-le"), np.uint32) if self._wide else np.frombuffer(data, np.uint8)
        lines = int(np.count_nonzero(units == 10) + np.count_nonzero(units == 13)) if telling else 0
        ends, filled = np.zeros(lines, np.int64), np.zeros(lines, np.bool_)
        found, fault = kernel.find_ends(
            units, kernel.words_of(units), self._state, self._signs, self._dialect.multiline, self._width, ends, filled
        )
        if fault != kernel.FINE:
            raise self._error(fault)
        ends = ends[:found]
        if self._wide and len(ends):
            sizes = 1 + (units >= 0x80).astype(np.int64) + (units >= 0x800) + (units >= 0x10000)
            ends = np.cumsum(sizes)[ends - 1]
        return ends, filled[:found]

    def pass_by(self, text: str) -> None:
        """Go over a text without quotes, which begins outside of quotes."""
        line = text[max(text.rfind("\n"), text.rfind("\r")) + 1 :]
        field = line.rpartition(self._dialect.delimiter)[2]
        started = field.strip(LAYOUT) != ""
        if started or len(field) < len(text):  # blanks alone leave a field what it was
            self._state[csv_state.PLACE] = csv_state.PLAIN if started else csv_state.START
        self._state[csv_state.RETURNED] = int(text.endswith("\r"))

    @property
    def is_inside(self) -> bool:
        """Whether the last text ended in a quoted value, or right behind one."""
        return int(self._state[csv_state.PLACE]) not in (csv_state.START, csv_state.PLAIN)

    def finish(self) -> bool:
        """End the walk; returns whether what is left without a line end is a record."""
        place, state = int(self._state[csv_state.PLACE]), self._state
        if place in (csv_state.QUOTED, csv_state.ESCAPED):
            problem, line = "has a quote in line {line} that is never closed", int(state[csv_state.OPENED])
            raise InputError(f"file '{self._file.name}'", problem, _CHECKED, {"line": line})
        if place == csv_state.LOOSE:
            raise self._error(kernel.OUTSIDE, last=True)
        if self._width and state[csv_state.FILLED] and state[csv_state.FIELDS] + 1 != self._width:
            raise self._error(kernel.UNEVEN, last=True)
        return bool(state[csv_state.FILLED])

    def _error(self, fault: int, last: bool = False) -> InputError:
        problems = {
            kernel.BROKEN: "has a quoted value in line {line} that its line does not close",
            kernel.BEHIND: "has text behind a closing quote in line {line}",
            kernel.OUTSIDE: "has an escape outside of quotes in line {line}, which some writers mean for the next sign",
            kernel.UNEVEN: "has a row in line {line} with more or fewer fields than its header",
        }
        remedies = {
            kernel.UNEVEN: "check delimiter and quotes",
            kernel.OUTSIDE: "have all values written in quotes, or leave input.escape out if nothing is escaped by it",
        }
        remedy = remedies.get(fault, _CHECKED)
        line = int(self._state[csv_state.LINES]) + (1 if last or fault in (kernel.BEHIND, kernel.OUTSIDE) else 0)
        return InputError(f"file '{self._file.name}'", problems[fault], remedy, {"line": line})


def _sliced(data: bytes, places: np.ndarray) -> pa.StringArray:
    """The texts between places."""
    count = len(places) - 1
    offsets = pa.py_buffer(places.astype(np.int32))
    return pa.Array.from_buffers(pa.string(), count, [None, offsets, pa.py_buffer(data)])


def _some(rows: pa.StringArray, filled: np.ndarray, skipped: int, most: int) -> tuple[pa.StringArray, int]:
    """The records that are more than blanks, without those that are skipped; and how many have been skipped by now."""
    kept = rows.filter(pa.array(filled))
    passed = min(most - skipped, len(kept))
    return kept.slice(passed), skipped + passed
