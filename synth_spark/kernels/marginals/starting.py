"""What records start from: whole counts of every column, dealt to shards, and independent columns that have them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.keyed_random import State, uniform
from synth_spark.kernels.numba_cache import compiled

Floats = npt.NDArray[np.float64]


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


def start(ones: Sequence[Ints], state: State) -> Codes:
    """(n, m) codes, every column filled with its own counts, in a random order.

    Args:
        ones: for each column, whole counts of its values from 0; all with the total n.
        state: of the random stream.
    """
    codes = np.empty((int(ones[0].sum()) if ones else 0, len(ones)), np.uint16)
    for column, counts in enumerate(ones):
        drawn = np.repeat(np.arange(counts.size), counts)
        codes[:, column] = drawn[np.argsort(_uniforms(drawn.size, state), kind="stable")]
    return codes


@compiled
def _uniforms(size, state):
    drawn = np.empty(size)
    for i in range(size):
        drawn[i] = uniform(state)
    return drawn
