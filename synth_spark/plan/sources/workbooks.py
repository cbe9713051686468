"""What a source of Excel workbooks is, and the rows of a sheet as texts, as people see them."""

import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from synth_spark.errors import InputError, PlanError, SynthSparkError, check_extra
from synth_spark.plan.sources import files
from synth_spark.plan.sources.delimited.head import check_is_header
from synth_spark.plan.sources.folders import Partitions, listed
from synth_spark.plan.sources.header import BLANKS
from synth_spark.plan.sources.layout import Told
from synth_spark.plan.sources.signatures import HEAD, foreign_kind, is_zip

#: The largest workbook that is read: bytes of its file, bytes of what is packed in it, cells of its sheet.
MOST_BYTES, MOST_UNPACKED, MOST_CELLS = 100 << 20, 1 << 30, 10_000_000
#: Rows by which a header is judged.
_JUDGED = 1001
#: Digits of a number that Excel shows.
_DIGITS = 15


@dataclass(frozen=True)
class SheetFile:
    """A sheet of a workbook.

    Attributes:
        path: of the workbook, absolute.
        sheet: its name.
        header: names of its columns.
        has_header: whether its first row that is not blank holds them.
        partitions: the folders ``name=value`` that the workbook is in.
    """

    path: str
    sheet: str
    header: tuple[str, ...] = ()
    has_header: bool = True
    partitions: Partitions = ()

    @property
    def name(self) -> str:
        """The workbook's name without folders, for messages."""
        return Path(self.path).name


@dataclass(frozen=True)
class Sheets:
    """A source of sheets of workbooks.

    Attributes:
        names: of its columns, those of folders ``name=value`` last.
        files: in order.
        passed_over: what its folders hold that is not read, each with the reason.
    """

    names: tuple[str, ...]
    files: tuple[SheetFile, ...]
    passed_over: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """How it was read, for people (SENSITIVE: names of sheets)."""
        count = "1 Excel workbook" if len(self.files) == 1 else f"{len(self.files):,} Excel workbooks"
        sheets = ", ".join(f"'{name}'" for name in dict.fromkeys(file.sheet for file in self.files))
        header = "a header" if self.files[0].has_header else "no header"
        return f"{count}, sheet {sheets}, with {header}"


def recognised(told: Told, where: str = "input") -> Sheets:
    """What a source of workbooks is; of every sheet only the head is read.

    Args:
        told: what the plan says of it; all its paths are of this machine, and there.
        where: the part of the plan that says so, for messages.

    Raises:
        EngineError: the reader is not installed.
        PlanError: the plan contradicts itself, or names no sheet of several.
        InputError: a file is no workbook, is too large, or files do not fit together.
    """
    check_extra("excel", f"{where}.format")
    if told.header is False and not told.names:
        raise PlanError(f"{where}.names", "is missing", f"name the columns, as {where}.header is false")
    listings = [listed(path, "excel") for path in told.all_paths]
    files: list[SheetFile] = []
    for found in (file for one in listings for file in one.files):
        _check_is_workbook(found.path, where)
        file = SheetFile(found.path, _sheet(found.path, told, where), (), told.header is not False, found.partitions)
        files.append(replace(file, header=_header(file, told, where)))
    if not files:
        raise InputError(where, "is empty", "give a workbook with a header and records")
    first = files[0]
    for file in files:
        if file.header != first.header or [one for one, _ in file.partitions] != [one for one, _ in first.partitions]:
            remedy = f"give them the same columns in the same order, or list them under {where}.sources"
            raise InputError(f"file '{file.name}'", f"has other columns than '{first.name}'", remedy)
    names = (*first.header, *(name for name, _ in first.partitions))
    return Sheets(names, tuple(files), tuple(name for one in listings for name in one.passed_over))


def rows(file: SheetFile) -> Iterator[list[str]]:
    """The records of a sheet as texts, one a column of its header; "" where a cell is empty. Blank rows are none.

    Raises:
        InputError: the sheet cannot be read to its end, holds too many cells, or a cell outside of its columns.
    """
    width, header = len(file.header), file.has_header
    for number, row in _filled(file):
        if header:
            header = False
            continue
        if len(row) > width:
            problem = "has a cell in row {row} that is outside of the columns of its header"
            raise InputError(f"file '{file.name}'", problem, "name every column, or remove the cell", {"row": number})
        yield row + [""] * (width - len(row))


def examine(file: SheetFile) -> None:
    """Look at all cells of a sheet.

    Raises:
        InputError: as `rows` does.
    """
    for _ in rows(file):
        pass


