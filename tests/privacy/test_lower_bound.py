"""How much of the claimed ε an adversary can be shown to have: what is measured must stay below it, and come near.

The mechanism is the measuring of `marginal_matching` over a declared domain, as the line calls it, on two data sets
that differ in one record; the adversary knows both and everything but the noise, and asks the most powerful question.
"""

import math
from itertools import combinations
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import beta

from synth_spark import aggregate, plan
from synth_spark.aggregate.noisy_marginals import with_noise
from synth_spark.plan import Plan
from synth_spark.privacy import Delta, Epsilon, Rho, Sigma, Spending, compose, sigma_of, spend
from synth_spark.privacy.ledger import Ledger, private_entry
from synth_spark.privacy.mechanisms import VettedNoise
from synth_spark.schema.fields import Field
from synth_spark.storage.append_log import LineFile

RUNS, AT_ONCE, CERTAINTY = 25_000, 50, 0.99
EPSILON, DELTA = 1.0, 1e-5
#: So often every record is there where values are private: their counts are far above the threshold.
FREQUENT = 100
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


def _evidence(records: list[tuple[int, ...]], spending: Spending, runs: int, private: bool = False) -> np.ndarray:
    """In so many runs: how much all that is measured of some records looks as if the target were among them.

    Runs are measured many at a time, as columns of their own that have the budget of as many tables: one has the scales
    that it would have alone.

    Args:
        records: with the target, or without.
        spending: of a run.
        runs: their number.
        private: whether the existence of values is; they must be so frequent that it shows.
    """
    data, noise = np.array(records), Pooled()
    rows = [(column, str(value), int((data[:, column] == value).sum())) for column in range(3) for value in range(2)]
    columns, values, exact = zip(*((3 * run + c, v, n) for run in range(AT_ONCE) for c, v, n in rows), strict=True)
    arrays = [pa.array(columns, pa.int32()), pa.array(values), pa.array(exact, pa.int64())]
    counted = pa.table([*arrays, pa.array([private] * len(columns))], names=["column", "value", "count", "private"])
    fields, rho = [Field(f"{name}{run}") for run in range(AT_ONCE) for name in "abc"], spending.on("values") * AT_ONCE
    tables = [np.bincount(2 * data[:, i] + data[:, j], minlength=4) for i, j in PAIRS] * AT_ONCE
    sigmas = sigma_of([4] * 3, spending.on("pairs")) * AT_ONCE
    own = [6 * run + 2 * column + TARGET[column] for run in range(AT_ONCE) for column in range(3)]
    cells, weights = [2 * TARGET[i] + TARGET[j] for i, j in PAIRS] * AT_ONCE, np.array([float(s) for s in sigmas]) ** -2
    found = np.empty((runs // AT_ONCE, AT_ONCE))
    for block in found:
        singles = aggregate.noisy(counted, fields, [1] * len(fields), rho, spending.domain_delta, noise)
        assert singles.num_rows == len(columns)
        counts, scales = singles["count"].to_numpy()[own], singles["sigma"].to_numpy()[own]
        pairs = [table[cell] for table, cell in zip(with_noise(tables, sigmas, noise), cells, strict=True)]
        block[:] = (counts / scales**2).reshape(-1, 3).sum(axis=1) + (pairs * weights).reshape(-1, 3).sum(axis=1)
    return found.ravel()


def _lower_bound(
    spending: Spending, runs: int, private: bool = False, releases: int = 1, delta: float = DELTA
) -> float:
    """ε that an adversary has, with certainty: from how rarely he errs about one record.

    Args:
        spending: of a release.
        runs: how often he is asked, with the record and without.
        private: whether the existence of values is.
        releases: how many he holds, each of all records.
    """
    records = RECORDS * (FREQUENT if private else 1)
    without, beside = (
        sum(_evidence(own, spending, runs, private) for _ in range(releases)) for own in (records, [*records, TARGET])
    )
    cut = (np.mean(without) + np.mean(beside)) / 2
    wrong = _most(int((without > cut).sum()), runs), _most(int((beside <= cut).sum()), runs)
    return _epsilon(max(0.01, -NormalDist().inv_cdf(wrong[0]) - NormalDist().inv_cdf(wrong[1])))


def _asked(**terms: object) -> tuple[Plan, Spending]:
    privacy = {"epsilon": EPSILON, "delta": DELTA, "public_domain": True, **terms}
    asked = plan.parse({"input": {"path": "x.csv"}, "privacy": privacy})
    return asked, spend(asked, 3, 3, compose(asked, [2] * 3, [2] * 3, [1] * 3))


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


@pytest.mark.takes("draws of all noise, as above")
def test_the_lower_bound_holds_where_values_are_private_and_over_several_releases_of_one_account(
    tmp_path: Path,
) -> None:
    """What an account says that releases cost together is not less than what all of them tell."""
    spending = _asked(public_domain=False, epsilon=2.0)[1]
    assert spending.domain_delta.value > 0
    assert 0.5 * 2.0 <= _lower_bound(spending, 6_000, private=True) <= 2.0
    ledger = Ledger(LineFile(tmp_path / "ledger.jsonl"))
    one = _asked(delta=1e-6)[1]
    ledger.grant("cases", Epsilon(9.0), Delta(DELTA))
    for number in range(3):
        ledger.debit(private_entry("cases", f"run-{number}", "marginal_matching", "record", one))
    spent = float(ledger.account("cases").spent[0])
    assert spent < 3 * EPSILON  # ρ are added, not ε
    assert 0.5 * spent <= _lower_bound(one, 6_000, releases=3) <= spent


def test_a_value_of_one_record_alone_is_told_of_no_more_often_than_its_delta_allows() -> None:
    """It is in each of its columns; δ is for whether any of its values is told of."""
    asked, spending = _asked(public_domain=False, delta=0.009, domain_delta_share=0.9)
    fields, delta = [Field(name) for name in "abc"], float(spending.domain_delta)
    columns = pa.array(range(3), pa.int32())
    counted = pa.table([columns, pa.array(["only mine"] * 3), pa.array([1] * 3), pa.array([True] * 3)],
                       names=["column", "value", "count", "private"])  # fmt: skip
    noise, runs = Pooled(), 20_000
    told = sum(
        aggregate.noisy(counted, fields, [1] * 3, spending.on("values"), spending.domain_delta, noise).num_rows > 0
        for _ in range(runs)
    )
    least = float(beta.ppf(1 - CERTAINTY, told, runs - told + 1))
    assert 0.2 * delta < least <= delta == pytest.approx(0.9 * asked.private_terms.delta)
