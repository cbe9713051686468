"""Every table that crosses a stage: its name, the grain of a row in one sentence, and how sensitive it is.

The border of privacy is a type. What may leave the run folder is a `SafeTable`; only `aggregate` and `synthesize`
mint one (their arithmetic is what makes a table safe), and everything else that is published is derived from minted
ones alone. `publish` takes nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from synth_spark.errors import RunError
from synth_spark.schema.spark_paths import LITERAL

if TYPE_CHECKING:  # the command names tables before it needs either library
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession


class Sensitivity(Enum):
    """Who may see a table."""

    SENSITIVE = "exact values or counts of real people: never leaves the run folder"
    INTERNAL = "measured against exact counts: for those who sign the release, never published"
    SAFE = "made of protected counts and common combinations only: may be published"


@dataclass(frozen=True)
class Table:
    """A declared table."""

    name: str
    grain: str
    sensitivity: Sensitivity


RECORDS = Table(
    "records", "one row an input record; a string column for each input column, absent = null", Sensitivity.SENSITIVE
)
#: What a run that adds to the counts of an earlier one has read and coded itself.
NEW_RECORDS = Table(
    "new_records", "one row an input record that the earlier run has not counted", Sensitivity.SENSITIVE
)
CHANGED_CODES = Table(
    "changed_codes",
    "one row a distinct record of codes that came, or went as it is coded otherwise now: multiplicity, with its sign",
    Sensitivity.SENSITIVE,
)
DOMAIN = Table("domain", "one row an attribute (column, value) with its exact count", Sensitivity.SENSITIVE)
CODES = Table("codes", "one row a distinct record of 16-bit codes, with its multiplicity", Sensitivity.SENSITIVE)
COUNTS = Table(
    "counts", "one row a bucket of column tuples: the cells that occur, and their exact counts", Sensitivity.SENSITIVE
)
#: What the first rounds have lowered, where several tasks share them.
LOWERING = tuple(
    Table(f"lowering_{number}", "one row: cells whose counts are lowered so far, and how far", Sensitivity.SENSITIVE)
    for number in range(24)
)
LOWERED = Table(
    "lowered",
    "one row a bucket of column tuples: the cells whose counts are published lower, and by how many records",
    Sensitivity.SENSITIVE,
)
#: What a release that follows earlier ones in steps keeps for the next.
STEPPED = Table(
    "stepped",
    "one row a bucket and kind: cells whose counts are lowered, or are published otherwise than before",
    Sensitivity.SENSITIVE,
)
ANCHORS = Table(
    "anchors",
    "one row a bucket of column tuples: cells, and their exact counts when what is published of them last changed",
    Sensitivity.SENSITIVE,
)
AGGREGATES = Table(
    "aggregates",
    "one row a published combination of length 1…R; its count is rounded down to a multiple of k, a few further",
    Sensitivity.SAFE,
)
VALUES = Table(
    "values", "one row a value that differential privacy lets exist, with its noisy count", Sensitivity.INTERNAL
)
NOISY_PAIRS = Table("noisy_pairs", "one row a measured pair of columns: its table, noisy", Sensitivity.INTERNAL)
#: What decides about triples of columns, and those that are measured.
OF_PAIRS = Table(
    "of_pairs",
    "one row a bucket of column tuples: cells of records made of single counts and pairs alone, as drawn",
    Sensitivity.INTERNAL,
)
NOISY_SCORES = Table(
    "noisy_scores",
    "one row a triple of columns that may be measured: how far its table is from what pairs tell, noisy",
    Sensitivity.INTERNAL,
)
NOISY_TRIPLES = Table(
    "noisy_triples",
    "one row a measured triple of columns: its table, noisy, and that of records made of pairs alone",
    Sensitivity.INTERNAL,
)
#: What was counted of each length, from 2.
NOISY_LENGTHS = tuple(
    Table(f"noisy_{length}", "one row a bucket of candidates: their noisy counts", Sensitivity.INTERNAL)
    for length in range(2, 9)
)
RELEASED_COUNTS = Table(
    "released_counts", "one row a bucket of column tuples: released cells, noisy counts that agree", Sensitivity.SAFE
)
NOISY_AGGREGATES = Table(
    "aggregates",
    "one row a released combination: a noisy count, its standard error and 95 % interval",
    Sensitivity.SAFE,
)
#: What each round of synthesis of a large table grew.
ROUNDS = tuple(
    Table(f"grown_{number}", "one row a synthetic record and part, before rounding", Sensitivity.SENSITIVE)
    for number in range(8)
)
GROWN = Table("grown", "one row a distinct synthetic record, before rounding, with its copies", Sensitivity.SENSITIVE)
SEPARATED = Table(
    "separated",
    "one row a distinct synthetic record, none of which proves anything beside the counts, with its copies",
    Sensitivity.SENSITIVE,
)
SYNTHETIC_RECORDS = Table("synthetic_records", "one row a synthetic record", Sensitivity.SAFE)
SYNTHETIC_INDICATORS = Table(
    "synthetic_indicators",
    "one row a synthetic record; of fields with several values, a column a value: 1 or absent",
    Sensitivity.SAFE,
)
SYNTHETIC_ATTRIBUTES = Table(
    "synthetic_attributes", "one row a value of a synthetic record, named by its place among them", Sensitivity.SAFE
)
AGGREGATE_ATTRIBUTES = Table(
    "aggregate_attributes",
    "one row an attribute of a released combination, named by its place in aggregates, with its count",
    Sensitivity.SAFE,
)
SYNTHETIC_CODES = Table(
    "synthetic_codes", "one row a distinct synthetic record of 16-bit codes, with its copies", Sensitivity.INTERNAL
)
SYNTHETIC_COUNTS = Table(
    "synthetic_counts", "one row a bucket of column tuples: cells of the synthetic records", Sensitivity.INTERNAL
)
MEASURES = Table("measures", "one row a (comparison, measure, length, bin), against exact counts", Sensitivity.INTERNAL)
EVALUATION = Table(
    "evaluation", "one row a (measure, length, bin): protected counts against synthetic ones", Sensitivity.SAFE
)
COMPARISONS = Table(
    "comparisons",
    "one row a figure of a column tuple, association or subgroup, of exact counts too",
    Sensitivity.INTERNAL,
)
FIDELITY = Table(
    "fidelity",
    "one row a figure of a column tuple, association or subgroup: protected against synthetic",
    Sensitivity.SAFE,
)
REDACTED = Table(
    "redacted", "one row a way of redaction and a record that it leaves, with its multiplicity", Sensitivity.SENSITIVE
)
ASSESSMENT = Table(
    "assessment", "one row a figure of risk, disclosure, redaction, attacks and models", Sensitivity.INTERNAL
)
DIFFERENCES = Table(
    "differences", "one row a figure: what earlier releases and this one tell together", Sensitivity.SAFE
)
RARE = Table(
    "rare",
    "one row a combination that few synthetic records hold, with its count there and before",
    Sensitivity.INTERNAL,
)
DIFFERING = Table(
    "differing",
    "one row a (release, what is told, combination) of which that release and this one tell that few records hold it",
    Sensitivity.INTERNAL,
)
PROOF = Table("proof", "one row a distinct synthetic record with its support, counted up to k", Sensitivity.SENSITIVE)
SINGLE_COUNTS = Table(
    "single_counts",
    "one row an attribute: its protected count and its synthetic count, as written",
    Sensitivity.INTERNAL,
)
AUDIT_RESULTS = Table(
    "audit_results",
    "one row an expectation: its rule, severity, and whether it held; rules about exact figures, too",
    Sensitivity.INTERNAL,
)
QUALITY_RESULTS = Table(
    "quality_results",
    "one row an expectation about what is published: its rule, severity, and whether it held",
    Sensitivity.SAFE,
)
RELEASE = Table("release", "one row: the plan, versions, hashes, and what is guaranteed", Sensitivity.SAFE)


class Holder(Protocol):
    """The folder of the files of a kept table, here or in an object store."""

    @property
    def address(self) -> str:
        """Its path, or its address."""
        ...

    @property
    def spark_address(self) -> str:
        """What Spark is given for it."""
        ...

    def source(self, name: str) -> Path | IO[bytes]:
        """What Arrow reads a file from.

        Raises:
            OSError: it is not there, or cannot be reached.
        """
        ...


@dataclass(frozen=True)
class Kept:
    """A table as it was written into the run folder.

    Attributes:
        table: what it is.
        spark: the session that reads it as a frame.
        folder: folder of its files.
        schema: its columns, as Spark writes a schema in JSON.
        rows: number of rows.
        content_hash: hash of its content, whatever the order and the layout of the rows.
        files: its files, name → what changes whenever they do: SHA-256, in an object store size and tag.
        hashes: SHA-256 of its files, as they were written; in an object store of tables that may be published alone.
    """

    table: Table
    spark: SparkSession
    folder: Holder
    schema: Mapping[str, Any]
    rows: int
    content_hash: str
    files: Mapping[str, str]
    hashes: Mapping[str, str]

    @property
    def columns(self) -> list[str]:
        """Names of its columns, in order."""
        return [field["name"] for field in self.schema["fields"]]

    @property
    def types(self) -> dict[str, str]:
        """Its columns, in order, and what Spark calls their types in short."""
        from pyspark.sql.types import StructType

        return {field.name: field.dataType.simpleString() for field in StructType.fromJson(dict(self.schema)).fields}

    @cached_property
    def frame(self) -> DataFrame:
        """The rows as a DataFrame, read back from what was written; a damaged page of a file fails the task."""
        from pyspark.sql.types import StructType

        reader = self.spark.read.schema(StructType.fromJson(dict(self.schema))).options(**LITERAL)
        return reader.option("parquet.page.verify-checksum.enabled", "true").parquet(self.folder.spark_address)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows, read back on the driver a few at a time, file by file.

        Args:
            columns: names of those that are wanted; default: all.

        Raises:
            RunError: a file is missing or torn.
        """
        with self._errors():
            for file in sorted(self.files):
                with self._opened(file) as opened:
                    yield from opened.iter_batches(columns=columns)

    def arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows of a small table as one; see `batches`."""
        import pyarrow as pa

        rows = list(self.batches(columns))
        if rows:
            return pa.Table.from_batches(rows).replace_schema_metadata(None)
        with self._errors(), self._opened(min(self.files)) as opened:
            return opened.schema_arrow.remove_metadata().empty_table()

    def rows_of(self, file: str) -> int:
        """How many rows a file has.

        Raises:
            RunError: it is missing or torn.
        """
        with self._errors(), self._opened(file) as opened:
            return int(opened.metadata.num_rows)

    def _opened(self, file: str) -> Any:
        import pyarrow.parquet as pq

        return pq.ParquetFile(self.folder.source(file))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What is said of a file that cannot be read.

        Raises:
            RunError: it cannot.
        """
        import pyarrow as pa

        try:
            yield
        except (OSError, pa.ArrowException) as error:
            field, remedy = f"table {self.table.name}", "run its stage again: synth-spark stage NAME RUN"
            if type(error) is OSError and error.errno is None:  # of a store; one that is not there is another error
                remedy = "check the network, and who you are to the store, then: synth-spark resume RUN"
                raise RunError(field, f"cannot be read in its store ({error})", remedy) from None
            raise RunError(field, "is not what was written", remedy) from None


class SafeTable:
    """A kept table that may be published."""

    def __init__(self, kept: Kept) -> None:
        if kept.table.sensitivity is not Sensitivity.SAFE:
            raise TypeError(f"{kept.table.name} is {kept.table.sensitivity.name}")
        self.kept = kept

    @classmethod
    def derived(cls, kept: Kept, *sources: SafeTable) -> SafeTable:
        """A table computed from safe tables only; the signature holds what it was computed from."""
        if not sources or not all(isinstance(source, SafeTable) for source in sources):
            raise TypeError(f"{kept.table.name} must be derived from safe tables")
        return cls(kept)


def positional(frame: DataFrame) -> DataFrame:
    """The same rows with columns c0, c1, …: functions over Arrow cannot be handed names that need quoting."""
    names = [f"c{index}" for index in range(len(frame.columns))]
    return frame if frame.columns == names else frame.toDF(*names)
