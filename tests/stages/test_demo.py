"""The generator of invented cases: reproducible row by row, and shaped like case data."""

import csv
import gzip
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.functions import spark_partition_id

from synth_spark import demo
from synth_spark.errors import PlanError


@pytest.fixture(scope="module")
def cases(spark: SparkSession) -> pd.DataFrame:
    """20,000 cases of seed 1."""
    return demo.generate(spark, 20_000, seed=1).toPandas()


def test_columns_are_strings_of_the_declared_values(spark: SparkSession, cases: pd.DataFrame) -> None:
    assert demo.generate(spark, 1, seed=1).schema == demo.SCHEMA
    assert len(cases) == 20_000
    for column, values in demo.VALUES.items():
        assert set(cases[column].dropna()) <= set(values), column
        assert cases[column].notna().any(), column


@pytest.mark.parametrize("partitions", [1, 7])
def test_rows_depend_neither_on_partitions_nor_on_number(
    spark: SparkSession, cases: pd.DataFrame, partitions: int
) -> None:
    fewer = demo.generate(spark, 3_000, seed=1, partitions=partitions)
    assert fewer.select(spark_partition_id()).distinct().count() == partitions
    pd.testing.assert_frame_equal(fewer.toPandas(), cases.head(3_000))


def test_cases_in_memory_are_the_same(cases: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(demo.cases(3_000, seed=1).to_pandas(), cases.head(3_000))


def test_another_seed_gives_other_cases(spark: SparkSession, cases: pd.DataFrame) -> None:
    other = demo.generate(spark, 3_000, seed=2).toPandas()
    alike = (other.fillna("") == cases.head(3_000).fillna("")).all(axis=1).mean()
    assert alike < 0.05


def test_types_only_with_their_exploitation(cases: pd.DataFrame) -> None:
    for types, parent in ((demo.LABOUR, "isForcedLabour"), (demo.SEX, "isSexualExploit")):
        typed = cases[list(types)].notna().any(axis=1)
        assert typed.any()
        assert cases.loc[typed, parent].notna().all()


def test_exploitation_depends_on_citizenship(cases: pd.DataFrame) -> None:
    known = cases.dropna(subset=["citizenship", "CountryOfExploitation"])
    overall = known["CountryOfExploitation"].value_counts(normalize=True).max()
    by_citizenship = known.groupby("citizenship")["CountryOfExploitation"].agg(lambda to: to.value_counts().max()).sum()
    assert by_citizenship / len(known) > 3 * overall


def test_cases_are_sparse_and_repeat_with_a_rare_tail(cases: pd.DataFrame) -> None:
    copies = cases.fillna("").value_counts()
    assert 0.30 <= len(copies) / len(cases) <= 0.50
    assert copies[copies == 1].sum() / len(cases) >= 0.05
    assert 8 <= cases.notna().sum(axis=1).mean() <= 10
    places = cases.value_counts(["citizenship", "CountryOfExploitation"])
    assert places[places < 10].sum() / len(cases) >= 0.01
    assert 0.15 <= cases["ageBroad"].isna().mean() <= 0.40
    assert cases["traffickMonths"].isna().mean() >= 0.70


@pytest.mark.parametrize("name", ["cases.csv", "new folder/cases.csv.gz"])
def test_write_csv_makes_one_file_and_nothing_else(
    spark: SparkSession, cases: pd.DataFrame, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    for rows in (1, 500):  # the second replaces the first
        demo.write_csv(spark, path, rows, seed=1)
    content = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    header, *records = csv.reader(content.decode().splitlines())
    assert tuple(header) == demo.COLUMNS
    assert records == cases.head(500).fillna("").to_numpy().tolist()
    assert list(path.parent.iterdir()) == [path]


def test_refusals_name_the_field_and_leave_nothing(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="rows"):
        demo.generate(spark, 0, seed=1)
    with pytest.raises(PlanError, match="rows"):
        demo.write_csv(spark, tmp_path / "cases.csv", 0, seed=1)
    with pytest.raises(PlanError, match="csv"):
        demo.write_csv(spark, tmp_path / "cases.parquet", 1, seed=1)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(PlanError, match="folder"):
        demo.write_csv(spark, tmp_path / "folder.csv", 1, seed=1)
    assert [left.name for left in tmp_path.iterdir()] == ["folder.csv"]
