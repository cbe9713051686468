"""Tables of a catalog that follow a published root.

A catalog knows no transaction over several tables. So the root decides, by its commits: a release is written to the
catalog once it is published, table by table, under its name; then the views ``latest_…`` are turned to it, that of the
table ``release`` last. Whoever was killed meanwhile is followed by the next one, who does all of it again: what is
there already is left as it is. Rows of a release that was retired are removed.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from synth_spark.errors import PublishError
from synth_spark.exports.catalog import statements
from synth_spark.exports.catalog.statements import Column
from synth_spark.plan import Catalog
from synth_spark.publish.column_notes import notes_of
from synth_spark.publish.delta import in_order
from synth_spark.publish.delta_log import needs_mapping
from synth_spark.publish.published_release import PublishedRelease, open_release
from synth_spark.runtime.engine_failures import engine_failure
from synth_spark.schema.published_columns import COLUMNS, RUN_ID
from synth_spark.schema.sql_text import quoted
from synth_spark.storage.hashing import content_hash
from synth_spark.storage.paths import checked_name
from synth_spark.storage.root_files import commits_of, read_manifest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SOURCE = "synth_spark_published"
_VIEW = "latest_"
#: What Spark says of a statement that it does not know.
_NO_STATEMENT = ("PARSE_SYNTAX_ERROR", "INVALID_STATEMENT_OR_CLAUSE")


def follow(spark: "SparkSession", root: str, catalog: Catalog) -> list[str]:
    """Let the tables and views of a catalog show what is current in a published root.

    Where another release became current meanwhile, all is done again: of several who do this at once, whoever ends
    last has looked at the commits after the last view was turned.

    Args:
        spark: a session that has the catalog.
        root: the published root.
        catalog: where the tables are, and the terms of their readers. Without tags those of the tables stay.

    Returns:
        Statements that the session does not understand, and that somebody has to make where the catalog keeps rights.

    Raises:
        PublishError: the root has no release; the catalog refuses, or holds something else under these names.
    """
    release, shown, left = open_release(root), list[PublishedRelease](), list[str]()
    while not shown or shown[-1].run_id != release.run_id:
        left = _show(spark, release, catalog)
        shown.append(release)
        release = open_release(root)
    for earlier in shown[:-1]:
        if "retired" in (read_manifest(earlier.root, earlier.run_id) or {}):
            withdraw(spark, earlier.tables, earlier.run_id, catalog)
    return left


def lasts(spark: "SparkSession", catalog: str) -> bool:
    """Whether the tables of a schema outlive a session: those of a catalog in its memory do not.

    Args:
        spark: the session.
        catalog: the schema.
    """
    try:
        kind = spark.conf.get("spark.sql.catalogImplementation")
    except Exception:  # a platform may refuse to tell
        return True
    return kind != "in-memory" or not statements.is_of_session(catalog)


def withdraw(spark: "SparkSession", names: Sequence[str], run_id: str, catalog: Catalog) -> None:
    """Remove the rows of a release that was retired; what is not there is no matter.

    Args:
        spark: a session that has the catalog.
        names: of its tables.
        run_id: its name.
        catalog: where the tables are.

    Raises:
        PublishError: the catalog refuses.
    """
    checked_name(run_id, "release", PublishError)
    with _Refusals(catalog.name) as refusals:
        for name in reversed(in_order(names)):
            refusals.table, table = name, statements.named(catalog.name, name)
            if not spark.catalog.tableExists(f"{catalog.name}.{name}"):
                continue
            try:
                spark.sql(f"DELETE FROM {table} WHERE {RUN_ID} = '{run_id}'")  # noqa: S608
            except PySparkException:  # tables of files have partitions in place of it
                spark.sql(f"ALTER TABLE {table} DROP IF EXISTS PARTITION ({RUN_ID} = '{run_id}')")


class _Refusals:
    """What a catalog refuses, by its condition: its text may quote a value."""

    def __init__(self, catalog: str) -> None:
        self._catalog, self.table = catalog, ""

    def __enter__(self) -> "_Refusals":
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        told = isinstance(error, PySparkException)
        if told or (type(error).__module__.startswith("py4j.") and error is not None and engine_failure(error) is None):
            condition = (error.getCondition() if isinstance(error, PySparkException) else None) or "unknown condition"
            field = f"table {self._catalog}.{self.table}" if self.table else f"schema {self._catalog}"
            remedy = "the release is published; once the catalog takes it: synth-spark resume RUN"
            raise PublishError(field, f"was refused by the catalog ({condition})", remedy) from None


def _columns(release: PublishedRelease, name: str, notes: dict[str, str]) -> list[Column]:
    own = COLUMNS.get(name, {})
    return [
        (one["name"], one["type"], own[one["name"]].meaning if one["name"] in own else notes.get(one["name"], ""))
        for one in release.manifest["tables"][name]["schema"]
    ]


def _show(spark: "SparkSession", release: PublishedRelease, catalog: Catalog) -> list[str]:
    """Write a release to the catalog and turn all views to it; statements that the session does not understand."""
    notes, left = notes_of(release, spark), list[str]()
    with _Refusals(catalog.name) as refusals:
        spark.sql(statements.create_schema(catalog.name))
        for name in in_order(release.tables):
            refusals.table = name
            _write(spark, release, catalog, name, _columns(release, name, notes))
        for name in in_order(release.tables):
            refusals.table = f"{_VIEW}{name}"
            left += _turn(spark, release, catalog, name, _columns(release, name, notes))
    return left


def _write(
    spark: "SparkSession", release: PublishedRelease, catalog: Catalog, name: str, columns: list[Column]
) -> None:
    """Write the rows of a release, unless they are there."""
    entry, table = release.manifest["tables"][name], statements.named(catalog.name, name)
    kind = release.manifest["format"] if statements.is_of_session(catalog.name) else None
    mapped = kind != "parquet" and needs_mapping(column for column, _, _ in columns)
    shown = {statements.ROOT: str(commits_of(release.root).first())}
    properties = shown | ({"delta.columnMapping.mode": "name"} if mapped else {})
    spark.sql(statements.create_table(table, columns, str(entry["grain"]), kind, properties))
    _check_columns(spark, table, name, columns)
    if not shown.items() <= _properties(spark, table).items():
        problem, remedy = "is not one of this published root", "name another schema in output.catalog"
        raise PublishError(f"table {catalog.name}.{name}", problem, remedy)
    _tag(spark, table, "TABLE", catalog.tags)
    if _hash(spark, table, release.run_id, columns) == entry["content_hash"]:
        return
    release.frame(name, spark).createOrReplaceTempView(_SOURCE)
    try:
        spark.sql(statements.write_slice(table, release.run_id, columns, _SOURCE))
    finally:
        spark.catalog.dropTempView(_SOURCE)
    if _hash(spark, table, release.run_id, columns) != entry["content_hash"]:
        problem, remedy = "is not what was published, once it was written", "look at the catalog's log, then resume RUN"
        raise PublishError(f"table {catalog.name}.{name}", problem, remedy)


def _turn(
    spark: "SparkSession", release: PublishedRelease, catalog: Catalog, name: str, columns: list[Column]
) -> list[str]:
    """Turn a view to the rows of a release; grants that the session does not understand."""
    table, view = (statements.named(catalog.name, one) for one in (name, f"{_VIEW}{name}"))
    meaning = f"{release.manifest['tables'][name]['grain']}; of the current release"
    spark.sql(statements.create_view(view, table, release.run_id, columns, meaning))
    _tag(spark, view, "VIEW", catalog.tags or _tags_of(spark, table))
    return [one for one in statements.grants(view, catalog.readers) if not _is_understood(spark, one)]


def _tag(spark: "SparkSession", name: str, kind: str, tags: Mapping[str, str]) -> None:
    """Set tags, as properties where the session does not understand the statement of Unity Catalog."""
    if tags and not _is_understood(spark, statements.set_tags(name, kind, tags)):
        spark.sql(statements.set_properties(name, kind, tags))


def _tags_of(spark: "SparkSession", table: str) -> dict[str, str]:
    """Tags of a table that are its properties."""
    start, properties = statements.TAG, _properties(spark, table)
    return {name.removeprefix(start): value for name, value in properties.items() if name.startswith(start)}


def _properties(spark: "SparkSession", table: str) -> dict[str, str]:
    return {row["key"]: row["value"] for row in spark.sql(f"SHOW TBLPROPERTIES {table}").collect()}


def _is_understood(spark: "SparkSession", statement: str) -> bool:
    """Execute a statement; False if this session has no such statement, whatever it is about."""
    try:
        spark.sql(statement)
    except PySparkException as error:
        if error.getCondition() not in _NO_STATEMENT:
            raise
        return False
    return True


def _check_columns(spark: "SparkSession", table: str, name: str, columns: list[Column]) -> None:
    """Refuse a table of other columns: it holds releases of another form, or is somebody else's."""
    there = [(field.name.lower(), field.dataType.simpleString()) for field in spark.table(table).schema.fields]
    wanted = [(column.lower(), kind) for column, kind, _ in columns if column != RUN_ID] + [(RUN_ID, "string")]
    if sorted(there) != sorted(wanted):
        problem, remedy = "is there with other columns", "name another schema in output.catalog, or drop the table"
        raise PublishError(f"table {name}", problem, remedy)


def _hash(spark: "SparkSession", table: str, run_id: str, columns: list[Column]) -> str:
    rows = spark.table(table).where(F.col(RUN_ID) == run_id)
    return content_hash(rows.select(*(quoted(name) for name, _, _ in columns)))
