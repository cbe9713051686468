"""Noisy tables of triples of columns: which are worth measuring beside pairs, and what is measured of them.

A record is in one cell of every table at most. So it changes each score, Σ |n − n₀| over the cells of a table, by 1 at
most, where n₀ counts records that were made of noisy tables alone. Exact tables live in the tasks that look at them,
those of pairs on the driver, too; what comes back are scores that get noise at once, and tables that have theirs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from synth_spark.aggregate.noisy_marginals import exact_pairs
from synth_spark.encode.combinations import SCHEMA, bucket_bounds, bucketed
from synth_spark.kernels.arrow_codec import pack_ints, unpack_ints
from synth_spark.kernels.cells import CellSpace, Ints
from synth_spark.kernels.marginals.triples import with_absent
from synth_spark.privacy import Rho, Sigma
from synth_spark.privacy.mechanisms import Noise

_TABLES = "first int, second int, third int, counts binary, of_pairs binary, sigma double"
#: The records that are to be released, and those that were made of pairs; neither: a row that only names a bucket.
_SENSITIVE, _OF_PAIRS, _NEITHER = 0, 1, -1


@dataclass(frozen=True)
class Counted:
    """Counted combinations.

    Attributes:
        counts: one row a bucket: ``cells``, ``counts`` (see `combinations.count`), of length 3 at least.
        records: how many records were counted.
        space: the cells, numbered.
    """

    counts: DataFrame
    records: int
    space: CellSpace

    @cached_property
    def pairs(self) -> dict[tuple[int, int], Ints]:
        """The tables of all pairs of columns, with a place for absent in each column."""
        return exact_pairs(self.counts, self.records, self.space, [False] * len(self.space.cards))


class Sides(NamedTuple):
    """What is compared.

    Attributes:
        sensitive: counts of the records. SENSITIVE.
        of_pairs: counts of records that were made of noisy single counts and pairs alone, over the same domain.
        never_null: for every column, whether it is never absent; else absent is place 0 of its tables.
    """

    sensitive: Counted
    of_pairs: Counted
    never_null: Sequence[bool]


def distance(table: Ints, other: Ints) -> int:
    """The score of a triple of columns, of whose exact table one subject changes one cell by 1 at most: it, too."""
    return int(np.abs(table - other).sum())


def noisy_scores(spark: SparkSession, sides: Sides, triples: Ints, rho: Rho, noise: Noise) -> pa.Table:
    """Draw the noise of the scores of all triples: how many records are in other cells than pairs tell.

    Args:
        spark: the session.
        sides: what is compared.
        triples: (t, 3) columns, ascending, in lexicographic order: whichever may be measured.
        rho: for all scores together. A record changes each of them by 1 at most.
        noise: where it comes from.

    Returns:
        One row a triple: ``first``, ``second``, ``third`` (its columns), ``score`` (noisy), ``sigma``.
    """

    def score(places: Ints, tables: Iterator[tuple[Ints, Ints]]) -> pa.Table:
        scores = np.array([distance(exact, made) for exact, made in tables], np.int64)
        return pa.table({"place": pa.array(places, pa.int64()), "score": pa.array(scores, pa.int64())})

    rows = _in_tasks(spark, sides, triples, score, "place bigint, score bigint").toArrow()
    scores, sigma = np.zeros(len(triples), np.int64), rho.sigma(len(triples))
    scores[rows["place"].to_numpy()] = rows["score"].to_numpy()
    columns = {name: pa.array(triples[:, at], pa.int32()) for at, name in enumerate(("first", "second", "third"))}
    return pa.table(
        {
            **columns,
            "score": pa.array(scores + noise.gaussian(len(triples), sigma), pa.int64()),
            "sigma": pa.array(np.full(len(triples), float(sigma)), pa.float64()),
        }
    )


def noisy_triples(spark: SparkSession, sides: Sides, chosen: Ints, rho: Rho, noise: Noise) -> DataFrame:
    """Draw the noise of tables, in tasks; keep the result before anything reads it.

    Args:
        spark: the session.
        sides: the records, and those that were made of pairs.
        chosen: (t, 3) columns, ascending, in lexicographic order.
        rho: for all tables together. A record is in one cell of each at most.
        noise: where it comes from.

    Returns:
        One row a table: ``first``, ``second``, ``third`` (its columns), ``counts`` (noisy, row by row), ``of_pairs``
        (what the records made of pairs have in these cells), ``sigma``.
    """
    sigma = float(rho.sigma(len(chosen)))

    def blur(places: Ints, tables: Iterator[tuple[Ints, Ints]]) -> pa.Table:
        noisy, made = [], []
        for exact, other in tables:
            noisy.append(exact.ravel() + noise.gaussian(exact.size, Sigma(sigma)))
            made.append(other.ravel())
        columns = [pa.array(chosen[places, at], pa.int32()) for at in range(3)]
        scales = pa.array(np.full(len(places), sigma), pa.float64())
        names = ["first", "second", "third", "counts", "of_pairs", "sigma"]
        return pa.table([*columns, pack_ints(noisy), pack_ints(made), scales], names=names)

    return _in_tasks(spark, sides, chosen, blur, _TABLES)


def _in_tasks(
    spark: SparkSession,
    sides: Sides,
    triples: Ints,
    look: Callable[[Ints, Iterator[tuple[Ints, Ints]]], pa.Table],
    schema: str,
) -> DataFrame:
    """Look at the tables of triples, bucket by bucket of column tuples; at those that nobody has a cell of, too.

    Args:
        spark: the session.
        sides: what is counted.
        triples: (t, 3) columns, ascending, in lexicographic order.
        look: from places of some triples, and for each of them the exact table and that of the records made of pairs.
        schema: of what it gives back.
    """
    space, whole = CellSpace(sides.sensitive.space.cards, 3), sides.never_null
    bounds, firsts = bucket_bounds(space), space.first_cells(triples)
    shapes = np.array(space.cards, np.int64)[triples]
    ends, buckets = firsts + shapes.prod(axis=1), np.searchsorted(bounds, firsts, side="right") - 1
    wanted = {pair for triple in triples.tolist() for pair in combinations(triple, 2)}
    pairs = [
        {pair: table for pair, table in side.pairs.items() if pair in wanted}
        for side in (sides.sensitive, sides.of_pairs)
    ]

    def look_at(rows: pa.Table) -> pa.Table:
        side, held = rows["side"].to_numpy(), list[tuple[Ints, Ints]]()
        for own in (_SENSITIVE, _OF_PAIRS):
            at = np.flatnonzero(side == own).tolist()
            cells, counts = (
                np.concatenate([np.zeros(0, np.int64), *(unpack_ints(rows[name][row]) for row in at)])
                for name in ("cells", "counts")
            )
            order = np.argsort(cells)
            held.append((cells[order], counts[order]))
        places = np.flatnonzero(buckets == rows["bucket"][0].as_py())

        def both(place: int) -> tuple[Ints, Ints]:
            i, j, k = triples[place].tolist()
            tables = []
            for (cells, counts), known in zip(held, pairs, strict=True):
                low, high = np.searchsorted(cells, [firsts[place], ends[place]])
                inside = np.zeros(ends[place] - firsts[place], np.int64)
                inside[cells[low:high] - firsts[place]] = counts[low:high]
                table = with_absent(inside.reshape(shapes[place]), (known[i, j], known[i, k], known[j, k]))
                tables.append(table[int(whole[i]) :, int(whole[j]) :, int(whole[k]) :])
            return tables[0], tables[1]

        return look(places, (both(place) for place in places.tolist()))

    named = pa.array(np.unique(buckets), pa.int32())
    nothing = pack_ints([np.zeros(0, np.int64)] * len(named))
    neither = pa.array([_NEITHER] * len(named), pa.int32())
    every = spark.createDataFrame(pa.table([named, nothing, nothing, neither], names=_names()))  # no bucket is left out
    sent = [
        _sent(side.counts, number, firsts, ends, bounds)
        for number, side in ((_SENSITIVE, sides.sensitive), (_OF_PAIRS, sides.of_pairs))
    ]
    return every.unionAll(sent[0]).unionAll(sent[1]).groupBy("bucket").applyInArrow(look_at, schema)


def _names() -> list[str]:
    return ["bucket", "cells", "counts", "side"]


def _sent(counts: DataFrame, side: int, firsts: Ints, ends: Ints, bounds: Ints) -> DataFrame:
    """Counts of the cells of triples, by bucket: ``bucket``, ``cells``, ``counts``, ``side``."""

    def send(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for packed_cells, packed_counts in zip(batch["cells"], batch["counts"], strict=True):
                cells, own = unpack_ints(packed_cells), unpack_ints(packed_counts)
                triple = np.searchsorted(firsts, cells, side="right") - 1
                within = (triple >= 0) & (cells < ends[triple])
                rows = bucketed(cells[within], own[within], bounds)
                number = pa.array([side] * rows.num_rows, pa.int32())
                yield pa.RecordBatch.from_arrays([*rows.columns, number], names=_names())

    return counts.select("cells", "counts").mapInArrow(send, f"{SCHEMA}, side int")
