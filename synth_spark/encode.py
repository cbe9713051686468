"""Stage 2: RECORDS become a DOMAIN (which values there are) and CODES (distinct records of small integers). SENSITIVE.

Strings are touched here for the last time until a table is published.
"""

from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.domain import Domain, build, check_cardinality
from synth_spark.errors import ResourceError
from synth_spark.kernels.wire import pack_codes
from synth_spark.tables import positional

#: Most attributes (column, value) of a whole table: the domain is held by the driver and every task.
MAX_ATTRIBUTES = 2_000_000


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


def domain_of(names: list[str], counted: DataFrame, records: int) -> Domain:
    """Collect the marginals, after a look at their number, into the table's domain.

    Raises:
        InputError: a column has too many values.
        ResourceError: all columns together have.
    """
    sizes = {
        row["column"]: row["values"] for row in counted.groupBy("column").agg(F.count("*").alias("values")).collect()
    }
    for index, name in enumerate(names):
        check_cardinality(name, sizes.get(index, 0))
    total = sum(sizes.values())
    if total > MAX_ATTRIBUTES:
        raise ResourceError(
            "input",
            f"has {total:,} distinct values over all columns, more than {MAX_ATTRIBUTES:,}",
            "group rare values first",
        )
    return build(names, counted.toArrow(), records)


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
