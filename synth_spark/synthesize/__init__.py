"""Stage 4: synthetic records: the other door out of the sensitive side."""

from synth_spark.schema.tables import SYNTHETIC_RECORDS, Kept, SafeTable
from synth_spark.synthesize.aggregate_seeded import ReleasedCombinations, released_domain, seeded_records
from synth_spark.synthesize.constraints import attributes_of, forbidden_cells
from synth_spark.synthesize.marginal_matching import matched_records
from synth_spark.synthesize.output import indicator_names, indicators, synthetic_records, written
from synth_spark.synthesize.rounds import grown_records
from synth_spark.synthesize.separation import separated

__all__ = [
    "ReleasedCombinations",
    "attributes_of",
    "forbidden_cells",
    "grown_records",
    "indicator_names",
    "indicators",
    "matched_records",
    "released_domain",
    "seeded_records",
    "separated",
    "synthetic_records",
    "vouch",
    "written",
]


def vouch(kept: Kept) -> SafeTable:
    """Declare the kept synthetic records fit to leave: grown within ≥ k sensitive ones, or made of released counts."""
    if kept.table is not SYNTHETIC_RECORDS:
        raise TypeError(f"synthesize does not make {kept.table.name}")
    return SafeTable(kept)
