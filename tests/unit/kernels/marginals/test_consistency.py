"""Noisy tables made to agree."""

import numpy as np
import pyarrow as pa
import pytest
from random_tables import domain_of
from scipy.optimize import minimize

from synth_spark.aggregate import measured
from synth_spark.kernels.arrow_codec import pack_ints
from synth_spark.kernels.marginals.candidates import links
from synth_spark.kernels.marginals.consistency import Measured, estimate, lower_to_parents


def _tables(codes, cards):
    ones = [np.bincount(codes[:, c], minlength=cards[c]).astype(float) for c in range(len(cards))]
    pairs = {}
    for i in range(len(cards)):
        for j in range(i + 1, len(cards)):
            flat = np.bincount(codes[:, i] * cards[j] + codes[:, j], minlength=cards[i] * cards[j])
            pairs[i, j] = flat.reshape(cards[i], cards[j]).astype(float)
    return ones, pairs


def _codes(n=5_000, seed=1):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, n)
    return np.stack([(group + rng.integers(0, 2, n)) % card for card in (3, 4, 2, 5)], axis=1), [3, 4, 2, 5]


def test_without_noise_estimates_are_what_was_measured() -> None:
    ones, pairs = _tables(*_codes())
    measured = [Measured((c,), own, 1.0) for c, own in enumerate(ones)]
    measured += [Measured(pair, own, 1.0) for pair, own in pairs.items()]
    found = estimate(measured, {})
    assert found.total == pytest.approx(5_000)
    for own, table in zip(ones, found.ones, strict=True):
        assert table == pytest.approx(own, abs=1e-6)
    for pair, own in pairs.items():
        assert found.pairs[pair] == pytest.approx(own, abs=1e-3)


def test_estimates_agree_are_not_negative_and_nearer_than_what_was_measured() -> None:
    codes, cards = _codes()
    ones, pairs = _tables(codes, cards)
    rng = np.random.default_rng(5)
    measured = [Measured((c,), own + rng.normal(0, 30, own.shape), 900.0) for c, own in enumerate(ones)]
    measured += [Measured(pair, own + rng.normal(0, 30, own.shape), 900.0) for pair, own in pairs.items()]
    found = estimate(measured, {})
    raw = after = 0.0
    for pair, own in found.pairs.items():
        assert own.min() >= 0
        assert own.sum(axis=1) == pytest.approx(found.ones[pair[0]], rel=1e-3, abs=0.5)
        assert own.sum(axis=0) == pytest.approx(found.ones[pair[1]], rel=1e-3, abs=0.5)
        after += np.abs(own - pairs[pair]).sum()
        raw += next(np.abs(table.counts - pairs[pair]).sum() for table in measured if table.columns == pair)
    assert after < 0.8 * raw


def test_standard_errors_are_those_of_many_draws() -> None:
    """95 % intervals hold the exact count in at least 93 of 100 cells, and are not wider than they need be."""
    codes, cards = _codes(20_000)
    ones, pairs = _tables(codes, cards)
    rng, held, cells, spread = np.random.default_rng(9), 0, 0, []
    for _ in range(60):
        measured = [Measured((c,), own + rng.normal(0, 20, own.shape), 400.0) for c, own in enumerate(ones)]
        measured += [Measured(pair, own + rng.normal(0, 20, own.shape), 400.0) for pair, own in pairs.items()]
        found = estimate(measured, {})
        for pair, own in found.pairs.items():
            inside = pairs[pair] > 100  # not at the border of what is possible
            z = (own - pairs[pair])[inside] / found.pair_errors[pair][inside]
            held, cells = held + int((np.abs(z) <= 1.96).sum()), cells + z.size
            spread.append(z)
    assert held / cells > 0.93
    assert 0.75 < np.concatenate(spread).std() < 1.1