def _check_is_workbook(path: str, where: str) -> None:
    field = f"file '{Path(path).name}'"
    with files.opened(path) as raw:
        head = raw.read(HEAD)
    size = files.size(path)
    if not is_zip(head):
        kind = foreign_kind(head)
        what = "is no Excel workbook (.xlsx)" if kind is None else f"is {kind}, not an Excel workbook (.xlsx)"
        raise InputError(field, what, f"set {where}.format to what it is, or save it as .xlsx without a password")
    with _told(path):
        with files.opened(path) as raw, zipfile.ZipFile(raw) as archive:
            names = archive.namelist()
            unpacked = sum(one.file_size for one in archive.infolist())
        if not any(name.lower() == "xl/workbook.xml" for name in names):
            raise InputError(field, "is no Excel workbook (.xlsx)", f"set {where}.format to what it is")
    if size > MOST_BYTES or unpacked > MOST_UNPACKED:
        problem = f"is too large: workbooks of up to {MOST_BYTES >> 20} MB are read, unpacked {MOST_UNPACKED >> 20} MB"
        raise InputError(field, problem, "export the sheet as CSV in UTF-8")


def _sheet(path: str, told: Told, where: str) -> str:
    """The name of the sheet that is read."""
    with _told(path), _opened(path) as workbook:
        names = [sheet.title for sheet in workbook.worksheets]
    if told.sheet is None and len(names) == 1:
        return str(names[0])
    if told.sheet is not None and told.sheet in names:
        return told.sheet
    some = ", ".join(f"'{name}'" for name in names[:20]) + (", …" if len(names) > 20 else "")
    if told.sheet is None:
        problem = f"is missing: '{Path(path).name}' has the sheets {some}" if names else "finds no sheet of cells"
    else:
        problem = f"names no sheet of '{Path(path).name}', which has {some}"
    raise PlanError(f"{where}.sheet", problem, "give the name of one of its sheets")


def _header(file: SheetFile, told: Told, where: str) -> tuple[str, ...]:
    first = [row for _, row in islice(_filled(file), _JUDGED)]
    field = f"file '{file.name}'"
    if not first:
        raise InputError(field, f"has no cells in sheet '{file.sheet}'", "give a sheet with a header and records")
    if told.header is False:
        width = max(map(len, first))
        if width > len(told.names):
            problem = f"has {width} columns, and {where}.names {len(told.names)} names"
            raise InputError(field, problem, "check the names")
        return told.names
    header = [name.strip(BLANKS) for name in first[0]]
    if told.header is None:
        check_is_header(file.path, header, first[1:])
    return tuple(header)


def _filled(file: SheetFile) -> Iterator[tuple[int, list[str]]]:
    """The rows of a sheet that are not blank, with their numbers; without the empty cells at their ends."""
    with _told(file.path), _opened(file.path) as workbook:
        sheet = workbook[file.sheet]
        sheet.reset_dimensions()  # programs write wrong ones, and cells outside of them would be lost
        cells = 0
        for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
            cells += len(row)
            if cells > MOST_CELLS:
                problem = f"has more than {MOST_CELLS:,} cells in sheet '{file.sheet}'"
                raise InputError(f"file '{file.name}'", problem, "export the sheet as CSV in UTF-8")
            texts = _trimmed(row)
            if texts:
                yield number, texts


def _trimmed(row: Sequence[Any]) -> list[str]:
    texts = [text_of(value) for value in row]
    while texts and not texts[-1].strip(BLANKS):
        texts.pop()
    return texts


def text_of(value: Any) -> str:
    """The text of a cell: a number has one text, up to the 15 digits that Excel shows; a date is ISO 8601.

    Args:
        value: of a cell, as openpyxl tells it; None if it is empty.

    >>> text_of(3.0), text_of(0.1 + 0.2), text_of(True), text_of(datetime(2021, 3, 1)), text_of(None)
    ('3', '0.3', 'true', '2021-03-01', '')
    """
    if isinstance(value, str) or value is None:
        return value or ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        number = float(f"{value:.{_DIGITS}g}")
        return str(np.format_float_positional(number, trim="-")) if number else "0"
    if isinstance(value, datetime):
        return str(value.date()) if value.time() == time() else value.isoformat(" ")
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"{'-' if seconds < 0 else ''}{abs(seconds) // 3600}:{abs(seconds) // 60 % 60:02}:{abs(seconds) % 60:02}"
    return value.isoformat() if isinstance(value, date | time) else str(value)


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    """A workbook, read row by row; of formulas the values that were saved with them."""
    import openpyxl

    with files.opened(path) as stream, warnings.catch_warnings():  # by a stream, whatever the file's suffix
        warnings.simplefilter("ignore")  # of styles, charts and the like, which are not read
        yield openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Raise `InputError` with the file's name, and none of its values, where the body finds that it is damaged."""
    try:
        yield
    except SynthSparkError:
        raise
    except Exception:  # of archives, of XML, of any part of a workbook
        remedy = "check that the file is whole, save it as .xlsx anew, or export the sheet as CSV in UTF-8"
        raise InputError(f"file '{Path(path).name}'", "cannot be read as an Excel workbook", remedy) from None
