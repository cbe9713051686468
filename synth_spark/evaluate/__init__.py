"""Stage 5: how much of the sensitive data is in the release, and nothing that should not be. On all records."""

from synth_spark.evaluate.compare import (
    COMPARISONS,
    PUBLIC,
    evaluation,
    findings,
    measures,
    partial_sums,
    partial_sums_between,
    reportable_singles,
    single_counts,
)
from synth_spark.evaluate.differencing import Earlier, differences, earlier_release
from synth_spark.evaluate.disclosure import homogeneity
from synth_spark.evaluate.fidelity import labels
from synth_spark.evaluate.findings import Finding, assessment
from synth_spark.evaluate.measures import Measure, finish
from synth_spark.evaluate.redaction import losses, redacted
from synth_spark.evaluate.risk import common_cells, linkable, risk_table, search
from synth_spark.evaluate.subtraction import TOLD, Published, drift, subtracted

__all__ = [
    "COMPARISONS",
    "PUBLIC",
    "TOLD",
    "Earlier",
    "Finding",
    "Measure",
    "Published",
    "assessment",
    "common_cells",
    "differences",
    "drift",
    "earlier_release",
    "evaluation",
    "findings",
    "finish",
    "homogeneity",
    "labels",
    "linkable",
    "losses",
    "measures",
    "partial_sums",
    "partial_sums_between",
    "redacted",
    "reportable_singles",
    "risk_table",
    "search",
    "single_counts",
    "subtracted",
]
