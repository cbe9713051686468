"""Stage 2: RECORDS become a DOMAIN (which values there are) and CODES (distinct records of small integers). SENSITIVE.

Strings are touched here for the last time until a table is published.
"""

import math
from collections.abc import Iterator, Sequence
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.errors import InputError, ResourceError
from synth_spark.kernels.arrow_codec import (
    pack_codes,
    pack_ints,
    pack_tables,
    unpack_codes,
    unpack_ints,
    unpack_table,
    unpack_weights,
)
from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.counting.domain_remap import Renumbering
from synth_spark.kernels.counting.merge_records import deal, merge
from synth_spark.schema.domain import Domain
from synth_spark.schema.fields import Field, count_values
from synth_spark.schema.tables import positional

#: Most attributes (column, value) of a whole table: the domain is held by the driver and every task.
MAX_ATTRIBUTES = 2_000_000
#: Buckets that records are dealt to, to be merged: fewest, records of one of a large table, and most.
_FEWEST_BUCKETS, _RECORDS_A_BUCKET, _MOST_BUCKETS = 16, 1 << 14, 2_048
_DEALT = "bucket int, records binary, multiplicities binary"
_CODES = "record binary, multiplicity bigint"
#: What readers put in place of bytes that are not UTF-8.
_REPLACEMENT = "\ufffd"


def marginals(records: DataFrame, fields: Sequence[Field]) -> DataFrame:
    """Count the values of every field.

    Args:
        records: a column for each field, strings or lists of strings, one row a record.
        fields: what the columns are.

    Returns:
        One row an attribute: ``column`` (index of its field), ``value``, ``count``.
    """

    def count_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for index, field in enumerate(fields):
                counted = count_values(batch.columns[index], field)
                column = pa.repeat(pa.scalar(index, pa.int32()), len(counted[0]))
                yield pa.RecordBatch.from_arrays([column, *counted], names=["column", "value", "count"])

    counted = positional(records).mapInArrow(count_batches, "column int, value string, count bigint")
    return counted.groupBy("column", "value").agg(F.sum("count").alias("count"))


def capped(records: DataFrame, fields: Sequence[Field], most: int) -> DataFrame:
    """Records with at most so many values in a column with several: those whose hash comes first.

    Which are kept depends on the record alone, so one record more or less changes nothing about others.

    Args:
        records: a column for each field, one row a record.
        fields: what the columns are.
        most: values a record and column.
    """
    frame, cells = positional(records), []
    for index, field in enumerate(fields):
        cell = F.col(f"c{index}")
        if field.many:
            hashed = F.transform(
                F.array_distinct(cell), lambda value: F.struct(F.xxhash64(value), value.alias("value"))
            )
            first = F.slice(F.array_sort(hashed), 1, most)
            cell = F.transform(first, lambda pair: pair["value"])
        cells.append(cell.alias(f"c{index}"))
    return frame.select(*cells).toDF(*records.columns)


def check_size(attributes: int) -> None:
    """Refuse, before it is collected, a domain that the driver and every task could not hold.

    Raises:
        ResourceError: all columns together have too many values.
    """
    if attributes > MAX_ATTRIBUTES:
        raise ResourceError(
            "input",
            f"has {{values}} distinct values over all columns, more than {MAX_ATTRIBUTES:,}",
            "group rare values first, or leave identifiers and free text out with input.columns",
            {"values": attributes},
        )


def check_text(marginals: pa.Table, fields: Sequence[Field]) -> None:
    """Refuse text that was not UTF-8.

    Raises:
        InputError: a column holds a replacement character.
    """
    garbled = marginals.filter(pc.match_substring(marginals["value"], _REPLACEMENT))
    if garbled.num_rows:
        name = fields[pc.min(garbled["column"]).as_py()].name
        remedy = "set input.encoding, or convert the file to UTF-8 first"
        raise InputError(f"column '{name}'", "holds bytes that are not UTF-8", remedy)


def codes(records: DataFrame, domain: Domain, rows: int) -> DataFrame:
    """Encode records and merge equal ones.

    Args:
        records: a column for each of the domain's fields, in either form, one row a record.
        domain: values outside it count as absent.
        rows: how many records there are, roughly.

    Returns:
        One row a distinct record: ``record`` (binary, 16-bit codes, see `kernels.wire`), ``multiplicity``.
    """
    return merged([coded(records, domain, rows)], len(domain.columns))


def coded(records: DataFrame, domain: Domain, rows: int) -> DataFrame:
    """Records as codes, to be `merged`; arguments as of `codes`, ``rows`` being those of all that will be merged.

    Returns:
        One row a bucket of some records: ``bucket``, ``records`` (the codes of each, one after the other),
        ``multiplicities``.
    """
    buckets = _buckets(rows)

    def encode(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _dealt(domain.encode(batch.columns), np.ones(batch.num_rows, np.int64), buckets)

    return positional(records).mapInArrow(encode, _DEALT)


def recoded(codes: DataFrame, moves: Renumbering, rows: int, sign: int = 1) -> DataFrame:
    """Distinct records in the codes of a later domain, to be `merged`.

    Args:
        codes: see `codes`.
        moves: where the old attributes are now.
        rows: see `coded`.
        sign: −1 to take them away.

    Returns:
        See `coded`.
    """
    buckets = _buckets(rows)

    def move(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            records = moves.records(unpack_codes(batch["record"], len(moves.old)))
            yield _dealt(records, sign * unpack_weights(batch["multiplicity"]), buckets)

    return codes.select("record", "multiplicity").mapInArrow(move, _DEALT)


def merged(parts: Sequence[DataFrame], width: int) -> DataFrame:
    """Records of codes put together: multiplicities, which may be negative, add up; what adds up to 0 is gone.

    Rows that hold many records each are cheap to shuffle; one a record would be sorted, hashed and copied by itself.

    Args:
        parts: see `coded`; all over ``width`` columns, and for the same number of rows.
        width: number of columns.

    Returns:
        One row a distinct record; see `codes`.
    """

    def merge_bucket(table: pa.Table) -> pa.Table:
        weights = [unpack_ints(value) for value in table["multiplicities"]]
        parts = zip(table["records"], weights, strict=True)
        code_rows = np.concatenate([unpack_table(value, len(held), width) for value, held in parts])
        records, sums = merge(code_rows, np.concatenate(weights))
        return pa.table([pack_codes(records), pa.array(sums)], names=["record", "multiplicity"])

    return reduce(DataFrame.unionAll, parts).groupBy("bucket").applyInArrow(merge_bucket, _CODES)


def _dealt(codes: Codes, weights: Ints, buckets: int) -> pa.RecordBatch:
    """Records of codes as rows of buckets; see `coded`."""
    codes, weights = merge(codes, weights)
    order, bounds = deal(codes, buckets)
    held = np.flatnonzero(np.diff(bounds))
    parts = [order[bounds[bucket] : bounds[bucket + 1]] for bucket in held]
    packed = [pack_tables([codes[part] for part in parts]), pack_ints([weights[part] for part in parts])]
    arrays = [pa.array(held, pa.int32()), *packed]
    return pa.RecordBatch.from_arrays(arrays, names=["bucket", "records", "multiplicities"])


def _buckets(rows: int) -> int:
    """Into how many buckets so many records are dealt.

    Enough to share the work evenly, each small to a task, but not so many that one has a few of a task's records only.
    """
    return max(_FEWEST_BUCKETS, min(_MOST_BUCKETS, math.ceil(rows / _RECORDS_A_BUCKET)))
