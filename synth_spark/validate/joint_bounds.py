"""What the published counts prove together, from the table as written; see `docs/joint-suppression.md`."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.kernels.risk.joint_bounds import KINDS, Published, proved
from synth_spark.kernels.risk.programs import few_kinds, proved_by_programs
from synth_spark.validate.text_ids import Described, Ints, escaped, places_of

#: Combinations of which one task looks at all groups.
_ALONE = 2_000_000
_FOUND = "kind int, proved bigint"
_KINDS = (*KINDS, "programs")


class Form(NamedTuple):
    """How the published counts are to be read, without the counts, so that tasks can be told.

    Attributes:
        many: headers, as texts of combinations write them, of fields with several values a record; each of these
            values is a column.
        k: privacy resolution.
        records: published number of records.
        length: R, most attributes of a combination.
    """

    many: list[str]
    k: int
    records: int
    length: int


class Told(NamedTuple):
    """What is published of counts, and how it is to be read.

    Attributes:
        aggregates: as written: ``selections``, ``protected_count``.
        fields: what the columns of the data are.
        k: privacy resolution.
        records: published number of records.
        length: R, most attributes of a combination.
    """

    aggregates: DataFrame
    fields: Sequence[Described]
    k: int
    records: int
    length: int

    def dealt(self, tasks: int) -> DataFrame:
        """All of it for each of some tasks, which are numbered ``share``."""
        every_share = F.explode(F.sequence(F.lit(0), F.lit(tasks - 1))).alias("share")
        return self.aggregates.select("selections", "protected_count", every_share)


def joint_bounds(told: Told, rows: int, shares: int | None = None) -> pd.DataFrame:
    """Count how often published counts prove something of fewer than k records, or contradict each other.

    Args:
        told: what is published.
        rows: number of combinations.
        shares: number of tasks; default: by the number of combinations.

    Returns:
        One row: ``proved``, a number of all kinds of bounds, and a number of each kind.
    """
    tasks = shares or max(1, math.ceil(rows / _ALONE))
    form, k = form_of(told), told.k

    def look(table: pa.Table) -> pa.Table:
        published, _ = published_sets(table, form)
        share = table["share"][0].as_py()
        programs = proved_by_programs(published, k) if share == 0 and few_kinds(published) else 0
        return found_table(np.append(proved(published, k, share, tasks), programs))

    return summed(told.dealt(tasks).groupBy("share").applyInArrow(look, _FOUND), _KINDS, "proved")


def form_of(told: Told) -> Form:
    """How the counts are to be read."""
    return Form([escaped(field.name) for field in told.fields if field.many], told.k, told.records, told.length)


def found_table(found: Ints) -> pa.Table:
    """Numbers of each kind, as a task hands them on: ``kind``, ``proved``."""
    kinds = pa.array(np.arange(len(found)), pa.int32())
    return pa.table([kinds, pa.array(found)], names=["kind", "proved"])


def summed(found: DataFrame, kinds: Sequence[str], total: str) -> pd.DataFrame:
    """What tasks found, added up: one row, with a number of each kind, and their sum under a name of its own."""
    counted = found.groupBy("kind").agg(F.sum("proved").alias("proved")).collect()
    numbers = {row["kind"]: row["proved"] for row in counted}
    of_kinds = {name: numbers.get(number, 0) for number, name in enumerate(kinds)}
    return pd.DataFrame([{total: sum(of_kinds.values()), **of_kinds}])


def published_sets(table: pa.Table, form: Form, more: Sequence[str] = ()) -> tuple[Published, pa.Array]:
    """Texts of combinations as sets of attributes, whose numbers do not depend on the order of rows.

    Tasks that share the work look at what others do not, so a number must mean the same in each of them.

    Args:
        table: ``selections``, written ``Header:value;…``, and ``protected_count``.
        form: how it is to be read.
        more: texts of attributes that are to have a number, published or not.

    Returns:
        What is published, and the texts of attributes in the order of their numbers.
    """
    parts = pc.split_pattern(table["selections"], ";").combine_chunks()
    flat = pc.list_flatten(parts)
    texts = pc.unique(pa.concat_arrays([flat, pa.array(more, pa.string())]))
    texts = texts.take(pc.array_sort_indices(texts))
    rows = pc.list_parent_indices(parts).to_numpy(zero_copy_only=False)
    lengths = np.bincount(rows, minlength=len(parts))
    members = np.full((len(parts), form.length), -1, np.int64)
    members[rows, np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)] = places_of(flat, texts)
    headers = pc.list_element(pc.split_pattern(texts, ":", max_splits=1), 0)
    columns = pc.if_else(pc.is_in(headers, value_set=pa.array(form.many, pa.string())), texts, headers)
    column_of = columns.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
    units = table["protected_count"].to_numpy().astype(np.int64) // form.k
    return Published(members, units, form.records // form.k, column_of), texts
