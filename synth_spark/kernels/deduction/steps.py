"""From release to release: how far published counts may move, so that a step tells of no small group.

A step is what is published now less what an earlier release published. Where all that rose is, by itself, what could be
published of a table, that table k times over could have come, and anybody who came holds what k others hold. What must
fall, since fewer records hold it than were published, takes with it what contains it and stands still: else one could
tell that fewer than k went. See `docs/series.md`.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Ints
from synth_spark.kernels.deduction.lattice import Lattice
from synth_spark.kernels.deduction.lowering import lowered_units

#: More than any number of records.
_UNBOUNDED = 1 << 60


def wanted_units(exact: Ints, anchors: Ints, latest: Ints, k: int) -> Ints:
    """What each count would be if it were alone.

    Args:
        exact: counts now.
        anchors: what they were when what is published of them was last changed.
        latest: published counts of the release before, in multiples of k.
        k: privacy resolution.

    Returns:
        In multiples of k: the exact count rounded down, where at least k records more than at that moment hold it; else
        as before, or less if fewer records than that are left.

    >>> wanted_units(np.array([40, 39, 29]), np.array([30, 30, 30]), np.array([3, 3, 3]), 10)
    array([4, 3, 2])
    """
    return np.where(exact - anchors >= k, exact // k, np.minimum(latest, exact // k))


class Steps:
    """The combinations of a series, and which of them is part of which.

    Args:
        lattice: all combinations that are published now or were; its ``units`` are not looked at.
        k: privacy resolution.
    """

    def __init__(self, lattice: Lattice, k: int) -> None:
        self._lattice, self._k = lattice, k
        parents = np.repeat(np.arange(len(lattice.units)), np.diff(lattice.starts))
        order = np.argsort(lattice.lengths[lattice.extended], kind="stable")
        self._parents, self._children = parents[order], lattice.extended[order]
        longest = lattice.attributes.shape[1]
        self._cuts = np.searchsorted(lattice.lengths[self._children], np.arange(1, longest + 2))
        column = lattice.column_of[lattice.added[order]]
        # values of one column, added to one combination: no record holds two of them
        _, self._siblings = np.unique(self._parents * (int(column.max(initial=0)) + 1) + column, return_inverse=True)

    def units(self, wanted: Ints, earlier: Sequence[Ints], most_lost: float = 1.0) -> Ints | None:
        """What may be published beside earlier releases.

        Args:
            wanted: (N + 1,) counts in multiples of k, the last that of all records; see `wanted_units`.
            earlier: the same of each earlier release, as published, the last one last.
            most_lost: largest share of what is wanted that may be lost.

        Returns:
            (N + 1,) multiples of k, none more than wanted: by themselves they prove nothing (`lowering`), nor does any
            step from an earlier release. None where that would lose too much: where nearly every value is known of
            every record, what falls takes along values of all columns, and these take along others.
        """
        units = wanted.copy()
        while True:
            before = units.copy()
            if int((wanted - units).sum()) > most_lost * int(wanted.sum()):
                return None
            for released in reversed(earlier):  # what rose since the last one gives way first
                units = self._without_small_rises(units, released)
                while self._lower_beside_falls(units, released):
                    pass
            units = self.lowered(units)
            if np.array_equal(units, before):
                return units

    def _without_small_rises(self, units: Ints, released: Ints) -> Ints:
        rises = np.maximum(units - released, 0)
        return np.where(units > released, released + self.lowered(rises), units) if rises.any() else units

    def lowered(self, units: Ints) -> Ints:
        """Counts lowered until they are ones that could be published of a table."""
        lattice = self._lattice._replace(units=self._at_most_parts(units))
        while True:
            lowered_units(lattice, self._k)
            closed = self._at_most_parts(lattice.units)
            if np.array_equal(closed, lattice.units):
                return closed
            lattice.units[:] = closed

    def _at_most_parts(self, units: Ints) -> Ints:
        """No combination with more than a part of it."""
        units = units.copy()
        for level in self._levels():
            np.minimum.at(units, self._children[level], units[self._parents[level]])
        return units

    def _lower_beside_falls(self, units: Ints, released: Ints) -> bool:
        """Lower parts of combinations that fell, where they stand still or fell by too little.

        Args:
            units: (N + 1,) lowered in place.
            released: (N + 1,) of an earlier release.

        Returns:
            Whether any was lowered. It can be the turn of their parts then.
        """
        falls, rose = np.maximum(released - units, 0), units > released
        most_below = np.zeros(len(units), np.int64)
        np.maximum.at(most_below, self._parents, falls[self._children])
        behind = ~rose & (units > 0) & (most_below > falls)
        if behind.any():  # what contains it falls as far
            units[behind] = np.maximum(0, released[behind] - most_below[behind])
            return True
        told = self._told_of_few(units, released, falls, rose)
        units[told] -= 1
        return len(told) > 0

    def _told_of_few(self, units: Ints, released: Ints, falls: Ints, rose: npt.NDArray[np.bool_]) -> Ints:
        """Parts that have to fall further: they bound how many went below them by fewer than k.

        Of the holders of a combination that fell by f units, k·(f − 1) + 1 went at least, and k·(f + 1) − 1 at most,
        if nobody came; nor can more have gone than of any part of it, less what went of other values there. That has to
        leave k; and where nothing is published now, it has to be possible that nobody is left.
        """
        k = self._k
        least = np.where(falls > 0, k * (falls - 1) + 1, 0)
        own = np.where(rose, _UNBOUNDED, k * (falls + 1) - 1)
        most = own.copy()
        of_siblings = np.bincount(self._siblings, least[self._children]).astype(np.int64)
        others = of_siblings[self._siblings] - least[self._children]
        for level in self._levels():
            np.minimum.at(most, self._children[level], most[self._parents[level]] - others[level])
        needed = np.where(falls > 0, np.where(units > 0, k, k * np.maximum(released, 1)), 0)
        told = (most < needed)[self._children] & ~rose[self._parents] & (units[self._parents] > 0)
        binding = told & (own[self._parents] - others < needed[self._children])
        return np.unique(self._parents[binding if binding.any() else told])

    def _levels(self) -> Iterator[slice]:
        """Pairs of a combination and a part of it, the shortest first."""
        for low, high in zip(self._cuts[:-1], self._cuts[1:], strict=True):
            yield slice(low, high)
