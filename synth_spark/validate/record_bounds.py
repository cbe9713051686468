"""What synthetic records prove beside the published counts, from both as written; see `docs/joint-suppression.md`."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.kernels.risk.joint_bounds import Published
from synth_spark.kernels.risk.programs import few_kinds, proved_by_programs
from synth_spark.kernels.risk.record_bounds import WAYS, Records, Shared, proved_by_each, proved_by_pairs
from synth_spark.validate.joint_bounds import Told, form_of, found_table, published_sets, summed
from synth_spark.validate.text_ids import Described, Ints, escaped, places_of, unpacked

#: Records that one task looks at; it holds all published counts besides.
_ALONE = 250_000
_LOOKED = "share int, kind int, proved bigint, key bigint, record binary"
_NAMES, _FOUND = ["share", "kind", "proved", "key", "record"], "kind int, proved bigint"
_WAYS = (*WAYS, "record_programs")


def record_bounds(
    claimed: DataFrame, values: list[list[str]], told: Told, rows: int, shares: int | None = None
) -> pd.DataFrame:
    """Count how often synthetic records prove something of fewer than k records, or contradict what is published.

    Records are looked at one by one, each task a part of them; then, two by two, those that share a combination that
    is published with k alone, each task a part of these combinations. Every task holds all published counts. Where
    records can be of few kinds, one task solves linear programs over all of them.

    Args:
        claimed: the synthetic records by the ids of their values, one row each (see `claimed`).
        values: as `claimed` was given them.
        told: what is published of counts.
        rows: number of synthetic records.
        shares: number of tasks; default: by the number of records.

    Returns:
        One row: ``by_records``, a number of all ways, and a number of each way.
    """
    tasks = shares or max(1, math.ceil(rows / _ALONE))
    form, texts, bases = form_of(told), _texts(told.fields, values), _bases(told.fields, values)

    def both(rows: pa.ChunkedArray, counts: pa.Table) -> tuple[Published, Records, int]:
        published, known = published_sets(counts, form, texts)
        return published, *_sets(rows, bases, pa.array(texts, pa.string()), known)

    def look(rows: pa.Table, counts: pa.Table) -> pa.Table:
        distinct = rows["record"].combine_chunks().unique()
        published, sets, unknown = both(distinct, counts)
        found, shared = proved_by_each(published, sets)
        asked = distinct if few_kinds(published) else distinct[:0]
        numbers = _numbers(found + np.array([unknown, 0]))
        return pa.concat_tables([numbers, _members(shared, distinct, tasks), _whole(asked)])

    def meet(looked: pa.Table, counts: pa.Table) -> pa.Table:
        of_each = looked.filter(looked["record"].is_null())
        members = looked.filter(looked["key"].is_valid())
        numbered = members["record"].combine_chunks().dictionary_encode()
        published, sets, _ = both(numbered.dictionary, counts)
        keys = members["key"].to_numpy().view(np.uint64)
        rows = numbered.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        found = np.bincount(of_each["kind"].to_numpy(), of_each["proved"].to_numpy(), len(_WAYS)).astype(np.int64)
        found[2] = proved_by_pairs(published, sets, Shared(keys, rows))
        whole = looked.filter(pc.and_(looked["key"].is_null(), looked["record"].is_valid()))["record"]
        if len(whole) > 0:
            published, sets, _ = both(whole.combine_chunks().unique(), counts)
            found[3] = proved_by_programs(published, form.k, sets)
        return found_table(found)

    dealt = claimed.select("record", F.pmod(F.xxhash64("record"), F.lit(tasks)).cast("int").alias("share"))
    counts = told.dealt(tasks)
    looked = dealt.groupBy("share").cogroup(counts.groupBy("share")).applyInArrow(look, _LOOKED)
    met = looked.groupBy("share").cogroup(counts.groupBy("share")).applyInArrow(meet, _FOUND)
    return summed(met, _WAYS, "by_records")


def _texts(fields: Sequence[Described], values: list[list[str]]) -> list[str]:
    """What attributes are called in texts of combinations, field after field."""
    of_fields = zip(fields, values, strict=True)
    return [f"{escaped(field.name)}:{escaped(value)}" for field, own in of_fields for value in own]


def _bases(fields: Sequence[Described], values: list[list[str]]) -> list[int]:
    """For each id of a record but the last one, which attribute the id 1 means."""
    bases: list[int] = []
    begin = 0
    for field, own in zip(fields, values, strict=True):
        bases += range(begin, begin + len(own)) if field.many else [begin]
        begin += len(own)
    return bases


def _sets(records: pa.Array, bases: list[int], texts: pa.Array, known: pa.Array) -> tuple[Records, int]:
    """Records of ids as sets of attributes; and how many of them hold a value that nobody was told of."""
    ids = unpacked(records, np.uint16)[0].reshape(-1, len(bases) + 1)
    rows, places = np.nonzero(ids[:, :-1])
    number_of = places_of(texts, known)
    items = number_of[np.array(bases, np.int64)[places] + ids[rows, places] - 1]
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(ids)))])
    return Records(items, starts), int(ids[:, -1].sum())


def _members(shared: Shared, records: pa.Array, tasks: int) -> pa.Table:
    """Which records hold which combinations that are published with k alone, by the task that looks at these."""
    share = (shared.keys % np.uint64(tasks)).astype(np.int32)
    kinds = np.full(len(share), len(WAYS) - 1, np.int32)
    arrays = [share, kinds, np.zeros(len(share), np.int64), shared.keys.view(np.int64)]
    record = records.take(pa.array(shared.rows))
    return pa.table([*map(pa.array, arrays), record], names=_NAMES)


def _whole(records: pa.Array) -> pa.Table:
    """Records by themselves, for the first task."""
    share, kinds = np.zeros(len(records), np.int32), np.full(len(records), len(WAYS), np.int32)
    numbers, none = np.zeros(len(records), np.int64), pa.nulls(len(records), pa.int64())
    return pa.table([pa.array(share), pa.array(kinds), pa.array(numbers), none, records], names=_NAMES)


def _numbers(found: Ints) -> pa.Table:
    """How often records prove something by themselves; the first task adds that up."""
    size = len(found)
    share, kinds = pa.array(np.zeros(size, np.int32)), pa.array(np.arange(size, dtype=np.int32))
    none = pa.nulls(size, pa.int64()), pa.nulls(size, pa.binary())
    return pa.table([share, kinds, pa.array(found), *none], names=_NAMES)
