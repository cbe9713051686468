"""From grown records to the synthetic records as written: totals rounded, copies written out, codes back to strings."""

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.errors import PlanError
from synth_spark.kernels.arrow_codec import pack_codes, pack_ints, unpack_codes, unpack_ints, unpack_weights
from synth_spark.kernels.cells import Codes, Ints, starts_of
from synth_spark.kernels.growth.rounding import Hashes, give_up, merge, offer, thresholds
from synth_spark.kernels.keyed_random import derive, hash_texts
from synth_spark.plan.planner import ResolvedPlan
from synth_spark.schema.domain import Domain
from synth_spark.schema.fields import literal_pattern
from synth_spark.schema.tables import positional

_BATCH = 50_000
#: What becomes of records and their copies before they are written.
Change = Callable[[Codes, Ints], tuple[Codes, Ints]]


def synthetic_records(
    grown: DataFrame, domain: Domain, resolved: ResolvedPlan, seed: int, order_key: int, lowered: Ints
) -> DataFrame:
    """Round every attribute's total down to a multiple of k, and write the records out.

    Args:
        grown: one row a distinct record, as kept: ``record``, ``copies``.
        domain: the table's domain.
        resolved: k and the number of files.
        seed: of what is given up.
        order_key: see `written`.
        lowered: (A,) by how many multiples of k the published count of each attribute with count ≥ k is lowered.

    Returns:
        See `written`.
    """
    starts, key = starts_of(domain.common(resolved.k)), derive(seed, "round")
    most = resolved.k - 1 + resolved.k * int(lowered.max(initial=0))
    some, largest = thresholds(*_offers(grown, starts, most, key), resolved.k, lowered)

    def rounded(records: Codes, copies: Ints) -> tuple[Codes, Ints]:
        return give_up(records, copies, starts, some, largest, key)

    return written(grown, domain, resolved.files, order_key, rounded)


