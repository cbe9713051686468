"""The head of a CSV file: its header, looked at before anybody takes it for names, and its first records."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from synth_spark.errors import InputError
from synth_spark.plan.sources.delimited import fields
from synth_spark.plan.sources.delimited.fields import UnsureError
from synth_spark.plan.sources.delimited.text import table_texts
from synth_spark.plan.sources.header import BLANKS
from synth_spark.plan.sources.layout import CsvFile, Dialect

#: Delimiters that people use.
_DELIMITERS = (",", ";", "\t", "|")
#: Bytes that a look at a head takes at a time.
_CHUNK = 1 << 16
_TRUSTED = "set input.header to true if it has names, or to false with input.names if it has none"
#: What a cell is, if it is no word: kinds that a name hardly ever is of, where its whole column is.
_KINDS: dict[str, re.Pattern[str]] = {
    "year": re.compile(r"(?:19|20)\d\d"),
    "number": re.compile(r"[-+]?\d[\d., ]*(?:[eE][-+]?\d+)?%?"),
    "date": re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[T ]\d{1,2}:\d\d.*)?"),
    "time": re.compile(r"\d{1,2}:\d\d(?::\d\d.*)?"),
}


def rows_of(file: CsvFile, dialect: Dialect) -> Iterator[list[str]]:
    """The fields of the records of a file, without those that are skipped, cut as they are where records are read.

    Args:
        file: the file.
        dialect: how its records are written.

    Raises:
        InputError: it cannot be read, as `records.records` says.
    """
    count = 0
    try:
        for row in fields.rows(table_texts(file, dialect.codec, _CHUNK), dialect):
            count += 1
            if count > file.skipped:
                yield row
    except UnsureError:
        yield from islice(_rows_of_records(file, dialect), max(0, count - file.skipped), None)


def _rows_of_records(file: CsvFile, dialect: Dialect) -> Iterator[list[str]]:
    """The same by the walk that reads records, which tells what is wrong with them; it loads libraries."""
    from synth_spark.plan.sources.delimited.records import records

    try:
        for record in (record for batch in records(file, dialect) for record in batch.to_pylist()):
            yield fields.cut(record, dialect)
    except UnsureError:
        remedy = "check its encoding, the ends of its lines, delimiter and quotes"
        raise InputError(f"file '{file.name}'", "cannot be read as CSV", remedy) from None


def first_rows(file: CsvFile, dialect: Dialect, most: int) -> list[list[str]]:
    """The fields of the first records of a file."""
    return list(islice(rows_of(file, dialect), most))


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
