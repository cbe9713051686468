"""Stage 4: synthetic records: the other door out of the sensitive side."""

from synth_spark.synthesize.records import grown_records
from synth_spark.synthesize.writing import indicator_names, indicators, synthetic_records
from synth_spark.tables import SYNTHETIC_RECORDS, Kept, SafeTable

__all__ = ["grown_records", "indicator_names", "indicators", "synthetic_records", "vouch"]


def vouch(kept: Kept) -> SafeTable:
    """Declare the kept synthetic records fit to leave: each was grown so that ≥ k sensitive records contain it."""
    if kept.table is not SYNTHETIC_RECORDS:
        raise TypeError(f"synthesize does not make {kept.table.name}")
    return SafeTable(kept)
