"""All linear inequalities at once, where records can only be of few kinds: a linear program for each count.

A kind of record has one published value, or none, in each column. How many records there are of each kind is what
nobody knows; what is published bounds sums of these numbers. The least and the most that a count can be is the
value of a linear program, and its dual solution is the inequality that proves it. So for small tables nothing is
left to be found by adding inequalities up, of whatever form.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Ints
from synth_spark.kernels.deduction.lattice import Lattice, extension

#: Most kinds of records that programs are solved for.
MOST_KINDS = 100
_NOTHING = 1e-6


class _Bounds(NamedTuple):
    """Which kinds of record hold each combination, and between what its count is: rows are combinations."""

    holds: npt.NDArray[np.float64]
    places: Ints  # of each combination in the lattice; −1 where it is not published
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]


def lower_proved(lattice: Lattice, k: int) -> bool:
    """Lower one count that a linear inequality needs which narrows a count.

    Args:
        lattice: what is published; ``units`` is changed.
        k: privacy resolution.

    Returns:
        Whether there was one; never where records can be of too many kinds.
    """
    values = [np.flatnonzero(lattice.column_of == column) for column in np.unique(lattice.column_of)]
    if np.prod([len(own) + 1.0 for own in values]) > MOST_KINDS:
        return False
    bounds = _bounds(lattice, values, k)
    if _attained(bounds):
        return False
    for row, place in enumerate(bounds.places):
        is_published = place >= 0 and lattice.units[place] > 0
        for sign, own in ((1.0, bounds.low), (-1.0, bounds.high))[: 1 + is_published]:
            weights = _proof(bounds, row, sign, own[row])
            if weights is not None:
                lattice.units[_chosen(lattice, bounds.places, weights)] -= 1
                return True
    return False


def _bounds(lattice: Lattice, values: list[Ints], k: int) -> _Bounds:
    kinds = np.array(list(product(*([-1, *own] for own in values))))
    holds, places, root = [], [], len(lattice.units) - 1
    for some in product(*([-1, *own] for own in values)):
        chosen = [value for value in some if value >= 0]
        if len(chosen) > lattice.attributes.shape[1]:
            continue
        at = root
        for value in chosen:
            at = extension(lattice, at, value) if at >= 0 else -1
        places.append(at)
        holds.append([bool(np.all(np.isin(chosen, kind))) for kind in kinds])
    numbers = np.array(places)
    low = np.where(numbers >= 0, lattice.units[numbers] * k, 0).astype(np.float64)
    return _Bounds(np.array(holds, np.float64), numbers, low, low + k - 1)


def _attained(bounds: _Bounds) -> bool:
    """Whether some records have the least counts, all at once.

    With k − 1 more of just the attributes of a combination, that has its largest count and no part of it has more.
    """
    from scipy.optimize import linprog

    nothing = np.zeros(bounds.holds.shape[1])
    return bool(linprog(nothing, A_eq=bounds.holds, b_eq=bounds.low, bounds=(0, None), method="highs").status == 0)


def _proof(bounds: _Bounds, row: int, sign: float, own: float) -> npt.NDArray[np.float64] | None:
    """How much each lower bound counts in the proof that a count cannot reach its own bound; None if it can."""
    from scipy.optimize import linprog  # takes a moment to import, and is for small tables

    sides, limits = np.vstack([bounds.holds, -bounds.holds]), np.concatenate([bounds.high, -bounds.low])
    solved = linprog(sign * bounds.holds[row], A_ub=sides, b_ub=limits, bounds=(0, None), method="highs")
    if solved.status == 2:  # bounds contradict each other: how far must all of them give way?
        give = np.append(np.zeros(bounds.holds.shape[1]), 1.0)
        loose = np.hstack([sides, -np.ones((len(sides), 1))])
        solved = linprog(give, A_ub=loose, b_ub=limits, bounds=(0, None), method="highs")
    elif sign * (solved.fun * sign - own) <= _NOTHING:
        return None
    weights: npt.NDArray[np.float64] = -solved.ineqlin.marginals[len(bounds.low) :]
    return weights


def _chosen(lattice: Lattice, places: Ints, weights: npt.NDArray[np.float64]) -> int:
    """The count to be lowered: of those that the proof needs, of the longest combinations the largest."""
    root = len(lattice.units) - 1
    needed = [at for at, weight in zip(places, weights, strict=True) if weight > _NOTHING and 0 <= at < root]
    return int(max(needed, key=lambda at: (lattice.units[at] > 0, lattice.lengths[at], lattice.units[at], -at)))
