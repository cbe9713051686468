"""Unseeded synthesis: records drawn column by column from what the rest of the record allows (specification 4.6).

Drawing a column's value ∝ its count among the rows that hold the record so far, and going on with the rows that hold
it, is the same as drawing one of those rows and taking its value. So the walk of a record is the walk of a seed that
was drawn from the records with replacement, its columns in a random order, and it runs down the same tree. Each record
becomes a Poisson number of seeds, with the protected number of records expected in all: neither the number of records
nor, after rounding, any attribute's count is given away, and a value that is too rare leaves its column open without
narrowing the rows, so later columns are not emptied.
"""

import numpy as np

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.keyed_random import derive, draw_poisson, hash_rows
from synth_spark.plan.planner import ResolvedPlan
from synth_spark.synthesize.strategies import Strategy


def unseeded(resolved: ResolvedPlan, key: int) -> Strategy:
    """Every record is a random number of seeds, one a copy on average; what seeds lose is not placed."""
    rate = (resolved.records - resolved.records % resolved.k) / resolved.records

    def seeds(codes: Codes, weights: Ints) -> Ints:
        drawn: Ints = draw_poisson(rate * weights, hash_rows(codes, np.uint64(derive(key, "resample"))))
        return drawn

    return Strategy(seeds, leftovers=False, power=0.0)
