"""The share of ρ for single counts: what is expected of it, once more by loops, and how it follows the records."""

import math
from itertools import combinations

import pytest

from synth_spark import plan
from synth_spark.plan import DifferentialPrivacy
from synth_spark.privacy import Spending, share_of_values, shares, spend, value_sigmas, value_threshold


def _spending(**keys: object) -> Spending:
    asked = plan.parse({"input": {"path": "x.csv"}, "privacy": {"epsilon": 1, **keys}})
    return spend(asked, 3, 5)


def _by_loops(
    spending: Spending, share: float, records: int, tables: list[int], held: list[int], private: bool
) -> tuple[float, float]:
    columns, pairs = range(len(tables)), list(combinations(range(len(tables)), 2))
    sigmas = [float(s) for s in value_sigmas(spending.rho * share, [1] * len(tables) if private else tables, held)]
    weights = {pair: (tables[pair[0]] * tables[pair[1]]) ** (2 / 3) for pair in pairs}
    left = spending.rho.value * (1 - share)
    scales = {pair: math.sqrt(sum(weights.values()) / (2 * left * weight)) for pair, weight in weights.items()}
    mean = math.sqrt(2 / math.pi) / 2  # of half the absolute value
    ones, lost = [], []
    for c in columns:
        told = 1 / sigmas[c] ** 2 + sum(
            1 / (scales[pair] ** 2 * tables[pair[0] + pair[1] - c]) for pair in pairs if c in pair
        )
        ones.append(mean * tables[c] / math.sqrt(told) / records)
        lost.append(0.0)
        if private:
            threshold = value_threshold(value_sigmas(spending.rho * share, [1] * len(tables), held)[c],
                                        spending.domain_delta, sum(held))  # fmt: skip
            lost[c] = _below(min(1.0, threshold / records), tables[c]) / 2
    far = []
    for i, j in pairs:
        noise = mean * tables[i] * tables[j] * scales[i, j] / records
        beyond = 1 / (1 / noise + 1 / shares.DEPENDENCE)
        far.append(math.sqrt(beyond**2 + (ones[i] + ones[j]) ** 2) + lost[i] + lost[j])
    return sum(map(sum, zip(ones, lost, strict=True))) / len(tables), sum(far) / len(far)


def _below(part: float, values: int, steps: int = 20_000) -> float:
    """What values with less than a part of the records hold of them: a value's part x has density ∝ (1 − x)^(c − 2)."""
    middles = [(step + 0.5) * part / steps for step in range(steps)]
    density = [values * x * (values - 1) * (1 - x) ** (values - 2) for x in middles]
    return sum(density) * part / steps


@pytest.mark.parametrize("private", [True, False])
def test_expected_errors_are_those_of_loops(private: bool) -> None:
    spending, tables, held = _spending(public_domain={"a": ["x"]}), [2, 3, 9, 4, 6], [1, 1, 1, 3, 1]
    for share in (0.15, 0.6):
        for records in (300, 50_000):
            terms = (spending, share, records, tables, held, private)
            assert shares.expected_errors(*terms) == pytest.approx(_by_loops(*terms), rel=1e-4)


@pytest.mark.parametrize("private", [True, False])
def test_the_fewer_records_the_more_of_the_budget_is_for_single_counts(private: bool) -> None:
    """Where noise hides what pairs say, and most values, single counts are worth most."""
    spending, tables, held = _spending(), [8] * 5, [1] * 5
    found = [share_of_values(spending, 10**power, tables, held, private) for power in range(9)]
    assert found == sorted(found, reverse=True)
    assert (found[0], found[-1]) == (shares.SHARES[-1], shares.SHARES[0])
    assert share_of_values(spending, -40, tables, held, private) == found[0]  # noise may make it less than none


def test_the_largest_share_leaves_something_for_pairs() -> None:
    """As plans are checked: see `DifferentialPrivacy`."""
    terms = DifferentialPrivacy(epsilon=1)
    assert shares.SHARES[-1] + terms.selection_share + terms.record_count_share < 1
    assert tuple(sorted(shares.SHARES)) == shares.SHARES
