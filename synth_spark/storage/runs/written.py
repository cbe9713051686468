"""A table that was written and is not kept yet, and the columns of tables as a manifest tells them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


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
