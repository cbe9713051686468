"""Single counts as written: the synthetic records' own, beside the protected ones of the aggregates."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.schema.fields import Field, count_values
from synth_spark.schema.tables import positional

_COUNTED = "column int, value string, count bigint"
_KEY = ["column", "value"]
_SIDES = ("protected", "synthetic")


def single_counts(aggregates: DataFrame, synthetic: DataFrame, fields: Sequence[Field]) -> pa.Table:
    """Put both counts of every attribute side by side; one job counts both.

    Args:
        aggregates: the written aggregates.
        synthetic: the written synthetic records.
        fields: what their columns are.

    Returns:
        One row an attribute of either: ``column`` (index of its field), ``value``, ``protected``, ``synthetic``; null
        where one of them does not have it.
    """
    width = len(fields)
    singles = positional(aggregates.where("length = 1"))  # length, the columns, selections, protected_count
    cells = [
        f"c{index + 1}" if field.type == "string" else f"get(c{index + 1}, 0)" for index, field in enumerate(fields)
    ]
    places = [f"CASE WHEN {cell} IS NOT NULL THEN {index} END" for index, cell in enumerate(cells)]
    protected = singles.selectExpr(
        f"coalesce({', '.join(places)}) AS column", f"coalesce({', '.join(cells)}) AS value", f"c{width + 2} AS count"
    )  # there is one cell with a value

    def count_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for index, field in enumerate(fields):
                counted = count_values(batch.columns[index], field)
                column = pa.repeat(pa.scalar(index, pa.int32()), len(counted[0]))
                yield pa.RecordBatch.from_arrays([column, *counted], names=["column", "value", "count"])

    counts = positional(synthetic).mapInArrow(count_batches, _COUNTED)
    counted = counts.groupBy(*_KEY).agg(F.sum("count").alias("count"))
    sides = [frame.withColumn("side", F.lit(side)) for frame, side in zip((protected, counted), _SIDES, strict=True)]
    return _side_by_side(sides[0].unionAll(sides[1]).toArrow())


def _side_by_side(counts: pa.Table) -> pa.Table:
    """Rows ``column``, ``value``, ``count``, ``side`` as one row an attribute; see `single_counts`."""
    protected, synthetic = (
        counts.filter(pc.equal(counts["side"], side)).drop_columns("side").rename_columns([*_KEY, side])
        for side in _SIDES
    )
    return protected.join(synthetic, _KEY, join_type="full outer").sort_by([(name, "ascending") for name in _KEY])


def synthetic_values(counts: pa.Table, columns: int) -> list[list[str]]:
    """The values that occur in the synthetic records, for each column, from the written single counts."""
    values: list[list[str]] = [[] for _ in range(columns)]
    held = counts.filter(pc.is_valid(counts["synthetic"]))
    for column, value in zip(held["column"].to_pylist(), held["value"].to_pylist(), strict=True):
        values[column].append(value)
    return values
