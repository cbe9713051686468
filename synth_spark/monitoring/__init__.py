"""What surrounds runs: how they are watched, and what they leave for machines."""

from synth_spark.monitoring.watch import Watch, watched

__all__ = ["Watch", "watched"]
