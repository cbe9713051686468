"""Stage 5: how much of the sensitive data is in the release, and nothing that should not be. On all records."""

from synth_spark.evaluate.compare import (
    CountedTable,
    fidelity_metrics,
    measures,
    occurring,
    partial_sums,
    partial_sums_between,
    single_counts,
)
from synth_spark.evaluate.fidelity import labels
from synth_spark.evaluate.measures import finish, single_measures
from synth_spark.schema.metric_definitions import is_measure, measure_names

__all__ = [
    "CountedTable",
    "fidelity_metrics",
    "finish",
    "is_measure",
    "labels",
    "measure_names",
    "measures",
    "occurring",
    "partial_sums",
    "partial_sums_between",
    "single_counts",
    "single_measures",
]
