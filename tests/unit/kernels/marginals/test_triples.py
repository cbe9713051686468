"""Which triples of columns may be measured, which are worth it, and their tables, against counting by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth_spark.kernels.marginals.triples import candidates, number_measured, with_absent, worth_measuring


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 60), max_size=9))
def test_candidates_are_all_triples_of_columns_that_tell_something_and_have_few_cells(sizes) -> None:
    wanted = [
        list(triple)
        for triple in itertools.combinations(range(len(sizes)), 3)
        if min(sizes[c] for c in triple) > 1 and np.prod([sizes[c] for c in triple]) <= 2_500
    ]
    assert candidates(sizes).tolist() == wanted


def test_of_too_many_triples_none_is_looked_at() -> None:
    """Nor do numbers of cells overflow."""
    assert len(candidates([2] * 107)) == 198_485
    assert candidates([2] * 108).shape == (0, 3)
    assert candidates([3_000_000] * 3).shape == (0, 3)


def test_ten_triples_a_column_are_measured_those_that_are_farthest_off_for_their_cells() -> None:
    sizes = [2, 3, 4, 5, 6]
    triples = candidates(sizes)
    scores = np.random.default_rng(1).integers(-50, 500, len(triples))
    assert worth_measuring(triples, scores, sizes).tolist() == list(range(10))  # there are no more
    sizes = [2 + column % 5 for column in range(12)]
    triples = candidates(sizes)
    scores = np.random.default_rng(2).integers(-50, 500, len(triples))
    worth = [score / np.prod([sizes[c] for c in own]) ** (2 / 3) for own, score in zip(triples, scores, strict=True)]
    found = worth_measuring(triples, scores, sizes)
    assert found.tolist() == sorted(sorted(range(len(triples)), key=lambda place: -worth[place])[:120])
    assert (number_measured(220, 12), number_measured(4, 12)) == (120, 4)


@pytest.mark.parametrize("seed", range(5))
def test_a_table_with_places_for_absent_is_what_counting_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cards = rng.integers(1, 4, 3)
    codes = np.stack([rng.integers(0, card + 1, 60) for card in cards], axis=1)
    table = np.zeros(cards + 1, np.int64)
    np.add.at(table, tuple(codes.T), 1)
    pairs = tuple(table.sum(axis=gone) for gone in (2, 1, 0))
    assert with_absent(table[1:, 1:, 1:], pairs).tolist() == table.tolist()
