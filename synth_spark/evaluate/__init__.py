"""Stage 5: how much of the sensitive data is in the release, and nothing that should not be. On all records."""

from synth_spark.evaluate.compare import (
    COMPARISONS,
    PUBLIC,
    evaluation,
    findings,
    measures,
    occurring,
    partial_sums,
    partial_sums_between,
    reportable_singles,
    single_counts,
)
from synth_spark.evaluate.differencing import COMPARED, Published, differences, differing, told_best
from synth_spark.evaluate.disclosure import homogeneity
from synth_spark.evaluate.fidelity import labels
from synth_spark.evaluate.findings import Finding, assessment
from synth_spark.evaluate.measures import Measure, finish
from synth_spark.evaluate.rare import rare_combinations
from synth_spark.evaluate.redaction import losses, redacted
from synth_spark.evaluate.risk import common_cells, linkable, risk_table, search
from synth_spark.evaluate.subtraction import TOLD, drift, subtracted

#: Comparisons of what is published alone: their figures may be told to everyone, and whether a rule about one held.
PUBLISHED = (PUBLIC, COMPARED)

__all__ = [
    "COMPARISONS",
    "PUBLIC",
    "PUBLISHED",
    "TOLD",
    "Finding",
    "Measure",
    "Published",
    "assessment",
    "common_cells",
    "differences",
    "differing",
    "drift",
    "evaluation",
    "findings",
    "finish",
    "homogeneity",
    "labels",
    "linkable",
    "losses",
    "measures",
    "occurring",
    "partial_sums",
    "partial_sums_between",
    "rare_combinations",
    "redacted",
    "reportable_singles",
    "risk_table",
    "search",
    "single_counts",
    "subtracted",
    "told_best",
]
