"""All linear inequalities at once, where records can only be of few kinds: a linear program for each count.

A kind of record has one published value, or none, in each column. How many records there are of each kind is what
nobody knows; what is published bounds sums of these numbers, and so does each synthetic record, which at least k
sensitive ones contain. The least and the most that a count can be is the value of a linear program, and its dual
solution is the inequality that proves it. So for small tables nothing is left to be found by adding inequalities up,
of whatever form.
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.deduction.lattice import Lattice, extension

#: Most kinds of records that programs are solved for.
MOST_KINDS = 100
NOTHING = 1e-6
Floats = npt.NDArray[np.float64]


class Bounds(NamedTuple):
    """Which kinds of record hold each combination, and between what its count is.

    Attributes:
        holds: (C, kinds) 1 where a kind of record holds a combination of up to R attributes.
        places: (C,) of each combination in the lattice; −1 where it is not published.
        low: (C,) least count.
        high: (C,) largest count.
        contain: (r, kinds) 1 where a kind holds all that a synthetic record holds.
        k: privacy resolution: so many records contain each synthetic one.
    """

    holds: Floats
    places: Ints
    low: Floats
    high: Floats
    contain: Floats
    k: int


def are_few_kinds(lattice: Lattice) -> bool:
    """Whether records can be of so few kinds that programs are solved."""
    return bool(np.prod(np.bincount(lattice.column_of) + 1.0) <= MOST_KINDS)


def lower_proved(lattice: Lattice, k: int) -> bool:
    """Lower one count that a linear inequality needs which narrows a count.

    Args:
        lattice: what is published; ``units`` is changed.
        k: privacy resolution.

    Returns:
        Whether there was one; never where records can be of too many kinds.
    """
    if not are_few_kinds(lattice):
        return False
    bounds = bounds_of(lattice, k)
    for of_counts, _ in proofs(bounds):
        lattice.units[_chosen(lattice, bounds.places, of_counts)] -= 1
        return True
    return False


def bounds_of(lattice: Lattice, k: int, records: Codes | None = None) -> Bounds:
    """What is published, of counts and of synthetic records, as bounds of sums of kinds.

    Args:
        lattice: what is published of counts, of few kinds of records.
        k: privacy resolution.
        records: (r, m) codes of synthetic records, 0 = absent; default: none.
    """
    cards = np.bincount(lattice.column_of)
    firsts, choices = np.cumsum(cards) - cards, [range(card + 1) for card in cards]
    kinds = np.array(list(product(*choices)))
    chosen = kinds[(kinds > 0).sum(axis=1) <= lattice.attributes.shape[1]]
    root = len(lattice.units) - 1
    places = np.full(len(chosen), root)
    for column, first in enumerate(firsts):
        for row in np.flatnonzero((chosen[:, column] > 0) & (places >= 0)):
            places[row] = extension(lattice, places[row], first + chosen[row, column] - 1)
    low = np.where(places >= 0, lattice.units[places] * k, 0).astype(np.float64)
    rows = np.empty((0, len(cards)), np.int64) if records is None else records
    return Bounds(_contained(chosen, kinds), places, low, low + k - 1, _contained(rows, kinds), k)


def proofs(bounds: Bounds) -> Iterator[tuple[Floats, Floats]]:
    """Inequalities which prove that somebody holds what is not published, or that a count cannot reach an end.

    Yields:
        (of_counts, of_records): how much the least count of each combination, and of each synthetic record, weighs in
        a proof.
    """
    if _attained(bounds):
        return
    for row, place in enumerate(bounds.places):
        is_published = place >= 0 and bounds.low[row] > 0
        for sign, own in ((1.0, bounds.low), (-1.0, bounds.high))[: 1 + is_published]:
            weights = _proof(bounds, row, sign, own[row])
            if weights is not None:
                number = len(bounds.low)
                yield weights[number : 2 * number], weights[2 * number :]


def _contained(some: npt.NDArray[np.integer], kinds: Ints) -> Floats:
    """(s, kinds) 1 where a kind holds all that each of some holds."""
    return np.array([((one == 0) | (kinds == one)).all(axis=1) for one in some], np.float64).reshape(-1, len(kinds))


def _attained(bounds: Bounds) -> bool:
    """Whether some records have the least counts, all at once.

    With k − 1 more of just the attributes of a combination, that has its largest count and no part of it has more.
    """
    from scipy.optimize import linprog

    nothing = np.zeros(bounds.holds.shape[1])
    few = {"A_ub": -bounds.contain, "b_ub": np.full(len(bounds.contain), -bounds.k)} if len(bounds.contain) else {}
    exact = linprog(nothing, A_eq=bounds.holds, b_eq=bounds.low, bounds=(0, None), method="highs", **few)
    return bool(exact.status == 0)


def _proof(bounds: Bounds, row: int, sign: float, own: float) -> Floats | None:
    """How much each bound counts in the proof that a count cannot reach its own one; None if it can."""
    from scipy.optimize import linprog  # takes a moment to import, and is for small tables

    sides = np.vstack([bounds.holds, -bounds.holds, -bounds.contain])
    limits = np.concatenate([bounds.high, -bounds.low, np.full(len(bounds.contain), -bounds.k)])
    solved = linprog(sign * bounds.holds[row], A_ub=sides, b_ub=limits, bounds=(0, None), method="highs")
    if solved.status == 2:  # bounds contradict each other: how far must all of them give way?
        give = np.append(np.zeros(bounds.holds.shape[1]), 1.0)
        loose = np.hstack([sides, -np.ones((len(sides), 1))])
        solved = linprog(give, A_ub=loose, b_ub=limits, bounds=(0, None), method="highs")
    elif sign * (solved.fun * sign - own) <= NOTHING:
        return None
    weights: Floats = -solved.ineqlin.marginals
    return weights


def _chosen(lattice: Lattice, places: Ints, weights: Floats) -> int:
    """The count to be lowered: of those that the proof needs, of the longest combinations the largest."""
    root = len(lattice.units) - 1
    needed = [at for at, weight in zip(places, weights, strict=True) if weight > NOTHING and 0 <= at < root]
    return int(max(needed, key=lambda at: (lattice.units[at] > 0, lattice.lengths[at], lattice.units[at], -at)))
