"""The proof, on what was written: every distinct synthetic record is contained in at least k sensitive records.

It works from strings, the records as read and the synthetic records as written, with a dictionary and a kernel of its
own: an error in encoding, in growing or in decoding cannot hide in it. Supports of blocks add up, so the sensitive
records may be cut into blocks; counting stops at k, which is all that the guarantee says.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synth_spark.kernels.arrow_codec import pack_codes, unpack_codes, unpack_weights
from synth_spark.kernels.cells import Codes
from synth_spark.kernels.risk.containment import support_up_to
from synth_spark.schema.fields import Field, flat
from synth_spark.schema.tables import positional

#: Most sensitive records of one block.
_BLOCK = 4_000_000
#: Most synthetic records of one part; every part is sent all sensitive records.
_PART = 4_000_000
#: Records that are sent to more tasks than this are merged with those like them first, in a shuffle of their own; tasks
#: merge what they get.
SENT_AS_THEY_ARE = 2


class Cuts(NamedTuple):
    """How many ``blocks`` the sensitive records are cut into, and how many ``parts`` the synthetic ones."""

    blocks: int
    parts: int


def proof(
    records: DataFrame,
    synthetic: DataFrame,
    fields: Sequence[Field],
    values: list[list[str]],
    k: int,
    cuts: Cuts,
) -> DataFrame:
    """Count the support of every distinct synthetic record, up to k.

    Args:
        records: the sensitive records as strings or lists of them, one row each; columns in the order of ``synthetic``.
        synthetic: the synthetic records as written.
        fields: what the columns of both are.
        values: for each field, the values that occur in ``synthetic``, in any order.
        k: where counting stops.
        cuts: how many blocks and parts records are cut into; each part meets each block in one task.

    Returns:
        One row a distinct synthetic record: ``record`` (ids of its values) and ``support`` (≥ k is proven).
    """
    blocks, parts = cuts
    width = sum(len(own_values) if field.many else 1 for field, own_values in zip(fields, values, strict=True))
    held, claims = _identified(records, fields, values), _identified(synthetic, fields, values)
    held = _merged(held) if parts > SENT_AS_THEY_ARE else held.withColumn("weight", F.lit(1).cast("bigint"))
    claims = claims.distinct() if blocks > SENT_AS_THEY_ARE else claims
    every_part, every_block = (F.explode(F.sequence(F.lit(0), F.lit(number - 1))) for number in (parts, blocks))
    blocks_of = held.select("record", "weight", _dealt(blocks).alias("block"), every_part.alias("part"))
    parts_of = claims.select("record", every_block.alias("block"), _dealt(parts).alias("part"))
    meeting = (F.col("block") * parts + F.col("part")).alias("meeting")
    left = blocks_of.select("record", "weight", meeting).repartitionById(blocks * parts, "meeting").groupBy("meeting")
    right = parts_of.select("record", meeting).repartitionById(blocks * parts, "meeting").groupBy("meeting")

    def count(rows: pa.Table, claimed: pa.Table) -> pa.Table:
        merged = rows.select(["record", "weight"]).group_by("record").aggregate([("weight", "sum")])
        distinct = claimed.select(["record"]).group_by("record").aggregate([])
        held, claims = unpack_codes(merged["record"], width), unpack_codes(distinct["record"], width)
        support = support_up_to(k, held, unpack_weights(merged["weight_sum"]), claims)
        return pa.table([distinct["record"], pa.array(support)], names=["record", "support"])

    counted = left.cogroup(right).applyInArrow(count, "record binary, support bigint")
    if blocks == 1:  # a record was in one task
        return counted
    return counted.groupBy("record").agg(F.least(F.sum("support"), F.lit(k)).alias("support"))


def _merged(records: DataFrame) -> DataFrame:
    """Distinct records and how often each is there, its ``weight``."""
    return records.groupBy("record").agg(F.count("*").alias("weight"))


def weakest(proof: DataFrame, k: int) -> pd.DataFrame:
    """The proof in one row: ``distinct`` synthetic records, ``proven`` ones, and the ``weakest`` support."""
    proven = F.sum((F.col("support") >= k).cast("bigint"))
    return proof.agg(
        F.count("*").alias("distinct"), proven.alias("proven"), F.min("support").alias("weakest")
    ).toPandas()


def cuts(records: int, synthetic: int) -> Cuts:
    """How so many sensitive and synthetic records are cut."""
    return Cuts(max(1, -(-records // _BLOCK)), max(2, -(-synthetic // _PART)))


def _dealt(parts: int) -> Column:
    """A part for each record. An int, as sequences are: keys of two types would not meet in a shuffle."""
    return F.pmod(F.xxhash64("record"), F.lit(parts)).cast("int")


def _identified(frame: DataFrame, fields: Sequence[Field], values: list[list[str]]) -> DataFrame:
    """Records of ids: 0 = absent or not among the values, else the value's place from 1.

    A field with several values a record has an id for each of its values: 1 where the record holds it.
    """

    def identify(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        dictionaries = [pa.array(column, pa.string()) for column in values]
        for batch in batches:
            parts = [
                (_held if field.many else _placed)(field, batch.column(index), dictionaries[index])
                for index, field in enumerate(fields)
            ]
            yield pa.RecordBatch.from_arrays([pack_codes(np.concatenate(parts, axis=1))], names=["record"])

    return positional(frame).mapInArrow(identify, "record binary")


def _placed(_: Field, cells: pa.Array, own_values: pa.Array) -> Codes:
    """(n, 1) place of every cell's value."""
    places = pc.fill_null(pc.add(pc.index_in(cells.cast(pa.string()), value_set=own_values), 1), 0)
    ids: Codes = places.to_numpy(zero_copy_only=False).astype(np.uint16)[:, None]
    return ids


def _held(field: Field, cells: pa.Array, own_values: pa.Array) -> Codes:
    """(n, values) 1 where a cell holds a value."""
    held = np.zeros((len(cells), len(own_values)), np.uint16)
    values, rows = flat(field.lists(cells))
    places = pc.index_in(values.cast(pa.string()), value_set=own_values)
    there = pc.is_valid(places).to_numpy(zero_copy_only=False)
    held[rows.to_numpy()[there], places.drop_null().to_numpy()] = 1
    return held
