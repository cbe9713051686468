"""The same cases from every kind of source, and published in every format, give the same release."""

import json
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from releasing import hashes, published, release

from synth_spark import demo
from synth_spark.errors import InputError
from synth_spark.plan import Location
from synth_spark.read.locations import open_table

COLUMNS = ["gender", "ageBroad", "citizenship", "isForcedLabour"]


@pytest.fixture(scope="module")
def frame(spark: SparkSession) -> DataFrame:
    return demo.generate(spark, 300, seed=4).select(*COLUMNS)


@pytest.fixture(scope="module")
def expected(spark: SparkSession, frame: DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("parquet")
    frame.write.parquet(str(folder / "cases.parquet"))
    release(spark, folder / "cases.parquet", folder / "out", privacy__k=5)
    return hashes(folder / "out")


def test_delta_folder_in_and_delta_tables_out(
    spark: SparkSession, frame: DataFrame, expected: dict[str, str], tmp_path: Path
) -> None:
    frame.write.format("delta").save(str(tmp_path / "cases"))
    out = tmp_path / "out"
    release(spark, tmp_path / "cases", out, privacy__k=5, output__format="delta", run_id="one")
    assert hashes(out) == expected
    release(spark, tmp_path / "cases", out, privacy__k=5, output__format="delta", run_id="two", seed=9)
    pointer = json.loads((out / "LATEST.json").read_text())
    assert pointer["run_id"] == "two"
    written = spark.read.format("delta").load(str(out / pointer["tables"]["synthetic_records"]))
    by_run = {row["run_id"]: row["count"] for row in written.groupBy("run_id").count().collect()}
    assert set(by_run) == {"one", "two"}
    manifest = json.loads((out / "_manifests" / "one.json").read_text())
    assert manifest["tables"]["synthetic_records"]["rows"] == by_run["one"]
    assert (out / "aggregates" / "_delta_log").is_dir()


def test_catalog_table_in(spark: SparkSession, frame: DataFrame, expected: dict[str, str], tmp_path: Path) -> None:
    frame.createOrReplaceTempView("cases_of_the_test")
    release(spark, tmp_path, tmp_path / "out", input__path=None, input__table="cases_of_the_test", privacy__k=5)
    assert hashes(tmp_path / "out") == expected
    with pytest.raises(InputError, match="is not a readable table"):
        release(spark, tmp_path, tmp_path / "none", input__path=None, input__table="no_such_table", privacy__k=5)


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


def test_a_folder_of_csv_files_in(
    spark: SparkSession, frame: DataFrame, expected: dict[str, str], tmp_path: Path
) -> None:
    frame.repartition(3).write.option("header", True).csv(str(tmp_path / "cases"))
    release(spark, tmp_path / "cases", tmp_path / "out", input__format="csv", privacy__k=5)
    assert hashes(tmp_path / "out") == expected


def test_numbers_and_dates_are_read_as_their_text(spark: SparkSession, tmp_path: Path) -> None:
    typed = spark.range(40).selectExpr("id % 2 AS flag", "id % 2 = 0 AS even", "date '2026-01-01' AS day", "1.5D AS x")
    typed.write.parquet(str(tmp_path / "typed.parquet"))
    release(spark, tmp_path / "typed.parquet", tmp_path / "out", privacy__k=5, input__sensitive_zeros=["even"])
    made = published(tmp_path / "out", "synthetic_records")
    assert made["flag"].value_counts().to_dict() == {"1": 20}
    assert made["even"].value_counts().to_dict() == {"true": 20, "false": 20}
    assert made["day"].value_counts().to_dict() == {"2026-01-01": 40}
    assert made["x"].value_counts().to_dict() == {"1.5": 40}


def test_nested_columns_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    spark.range(20).selectExpr("'a' AS a", "map('x', 1) AS list").write.parquet(str(tmp_path / "nested.parquet"))
    with pytest.raises(InputError, match="column 'list': holds nested"):
        release(spark, tmp_path / "nested.parquet", tmp_path / "out", privacy__k=5)
