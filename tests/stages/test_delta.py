"""Published Delta tables, as other readers of Delta read them; columns are mapped only where a name needs it."""

import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake.exceptions import DeltaProtocolError
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from synth_spark.errors import PublishError
from synth_spark.pipeline.run import Run
from synth_spark.plan import parse
from synth_spark.publish.copying import copied
from synth_spark.publish.delta import write_slice
from synth_spark.publish.delta_log import needs_mapping, put_log
from synth_spark.publish.published_release import open_release
from synth_spark.schema import tables
from synth_spark.schema.sql_text import quoted
from synth_spark.schema.tables import Kept, SafeTable
from synth_spark.storage.places import place
from synth_spark.storage.run_store import RunStore

ROOT = Path(__file__).parents[2]
Rows = list[tuple[Any, ...]]


def _plain(cell: object) -> object:
    """A cell as Python has it, whatever the library that read it: a list for an array, None for what is absent."""
    if isinstance(cell, list | np.ndarray):
        return [_plain(one) for one in cell]
    if isinstance(cell, np.generic):
        cell = cell.item()
    return None if cell is None or cell != cell else cell


def cells(rows: Iterable[dict[str, Any]], columns: list[str], run_id: str | None = None) -> Rows:
    """The rows of a release, in an order of their own; without a name all rows."""
    found = [tuple(_plain(row[name]) for name in columns) for row in rows if run_id in (None, row.get("run_id"))]
    return sorted(found, key=repr)


def by_spark(path: str, spark: SparkSession) -> list[dict[str, Any]]:
    return spark.read.format("delta").load(path).toArrow().to_pylist()


def by_deltalake_pandas(path: str, _: SparkSession) -> list[dict[str, Any]]:
    return deltalake.DeltaTable(path).to_pandas(types_mapper=pa_dtypes).to_dict("records")


def pa_dtypes(kind: pa.DataType) -> Any:
    """Whole numbers stay whole numbers where some are absent."""
    return {pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype()}.get(kind)


def by_deltalake_arrow(path: str, _: SparkSession) -> list[dict[str, Any]]:
    return deltalake.DeltaTable(path).to_pyarrow_table().to_pylist()


def by_duckdb(path: str, _: SparkSession) -> list[dict[str, Any]]:
    """Through deltalake's data set: DuckDB's own extension for Delta is no package, and cannot be had here."""
    found = deltalake.DeltaTable(path).to_pyarrow_dataset()
    return duckdb.from_arrow(found).to_arrow_table().to_pylist()


def by_polars(path: str, _: SparkSession) -> list[dict[str, Any]]:
    """A copy with a plain name: Polars takes brackets in the name of a folder for a pattern."""
    with tempfile.TemporaryDirectory() as folder:
        return pl.read_delta(shutil.copytree(path, Path(folder) / "table")).to_dicts()


READERS: dict[str, Callable[[str, SparkSession], list[dict[str, Any]]]] = {
    "Spark": by_spark,
    "deltalake, pandas": by_deltalake_pandas,
    "deltalake, Arrow": by_deltalake_arrow,
    "DuckDB": by_duckdb,
    "Polars": by_polars,
}


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_reads_the_cells_that_were_published(
    reader: str, spark: SparkSession, explored: dict[str, Run]
) -> None:
    """Those of all tables, lists and what is absent among them, are those of the run's audited tables."""
    run = explored["delta"]
    release = open_release(Path(run.plan.output.path))
    assert {"synthetic_records", "synthetic_indicators", "aggregate_attributes", "release"} <= set(release.tables)
    for name in release.tables:
        kept = pq.read_table(run.store.folder / "tables" / name)
        columns = [column["name"] for column in release.manifest["tables"][name]["schema"]]
        expected = cells([{"run_id": release.run_id, **row} for row in kept.to_pylist()], columns, release.run_id)
        assert len(expected) == release.manifest["tables"][name]["rows"]
        assert (
            cells(READERS[reader](release.root.below(name).spark_address, spark), columns, release.run_id) == expected
        ), name


def with_log(kept: Kept, folder: Path) -> str:
    """A table as a store has it, in a folder of that name of this machine: its files, and a log beside them."""
    there = place(str(folder / kept.table.name / "run_id=One"))
    put_log(kept, there, copied(kept, there), "One", "2026-12-01T00:00:00+00:00")
    return there.spark_address


