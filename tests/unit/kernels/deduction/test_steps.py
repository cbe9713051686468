"""Series of releases, against who knows how they are made and goes through all that could have been."""

import numpy as np
import pytest
from series_adversary import Change, SeriesAdversary

from synth_spark.kernels.cells import CellSpace, Ints
from synth_spark.kernels.deduction.lattice import lattice_of
from synth_spark.kernels.deduction.steps import Steps, wanted_units

MORE = np.array([0, 0, 0, 20])
#: Most records of the first table, what comes and goes from one release to the next, number of releases; and how many
#: series are looked at, at least, each among all of which the same is published.
SERIES = [
    (3, Change(come=3, go=0), 3, 500),
    (5, Change(come=0, go=5), 3, 500),
    (3, Change(come=6, go=3), 2, 500),
]


@pytest.mark.parametrize(("begin", "change", "releases", "least"), SERIES)
def test_nothing_is_proved_of_those_who_came_or_went(begin: int, change: Change, releases: int, least: int) -> None:
    adversary = SeriesAdversary((1, 1), 2, begin, change, releases)
    every = list(adversary.seen())
    assert sum(one.number for one in every) >= least
    assert [adversary.proved(one) for one in every if adversary.proved(one)] == []


@pytest.mark.parametrize(("part", "series"), [("_without_small_rises", SERIES[0]), ("_lower_beside_falls", SERIES[1])])
def test_each_part_is_needed(monkeypatch: pytest.MonkeyPatch, part: str, series: tuple[int, Change, int, int]) -> None:
    without = {"_without_small_rises": lambda _, units, released: units, "_lower_beside_falls": lambda *_: False}
    monkeypatch.setattr(Steps, part, without[part])
    begin, change, _, _ = series
    adversary = SeriesAdversary((1, 1), 2, begin, change, 2)
    assert any(adversary.proved(one) for one in adversary.seen())


def chain(k: int, *counts: tuple[int, int, int]) -> tuple[Steps, list[Ints]]:
    """Two columns of one value: counts of each, of both, and of all records."""
    space = CellSpace((1, 1), 2)
    steps = Steps(lattice_of(space, np.arange(3), np.zeros(3, np.int64), 0), k)
    return steps, [np.array([*some, 100]) for some in counts]


def test_a_pair_rises_only_with_both_of_its_values() -> None:
    steps, (before, now) = chain(10, (40, 40, 20), (41, 60, 31))
    units = steps.units(wanted_units(now + MORE, before, before // 10, 10), [before // 10])
    assert units is not None
    assert units.tolist() == [4, 6, 2, 12]


def test_what_falls_takes_along_what_stands_still() -> None:
    steps, (before, now) = chain(10, (45, 45, 30), (44, 60, 29))
    units = steps.units(wanted_units(now + MORE, before, before // 10, 10), [before // 10])
    assert units is not None
    assert units.tolist() == [3, 6, 2, 12]  # the pair must fall; its first value would stand still; its second rose


def test_the_same_records_are_published_as_before() -> None:
    steps, (before,) = chain(10, (45, 45, 30))
    first = steps.units(before // 10, [np.zeros(4, np.int64)])
    assert first is not None
    again = steps.units(wanted_units(before, before, first, 10), [first])
    assert again is not None
    assert (again == first).all()


def test_too_much_is_not_lost() -> None:
    steps, (before, now) = chain(10, (45, 45, 30), (44, 60, 29))
    wanted = wanted_units(now, before, before // 10, 10)
    assert steps.units(wanted, [before // 10], most_lost=0.01) is None
