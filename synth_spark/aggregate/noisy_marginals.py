"""Noisy tables of pairs of columns: what marginal matching is made from, with those of some triples.

A record is in one cell of every table, so each table has sensitivity 1. Exact tables live on the driver and in the
tasks that draw their noise, one row a table; what comes back is what those tasks wrote.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations as subsets
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from synth_spark.errors import ResourceError
from synth_spark.kernels.arrow_codec import pack_ints, unpack_ints
from synth_spark.kernels.cells import CellSpace, Ints
from synth_spark.kernels.marginals.consistency import Floats, Measured
from synth_spark.plan import DifferentialPrivacy
from synth_spark.privacy import Rho, Sigma, chooses_pairs, sigma_of
from synth_spark.privacy.mechanisms import Noise
from synth_spark.schema.domain import Domain

_SCHEMA = "first int, second int, counts binary, sigma double"
#: Most cells of all pairs of columns together: the driver holds them.
_MOST_CELLS = 50_000_000
#: Most tasks that draw noise.
_TASKS = 64
#: How much one subject changes the score of a pair, which is rounded down.
SCORE_SENSITIVITY = 5


def check_pairs(cards: Sequence[int], longest: int) -> None:
    """Refuse more cells in the tables of all pairs of columns than the driver holds.

    Args:
        cards: number of values of each column that is counted.
        longest: longest combination that is counted.

    Raises:
        ResourceError: there are more.
    """
    cells = CellSpace(tuple(cards), min(2, longest)).size
    if cells > _MOST_CELLS:
        problem = f"has {cells:,} cells in the tables of all pairs of columns, more than {_MOST_CELLS:,}"
        raise ResourceError("input", problem, "group values, or use fewer columns")


def exact_pairs(counts: DataFrame, records: int, space: CellSpace, whole: list[bool]) -> dict[tuple[int, int], Ints]:
    """The exact table of every pair of columns: SENSITIVE.

    Args:
        counts: one row a bucket: ``cells``, ``counts`` (see `combinations.count`), of length 2 at least.
        records: number of records.
        space: the cells of the released values; others count as absent.
        whole: for every column, whether it is never absent; else absent is place 0 of its tables.

    Raises:
        ResourceError: too many cells.
    """
    check_pairs(space.cards, space.max_length)
    end = CellSpace(space.cards, min(2, space.max_length)).size

    def shorten(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in range(batch.num_rows):
                cells, own = unpack_ints(batch["cells"][row]), unpack_ints(batch["counts"][row])
                short = int(np.searchsorted(cells, end))
                yield pa.RecordBatch.from_arrays(
                    [pack_ints([cells[:short]]), pack_ints([own[:short]])], names=["cells", "counts"]
                )

    dense = np.zeros(end, np.int64)
    shortened = counts.mapInArrow(shorten, "cells binary, counts binary").toArrow()
    for cells, own in zip(shortened["cells"], shortened["counts"], strict=True):
        dense[unpack_ints(cells)] = unpack_ints(own)
    cards, tables = space.cards, {}
    firsts = np.concatenate([[0], np.cumsum(cards)]).astype(int)
    singles = [dense[low:high] for low, high in pairwise(firsts)]
    at = int(firsts[-1])
    for i, j in subsets(range(len(cards)), 2):
        inside = dense[at : at + cards[i] * cards[j]].reshape(cards[i], cards[j])
        at += inside.size
        table = np.zeros((cards[i] + 1, cards[j] + 1), np.int64)
        table[1:, 1:] = inside
        table[1:, 0] = singles[i] - inside.sum(axis=1)
        table[0, 1:] = singles[j] - inside.sum(axis=0)
        table[0, 0] = records - table.sum()
        tables[i, j] = table[int(whole[i]) :, int(whole[j]) :]
    return tables


def choose_pairs(
    tables: dict[tuple[int, int], Ints], terms: DifferentialPrivacy, columns: int, rho: Rho, left: Rho, noise: Noise
) -> list[tuple[int, int]]:
    """The pairs worth measuring: all, or those that lose most if their columns are taken as independent.

    The score of a pair is Σ |n_ij − n_i n_j / n| over its cells (PrivSyn, Zhang et al. 2021, section 4.1), which one
    subject changes by at most 4; it is rounded down and gets noise. Pairs are taken in order of noisy score for what
    measuring them costs, as long as the expected noise of all that are taken is less than what is lost by the others.

    Args:
        tables: exact, of all pairs.
        terms: of privacy.
        columns: their number.
        rho: for the choice.
        left: for measuring what is chosen.
        noise: where it comes from.
    """
    pairs = list(tables)
    if not chooses_pairs(terms, columns):
        return pairs
    scores = np.array([dependence(tables[pair]) for pair in pairs], np.int64)
    scores = scores + noise.gaussian(len(pairs), rho.sigma(SCORE_SENSITIVITY**2 * len(pairs)))
    cells = np.array([tables[pair].size for pair in pairs], float)
    order = np.argsort(-scores / cells ** (2 / 3), kind="stable")
    lost = np.maximum(scores[order], 0).sum() - np.cumsum(np.maximum(scores[order], 0))
    noisy = np.cumsum(cells[order] ** (2 / 3)) ** 1.5 / math.sqrt(math.pi * float(left))
    best = int(np.argmin(noisy + lost)) + 1
    return sorted(pairs[place] for place in order[:best])


def with_noise(tables: Sequence[Ints], sigmas: Sequence[Sigma], noise: Noise) -> list[Ints]:
    """Tables with independent noise of a scale each in every cell."""
    return [table + noise.gaussian(table.size, sigma) for table, sigma in zip(tables, sigmas, strict=True)]


def noisy_pairs(
    spark: SparkSession,
    tables: dict[tuple[int, int], Ints],
    chosen: list[tuple[int, int]],
    rho: Rho,
    noise: Noise,
) -> DataFrame:
    """Draw the noise of tables, in tasks; keep the result before anything reads it.

    Returns:
        One row a table: ``first``, ``second`` (its columns), ``counts`` (noisy, row by row), ``sigma``.
    """
    sigmas = sigma_of([tables[pair].size for pair in chosen], rho) if chosen else []
    rows = pa.table(
        {
            "first": pa.array([i for i, _ in chosen], pa.int32()),
            "second": pa.array([j for _, j in chosen], pa.int32()),
            "counts": pack_ints([tables[pair].ravel() for pair in chosen]),
            "sigma": pa.array([float(sigma) for sigma in sigmas], pa.float64()),
        }
    )

    def blur(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            scales = [Sigma(sigma) for sigma in batch["sigma"].to_pylist()]
            blurred = with_noise([unpack_ints(counts) for counts in batch["counts"]], scales, noise)
            yield batch.set_column(2, "counts", pack_ints(blurred))

    tasks = max(1, min(_TASKS, len(chosen) // 16))
    return spark.createDataFrame(rows).repartition(tasks).mapInArrow(blur, _SCHEMA)


def measured(
    values: pa.Table, pairs: pa.Table, domain: Domain, whole: list[bool], triples: pa.Table | None = None
) -> list[Measured]:
    """Noisy tables of columns, pairs and triples, as kept, in the form that they are made to agree in.

    Args:
        values: one row a value of the domain, or absent: ``column`` (of the field), ``value``, ``count``, ``sigma``.
        pairs: see `noisy_pairs`.
        domain: the released one.
        whole: for every column, whether it is never absent.
        triples: see `noisy_triples`; None where none was measured.
    """
    sizes = domain.table_sizes(whole)
    singles = {(row["column"], row["value"]): row for row in values.to_pylist()}
    marginals = []
    for index, (low, high) in enumerate(pairwise(domain.bounds)):
        for column in range(low, high):
            own: list[Any] = [singles[index, value] for value in domain.columns[column].values]
            own = own if whole[column] else [singles.get((index, None)), *own]
            counts = np.array([np.nan if row is None else float(row["count"]) for row in own])
            if low + 1 < high or domain.fields[index].many:
                counts[0] = np.nan  # absent of one value of several
            sigma = next((row["sigma"] for row in own if row is not None), 0.0)
            marginals.append(Measured((column,), counts, sigma**2))
    in_order = pairs.sort_by([("first", "ascending"), ("second", "ascending")])  # sums of floats depend on it
    for row in in_order.to_pylist():
        i, j = row["first"], row["second"]
        counts = _unpacked(row["counts"], sizes[i], sizes[j])
        marginals.append(Measured((i, j), counts, row["sigma"] ** 2))
    for i, j, k, row in _in_order(triples):
        counts = _unpacked(row["counts"], sizes[i], sizes[j], sizes[k])
        marginals.append(Measured((i, j, k), counts, row["sigma"] ** 2))
    return marginals


def of_pairs(triples: pa.Table, sizes: Sequence[int]) -> dict[tuple[int, int, int], Floats]:
    """What records made of pairs have in the cells of each measured table of three columns.

    Args:
        triples: see `noisy_triples`.
        sizes: places of the table of each column.
    """
    return {(i, j, k): _unpacked(row["of_pairs"], sizes[i], sizes[j], sizes[k]) for i, j, k, row in _in_order(triples)}


def _unpacked(counts: bytes, *shape: int) -> Floats:
    """The table of a packed vector of counts."""
    return np.frombuffer(counts, "<i8").reshape(shape).astype(float)


def _in_order(triples: pa.Table | None) -> list[tuple[int, int, int, dict[str, Any]]]:
    """The rows of kept tables of three columns, with these columns, ascending."""
    rows = [] if triples is None else triples.to_pylist()
    return sorted(((row["first"], row["second"], row["third"], row) for row in rows), key=lambda one: one[:3])


def dependence(table: Ints) -> int:
    """The score of a pair of columns, of the exact table of which one subject changes it by `SCORE_SENSITIVITY`."""
    total = max(1, int(table.sum()))
    independent = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    return math.floor(float(np.abs(table - independent).sum()))
