"""Published tables in long form, one row a value, as tools for dashboards like them.

A row of the wide table is named by its place there, counted from 0 through its files in order, so the same release has
the same numbers wherever it is made.
"""

from collections.abc import Sequence
from itertools import accumulate

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synth_spark.schema.fields import Field, literal_pattern
from synth_spark.schema.sql_text import quoted
from synth_spark.schema.tables import Kept


def long_form(kept: Kept, fields: Sequence[Field], key: str, beside: Sequence[str] = ()) -> DataFrame:
    """One row a value of a kept table.

    Args:
        kept: the wide table; its other columns are those of the fields.
        fields: of the records.
        key: name of the column that numbers the rows of the wide table.
        beside: columns of the wide table to keep.

    Returns:
        ``key`` (bigint), the columns beside, ``column`` (the field's name) and ``value`` (text).
    """
    files = sorted(kept.files)
    rows = [kept.rows_of(file) for file in files]
    starts = [F.lit(start) for start in accumulate([0, *rows[:-1]])]
    first = F.create_map(*(part for file, start in zip(files, starts, strict=True) for part in (F.lit(file), start)))
    place = (F.element_at(first, F.col("_metadata.file_name")) + F.col("_metadata.row_index")).cast("bigint")
    values = F.flatten(F.array(*(_attributes(field) for field in fields)))
    long_rows = kept.frame.select(place.alias(key), *beside, F.explode(values).alias("attribute"))
    return long_rows.select(key, *beside, "attribute.column", "attribute.value").where("value is not null")


def _attributes(field: Field) -> Column:
    """The attributes of a field, as an array of (column, value)."""
    cell = F.col(quoted(field.name))

    def attribute(value: Column) -> Column:
        return F.struct(F.lit(field.name).alias("column"), value.alias("value"))

    if not field.many:
        return F.array(attribute(cell))
    values = cell if field.delimiter is None else F.split(cell, literal_pattern(field.delimiter))
    return F.transform(F.coalesce(values, F.array().cast("array<string>")), attribute)
