"""Synthetic records on Spark: grow them, in one round or several, round every attribute's total, write them out.

A table that fits a task is grown in one round: all rows go to a few tasks, each with a share of the seeds. A larger one
is cut into parts; what the seeds of a part cannot place there starts new records in the next round, in parts cut anew.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.kernels.arrow_codec import pack_codes
from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.growth.part import Part, deal
from synth_spark.kernels.growth.settings import MOST_TRACKED, PACKINGS, Growth
from synth_spark.kernels.growth.tree_top import Node, apportion, by_column, columns_of, cut_for_seeds, cut_for_starts
from synth_spark.kernels.keyed_random import derive
from synth_spark.plan.planner import ResolvedPlan
from synth_spark.schema.domain import Domain
from synth_spark.synthesize.growth import GROWN, Cut, Shape, count_nodes, count_pairs, grow, key_of_part
from synth_spark.synthesize.strategies import STRATEGIES, Strategy

#: Most rounds of new records; the share of all values, and of what was left before a round, that is not worth another.
_ROUNDS, _REST, _PLACED = 5, 0.003, 0.1

Keep = Callable[[DataFrame], DataFrame]


@dataclass(frozen=True)
class Synthesis:
    """Everything that the rounds of one table share.

    Attributes:
        codes: one row a distinct record: ``record``, ``multiplicity``.
        shape: its attributes.
        resolved: the numbers of the run.
        strategy: the way of synthesis.
        growth: how to grow.
        key: of everything random.
        keep: writes a round's records and reads them back.
    """

    codes: DataFrame
    shape: Shape
    resolved: ResolvedPlan
    strategy: Strategy
    growth: Growth
    key: int
    keep: Keep

    def grow(self, cut: Cut, seeded: bool) -> DataFrame:
        """The records of a round."""
        seeds = self.strategy.seeds if seeded and self.strategy.seeds else _none
        return grow(self.codes, self.shape, cut, seeds, self.growth, derive(self.key, "deal"))


def grown_records(codes: DataFrame, domain: Domain, resolved: ResolvedPlan, seed: int, keep: Keep) -> DataFrame:
    """Grow the synthetic records.

    Args:
        codes: one row a distinct sensitive record: ``record``, ``multiplicity``.
        domain: the table's domain.
        resolved: k, sizes, and the way of synthesis.
        seed: of all random choices.
        keep: writes the records of a round into the run's folder and reads them back.

    Returns:
        One row a distinct synthetic record: ``record``, ``copies``; attributes' totals are not yet rounded.
    """
    config, key = resolved.plan.synthesis, derive(seed, "synthesize")
    strategy = STRATEGIES[config.kind](resolved, key)
    power = config.power if strategy.power is None else strategy.power
    growth = Growth(resolved.k, power, resolved.groups, PACKINGS.index(config.packing))
    shape = Shape(domain.common(resolved.k), _track(domain, resolved.k))
    synthesis = Synthesis(codes, shape, resolved, strategy, growth, key, keep)
    rounds = _in_one_round(synthesis) if resolved.fits else list(_in_rounds(synthesis))
    grown = reduce(DataFrame.union, rounds)
    return grown.groupBy("record").agg(F.sum("copies").alias("copies"))


def _in_one_round(synthesis: Synthesis) -> list[DataFrame]:
    """Every part is the whole table with a share of the seeds, or of the values where there are no seeds."""
    groups, tracked = synthesis.resolved.shards, synthesis.shape.tracked
    tops = [Node(part=group) for group in range(groups)]
    keys = [key_of_part(synthesis.key, 0, group) for group in range(groups)]
    if synthesis.strategy.seeds:
        parts = [Part(key, tracked, leftovers=synthesis.strategy.leftovers) for key in keys]
    else:
        singles, pairs = count_pairs(synthesis.codes, "multiplicity", synthesis.shape)
        dealt = deal(singles, np.arange(len(singles), dtype=np.uint64), groups)
        targets, share, limited = pairs.astype(np.float64), 1 / groups, synthesis.resolved.plan.synthesis.oversampling
        parts = [
            Part(
                key,
                tracked,
                pool=dealt.to_group(group),
                targets=targets,
                share=share,
                limited=limited,
                turn=(group, groups),
            )
            for group, key in enumerate(keys)
        ]
    return [synthesis.grow(Cut(tops, parts), seeded=True)]


def _in_rounds(synthesis: Synthesis) -> Iterator[DataFrame]:
    """Seeds first, then new records of what is missing, in parts cut anew, until little is left; then single values."""
    shape, strategy = synthesis.shape, synthesis.strategy
    if strategy.seeds:
        tops = _cut(synthesis, 0, None)
        leaves = _number(tops)
        parts = [
            Part(key, shape.tracked, leaf.path, None, 0, strategy.leftovers)
            for leaf, key in zip(leaves, part_keys(synthesis.key, 0, tops), strict=True)
        ]
        grown = synthesis.keep(synthesis.grow(Cut(tops, parts), seeded=True))
        yield grown
    else:
        grown = None
    if not strategy.leftovers:
        return
    whole = _Counted(*count_pairs(synthesis.codes, "multiplicity", shape))
    (singles, pairs), left = whole, 2 * int(whole.singles.sum())
    for round_ in range(1, _ROUNDS + 2):
        if grown is not None:
            placed, placed_pairs = count_pairs(grown, "copies", shape)
            singles, pairs = singles - placed, pairs - placed_pairs
        left, before = int(singles.sum()), left
        if round_ > _ROUNDS or left <= _REST * whole.singles.sum() or before - left < _PLACED * before:
            break
        tops = _cut(synthesis, round_, singles)
        parts = _parts_of_starts(synthesis, round_, tops, whole, _Counted(singles, pairs))
        grown = synthesis.keep(synthesis.grow(Cut(tops, parts), seeded=False))
        yield grown
    yield _alone(synthesis, singles)


def _cut(synthesis: Synthesis, round_: int, pool: Ints | None) -> list[Node]:
    """Cut the table for each group until leaves fit a task: for its seeds or, given a pool, for its new records."""
    resolved, starts = synthesis.resolved, synthesis.shape.starts
    how, groups, most = synthesis.growth, resolved.top_groups, resolved.rows_a_task
    groups = groups if round_ < 2 else 1  # little is left: it had better come together
    tops = [Node(rows=resolved.distinct, seeds=resolved.distinct / groups) for _ in range(groups)]
    pools = [pool // groups for _ in tops] if pool is not None else []
    for top, own in zip(tops, pools, strict=False):
        top.starts = min(int(own.sum()) // 2, int(by_column(own, starts).max()))
    waiting = [(group, top) for group, top in enumerate(tops)]
    while waiting:
        counts = count_nodes(synthesis.codes, synthesis.shape, sorted({node.path for _, node in waiting}))
        for group, node in waiting:
            random = np.random.default_rng(derive(synthesis.key, "cut", round_, group, *node.path))
            if pool is None:
                cut_for_seeds(node, counts[node.path], starts, how, random)
            else:
                cut_for_starts(node, counts[node.path], starts, how, pools[group], random)
        waiting = [(group, child) for group, node in waiting for child in node.children.values() if child.rows > most]
        waiting = [(group, child) for group, child in waiting if len(child.path) < len(starts) - 1]
    for top in tops:
        for leaf in top.leaves():
            leaf.part = 0 if leaf.path and leaf.rows <= most else -1
    return tops


def _number(tops: list[Node]) -> list[Node]:
    """Number the leaves that fit a task, the largest first, so that no task begins late and long; returns them."""
    leaves = sorted((leaf for top in tops for leaf in top.leaves() if leaf.part >= 0), key=lambda leaf: -leaf.rows)
    for part, leaf in enumerate(leaves):
        leaf.part = part
    return leaves


def part_keys(key: int, round_: int, tops: list[Node]) -> list[int]:
    """The keys of the parts of a round, in the order of their numbers, which follow exact sizes; the keys do not.

    Args:
        key: of the synthesis.
        round_: its number.
        tops: of the groups, their leaves numbered.
    """
    leaves = [(leaf.part, group, leaf.path) for group, top in enumerate(tops) for leaf in top.leaves()]
    return [key_of_part(key, round_, group, path) for part, group, path in sorted(leaves) if part >= 0]


class _Counted(NamedTuple):
    """Counts of a table's attributes, and of their pairs."""

    singles: Ints
    pairs: Ints


