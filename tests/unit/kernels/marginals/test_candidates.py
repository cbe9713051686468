"""Combinations length by length: candidates, counts under a cap, and a percentile of sensitivity 1."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth_spark.aggregate.noisy_combinations import percentile_scores
from synth_spark.kernels.marginals.candidates import counts, links, next_level, sizes

#: The table of SDS's known answers: columns A, B, C, D with 2, 2, 1, 2 values.
STARTS = np.array([0, 2, 4, 5, 7])
SINGLES = np.arange(7)[:, None]


def test_candidates_of_sds() -> None:
    """SDS's known answer: 18 pairs and 20 triples; 14 if a1 b1 and a2 d1 are not released."""
    pairs = next_level(STARTS, [SINGLES])
    assert len(pairs.rows) == 18
    assert len(next_level(STARTS, [SINGLES, pairs.rows]).rows) == 20
    left = np.array([row for row in pairs.rows.tolist() if row not in ([0, 2], [1, 5])])
    a1, a2, b1, b2, c1, d1, d2 = range(7)
    expected = [
        (a1, b2, c1), (a1, b2, d1), (a1, b2, d2), (a1, c1, d1), (a1, c1, d2), (a2, b1, c1), (a2, b1, d2),
        (a2, b2, c1), (a2, b2, d2), (a2, c1, d2), (b1, c1, d1), (b1, c1, d2), (b2, c1, d1), (b2, c1, d2),
    ]  # fmt: skip
    assert sorted(map(tuple, next_level(STARTS, [SINGLES, left]).rows.tolist())) == expected


@st.composite
def tables(draw):
    cards = draw(st.lists(st.integers(0, 3), min_size=3, max_size=5))
    n = draw(st.integers(0, 30))
    seed = draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(0, card + 1, n) for card in cards], axis=1).astype(np.uint16)
    starts = np.concatenate([[0], np.cumsum(cards)])
    return starts, codes, rng.integers(1, 4, n), seed


def _held(starts, codes, length):
    for row in codes:
        own = [starts[c] + code - 1 for c, code in enumerate(row) if code]
        yield [tuple(int(a) for a in combination) for combination in itertools.combinations(own, length)]


@settings(max_examples=60, deadline=None)
@given(tables(), st.integers(1, 4))
def test_levels_count_as_brute_force_does(table, cap) -> None:
    starts, codes, weights, seed = table
    rng = np.random.default_rng(seed)
    released = [np.arange(starts[-1])[rng.random(starts[-1]) < 0.9][:, None]]
    if not len(released[0]):
        return
    for length in (2, 3):
        level = next_level(starts, released)
        column = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        shorter = {tuple(row) for row in released[-1].tolist()}
        expected = {
            rows
            for rows in itertools.combinations(np.unique(released[-1]).tolist(), length)
            if len({column[a] for a in rows}) == length
            and all(part in shorter for part in itertools.combinations(rows, length - 1))
        }
        candidates = [tuple(row) for row in level.rows.tolist()]
        assert set(candidates) == expected
        assert len(candidates) == len(expected)
        held = [[rows for rows in own if rows in expected] for own in _held(starts, codes, length)]
        histogram = np.zeros(21, np.int64)
        for own, weight in zip(held, weights, strict=True):
            histogram[len(own)] += weight
        assert sizes(level, codes, weights, 20).tolist() == histogram.tolist()
        exact = counts(level, codes, weights, 20, 7)
        for rows, count in zip(candidates, exact, strict=True):
            assert count == sum(weight for own, weight in zip(held, weights, strict=True) if rows in own)
        capped = counts(level, codes, weights, cap, 7)
        assert (capped <= exact).all()
        assert capped.sum() == sum(min(len(own), cap) * weight for own, weight in zip(held, weights, strict=True))
        kept = level.rows[rng.random(len(level.rows)) < 0.7]
        if not len(kept):
            return
        released.append(kept)


@settings(max_examples=40, deadline=None)
@given(tables(), st.integers(1, 3))
def test_one_record_changes_at_most_cap_counts_by_one_each(table, cap) -> None:
    starts, codes, weights, _ = table
    if not len(codes) or not starts[-1]:
        return
    level = next_level(starts, [np.arange(starts[-1])[:, None]])
    more = weights.copy()
    more[0] += 1
    change = counts(level, codes, more, cap, 3) - counts(level, codes, weights, cap, 3)
    assert set(change.tolist()) <= {0, 1}
    assert change.sum() <= cap


def test_links_lead_from_every_combination_to_its_parts() -> None:
    pairs = next_level(STARTS, [SINGLES]).rows
    parents, more = links(STARTS, [SINGLES, pairs])
    assert parents[:7].tolist() == [0] * 7
    found = {(int(child), int(parent)) for parent, (child, _) in zip(parents, more, strict=True)}
    for number, (a, b) in enumerate(pairs.tolist(), 8):
        assert (number, 1 + a) in found
        assert (number, 1 + b) in found


def _histograms(records: int, places: int):
    for held in itertools.combinations_with_replacement(range(places), records):
        yield np.bincount(held, minlength=places) if records else np.zeros(places, np.int64)


@pytest.mark.parametrize("percentile", [0.5, 10, 50, 60, 90, 99, 100])
def test_one_record_changes_every_score_by_at_most_one(percentile: float) -> None:
    """Exhaustively: all data sets of up to 7 records over 0…4, and every record that may be added."""
    for records in range(8):
        for histogram in _histograms(records, 5):
            before = percentile_scores(histogram, percentile)
            for place in range(5):
                after = percentile_scores(histogram + np.eye(5, dtype=np.int64)[place], percentile)
                assert np.abs(after - before).max() <= 1


def test_ties_do_not_make_scores_jump_as_those_of_sds_do() -> None:
    """8.1 A: 99,000 records with 4 and 1,000 with 5, P = 99; one more with 5 turns SDS's scores around by 1,001."""
    histogram = np.array([0, 0, 0, 0, 99_000, 1_000])
    before = percentile_scores(histogram, 99)
    after = percentile_scores(histogram + np.array([0, 0, 0, 0, 0, 1]), 99)
    assert before[4:].tolist() == [0, -1]
    assert after[4:].tolist() == [-1, 0]
    assert np.abs(after - before).max() == 1


def test_the_best_score_is_the_percentile() -> None:
    rng = np.random.default_rng(1)
    for percentile in (1, 37, 50, 99, 100):
        held = rng.integers(0, 9, 200)
        best = int(np.argmax(percentile_scores(np.bincount(held, minlength=9), percentile)))
        assert best == np.sort(held)[int(np.ceil(percentile * 2)) - 1]


def test_scores_differ_from_those_of_sds() -> None:
    """SDS's known answer: input 5 4, P = 60 scores −2 −2 −2 −2 0 −1 there: 2 for one record's absence."""
    assert percentile_scores(np.bincount([5, 4], minlength=6), 60).tolist() == [-2, -2, -2, -2, -1, 0]
