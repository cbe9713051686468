"""A release in numbered plain sentences with its numbers, and in one row. From safe facts alone."""

from synth_spark.report.narrative.k_anonymity import facts_of, guarantee
from synth_spark.report.narrative.shared import Narrative, quality_text, release_text

__all__ = ["Narrative", "facts_of", "guarantee", "quality_text", "release_text"]
