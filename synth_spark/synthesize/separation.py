"""Grown records without what they would prove beside the published counts; see `docs/joint-suppression.md`.

The records of a table that fits a task are looked at in one. Those of a larger one are shared by several tasks, which
hold all published counts each: first record by record, then group by group of those that share a combination which is
published with k alone. What a record loses in any of its groups is taken out of it in the end.
"""

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.encode.protected_counts import published_lattice
from synth_spark.kernels.arrow_codec import pack_codes, unpack_codes, unpack_weights
from synth_spark.kernels.cells import Ints, starts_of
from synth_spark.kernels.counting.merge_records import merge
from synth_spark.kernels.deduction.record_programs import separate_proved
from synth_spark.kernels.deduction.regrouping import Grown, regroup
from synth_spark.kernels.deduction.separation import separate, separate_each, separate_groups, with_pieces
from synth_spark.plan.planner import ResolvedPlan
from synth_spark.synthesize.growth import GROWN

#: Distinct records of a large table that one task looks at.
_RECORDS_A_TASK = 500_000
_EACH = "share int, place bigint, record binary, left binary, copies bigint"
_EACH_NAMES = ["share", "place", "record", "left", "copies"]
_LEFT, _LEFT_NAMES = "record binary, left binary, copies bigint", ["record", "left", "copies"]
_NAMES = ["record", "copies"]


def separated(grown: DataFrame, counts: DataFrame, resolved: ResolvedPlan, shares: int | None = None) -> DataFrame:
    """Take attributes out of records that prove something of a small group; each becomes a record of its own.

    Where one task looks at all records, spare attributes are then put together to combinations that no record holds.

    Args:
        grown: one row a distinct record: ``record``, ``copies``.
        counts: exact counts, one row a bucket, beside what of them is lowered (`encode.protected_counts.with_lowered`).
        resolved: k, the number of records and the numbering of cells.
        shares: number of tasks; default: one for a table that fits it, else by the number of distinct records. Several
            may take out other attributes than one, but all numbers above one take out the same.

    Returns:
        One row a distinct record, as ``grown``; every attribute as often as there.
    """
    shares = shares or (1 if resolved.fits else max(2, math.ceil(resolved.distinct / _RECORDS_A_TASK)))
    if shares > 1:
        return _in_shares(grown, counts, resolved, shares)
    firsts = _firsts(resolved)

    def take_out(records: pa.Table, published: pa.Table) -> pa.Table:
        lattice, _ = published_lattice(published, resolved)
        codes, copies = unpack_codes(records["record"], len(firsts)), unpack_weights(records["copies"])
        order = np.lexsort(codes.T)  # records come in any order, and which of two loses something depends on it
        as_grown = Grown(codes[order], copies[order])
        left, numbers = merge(*separate(lattice, *as_grown, firsts))
        left, numbers = separate_proved(lattice, *regroup(lattice, left, numbers, firsts, as_grown), resolved.k)
        return pa.table([pack_codes(left), pa.array(numbers)], names=_NAMES)

    together = [frame.groupBy(F.lit(0).alias("all")) for frame in (grown, counts)]
    return together[0].cogroup(together[1]).applyInArrow(take_out, GROWN)


def _firsts(resolved: ResolvedPlan) -> Ints:
    """(m,) first attribute of each column."""
    firsts: Ints = starts_of(np.array(resolved.cells.cards, np.int64))[:-1]
    return firsts


def _in_shares(grown: DataFrame, counts: DataFrame, resolved: ResolvedPlan, shares: int) -> DataFrame:
    """The same by several tasks: record by record, then by groups, then what is left of each record."""
    firsts = _firsts(resolved)

    def one_by_one(records: pa.Table, published: pa.Table) -> pa.Table:
        return _one_by_one(records, published, resolved, shares)

    def in_groups(records: pa.Table, published: pa.Table) -> pa.Table:
        return _in_groups(records, published, resolved)

    def collect(records: pa.Table) -> pa.Table:
        whole, copies = unpack_codes(records["record"], len(firsts)), unpack_weights(records["copies"])
        order, left = np.lexsort(whole.T), unpack_codes(records["left"], len(firsts))
        first = np.flatnonzero(np.append(True, (np.diff(whole[order].astype(np.int64), axis=0) != 0).any(axis=1)))
        least = np.minimum.reduceat(left[order], first, axis=0)  # 0 is what any group took out
        made, numbers = merge(*with_pieces(whole[order][first], least, np.add.reduceat(copies[order], first)))
        return pa.table([pack_codes(made), pa.array(numbers)], names=_NAMES)

    of_record = F.pmod(F.xxhash64("record"), F.lit(shares)).cast("int").alias("share")
    every_share = F.explode(F.sequence(F.lit(0), F.lit(shares - 1))).alias("share")
    dealt = counts.select("*", every_share)
    each = grown.select("record", "copies", of_record).groupBy("share").cogroup(dealt.groupBy("share"))
    looked = each.applyInArrow(one_by_one, _EACH).groupBy("share").cogroup(dealt.groupBy("share"))
    left = looked.applyInArrow(in_groups, _LEFT).select("*", of_record).groupBy("share").applyInArrow(collect, GROWN)
    return left.groupBy("record").agg(F.sum("copies").alias("copies"))


def _one_by_one(records: pa.Table, published: pa.Table, resolved: ResolvedPlan, shares: int) -> pa.Table:
    """What is left of records by themselves (place −1), and once more for each combination that they may share."""
    firsts, (lattice, _) = _firsts(resolved), published_lattice(published, resolved)
    codes, copies = unpack_codes(records["record"], len(firsts)), unpack_weights(records["copies"])
    left, places, rows = separate_each(lattice, codes, firsts)
    row = np.concatenate([np.arange(len(codes)), rows])
    place = np.concatenate([np.full(len(codes), -1), places])
    numbers = np.concatenate([copies, np.zeros(len(rows), np.int64)])
    arrays = [
        pa.array((place % shares).astype(np.int32)),
        pa.array(place),
        pack_codes(codes[row]),
        pack_codes(left[row]),
    ]
    return pa.table([*arrays, pa.array(numbers)], names=_EACH_NAMES)


def _in_groups(records: pa.Table, published: pa.Table, resolved: ResolvedPlan) -> pa.Table:
    """What is left of records in each of their groups, beside what was left of them before."""
    firsts, (lattice, _) = _firsts(resolved), published_lattice(published, resolved)
    alone = records.filter(pc.less(records["place"], 0)).select(_LEFT_NAMES)
    shared = records.filter(pc.greater_equal(records["place"], 0))
    whole, codes = (unpack_codes(shared[name], len(firsts)) for name in ("record", "left"))
    places = shared["place"].to_numpy().astype(np.int64)
    order = np.lexsort((*whole.T, *codes.T, places))  # which of two loses something depends on their order
    left = separate_groups(lattice, codes[order], places[order], firsts)
    arrays = [pack_codes(whole[order]), pack_codes(left), pa.array(np.zeros(len(order), np.int64))]
    return pa.concat_tables([alone, pa.table(arrays, names=_LEFT_NAMES)])
