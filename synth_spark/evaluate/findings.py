"""Findings: figures about columns, attributes, attacks and records, beside the measures of counts.

A finding is one row, whatever it is about, so that rules can name it, reports show it and tables keep it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

_ROWS = pa.schema(
    [
        ("topic", pa.string()),
        ("comparison", pa.string()),
        ("measure", pa.string()),
        ("about", pa.string()),
        ("length", pa.int32()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Finding:
    """One figure.

    Attributes:
        topic: distance, association, subgroup, risk, homogeneity, redaction, difference, drift, attack or model.
        comparison: ``source_to_target`` where two tables are compared; else the table that it is about.
        measure: what was calculated; see `evaluate.definitions`.
        about: columns, an attribute or a way, where it is about one.
        length: of the combinations, where it is about those of one.
        value: the figure.
        low: lower end of its 95 % interval, where it has one.
        high: upper end.
    """

    topic: str
    comparison: str
    measure: str
    about: str | None
    length: int | None
    value: float
    low: float | None = None
    high: float | None = None


def assessment(spark: SparkSession, found: Iterable[Finding]) -> DataFrame:
    """Findings as a table, one row each."""
    rows = pa.Table.from_pylist([vars(finding) for finding in found], _ROWS)
    if rows.num_rows:
        return spark.createDataFrame(rows).coalesce(1)
    types = {pa.string(): "string", pa.int32(): "int", pa.float64(): "double"}  # Connect takes no empty table
    nothing = [F.lit(None).cast(types[column.type]).alias(column.name) for column in _ROWS]
    return spark.range(0).coalesce(1).select(*nothing)
