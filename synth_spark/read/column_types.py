"""The types of a table's columns: which hold values that can be read as text, and what the text of a value is."""

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    CharType,
    DataType,
    DateType,
    DecimalType,
    FractionalType,
    NullType,
    NumericType,
    StringType,
    TimestampNTZType,
    TimestampType,
    VarcharType,
)

from synth_spark.errors import InputError

_VALUES = (
    StringType, CharType, VarcharType, BooleanType, NumericType, DateType, TimestampType, TimestampNTZType, NullType,
)  # fmt: skip


def inner(data_type: DataType) -> DataType:
    """The type of the values of a column, whether a cell holds one or a list of them."""
    return data_type.elementType if isinstance(data_type, ArrayType) else data_type


def check_type(name: str, data_type: DataType) -> None:
    """Raise `InputError` for a column of a type that holds no values, or none that can be read as text."""
    if isinstance(inner(data_type), _VALUES):
        return
    kind = inner(data_type).typeName()
    nested = isinstance(data_type, ArrayType) or kind in ("map", "struct", "array", "binary", "variant")
    what = f"nested or binary values ({kind})" if nested else f"values of the type {kind}, which is not read"
    raise InputError(f"column '{name}'", f"holds {what}", "leave it out in a query (input.sql), flatten it or cast it")


def text(name: str, data_type: DataType) -> Column:
    """A value, or a list of values, as text; a number has one text, whatever type it is of.

    Args:
        name: of a column, which needs no quotes.
        data_type: of the column.
    """
    if isinstance(data_type, ArrayType):
        return F.expr(f"transform({name}, value -> {_text('value', data_type.elementType)})")
    return F.expr(_text(name, data_type))


def _text(value: str, data_type: DataType) -> str:
    """The text of a value, as an expression of Spark SQL."""
    plain = f"CAST({value} AS STRING)"
    if not isinstance(data_type, FractionalType | DecimalType):
        return plain
    return number_text(plain, f"{value} = 0")


def number_text(plain: str, is_zero: str | None = None) -> str:
    """The one text of a number, as an expression of Spark SQL.

    Args:
        plain: the number as Spark writes it, as an expression.
        is_zero: whether it is zero, as an expression; default: told from the text.
    """
    short = f"trim(TRAILING '.' FROM trim(TRAILING '0' FROM {plain}))"
    zero = is_zero or f"CAST({plain} AS DOUBLE) = 0"
    return (
        f"CASE WHEN {zero} THEN '0' WHEN contains({plain}, 'E') THEN {_written_out(plain)} "
        f"WHEN contains({plain}, '.') THEN {short} ELSE {plain} END"
    )


def _written_out(text: str) -> str:
    """What Java writes as 1.25E-7, or 1.25E7, without the power of ten, as an expression."""
    power = f"CAST(split_part({text}, 'E', 2) AS INT)"
    sign = f"CASE WHEN startswith({text}, '-') THEN '-' ELSE '' END"
    digits = f"trim(TRAILING '0' FROM translate(split_part({text}, 'E', 1), '-.', ''))"
    padded = f"rpad({digits}, {power} + 1, '0')"
    pointed = f"concat(left({digits}, {power} + 1), '.', substr({digits}, {power} + 2))"
    large = f"CASE WHEN length({digits}) > {power} + 1 THEN {pointed} ELSE {padded} END"
    small = f"concat('0.', repeat('0', -{power} - 1), {digits})"
    return f"concat({sign}, CASE WHEN {power} < 0 THEN {small} ELSE {large} END)"
