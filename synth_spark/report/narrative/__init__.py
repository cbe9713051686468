"""A release told in numbered plain sentences with its numbers, and in one row. From safe facts alone."""

from synth_spark.report.narrative.k_anonymity import facts_of, guarantee
from synth_spark.report.narrative.shared import (
    PRIVATE,
    Narrative,
    by_length,
    count_by_length,
    one_row,
    quality_text,
    release_text,
    versions,
)

__all__ = [
    "PRIVATE",
    "Narrative",
    "by_length",
    "count_by_length",
    "facts_of",
    "guarantee",
    "one_row",
    "quality_text",
    "release_text",
    "versions",
]
