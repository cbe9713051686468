"""Hashes of what is kept and published: of a table's content, whatever its order and layout, and of a file's bytes."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

#: The sums that a table's hash is made of; they add up where tables do.
SUMS = ("hash_1", "hash_2")


def hash_sums(columns: list[str]) -> list[Any]:
    """Sums over rows of a hash of (position, value, position, value, …) and of its hash: blind to order and layout."""
    parts: list[Any] = []
    for index, name in enumerate(columns):
        parts += [F.lit(index), F.col(f"`{name.replace('`', '``')}`")]
    row = F.xxhash64(*parts)
    sums = zip(SUMS, (row, F.xxhash64(row, F.lit(2))), strict=True)
    return [F.sum(hashed.cast("decimal(38,0)")).alias(name) for name, hashed in sums]


def content_hash(frame: DataFrame) -> str:
    """Hash of the content of rows, as `Workspace.keep` takes it; one pass over them."""
    columns = [F.count(F.lit(1)).alias("rows"), *hash_sums(frame.columns)]
    found = frame.agg(*columns).collect()[0]
    return hash_of(found["rows"], (int(found[name] or 0) for name in SUMS))


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
