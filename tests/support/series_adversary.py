"""Who holds several releases, knows how they were made, and goes through all series of tables that they could be of."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from adversary import Adversary, tables_of

from synth_spark.kernels.cells import Ints
from synth_spark.kernels.deduction.lattice import lattice_of
from synth_spark.kernels.deduction.steps import Steps, wanted_units

#: What is published of a series → the least and the most of everything, and of how many series.
Groups = dict[tuple[bytes, ...], list[Any]]


class Change(NamedTuple):
    """Most records that come, and that go, from one release to the next; as the adversary knows."""

    come: int
    go: int


class Seen(NamedTuple):
    """All series of which one and the same is published.

    Attributes:
        releases: (N + 1,) units of each release.
        least: per release the exact counts, then per step what came, and what went: the least in all those series.
        most: the most.
        number: how many series they are.
    """

    releases: tuple[Ints, ...]
    least: Ints
    most: Ints
    number: int


class SeriesAdversary:
    """All series of tables over two columns or a few, begun with up to so many records.

    Args:
        cards: number of values of each column.
        k: privacy resolution.
        begin: most records of the first table.
        change: what comes and goes.
        releases: number of releases.
    """

    def __init__(self, cards: Sequence[int], k: int, begin: int, change: Change, releases: int) -> None:
        single = Adversary(cards, len(cards), 1)
        order = np.argsort(single.cells[1:])
        self._found: dict[tuple[bytes, ...], Ints] = {}
        self.k, self.begin, self.change, self.releases = k, begin, change, releases
        self.holds = single.holds[np.append(order + 1, 0)]
        kinds = len(single.kinds)
        self.firsts, self.come, self.go = (tables_of(kinds, most) for most in (begin, change.come, change.go))
        self.steps = Steps(lattice_of(single.space, single.cells[1:][order], np.zeros(len(order), np.int64), 0), k)

    def seen(self) -> Iterator[Seen]:
        """What is published of all series, for those that could be of no others than are gone through."""
        groups: Groups = {}
        for table in self.firsts:
            counts = self.holds @ table
            if counts[-1] >= self.k:
                first = self.steps.units(counts // self.k, [np.zeros_like(counts)])
                assert first is not None
                self._follow(table, [counts], counts, [first], groups)
        for key, (least, most, number) in groups.items():
            releases = tuple(np.frombuffer(one, np.int64) for one in key)
            if self._within(releases):
                yield Seen(releases, least, most, int(number))

    def proved(self, seen: Seen) -> list[str]:
        """What is true of all those series, and must not be."""
        size, found = len(self.holds), []
        for at, (least, most) in enumerate(
            zip(seen.least.reshape(-1, size)[:, :-1], seen.most.reshape(-1, size)[:, :-1], strict=True)
        ):
            few = (least >= 1) & (most < self.k)
            if at >= self.releases:
                found += ["of those who came or went"] * int(few.any())
                continue
            published = seen.releases[at][:-1] > 0
            found += ["of a release"] * int((few & ~published).any())
            found += ["a count"] * int((published & (most - least + 1 < self.k)).any())
        return found

    def _follow(
        self,
        table: Ints,
        told: list[Ints],
        anchors: Ints,
        releases: list[Ints],
        groups: dict[tuple[bytes, ...], list[Ints]],
    ) -> None:
        if len(releases) == self.releases:
            exact, changes = told[: self.releases], told[self.releases :]
            every = np.concatenate([*exact, *changes])
            both = groups.setdefault(tuple(one.tobytes() for one in releases), [every, every, np.int64(0)])
            both[:] = np.minimum(both[0], every), np.maximum(both[1], every), both[2] + 1
            return
        done = len(releases)
        for went in self.go[(self.go <= table).all(axis=1)]:
            for came in self.come:
                now = table - went + came
                counts = self.holds @ now
                units = self._published(wanted_units(counts, anchors, releases[-1], self.k), releases)
                kept = np.where(units == releases[-1], anchors, counts)
                more = [*told[:done], counts, *told[done:], self.holds @ came, self.holds @ went]
                self._follow(now, more, kept, [*releases, units], groups)

    def _published(self, wanted: Ints, releases: list[Ints]) -> Ints:
        key = (wanted.tobytes(), *(one.tobytes() for one in releases))
        if key not in self._found:
            units = self.steps.units(wanted, releases)
            assert units is not None
            self._found[key] = units
        return self._found[key]

    def _within(self, releases: Sequence[Ints]) -> bool:
        """Whether no more records than are gone through can have come, gone, or been there."""
        k, some = self.k, (self.change.come > 0, self.change.go > 0)
        if releases[0][-1] * k + k - 1 > self.begin:
            return False
        for before, after in pairwise(releases):
            rise, fall = (int((side + 1).max()) * k - 1 for side in (after - before, before - after))
            if some[0] and rise + self.change.go > self.change.come:
                return False
            if some[1] and min(fall, self.begin) > self.change.go:
                return False
        return True
