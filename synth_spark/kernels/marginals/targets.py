"""The tables that records are to have: estimates without what noise has added, and the cells that are to be empty.

For records only: published counts are the estimates as they are. Everything here is post-processing of noisy counts.
"""

import math
from collections.abc import Iterator, Mapping
from itertools import combinations
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.marginals.consistency import Estimates, Measured, fitted, pair_tables, projected
from synth_spark.kernels.marginals.expected import Cells, Floats, expected, learned
from synth_spark.kernels.marginals.shrinkage import shrunk
from synth_spark.kernels.marginals.triple_targets import Triple, triple_targets

Bools = npt.NDArray[np.bool_]
Pair = tuple[int, int]
#: A cell is to be empty if the chance that it holds nothing is larger than this.
_EMPTY = 0.3
#: A cell of a pair that was not measured is to be empty if fewer records are expected in it than this.
_FEWEST = 0.5
#: Most columns by way of which the cells of a pair that was not measured are judged.
_NEIGHBOURS = 8
#: Most cells, about, that are learned from.
_SAMPLE = 200_000


class Targets(NamedTuple):
    """What records are to have.

    Attributes:
        estimates: tables that agree; those of pairs without what noise has added to them.
        empty: (i, j) → cells that no record should be in, for pairs that were measured and for others.
        triples: (i, j, k) → tables of three columns without what noise has added to them.
    """

    estimates: Estimates
    empty: dict[Pair, Bools]
    triples: Mapping[Triple, Floats] = MappingProxyType({})


def targets(
    measured: list[Measured],
    agreed: Estimates,
    forbidden: dict[Pair, Bools],
    of_pairs: Mapping[Triple, Floats] = MappingProxyType({}),
) -> Targets:
    """Take from tables of pairs what noise has added to them, and find the cells that hold nothing.

    Each cell is estimated twice, from its noisy count and a first guess: that of independent columns, and that of the
    table with shrunken singular values. The mean of both is nearer to the exact table than either, at every scale of
    noise; it is fitted to the margins again.

    Args:
        measured: for every column, a table of it, or of several columns with it.
        agreed: what these tables were made to agree in.
        forbidden: (i, j) → cells that no record may be in.
        of_pairs: (i, j, k) → what records made of pairs alone have, for every triple of columns that was measured.
    """
    noisy = pair_tables(measured)
    nearest = {pair: _shrunk(own, agreed, forbidden.get(pair)) for pair, own in noisy.items()}
    step = max(1, math.ceil(sum(table.counts.size for table in noisy.values()) / _SAMPLE))
    choices = [[_every(step, c) for c in _cells(own, agreed, nearest[pair])] for pair, own in noisy.items()]
    weights = [learned(Cells(*map(np.concatenate, zip(*own, strict=True)))) for own in zip(*choices, strict=True)]
    pairs, empty = {}, {}
    for pair, own in noisy.items():
        i, j = pair
        both = [expected(c, w) for c, w in zip(_cells(own, agreed, nearest[pair]), weights, strict=True)]
        mean, nothing = ((one + other) / 2 for one, other in zip(*both, strict=True))
        off, shape = forbidden.get(pair), own.counts.shape
        mean *= agreed.total / max(
            mean.sum(), 1e-300
        )  # where noise hides everything, it may be a multiple of the guess
        pairs[pair] = fitted(mean.reshape(shape), agreed.ones[i], agreed.ones[j], agreed.total, off)
        empty[pair] = nothing.reshape(shape) > _EMPTY
    found = Estimates(agreed.total, agreed.ones, pairs, agreed.one_errors, agreed.pair_errors)
    triples = triple_targets([own for own in measured if len(own.columns) == 3], found, of_pairs)
    return Targets(found, empty | dict(_not_measured(found, empty)), triples)


def _shrunk(table: Measured, agreed: Estimates, off: Bools | None) -> Floats:
    rows, columns = (agreed.ones[column] for column in table.columns)
    counts = projected(table.counts, rows, columns, agreed.total)
    return fitted(shrunk(counts, rows, columns, math.sqrt(table.variance)), rows, columns, agreed.total, off)


def _cells(table: Measured, agreed: Estimates, nearest: Floats) -> tuple[Cells, Cells]:
    """The cells of a table, with the guess of independent columns, and with that of the shrunken table."""
    i, j = table.columns
    rows, columns = agreed.ones[i], agreed.ones[j]
    counts = projected(table.counts, rows, columns, agreed.total).ravel()
    errors, most = agreed.pair_errors[i, j].ravel(), np.minimum.outer(rows, columns).ravel()
    independent = np.outer(rows, columns).ravel() / max(agreed.total, 1.0)
    return Cells(counts, errors, independent, most), Cells(counts, errors, nearest.ravel(), most)


def _every(step: int, cells: Cells) -> Cells:
    """One of every so many cells."""
    return Cells(*(part[::step] for part in cells))


def _not_measured(found: Estimates, empty: dict[Pair, Bools]) -> Iterator[tuple[Pair, Bools]]:
    """The cells to be empty of pairs that were not measured.

    By way of a third column with which both were measured, Σ P(a | c) P(b | c) n(c) records are expected; of the
    columns that depend on both most the one decides that expects fewest, or independence.
    """
    tables, strength = dict[Pair, Floats](), dict[Pair, float]()
    for (i, j), table in found.pairs.items():
        independent = np.outer(found.ones[i], found.ones[j]) / max(found.total, 1.0)
        kept = np.where(empty[i, j], 0.0, table)
        tables[i, j], tables[j, i] = kept, kept.T
        strength[i, j] = strength[j, i] = float(np.abs(table - independent).sum())
    columns = range(len(found.ones))
    for i, j in combinations(columns, 2):
        if (i, j) in found.pairs:
            continue
        least = np.outer(found.ones[i], found.ones[j]) / max(found.total, 1.0)
        both = [(min(strength[i, c], strength[c, j]), c) for c in columns if (i, c) in tables and (c, j) in tables]
        for _, c in sorted(both, reverse=True)[:_NEIGHBOURS]:
            least = np.minimum(least, (tables[i, c] / np.maximum(found.ones[c], 1e-9)) @ tables[c, j])
        yield (i, j), least < _FEWEST
