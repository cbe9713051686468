"""The shape of an input before any job runs: exact names, and estimates from the head of a file. No Spark here."""

import io
import math
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice

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
from synth_spark.plan.sources import files, json_lines, parquet_recognition, workbooks
from synth_spark.plan.sources.delimited import head as csv_head
from synth_spark.plan.sources.delimited import recognition as csv_recognition
from synth_spark.plan.sources.header import check_header
from synth_spark.plan.sources.json_lines import JsonFile, JsonLines
from synth_spark.plan.sources.layout import Csv, CsvFile
from synth_spark.plan.sources.parquet_recognition import Parquet
from synth_spark.plan.sources.workbooks import Sheets

#: What a source of files can be.
Recognised = Csv | JsonLines | Parquet | Sheets

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
    """Look at the heads of files; None where only Spark can tell the records' shape.

    Every column that a key of the plan names is looked for, as far as headers can be seen.

    Raises:
        InputError: a file is missing, empty, or not what the plan says.
        PlanError: a column named in the plan is not in the input.
    """
    source = plan.input
    if source.sources:
        _look_at_sources(plan)
        return None
    found = recognised(source, "input")
    if found is None:
        return None
    names = _names(found)
    if names is not None:
        check_shown_columns(plan, named_columns(source, renamed_columns(names, source.rename)))
    head = _head(found)
    if not source.is_plain or head is None:
        return None
    header, sample, records = head
    if names is None and set(source.columns) - set(header):
        return None
    used = tuple(used_columns(header, source.columns))
    places = tuple(header.index(name) for name in used)
    if not sample:
        raise InputError("input", "holds no records under its header", "give a table with records")
    return Preview(used, places, sample, records, records == len(sample))


def _look_at_sources(plan: Plan) -> None:
    """Raise `PlanError` for a column that a key names and no source has, if all headers can be seen."""
    names: dict[str, None] = {}
    seen = True
    for name, source in plan.input.sources.items():
        where = f"input.sources.{name}"
        found = recognised(source, where)
        own = None if found is None else _names(found)
        if own is None:
            seen = False
        else:
            names |= dict.fromkeys(mapped_columns(own, source, where).values())
    if seen:
        check_shown_columns(plan, named_columns(plan.input, list(names)))


def recognised(location: Location, where: str) -> Recognised | None:
    """What a source of files is; None for others, and for files that Spark alone can look at.

    Args:
        location: what the plan says of it.
        where: the part of the plan that says so, for messages.

    Raises:
        InputError: a path does not exist, or a file is not what the plan says.
        PlanError: the plan contradicts itself.
    """
    kind = location.resolved_format(where)
    if kind not in ("csv", "jsonl", "excel", "parquet"):
        return None
    for path in location.all_paths:
        if not files.is_reached(path):
            return None
        if not files.is_seen(path):
            raise InputError(f"{where}.path", f"{path} does not exist", "check the path")
    if kind == "csv":
        found: Csv | Parquet | Sheets = csv_recognition.recognised(location, where)
    elif kind == "jsonl":
        return json_lines.recognised(location, where)  # its names are those of all records
    elif kind == "excel":
        found = workbooks.recognised(location, where)
    else:
        found = parquet_recognition.recognised(location.all_paths, where)
    check_header(found.names, where)
    return found


def _names(source: Recognised) -> tuple[str, ...] | None:
    """The names of a source's columns; None where later records of JSON may have keys that are not seen."""
    if not isinstance(source, JsonLines):
        return source.names
    head = json_lines.head(source, _SAMPLE)
    return head.names if head.complete else None


def _head(source: Recognised) -> tuple[list[str], list[list[str]], int] | None:
    """Names, first records and number of records of a source; None where the head does not tell them."""
    if isinstance(source, Csv):
        return _head_of_csv(source)
    if isinstance(source, JsonLines):
        return _head_of_json(source)
    return _head_of_workbooks(source) if isinstance(source, Sheets) else _head_of_parquet(source)


def _value(row: list[str], place: int) -> str:
    value = row[place].strip() if place < len(row) else ""
    return "" if value == "0" else value


def _head_of_csv(source: Csv) -> tuple[list[str], list[list[str]], int] | None:
    """Names, first records and number of records; None where a folder's name is a column."""
    first = source.files[0]
    if first.partitions:
        return None
    sample = csv_head.first_rows(first, source.dialect, _SAMPLE)
    if len(source.files) == 1 and len(sample) < _SAMPLE:
        return list(first.header), sample, len(sample)
    read = sum(len(value) + 1 for row in sample for value in row)
    size = sum(files.size(file.path) for file in source.files) * _inflation(first)
    return list(first.header), sample, max(len(sample), round(len(sample) * size / max(1, read)))


def _head_of_json(source: JsonLines) -> tuple[list[str], list[list[str]], int] | None:
    """As `_head`; None where a folder's name is a column, or values are lists."""
    head = json_lines.head(source, _SAMPLE)
    if source.partitions or not head.flat:
        return None
    size = sum(files.size(file.path) for file in source.files) * _inflation(source.files[0])
    records = len(head.rows) if head.complete else round(len(head.rows) * size / max(1, head.read))
    return list(head.names), head.rows, max(records, len(head.rows))


def _head_of_workbooks(source: Sheets) -> tuple[list[str], list[list[str]], int] | None:
    """As `_head`; None where there are several workbooks, a folder's name is a column, or the sheet is long."""
    if len(source.files) > 1 or source.files[0].partitions:
        return None
    sample = list(islice(workbooks.rows(source.files[0]), _SAMPLE))
    return (list(source.names), sample, len(sample)) if len(sample) < _SAMPLE else None


def _head_of_parquet(source: Parquet) -> tuple[list[str], list[list[str]], int] | None:
    """Names, first records and number of records; None where files differ, or a folder's name is a column."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from synth_spark.plan.sources.parquet_types import texts

    if source.partitions or len(source.groups) > 1:
        return None
    found, schema = source.groups[0]
    try:
        with files.opened(found[0].path) as raw, pq.ParquetFile(raw) as opened:
            held, parts, wanted = opened.metadata.num_rows, [], _SAMPLE
            for batch in opened.iter_batches(_SAMPLE):  # of columns that are dictionaries as small as row groups are
                parts.append([texts(column) for column in batch.slice(0, wanted).columns])
                wanted -= batch.num_rows
                if wanted <= 0:
                    break
        columns = [list(chain.from_iterable(column)) for column in zip(*parts, strict=True)]
    except (OSError, ValueError, OverflowError, pa.ArrowException):
        raise InputError("input", "is not a readable parquet", "check its name, format and permissions") from None
    rows = [list(row) for row in zip(*columns, strict=True)]
    whole = sum(files.size(file.path) for file in found)
    records = round(held * whole / max(1, files.size(found[0].path)))
    return list(schema.names), rows, records


def _inflation(file: CsvFile | JsonFile) -> float:
    """How much larger a file is when unpacked, by the length that a gzip file states in its last four bytes."""
    if file.packing != "gzip":
        return 1.0
    with files.opened(file.path) as packed:
        size = packed.seek(-4, io.SEEK_END) + 4
        return max(1.0, int.from_bytes(packed.read(4), "little") / size)
