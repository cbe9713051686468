"""The shape of an input before any job runs: exact names, and estimates from the head of the file. No Spark here."""

import codecs
import csv
import gzip
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from synth_spark.errors import InputError
from synth_spark.plan import (
    Location,
    Plan,
    check_shown_columns,
    mapped_columns,
    named_columns,
    renamed_columns,
    used_columns,
)

#: Records looked at.
_SAMPLE = 20_000


@dataclass(frozen=True)
class Preview:
    """An input's shape.

    Attributes:
        names: used columns.
        places: of the used columns in a record of the sample.
        sample: the records looked at, as they are in the file.
        records: number of records; an estimate unless ``exact``.
        exact: whether all records were looked at.
    """

    names: tuple[str, ...]
    places: tuple[int, ...]
    sample: list[list[str]]
    records: int
    exact: bool

    @cached_property
    def rows(self) -> list[tuple[str, ...]]:
        """The records looked at, values of used columns; "" = absent. Plans alone ask for them, not runs."""
        return [tuple(_value(row, place) for place in self.places) for row in self.sample]

    @cached_property
    def cards(self) -> tuple[int, ...]:
        """Values of each column among the records looked at."""
        return tuple(len(set(values) - {""}) for values in zip(*self.rows, strict=True))

    @cached_property
    def distinct(self) -> int:
        """Distinct records, projected from those looked at."""
        return max(1, round(self.records * len(set(self.rows)) / len(self.rows)))

    @cached_property
    def filled(self) -> int:
        """Values of a record on average, among those looked at, rounded up."""
        return math.ceil(sum(value != "" for row in self.rows for value in row) / len(self.rows))


def look(plan: Plan) -> Preview | None:
    """Look at the heads of local CSV and Parquet files; None where only Spark can tell the records' shape.

    Every column that a key of the plan names is looked for, as far as headers can be seen.

    Raises:
        InputError: a file is missing or empty.
        PlanError: a column named in the plan is not in the input.
    """
    source = plan.input
    if source.sources:
        _look_at_sources(plan)
        return None
    head = _head(source, "input")
    if head is None or not _is_text(head[0]):
        return None
    header, sample, records = head
    names = named_columns(source, renamed_columns(header, source.rename))
    check_shown_columns(plan, names)
    if not source.is_plain:
        return None
    used = tuple(used_columns(header, source.columns))
    places = tuple(header.index(name) for name in used)
    if not sample:
        raise InputError("input", "holds no records under its header", "give a table with records")
    return Preview(used, places, sample, records, records == len(sample))


def _look_at_sources(plan: Plan) -> None:
    """Raise `PlanError` for a column that a key names and no source has, if all headers can be seen."""
    names: dict[str, None] = {}
    for name, source in plan.input.sources.items():
        where = f"input.sources.{name}"
        head = _head(source, where)
        if head is None or not _is_text(head[0]):
            return
        names |= dict.fromkeys(mapped_columns(head[0], source, where).values())
    check_shown_columns(plan, named_columns(plan.input, list(names)))


def _is_text(header: list[str]) -> bool:
    """Whether a header was read by the right encoding, as far as can be told."""
    return not any("\ufffd" in name or "\0" in name for name in header)


def _head(location: Location, where: str) -> tuple[list[str], list[list[str]], int] | None:
    """Header, first records and estimated number of records of a local file or folder; None if it cannot be seen."""
    kind = location.resolved_format(where)
    if kind not in ("csv", "parquet") or len(location.all_paths) != 1 or "://" in location.all_paths[0]:
        return None
    path = Path(location.all_paths[0])
    if not path.exists():
        raise InputError(f"{where}.path", f"{path} does not exist", "check the path")
    file = (
        path
        if path.is_file()
        else next(iter(sorted(part for part in path.glob("*") if part.name[0] not in "._")), None)
    )
    if file is None:
        raise InputError(where, "is an empty folder", "give a table with records")
    if file.is_dir():
        return None
    whole = (
        path.stat().st_size if path.is_file() else sum(part.stat().st_size for part in path.glob("*") if part.is_file())
    )
    return _head_of_csv(file, whole, location) if kind == "csv" else _head_of_parquet(file, whole)


def _value(row: list[str], place: int) -> str:
    value = row[place].strip() if place < len(row) else ""
    return "" if value == "0" else value


def _head_of_csv(file: Path, whole: int, source: Location) -> tuple[list[str], list[list[str]], int] | None:
    csv.field_size_limit(1 << 30)  # a value that is too long is reported by its column, later
    try:
        encoding = codecs.lookup(source.encoding).name
    except LookupError:  # told by who reads all of it
        return None
    encoding = "utf-8-sig" if encoding == "utf-8" else encoding
    opened = gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")
    try:
        with opened as raw, io.TextIOWrapper(raw, encoding, errors="replace", newline="") as text:
            rows: Iterator[list[str]] = csv.reader(
                text, delimiter=source.resolved_delimiter, quotechar=source.quote, skipinitialspace=True
            )
            header = [name.strip() for name in next(rows, [])]
            sample = list(islice(rows, _SAMPLE))
            complete = len(sample) < _SAMPLE
    except (csv.Error, OSError, EOFError):
        raise InputError(
            "input", "cannot be read as CSV", "check delimiter, quotes and that the file is whole"
        ) from None
    if not header:
        raise InputError("input", "is empty", "give a file with a header and records")
    read = sum(len(value) + 1 for row in sample for value in row)
    size = whole * _inflation(file)
    return header, sample, len(sample) if complete else max(len(sample), round(len(sample) * size / max(1, read)))


def _head_of_parquet(file: Path, whole: int) -> tuple[list[str], list[list[str]], int]:
    import pyarrow.parquet as pq

    try:
        opened = pq.ParquetFile(file)
        batch = next(opened.iter_batches(_SAMPLE), None)
    except (OSError, ValueError):
        raise InputError("input", "is not a readable parquet", "check its name, format and permissions") from None
    rows = (
        []
        if batch is None
        else [["" if value is None else str(value) for value in row.values()] for row in batch.to_pylist()]
    )
    return list(opened.schema_arrow.names), rows, round(opened.metadata.num_rows * whole / max(1, file.stat().st_size))


def _inflation(file: Path) -> float:
    """How much larger a file is when unpacked, by the length that a gzip file states in its last four bytes."""
    if file.suffix != ".gz":
        return 1.0
    with file.open("rb") as packed:
        packed.seek(-4, io.SEEK_END)
        return max(1.0, int.from_bytes(packed.read(4), "little") / file.stat().st_size)