@pytest.mark.parametrize("left_out", [None, (0, 1)])
def test_margins_of_triples_make_counts_nearer_whose_standard_errors_stay_those_of_many_draws(left_out) -> None:
    """Also of a pair without a table of its own; without noise a mean of exact tables is exact."""
    codes, cards = _codes(20_000)
    ones, pairs = _tables(codes, cards)
    longer = {}
    for own in ((0, 1, 2), (0, 1, 3), (1, 2, 3)):
        longer[own] = np.zeros([cards[c] for c in own])
        np.add.at(longer[own], tuple(codes[:, c] for c in own), 1)
    known = {pair: own for pair, own in pairs.items() if pair != left_out}
    rng, spread, off = np.random.default_rng(9), [], np.zeros(2)
    for _ in range(80):
        measured = [Measured((c,), own + rng.normal(0, 20, own.shape), 400.0) for c, own in enumerate(ones)]
        measured += [Measured(pair, own + rng.normal(0, 20, own.shape), 400.0) for pair, own in known.items()]
        plain = estimate(measured, {})
        measured += [Measured(own, table + rng.normal(0, 15, table.shape), 225.0) for own, table in longer.items()]
        found = estimate(measured, {})
        assert found.pairs.keys() == pairs.keys()
        for column, own in enumerate(found.ones):
            spread.append(((own - ones[column]) / found.one_errors[column]).ravel())
        for pair, own in found.pairs.items():
            inside = pairs[pair] > 100  # not at the border of what is possible
            spread.append((own - pairs[pair])[inside] / found.pair_errors[pair][inside])
            if pair in plain.pairs:
                off += np.abs(own - pairs[pair]).sum(), np.abs(plain.pairs[pair] - pairs[pair]).sum()
    z = np.concatenate(spread)
    assert (np.abs(z) <= 1.96).mean() > 0.93
    assert abs(z.mean()) < 0.05
    assert 0.75 < z.std() < 1.1
    assert off[0] < 0.95 * off[1]
    exact = estimate([Measured(own, table, 0.0) for own, table in (pairs | longer).items()], {})
    assert exact.pairs[0, 1] == pytest.approx(pairs[0, 1], abs=1e-3)


def test_forbidden_cells_stay_empty() -> None:
    ones, pairs = _tables(*_codes())
    rng = np.random.default_rng(5)
    measured = [Measured(pair, own + rng.normal(0, 50, own.shape), 2_500.0) for pair, own in pairs.items()]
    off = np.zeros((3, 4), bool)
    off[1, 2] = True
    assert estimate(measured, {(0, 1): off}).pairs[0, 1][1, 2] == 0
    assert ones[0].sum() == 5_000


def test_what_was_not_measured_is_left_to_the_rest() -> None:
    codes, cards = _codes()
    ones, pairs = _tables(codes, cards)
    hidden = ones[0].copy()
    hidden[0] = np.nan
    measured = [Measured((0,), hidden, 1.0), *(Measured(pair, own, 4.0) for pair, own in pairs.items())]
    assert estimate(measured, {}).ones[0] == pytest.approx(ones[0], abs=1e-6)


def test_lowered_counts_are_the_nearest_that_agree() -> None:
    """Against a general solver, on all combinations of three columns of two values."""
    starts = np.array([0, 2, 4, 6])
    rows = [
        np.arange(6)[:, None],
        np.array([[0, 2], [0, 3], [1, 2], [0, 4], [1, 5], [2, 4], [3, 5]]),
        np.array([[0, 2, 4]]),
    ]
    rng = np.random.default_rng(3)
    counts = np.concatenate([[100.0], rng.normal(45, 15, 6), rng.normal(25, 15, 7), [30.0]])
    variances = rng.uniform(1, 9, len(counts))
    parents, more = links(starts, rows)
    groups: dict[tuple[int, int], list[int]] = {}
    for parent, (child, column) in zip(parents, more, strict=True):
        groups.setdefault((int(parent), int(column)), []).append(int(child))
    found = lower_to_parents(counts, variances, parents, more, rounds=2_000)
    limits = [
        {"type": "ineq", "fun": lambda x, p=parent, c=children: x[p] - x[c].sum()}
        for (parent, _), children in groups.items()
    ]
    best = minimize(
        lambda x: ((x - counts) ** 2 / variances).sum(), np.maximum(counts, 0), bounds=[(0, None)] * len(counts),
        constraints=limits, method="SLSQP", options={"maxiter": 500, "ftol": 1e-12},
    )  # fmt: skip
    assert found == pytest.approx(best.x, abs=0.02)
    assert (found[1:] < counts[1:] - 0.5).any()


def test_measured_pairs_come_in_one_order_whatever_file_they_were_in() -> None:
    """Estimates are sums of floats: another order would change the last digits of published standard errors."""
    domain = domain_of("abc", [["x", "y", "z"]] * 3)
    values = pa.Table.from_pylist(
        [{"column": c, "value": value, "count": 3, "sigma": 1.0} for c in range(3) for value in ("xyz"[c], None)]
    )
    rows = [(0, 2, 1.5), (1, 2, 2.5), (0, 1, 3.5)]
    found = []
    for order in (rows, rows[::-1]):
        first, second, sigmas = zip(*order, strict=True)
        counts = pack_ints([np.array([0, 1, 2, 3 + i], np.int64) for i in first])
        table = pa.table([first, second, counts, sigmas], names=["first", "second", "counts", "sigma"])
        found.append([part.columns for part in measured(values, table, domain, [False] * 3)])
    assert found[0] == found[1] == [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]
