"""What loading asks of a database: one connection, one transaction, statements, and a stream of rows into a table.

No error that leaves a database holds its text: it may quote a value, an address or a password. It says what was refused
by the standard's code (SQLSTATE), or by kind.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import pyarrow as pa

from synth_spark.errors import PlanError, check_extra
from synth_spark.exports.warehouse.names import is_name
from synth_spark.plan.addresses import check_local

#: How targets begin.
_POSTGRESQL, _DUCKDB = ("postgresql://", "postgres://"), "duckdb:"


class Database(Protocol):
    """One connection with an open transaction.

    Attributes:
        dialect: a name of `statements.DIALECTS`.
        default_schema: where tables go if nothing else is said.
    """

    dialect: str
    default_schema: str

    def fetch(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement with values for ``$1``, ``$2``, …; its rows, if it has any."""
        ...

    def ingest(self, schema: str, table: str, rows: pa.RecordBatchReader) -> int:
        """Append rows to a table, as they come; how many."""
        ...

    def await_turn(self, schema: str) -> None:
        """Wait until no other load of this schema is under way; others wait until this transaction ends."""
        ...

    def lock(self, schema: str, relations: Sequence[str]) -> None:
        """Keep readers away from tables and views until the transaction ends; do not keep them waiting long."""
        ...

    def commit(self) -> None:
        """Make all of it visible at once."""
        ...


@contextmanager
def connected(target: str) -> Iterator[Database]:
    """A transaction of a target; what is not committed when it ends is undone.

    Args:
        target: ``postgresql://…`` as libpq reads it, or ``duckdb:PATH``.

    Raises:
        PlanError: the target is of neither form.
        EngineError: the library for it is not installed.
        PublishError: it cannot be reached, or refused something.
    """
    transaction, address = _opener(target)
    with transaction(address) as database:
        yield database


def _opener(target: str) -> tuple[Callable[[str], AbstractContextManager[Database]], str]:
    """What opens a target, and what it is handed."""
    try:
        if target.startswith(_POSTGRESQL):
            check_extra("warehouse", "TARGET")
            from synth_spark.exports.warehouse import postgres_backend

            return postgres_backend.transaction, target
        if target.startswith(_DUCKDB) and target != _DUCKDB:
            check_local(target.removeprefix(_DUCKDB))
            check_extra("warehouse", "TARGET")
            from synth_spark.exports.warehouse import duckdb_backend

            return duckdb_backend.transaction, target.removeprefix(_DUCKDB)
    except ValueError as error:
        raise PlanError("TARGET", str(error), "see `synth-spark load -h`") from None
    raise PlanError("TARGET", "is of no known form", "give postgresql://USER@HOST/DATABASE or duckdb:PATH")


def check_schema(name: str) -> str:
    """The name of a schema, if it is one that needs no quotes.

    Raises:
        PlanError: it does.
    """
    if not is_name(name) and name != "public":  # reserved in some databases, and in PostgreSQL the usual one
        raise PlanError("--schema", "is not a plain name", "give small letters, digits and _, at most 63; no SQL word")
    return name
