"""Published tables as files of a package, CSV and Parquet, a few rows at a time; what passes by is counted once.

CSV is that of RFC 4180: UTF-8, commas, CRLF, quotes only where they are needed. A null is an empty cell, an empty text
is ``""``, a list is the text of a JSON array. Texts and headers that a spreadsheet would run have an apostrophe before
them (`exports.spreadsheets`); no other value is altered. Parquet has the same columns in the same order, one file a
table, without metadata of what wrote it, and every value as it was published.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from synth_spark.errors import PublishError
from synth_spark.exports.data_package.archive import Archive
from synth_spark.exports.showcase import ShowcaseTables
from synth_spark.exports.spreadsheets import inert
from synth_spark.publish.published_release import PublishedRelease
from synth_spark.schema import tables
from synth_spark.schema.arrow_types import ARROW_TYPES
from synth_spark.schema.fields import Field, count_values, json_arrays
from synth_spark.schema.published_columns import COUNT_COLUMNS

#: The published tables that are offered, in the order of the README; all of them are safe by declaration.
#: The table ``release`` goes with them as JSON, as its cells hold whole documents.
OFFERED = tuple(
    table.name
    for table in (
        tables.SYNTHETIC_RECORDS,
        tables.AGGREGATES,
        tables.SYNTHETIC_INDICATORS,
        tables.SYNTHETIC_ATTRIBUTES,
        tables.AGGREGATE_ATTRIBUTES,
        tables.EVALUATION,
        tables.FIDELITY,
        tables.DIFFERENCES,
        tables.QUALITY_RESULTS,
    )
)
#: Rows that are read, and rows that are put into words, at once.
_BATCH, _SLICE = 1 << 16, 1 << 13
#: Most different values of a column that are counted; no column of the data has as many.
MOST_VALUES = 200_000
_QUOTED = r'[",\r\n]|^\s|\s$'


@dataclass
class ColumnContent:
    """What a column of a file holds.

    Attributes:
        missing: how many of its cells are null.
        counts: value → how many cells hold it, as texts; None if there are more than `MOST_VALUES`.
    """

    missing: int = 0
    counts: Counter[str] | None = field(default_factory=Counter)

    def add(self, cells: pa.Array, own: Field) -> None:
        """Count cells of the column."""
        self.missing += cells.null_count
        if self.counts is None:
            return
        values, counts = count_values(cells, own)
        for value, count in zip(values.to_pylist(), counts.to_pylist(), strict=True):
            self.counts[value] += count
        if len(self.counts) > MOST_VALUES:
            self.counts = None


@dataclass(frozen=True)
class Written:
    """A table in the package.

    Attributes:
        name: of the table.
        grain: what a row is.
        rows: how many it has.
        schema: its columns, with the types of the Parquet file.
        contents: what each column holds.
        singles: of ``aggregates``: column → value → its figures (``protected_count`` and those of noise).
    """

    name: str
    grain: str
    rows: int
    schema: pa.Schema
    contents: Mapping[str, ColumnContent]
    singles: Mapping[str, Mapping[str, dict[str, int | float]]]


def write_table(
    archive: Archive, release: PublishedRelease, source: ShowcaseTables, name: str, fields: Mapping[str, Field]
) -> Written:
    """Put a table into the package, as ``data/<name>.csv`` and ``data/<name>.parquet``.

    Args:
        archive: the package.
        release: the release.
        source: its tables.
        name: of the table.
        fields: the columns of the data.

    Raises:
        PublishError: it cannot be read, or a column has a type that no package has.
    """
    entry, schema = release.manifest["tables"][name], schema_of(release, name)
    contents = {column: ColumnContent() for column in schema.names}
    singles: dict[str, dict[str, dict[str, int | float]]] = {column: {} for column in fields}
    rows = 0
    with archive.open(f"data/{name}.csv") as sink:
        sink.write(csv_header(schema.names))
        for batch in batches(release, source, name, schema):
            rows += batch.num_rows
            for start in range(0, batch.num_rows, _SLICE):
                sink.write(csv_lines(batch.slice(start, _SLICE)))
            for column, content in contents.items():
                plain = fields.get(column, Field(column, pa.types.is_list(schema.field(column).type)))
                content.add(batch.column(column), plain)
            if name == tables.AGGREGATES.name:
                _add_singles(singles, batch)
    with (
        archive.open(f"data/{name}.parquet", compressed=False) as sink,
        pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, store_schema=False) as writer,
    ):
        for batch in batches(release, source, name, schema):
            writer.write_batch(batch)
    return Written(name, str(entry.get("grain", "")), rows, schema, contents, singles)


def schema_of(release: PublishedRelease, name: str) -> pa.Schema:
    """The columns of a published table, from the manifest.

    Raises:
        PublishError: a column has a type that no package has.
    """
    entries = []
    for column in release.manifest["tables"][name]["schema"]:
        if column["type"] not in ARROW_TYPES:
            remedy = "only texts, numbers, dates, times, truth values and lists of texts can be packaged"
            where = f"table {name}, column '{column['name']}'"
            raise PublishError(where, "has a type that no package has", remedy)
        entries.append(pa.field(column["name"], ARROW_TYPES[column["type"]]))
    return pa.schema(entries)


def batches(
    release: PublishedRelease, source: ShowcaseTables, name: str, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """The rows of a table, in the columns and types of a schema.

    Raises:
        PublishError: the table cannot be read as it was published.
    """
    held = source.tables[name]
    parts = held.to_batches(_BATCH) if isinstance(held, pa.Table) else release.batches(name)
    for batch in parts:
        cells = [batch.column(one.name).cast(one.type) for one in schema]
        yield pa.RecordBatch.from_arrays(cells, schema=schema)


def csv_header(names: Sequence[str]) -> bytes:
    """The first line of a CSV file.

    >>> csv_header(["age", "a,b"]).decode().splitlines()
    ['age,"a,b"']
    """
    places = [str(place) for place in range(len(names))]
    return csv_lines(pa.RecordBatch.from_arrays([pa.array([name]) for name in names], places))


def csv_lines(batch: pa.RecordBatch) -> bytes:
    """Rows as lines of a CSV file.

    >>> csv_lines(pa.RecordBatch.from_pydict({"a": ["=x", "a,b", None, ""], "b": [-1, 2, None, 4]})).decode().split()
    ["'=x,-1", '"a,b",2', ',', '"",4']
    """
    if not batch.num_rows:
        return b""
    texts = [_quoted(column) for column in batch.columns]
    if len(texts) == 1:  # a line of nothing is no line
        texts = [pc.if_else(pc.equal(texts[0], ""), '""', texts[0])]
    lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*texts, ","), "\r\n", "")
    return "".join(lines.to_pylist()).encode()


def _quoted(cells: pa.Array) -> pa.Array:
    """Cells as texts, in quotes where they need them; a null is an empty one."""
    texts = json_arrays(cells) if pa.types.is_list(cells.type) else cells.cast(pa.string())
    texts = inert(texts) if pa.types.is_string(cells.type) else texts  # a JSON array begins with a bracket
    needed = pc.or_(pc.match_substring_regex(texts, _QUOTED), pc.equal(texts, ""))
    inside = pc.replace_substring(texts, '"', '""')
    return pc.coalesce(pc.if_else(needed, pc.binary_join_element_wise('"', inside, '"', ""), texts), "")


def _add_singles(singles: dict[str, dict[str, dict[str, int | float]]], batch: pa.RecordBatch) -> None:
    """Take the published counts of single attributes, which hold one value of one column."""
    own = batch.filter(pc.equal(batch.column("length"), 1))
    figures = [name for name in COUNT_COLUMNS if name in own.schema.names]
    for name, counts in singles.items():
        held = own.filter(pc.is_valid(own.column(name)))
        cells = held.column(name)
        values = pc.list_flatten(cells) if pa.types.is_list(cells.type) else cells.cast(pa.string())
        for value, row in zip(values.to_pylist(), held.select(figures).to_pylist(), strict=True):
            counts[value] = row
