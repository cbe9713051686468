"""A release's slice of Delta tables in a folder of this machine: written once, checked, removed.

Delta commits one table at a time, and knows no transaction over several. So the table ``release`` is written last, and
its row is the commit: whoever reads other tables by the ``run_id`` of a row there, or by ``LATEST.json``, never sees a
slice of a publication that was torn.

Delta and Parquet refuse some characters in names of columns. A table that has such a name is written with Delta's
column mapping, and no other table is: several readers cannot read mapped columns, and one reads them as null without an
error (``docs/delta.md``). A table that an earlier version has mapped stays mapped. In a store, releases share no table:
`delta_log`.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synth_spark.errors import PublishError
from synth_spark.publish.delta_log import needs_mapping
from synth_spark.schema.sql_text import quoted
from synth_spark.schema.tables import RELEASE, SafeTable
from synth_spark.storage.hashing import content_hash
from synth_spark.storage.paths import checked_name, is_name


def in_order(names: Iterable[str]) -> list[str]:
    """Tables in the order in which they are written: the one whose row is the commit comes last."""
    return sorted(names, key=lambda name: name == RELEASE.name)


def check_columns(spark: SparkSession, root: Path, name: str, columns: Mapping[str, str]) -> None:
    """Refuse, before any work, a table of columns that Delta would refuse in the end.

    Args:
        spark: a session with Delta.
        root: the published root.
        name: of the table; one that is not there yet takes any columns.
        columns: some of its columns, name → type as Spark writes it.

    Raises:
        PublishError: the table that is there lacks one, or has it with another type.
    """
    if not (root / name / "_delta_log").is_dir():
        return
    try:
        schema = spark.read.format("delta").load(str(root / name)).schema
    except PySparkException as error:
        raise _refused(name, error) from None
    there = {field.name.lower(): field.dataType.simpleString() for field in schema.fields}
    for column, kind in columns.items():
        if there.get(column.lower()) != kind:
            problem = f"has no column '{column}' of this type in {root}, and Delta adds none"
            raise PublishError(f"table {name}", problem, "publish tables of other columns to a folder of their own")


def write_slice(table: SafeTable, root: Path, run_id: str) -> bool:
    """Write the slice of a run, and compare it with what was audited.

    A slice that was written before is left as it is: the transaction's id tells Delta. One that was removed since, or
    is of other content, is written anew.

    Returns:
        Whether columns of the table are mapped, by this version or an earlier one.

    Raises:
        PublishError: Delta refuses, or what is there then is not what was audited.
    """
    kept = table.kept
    path, names = str(root / kept.table.name), kept.frame.columns
    frame = kept.frame if "run_id" in names else kept.frame.withColumn("run_id", F.lit(run_id))
    once = {"txnAppId": f"synth-spark/{run_id}/{kept.table.name}", "txnVersion": "1"}
    for options in (once, {}):
        try:
            _writer(frame, run_id).options(**options).save(path)
            written = content_hash(_slice(frame.sparkSession, path, run_id).select(*map(quoted, names)))
            if written == kept.content_hash:
                return _is_mapped(frame.sparkSession, path)
        except PySparkException as error:
            raise _refused(kept.table.name, error) from None
    problem = "is not what was audited, once it was written"
    raise PublishError(f"table {kept.table.name}", problem, "publish again: synth-spark resume RUN")


def remove_slices(spark: SparkSession, root: Path, run_id: str, names: Sequence[str]) -> None:
    """Remove what tables hold of a run, first the row that says it is published; what is not there is no matter.

    Older versions of the tables still hold it, until they are vacuumed.

    Raises:
        PublishError: Delta refuses, or something has no name that may be part of a path.
    """
    for name in reversed(in_order(names)):
        path = root / checked_name(name, "table", PublishError)
        if not (path / "_delta_log").is_dir():
            continue
        try:
            rows = _slice(spark, str(path), run_id)
            if not rows.isEmpty():
                _writer(rows.limit(0), run_id).save(str(path))
        except PySparkException as error:
            raise _refused(name, error) from None


def slices(spark: SparkSession, root: Path) -> dict[str, list[str]]:
    """Run ids that Delta tables of a root hold something of → names of these tables."""
    tables: dict[str, list[str]] = {}
    for log in sorted(path for path in root.glob("*/_delta_log") if is_name(path.parent.name)):
        rows = spark.read.format("delta").load(str(log.parent)).select("run_id").distinct().collect()
        for row in rows:
            tables.setdefault(row["run_id"], []).append(log.parent.name)
    return tables


def _writer(frame: DataFrame, run_id: str) -> Any:
    checked_name(run_id, "release", PublishError)  # it becomes part of a condition
    writer = (
        frame.write.format("delta")
        .mode("overwrite")
        .partitionBy("run_id")
        .option("replaceWhere", f"run_id = '{run_id}'")
    )
    return writer.option("delta.columnMapping.mode", "name") if needs_mapping(frame.columns) else writer


def _is_mapped(spark: SparkSession, path: str) -> bool:
    """Whether columns of a Delta table are mapped."""
    (detail,) = spark.sql(f"DESCRIBE DETAIL delta.{quoted(path)}").select("properties").collect()
    properties: dict[str, str] = detail["properties"] or {}
    return properties.get("delta.columnMapping.mode", "none") != "none"


def _slice(spark: SparkSession, path: str, run_id: str) -> DataFrame:
    return spark.read.format("delta").load(path).where(F.col("run_id") == run_id)


def _refused(name: str, error: PySparkException) -> PublishError:
    """Delta's refusal by its condition: its text may quote values."""
    condition = error.getCondition() or "unknown condition"
    remedy = "publish tables of other columns to a folder of their own"
    return PublishError(f"table {name}", f"was refused by Delta ({condition})", remedy)
