"""PostgreSQL, by ADBC: rows go over as binary COPY, a batch at a time, inside the one transaction of the load."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import adbc_driver_postgresql.dbapi as driver
import pyarrow as pa
from adbc_driver_manager import Error

from synth_spark.errors import PublishError
from synth_spark.exports.warehouse.statements import identifier

#: How long one attempt keeps new readers waiting, and how long attempts go on. Shorter than a second, after which
#: PostgreSQL looks for deadlocks and might end a reader's transaction rather than this one.
_ATTEMPT, _PATIENCE = "500ms", 120.0
_LOCK_NOT_AVAILABLE = "55P03"
#: What a refusal means, by SQLSTATE or its class, and what to do.
_REFUSALS = {
    "22021": ("cannot hold a value: a text has a character that it does not take", "group or leave out that value"),
    "2BP01": (
        "would lose what depends on a table itself",
        "build views on latest_…, not on the tables, and drop those that are not",
    ),
    "54011": ("takes no table with so many columns", "release fewer columns, or without output.indicators"),
    _LOCK_NOT_AVAILABLE: ("is being read without a pause", "end long transactions on these tables, and load again"),
    "57014": ("cancelled the load", "load again, or raise statement_timeout for this user"),
    "40": ("gave way to another transaction", "load again"),
    "42501": ("does not allow it", "load as a user who may create tables there and owns those that are there"),
    "53": ("has no room or memory left", "free some, and load again"),
    "08": ("lost the connection", "load again"),
    "57": ("ended the connection", "load again"),
}


class Postgres:
    """See `database.Database`."""

    dialect = "postgresql"
    default_schema = "public"

    def __init__(self, connection: driver.Connection) -> None:
        self._connection = connection

    def fetch(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """See `database.Database`."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    def ingest(self, schema: str, table: str, rows: pa.RecordBatchReader) -> int:
        """See `database.Database`."""
        with self._connection.cursor() as cursor:
            return int(cursor.adbc_ingest(table, rows, mode="append", db_schema_name=schema))

    def await_turn(self, schema: str) -> None:
        """See `database.Database`."""
        self.fetch("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        self.fetch("SET LOCAL standard_conforming_strings = on")
        self.fetch("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"synth-spark load {schema}")

    def lock(self, schema: str, relations: Sequence[str]) -> None:
        """Lock them all, or none and try again: a reader of several is never waited for with one of them held."""
        if not relations:
            return
        names = ", ".join(identifier(schema, relation) for relation in relations)
        self.fetch(f"SET LOCAL lock_timeout = '{_ATTEMPT}'")
        until = time.monotonic() + _PATIENCE
        while True:
            self.fetch("SAVEPOINT locking")
            try:
                self.fetch(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
                break
            except Error as error:
                if error.sqlstate != _LOCK_NOT_AVAILABLE or time.monotonic() > until:
                    raise
            self.fetch("ROLLBACK TO SAVEPOINT locking")
            time.sleep(0.2)
        self.fetch("SET LOCAL lock_timeout TO DEFAULT")

    def commit(self) -> None:
        """See `database.Database`."""
        self._connection.commit()


@contextmanager
def transaction(uri: str) -> Iterator[Postgres]:
    """A connection with an open transaction, which is undone unless it was committed.

    Args:
        uri: as libpq reads it; what it does not say is taken from PGUSER, PGPASSWORD, ~/.pgpass and their like.

    Raises:
        PublishError: the server cannot be reached, or refused something.
    """
    try:
        connection = driver.connect(uri)
    except Error:
        raise PublishError(
            "TARGET",
            "cannot be reached, or takes no such user, password or database",
            "check the address; try it with psql; a password is best kept in ~/.pgpass or PGPASSWORD",
        ) from None
    try:
        with connection:
            yield Postgres(connection)
    except Error as error:
        raise refused(error.sqlstate) from None


def refused(state: str | None) -> PublishError:
    """What a refusal of the server means; what was loaded before is as it was."""
    refusal = _REFUSALS.get(state or "") or _REFUSALS.get((state or "")[:2])
    problem, remedy = refusal or (
        "broke off, or refused a statement",
        "load again; if that does not help, see the server's log",
    )
    return PublishError("TARGET", f"{problem} (SQLSTATE {state or 'unknown'})", remedy)
