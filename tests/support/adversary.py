"""Who holds a release, and goes through all tables that it could be of: the twin of `kernels.deduction`."""

from collections.abc import Iterable, Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import CellSpace, Codes, Ints
from synth_spark.kernels.deduction.lattice import Lattice, lattice_of
from synth_spark.kernels.risk.joint_bounds import Published

Attribute = tuple[int, int]


class Proved(NamedTuple):
    """What is true of every table that a release could be of."""

    small: list[tuple[Attribute, ...]]  # combinations that are not published, and are held by someone
    narrow: list[tuple[Attribute, ...]]  # published combinations, whose count is one of fewer than k


class Adversary:
    """All tables of up to so many records over a few columns.

    Args:
        cards: number of values of each column.
        longest: R.
        most: records.
    """

    def __init__(self, cards: Sequence[int], longest: int, most: int) -> None:
        self.kinds = list(product(*(range(card + 1) for card in cards)))  # 0 is absent
        self.space = CellSpace(tuple(cards), longest)
        attributes = [(column, value) for column, card in enumerate(cards) for value in range(1, card + 1)]
        self.combinations = [
            some
            for length in range(longest + 1)
            for some in combinations(attributes, length)
            if len({column for column, _ in some}) == length
        ]
        holds = [[all(kind[c] == v for c, v in some) for kind in self.kinds] for some in self.combinations]
        self.holds = np.array(holds, np.int64)
        self.tables = tables_of(len(self.kinds), most)
        self.counts = self.tables @ self.holds.T
        self.cells = np.array([-1, *(self._cell(some) for some in self.combinations[1:])])

    def _cell(self, some: tuple[Attribute, ...]) -> int:
        columns, values = (np.array([part]) for part in zip(*some, strict=True))
        return int(self.space.encode(columns, values)[0])

    def laid_out(self, counts: Ints, k: int) -> tuple[Lattice, Ints]:
        """The lattice of what is published of a table with such counts, and which of ``combinations`` it is of."""
        units = counts // k
        chosen = np.flatnonzero(units[1:] > 0) + 1
        chosen = chosen[np.argsort(self.cells[chosen])]
        return lattice_of(self.space, self.cells[chosen], units[chosen], int(units[0])), chosen

    def published(self, lattice: Lattice, chosen: Ints, k: int) -> Ints:
        """(C,) what is published of each of ``combinations``, from the lattice of those that are."""
        counts = np.zeros(len(self.combinations), np.int64)
        counts[0], counts[chosen] = lattice.units[-1] * k, lattice.units[:-1] * k
        return counts

    def proves(self, published: Ints, k: int, possible: npt.NDArray[np.bool_] | None = None) -> Proved:
        """What all tables have in common whose counts, rounded down, are the published ones.

        Args:
            published: (C,) count of each of ``combinations``; 0 for what is not published.
            k: privacy resolution.
            possible: which of ``tables`` it could be, where more is known.
        """
        if possible is None:
            possible = ((self.counts >= published) & (self.counts < published + k)).all(axis=1)
        if not possible.any():  # then it is known that these are not counts that were rounded, and nothing else
            return Proved([()], [()])
        least, most = self.counts[possible].min(axis=0), self.counts[possible].max(axis=0)
        chosen = enumerate(self.combinations)
        small = [some for at, some in chosen if some and published[at] == 0 and least[at] >= 1 and most[at] < k]
        chosen = enumerate(self.combinations)
        narrow = [some for at, some in chosen if published[at] > 0 and most[at] - least[at] + 1 < k]
        return Proved(small, narrow)


def tables_of(kinds: int, most: int) -> Ints:
    """All (T, kinds) numbers of records of each kind that add up to ``most`` at most."""
    tables, left = np.zeros((1, 0), np.int64), np.array([most])
    for _ in range(kinds):
        rows = np.repeat(np.arange(len(tables)), left + 1)
        first = np.concatenate([[0], np.cumsum(left + 1)])
        number = np.arange(len(rows)) - first[rows]
        tables, left = np.column_stack([tables[rows], number]), left[rows] - number
    return tables


def some_tables(adversary: Adversary, number: int, k: int, seed: int) -> Iterable[Ints]:
    """(C,) counts of random tables, uneven ones and even ones, with and without absent values."""
    draw = np.random.default_rng(seed)
    complete = np.array([all(kind) for kind in adversary.kinds])
    most = int(adversary.tables[-1].sum())
    for _ in range(number):
        weights = draw.dirichlet(np.full(len(adversary.kinds), draw.choice([0.2, 0.5, 1.0])))
        weights = weights * complete + 1e-9 if draw.random() < 0.4 else weights
        records = int(draw.integers(k, most - k + 2))
        yield adversary.holds @ draw.multinomial(records, weights / weights.sum())


def sets_of(lattice: Lattice) -> Published:
    """What is published, as the audit has it: what is withheld is not there."""
    there = np.flatnonzero(lattice.units[:-1] > 0)
    members, units = lattice.attributes[there].astype(np.int64), lattice.units[there]
    return Published(members, units, int(lattice.units[-1]), lattice.column_of.astype(np.int64))


def contained(adversary: Adversary, record: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Which kinds of records hold all that a record holds."""
    return np.array([all(v in (0, kind[c]) for c, v in enumerate(record)) for kind in adversary.kinds])


def supported(adversary: Adversary, numbers: Ints, k: int) -> Codes:
    """All records that at least k records of a table contain, but for the empty one."""
    records = [kind for kind in adversary.kinds if any(kind) and numbers[contained(adversary, kind)].sum() >= k]
    return np.array(records, np.uint16).reshape(-1, len(adversary.kinds[0]))


def possible(adversary: Adversary, published: Ints, records: Codes, k: int) -> npt.NDArray[np.bool_]:
    """The tables of which both counts and records could be."""
    there = ((adversary.counts >= published) & (adversary.counts < published + k)).all(axis=1)
    for record in {tuple(record) for record in records.tolist()}:
        there &= adversary.tables @ contained(adversary, record) >= k
    return there
