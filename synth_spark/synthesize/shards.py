"""Records made in shards: what a shard makes depends on its number alone, and ten times the records are more shards."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from synth_spark.kernels.arrow_codec import pack_codes
from synth_spark.kernels.cells import Codes
from synth_spark.synthesize.constraints import AttributeRule

#: Records of a shard, about.
SHARD = 50_000
_RECORDS = "record binary, copies bigint"


def in_shards(
    spark: SparkSession, shards: int, make: Callable[[int], Codes], rules: Sequence[AttributeRule]
) -> DataFrame:
    """Make every shard in a task.

    Args:
        spark: the session.
        shards: how many.
        make: (n, m) codes of a shard, from its number.
        rules: that every record is made to keep.

    Returns:
        One row a record: ``record``, ``copies`` (1).
    """

    def make_shards(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch["id"].to_pylist():
                codes = make(number)
                for rule in rules:
                    rule.keep(codes)
                arrays = [pack_codes(codes), pa.array(np.ones(len(codes), np.int64))]
                yield pa.RecordBatch.from_arrays(arrays, names=["record", "copies"])

    return spark.range(0, shards, 1, shards).mapInArrow(make_shards, _RECORDS)
