"""Grown records without what they would prove beside the published counts; see `docs/joint-suppression.md`."""

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.encode.protected_counts import published_lattice
from synth_spark.kernels.arrow_codec import pack_codes, unpack_codes, unpack_weights
from synth_spark.kernels.cells import starts_of
from synth_spark.kernels.counting.merge_records import merge
from synth_spark.kernels.deduction.separation import separate
from synth_spark.plan.planner import ResolvedPlan
from synth_spark.synthesize.growth import GROWN


def separated(grown: DataFrame, counts: DataFrame, resolved: ResolvedPlan) -> DataFrame:
    """Take attributes out of records that prove something of a small group; each becomes a record of its own.

    Args:
        grown: one row a distinct record: ``record``, ``copies``.
        counts: exact counts, one row a bucket, beside what of them is lowered (`encode.protected_counts.with_lowered`).
        resolved: k, the number of records and the numbering of cells.

    Returns:
        One row a distinct record, as ``grown``; every attribute as often as there. Made by one task.
    """
    firsts = starts_of(np.array(resolved.cells.cards, np.int64))[:-1]

    def take_out(records: pa.Table, published: pa.Table) -> pa.Table:
        lattice, _ = published_lattice(published, resolved)
        codes, copies = unpack_codes(records["record"], len(firsts)), unpack_weights(records["copies"])
        order = np.lexsort(codes.T)  # records come in any order, and which of two loses something depends on it
        left, numbers = merge(*separate(lattice, codes[order], copies[order], firsts))
        return pa.table([pack_codes(left), pa.array(numbers)], names=["record", "copies"])

    together = [frame.groupBy(F.lit(0).alias("all")) for frame in (grown, counts)]
    return together[0].cogroup(together[1]).applyInArrow(take_out, GROWN)
