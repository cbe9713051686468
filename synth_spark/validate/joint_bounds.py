"""What the published counts prove together, from the table as written; see `docs/joint-suppression.md`."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.kernels.risk.joint_bounds import KINDS, Published, proved
from synth_spark.schema.fields import Field, escaped

#: Combinations of which one task looks at all groups.
_ALONE = 2_000_000
_FOUND = "kind int, proved bigint"


def joint_bounds(
    aggregates: DataFrame, fields: Sequence[Field], k: int, records: int, rows: int, shares: int | None = None
) -> pd.DataFrame:
    """Count how often published counts prove something of fewer than k records, or contradict each other.

    Args:
        aggregates: as written: ``selections``, ``protected_count``.
        fields: what its columns are.
        k: privacy resolution.
        records: published number of records.
        rows: number of combinations.
        shares: number of tasks; default: by the number of combinations.

    Returns:
        One row: ``proved``, a number of all kinds of bounds, and a number of each kind.
    """
    tasks = shares or max(1, math.ceil(rows / _ALONE))
    many = [escaped(field.name) for field in fields if field.many]

    def look(table: pa.Table) -> pa.Table:
        published = published_sets(table["selections"], table["protected_count"], many, k, records)
        found = proved(published, k, table["share"][0].as_py(), tasks)
        return pa.table([pa.array(np.arange(len(found)), pa.int32()), pa.array(found)], names=["kind", "proved"])

    every_share = F.explode(F.sequence(F.lit(0), F.lit(tasks - 1))).alias("share")
    dealt = aggregates.select("selections", "protected_count", every_share).groupBy("share")
    counted = dealt.applyInArrow(look, _FOUND).groupBy("kind").agg(F.sum("proved").alias("proved")).collect()
    numbers = {row["kind"]: row["proved"] for row in counted}
    of_kinds = {name: numbers.get(number, 0) for number, name in enumerate(KINDS)}
    return pd.DataFrame([{"proved": sum(of_kinds.values()), **of_kinds}])


def published_sets(
    selections: pa.ChunkedArray, counts: pa.ChunkedArray, many: Sequence[str], k: int, records: int
) -> Published:
    """Texts of combinations as sets of attributes.

    Args:
        selections: ``Header:value;…``.
        counts: published counts.
        many: headers of fields with several values a record: each of their values is a column.
        k: privacy resolution.
        records: published number of records.
    """
    parts = pc.split_pattern(selections, ";").combine_chunks()
    flat = pc.list_flatten(parts).dictionary_encode()
    values, indices = flat.dictionary, flat.indices.to_numpy(zero_copy_only=False)
    headers = pc.list_element(pc.split_pattern(values, ":", max_splits=1), 0)
    of_many = pc.is_in(headers, value_set=pa.array(many, pa.string()))
    column_of = pc.if_else(of_many, values, headers).dictionary_encode().indices.to_numpy(zero_copy_only=False)
    rows = pc.list_parent_indices(parts).to_numpy(zero_copy_only=False)
    lengths = np.bincount(rows, minlength=len(parts))
    members = np.full((len(parts), int(lengths.max(initial=1))), -1, np.int64)
    members[rows, np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)] = indices
    units = counts.to_numpy().astype(np.int64) // k
    return Published(members, units, records // k, column_of.astype(np.int64))
