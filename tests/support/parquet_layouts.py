"""Columns of every Arrow type with the texts that reading must give, and Parquet files of them by several writers."""

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

_WORDS = ["left", "right", "", " x ", "1.0", "nan", "日本", "😀", "a\nb", '"', "0", "x" * 2000, "\u00a0", "NULL"]
_TIMES = [
    dt.datetime(2021, 2, 3, 4, 5, 6), dt.datetime(1969, 12, 31, 23, 59, 59, 500_000), dt.datetime(2021, 2, 3),
    dt.datetime(1850, 1, 1, 0, 0, 1), dt.datetime(2021, 7, 1, 12, 0, 0, 120_000),
]  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A type with values.

    Attributes:
        arrow: the type.
        values: as pyarrow takes them.
        text: a value → its text as it must be read.
        refusals: parts of the refusals that would be right; if there are none, it must be read.
    """

    arrow: pa.DataType
    values: tuple[Any, ...]
    text: Callable[[Any], str | None]
    refusals: tuple[str, ...] = ()


def _plain(value: Any) -> str:
    """A number without a power of ten, and without zeros behind its point."""
    written = format(Decimal(str(value)), "f")
    written = written.rstrip("0").rstrip(".") if "." in written else written
    return "0" if Decimal(written) == 0 else written


def _float(width: type) -> Callable[[Any], str | None]:
    def text(value: Any) -> str | None:
        one = width(value)
        if np.isnan(one):
            return "NaN"
        if np.isinf(one):
            return "Infinity" if one > 0 else "-Infinity"
        return _plain(one)

    return text


def _time(value: dt.datetime) -> str:
    text = value.strftime(f"{value.year:04d}-%m-%d %H:%M:%S")
    return f"{text}.{value.microsecond:06d}".rstrip("0") if value.microsecond else text


def _kinds() -> list[Kind]:
    floats = (0.0, -0.0, 1.0, 1.5, 0.1, 12345678.0, 1e-7, 1e22, -2.5e-5, 1e10, float("nan"), float("inf"))
    strings = (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string()))
    made = [Kind(kind, tuple(_WORDS), str) for kind in strings]
    for bits in (8, 16, 32, 64):
        signed, unsigned = getattr(pa, f"int{bits}")(), getattr(pa, f"uint{bits}")()
        made.append(Kind(signed, (0, 1, -1, 2 ** (bits - 1) - 1, -(2 ** (bits - 1))), str))
        made.append(Kind(unsigned, (0, 1, 7, 2**bits - 1), str))
    made += [Kind(pa.float32(), floats, _float(np.float32)), Kind(pa.float64(), floats, _float(np.float64))]
    made.append(Kind(pa.float16(), (0.0, 1.5), _float(np.float16), ("halffloat",)))
    for precision, scale in ((5, 2), (18, 0), (38, 10)):
        step = Decimal(1).scaleb(-scale)
        values = tuple((Decimal(number) * step).quantize(step) for number in (0, 1, -12345, 10_000))
        made.append(Kind(pa.decimal128(precision, scale), values, _plain))
    made.append(Kind(pa.decimal256(50, 2), (Decimal("1.50"),), _plain, ("decimal256",)))
    made.append(Kind(pa.decimal256(20, 2), (Decimal("1.50"), Decimal("-3.00")), _plain))
    made.append(Kind(pa.bool_(), (True, False), lambda value: str(value).lower()))
    days = (dt.date(2021, 2, 3), dt.date(1850, 1, 31), dt.date(1500, 1, 31), dt.date(9999, 12, 31))
    made += [Kind(kind, days, str) for kind in (pa.date32(), pa.date64())]
    for unit in ("s", "ms", "us", "ns"):
        refused = ("timestamp[ns",) if unit == "ns" else ()
        cut = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 1}[unit]
        values = tuple(time.replace(microsecond=time.microsecond // cut * cut) for time in _TIMES)
        made.append(Kind(pa.timestamp(unit), values, _time, refused))
    made.append(Kind(pa.timestamp("us", "Europe/Berlin"), tuple(_TIMES), _time))
    made.append(Kind(pa.time32("ms"), (dt.time(8, 30),), str, ("time32",)))
    made.append(Kind(pa.time64("us"), (dt.time(8, 30),), str, ("time64",)))
    made.append(Kind(pa.duration("us"), (dt.timedelta(1),), str, ("duration",)))
    made.append(Kind(pa.binary(), (b"x\xff",), str, ("nested or binary values",)))
    made.append(Kind(pa.binary(3), (b"abc",), str, ("fixed_size_binary", "nested or binary values")))
    made.append(Kind(pa.struct([("a", pa.int32())]), ({"a": 1},), str, ("nested or binary values",)))
    made.append(Kind(pa.map_(pa.string(), pa.int32()), ([("a", 1)],), str, ("nested or binary values",)))
    made.append(Kind(pa.null(), (None,), lambda value: None, ("of the type null",)))
    return made


KINDS = _kinds()


def drawn(rng: random.Random, names: list[str], kinds: list[Kind]) -> tuple[pa.Table, list[list[str | None]]]:
    """A table of some rows, and the texts of its columns."""
    count = rng.randint(1, 30)
    values = [[rng.choice([*kind.values, None]) for _ in range(count)] for kind in kinds]
    arrays = [pa.array(column, kind.arrow) for column, kind in zip(values, kinds, strict=True)]
    texts = [
        [None if value is None else kind.text(value) for value in column]
        for column, kind in zip(values, kinds, strict=True)
    ]
    return pa.table(arrays, names=names), texts


def write(rng: random.Random, table: pa.Table, path: Path) -> str:
    """A table as a Parquet file of row groups of any size; returns what wrote it, which keeps every type."""
    simple = all(kind in (pa.string(), pa.int64(), pa.float64(), pa.bool_()) for kind in table.schema.types)
    writer = rng.choice(["pyarrow", "pyarrow", *(["pandas", "duckdb", "polars"] if simple else [])])
    if writer == "pandas" and all(column.null_count == 0 for column in table.columns):
        pd.DataFrame(table.to_pydict()).to_parquet(path, index=False)
        return "pandas"
    if writer == "duckdb" and path.name.isalnum():
        import duckdb

        with duckdb.connect() as database:
            database.register("written", table)
            database.execute(f"COPY written TO '{path}' (FORMAT parquet)")
        return "duckdb"
    if writer == "polars" and find_spec("polars"):
        import polars as pl

        pl.from_arrow(table).write_parquet(path)
        return "polars"
    pq.write_table(
        table,
        path,
        row_group_size=rng.choice([1, 3, 1000]),
        compression=rng.choice(["none", "snappy", "gzip", "zstd"]),
        version=rng.choice(["1.0", "2.4", "2.6"]),
        use_dictionary=rng.random() < 0.5,
        data_page_version=rng.choice(["1.0", "2.0"]),
        store_schema=rng.random() < 0.7 or any(map(pa.types.is_duration, table.schema.types)),  # else it is a number
    )
    return "pyarrow"
