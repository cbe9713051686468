"""Stage 5: how much of the sensitive data is in the release, and nothing that should not be. On all records."""

from synth_spark.evaluate.compare import (
    COMPARISONS,
    PUBLIC,
    evaluation,
    measures,
    overall,
    partial_sums,
    partial_sums_between,
)
from synth_spark.evaluate.measures import Measure, finish

__all__ = [
    "COMPARISONS",
    "PUBLIC",
    "Measure",
    "evaluation",
    "finish",
    "measures",
    "overall",
    "partial_sums",
    "partial_sums_between",
]
