"""Loading a release: every table into a new one beside the old, then all of them switched in the same transaction.

Whoever reads meanwhile sees the release before or this one, each whole. If anything fails, or the process is killed,
the database is as it was: there is nothing to clean up, as nothing was committed.

In the schema are then, of each published table ``T``::

    T                 its rows, with run_id before them
    latest_T          a view of it: what readers should use, and be granted
    releases_loaded   one row a load: the release, its hashes, the time, the contract of its tables
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synth_spark.errors import PublishError
from synth_spark.exports.warehouse.contract import VERSION, Contract, TableContract, contract_of, evolves
from synth_spark.exports.warehouse.database import Database, check_schema, connected
from synth_spark.exports.warehouse.names import LONGEST, free_name, name_of
from synth_spark.exports.warehouse.rows import contracted
from synth_spark.exports.warehouse.statements import comments, create_table, create_view, identifier, literal
from synth_spark.publish.column_notes import notes_of
from synth_spark.publish.published_release import PublishedRelease

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: The table of loads.
LOADS = "releases_loaded"
_LOADS_COLUMNS = {
    "number": ("bigint NOT NULL PRIMARY KEY", "1, 2, … in the order of loading; the greatest is what latest_… show"),
    "run_id": ("text NOT NULL", "name of the release"),
    "loaded_at": ("timestamp with time zone NOT NULL", "when its load began"),
    "published_at": ("text NOT NULL", "when it was published, ISO 8601"),
    "contract_version": ("integer NOT NULL", "version of the contract of the tables"),
    "content_hashes": ("text NOT NULL", "JSON: published table → hash of its content"),
    "contract": ("text NOT NULL", "JSON: tables and columns, their types, and what they were called"),
}


@dataclass(frozen=True)
class Loaded:
    """What a load did.

    Attributes:
        run_id: name of the release.
        schema: where it is.
        rows: table of the database → rows; of a load that was not needed, none.
        new: whether anything was loaded.
    """

    run_id: str
    schema: str
    rows: dict[str, int]
    new: bool


def load(
    release: PublishedRelease, target: str, schema: str | None = None, spark: "SparkSession | None" = None
) -> Loaded:
    """Load a release; nothing happens if it is the one that was loaded last.

    Args:
        release: the release; its files are checked first.
        target: ``postgresql://…`` or ``duckdb:PATH``.
        schema: where its tables go; default: ``public``, in DuckDB ``main``.
        spark: a session with Delta; needed for slices of Delta tables only.

    Raises:
        PlanError: the target or the schema is not understood.
        EngineError: a library is missing.
        PublishError: the release is damaged, would break readers, would replace what is not synth-spark's, or was
            refused by the database; what was loaded before is as it was.
    """
    chosen = None if schema is None else check_schema(schema)
    release.verify()
    with connected(target) as database:
        where = chosen or database.default_schema
        database.await_turn(where)
        return _load(release, database, where, spark)


def _load(release: PublishedRelease, database: Database, schema: str, spark: "SparkSession | None") -> Loaded:
    _prepare(database, schema)
    hashes = {name: entry["content_hash"] for name, entry in release.manifest["tables"].items()}
    last = _last_load(database, schema)
    if last is not None and last.run_id == release.run_id:
        if last.hashes == hashes:
            return Loaded(release.run_id, schema, {}, new=False)
        problem = "was loaded with another content"
        raise PublishError(f"release '{release.run_id}'", problem, "publish under a name of its own")
    contract = contract_of(release.manifest, notes_of(release, spark), last.contract if last else None)
    if last is not None:
        _check_evolution(last.contract, contract)
    there = _relations(database, schema)
    loaded = {table.name for table in last.contract.tables} if last else set()
    ours = loaded | {_view_of(name) for name in loaded}
    for table in contract.tables:
        for name in (table.name, _view_of(table.name)):
            if name in there - ours:
                problem, remedy = "is there already and was not loaded by synth-spark", "choose another --schema"
                raise PublishError(f"table {schema}.{name}", problem, remedy)
    taken = there | {LOADS}
    new = [free_name(f"{table.name}__{name_of(release.run_id)}"[:LONGEST], taken) for table in contract.tables]
    rows = {
        table.name: _fill(release, database, (schema, name), table, spark)
        for name, table in zip(new, contract.tables, strict=True)
    }
    switch_tables(database, schema, list(zip(new, contract.tables, strict=True)), there)
    record_load(database, schema, release, hashes, contract)
    database.commit()
    return Loaded(release.run_id, schema, rows, new=True)


@dataclass(frozen=True)
class _Last:
    run_id: str
    hashes: dict[str, str]
    contract: Contract


def _prepare(database: Database, schema: str) -> None:
    """Make the schema and the table of loads, where they are not."""
    if not database.fetch("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", schema):
        database.fetch(f"CREATE SCHEMA {identifier(schema)}")
    if LOADS in _relations(database, schema):
        return
    columns = ", ".join(f"{identifier(name)} {kind}" for name, (kind, _) in _LOADS_COLUMNS.items())
    database.fetch(f"CREATE TABLE {identifier(schema, LOADS)} ({columns})")
    database.fetch(f"COMMENT ON TABLE {identifier(schema, LOADS)} IS {literal('one row a load of a release')}")
    for name, (_, meaning) in _LOADS_COLUMNS.items():
        database.fetch(f"COMMENT ON COLUMN {identifier(schema, LOADS, name)} IS {literal(meaning)}")


def _last_load(database: Database, schema: str) -> _Last | None:
    table = identifier(schema, LOADS)
    columns = "run_id, content_hashes, contract_version, contract"
    rows = database.fetch(f"SELECT {columns} FROM {table} ORDER BY number DESC LIMIT 1")  # noqa: S608
    if not rows:
        return None
    run_id, hashes, version, contract = rows[0]
    if version > VERSION:
        raise PublishError("TARGET", f"was loaded by contract {version}, newer than {VERSION}", "update synth-spark")
    return _Last(run_id, json.loads(hashes), Contract.load(contract))


def _check_evolution(old: Contract, new: Contract) -> None:
    problems = evolves(old, new)
    if problems:
        every = "; ".join(problems)
        raise PublishError("release", f"would break who reads the one before: {every}", "load it into another --schema")


def _relations(database: Database, schema: str) -> set[str]:
    """Names of the tables and views of a schema."""
    sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = $1"
    return {str(name) for (name,) in database.fetch(sql, schema)}


def _fill(
    release: PublishedRelease,
    database: Database,
    where: tuple[str, str],
    table: TableContract,
    spark: "SparkSession | None",
) -> int:
    """Make a new table and fill it."""
    database.fetch(create_table(*where, table, database.dialect))
    batches = release.batches(table.header, spark)
    database.ingest(*where, contracted(batches, table, release.run_id))
    counted = int(database.fetch(f"SELECT count(*) FROM {identifier(*where)}")[0][0])  # noqa: S608
    expected = release.manifest["tables"][table.header]["rows"]
    if counted != expected:
        problem = f"arrived with {counted:,} rows of {expected:,}"
        raise PublishError(f"table {table.header}", problem, "check it: synth-spark validate RUN")
    for statement in comments(*where, table):
        database.fetch(statement)
    return counted


def switch_tables(database: Database, schema: str, new: Sequence[tuple[str, TableContract]], there: set[str]) -> None:
    """Put the new tables in the place of the old ones, and turn the views to them; then drop the old ones."""
    replaced = [name for _, table in new for name in (_view_of(table.name), table.name) if name in there]
    database.lock(schema, replaced)
    taken = there | {name for name, _ in new}
    old = []
    for filled, table in new:
        view = _view_of(table.name)
        if table.name in there:
            away = free_name(f"{table.name}__before"[:LONGEST], taken)
            database.fetch(f"ALTER TABLE {identifier(schema, table.name)} RENAME TO {identifier(away)}")
            old.append(away)
        database.fetch(f"ALTER TABLE {identifier(schema, filled)} RENAME TO {identifier(table.name)}")
        database.fetch(create_view(schema, view, table.name, table.names))
        for statement in comments(schema, view, table, "VIEW"):
            database.fetch(statement)
    for name in old:
        database.fetch(f"DROP TABLE {identifier(schema, name)}")


def _view_of(table: str) -> str:
    return f"latest_{table}"[:LONGEST]


def record_load(
    database: Database, schema: str, release: PublishedRelease, hashes: dict[str, str], contract: Contract
) -> None:
    """Add a row to the table of loads."""
    table, names = identifier(schema, LOADS), ", ".join(map(identifier, _LOADS_COLUMNS))
    number = int(database.fetch(f"SELECT coalesce(max(number), 0) + 1 FROM {table}")[0][0])  # noqa: S608
    values: list[Any] = [number, release.run_id, str(release.manifest["published"]), contract.version]
    values += [json.dumps(hashes, sort_keys=True), contract.dump()]
    marks = "$1, $2, current_timestamp, $3, $4, $5, $6"
    database.fetch(f"INSERT INTO {table} ({names}) VALUES ({marks})", *values)  # noqa: S608
