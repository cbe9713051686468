"""DuckDB: rows are read from Arrow as they come, inside the one transaction of the load."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from synth_spark.errors import PlanError, PublishError
from synth_spark.exports.warehouse.statements import identifier

_INCOMING = "incoming_rows"


class DuckDB:
    """See `database.Database`."""

    dialect = "duckdb"
    default_schema = "main"

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def fetch(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """See `database.Database`."""
        return list(self._connection.execute(sql, list(values)).fetchall())

    def ingest(self, schema: str, table: str, rows: pa.RecordBatchReader) -> int:
        """See `database.Database`."""
        self._connection.register(_INCOMING, rows)
        try:
            target = identifier(schema, table)
            return int(self.fetch(f"INSERT INTO {target} SELECT * FROM {_INCOMING}")[0][0])  # noqa: S608
        finally:
            self._connection.unregister(_INCOMING)

    def await_turn(self, schema: str) -> None:
        """Wait for nobody: the file is this process's alone, and of two transactions that change a table one fails.

        Raises:
            PlanError: the schema is called as the file is, so that ``NAME.table`` would be ambiguous.
        """
        if self.fetch("SELECT current_database()") == [(schema,)]:
            raise PlanError("--schema", "is the name of the DuckDB file, too", "choose another --schema, or file name")

    def lock(self, schema: str, relations: Sequence[str]) -> None:
        """Nothing: readers keep the state that their transaction began with."""

    def commit(self) -> None:
        """See `database.Database`."""
        self._connection.commit()


@contextmanager
def transaction(path: str) -> Iterator[DuckDB]:
    """A connection with an open transaction, which is undone unless it was committed.

    Args:
        path: of the file; it is made if there is none, and removed again if what it was made for is refused.

    Raises:
        PublishError: the file cannot be opened or is in use, or the database refused something.
    """
    new = not Path(path).exists()
    try:
        connection = duckdb.connect(path)
    except duckdb.Error:
        if new:
            _remove(path)
        remedy = "check the path and the space on its disk; close whatever else has it open"
        raise PublishError("TARGET", "cannot be opened as a DuckDB file", remedy) from None
    try:
        with connection:
            connection.begin()
            yield DuckDB(connection)
    except BaseException as error:
        if new:
            _remove(path)
        if not isinstance(error, duckdb.Error):
            raise
        remedy = "free space, close other connections, and load again"
        raise PublishError("TARGET", f"refused a statement ({type(error).__name__})", remedy) from None


def _remove(path: str) -> None:
    """Remove a file that was made for what was refused, and what DuckDB puts beside it."""
    for left in (path, f"{path}.wal"):
        with suppress(OSError, ValueError):
            Path(left).unlink(missing_ok=True)
