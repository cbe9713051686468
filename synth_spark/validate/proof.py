"""The proof, on what was written: every distinct synthetic record is contained in at least k sensitive records.

It works from strings, the records as read and the synthetic records as written, with a dictionary, a codec and a kernel
of its own: an error in encoding, in growing or in decoding cannot hide in it. What it imports of this package is named
in `tests/test_layout.py`. Supports of blocks add up, so the sensitive records may be cut into blocks; counting stops at
k, which is all that the guarantee says.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synth_spark.kernels.risk.containment import support_up_to
from synth_spark.validate.text_ids import Described, numbered, packed, places_of, unpacked, values_of

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
    fields: Sequence[Described],
    values: list[list[str]],
    k: int,
    cuts: Cuts,
) -> DataFrame:
    """Count the support of every distinct synthetic record, up to k.

    Args:
        records: the sensitive records as strings or lists of them, one row each; columns in the order of ``synthetic``.
        synthetic: the synthetic records as written.
        fields: what the columns of both are.
        values: for each field, the values that occur in ``synthetic``, in any order. A synthetic record with a value
            that is missing here has no support.
        k: where counting stops.
        cuts: how many blocks and parts records are cut into; each part meets each block in one task.

    Returns:
        One row a distinct synthetic record: ``record`` (ids of its values) and ``support`` (≥ k is proven).
    """
    blocks, parts = cuts
    width = _width(fields, values)
    held, claims = _identified(records, fields, values), claimed(synthetic, fields, values)
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
        weights = merged["weight_sum"].to_numpy().astype(np.int64)
        support = support_up_to(k, _ids(merged["record"], width), weights, _ids(distinct["record"], width))
        return pa.table([distinct["record"], pa.array(support)], names=["record", "support"])

    counted = left.cogroup(right).applyInArrow(count, "record binary, support bigint")
    if blocks == 1:  # a record was in one task
        return counted
    return counted.groupBy("record").agg(F.least(F.sum("support"), F.lit(k)).alias("support"))


def _merged(records: DataFrame) -> DataFrame:
    """Distinct records and how often each is there, its ``weight``."""
    return records.groupBy("record").agg(F.count("*").alias("weight"))


def weakest(proof: DataFrame, written: DataFrame, k: int) -> pd.DataFrame:
    """The proof beside the records that it is about, in one row.

    Args:
        proof: as it was written: ``record``, ``support``.
        written: the synthetic records as written, by the ids of their values; see `claimed`.
        k: least support that is proven.

    Returns:
        ``distinct`` synthetic records as written; those ``proven``; the ``weakest`` support; and ``unmatched``: records
        that only one of both has, or that the proof has several times or without a support.
    """
    of_proof = proof.select("record", "support", F.lit(0).alias("written"))
    of_records = written.select("record", F.lit(None).cast("bigint").alias("support"), F.lit(1).alias("written"))
    each = (
        of_proof.unionAll(of_records)
        .groupBy("record")
        .agg(F.max("written").alias("written"), F.count("support").alias("proofs"), F.min("support").alias("support"))
    )
    there, proof_of_it = F.col("written") == 1, F.col("proofs") == 1
    told = each.agg(
        F.count_if(there).alias("distinct"),
        F.count_if(there & proof_of_it & (F.col("support") >= k)).alias("proven"),
        F.min("support").alias("weakest"),
        F.count_if(~(there & proof_of_it)).alias("unmatched"),
    )
    found: pd.DataFrame = told.toArrow().to_pandas()
    return found


def claimed(synthetic: DataFrame, fields: Sequence[Described], values: list[list[str]]) -> DataFrame:
    """The synthetic records by the ids of their values, one row each: ``record``.

    Records that differ have different ids, except by values that are missing in ``values``: these have no support.

    Args:
        synthetic: as they were written.
        fields: what the columns are.
        values: as `proof` was given them.
    """
    return _identified(synthetic, fields, values, claims=True)


def cuts(records: int, synthetic: int) -> Cuts:
    """How so many sensitive and synthetic records are cut."""
    return Cuts(max(1, -(-records // _BLOCK)), max(2, -(-synthetic // _PART)))


def _dealt(parts: int) -> Column:
    """A part for each record. An int, as sequences are: keys of two types would not meet in a shuffle."""
    return F.pmod(F.xxhash64("record"), F.lit(parts)).cast("int")


def _identified(
    frame: DataFrame, fields: Sequence[Described], values: list[list[str]], claims: bool = False
) -> DataFrame:
    """Records of ids: 0 = absent or not among the values, else the value's place from 1; one more id at the end.

    A field with several values a record has an id for each of its values: 1 where the record holds it. The last id is 1
    for a record, of those that ``claims`` support, with a value that is not among the values: no other record has it.
    """
    width = _width(fields, values)

    def identify(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        dictionaries = [pa.array(column, pa.string()) for column in values]
        for batch in batches:
            ids, begin = np.zeros((batch.num_rows, width), np.uint16), 0
            for field, cells, own_values in zip(fields, batch.columns, dictionaries, strict=True):
                held, rows = values_of(cells, field)
                places = places_of(held, own_values)
                known = places >= 0
                ids[rows[~known], -1] = claims
                if field.many:
                    ids[rows[known], begin + places[known]] = 1
                else:
                    ids[rows[known], begin] = places[known] + 1
                begin += len(own_values) if field.many else 1
            record = packed(ids.reshape(-1), np.arange(batch.num_rows + 1) * width)
            yield pa.RecordBatch.from_arrays([record], names=["record"])

    return numbered(frame).mapInArrow(identify, "record binary")


def _width(fields: Sequence[Described], values: list[list[str]]) -> int:
    """How many ids a record has."""
    several = (len(own_values) if field.many else 1 for field, own_values in zip(fields, values, strict=True))
    return sum(several) + 1


def _ids(records: pa.ChunkedArray, width: int) -> npt.NDArray[np.uint16]:
    """(n, width) ids of packed records."""
    return unpacked(records, np.uint16)[0].reshape(-1, width)
