"""The head of a CSV file: its header, looked at before anybody takes it for names, and its first records."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

from synth_spark.errors import InputError
from synth_spark.plan.sources.layout import Dialect
from synth_spark.plan.sources.unpacking import decoding, texts, told_if_torn, unpacked

#: Blanks trimmed from names: ASCII white space, no-break space, byte-order mark.
BLANKS = " \t\n\r\x0b\x0c\u00a0\ufeff"
#: Delimiters that people use.
_DELIMITERS = (",", ";", "\t", "|")
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE | re.DOTALL)
_TRUSTED = "set input.header to true if it has names, or to false with input.names if it has none"
#: What a cell is, if it is no word: kinds that a name hardly ever is of, where its whole column is.
_KINDS: dict[str, re.Pattern[str]] = {
    "year": re.compile(r"(?:19|20)\d\d"),
    "number": re.compile(r"[-+]?\d[\d., ]*(?:[eE][-+]?\d+)?%?"),
    "date": re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[T ]\d{1,2}:\d\d.*)?"),
    "time": re.compile(r"\d{1,2}:\d\d(?::\d\d.*)?"),
}


@contextmanager
def rows_of(path: str, packing: str | None, dialect: Dialect) -> Iterator[Iterator[list[str]]]:
    """The rows of a file as they come, header included; blank lines and a line ``sep=`` are none.

    Args:
        path: of the file.
        packing: of its bytes.
        dialect: how its records are written.

    Raises:
        InputError: it holds a byte that is not of the encoding, cannot be read to its end, or is no CSV.
    """
    csv.field_size_limit(1 << 30)  # a value that is too long is reported by its column, later
    try:
        with told_if_torn(path), unpacked(path, packing) as stream:
            text = io.TextIOWrapper(stream, decoding(dialect.codec), newline="")
            first = text.readline()
            lines = text if _SEPARATOR.fullmatch(first) else chain([first], text)
            rows = csv.reader(
                lines,
                delimiter=dialect.delimiter,
                quotechar=dialect.quote,
                doublequote=dialect.escape == dialect.quote,
                escapechar=None if dialect.escape == dialect.quote else dialect.escape,
                skipinitialspace=dialect.delimiter != " ",
            )
            yield (row for row in rows if len(row) > 1 or (row and row[0].strip(BLANKS)))
    except UnicodeError:
        for _ in texts(path, packing, dialect.codec):  # finds the line
            pass
        raise
    except csv.Error:
        remedy = "check its encoding, the ends of its lines, delimiter and quotes"
        raise InputError(f"file '{Path(path).name}'", "cannot be read as CSV", remedy) from None


def separator(path: str, packing: str | None, dialect: Dialect) -> str | None:
    """The delimiter that a first line ``sep=`` names, as Excel writes it; None where there is no such line."""
    with told_if_torn(path), unpacked(path, packing) as stream:
        first = io.TextIOWrapper(stream, decoding(dialect.codec), errors="replace", newline="").readline(16)
    match = _SEPARATOR.fullmatch(first)
    return None if match is None else match[1]


def first_rows(path: str, packing: str | None, dialect: Dialect, most: int) -> list[list[str]]:
    """The first rows of a file, header included."""
    with rows_of(path, packing, dialect) as rows:
        return list(islice(rows, most))


def check_delimiter(path: str, rows: Sequence[list[str]], dialect: Dialect, split: Callable[[str], int]) -> None:
    """Raise `InputError` where another delimiter cuts rows into columns that the given one leaves whole.

    Args:
        path: of the file.
        rows: its first rows, as the given delimiter cuts them.
        dialect: how its records are said to be written.
        split: a delimiter → the number of columns that it cuts all first rows into; 1 where rows differ.
    """
    if not rows or len(rows[0]) > 1:
        return
    for other in _DELIMITERS:
        if other != dialect.delimiter and other in rows[0][0] and (columns := split(other)) > 1:
            shown = "\\t" if other == "\t" else other
            given = "\\t" if dialect.delimiter == "\t" else dialect.delimiter
            problem = f"has one column by the delimiter '{given}', and {columns} by the delimiter '{shown}'"
            raise InputError(f"file '{Path(path).name}'", problem, f"set input.delimiter to '{shown}'")


def check_is_header(path: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Raise `InputError` for a first row that seems to be a record: it must not become the names of columns.

    Args:
        path: of the file.
        header: its first row.
        rows: those that follow.
    """
    columns = [{row[place].strip(BLANKS) for row in rows if place < len(row)} - {""} for place in range(len(header))]
    own = [place for place, (name, values) in enumerate(zip(header, columns, strict=True), 1) if name in values]
    alike = [place for place, (name, values) in enumerate(zip(header, columns, strict=True), 1) if _alike(name, values)]
    field = f"file '{Path(path).name}'"
    if alike:
        raise InputError(field, f"seems to have no header: column {alike[0]} begins like its values", _TRUSTED)
    if own and 2 * len(own) >= len(header):
        raise InputError(field, f"seems to have no header: column {own[0]} begins with one of its values", _TRUSTED)


def _alike(name: str, values: set[str]) -> bool:
    """Whether a cell is of the kind of which all values below it are, and names are not."""
    kind = _kind(name)
    return kind is not None and bool(values) and all(_kind(value) == kind for value in values)


def _kind(cell: str) -> str | None:
    return next((name for name, pattern in _KINDS.items() if pattern.fullmatch(cell)), None)
