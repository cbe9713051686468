"""The law of the vetted noise: what it is, and that the test would see five per cent less or more."""

import numpy as np
import pytest
from scipy.stats import chi2

from synth_spark.privacy import Rho, Sigma
from synth_spark.privacy.mechanisms import VettedNoise

DRAWS = 150_000


def _statistic(drawn: np.ndarray, sigma: float) -> tuple[float, int]:
    """Pearson's statistic against the discrete Gaussian, in cells of at least 20 expected draws; degrees of freedom."""
    reach = int(6 * sigma) + 2
    values = np.arange(-reach, reach + 1)
    law = np.exp(-(values.astype(float) ** 2) / (2 * sigma**2))
    law /= law.sum()
    observed = np.bincount(np.clip(drawn, -reach, reach) + reach, minlength=len(values))
    enough = law * len(drawn) >= 20
    expected = np.append(law[enough], law[~enough].sum()) * len(drawn)
    found = np.append(observed[enough], observed[~enough].sum())
    return float(((found - expected) ** 2 / np.maximum(expected, 1e-9)).sum()), int(enough.sum())


@pytest.mark.parametrize("sigma", [0.7, 3.0, 40.0])
def test_noise_is_discrete_gaussian_of_its_scale_and_of_no_other(sigma: float) -> None:
    drawn = VettedNoise().gaussian(DRAWS, Sigma(sigma))
    statistic, degrees = _statistic(drawn, sigma)
    assert statistic < chi2.isf(1e-7, degrees)
    for wrong in (0.95, 1.05):
        statistic, degrees = _statistic(drawn, sigma * wrong)
        assert statistic > chi2.isf(1e-7, degrees)


def test_no_noise_is_drawn_where_none_is_needed() -> None:
    assert VettedNoise().gaussian(3, Sigma(0.0)).tolist() == [0, 0, 0]
    assert VettedNoise().gaussian(0, Sigma(5.0)).tolist() == []


def test_two_sources_draw_differently() -> None:
    first, second = (VettedNoise().gaussian(200, Sigma(100.0)).tolist() for _ in range(2))
    assert first != second


def test_choices_follow_the_exponential_mechanism() -> None:
    """P(i) ∝ exp(ε scoreᵢ / 2) with ρ = ε² / 8."""
    scores, rho = np.array([0, -1, -3, -8]), Rho(0.5)
    epsilon = float(rho.selection())
    law = np.exp(epsilon * scores / 2)
    law /= law.sum()
    drawn = np.bincount([VettedNoise().choose(scores, rho) for _ in range(6_000)], minlength=4)
    statistic = ((drawn - 6_000 * law) ** 2 / (6_000 * law)).sum()
    assert statistic < chi2.isf(1e-7, 3)
    wrong = np.exp(0.8 * epsilon * scores / 2)
    wrong /= wrong.sum()
    assert ((drawn - 6_000 * wrong) ** 2 / (6_000 * wrong)).sum() > chi2.isf(1e-7, 3)
