"""What differential privacy costs: budgets as values, a vetted accountant, and how a release spends what it has.

No Spark here: the whole split is known, and shown, before anything is spent.
"""

from synth_spark.privacy.accountant import epsilon_of, rho_of, scaled_to
from synth_spark.privacy.allocation import (
    TRIPLE_SCORES,
    TRIPLES,
    Share,
    Spending,
    chooses_pairs,
    chooses_share,
    compose,
    fabrication,
    length_shares,
    measurable_triples,
    spend,
    threshold,
    value_sigmas,
    value_threshold,
)
from synth_spark.privacy.shares import share_of_values
from synth_spark.privacy.units import Delta, Epsilon, Rho, Sigma, sigma_of

__all__ = [
    "TRIPLES",
    "TRIPLE_SCORES",
    "Delta",
    "Epsilon",
    "Rho",
    "Share",
    "Sigma",
    "Spending",
    "chooses_pairs",
    "chooses_share",
    "compose",
    "epsilon_of",
    "fabrication",
    "length_shares",
    "measurable_triples",
    "rho_of",
    "scaled_to",
    "share_of_values",
    "sigma_of",
    "spend",
    "threshold",
    "value_sigmas",
    "value_threshold",
]
