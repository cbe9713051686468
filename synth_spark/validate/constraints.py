"""The structural rules of a plan, on the synthetic records as written. It shares no code with their enforcement."""

from collections.abc import Sequence
from functools import reduce

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synth_spark.plan import Constraint
from synth_spark.schema.fields import Field, literal_pattern
from synth_spark.schema.tables import positional


def broken(synthetic: DataFrame, fields: Sequence[Field], rules: Sequence[Constraint]) -> pd.DataFrame:
    """How many synthetic records break each rule.

    Args:
        synthetic: the written synthetic records.
        fields: what their columns are.
        rules: the rules.

    Returns:
        One row a rule: ``broken``.
    """
    if not rules:
        return pd.DataFrame({"broken": []})
    cells = {field.name: _values(F.col(f"c{index}"), field) for index, field in enumerate(fields)}
    counts = [F.count_if(_breaks(rule, cells)).alias(f"rule{number}") for number, rule in enumerate(rules)]
    return pd.DataFrame({"broken": list(positional(synthetic).agg(*counts).collect()[0])})


def _values(cell: Column, field: Field) -> Column:
    """The values of a cell, as a list that may be empty."""
    if not field.many:
        values = F.array(cell)
    elif field.delimiter is None:
        values = cell
    else:
        values = F.split(cell, literal_pattern(field.delimiter))
    return F.when(cell.isNotNull(), values).otherwise(F.array().cast("array<string>"))


def _breaks(rule: Constraint, cells: dict[str, Column]) -> Column:
    together = [F.array_contains(cells[name], value) for name, value in (rule.when or rule.forbid).items()]
    if rule.then:
        allowed = {name: F.array(*map(F.lit, values)).cast("array<string>") for name, values in rule.then.items()}
        strays = [F.size(F.array_except(cells[name], values)) > 0 for name, values in allowed.items()]
        together.append(reduce(Column.__or__, strays))
    return reduce(Column.__and__, together)
