"""Hashes of what is kept and published: of a table's content, whatever its order and layout, and of a file's bytes."""

import hashlib
import struct
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import xxhash

from synth_spark.schema.sql_text import quoted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: The sums that a table's hash is made of; they add up where tables do.
SUMS = ("hash_1", "hash_2")
#: Each is summed in two halves of so many bits: 64-bit sums are exact for 2^32 rows, and cheaper than decimals.
_HALF = 32
#: Where Spark's function ``xxhash64`` starts from.
_SEED = 42
#: How that function sees values of a type: as bytes, little-endian; true is the whole number 1, −0.0 is 0.0.
_INT, _LONG, _DOUBLE = struct.Struct("<i"), struct.Struct("<q"), struct.Struct("<d")
_BYTES: dict[pa.DataType, Callable[[Any], bytes]] = {
    pa.string(): str.encode,
    pa.bool_(): lambda value: _INT.pack(int(value)),
    pa.int32(): _INT.pack,
    pa.int64(): _LONG.pack,
    pa.binary(): bytes,
    pa.float64(): lambda value: _DOUBLE.pack(value + 0.0),
}


def hash_sums(columns: list[str]) -> list[Any]:
    """Sums over rows of a hash of (position, value, position, value, …) and of its hash: blind to order and layout.

    Returns:
        Two columns for each of `SUMS`, of which `sums_of` makes one number.
    """
    from pyspark.sql import functions as F  # files are hashed without Spark

    row = f"xxhash64({', '.join(f'{index}, {quoted(name)}' for index, name in enumerate(columns))})"
    halves: list[Any] = []
    for name, hashed in zip(SUMS, (row, f"xxhash64({row}, 2)"), strict=True):
        high, low = f"shiftright({hashed}, {_HALF})", f"{hashed} & {(1 << _HALF) - 1}"
        halves += [F.expr(f"sum({high}) AS {name}_high"), F.expr(f"sum({low}) AS {name}_low")]
    return halves


def sums_of(row: Mapping[str, Any]) -> list[int]:
    """The `SUMS` of a table from the values of the columns of `hash_sums`; of one without rows they are 0."""
    return [((row[f"{name}_high"] or 0) << _HALF) + (row[f"{name}_low"] or 0) for name in SUMS]


def arrow_sums(table: pa.Table) -> list[int]:
    """The `SUMS` of a small table on the driver: those that `hash_sums` finds for the same rows.

    Raises:
        TypeError: a column is of a type whose hash is not known here.
    """
    unknown = [field.name for field in table.schema if field.type not in _BYTES]
    if unknown:
        raise TypeError(f"no hash is known of the types of {', '.join(unknown)}")
    hashes = [_SEED] * table.num_rows
    for index, column in enumerate(table.columns):
        place, as_bytes = _INT.pack(index), _BYTES[column.type]
        hashes = [xxhash.xxh64_intdigest(place, seed) for seed in hashes]
        hashes = [
            seed if value is None else xxhash.xxh64_intdigest(as_bytes(value), seed)
            for seed, value in zip(hashes, column.to_pylist(), strict=True)
        ]
    of_hashes = [xxhash.xxh64_intdigest(one.to_bytes(8, "little"), _SEED) for one in hashes]
    again = [xxhash.xxh64_intdigest(_INT.pack(2), seed) for seed in of_hashes]
    return [sum(map(_signed, part)) for part in (hashes, again)]


def _signed(number: int) -> int:
    """64 bits as Spark's long."""
    return number - (1 << 64) if number >> 63 else number


def content_hash(frame: "DataFrame") -> str:
    """Hash of the content of rows, as `RunStore.keep` takes it; one pass over them."""
    from pyspark.sql import functions as F

    columns = [F.count(F.lit(1)).alias("rows"), *hash_sums(frame.columns)]
    row = frame.agg(*columns).collect()[0].asDict()
    return hash_of(row["rows"], sums_of(row))


def hash_of(rows: int, sums: Iterable[int]) -> str:
    """The content hash of a table of so many rows with these `SUMS`."""
    return hashlib.sha256("/".join([str(rows), *map(str, sums)]).encode()).hexdigest()


def sha256(file: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_text(text: str) -> str:
    """SHA-256 of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
