"""From noisy tables that contradict each other to estimates that agree, and are not negative.

Columns' tables have absent in place 0. Everything here is post-processing: it sees noisy counts alone.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.numba_cache import compiled

Floats = npt.NDArray[np.float64]
#: Rounds of iterative proportional fitting, and what keeps its zeros from being final.
_ROUNDS, _SEED = 50, 1e-9


@dataclass(frozen=True)
class Measured:
    """A noisy table of one column, of two, or of three.

    Attributes:
        columns: one to three, ascending.
        counts: noisy, one axis a column; NaN where nothing was measured.
        variance: of the noise of a cell.
    """

    columns: tuple[int, ...]
    counts: Floats
    variance: float


@dataclass(frozen=True)
class Estimates:
    """Tables that agree: pairs have the margins of their columns, and all have the same total.

    Attributes:
        total: number of records.
        ones: a table a column.
        pairs: (i, j) → table.
        one_errors: standard errors of the cells of ``ones``, before negative ones were mended.
        pair_errors: (i, j) → the same for pairs.
    """

    total: float
    ones: list[Floats]
    pairs: dict[tuple[int, int], Floats]
    one_errors: list[Floats]
    pair_errors: dict[tuple[int, int], Floats]


def estimate(measured: list[Measured], forbidden: dict[tuple[int, int], npt.NDArray[np.bool_]]) -> Estimates:
    """Make noisy tables agree.

    The total and every column's counts are the inverse-variance means of all that says something of them; a pair's
    table is the nearest to what was measured (`pair_tables`) that has its columns' margins (weighted least squares),
    then the nearest without negative counts (norm-sub, Wang et al. 2020), then fitted to the margins again (Deming and
    Stephan 1940).

    Args:
        measured: for every column, a table of it, or of several columns with it.
        forbidden: (i, j) → cells that no record may be in.
    """
    total = _mean([(table.counts.sum(), table.variance * table.counts.size) for table in measured if _whole(table)])[0]
    columns = 1 + max(column for table in measured for column in table.columns)
    ones, one_errors = [], []
    for column in range(columns):
        counts, error = _mean(list(_margins(measured, column)))
        error = np.sqrt(np.where(np.isfinite(error), error, 0.0))
        ones.append(_on_simplex(counts + (total - counts.sum()) / counts.size, total))
        one_errors.append(np.broadcast_to(error, counts.shape))
    pairs, pair_errors = {}, {}
    for (i, j), table in pair_tables(measured).items():
        off = forbidden.get((i, j))
        pairs[i, j] = fitted(projected(table.counts, ones[i], ones[j], total), ones[i], ones[j], total, off)
        # what the margins say of a cell takes (a + b − 1) / ab of its variance away
        a, b = table.counts.shape
        own = table.variance * (a + b - 1) / (a * b)
        borrowed = (one_errors[i] / b)[:, None] ** 2 + (one_errors[j] / a)[None, :] ** 2
        pair_errors[i, j] = np.sqrt(np.maximum(table.variance - own, 0) + borrowed)
    return Estimates(float(total), ones, pairs, one_errors, pair_errors)


def pair_tables(measured: list[Measured]) -> dict[tuple[int, int], Measured]:
    """What was measured of every pair of columns: the inverse-variance mean of its table and of margins of triples.

    The noise of all of these is independent, and of one scale in all cells of a table, so the mean's is, too. A pair
    without a table of its own, which a triple holds, has that triple's margin.

    Args:
        measured: noisy tables of one to three columns.
    """
    found: dict[tuple[int, int], list[Measured]] = {}
    for table in measured:
        if len(table.columns) == 2:
            i, j = table.columns
            found[i, j] = [table]
    for table in measured:
        for gone in range(2, -1, -1) if len(table.columns) == 3 else ():
            i, j = (column for place, column in enumerate(table.columns) if place != gone)
            margin = Measured((i, j), table.counts.sum(axis=gone), table.variance * table.counts.shape[gone])
            found.setdefault((i, j), []).append(margin)
    return {pair: own[0] if len(own) == 1 else _mean_of(own) for pair, own in found.items()}


def _mean_of(tables: list[Measured]) -> Measured:
    """The inverse-variance mean of tables of the same columns."""
    exact = [table for table in tables if not table.variance > 0]
    weights = np.array([1.0] * len(exact) if exact else [1 / table.variance for table in tables])
    counts = sum(weight * own.counts for weight, own in zip(weights, exact or tables, strict=True)) / weights.sum()
    return Measured(tables[0].columns, counts, 0.0 if exact else 1 / float(weights.sum()))


def _whole(table: Measured) -> bool:
    return not np.isnan(table.counts).any()


def _margins(measured: list[Measured], column: int):
    """What is known of a column: counts, and their variance."""
    for table in measured:
        if table.columns == (column,):
            yield table.counts, np.where(np.isnan(table.counts), np.inf, table.variance)
        elif column in table.columns:
            own = table.columns.index(column)
            others = tuple(axis for axis in range(len(table.columns)) if axis != own)
            yield table.counts.sum(axis=others), table.variance * math.prod(table.counts.shape[o] for o in others)


def _mean(estimates):
    """Inverse-variance mean of numbers with variances, and its variance; what has none at all decides alone."""
    weights = [1 / np.maximum(variance, 1e-12) for _, variance in estimates]
    weight = np.sum(np.broadcast_arrays(*weights), axis=0) if len(weights) > 1 else np.asarray(weights[0])
    terms = [np.where(w > 0, np.nan_to_num(value) * w, 0.0) for (value, _), w in zip(estimates, weights, strict=True)]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(np.sum(np.broadcast_arrays(*terms), axis=0) / weight), 1 / weight


def _on_simplex(counts: Floats, total: float, off: npt.NDArray[np.bool_] | None = None) -> Floats:
    """The nearest counts ≥ 0 with a total; those of ``off`` are 0."""
    if total <= 0:
        return np.zeros_like(counts)
    flat = counts.ravel() if off is None else counts.ravel()[~off.ravel()]
    ordered = np.sort(flat)[::-1]
    surplus = (np.cumsum(ordered) - total) / np.arange(1, flat.size + 1)
    last = np.flatnonzero(ordered > surplus)[-1]
    nearest: Floats = np.maximum(flat - surplus[last], 0)
    if off is None:
        return nearest.reshape(counts.shape)
    filled = np.zeros(counts.size)
    filled[~off.ravel()] = nearest
    return filled.reshape(counts.shape)


def projected(counts: Floats, rows: Floats, columns: Floats, total: float) -> Floats:
    """The table nearest to a noisy one that has given margins (least squares); counts below 0 stay possible.

    Args:
        counts: (a, b) noisy counts.
        rows: (a,) counts of the first column.
        columns: (b,) counts of the second column.
        total: of both.
    """
    a, b = counts.shape
    more, under = rows - counts.sum(axis=1), columns - counts.sum(axis=0)
    nearest: Floats = counts + more[:, None] / b + under[None, :] / a - (total - counts.sum()) / (a * b)
    return nearest


def fitted(counts: Floats, rows: Floats, columns: Floats, total: float, off: npt.NDArray[np.bool_] | None) -> Floats:
    """The nearest counts ≥ 0 with a total (norm-sub), fitted to given margins (Deming and Stephan 1940).

    Args:
        counts: (a, b) counts.
        rows: (a,) counts of the first column.
        columns: (b,) counts of the second column.
        total: of both.
        off: (a, b) cells that stay 0, or None.
    """
    nearest: Floats = _on_simplex(counts, total, off) + (_SEED if off is None else _SEED * ~off)
    for _ in range(_ROUNDS):
        nearest *= (rows / np.maximum(nearest.sum(axis=1), _SEED))[:, None]
        nearest *= (columns / np.maximum(nearest.sum(axis=0), _SEED))[None, :]
    return nearest


def lower_to_parents(counts: Floats, variances: Floats, parents, columns, rounds: int = 30) -> Floats:
    """The nearest counts of combinations of which none is less than its extensions in a column together.

    Weighted least squares under c ≥ Σᵥ (c ∪ v) for every combination c and every other column of v, and ≥ 0, by
    Dykstra's cyclic projections (Boyle and Dykstra 1986). Extensions that were not released count as 0, which is why
    it is not an equation.

    Args:
        counts: (n,) noisy counts; number 0 is the empty combination, all records.
        variances: (n,) of the noise.
        parents: (e,) for every link from a combination to one of its parts: the part.
        columns: (e, 2) for every link: the combination, and the column that it has more.
        rounds: of projections.
    """
    order = np.lexsort((columns[:, 1], parents))
    parents, children = parents[order], columns[order, 0]
    changes = np.flatnonzero(
        np.concatenate([[True], (parents[1:] != parents[:-1]) | (columns[order, 1][1:] != columns[order, 1][:-1])])
    )
    bounds = np.concatenate([changes, [len(parents)]]).astype(np.int64)
    agreed: Floats = _project(counts.astype(float), variances.astype(float), parents, children, bounds, rounds)
    return agreed


@compiled
def _project(counts, variances, parents, children, bounds, rounds):
    groups = bounds.size - 1
    push, floor = np.zeros(groups), np.zeros(counts.size)
    for _ in range(rounds):
        for g in range(groups):
            parent = parents[bounds[g]]
            before, total, spread = push[g], 0.0, variances[parent]
            for e in range(bounds[g], bounds[g + 1]):
                child = children[e]
                total += counts[child] + before * variances[child]
                spread += variances[child]
            excess = total - (counts[parent] - before * variances[parent])
            push[g] = max(0.0, excess / spread) if spread > 0 else 0.0
            step = push[g] - before
            if step != 0.0:
                counts[parent] += step * variances[parent]
                for e in range(bounds[g], bounds[g + 1]):
                    counts[children[e]] -= step * variances[children[e]]
        for c in range(counts.size):
            value = counts[c] + floor[c]
            counts[c] = max(value, 0.0)
            floor[c] = value - counts[c]
    return counts
