"""Single counts as written: the synthetic records' own, beside the protected ones of the aggregates."""

from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.tables import positional

_COUNTED = "column int, value string, count bigint"


def single_counts(aggregates: DataFrame, synthetic: DataFrame) -> DataFrame:
    """Put both counts of every attribute side by side.

    Args:
        aggregates: the written aggregates.
        synthetic: the written synthetic records.

    Returns:
        One row an attribute of either: ``column`` (index), ``value``, ``protected``, ``synthetic``; null where one of
        them does not have it.
    """
    width = len(synthetic.columns)
    singles = positional(aggregates.where("length = 1"))  # length, the columns, selections, protected_count
    columns = [F.col(f"c{index + 1}") for index in range(width)]
    place = F.coalesce(*(F.when(column.isNotNull(), F.lit(index)) for index, column in enumerate(columns)))
    value = F.coalesce(*columns)  # the only one
    protected = singles.select(place.alias("column"), value.alias("value"), F.col(f"c{width + 2}").alias("protected"))
    made = positional(synthetic).mapInArrow(_count_values, _COUNTED)
    counted = made.groupBy("column", "value").agg(F.sum("count").alias("synthetic"))
    return protected.join(counted, ["column", "value"], "full").coalesce(1)


def synthetic_values(counts: DataFrame, columns: int) -> list[list[str]]:
    """The values that occur in the synthetic records, for each column, from the written single counts."""
    values: list[list[str]] = [[] for _ in range(columns)]
    for row in counts.where("synthetic is not null").select("column", "value").collect():
        values[row["column"]].append(row["value"])
    return values


def _count_values(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for index, array in enumerate(batch.columns):
            counted = array.drop_null().value_counts()
            column = pa.repeat(pa.scalar(index, pa.int32()), len(counted))
            values, counts = counted.field("values").cast(pa.string()), counted.field("counts").cast(pa.int64())
            yield pa.RecordBatch.from_arrays([column, values, counts], names=["column", "value", "count"])
