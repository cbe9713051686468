"""Tables of three columns for records: they agree with those of pairs, and are nearer to the exact ones."""

import itertools

import numpy as np
import pytest

from synth_spark.kernels.marginals.consistency import Measured, estimate
from synth_spark.kernels.marginals.targets import targets
from synth_spark.kernels.marginals.triple_targets import fitted_to_pairs

CARDS = (3, 4, 2, 5)
TRIPLES = list(itertools.combinations(range(4), 3))


def _records(n: int = 4_000) -> np.ndarray:
    """The third column follows from the first two together, and is told by neither of them alone."""
    rng = np.random.default_rng(1)
    a, b, d = (rng.integers(0, card, n) for card in (3, 4, 5))
    third = np.where(rng.random(n) < 0.1, rng.integers(0, 2, n), (a + b) % 2)
    return np.stack([a, b, third, d], axis=1)


def _table(codes: np.ndarray, columns: tuple[int, ...]) -> np.ndarray:
    table = np.zeros([CARDS[c] for c in columns])
    np.add.at(table, tuple(codes[:, c] for c in columns), 1)
    return table


@pytest.mark.parametrize("sigma", [0.5, 20.0, 200.0])
def test_tables_agree_with_pairs_and_are_nearer_than_what_was_measured_and_than_what_pairs_tell(sigma: float) -> None:
    codes, rng = _records(), np.random.default_rng(7)
    mixed = np.stack([rng.permutation(codes[:, c]) for c in range(4)], axis=1)  # as pairs tell: nearly independent
    sets = [*itertools.combinations(range(4), 2), *TRIPLES]
    noisy, told, found_off = 0.0, 0.0, 0.0
    for _ in range(3):
        measured = [Measured(own, _table(codes, own) + rng.normal(0, sigma, [CARDS[c] for c in own]), sigma**2)
                    for own in sets]  # fmt: skip
        agreed = estimate(measured, {})
        found = targets(measured, agreed, {}, {own: _table(mixed, own) for own in TRIPLES})
        assert set(found.triples) == set(TRIPLES)
        for table in measured[-len(TRIPLES) :]:
            exact, own = _table(codes, table.columns), found.triples[table.columns]
            assert own.min() >= 0
            for gone in range(3):
                pair = tuple(column for place, column in enumerate(table.columns) if place != gone)
                assert own.sum(axis=gone) == pytest.approx(found.estimates.pairs[pair], rel=0.02, abs=1.0)
            noisy += np.abs(table.counts - exact).sum()
            told += np.abs(_table(mixed, table.columns) - exact).sum()
            found_off += np.abs(own - exact).sum()
    assert found_off < (1.01 if sigma < 1 else 0.9) * noisy + 20
    assert found_off < (0.1 if sigma < 1 else 0.5 if sigma < 100 else 1.1) * told


def test_fitted_counts_keep_what_pairs_leave_open() -> None:
    """Fitting to the margins of a table itself changes nothing."""
    table = _table(_records(), (0, 1, 2))
    own = fitted_to_pairs(table, table.sum(axis=2), table.sum(axis=1), table.sum(axis=0))
    assert own == pytest.approx(table, abs=1e-3)
    flat = fitted_to_pairs(np.ones(table.shape), table.sum(axis=2), table.sum(axis=1), table.sum(axis=0))
    assert np.abs(flat - table).sum() > 1_000


def test_without_triples_nothing_is_wanted_of_them() -> None:
    measured = [Measured(own, _table(_records(), own), 4.0) for own in itertools.combinations(range(4), 2)]
    assert targets(measured, estimate(measured, {}), {}).triples == {}
