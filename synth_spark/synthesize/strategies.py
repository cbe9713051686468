"""The ways of growing records: who the seeds are, and whether what they lose is placed. A new one is a function here.

`row_seeded`: every sensitive record is a seed that keeps what at least k records share; what seeds
could not keep is placed in them or in new records, so every attribute occurs ⌊count⌋k times.

`value_seeded`: no seeds; all occurrences of all values are placed in new records.

`unseeded`: records are drawn column by column from what the rest of the record allows. Drawing a column's value ∝
its count among the rows that hold the record so far, and going on with the rows that hold it, is the same as drawing
one of those rows and taking its value. So the walk of a record is the walk of a seed that was drawn from the records
with replacement, its columns in a random order, and it runs down the same tree. Each record becomes a Poisson number of
seeds, with the protected number of records expected in all: neither the number of records nor, after rounding, any
attribute's count is given away, and a value that is too rare leaves its column open without narrowing the rows, so
later columns are not emptied.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.keyed_random import derive, draw_poisson, hash_rows
from synth_spark.plan.planner import ResolvedPlan


@dataclass(frozen=True)
class Strategy:
    """A way of synthesis.

    Attributes:
        seeds: (n,) how many seeds each record is, from (n, m) codes and (n,) multiplicities; None = there are no seeds.
        leftovers: whether values that seeds do not keep are placed.
        power: how strongly frequent values are preferred, if the way fixes it; None = as the plan says.
    """

    seeds: Callable[[Codes, Ints], Ints] | None
    leftovers: bool
    power: float | None = None


def row_seeded(_resolved: ResolvedPlan, _key: int) -> Strategy:
    """Every record is as many seeds as it has copies."""

    def seeds(_codes: Codes, weights: Ints) -> Ints:
        return weights

    return Strategy(seeds, leftovers=True)


def value_seeded(_resolved: ResolvedPlan, _key: int) -> Strategy:
    """Nothing is a seed, so every value is left over."""
    return Strategy(None, leftovers=True)


def unseeded(resolved: ResolvedPlan, key: int) -> Strategy:
    """Every record is a random number of seeds, one a copy on average; what seeds lose is not placed."""
    rate = (resolved.records - resolved.records % resolved.k) / resolved.records

    def seeds(codes: Codes, weights: Ints) -> Ints:
        drawn: Ints = draw_poisson(rate * weights, hash_rows(codes, np.uint64(derive(key, "resample"))))
        return drawn

    return Strategy(seeds, leftovers=False, power=0.0)


#: Key ``synthesis.kind`` of the plan → its way, given the numbers of the run and the key of all random choices.
STRATEGIES: Mapping[str, Callable[[ResolvedPlan, int], Strategy]] = {
    "row_seeded": row_seeded,
    "value_seeded": value_seeded,
    "unseeded": unseeded,
}
