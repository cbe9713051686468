"""The same cases from every kind of source, and published in every format, give the same release."""

import json
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from releasing import hashes, kept, kept_hashes, release, started, work_until

from synth_spark import demo
from synth_spark.errors import InputError
from synth_spark.pipeline.run import Run
from synth_spark.plan import Location
from synth_spark.read.locations import open_table
from synth_spark.schema import tables

COLUMNS = ["gender", "ageBroad", "citizenship", "isForcedLabour"]


@pytest.fixture(scope="module")
def frame(spark: SparkSession) -> DataFrame:
    return demo.generate(spark, 300, seed=4).select(*COLUMNS)


@pytest.fixture(scope="module")
def expected(spark: SparkSession, frame: DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of the cases from a Parquet file, up to what is compared here."""
    folder = tmp_path_factory.mktemp("parquet")
    frame.write.parquet(str(folder / "cases.parquet"))
    return work_until(started(spark, folder / "cases.parquet", folder / "out", privacy__k=5), "evaluate")


def assert_reads_the_same(run: Run, expected: Run) -> None:
    """The records, and what is known of their columns: all that later stages know of a source."""
    records = [one.store.manifest["tables"]["records"] for one in (run, expected)]
    assert records[0]["content_hash"] == records[1]["content_hash"]
    assert records[0]["schema"] == records[1]["schema"]
    assert run.fields == expected.fields


@pytest.mark.takes("publishes as Delta")
def test_delta_folder_in_and_delta_tables_out(
    spark: SparkSession, frame: DataFrame, expected: Run, tmp_path: Path
) -> None:
    frame.write.format("delta").save(str(tmp_path / "cases"))
    out = tmp_path / "out"
    one = release(spark, tmp_path / "cases", out, privacy__k=5, output__format="delta", run_id="one")
    assert_reads_the_same(one, expected)
    assert hashes(out) == kept_hashes(expected)
    pointer = json.loads((out / "LATEST.json").read_text())
    assert pointer["run_id"] == "one"
    written = spark.read.format("delta").load(str(out / pointer["tables"]["synthetic_records"]))
    by_run = {row["run_id"]: row["count"] for row in written.groupBy("run_id").count().collect()}
    assert set(by_run) == {"one"}
    manifest = json.loads((out / "_manifests" / "one.json").read_text())
    assert manifest["tables"]["synthetic_records"]["rows"] == by_run["one"]
    assert (out / "aggregates" / "_delta_log").is_dir()


def test_catalog_table_in(spark: SparkSession, frame: DataFrame, expected: Run, tmp_path: Path) -> None:
    frame.createOrReplaceTempView("cases_of_the_test")
    named = {"input__path": None, "privacy__k": 5}
    run = started(spark, tmp_path, tmp_path / "out", input__table="cases_of_the_test", **named)
    assert_reads_the_same(work_until(run, "read"), expected)
    none = started(spark, tmp_path, tmp_path / "none", input__table="no_such_table", **named)
    with pytest.raises(InputError, match="is not a readable table"):
        work_until(none, "read")


def test_a_table_is_found_by_catalog_schema_and_name(spark: SparkSession, frame: DataFrame, tmp_path: Path) -> None:
    """As Unity Catalog names tables."""
    name = "spark_catalog.default.cases_of_the_catalog"
    frame.write.format("parquet").option("path", str(tmp_path / "table")).saveAsTable(name)
    try:
        opened = open_table(spark, Location(table=name))
        assert opened.names == tuple(frame.columns)
        assert opened.frame.count() == frame.count()
    finally:
        spark.sql(f"DROP TABLE {name}")


def test_a_folder_of_csv_files_in(spark: SparkSession, frame: DataFrame, expected: Run, tmp_path: Path) -> None:
    frame.repartition(3).write.option("header", True).csv(str(tmp_path / "cases"))
    run = started(spark, tmp_path / "cases", tmp_path / "out", input__format="csv", privacy__k=5)
    assert_reads_the_same(work_until(run, "read"), expected)


def test_numbers_and_dates_are_read_as_their_text(spark: SparkSession, tmp_path: Path) -> None:
    typed = spark.range(40).selectExpr("id % 2 AS flag", "id % 2 = 0 AS even", "date '2026-01-01' AS day", "1.5D AS x")
    typed.write.parquet(str(tmp_path / "typed.parquet"))
    settings = {"privacy__k": 5, "input__sensitive_zeros": ["even"]}
    run = started(spark, tmp_path / "typed.parquet", tmp_path / "out", **settings)
    made = kept(work_until(run, "synthesize"), tables.SYNTHETIC_RECORDS)
    assert made["flag"].value_counts().to_dict() == {"1": 20}
    assert made["even"].value_counts().to_dict() == {"true": 20, "false": 20}
    assert made["day"].value_counts().to_dict() == {"2026-01-01": 40}
    assert made["x"].value_counts().to_dict() == {"1.5": 40}


def test_nested_columns_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    spark.range(20).selectExpr("'a' AS a", "map('x', 1) AS list").write.parquet(str(tmp_path / "nested.parquet"))
    with pytest.raises(InputError, match="column 'list': holds nested"):
        release(spark, tmp_path / "nested.parquet", tmp_path / "out", privacy__k=5)
