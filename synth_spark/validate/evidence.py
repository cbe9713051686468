"""What an audit judges: what Spark counts of the tables as written, each scanned once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.plan import Constraint
from synth_spark.schema.fields import Field
from synth_spark.schema.verdicts import Rule
from synth_spark.validate.audit import column_pairs
from synth_spark.validate.constraints import broken
from synth_spark.validate.observations import observe


@dataclass(frozen=True)
class Evidence:
    """What was counted of the written tables.

    Attributes:
        columns: table → its columns, as they are written.
        observed: table → for each of its rules, in order, what was counted; see `observe`.
        singles: one row an attribute; see `synth_spark.validate.single_counts`.
        broken: one row a structural rule: ``broken``, the synthetic records that do not keep it.
    """

    columns: dict[str, list[str]]
    observed: dict[str, list[dict[str, int]]]
    singles: pa.Table
    broken: pd.DataFrame

    def batches(self, declared: dict[str, list[str]]) -> dict[str, tuple[str, Any]]:
        """The batches that every contract has, for `checked`: columns, written tables, structural rules."""
        return {
            "columns": ("pandas", column_pairs(declared, self.columns)),
            **{table: ("observed", observed) for table, observed in self.observed.items()},
            "constraints": ("pandas", self.broken),
        }


def evidence(
    synthetic: DataFrame,
    aggregates: DataFrame,
    fields: Sequence[Field],
    constraints: Sequence[Constraint],
    rules: Sequence[Rule],
    singles: pa.Table,
) -> Evidence:
    """Count what an audit needs to know of the written tables.

    Args:
        synthetic: the synthetic records as written.
        aggregates: the aggregates as written.
        fields: what the columns of the synthetic records are.
        constraints: the structural rules of the plan.
        rules: the contract.
        singles: what `synth_spark.validate.single_counts` returned.
    """
    written, names = {"synthetic_records": synthetic, "aggregates": aggregates}, {field.name for field in fields}
    observed = {}
    for suite, table in written.items():
        looked_at = [F.col(name) for name in table.columns if name not in names] or [F.lit(1).alias("record")]
        expected = [(rule.expectation, rule.arguments) for rule in rules if (rule.batch or rule.suite) == suite]
        observed[suite] = observe(table.select(*looked_at), expected)
    return Evidence(
        {suite: table.columns for suite, table in written.items()},
        observed,
        singles,
        broken(synthetic, fields, constraints),
    )
