"""What a source of CSV files is: told from the plan and the head of every file, before anything is read."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from synth_spark.errors import InputError, PlanError
from synth_spark.plan.sources.delimited import head as csv_head
from synth_spark.plan.sources.delimited.text import separator
from synth_spark.plan.sources.folders import common_folders, listed
from synth_spark.plan.sources.header import BLANKS
from synth_spark.plan.sources.layout import Csv, CsvFile, Dialect, Told
from synth_spark.plan.sources.unpacking import check_is_text, codec_of, first_bytes

#: Rows by which header and delimiter of the first file are judged, and of those that follow.
_JUDGED_FIRST, _JUDGED_LATER = 1001, 101


def recognised(told: Told, where: str = "input") -> Csv:
    """What a source of CSV files is.

    Args:
        told: what the plan says of it; this process sees all its paths.
        where: the part of the plan that says so, for messages.

    Returns:
        Its files, each with its packing and header, and how their records are written.

    Raises:
        PlanError: the plan contradicts itself.
        InputError: a file is not what the plan says, or files do not fit together.
    """
    listings = [listed(path, "csv") for path in told.all_paths]
    passed_over = [name for one in listings for name in one.passed_over]
    if told.header is False and not told.names:
        raise PlanError(f"{where}.names", "is missing", "name the columns, as input.header is false")
    dialect = dialect_of(told, where)
    files: list[CsvFile] = []
    delimiter: str | None = None
    for found in (file for one in listings for file in one.files):
        packing, head = first_bytes(found.path)
        if not head:
            passed_over.append(f"{Path(found.path).name} (empty)")
            continue
        check_is_text(found.path, head, dialect.codec, where)
        named = separator(found.path, packing, dialect.codec)
        cut = _delimiter(told, named, where)
        if delimiter is not None and cut != delimiter:
            remedy = "give all files the same delimiter, or list them under input.sources"
            raise InputError(f"file '{Path(found.path).name}'", "names another delimiter than the files before", remedy)
        delimiter = cut
        dialect = checked(replace(dialect, delimiter=cut), where)
        file = CsvFile(found.path, packing, (), 0, found.partitions, named is not None)
        files.append(_file(told, file, dialect, where, _JUDGED_LATER if files else _JUDGED_FIRST))
    files = [file for file in files if file.header]
    if not files:
        raise InputError(where, "is empty", "give a file with a header and records")
    return Csv(_common(files, where), dialect, tuple(files), told.header is not False, tuple(passed_over))


def dialect_of(told: Told, where: str = "input") -> Dialect:
    """How a plan says that records are written.

    Raises:
        PlanError: the encoding is not known, or one sign has two meanings.
    """
    escape = told.escape or told.quote
    codec = codec_of(told.encoding, where)
    return checked(Dialect(codec, told.resolved_delimiter, told.quote, escape, told.multiline), where)


def checked(dialect: Dialect, where: str) -> Dialect:
    """A dialect whose signs have one meaning each, and are such as every reader takes.

    Raises:
        PlanError: a sign is a line break, a blank around fields, or means two things.
    """
    if dialect.delimiter in ("\n", "\r", "\0", "\\") or dialect.delimiter > "\uffff":
        raise PlanError(f"{where}.delimiter", "is a sign that cannot be one", "give another sign, such as a comma")
    for key, sign in (("quote", dialect.quote), ("escape", dialect.escape)):
        if sign <= " " or sign > "\uffff":
            raise PlanError(f"{where}.{key}", "is a sign that cannot be one", "give another sign, or leave it out")
        if sign == dialect.delimiter:
            raise PlanError(
                f"{where}.{key}", "is the delimiter, too", "give the delimiter, quote and escape signs of their own"
            )
    return dialect


def _delimiter(told: Told, named: str | None, where: str) -> str:
    if named is not None and told.delimiter not in (None, named):
        problem = "contradicts the first line of the file, sep="
        raise PlanError(f"{where}.delimiter", problem, "leave it out, or remove the line")
    return named or told.resolved_delimiter


def _file(told: Told, file: CsvFile, dialect: Dialect, where: str, most: int) -> CsvFile:
    """A file with its header, which is none where the file holds nothing but blank lines."""
    rows = csv_head.first_rows(file, dialect, most)
    if not rows:
        return file

    def split(other: str) -> int:
        try:
            widths = {len(row) for row in csv_head.first_rows(file, replace(dialect, delimiter=other), most)}
        except InputError:  # by that delimiter quotes make no sense
            return 1
        return widths.pop() if len(widths) == 1 else 1

    csv_head.check_delimiter(file.path, rows, dialect, split)
    field = f"file '{file.name}'"
    if told.header is False:
        if len(rows[0]) != len(told.names):
            problem = f"has {len(rows[0])} columns, and {where}.names {len(told.names)} names"
            raise InputError(field, problem, "check the names and the delimiter")
        return replace(file, header=told.names)
    header = [name.strip(BLANKS) for name in rows[0]]
    if told.header is None:
        csv_head.check_is_header(file.path, header, rows[1:])
    return replace(file, header=tuple(header), skipped=1)


def _common(files: Sequence[CsvFile], where: str) -> tuple[str, ...]:
    """The names of all files, which must be the same; those of the first, then those of folders ``name=value``."""
    first = files[0]
    for file in files[1:]:
        if sorted(file.header) != sorted(first.header):
            _refuse_other(file, first, where)
    partitions = common_folders(files)
    for name in partitions:
        if name.lower() in {one.lower() for one in first.header}:
            problem = "is in the files and in the names of their folders"
            raise InputError(f"column '{name}'", problem, "rename one of them")
    return (*first.header, *partitions)


def _refuse_other(file: CsvFile, first: CsvFile, where: str) -> None:
    """Raise `InputError` for a file with another header, of which no cell is told: it may be a record."""
    if len(file.header) != len(first.header):
        problem = f"has a header of {len(file.header)} columns, and '{first.name}' one of {len(first.header)}"
    else:
        place = next((at for at, name in enumerate(file.header, 1) if name not in first.header), 1)
        problem = f"has another header than '{first.name}': see its column {place}"
    remedy = f"give them the same columns and headers, or list them under {where}.sources"
    raise InputError(f"file '{file.name}'", problem, remedy)
