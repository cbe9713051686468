"""Row-seeded synthesis: every sensitive record is a seed that keeps what at least k records share (specification 4.4).

What seeds could not keep is placed in them or in new records, so every attribute occurs ⌊count⌋k times.
"""

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.plan.planner import ResolvedPlan
from synth_spark.synthesize.strategies import Strategy


def row_seeded(_resolved: ResolvedPlan, _key: int) -> Strategy:
    """Every record is as many seeds as it has copies."""

    def seeds(_codes: Codes, weights: Ints) -> Ints:
        return weights

    return Strategy(seeds, leftovers=True)
