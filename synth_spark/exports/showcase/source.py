"""Where the published tables of a showcase are read from: files, a few rows at a time, or tables in memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from synth_spark.errors import PublishError
from synth_spark.publish.published_release import PublishedRelease
from synth_spark.schema.fields import Field

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class ShowcaseTables:
    """Published tables, by name: Parquet files in order, or a table in memory.

    Attributes:
        tables: name → files, or the table.
    """

    tables: Mapping[str, Sequence[Path] | pa.Table]

    @classmethod
    def of(cls, release: PublishedRelease, spark: "SparkSession | None" = None) -> "ShowcaseTables":
        """The tables of a release: its files, or of one whose tables are slices of Delta tables these in memory.

        Args:
            release: the release.
            spark: a session with Delta; needed for slices of Delta tables only.
        """
        if release.is_sliced:
            return cls({name: release.arrow(name, spark) for name in release.tables})
        return cls({name: release.files(name) for name in release.tables})

    def rows(self, name: str) -> int:
        """Number of rows of a table."""
        table = self._table(name)
        if isinstance(table, pa.Table):
            return int(table.num_rows)
        return sum(pq.read_metadata(file).num_rows for file in table)

    def names(self, name: str) -> list[str]:
        """Names of a table's columns, in order."""
        table = self._table(name)
        return list(table.schema.names if isinstance(table, pa.Table) else pq.read_schema(table[0]).names)

    def fields(self, delimiters: Mapping[str, str]) -> list[Field]:
        """The columns of the records, by what their cells are.

        Args:
            delimiters: columns with several values in one text → what separates them.
        """
        schema = self.head("synthetic_records", 1).schema
        return [
            Field(column.name, True, None)
            if pa.types.is_list(column.type)
            else Field(column.name, column.name in delimiters, delimiters.get(column.name))
            for column in schema
            if column.name != "run_id"
        ]

    def head(self, name: str, most: int) -> pa.Table:
        """The first rows of a table; what is after them is not read."""
        table = self._table(name)
        if isinstance(table, pa.Table):
            return table.slice(0, most)
        schema = pq.read_schema(table[0])
        return pa.Table.from_batches(list(_first(table, most)), schema.remove_metadata())

    def table(self, name: str) -> pa.Table:
        """A small table, whole."""
        return self.head(name, self.rows(name))

    def _table(self, name: str) -> Sequence[Path] | pa.Table:
        if name not in self.tables:
            raise PublishError(f"table {name}", "is not part of this release", "make a release with this version")
        return self.tables[name]


def _first(files: Sequence[Path], most: int) -> Iterator[pa.RecordBatch]:
    left = most
    for file in files:
        with pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches():
                if left <= 0:
                    return
                taken = batch.slice(0, left).replace_schema_metadata(None)
                left -= taken.num_rows
                yield taken
