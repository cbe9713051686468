"""Stage 3: exact counts become ones that may be published: the first of the two doors out of the sensitive side.

Under k-anonymity rare combinations are suppressed and counts rounded (`suppress`). Under differential privacy counts
get noise: those of values (`value_selection`), of pairs and triples of columns (`noisy_marginals`, `noisy_triples`), or
of combinations, length by length (`noisy_combinations`); whichever was counted, `Released` is its form from there on.
"""

from synth_spark.aggregate.joint_suppression import MOST_ALONE, lowered_counts, lowered_sums
from synth_spark.aggregate.k_anonymity import aggregates, vouch
from synth_spark.aggregate.noisy_combinations import CountingPlan, Draws
from synth_spark.aggregate.noisy_combinations import released as released_lengths
from synth_spark.aggregate.noisy_marginals import (
    check_pairs,
    choose_pairs,
    exact_pairs,
    measured,
    noisy_pairs,
    of_pairs,
)
from synth_spark.aggregate.noisy_triples import Counted, Sides, noisy_scores, noisy_triples
from synth_spark.aggregate.released_counts import Released, counts_frame, from_estimates
from synth_spark.aggregate.series_suppression import (
    LOWERED,
    MOVED,
    RECORDS,
    Release,
    Side,
    anchors_after,
    shared_numbering,
    stepped,
)
from synth_spark.aggregate.value_selection import candidates, noisy, table_sizes

__all__ = [
    "LOWERED",
    "MOST_ALONE",
    "MOVED",
    "RECORDS",
    "Counted",
    "CountingPlan",
    "Draws",
    "Release",
    "Released",
    "Side",
    "Sides",
    "aggregates",
    "anchors_after",
    "candidates",
    "check_pairs",
    "choose_pairs",
    "counts_frame",
    "exact_pairs",
    "from_estimates",
    "lowered_counts",
    "lowered_sums",
    "measured",
    "noisy",
    "noisy_pairs",
    "noisy_scores",
    "noisy_triples",
    "of_pairs",
    "released_lengths",
    "shared_numbering",
    "stepped",
    "table_sizes",
    "vouch",
]
