"""How much of the claimed ε an adversary can be shown to have: what is measured must stay below it, and come near.

The mechanism is the measuring of `marginal_matching` over a declared domain, as the line calls it, on two data sets
that differ in one record; the adversary knows both and everything but the noise, and asks the most powerful question.
"""

import math
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import beta

from synth_spark import aggregate, plan
from synth_spark.aggregate.noisy_marginals import with_noise
from synth_spark.plan import Plan
from synth_spark.privacy import Rho, Sigma, Spending, compose, sigma_of, spend
from synth_spark.privacy.mechanisms import VettedNoise
from synth_spark.schema.fields import Field

RUNS, AT_ONCE, CERTAINTY = 25_000, 50, 0.99
EPSILON, DELTA = 1.0, 1e-5
RECORDS = [(0, 1, 0), (1, 1, 1), (0, 0, 1)] * 5
TARGET = (1, 0, 1)
PAIRS = list(combinations(range(3), 2))


class Pooled:
    """Vetted noise, drawn many at a time."""

    def __init__(self) -> None:
        self.pools: dict[Sigma, list[int]] = {}

    def gaussian(self, size: int, sigma: Sigma) -> np.ndarray:
        pool = self.pools.setdefault(sigma, [])
        if len(pool) < size:
            pool += VettedNoise().gaussian(100_000, sigma).tolist()
        drawn = pool[-size:]
        del pool[-size:]
        return np.array(drawn, np.int64)

    def choose(self, scores: np.ndarray, rho: Rho) -> int:
        raise AssertionError("nothing is chosen here")


def _evidence(records: list[tuple[int, ...]], spending: Spending, runs: int) -> np.ndarray:
    """In so many runs: how much all that is measured of some records looks as if the target were among them.

    Runs are measured many at a time, as columns of their own that have the budget of as many tables: one has the scales
    that it would have alone.
    """
    data, noise = np.array(records), Pooled()
    rows = [(column, str(value), int((data[:, column] == value).sum())) for column in range(3) for value in range(2)]
    columns, values, exact = zip(*((3 * run + c, v, n) for run in range(AT_ONCE) for c, v, n in rows), strict=True)
    arrays = [pa.array(columns, pa.int32()), pa.array(values), pa.array(exact, pa.int64())]
    counted = pa.table([*arrays, pa.array([False] * len(columns))], names=["column", "value", "count", "private"])
    fields, rho = [Field(f"{name}{run}") for run in range(AT_ONCE) for name in "abc"], spending.on("values") * AT_ONCE
    tables = [np.bincount(2 * data[:, i] + data[:, j], minlength=4) for i, j in PAIRS] * AT_ONCE
    sigmas = sigma_of([4] * 3, spending.on("pairs")) * AT_ONCE
    own = [6 * run + 2 * column + TARGET[column] for run in range(AT_ONCE) for column in range(3)]
    cells, weights = [2 * TARGET[i] + TARGET[j] for i, j in PAIRS] * AT_ONCE, np.array([float(s) for s in sigmas]) ** -2
    found = np.empty((runs // AT_ONCE, AT_ONCE))
    for block in found:
        singles = aggregate.noisy(counted, fields, [1] * len(fields), rho, spending.domain_delta, noise)
        counts, scales = singles["count"].to_numpy()[own], singles["sigma"].to_numpy()[own]
        pairs = [table[cell] for table, cell in zip(with_noise(tables, sigmas, noise), cells, strict=True)]
        block[:] = (counts / scales**2).reshape(-1, 3).sum(axis=1) + (pairs * weights).reshape(-1, 3).sum(axis=1)
    return found.ravel()


def _lower_bound(spending: Spending, runs: int) -> float:
    """ε that an adversary has, with certainty: from how rarely he errs about one record."""
    without, beside = _evidence(RECORDS, spending, runs), _evidence([*RECORDS, TARGET], spending, runs)
    cut = (without.mean() + beside.mean()) / 2
    wrong = _most(int((without > cut).sum()), runs), _most(int((beside <= cut).sum()), runs)
    return _epsilon(max(0.01, -NormalDist().inv_cdf(wrong[0]) - NormalDist().inv_cdf(wrong[1])))


def _asked() -> tuple[Plan, Spending]:
    privacy = {"epsilon": EPSILON, "delta": DELTA, "public_domain": True}
    asked = plan.parse({"input": {"path": "x.csv"}, "privacy": privacy})
    return asked, spend(asked, 3, 3, compose(asked, [2] * 3, [4] * 3, [1] * 3))


def _most(successes: int, runs: int) -> float:
    """Clopper and Pearson's upper bound of a rate."""
    return float(beta.ppf(CERTAINTY, successes + 1, runs - successes)) if successes < runs else 1.0


def _epsilon(mu: float) -> float:
    """ε at δ of a Gaussian mechanism of this distance (Balle and Wang 2018)."""
    normal, low, high = NormalDist(), 0.0, 20.0
    for _ in range(80):
        middle = (low + high) / 2
        delta = normal.cdf(mu / 2 - middle / mu) - math.exp(middle) * normal.cdf(-mu / 2 - middle / mu)
        low, high = (middle, high) if delta > DELTA else (low, middle)
    return high


@pytest.mark.takes("twice 25,000 draws of all noise")
def test_the_measured_lower_bound_stays_below_the_claim_and_comes_near_it() -> None:
    bound = _lower_bound(_asked()[1], RUNS)
    assert 0.7 * EPSILON <= bound <= EPSILON


def test_the_auditor_would_see_a_budget_that_is_overspent() -> None:
    asked, honest = _asked()
    assert (
        _lower_bound(spend(asked, 3, 3, 4 * honest.rho.value), 5_000) > EPSILON
    )  # noise half as large as it should be
