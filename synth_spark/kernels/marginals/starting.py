"""What records start from: whole counts of every column, dealt to shards, and columns that have them.

Columns depend on each other along a tree: each on the one that tells most of it, among those that come before it (Chow
and Liu, IEEE Transactions on Information Theory 14(3), 1968).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.keyed_random import State, uniform
from synth_spark.kernels.numba_cache import compiled

Floats = npt.NDArray[np.float64]
#: Rounds of iterative proportional fitting, and what keeps its zeros from being final.
_ROUNDS, _LITTLE = 30, 1e-9


def whole_counts(counts: Floats, total: int) -> Ints:
    """Whole numbers with a total, each less than 1 from its share of it: the largest remainders are rounded up.

    >>> whole_counts(np.array([1.5, 0.25, 3.25]), 5).tolist()
    [2, 0, 3]

    Args:
        counts: (n,) ≥ 0, not all of them 0 unless the total is.
        total: of the whole numbers.
    """
    wanted = counts * (total / counts.sum()) if total else np.zeros(counts.size)
    whole = np.floor(wanted).astype(np.int64)
    whole[np.argsort(whole - wanted, kind="stable")[: total - whole.sum()]] += 1
    return whole


def dealt(counts: Ints, part: int, parts: int) -> Ints:
    """What one of several parts has of whole counts that are dealt one by one: those of a column add up to its records.

    >>> [dealt(np.array([3, 4]), part, 2).tolist() for part in range(2)]
    [[2, 2], [1, 2]]

    Args:
        counts: (n,) of the values of a column.
        part: which, from 0.
        parts: how many.
    """
    ends = np.concatenate([[0], np.cumsum(counts)])
    return np.diff((ends + parts - 1 - part) // parts)


def shares(counts: Floats, part: int, parts: int, phases: Floats) -> Ints:
    """What one of several parts has of counts: whole numbers, near equal shares, that add up to the counts, rounded.

    Args:
        counts: (n,) ≥ 0.
        part: which, from 0.
        parts: how many.
        phases: (n,) in [0, 1): where a count's fractions fall.
    """
    cuts = [np.floor(counts * (step / parts) + phases) for step in (part, part + 1)]
    return (cuts[1] - cuts[0]).astype(np.int64)


class Step(NamedTuple):
    """A column of the tree.

    Attributes:
        column: which.
        parent: the column that it depends on, or −1.
        table: (values of the parent, values of the column) counts; of no cells without a parent.
    """

    column: int
    parent: int
    table: Floats


def tree(columns: int, pairs: dict[tuple[int, int], Floats]) -> list[Step]:
    """The columns in an order in which parents come first; the tables of all steps together tell as much as may be.

    >>> none, all_of_it = np.ones((2, 2)), np.eye(2)
    >>> [(s.column, s.parent) for s in tree(3, {(0, 1): none, (0, 2): all_of_it, (1, 2): 3 * all_of_it + none})]
    [(0, -1), (2, 0), (1, 2)]

    Args:
        columns: their number.
        pairs: (i, j) → table, i < j; columns without one depend on no other.
    """
    ranked = sorted(pairs, key=lambda pair: (-_told(pairs[pair]), pair))
    group, beside = list(range(columns)), [list[int]() for _ in range(columns)]
    for i, j in ranked:
        if group[i] != group[j]:
            beside[i].append(j)
            beside[j].append(i)
            group = [group[i] if own == group[j] else own for own in group]
    steps, reached = list[Step](), set[int]()
    for first in range(columns):
        waiting = [] if first in reached else [(first, -1)]
        for column, parent in waiting:  # grows while it is gone through
            reached.add(column)
            own = np.zeros((0, 0)) if parent < 0 else pairs.get((parent, column))
            steps.append(Step(column, parent, pairs[column, parent].T if own is None else own))
            waiting += [(other, column) for other in beside[column] if other != parent]
    return steps


def _told(table: Floats) -> float:
    """How much one column of a table tells of the other: mutual information."""
    shares = table / max(table.sum(), 1e-300)
    independent = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    there = shares > 0
    return float((shares[there] * np.log(shares[there] / independent[there])).sum())


def whole_table(counts: Floats, rows: Ints, columns: Ints) -> Ints:
    """Whole numbers with given margins near a table.

    >>> whole_table(np.array([[1.2, 0.9], [0.8, 3.1]]), np.array([2, 4]), np.array([2, 4])).tolist()
    [[1, 1], [1, 3]]

    Args:
        counts: (a, b) ≥ 0.
        rows: (a,) whole counts.
        columns: (b,) whole counts, with the same total.
    """
    near = counts + _LITTLE
    for _ in range(_ROUNDS):
        near *= (rows / np.maximum(near.sum(axis=1), _LITTLE))[:, None]
        near *= (columns / np.maximum(near.sum(axis=0), _LITTLE))[None, :]
    near *= np.minimum(1, rows / np.maximum(near.sum(axis=1), _LITTLE))[:, None]
    whole = np.floor(near * (1 - 1e-12)).astype(np.int64)
    order = np.argsort((whole - near).ravel(), kind="stable")
    _fill(whole, order, rows - whole.sum(axis=1), columns - whole.sum(axis=0))
    return whole


def start(ones: Sequence[Ints], steps: Sequence[Step], state: State) -> Codes:
    """(n, m) codes, every column filled with its own counts; who has which value follows the tree, the rest is chance.

    Args:
        ones: for each column, whole counts of its values from 0; all with the total n.
        steps: of all columns, see `tree`.
        state: of the random stream.
    """
    codes = np.empty((int(ones[0].sum()) if ones else 0, len(ones)), np.uint16)
    for column, parent, table in steps:
        counts, mixed = ones[column], _uniforms(len(codes), state)
        values = np.arange(counts.size)
        if parent < 0:
            codes[np.argsort(mixed, kind="stable"), column] = np.repeat(values, counts)
        else:
            whole = whole_table(table, ones[parent], counts)
            order = np.lexsort((mixed, codes[:, parent]))  # by the parent's value, in random order
            codes[order, column] = np.repeat(np.tile(values, len(whole)), whole.ravel())
    return codes


@compiled
def _uniforms(size, state):
    drawn = np.empty(size)
    for i in range(size):
        drawn[i] = uniform(state)
    return drawn


@compiled
def _fill(whole, order, rows, columns):
    """Add what is missing from the margins: one in each cell in a given order, where both miss some; then the rest."""
    b = columns.size
    for at in order:
        i, j = at // b, at % b
        if rows[i] > 0 and columns[j] > 0:
            whole[i, j] += 1
            rows[i] -= 1
            columns[j] -= 1
    j = 0
    for i in range(rows.size):
        while rows[i] > 0:
            while columns[j] == 0:
                j += 1
            some = min(rows[i], columns[j])
            whole[i, j] += some
            rows[i] -= some
            columns[j] -= some
