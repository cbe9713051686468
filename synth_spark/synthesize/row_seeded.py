"""Row-seeded synthesis on Spark: every shard gets all records of its node and a share of the seeds.

The tree has one frontier node here, the root: all records go to every shard, so a shard counts exact global support.
Shards are made by `kernels.shards`, in parallel, and the result does not depend on where or in which order they run.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.domain import Domain
from synth_spark.kernels.sampling import derive, hash_copies
from synth_spark.kernels.shards import Growth, grow_shard
from synth_spark.kernels.wire import pack_codes, unpack_codes
from synth_spark.resolve import Resolved
from synth_spark.tables import SYNTHETIC_RECORDS, Kept, SafeTable

_BATCH = 50_000
_GROWN = "record binary, copies bigint"


def synthetic_records(codes: DataFrame, domain: Domain, resolved: Resolved, seed: int) -> DataFrame:
    """Make the synthetic records.

    Args:
        codes: one row a distinct sensitive record: ``record``, ``multiplicity``.
        domain: the table's domain.
        resolved: k, shards and groups.
        seed: of all random choices.

    Returns:
        One row a synthetic record: the input's columns as strings, absent = null, in an order that is a hash of the
        content and so carries no information.
    """
    grown = _grow(frontier(codes, resolved.shards), domain, resolved, seed)
    distinct = grown.groupBy("record").agg(F.sum("copies").alias("copies"))
    return _decode(distinct, domain, derive(seed, "row order"), resolved.files)


def frontier(codes: DataFrame, shards: int) -> DataFrame:
    """Send all records of the root, the only frontier node, to each of its shards: adds ``node`` and ``shard``."""
    everywhere = F.explode(F.sequence(F.lit(0), F.lit(shards - 1)))
    return codes.withColumn("node", F.lit(0)).withColumn("shard", everywhere).repartition(shards, "node", "shard")


def vouch(kept: Kept) -> SafeTable:
    """Declare the kept synthetic records fit to leave: each was grown so that ≥ k sensitive records contain it."""
    if kept.table is not SYNTHETIC_RECORDS:
        raise TypeError(f"synthesize does not make {kept.table.name}")
    return SafeTable(kept)


def _grow(frontier: DataFrame, domain: Domain, resolved: Resolved, seed: int) -> DataFrame:
    power, key = resolved.plan.synthesis.power, derive(seed, "synthesize")
    growth = Growth(resolved.k, resolved.shards, resolved.groups, power, key, resolved.sample)
    cards, columns = domain.common(resolved.k), len(domain.columns)

    def grow(table: pa.Table) -> pa.Table:
        shard = table["shard"][0].as_py()
        records = unpack_codes(table["record"], columns)
        made, copies = grow_shard(records, table["multiplicity"].to_numpy(), cards, growth, shard)
        return pa.table([pack_codes(made), pa.array(copies)], names=["record", "copies"])

    return frontier.groupBy("node", "shard").applyInArrow(grow, _GROWN)


def _decode(distinct: DataFrame, domain: Domain, key: int, files: int) -> DataFrame:
    """Write every copy out as strings, ordered by a keyed hash of (record, number of the copy)."""
    columns = len(domain.columns)

    def decode(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            records, copies = unpack_codes(batch["record"], columns), batch["copies"].to_numpy()
            keys = hash_copies(records, copies, np.uint64(key)).view(np.int64)
            rows = np.repeat(np.arange(len(records)), copies)
            for at in range(0, len(rows), _BATCH):
                part = rows[at : at + _BATCH]
                arrays = [*domain.decode(records[part]), pa.array(keys[at : at + _BATCH])]
                yield pa.RecordBatch.from_arrays(arrays, names=names)

    names = [*(f"c{index}" for index in range(columns)), "place"]
    fields = [f"c{index} string" for index in range(columns)]
    written = distinct.mapInArrow(decode, ", ".join([*fields, "place bigint"]))
    return written.repartition(files, "place").sortWithinPartitions("place").drop("place").toDF(*domain.names)
