"""Hashes of what is kept and published: of a table's content, whatever its order and layout, and of a file's bytes."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

#: The sums that a table's hash is made of; they add up where tables do.
SUMS = ("hash_1", "hash_2")
#: Each is summed in two halves of so many bits: 64-bit sums are exact for 2^32 rows, and cheaper than decimals.
_HALF = 32


def hash_sums(columns: list[str]) -> list[Any]:
    """Sums over rows of a hash of (position, value, position, value, …) and of its hash: blind to order and layout.

    Returns:
        Two columns for each of `SUMS`, of which `sums_of` makes one number.
    """
    parts: list[Any] = []
    for index, name in enumerate(columns):
        parts += [F.lit(index), F.col(f"`{name.replace('`', '``')}`")]
    row = F.xxhash64(*parts)
    halves: list[Any] = []
    for name, hashed in zip(SUMS, (row, F.xxhash64(row, F.lit(2))), strict=True):
        high, low = F.shiftright(hashed, _HALF), hashed.bitwiseAND(F.lit((1 << _HALF) - 1))
        halves += [F.sum(high).alias(f"{name}_high"), F.sum(low).alias(f"{name}_low")]
    return halves


def sums_of(found: Mapping[str, Any]) -> list[int]:
    """The `SUMS` of a table of which the columns of `hash_sums` were found; of one without rows they are 0."""
    return [((found[f"{name}_high"] or 0) << _HALF) + (found[f"{name}_low"] or 0) for name in SUMS]


def content_hash(frame: DataFrame) -> str:
    """Hash of the content of rows, as `Workspace.keep` takes it; one pass over them."""
    columns = [F.count(F.lit(1)).alias("rows"), *hash_sums(frame.columns)]
    found = frame.agg(*columns).collect()[0].asDict()
    return hash_of(found["rows"], sums_of(found))


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
