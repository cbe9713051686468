"""Stage 2: RECORDS become a DOMAIN (which values there are) and CODES (distinct records of small integers). SENSITIVE.

Strings are touched here for the last time until a table is published.
"""

from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.domain import Domain
from synth_spark.errors import InputError, ResourceError
from synth_spark.kernels.wire import pack_codes
from synth_spark.tables import positional

#: Most attributes (column, value) of a whole table: the domain is held by the driver and every task.
MAX_ATTRIBUTES = 2_000_000
#: What readers put in place of bytes that are not UTF-8.
_REPLACEMENT = "\ufffd"


def marginals(records: DataFrame) -> DataFrame:
    """Count the values of every column.

    Args:
        records: string columns, one row a record.

    Returns:
        One row an attribute: ``column`` (index), ``value``, ``count``.
    """

    def count_values(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for index, values in enumerate(batch.columns):
                counted = values.drop_null().value_counts()
                yield pa.RecordBatch.from_arrays(
                    [
                        pa.array([index] * len(counted), pa.int32()),
                        counted.field("values").cast(pa.string()),
                        counted.field("counts").cast(pa.int64()),
                    ],
                    names=["column", "value", "count"],
                )

    counted = records.mapInArrow(count_values, "column int, value string, count bigint")
    return counted.groupBy("column", "value").agg(F.sum("count").alias("count"))


def check_size(attributes: int) -> None:
    """Refuse, before it is collected, a domain that the driver and every task could not hold.

    Raises:
        ResourceError: all columns together have too many values.
    """
    if attributes > MAX_ATTRIBUTES:
        raise ResourceError(
            "input",
            f"has {attributes:,} distinct values over all columns, more than {MAX_ATTRIBUTES:,}",
            "group rare values first, or leave identifiers and free text out with input.columns",
        )


def check_text(domain: Domain) -> None:
    """Refuse text that was not UTF-8.

    Raises:
        InputError: a column holds a replacement character.
    """
    for column in domain.columns:
        if any(_REPLACEMENT in value for value in column.values):
            raise InputError(
                f"column '{column.name}'", "holds bytes that are not UTF-8", "convert the file to UTF-8 first"
            )


def codes(records: DataFrame, domain: Domain) -> DataFrame:
    """Encode records and merge equal ones.

    Args:
        records: string columns, one row a record, in the order of the domain's columns.
        domain: values outside it count as absent.

    Returns:
        One row a distinct record: ``record`` (binary, 16-bit codes, see `kernels.wire`), ``multiplicity``.
    """

    def encode(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield pa.RecordBatch.from_arrays([pack_codes(domain.encode(batch.columns))], names=["record"])

    encoded = positional(records).mapInArrow(encode, "record binary")
    return encoded.groupBy("record").agg(F.count("*").alias("multiplicity"))
