"""What noisy cells are expected to hold, against the same sums in plain numpy, integrals, and known counts."""

import numpy as np
import pytest
from scipy.stats import norm

from synth_spark.kernels.marginals.expected import Cells, expected, learned

_MULTIPLES = np.concatenate([[0.0], 2.0 ** np.arange(-5.0, 5.25, 0.5)])


def _cells(n: int, sigma: float, nothing: float = 0.5, seed: int = 1) -> tuple[Cells, np.ndarray]:
    """Cells of which a share holds nothing, and the others about their guesses; and what they hold."""
    rng = np.random.default_rng(seed)
    guess = 4.0 ** rng.uniform(-1, 6, n)
    exact = np.where(rng.random(n) < nothing, 0, rng.poisson(guess * rng.choice([0.25, 1.0, 2.0], n)))
    return Cells(exact + rng.normal(0, sigma, n), np.full(n, sigma), guess, np.full(n, 1e5)), exact


def _mixture(cells: Cells) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, 22) means and spreads of what counts may be, and the likelihood of each."""
    means = np.minimum(cells.guess[:, None] * _MULTIPLES, cells.most[:, None])
    spreads = 0.25 * means
    scales = np.sqrt(cells.errors[:, None] ** 2 + spreads**2)
    return means, spreads, norm.pdf(cells.noisy[:, None], means, scales) + 1e-300


def test_weights_are_those_of_expectation_maximisation_in_plain_sums() -> None:
    cells, _ = _cells(300, 3.0)
    classes = np.clip(np.floor(np.log2(np.maximum(cells.guess, 0.25)) / 2) + 1, 0, 9).astype(int)
    before = np.full(22, 2 / 22) + 2 * (_MULTIPLES == 1)
    _, _, likelihood = _mixture(cells)
    found = learned(cells)
    for own in range(10):
        weights = before / before.sum()
        for _ in range(40 if (classes == own).any() else 0):
            chances = likelihood[classes == own] * weights
            seen = (chances / chances.sum(axis=1, keepdims=True)).sum(axis=0) + before
            weights = seen / seen.sum()
        assert found[own] == pytest.approx(weights, rel=1e-6, abs=1e-9)


def test_means_and_chances_are_integrals_over_what_a_count_may_be() -> None:
    cells, _ = _cells(40, 3.0)
    weights = learned(cells)
    mean, nothing = expected(cells, weights)
    means, spreads, _ = _mixture(cells)
    for i in range(40):
        own = weights[int(np.clip(np.floor(np.log2(max(cells.guess[i], 0.25)) / 2) + 1, 0, 9))]
        at_zero = own[0] * norm.pdf(cells.noisy[i], 0, 3.0)
        density, first, below = at_zero, 0.0, at_zero
        for k in range(1, 22):
            counts = means[i, k] + spreads[i, k] * np.linspace(-8, 8, 8_001)
            weight = own[k] * norm.pdf(counts, means[i, k], spreads[i, k]) * norm.pdf(cells.noisy[i], counts, 3.0)
            step = counts[1] - counts[0]
            density += weight.sum() * step
            first += (weight * counts).sum() * step
            below += weight[counts < 0.5].sum() * step
        assert nothing[i] == pytest.approx(below / density, abs=5e-3)
        assert mean[i] == pytest.approx(first / density, rel=0.02, abs=0.1)  # of counts above 0


def test_a_count_is_the_noisy_one_where_noise_is_small() -> None:
    cells, exact = _cells(2_000, 1e-4, nothing=0.3)
    mean, nothing = expected(cells, learned(cells))
    assert mean == pytest.approx(exact, abs=0.02)
    assert ((nothing > 0.5) == (exact == 0)).all()


def test_counts_are_in_proportion_to_their_guesses_where_noise_hides_everything() -> None:
    cells, _ = _cells(2_000, 1e7, nothing=0.0)
    cells = cells._replace(most=np.full(2_000, 1e9))
    mean, nothing = expected(cells, learned(cells))
    ratio = mean / cells.guess
    assert ratio.max() / ratio.min() < 1.5
    assert nothing[cells.guess > 1].max() < 0.3


@pytest.mark.parametrize("sigma", [1.0, 10.0, 100.0])
def test_expected_counts_are_nearer_than_noisy_ones_and_than_the_guess_and_chances_are_not_overstated(sigma) -> None:
    cells, exact = _cells(20_000, sigma)
    mean, nothing = expected(cells, learned(cells))
    off = [np.square(found - exact).sum() for found in (mean, cells.noisy, cells.guess)]
    assert off[0] < off[1]
    assert off[0] < off[2]
    empty = nothing > 0.3
    assert (exact[empty] == 0).mean() > nothing[empty].mean() - 0.02  # not overstated
    assert nothing.min() >= 0
    assert nothing.max() <= 1 + 1e-9


def test_no_noise_and_no_guess_are_no_error() -> None:
    cells = Cells(np.array([0.0, 3.0, 0.0]), np.zeros(3), np.array([0.0, 0.0, 5.0]), np.array([0.0, 9.0, 9.0]))
    mean, nothing = expected(cells, learned(cells))
    assert np.isfinite(mean).all()
    assert nothing[[0, 2]] == pytest.approx(1)
