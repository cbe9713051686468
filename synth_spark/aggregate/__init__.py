"""Stage 3: exact counts of combinations become protected ones: one of the two doors out of the sensitive side."""

from synth_spark.aggregate.suppress import aggregates, vouch

__all__ = ["aggregates", "vouch"]