@pytest.fixture(scope="module")
def logged(explored: dict[str, Run], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Tables of a release, as a store has them: lists and what is absent among them."""
    folder, run = tmp_path_factory.mktemp("logged"), explored["parquet"]
    names = ("synthetic_records", "aggregate_attributes", "release")
    return {name: with_log(run.kept(getattr(tables, name.upper())), folder) for name in names}


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_reads_a_table_that_is_one_release_s(
    reader: str, spark: SparkSession, explored: dict[str, Run], logged: dict[str, str]
) -> None:
    for name, path in logged.items():
        kept = explored["parquet"].kept(getattr(tables, name.upper()))
        expected = cells(kept.arrow().to_pylist(), kept.columns)
        assert len(expected) == kept.rows > 0
        assert cells(READERS[reader](path, spark), kept.columns) == expected, name


@pytest.mark.parametrize("mark", " ,;{}()\n\t=")
def test_a_character_that_delta_refuses_is_known(mark: str) -> None:
    assert needs_mapping(["plain", f"a{mark}b"])


def one_of(spark: SparkSession, folder: Path, run_id: str, name: str, more: bool = True) -> SafeTable:
    """A table of two rows that may be published, with a column of a name."""
    store = RunStore.create(parse({"input": {"path": "x.csv"}, "work": str(folder), "run_id": run_id}))
    rows = pa.table({**({name: ["x", None]} if more else {}), "protected_count": pa.array([10, 20], pa.int64())})
    return SafeTable(store.keep(spark, tables.AGGREGATES, store.write_rows(tables.AGGREGATES, rows)))


def slice_of(spark: SparkSession, root: Path, run_id: str, name: str) -> list[Any]:
    rows = spark.read.format("delta").load(str(root / "aggregates")).where(F.col("run_id") == run_id)
    return sorted((row[0] for row in rows.select(quoted(name)).collect()), key=str)


def test_a_table_is_mapped_once_a_name_needs_it_and_stays_so(spark: SparkSession, tmp_path: Path) -> None:
    root, name = tmp_path / "out", "year of birth"
    assert write_slice(one_of(spark, tmp_path, "one", name), root, "one")
    assert write_slice(one_of(spark, tmp_path, "two", name, more=False), root, "two")  # no name needs it any more
    assert slice_of(spark, root, "one", name) == [None, "x"]
    assert slice_of(spark, root, "two", name) == [None, None]
    assert slice_of(spark, root, "two", "protected_count") == [10, 20]


def test_a_table_that_an_earlier_version_mapped_goes_on(spark: SparkSession, tmp_path: Path) -> None:
    root = tmp_path / "out"
    before = one_of(spark, tmp_path, "one", "birth").kept.frame.withColumn("run_id", F.lit("one"))
    mapped = before.write.format("delta").partitionBy("run_id").option("delta.columnMapping.mode", "name")
    mapped.save(str(root / "aggregates"))
    assert write_slice(one_of(spark, tmp_path, "two", "birth"), root, "two")
    assert [slice_of(spark, root, run, "birth") for run in ("one", "two")] == [[None, "x"]] * 2


def test_a_table_without_mapping_stays_so_and_refuses_a_name_that_needs_it(spark: SparkSession, tmp_path: Path) -> None:
    """Whoever reads the releases before goes on reading them."""
    root = tmp_path / "out"
    for run_id in ("one", "two"):
        assert not write_slice(one_of(spark, tmp_path, run_id, "birth"), root, run_id)
    with pytest.raises(PublishError, match="publish tables of other columns to a folder of their own"):
        write_slice(one_of(spark, tmp_path, "three", "year of birth"), root, "three")
    for run_id in ("one", "two"):
        found = cells(by_deltalake_arrow(str(root / "aggregates"), spark), ["birth"], run_id)
        assert found == [("x",), (None,)]


def test_what_is_documented_of_mapped_tables_is_so(spark: SparkSession, tmp_path: Path) -> None:
    """Once a reader reads them otherwise, docs/delta.md has to be told."""
    root = tmp_path / "out"
    assert write_slice(one_of(spark, tmp_path, "one", "a b"), root, "one")
    path = str(root / "aggregates")
    right, absent = [("x",), (None,)], [(None,), (None,)]
    assert cells(by_spark(path, spark), ["a b"], "one") == right
    for reader in (by_deltalake_pandas, by_deltalake_arrow, by_duckdb):
        assert cells(reader(path, spark), ["a b"], "one") == absent
    table = deltalake.DeltaTable(path)
    asked = deltalake.QueryBuilder().register("t", table).execute('SELECT "a b", run_id FROM t').read_all()
    assert cells(pa.table(asked).to_pylist(), ["a b"], "one") == right
    with pytest.raises(DeltaProtocolError, match="which polars does not support"):
        by_polars(path, spark)
    own = with_log(one_of(spark, tmp_path, "two", "a b").kept, tmp_path / "store")
    for reader in (by_spark, by_deltalake_pandas, by_deltalake_arrow, by_duckdb):
        assert cells(reader(own, spark), ["a b"]) == right
    with pytest.raises(DeltaProtocolError, match="which polars does not support"):
        by_polars(own, spark)
    text = (ROOT / "docs" / "delta.md").read_text(encoding="utf-8")
    for library in (deltalake, pl, duckdb):
        assert library.__version__ in text, library.__name__
