"""The tables of three columns that records are to have, by what their pairs say and what was measured of them.

For records only: no count of three columns is published. All of it is post-processing of noisy counts.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from synth_spark.kernels.marginals.consistency import Estimates, Measured
from synth_spark.kernels.marginals.expected import Cells, Floats, expected, learned

Triple = tuple[int, int, int]
#: Rounds of iterative proportional fitting, and what keeps its zeros from being final.
_ROUNDS, _LITTLE = 30, 1e-9
#: Most cells, about, that are learned from.
_SAMPLE = 200_000


def triple_targets(
    measured: Sequence[Measured], pairs: Estimates, of_pairs: Mapping[Triple, Floats]
) -> dict[Triple, Floats]:
    """Take from tables of three columns what noise has added to them.

    The first guess of a cell is the mean of two: what records made of pairs alone have there, and the table of no more
    dependence than its three pairs tell (Deming and Stephan 1940). From it and the noisy count follows what the cell is
    expected to hold (`expected`); then the table is fitted to the tables of its pairs.

    Args:
        measured: tables of three columns, noisy.
        pairs: what the records are to have of pairs, of all that these tables hold among others.
        of_pairs: (i, j, k) → what records made of pairs alone have, for each of these tables.

    Returns:
        (i, j, k) → table, with the total of the pairs.
    """
    if not measured or not pairs.total > 0:
        return {}
    margins = {own.columns: _margins(own, pairs) for own in measured}
    cells = [_cells(own, pairs, of_pairs[i, j, k]) for own in measured for i, j, k in [own.columns]]
    step = max(1, math.ceil(sum(own.noisy.size for own in cells) / _SAMPLE))
    weights = learned(Cells(*(np.concatenate(parts)[::step] for parts in zip(*cells, strict=True))))
    found = {}
    for own, its in zip(measured, cells, strict=True):
        i, j, k = own.columns
        mean = expected(its, weights)[0].reshape(own.counts.shape)
        found[i, j, k] = fitted_to_pairs(mean, *margins[own.columns])
    return found


def fitted_to_pairs(counts: Floats, first: Floats, outer: Floats, last: Floats) -> Floats:
    """Counts ≥ 0 of three columns, fitted to the tables of the three pairs (Deming and Stephan 1940).

    Args:
        counts: (a, b, c), ≥ 0.
        first: (a, b) of the first two columns.
        outer: (a, c) of the first and the last.
        last: (b, c) of the last two; all with the same total, which agree in each column.
    """
    near: Floats = counts + _LITTLE
    for _ in range(_ROUNDS):
        near *= (first / np.maximum(near.sum(axis=2), _LITTLE))[:, :, None]
        near *= (outer / np.maximum(near.sum(axis=1), _LITTLE))[:, None, :]
        near *= (last / np.maximum(near.sum(axis=0), _LITTLE))[None, :, :]
    return near


def _margins(table: Measured, pairs: Estimates) -> tuple[Floats, Floats, Floats]:
    i, j, k = table.columns
    return pairs.pairs[i, j], pairs.pairs[i, k], pairs.pairs[j, k]


def _cells(table: Measured, pairs: Estimates, made: Floats) -> Cells:
    """The cells of a table, with their first guess."""
    i, j, k = table.columns
    first, outer, last = _margins(table, pairs)
    a, b, c = table.counts.shape
    told = fitted_to_pairs(np.ones((a, b, c)), first, outer, last)
    guess = (told + made * (pairs.total / max(float(made.sum()), 1.0))) / 2
    most = np.minimum(np.minimum.outer(np.minimum.outer(pairs.ones[i], pairs.ones[j]), pairs.ones[k]), pairs.total)
    # the noise of the margins is taken away with them; theirs is added
    own = table.variance * ((a - 1) * (b - 1) * (c - 1)) / (a * b * c)
    errors = pairs.pair_errors
    borrowed = (
        (errors[i, j] / c)[:, :, None] ** 2 + (errors[i, k] / b)[:, None, :] ** 2 + (errors[j, k] / a)[None, :, :] ** 2
    )
    noisy = _projected(table.counts, first, outer, last)
    return Cells(noisy.ravel(), np.sqrt(own + borrowed).ravel(), guess.ravel(), most.ravel())


def _projected(counts: Floats, first: Floats, outer: Floats, last: Floats) -> Floats:
    """The table nearest to a noisy one that has given tables of pairs (least squares); counts below 0 stay possible."""
    a, b, c = counts.shape
    ij, ik, jk = first - counts.sum(axis=2), outer - counts.sum(axis=1), last - counts.sum(axis=0)
    nearest: Floats = counts + ij[:, :, None] / c + ik[:, None, :] / b + jk[None, :, :] / a
    nearest -= (ij.sum(axis=1) / (b * c))[:, None, None] + (ij.sum(axis=0) / (a * c))[None, :, None]
    nearest -= (ik.sum(axis=0) / (a * b))[None, None, :] - ij.sum() / (a * b * c)
    return nearest
