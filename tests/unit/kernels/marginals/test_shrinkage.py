"""Tables without what noise adds to them, against the derivation of the shrinker and against known tables."""

import numpy as np
import pytest

from synth_spark.kernels.marginals.shrinkage import shrink, shrunk


@pytest.mark.parametrize("ratio", [1.0, 0.5, 1 / 21])
def test_singular_values_shrink_as_those_of_spiked_matrices_should(ratio: float) -> None:
    """A spike x shows as y, its vectors turned by angles of known cosines; x times both cosines has the least error."""
    spikes = np.concatenate([ratio**0.25 * np.array([1.001, 1.1, 2.0]), [5.0, 100.0, 1e5]])
    shown = np.sqrt((spikes + 1 / spikes) * (spikes + ratio / spikes))
    left = np.sqrt((spikes**4 - ratio) / (spikes**4 + ratio * spikes**2))
    right = np.sqrt((spikes**4 - ratio) / (spikes**4 + spikes**2))
    assert shrink(shown, ratio) == pytest.approx(spikes * left * right, rel=1e-6)
    noise = np.linspace(0, 1 + np.sqrt(ratio), 9)
    assert shrink(noise, ratio).tolist() == [0.0] * 9


def _two_groups(a: int, b: int, share: float, records: float) -> np.ndarray:
    """A table of two columns that depend on each other by a group, whose first values hold most records."""
    rng = np.random.default_rng(a)
    tables = [np.outer(rng.dirichlet(np.full(a, 0.3)), rng.dirichlet(np.full(b, 0.3))) for _ in range(2)]
    table = share * tables[0] + (1 - share) * tables[1]
    table[0, 0] += 4
    return records * table / table.sum()


def _with_the_margins_of(counts: np.ndarray, table: np.ndarray) -> np.ndarray:
    rows, columns = table.sum(axis=1) - counts.sum(axis=1), table.sum(axis=0) - counts.sum(axis=0)
    a, b = table.shape
    return counts + rows[:, None] / b + columns[None, :] / a - (table.sum() - counts.sum()) / (a * b)


@pytest.mark.parametrize(("a", "b"), [(2, 2), (3, 40), (40, 3), (30, 40)])
@pytest.mark.parametrize("sigma", [0.0, 1e-9, 1.0, 30.0, 3_000.0])
def test_shrunk_tables_are_no_farther_from_the_exact_ones_and_keep_their_margins(a: int, b: int, sigma: float) -> None:
    table, rng, off = _two_groups(a, b, 0.6, 5_000), np.random.default_rng(1), np.zeros(2)
    for _ in range(40):
        noisy = _with_the_margins_of(table + rng.normal(0, sigma, table.shape), table)
        found = shrunk(noisy, table.sum(axis=1), table.sum(axis=0), sigma)
        off += np.square(found - table).sum(), np.square(noisy - table).sum()
        assert found.sum(axis=1) == pytest.approx(table.sum(axis=1), rel=1e-9, abs=1e-6)
        assert found.sum(axis=0) == pytest.approx(table.sum(axis=0), rel=1e-9, abs=1e-6)
    one_number = (a, b) == (2, 2)  # which nothing can shrink without loss, whatever its size
    assert off[0] <= (2.5 if one_number else 1.01) * off[1] + 1e-12 * np.square(table).sum()
    if sigma >= 3_000 or (sigma >= 30 and not one_number):
        assert off[0] < 0.7 * off[1]


def test_a_table_without_noise_stays_what_it_is() -> None:
    table = _two_groups(12, 30, 0.6, 1e6)
    for sigma in (0.0, 1e-7):
        found = shrunk(table, table.sum(axis=1), table.sum(axis=0), sigma)
        assert np.linalg.norm(found - table) <= 1e-9 * np.linalg.norm(table)


def test_noise_alone_becomes_independent_columns() -> None:
    rows, columns = np.full(30, 100.0), np.full(40, 75.0)
    table = np.outer(rows, columns) / 3_000
    noisy = _with_the_margins_of(table + np.random.default_rng(2).normal(0, 500, table.shape), table)
    assert np.linalg.norm(shrunk(noisy, rows, columns, 500.0) - table) < 0.2 * np.linalg.norm(noisy - table)


def test_the_one_number_of_two_columns_of_two_values_shrinks_as_one_number() -> None:
    """Of a table of 2 × 2 with given margins one number is free: its singular value is judged by β = 1, at 2 σ."""
    independent, pattern = np.full((2, 2), 25.0), np.array([[0.5, -0.5], [-0.5, 0.5]])
    for value, kept in ((1.9, 0.0), (2.5, 1.5)):
        found = shrunk(independent + value * pattern, np.full(2, 50.0), np.full(2, 50.0), 1.0)
        assert found == pytest.approx(independent + kept * pattern)


def test_a_table_without_records_stays_what_it_is() -> None:
    assert shrunk(np.zeros((2, 3)), np.zeros(2), np.zeros(3), 1.0).tolist() == [[0.0] * 3] * 2
