"""Edges that come from the data: what one person's number can do to them, by brute force."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from synth_spark.read.interval_edges import RoundedEdge, kept, labels, merged, roundings

NUMBERS = st.lists(
    st.one_of(st.integers(-50, 50), st.integers(-(10**6), 10**6), st.decimals(-100, 100, places=3)),
    min_size=1,
    max_size=60,
)


def near(edge: RoundedEdge, numbers: Sequence[Decimal]) -> int:
    """How many numbers round to an edge."""
    return sum(edge.low <= number < edge.high for number in numbers)


def edges_of(numbers: Sequence[Decimal], intervals: int, k: int) -> list[RoundedEdge]:
    """The edges of a column, each with the numbers that it depends on."""
    ordered = sorted(numbers)
    places = [int(len(ordered) * step / intervals) for step in range(1, intervals)]
    rounded = roundings([float(ordered[place]) for place in places])
    fine = kept(rounded, [[near(one, numbers) for one in own] for own in rounded], k)
    counts = np.histogram([float(number) for number in numbers], [-np.inf, *map(float, fine), np.inf])[0].tolist()
    left = merged(fine, counts, k)
    every = [one for own in rounded for one in own if near(one, numbers) >= k]
    return [max((one for one in every if one.at == at), key=lambda one: one.high - one.low) for at in left]


@given(NUMBERS, st.integers(2, 8), st.integers(2, 8))
def test_k_numbers_share_every_edge_and_every_interval(found: list, intervals: int, k: int) -> None:
    numbers = [Decimal(number) for number in found]
    edges = edges_of(numbers, intervals, k)
    for edge in edges:
        assert near(edge, numbers) >= k
        step = edge.high - edge.low
        assert edge.at % step == 0
        assert step.normalize().as_tuple().digits in ((1,), (2,), (5,))
    bounds = [None, *(edge.at for edge in edges), None]
    for low, high in pairwise(bounds):
        inside = [one for one in numbers if (low is None or one >= low) and (high is None or one < high)]
        assert len(inside) >= k or not edges


@given(NUMBERS, st.integers(2, 8), st.integers(2, 8), st.data())
def test_one_person_cannot_bring_an_edge_to_a_number_of_theirs(
    found: list, intervals: int, k: int, data: st.DataObject
) -> None:
    """Whatever number one record is given: where that number becomes an edge, k - 1 others round to it as well."""
    numbers = [Decimal(number) for number in found]
    place = data.draw(st.integers(0, len(numbers) - 1))
    number = Decimal(data.draw(st.integers(-100, 100)))
    others = [one for at, one in enumerate(numbers) if at != place]
    for edge in edges_of([*others, number], intervals, k):
        if edge.at == number:
            assert near(edge, others) >= k - 1


def test_a_lone_number_is_no_edge() -> None:
    quantiles = [1_000_003.0, 2_000_007.0, 3_000_001.0]
    rounded = roundings(quantiles)
    assert kept(rounded, [[1] * 5] * 3, 2) == []
    assert kept(rounded, [[0, 0, 0, 0, 2]] * 3, 2) == [Decimal(0), Decimal(5_000_000)]


def test_edges_of_equal_and_of_tiny_numbers_are_plain() -> None:
    assert labels(kept(roundings([-0.2, -0.2]), [[9] * 5] * 2, 3)) == ["under -0.2", "-0.2 or over"]
    tiny = roundings([1e-10, 2e-10, 3e-10])
    assert all(edge.high - edge.low >= Decimal("1E-9") for own in tiny for edge in own)
    assert labels([edge.at for edge in tiny[0][:1]]) == ["under 0", "0 or over"]
    assert roundings([]) == []
