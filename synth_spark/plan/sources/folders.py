"""Which files of a folder are its data, and which are passed over; what may be data and is not read is refused."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from synth_spark.errors import InputError
from synth_spark.plan.addresses import absolute
from synth_spark.plan.sources import files

#: How Hive and Spark name the folder of rows without a value.
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
#: Signs that they write by their number in the names of folders.
_ESCAPED = "\"#%'*/:=?\\{[]^\x7f"
#: Names beginning with an underscore that programs leave beside tables.
_MARKS = ("_SUCCESS", "_committed_", "_started_", "_temporary", "_metadata", "_common_metadata", "_spark_metadata")
#: Suffixes of files that are tables of one format, or none at all.
_OF_FORMATS = {
    "csv": (".csv", ".tsv", ".tab", ".psv", ".txt"),
    "parquet": (".parquet", ".pq"),
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "excel": (".xlsx", ".xlsm"),
}
_OF_NO_TABLE = (
    ".xls", ".ods", ".docx", ".doc", ".pdf", ".md", ".html", ".htm", ".xml", ".yml",
    ".yaml", ".7z", ".rar", ".tar", ".tgz", ".png", ".jpg", ".py", ".r", ".sql", ".log", ".db", ".sqlite",
    ".orc", ".avro", ".sav", ".dta", ".sas7bdat", ".ini", ".bak", ".tmp",
)  # fmt: skip


#: (name, value) of folders ``name=value``, outermost first; None: without a value.
Partitions = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class Found:
    """A file of a source.

    Attributes:
        path: absolute.
        partitions: the folders ``name=value`` that it is in.
    """

    path: str
    partitions: Partitions = ()


@dataclass(frozen=True)
class Listing:
    """What a path names.

    Attributes:
        files: its files, in the order of their paths.
        passed_over: names of files and folders in it that are not read, each with the reason.
    """

    files: tuple[Found, ...]
    passed_over: tuple[str, ...] = ()


def listed(root: str, kind: str) -> Listing:
    """The files that a path names: itself, or those in a folder and in its folders ``name=value``.

    Args:
        root: a file or a folder that is there.
        kind: csv, jsonl, excel or parquet.

    Raises:
        InputError: a folder holds what may be records and would not be read.
    """
    path = absolute(root)
    if files.is_file(path):
        return Listing((Found(path),))
    if any(entry.name == "_delta_log" and entry.is_folder for entry in files.inside(path)):
        problem = f"is a Delta table, not a folder of {kind}"
        raise InputError(f"folder '{Path(path).name}'", problem, "set the format to delta")
    passed_over: list[str] = []
    return Listing(tuple(_below(path, (), kind, passed_over)), tuple(passed_over))


def _below(folder: str, above: Partitions, kind: str, passed_over: list[str]) -> Iterator[Found]:
    own = Path(folder).name
    for entry in files.inside(folder):
        name = entry.name
        if entry.is_folder:
            if "=" in name and not name.startswith("."):
                yield from _below(entry.path, (*above, _partition(name)), kind, passed_over)
            elif name.startswith((".", *_MARKS)):
                passed_over.append(f"{name} (a folder that programs leave beside tables)")
            else:
                remedy = f"list the folders under input.paths, name it column=value, or move it out of '{own}'"
                raise InputError(f"folder '{own}'", f"holds the folder '{name}', which is not read", remedy)
        elif name.startswith((".", *_MARKS)) or name.endswith("._COPYING_"):
            passed_over.append(f"{name} (a file that programs leave beside tables)")
        elif entry.size == 0:
            passed_over.append(f"{name} (empty)")
        else:
            _check_is_data(Path(entry.path), kind)
            yield Found(entry.path, above)


def _check_is_data(file: Path, kind: str) -> None:
    suffixes = {suffix.lower() for suffix in file.suffixes[-2:]}
    others = {suffix for other, of in _OF_FORMATS.items() if other != kind for suffix in of}
    if file.name.startswith("_"):
        problem, remedy = "whose name begins with an underscore", "rename it if it holds records, or move it away"
    elif suffixes & {*_OF_NO_TABLE, *others}:
        problem, remedy = f"which is no {kind} by its name", "move it out of the folder, or name files by input.paths"
    else:
        return
    raise InputError(f"folder '{file.parent.name}'", f"holds the file '{file.name}', {problem}", remedy)


class Placed(Protocol):
    """A file, and the folders ``name=value`` that it is in."""

    @property
    def path(self) -> str:
        """Its path."""

    @property
    def partitions(self) -> Partitions:
        """These folders, outermost first."""


def common_folders(placed: Sequence[Placed]) -> tuple[str, ...]:
    """The names of the folders ``name=value`` that all files are in.

    Args:
        placed: at least one file.

    Raises:
        InputError: a file is in others than the first.
    """
    names = tuple(name for name, _ in placed[0].partitions)
    for file in placed:
        if tuple(name for name, _ in file.partitions) != names:
            remedy = "keep all files at the same depth, in folders of the same names"
            problem = "is in other folders column=value than the files before"
            raise InputError(f"file '{Path(file.path).name}'", problem, remedy)
    return names


def escaped(name: str) -> str:
    """A column's name as Hive and Spark write it into the name of a folder.

    >>> escaped("a:b"), escaped("district")
    ('a%3Ab', 'district')
    """
    return "".join(f"%{ord(sign):02X}" if sign in _ESCAPED or ord(sign) < 32 else sign for sign in name)


def _partition(name: str) -> tuple[str, str | None]:
    """A folder's column and value, as text.

    >>> _partition("district=01"), _partition("a=b%3Ac")
    (('district', '01'), ('a', 'b:c'))
    """
    column, _, value = name.partition("=")
    return unquote(column), None if value == NO_VALUE else unquote(value)
