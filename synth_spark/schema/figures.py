"""Findings: figures about columns, attributes, attacks and records, beside the measures of counts.

A finding is one row, whatever it is about, so that rules can name it, reports show it and tables keep it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

#: source_to_target; the last one compares what is published alone.
COMPARISONS = ("sensitive_to_reportable", "sensitive_to_synthetic", "reportable_to_synthetic")
PUBLIC = COMPARISONS[-1]
#: What figures compare that two releases give together.
COMPARED = "earlier_to_this"
#: Comparisons of what is published alone: their figures may be told to everyone, and whether a rule about one held.
PUBLISHED = (PUBLIC, COMPARED)
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
class Measure:
    """One figure of a comparison."""

    comparison: str
    measure: str
    length: int | None
    count_bin: int | None
    value: float


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


def assessment(findings: Iterable[Finding]) -> pa.Table:
    """Findings as a table, one row each."""
    return pa.Table.from_pylist([vars(finding) for finding in findings], _ROWS)