def written(
    grown: DataFrame,
    domain: Domain,
    files: int,
    order_key: int,
    change: Change | None = None,
) -> DataFrame:
    """Write records out, in an order that is a hash of their texts under a secret key and so carries no information.

    Equal records are counted first, and the hash of a copy is that of its record and its number among the copies: where
    a record comes depends on what is published and on the key, and on nothing else.

    Args:
        grown: one row a distinct record, or some of its copies: ``record``, ``copies``.
        domain: of its codes.
        files: to write.
        order_key: a secret, of the operating system.
        change: applied to records and their copies before.

    Returns:
        One row a synthetic record: a column for each field, in the form it came in, absent = null.
    """
    columns, (firsts, texts) = len(domain.columns), _hashed_texts(domain, order_key)

    def decode(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            records, copies = unpack_codes(batch["record"], columns), unpack_weights(batch["copies"])
            places = hash_texts(records, copies, firsts, texts).view(np.int64)
            rows = np.repeat(np.arange(len(records)), copies)
            for at in range(0, len(rows), _BATCH):
                part = rows[at : at + _BATCH]
                arrays = [*domain.decode(records[part]), pa.array(places[at : at + _BATCH])]
                yield pa.RecordBatch.from_arrays(arrays, names=names)

    names = [*(f"c{index}" for index in range(len(domain.fields))), "place"]
    types = [*(field.type for field in domain.fields), "bigint"]
    schema = ", ".join(f"{name} {kind}" for name, kind in zip(names, types, strict=True))
    changed = grown if change is None else _changed(grown, columns, change)
    distinct = changed.groupBy("record").agg(F.sum("copies").alias("copies"))
    ordered = distinct.mapInArrow(decode, schema).repartition(files, "place").sortWithinPartitions("place")
    return ordered.drop("place").toDF(*domain.names)


def _changed(grown: DataFrame, columns: int, change: Change) -> DataFrame:
    """Records and copies after a change."""

    def apply(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            records, copies = change(unpack_codes(batch["record"], columns), unpack_weights(batch["copies"]))
            yield pa.RecordBatch.from_arrays([pack_codes(records), pa.array(copies)], names=["record", "copies"])

    return grown.mapInArrow(apply, "record binary, copies bigint")


def _hashed_texts(domain: Domain, key: int) -> tuple[Ints, npt.NDArray[np.uint64]]:
    """A 64-bit hash of every value's text under a key: whatever code the value has, the hash is the same.

    Returns:
        (firsts, hashes): of a value of column c with code v it is ``hashes[firsts[c] + v]``; of an absent one, v = 0.
    """
    hashes = [
        0 if value is None else derive(key, "row order", column.name, value)
        for column in domain.columns
        for value in (None, *column.values)
    ]
    return starts_of(np.array(domain.cards, np.int64) + 1)[:-1], np.array(hashes, np.uint64)


def indicators(records: DataFrame, domain: Domain) -> DataFrame:
    """The synthetic records with a column ``field_value`` for each value of fields with several: 1 or absent.

    Args:
        records: the synthetic records as written.
        domain: the table's domain; its values of such fields are those that are published.

    Raises:
        PlanError: see `indicator_names`.
    """
    cells = []
    for index, field in enumerate(domain.fields):
        cell = F.col(f"c{index}")
        cells.append(F.split(cell, literal_pattern(field.delimiter)) if field.many and field.delimiter else cell)
    chosen = [
        (cells[index] if value is None else F.when(F.array_contains(cells[index], value), "1")).alias(name)
        for name, index, value in indicator_names(domain)
    ]
    return positional(records).select(*chosen)


def indicator_names(domain: Domain) -> list[tuple[str, int, str | None]]:
    """The columns of `indicators`: name, index of the field, and the value; None for a field with one value a record.

    Raises:
        PlanError: two columns would have the same name (case does not count).
    """
    names: list[tuple[str, int, str | None]] = []
    for index, (field, (low, high)) in enumerate(zip(domain.fields, pairwise(domain.bounds), strict=True)):
        values = [column.values[0] for column in domain.columns[low:high]] if field.many else []
        names += (
            [(f"{field.name}_{value}", index, value) for value in values] if field.many else [(field.name, index, None)]
        )
    owners: dict[str, int] = {}
    for name, index, _ in names:
        other = owners.setdefault(name.lower(), len(owners))
        if other != len(owners) - 1:
            problem = f"would give two columns the same name, one of them of '{domain.fields[index].name}'"
            raise PlanError("output.indicators", problem, "rename a column, group its values, or do without")
    return names


def _offers(grown: DataFrame, starts: Ints, most: int, key: int) -> tuple[Ints, Hashes]:
    """Total of each attribute over all records, and the smallest hashes of the copies that hold it."""
    columns = len(starts) - 1

    def offer_block(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        offers = [
            offer(unpack_codes(batch["record"], columns), unpack_weights(batch["copies"]), starts, most, key)
            for batch in batches
        ]
        if offers:
            yield pa.RecordBatch.from_arrays(_packed(offers), names=["totals", "lowest"])

    def merge_all(table: pa.Table) -> pa.Table:
        offers = [
            (unpack_ints(totals), unpack_ints(lowest).view(np.uint64).reshape(-1, most))
            for totals, lowest in zip(table["totals"], table["lowest"], strict=True)
        ]
        return pa.table(_packed(offers), names=["totals", "lowest"])

    schema = "totals binary, lowest binary"
    merged = grown.mapInArrow(offer_block, schema).groupBy().applyInArrow(merge_all, schema).toArrow()
    if merged.num_rows == 0:
        return np.zeros(starts[-1], np.int64), np.zeros((starts[-1], most), np.uint64)
    return unpack_ints(merged["totals"][0]), unpack_ints(merged["lowest"][0]).view(np.uint64).reshape(-1, most)


def _packed(offers: list[tuple[Ints, Hashes]]) -> list[pa.Array]:
    totals = np.sum([totals for totals, _ in offers], axis=0)
    lowest = reduce(merge, [lowest for _, lowest in offers])
    return [pack_ints([totals]), pack_ints([lowest.view(np.int64)])]
