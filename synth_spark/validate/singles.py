"""Single counts as written: the synthetic records' own, beside the protected ones of the aggregates."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

SCHEMA = "column int, value string, protected bigint, synthetic bigint"


def single_counts(aggregates: DataFrame, synthetic: DataFrame) -> DataFrame:
    """Put both counts of every attribute side by side.

    Args:
        aggregates: the written aggregates.
        synthetic: the written synthetic records.

    Returns:
        One row an attribute of either: ``column`` (index), ``value``, ``protected``, ``synthetic``; null where one of
        them does not have it.
    """
    names = synthetic.columns
    protected = _attributes(aggregates.where("length = 1"), names, "protected_count").select(
        "column", "value", F.col("weight").alias("protected")
    )
    made = _attributes(synthetic.withColumn("protected_count", F.lit(1).cast("bigint")), names, "protected_count")
    counted = made.groupBy("column", "value").agg(F.sum("weight").alias("synthetic"))
    return protected.join(counted, ["column", "value"], "full").coalesce(1)


def synthetic_values(counts: DataFrame, columns: int) -> list[list[str]]:
    """The values that occur in the synthetic records, for each column, from the written single counts."""
    values: list[list[str]] = [[] for _ in range(columns)]
    for row in counts.where("synthetic is not null").select("column", "value").collect():
        values[row["column"]].append(row["value"])
    return values


def _attributes(frame: DataFrame, names: list[str], weight: str) -> DataFrame:
    pairs = [F.struct(F.lit(index).alias("column"), _column(name).alias("value")) for index, name in enumerate(names)]
    exploded = frame.select(F.explode(F.array(*pairs)).alias("attribute"), F.col(weight).alias("weight"))
    return exploded.select("attribute.column", "attribute.value", "weight").where("value is not null")


def _column(name: str):  # type: ignore[no-untyped-def]
    return F.col("`" + name.replace("`", "``") + "`")
