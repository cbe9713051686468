"""A table that was written and is not kept yet, and the columns of tables as a manifest tells them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

#: What Spark calls the types of tables that the driver makes.
_TYPES = {
    pa.string(): "string",
    pa.bool_(): "boolean",
    pa.int32(): "integer",
    pa.int64(): "long",
    pa.float64(): "double",
    pa.binary(): "binary",
}


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


def schema_of(rows: pa.Table) -> dict[str, Any]:
    """The schema of an Arrow table, as Spark writes it in JSON."""
    fields = [
        {"name": field.name, "type": _TYPES[field.type], "nullable": field.nullable, "metadata": {}}
        for field in rows.schema
    ]
    return {"type": "struct", "fields": fields}


def columns_of(schema: dict[str, Any]) -> list[tuple[str, Any]]:
    """Names and types of a table's columns."""
    return [(field["name"], field["type"]) for field in schema["fields"]]
