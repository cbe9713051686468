"""Records put together from counts: the nine cases of SDS, and what holds of every run."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth_spark.kernels.keyed_random import stream
from synth_spark.kernels.marginals.assembly import Assembly, assemble, combinations

AB, AC, BC = (0, 1), (0, 2), (1, 2)


def _made(singles, pairs, factor=1.0, records=0, synthetic=True) -> set[tuple]:
    """Every outcome of forty seeds: records as sorted texts of their attributes."""
    rows = np.array(list(pairs) or np.zeros((0, 2)), np.int64).reshape(-1, 2)
    known = combinations(np.arange(3), np.array(singles), [(rows, np.array(list(pairs.values()), np.int64))], 0)
    counts = np.ceil(known.counts * factor).astype(np.int64)
    found = set()
    for seed in range(40):
        made = assemble(known, counts, stream(seed, "case"), Assembly(2, 95, synthetic), records)
        found.add(tuple(sorted("".join("abc"[c] for c in range(3) if row[c]) for row in made)))
    return found


@pytest.mark.parametrize(
    ("singles", "pairs", "keys", "expected"),
    [
        ([3, 2, 0], {AB: 2}, {}, ("a", "ab", "ab")),
        ([3, 2, 0], {AB: 2}, {"records": 4}, ("a", "ab", "ab", "ab")),
        ([3, 2, 0], {AB: 2}, {"factor": 1.5}, ("a", "a", "ab", "ab", "ab")),
        ([3, 2, 0], {}, {}, ("a", "a", "a", "b", "b")),
        ([3, 2, 0], {AB: 1}, {}, ("a", "ab", "ab")),
        ([3, 2, 0], {AB: 1}, {"synthetic": True}, ("a", "a", "ab", "b")),
        ([2, 2, 2], {AB: 2, AC: 2, BC: 2}, {}, ("abc", "abc")),
        ([0, 0, 0], {}, {"records": 2}, ("", "")),
    ],
)
def test_cases_of_sds(singles, pairs, keys, expected) -> None:
    """SDS's known answer: what comes out whatever is drawn."""
    assert _made(singles, pairs, **{"synthetic": False, **keys}) == {expected}


def test_case_of_a_missing_pair() -> None:
    """SDS's known answer: without b c no record holds both, and totals are 2, 2, 2."""
    for outcome in _made([2, 2, 2], {AB: 2, AC: 2}, synthetic=False):
        assert not any("b" in record and "c" in record for record in outcome)
        assert Counter("".join(outcome)) == {"a": 2, "b": 2, "c": 2}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0, 50, 95]), st.booleans(), st.integers(2, 3))
def test_records_hold_released_combinations_and_every_attribute_as_often_as_counted(
    seed, percentile, synthetic, required
):
    rng = np.random.default_rng(seed)
    cards = rng.integers(1, 4, 4)
    codes = np.stack([rng.integers(0, card + 1, 40) for card in cards], axis=1)
    starts = np.concatenate([[0], np.cumsum(cards)])
    tally: Counter = Counter()
    for row in codes:
        own = [int(starts[c] + code - 1) for c, code in enumerate(row) if code]
        for length in (1, 2, 3):
            tally.update(itertools.combinations(own, length))
    singles = np.array([tally[(a,)] for a in range(starts[-1])])
    longer, released = [], {rows for rows in tally if len(rows) == 1}
    for length in (2, 3):
        rows = sorted(
            rows
            for rows in tally
            if len(rows) == length
            and tally[rows] > 1
            and all(part in released for part in itertools.combinations(rows, length - 1))
        )
        released |= set(rows)
        longer.append((np.array(rows, np.int64).reshape(-1, length), np.array([tally[r] for r in rows], np.int64)))
    known = combinations(np.repeat(np.arange(4), cards), singles, longer, 40)
    made = assemble(known, known.counts, stream(seed, "made"), Assembly(required, percentile, synthetic))
    attributes = made[made > 0].astype(int) - 1
    assert np.bincount(attributes, minlength=starts[-1]).tolist() == singles.tolist()
    used: Counter = Counter()
    for row in made:
        own = [int(a) - 1 for a in row if a]
        for length in (2, 3):
            for rows in itertools.combinations(own, length):
                used[rows] += 1
                assert length > required or rows in released
    if synthetic:
        assert all(used[rows] <= tally[rows] for rows in released if 2 <= len(rows) <= required)


def test_a_shard_is_a_function_of_its_stream() -> None:
    known = combinations(np.array([0, 0, 1]), np.array([5, 3, 6]), [(np.array([[0, 2]]), np.array([4]))], 8)
    made = [assemble(known, known.counts, stream(3, "part"), Assembly(2)).tolist() for _ in range(2)]
    assert made[0] == made[1]
