"""What a source of Parquet files is: its files in order, with the columns and types that their footers name."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synth_spark.errors import InputError
from synth_spark.plan.sources import files
from synth_spark.plan.sources.folders import Found, common_folders, listed
from synth_spark.plan.sources.signatures import HEAD, foreign_kind

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Parquet:
    """A source of Parquet files.

    Attributes:
        groups: files of the same columns and types, and these; in the order of their first files.
        partitions: names of the folders ``name=value`` that all files are in.
        passed_over: what its folders hold that is not read, each with the reason.
    """

    groups: "tuple[tuple[tuple[Found, ...], pa.Schema], ...]"
    partitions: tuple[str, ...]
    passed_over: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its columns, those of folders ``name=value`` last."""
        return tuple(dict.fromkeys([*(name for _, schema in self.groups for name in schema.names), *self.partitions]))

    @property
    def sentence(self) -> str:
        """How it was read, for people."""
        files = sum(len(found) for found, _ in self.groups)
        return f"{files:,} {'file' if files == 1 else 'files'} of Parquet"


def recognised(paths: tuple[str, ...], where: str = "input") -> Parquet:
    """What a source of Parquet files is.

    Args:
        paths: files and folders that this process sees.
        where: the part of the plan that names them, for messages.

    Raises:
        InputError: a file is no Parquet file, has a name that Spark does not read, or is in other folders.
    """
    listings = [listed(path, "parquet") for path in paths]
    found = [file for one in listings for file in one.files]
    if not found:
        raise InputError(where, "is empty", "give a table with records")
    partitions = common_folders(found)
    groups: dict[pa.Schema, list[Found]] = {}
    for file in found:
        _check_name(file)
        groups.setdefault(schema_of(file.path, where), []).append(file)
    passed_over = tuple(name for one in listings for name in one.passed_over)
    return Parquet(tuple((tuple(alike), schema) for schema, alike in groups.items()), partitions, passed_over)


def schema_of(path: str, where: str = "input") -> "pa.Schema":
    """Names and types of the columns of a file.

    Raises:
        InputError: it is no Parquet file, or has a column of a type that Spark does not read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from synth_spark.plan.sources.parquet_types import check_type

    try:
        with files.opened(path) as raw, pq.ParquetFile(raw) as opened:
            schema, stored = opened.schema_arrow.remove_metadata(), opened.schema
            physical = {stored.column(at).path: stored.column(at).physical_type for at in range(len(stored))}
    except (OSError, ValueError, pa.ArrowException):
        raise _unreadable(path, where) from None
    for column in schema:
        check_type(column.name, column.type, physical.get(column.name, ""))
    return schema


def _unreadable(path: str, where: str) -> InputError:
    """The error for a file that is no Parquet file, which says what it is if that can be seen."""
    field, problem = where, "is not a readable parquet"
    try:
        with files.opened(path) as raw:
            kind = foreign_kind(raw.read(HEAD))
        problem = problem if kind in (None, "a Parquet file") else f"{problem}: '{Path(path).name}' is {kind}"
    except OSError:
        pass
    return InputError(field, problem, "check its name, format and permissions")


def _check_name(file: Found) -> None:
    name = Path(file.path).name
    if name.startswith(("_", ".")) or ":" in name or not file.path.isprintable():
        problem = "has a name that Spark passes over: it begins with _ or ., or holds a colon"
        raise InputError(f"file '{name}'", problem, "rename it")
