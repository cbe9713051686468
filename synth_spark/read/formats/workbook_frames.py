"""Sheets of Excel workbooks as a table: one task reads a workbook, row by row."""

from collections.abc import Callable, Collection, Iterator
from itertools import islice

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synth_spark.plan.sources import workbooks
from synth_spark.plan.sources.workbooks import SheetFile, Sheets

#: Rows that a task hands over at once.
_ROWS = 10_000


def workbook_frame(spark: SparkSession, source: Sheets, only: Collection[str] | None = None) -> DataFrame:
    """The records of sheets: columns raw0, raw1, … in the order of the source's names.

    Args:
        spark: the session.
        source: what the workbooks are.
        only: if given, no other workbooks are read.
    """
    files = tuple(file for file in source.files if only is None or file.path in only)
    names = [f"raw{place}" for place in range(len(source.names))]
    if not files:
        return spark.range(0).select(*(F.lit("").alias(name) for name in names))
    numbers = spark.range(0, len(files), 1, len(files))
    return numbers.mapInArrow(_reading(files, names), ", ".join(f"{name} string" for name in names))


def _reading(
    files: tuple[SheetFile, ...], names: list[str]
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What a task does: numbers of workbooks → their records."""

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for place in batch.column(0).to_pylist():
                folders = [value for _, value in files[place].partitions]
                found = workbooks.rows(files[place])
                while some := list(islice(found, _ROWS)):
                    columns = [pa.array(column, pa.string()) for column in zip(*some, strict=True)]
                    columns += [pa.repeat(pa.scalar(value, pa.string()), len(some)) for value in folders]
                    yield pa.RecordBatch.from_arrays(columns, names=names)

    return read
