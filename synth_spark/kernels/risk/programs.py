"""Everything that linear inequalities prove, where records can be of few kinds; nothing is shared with what suppresses.

A kind of record has one attribute, or none, of each column. A table is a number of records of each kind; published
counts and synthetic records bound sums of these numbers. A linear program finds the least and the largest number of
records that hold a combination in any such table.
"""

from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.risk.joint_bounds import Published
from synth_spark.kernels.risk.record_bounds import Records

#: Most kinds of records that programs are solved for.
MOST_KINDS = 100
_ROUNDING = 1e-6
_Floats = npt.NDArray[np.float64]
_Set = frozenset[int]


def few_kinds(published: Published) -> bool:
    """Whether records can be of so few kinds that programs are solved."""
    return bool(np.prod(np.bincount(published.column_of) + 1.0) <= MOST_KINDS)


def proved_by_programs(published: Published, k: int, records: Records | None = None) -> int:
    """How many combinations are proved to be held though not published, or to have one of fewer than k counts.

    Args:
        published: what is published, of few kinds of records.
        k: privacy resolution; at least so many sensitive records contain each synthetic one.
        records: all synthetic records; default: none are known.

    Returns:
        That number; that of all combinations where no table has such counts and records.
    """
    longest, columns = published.members.shape[1], published.column_of
    kinds = _kinds(columns)
    told = zip(published.members, published.units, strict=True)
    units = {frozenset(row[row >= 0].tolist()): int(number) for row, number in told} | {frozenset(): published.records}
    some = [one for size in range(longest + 1) for one in map(frozenset, combinations(range(len(columns)), size))]
    asked = [one for one in some if len(set(columns[list(one)])) == len(one)]
    least = np.array([k * units.get(one, 0) for one in asked], np.float64)
    holders, most = _holders(asked, kinds), least + k - 1
    contain = _holders(_sets(records), kinds)
    bounds = np.concatenate([most, -least, np.full(len(contain), -float(k))])
    sides = np.vstack([holders, -holders, -contain])
    found = 0
    for at, one in enumerate(asked):
        low, high = _least(holders[at], sides, bounds), -_least(-holders[at], sides, bounds)
        if np.isnan(low) or np.isnan(high):
            return len(asked)
        is_narrow = low > least[at] + _ROUNDING or high < most[at] - _ROUNDING
        found += bool(is_narrow if units.get(one, 0) else low > _ROUNDING)
    return found


def _kinds(column_of: npt.NDArray[np.int64]) -> list[_Set]:
    """All sets of attributes that a record can hold."""
    choices = [[-1, *np.flatnonzero(column_of == column).tolist()] for column in np.unique(column_of)]
    return [frozenset(one) - {-1} for one in product(*choices)]


def _holders(some: list[_Set], kinds: list[_Set]) -> _Floats:
    """(s, kinds) 1 where a kind holds all of a set."""
    return np.array([[one <= kind for kind in kinds] for one in some], np.float64).reshape(-1, len(kinds))


def _sets(records: Records | None) -> list[_Set]:
    """Distinct records."""
    if records is None:
        return []
    return list({frozenset(own.tolist()) for own in np.split(records.items, records.starts[1:-1])})


def _least(of_kinds: _Floats, sides: _Floats, bounds: _Floats) -> float:
    """The least sum that any table has; not a number where there is no table."""
    from scipy.optimize import linprog  # takes a moment to import, and is for small tables

    solved = linprog(of_kinds, A_ub=sides, b_ub=bounds, bounds=(0, None), method="highs")
    return float(solved.fun) if solved.status == 0 else float("nan")
