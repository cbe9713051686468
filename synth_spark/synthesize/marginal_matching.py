"""Records that match estimated tables of pairs and triples of columns; nothing else is seen here.

Records are made in shards, each with its share of every table, so ten times the records are ten times the shards, and
what a shard makes depends on its number alone. The single counts of all shards together are those of the tables.
"""

import math
from collections.abc import Sequence

import numpy as np
from pyspark.sql import DataFrame, SparkSession

from synth_spark.kernels.cells import Codes
from synth_spark.kernels.keyed_random import derive, stream
from synth_spark.kernels.marginals.exchange import Wanted, exchange
from synth_spark.kernels.marginals.starting import dealt, shares, start, tree, whole_counts
from synth_spark.kernels.marginals.targets import Targets
from synth_spark.plan import Synthesis
from synth_spark.synthesize.constraints import AttributeRule, barred_sets
from synth_spark.synthesize.shards import SHARD, in_shards

#: What is wanted of a cell that is to be empty: less than no record, so that the first one there weighs more.
_EMPTY = -1.0


def matched_records(
    spark: SparkSession,
    targets: Targets,
    never_null: Sequence[bool],
    rules: Sequence[AttributeRule],
    config: Synthesis,
    seed: int,
) -> DataFrame:
    """Make records.

    Args:
        spark: the session.
        targets: tables that agree, and the cells that are to be empty.
        never_null: for every column, whether place 0 of its table is its first value, and not absent.
        rules: that every record keeps.
        config: how many records (default: the tables' total), and passes over all columns.
        seed: of all random choices.

    Returns:
        One row a record: ``record``, ``copies`` (1).
    """
    estimates, empty, longer = targets
    total = max(0, round(estimates.total)) if config.records is None else config.records
    pairs = sorted(estimates.pairs)
    scale = total / estimates.total if estimates.total > 0 else 0.0
    ones, tables = [whole_counts(own, total) for own in estimates.ones], [estimates.pairs[p] * scale for p in pairs]
    triples = sorted(longer)
    tables += [longer[t] * scale for t in triples]
    parts = max(1, math.ceil(total / SHARD))
    cards, shift = np.array([len(own) for own in ones], np.int64), np.array(never_null, np.uint16)
    columns, barred = np.array(pairs, np.int64).reshape(-1, 2), barred_sets(rules, never_null)
    sparing = sorted(pair for pair, own in empty.items() if own.any())
    spared = np.array(sparing, np.int64).reshape(-1, 2), [empty[pair] for pair in sparing]
    steps = tree(len(ones), estimates.pairs)

    def shard(part: int) -> Codes:
        state = stream(seed, "match", part)
        codes = start([dealt(counts, part, parts) for counts in ones], steps, state)
        wanted = tables
        if parts > 1:
            phases = np.random.default_rng(derive(seed, "phases"))  # the same in every shard, so that shares add up
            own = [shares(table.ravel(), part, parts, phases.random(table.size)) for table in tables]
            wanted = [counts.reshape(t.shape).astype(np.float64) for counts, t in zip(own, tables, strict=True)]
        of_pairs, of_triples = wanted[: len(pairs)], wanted[len(pairs) :]
        of_pairs = [np.where(empty[pair], _EMPTY, own) for pair, own in zip(pairs, of_pairs, strict=True)]
        exchange(codes, cards, Wanted(columns, of_pairs, *spared, triples, of_triples), barred, config.passes, state)
        return codes + shift

    return in_shards(spark, parts, shard, rules)