def _parts_of_starts(
    synthesis: Synthesis, round_: int, tops: list[Node], whole: _Counted, missing: _Counted
) -> list[Part]:
    """Share what is missing among new records ∝ how often they may take a value, judged by its pairs with their base.

    Args:
        synthesis: what all rounds share.
        round_: its number, from 1.
        tops: at whose leaves new records start.
        whole: what the records of the table hold.
        missing: what the synthetic records do not hold yet.
    """
    (singles, pairs), pool, leaves = whole, missing.singles, _number(tops)
    shape, n = synthesis.shape, synthesis.resolved.records
    starts, tracked = shape.starts, shape.tracked
    column_of = np.repeat(np.arange(len(shape.cards)), shape.cards)
    expected = np.empty((len(leaves), len(pool)))
    for at, leaf in enumerate(leaves):
        with_base = [
            np.where(tracked >= 0, pairs[tracked[a], tracked] / singles[a], singles / n)
            for a in leaf.path
            if tracked[a] >= 0
        ]
        fits = reduce(np.minimum, with_base, singles / singles.max())
        expected[at] = leaf.starts * np.where(np.isin(column_of, columns_of(leaf.path, starts)), 0, fits)
    most = np.array([leaf.starts for leaf in leaves], np.int64)
    free = pool.copy()
    for leaf in leaves:
        free[list(leaf.path)] -= leaf.starts
    shares = np.stack([apportion(int(max(0, free[a])), expected[:, a], most) for a in range(len(pool))], axis=1)
    targets, total = np.maximum(missing.pairs, 0).astype(np.float64), max(1, int(most.sum()))
    return [
        Part(
            key,
            tracked,
            leaf.path,
            shares[at],
            leaf.starts,
            targets=targets,
            share=leaf.starts / total,
        )
        for at, (leaf, key) in enumerate(zip(leaves, part_keys(synthesis.key, round_, tops), strict=True))
    ]


def _alone(synthesis: Synthesis, pool: Ints) -> DataFrame:
    """One record of a single value for each occurrence that is left."""
    starts, left = synthesis.shape.starts, np.flatnonzero(pool > 0)
    records = np.zeros((left.size, len(synthesis.shape.cards)), np.uint16)
    columns = np.searchsorted(starts, left, side="right") - 1
    records[np.arange(left.size), columns] = left - starts[columns] + 1
    rows = pa.table([pack_codes(records), pa.array(pool[left])], names=["record", "copies"])
    return synthesis.codes.sparkSession.createDataFrame(rows, GROWN)


def _track(domain: Domain, k: int) -> np.ndarray:
    """(A,) number of each common attribute among those with the largest protected counts; −1 for the others."""
    common = domain.common(k)
    counts = np.concatenate(
        [np.array(column.counts[:card], np.int64) for column, card in zip(domain.columns, common, strict=True)]
    )
    tracked = np.full(len(counts), -1, np.int32)
    most = np.sort(np.argsort(-(counts // k), kind="stable")[:MOST_TRACKED])
    tracked[most] = np.arange(len(most))
    return tracked


def _none(_codes: Codes, weights: Ints) -> Ints:
    return np.zeros(len(weights), np.int64)
