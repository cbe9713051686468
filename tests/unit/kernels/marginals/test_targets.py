"""Tables for records: nearer to the exact ones at every scale of noise, and empty where nothing is."""

import itertools

import numpy as np
import pytest

from synth_spark.kernels.marginals.consistency import Measured, estimate
from synth_spark.kernels.marginals.targets import targets


def _records(n: int, share: float, seed: int = 1) -> tuple[np.ndarray, list[int]]:
    """Six columns that depend on a group; in each, value 0 is held by a share of all records more than by the group."""
    rng, cards = np.random.default_rng(seed), [3, 4, 2, 6, 9, 12]
    group = rng.integers(0, 3, n)
    own = [(group * (1 + c % 2) + rng.integers(0, 2, n)) % card for c, card in enumerate(cards)]
    return np.stack([np.where(rng.random(n) < share, 0, column) for column in own], axis=1), cards


def _exact(codes, cards) -> dict[tuple[int, int], np.ndarray]:
    tables = {}
    for i, j in itertools.combinations(range(len(cards)), 2):
        flat = np.bincount(codes[:, i] * cards[j] + codes[:, j], minlength=cards[i] * cards[j])
        tables[i, j] = flat.reshape(cards[i], cards[j]).astype(float)
    return tables


def _noisy(exact, sigma: float, seed: int) -> list[Measured]:
    rng = np.random.default_rng(seed)
    return [Measured(pair, own + rng.normal(0, sigma, own.shape), sigma**2) for pair, own in exact.items()]


@pytest.mark.parametrize(("n", "share", "noise"), [(500, 0.0, 100.0), (500, 0.8, 10.0), (20_000, 0.4, 1_000.0)])
@pytest.mark.parametrize("less", [1e-6, 0.01, 0.1, 1.0])
def test_tables_are_nearer_than_published_ones_where_noise_is_large_and_as_near_elsewhere(
    n: int, share: float, noise: float, less: float
) -> None:
    """With few records, where one value dominates, and with many."""
    codes, cards = _records(n, share)
    sigma = noise * less
    exact, off = _exact(codes, cards), np.zeros(2)
    for seed in range(4):
        measured = _noisy(exact, sigma, seed)
        agreed = estimate(measured, {})
        found = targets(measured, agreed, {}).estimates
        for place, tables in enumerate((found.pairs, agreed.pairs)):
            off[place] += sum(np.abs(tables[pair] - exact[pair]).sum() for pair in exact)
        for (i, j), own in found.pairs.items():
            assert own.min() >= 0
            assert own.sum(axis=1) == pytest.approx(agreed.ones[i], rel=1e-3, abs=1.0)
            assert own.sum(axis=0) == pytest.approx(agreed.ones[j], rel=1e-3, abs=1.0)
    assert off[0] <= 1.1 * off[1] + 1e-3 * n
    if less == 1:
        assert off[0] < 0.9 * off[1]


def test_cells_that_hold_nothing_are_to_be_empty_where_noise_lets_that_be_told() -> None:
    codes, cards = _records(20_000, 0.0)
    exact = _exact(codes, cards)
    for sigma, least in ((5.0, 0.9), (300.0, 0.5)):
        measured = _noisy(exact, sigma, 2)
        empty = targets(measured, estimate(measured, {}), {}).empty
        found = np.concatenate([empty[pair].ravel() for pair in exact])
        holds = np.concatenate([own.ravel() for own in exact.values()])
        assert found[holds == 0].mean() >= least
        assert holds[found].sum() <= 0.001 * holds.sum()


def test_what_was_not_measured_is_told_by_way_of_other_columns() -> None:
    """Two columns that are the same, of which only a third one's tables are known: what never meets is to be empty."""
    rng = np.random.default_rng(4)
    first = rng.integers(0, 4, 8_000)
    codes, cards = np.stack([first, first, first, rng.integers(0, 2, 8_000)], axis=1), [4, 4, 4, 2]
    exact = _exact(codes, cards)
    del exact[0, 1], exact[1, 3]
    measured = _noisy(exact, 2.0, 3)
    empty = targets(measured, estimate(measured, {}), {}).empty
    assert empty[0, 1].tolist() == (~np.eye(4, dtype=bool)).tolist()
    assert not empty[1, 3].any()


def test_columns_are_about_independent_where_noise_hides_everything_but_single_counts() -> None:
    """Small cells keep about their share: what is expected of a cell is a multiple of the guess, until it is scaled."""
    counts = np.array([900.0, 90.0, 10.0])
    singles = [Measured((column,), counts, 1e-6) for column in range(2)]
    noise = np.random.default_rng(1).normal(0, 1e5, (3, 3))
    measured = [*singles, Measured((0, 1), noise, 1e10)]
    found = targets(measured, estimate(measured, {}), {}).estimates
    assert np.abs(np.log2(found.pairs[0, 1] / (np.outer(counts, counts) / 1_000))).max() < 2


def test_forbidden_cells_stay_empty_and_no_record_is_no_error() -> None:
    exact = _exact(*_records(2_000, 0.2))
    measured, off = _noisy(exact, 20.0, 5), np.zeros((3, 4), bool)
    off[1, 2] = True
    found = targets(measured, estimate(measured, {(0, 1): off}), {(0, 1): off}).estimates
    assert found.pairs[0, 1][1, 2] == 0
    none = [Measured((0, 1), np.full((2, 3), -1.0), 1.0)]
    assert targets(none, estimate(none, {}), {}).estimates.pairs[0, 1].sum() == pytest.approx(0, abs=1e-6)
    alone = [Measured((0,), np.array([3.0, 4.0]), 1.0)]
    assert targets(alone, estimate(alone, {}), {}).empty == {}
