"""The shape of an input before any job runs: exact names, and estimates from the head of the file. No Spark here."""

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
from synth_spark.plan import Input, used_columns

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


def look(source: Input) -> Preview | None:
    """Look at the head of a local CSV or Parquet file; None where only Spark can tell the records' shape.

    Raises:
        InputError: the file is missing or empty.
        PlanError: a column named in the plan is not in the input.
    """
    if source.sources:
        return None
    kind = source.resolved_format()
    if kind not in ("csv", "parquet") or len(source.all_paths) != 1 or "://" in source.all_paths[0]:
        return None
    path = Path(source.all_paths[0])
    if not path.exists():
        raise InputError("input.path", f"{path} does not exist", "check the path")
    file = (
        path
        if path.is_file()
        else next(iter(sorted(part for part in path.glob("*") if part.name[0] not in "._")), None)
    )
    if file is None:
        raise InputError("input", "is an empty folder", "give a table with records")
    whole = (
        path.stat().st_size if path.is_file() else sum(part.stat().st_size for part in path.glob("*") if part.is_file())
    )
    header, sample, records = _head_of_csv(file, whole, source) if kind == "csv" else _head_of_parquet(file, whole)
    if not source.is_plain:
        return None
    used = tuple(used_columns(header, source.columns))
    places = tuple(header.index(name) for name in used)
    if not sample:
        raise InputError("input", "holds no records under its header", "give a table with records")
    return Preview(used, places, sample, records, records == len(sample))


def _value(row: list[str], place: int) -> str:
    value = row[place].strip() if place < len(row) else ""
    return "" if value == "0" else value


def _head_of_csv(file: Path, whole: int, source: Input) -> tuple[list[str], list[list[str]], int]:
    csv.field_size_limit(1 << 30)  # a value that is too long is reported by its column, later
    opened = gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")
    try:
        with opened as raw, io.TextIOWrapper(raw, "utf-8-sig", errors="replace", newline="") as text:
            rows: Iterator[list[str]] = csv.reader(text, delimiter=source.resolved_delimiter, quotechar=source.quote)
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
