"""The Arrow types of the columns of Parquet files: which Spark reads as they are meant, and the texts of their values.

Imported where a Parquet file is looked at, as pyarrow is.
"""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from synth_spark.errors import InputError

#: Most digits of a number that Spark reads.
_DIGITS = 38


def check_type(name: str, kind: pa.DataType, physical: str) -> None:
    """Raise `InputError` for a column whose values Spark does not read, or takes for others.

    Args:
        name: of the column.
        kind: its type.
        physical: the type that its values are stored in, as Parquet names it.
    """
    remedy = None if physical == "INT96" else _remedy(kind)
    if remedy is not None:
        raise InputError(f"column '{name}'", f"is of the type {kind}, which is not read", remedy)


def texts(column: pa.Array) -> list[str]:
    """The values of a column as reading gives them, "" for none; lists as Python writes them.

    >>> texts(pa.array([1.5, 1e-7, 12345678.0, None])), texts(pa.array([True, False]))
    (['1.5', '0.0000001', '12345678', ''], ['true', 'false'])
    """
    kind = column.type
    if pa.types.is_float32(kind) or pa.types.is_float64(kind):
        numbers = column.to_numpy(zero_copy_only=False)
        valid = column.is_valid().to_pylist()
        return [_number(str(number)) if there else "" for number, there in zip(numbers, valid, strict=True)]
    if pa.types.is_decimal(kind):
        return ["" if number is None else _number(str(number)) for number in column.to_pylist()]
    if pa.types.is_timestamp(kind):
        moments = column.cast(pa.timestamp(kind.unit)).cast(pa.string())
        cut = pc.replace_substring_regex(moments, r"(\.\d*?)0+$", r"\1")
        return ["" if moment is None else _day(moment.removesuffix(".")) for moment in cut.to_pylist()]
    if pa.types.is_date(kind):
        return ["" if day is None else _day(day) for day in column.cast(pa.date32()).cast(pa.string()).to_pylist()]
    if pa.types.is_boolean(kind):
        return ["" if value is None else str(value).lower() for value in column.to_pylist()]
    return ["" if value is None else str(value) for value in column.to_pylist()]


def _day(written: str) -> str:
    """A date as Spark writes it: with a sign where its year has more than four digits.

    >>> _day("2021-03-01"), _day("10000-01-01 08:30:00")
    ('2021-03-01', '+10000-01-01 08:30:00')
    """
    return f"+{written}" if written[4:5].isdigit() and written[0] != "-" else written


def _number(written: str) -> str:
    """A number without a power of ten and without zeros behind its point, as `read.column_types` has Spark write it.

    >>> _number("1e-07"), _number("1.50"), _number("-0.0"), _number("inf")
    ('0.0000001', '1.5', '0', 'Infinity')
    """
    special = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(written)
    if special is not None:
        return special
    plain = format(Decimal(written), "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "") else plain


def _remedy(kind: Any) -> str | None:
    """What to do about a type that Spark does not read, or takes for another; None where it reads it."""
    if pa.types.is_nested(kind) and hasattr(kind, "value_type"):  # lists of every form
        return _remedy(kind.value_type)
    if pa.types.is_dictionary(kind):
        return _remedy(kind.value_type)
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return (
            "write it in microseconds (pandas: to_parquet(…, coerce_timestamps='us', allow_truncated_timestamps=True))"
        )
    if pa.types.is_time(kind):
        return "write it as text, or as a number of hours"
    if pa.types.is_duration(kind):
        return "write it as text, or as a number of days"
    if pa.types.is_float16(kind):
        return "write it as float32"
    if pa.types.is_decimal(kind) and kind.precision > _DIGITS:
        return f"write it with at most {_DIGITS} digits"
    if isinstance(kind, pa.BaseExtensionType) or pa.types.is_fixed_size_binary(kind):
        return "write it as text"
    return None
