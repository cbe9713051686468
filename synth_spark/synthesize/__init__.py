"""Stage 4: synthetic records: the other door out of the sensitive side."""

from synth_spark.synthesize.row_seeded import synthetic_records, vouch

__all__ = ["synthetic_records", "vouch"]
