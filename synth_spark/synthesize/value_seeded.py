"""Value-seeded synthesis: no seeds; all occurrences of all values are placed in new records (specification 4.5)."""

from synth_spark.plan.planner import ResolvedPlan
from synth_spark.synthesize.strategies import Strategy


def value_seeded(_resolved: ResolvedPlan, _key: int) -> Strategy:
    """Nothing is a seed, so every value is left over."""
    return Strategy(None, leftovers=True)
