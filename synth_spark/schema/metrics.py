"""One metric: a figure of counts, columns, attributes, attacks or records.

A metric is one row, whatever it is about, so that rules can name it, reports show it and tables keep it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from synth_spark.schema.arrow_types import ARROW_TYPES
from synth_spark.schema.published_columns import COLUMNS

#: source_to_target; the last one compares what is published alone.
COMPARISONS = ("sensitive_to_reportable", "sensitive_to_synthetic", "reportable_to_synthetic")
PUBLIC = COMPARISONS[-1]
#: What metrics compare that two releases give together.
COMPARED = "earlier_to_this"
#: Comparisons of what is published alone: their values may be shown to everyone, and whether a rule about one held.
PUBLISHED = (PUBLIC, COMPARED)


@dataclass(frozen=True)
class Metric:
    """A metric and its value.

    Attributes:
        topic: distance, association, subgroup, risk, homogeneity, redaction, difference, drift, attack or model; None
            where counts of all combinations are compared.
        comparison: ``source_to_target`` where two tables are compared; else the table that it is about.
        measure: what was calculated; see `evaluate.definitions`.
        about: columns, an attribute or a way, where it is about one.
        length: of the combinations, where it is about those of one.
        value: the figure.
        low: lower end of its 95 % interval, where it has one.
        high: upper end.
        count_bin: upper end of the bin of counts, where it is about combinations of one.
    """

    topic: str | None
    comparison: str
    measure: str
    about: str | None
    length: int | None
    value: float
    low: float | None = None
    high: float | None = None
    count_bin: int | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Metric":
        """A metric of a row of a kept or published table, which may lack columns and have others."""
        values: dict[str, Any] = {name: row.get(name) for name in cls.__dataclass_fields__}
        return cls(**values)


def metrics_table(metrics: Iterable[Metric]) -> pa.Table:
    """Metrics about columns, attributes, attacks and records as a table, one row each."""
    return _table(metrics, "fidelity")


def count_metrics_table(metrics: Iterable[Metric]) -> pa.Table:
    """Metrics of counts as a table, one row each."""
    return _table(metrics, "evaluation")


def _table(metrics: Iterable[Metric], like: str) -> pa.Table:
    """Metrics in the columns of a published table of them; tables that are not published have the same."""
    schema = pa.schema([(name, ARROW_TYPES[column.type]) for name, column in COLUMNS[like].items()])
    return pa.Table.from_pylist([vars(metric) for metric in metrics], schema)
