"""Stage 2: RECORDS become a DOMAIN (which values there are) and CODES (distinct records of small integers). SENSITIVE.

Strings are touched here for the last time until a table is published.
"""

from collections.abc import Iterator, Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.domain import Domain
from synth_spark.errors import InputError, ResourceError
from synth_spark.fields import Field, count_values
from synth_spark.kernels.renumbering import Renumbering
from synth_spark.kernels.wire import pack_codes, unpack_codes
from synth_spark.tables import positional

#: Most attributes (column, value) of a whole table: the domain is held by the driver and every task.
MAX_ATTRIBUTES = 2_000_000
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
            f"has {attributes:,} distinct values over all columns, more than {MAX_ATTRIBUTES:,}",
            "group rare values first, or leave identifiers and free text out with input.columns",
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


def coded(records: DataFrame, domain: Domain) -> DataFrame:
    """Encode records.

    Args:
        records: a column for each of the domain's fields, in either form, one row a record.
        domain: values outside it count as absent.

    Returns:
        One row a record: ``record`` (binary, 16-bit codes, see `kernels.wire`), ``multiplicity`` (1).
    """

    def encode(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield pa.RecordBatch.from_arrays([pack_codes(domain.encode(batch.columns))], names=["record"])

    return positional(records).mapInArrow(encode, "record binary").withColumn("multiplicity", F.lit(1).cast("bigint"))


def codes(records: DataFrame, domain: Domain) -> DataFrame:
    """Encode records and merge equal ones; arguments as of `coded`.

    Returns:
        One row a distinct record: ``record``, ``multiplicity``.
    """
    return coded(records, domain).groupBy("record").agg(F.count("*").alias("multiplicity"))


def recoded(codes: DataFrame, moves: Renumbering) -> DataFrame:
    """Distinct records in the codes of a later domain; see `codes`. They stay distinct."""
    if not moves.renumbers:
        return codes

    def move(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            records = pack_codes(moves.records(unpack_codes(batch["record"], len(moves.old))))
            yield pa.RecordBatch.from_arrays([records, batch["multiplicity"]], names=["record", "multiplicity"])

    return codes.select("record", "multiplicity").mapInArrow(move, "record binary, multiplicity bigint")


def summed(parts: Sequence[DataFrame]) -> DataFrame:
    """Records of codes, put together: multiplicities, which may be negative, add up; what adds up to 0 is gone."""
    together = reduce(DataFrame.unionByName, parts)
    return together.groupBy("record").agg(F.sum("multiplicity").alias("multiplicity")).where("multiplicity <> 0")
