"""A table that was written and is not kept yet, how Spark writes it, and its columns as a manifest tells them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from synth_spark.schema.tables import Sensitivity, Table

#: Bytes of a row group in memory: few, so that several tasks read a file; many (True) of what may be published, as
#: readers ask an object store for every column of every group.
_GROUP_BYTES = {False: 1 << 20, True: 64 << 20}


@dataclass(frozen=True)
class Written:
    """A table that was written beside its place in a run folder, and waits for its turn to be kept.

    Attributes:
        rows: how many.
        sums: its `SUMS`.
        schema: as Spark writes it in JSON.
        seconds: how long writing took.
        where: it is, below the folder of tables.
        hashes: SHA-256 of each file, where that is known.
    """

    rows: int
    sums: Sequence[int]
    schema: Any
    seconds: float
    where: str
    hashes: dict[str, str] | None = None


def columns_of(schema: dict[str, Any]) -> list[tuple[str, Any]]:
    """Names and types of a table's columns."""
    return [(field["name"], field["type"]) for field in schema["fields"]]


def parquet_options(table: Table) -> dict[str, str]:
    """How Spark writes a table: row groups as they suit its readers, and no dictionary of distinct records.

    A column called ``record`` holds those.
    """
    group = _GROUP_BYTES[table.sensitivity is Sensitivity.SAFE]
    return {"parquet.block.size": str(group), "parquet.enable.dictionary#record": "false"}
