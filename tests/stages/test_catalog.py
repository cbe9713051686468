"""Tables of a catalog that follow a published root: each release under its name, views of the current one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from publishing import place
from pyspark.sql import SparkSession

from synth_spark.cli.main import main
from synth_spark.errors import PlanError, PublishError
from synth_spark.exports import catalog
from synth_spark.exports.catalog import statements
from synth_spark.plan import Catalog, parse
from synth_spark.publish import lifecycle
from synth_spark.publish.published_release import open_release
from synth_spark.storage.hashing import content_hash

SHOWN = Catalog("published_cases")


@pytest.fixture
def out(spark: SparkSession, tmp_path: Path) -> Iterator[Path]:
    """A root of two releases, whose manifests name a catalog."""
    for name, count in (("one", 20), ("two", 30)):
        placed(spark, tmp_path / "out", name, count)
    yield tmp_path / "out"
    spark.sql(f"DROP DATABASE IF EXISTS {SHOWN.name} CASCADE")


def placed(spark: SparkSession, out: Path, name: str, count: int) -> None:
    """A release as one that is shown in a catalog, with the hashes of its tables."""
    root = place(out, name, {"a:x": count, "a:x;b:y": 10}, title="Cases")
    release = open_release(out, name)
    for table, entry in release.manifest["tables"].items():
        entry["content_hash"] = content_hash(release.frame(table, spark))
    root.write_manifest({**release.manifest, "catalog": SHOWN.name})


def counts(spark: SparkSession) -> list[tuple[str, int]]:
    rows = spark.table(f"{SHOWN.name}.latest_aggregates").collect()
    return sorted((row["selections"], row["protected_count"]) for row in rows)


def releases(spark: SparkSession) -> list[str]:
    return sorted(
        row["run_id"] for row in spark.table(f"{SHOWN.name}.aggregates").select("run_id").distinct().collect()
    )


def test_a_catalog_follows_a_root(spark: SparkSession, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    catalog.follow(spark, str(out), SHOWN)
    assert counts(spark) == [("a:x", 30), ("a:x;b:y", 10)]
    assert releases(spark) == ["two"]
    assert main(["releases", "rollback", str(out), "one"]) == 0
    assert counts(spark) == [("a:x", 20), ("a:x;b:y", 10)]
    assert releases(spark) == ["one", "two"]
    assert main(["releases", "retire", str(out), "two"]) == 0
    assert releases(spark) == ["one"]
    assert counts(spark) == [("a:x", 20), ("a:x;b:y", 10)]
    told = spark.sql(f"DESCRIBE {SHOWN.name}.latest_aggregates").collect()
    meaning = "protected count of the records that hold the combination"
    assert meaning in [row["comment"] for row in told if row["col_name"] == "protected_count"]
    told = spark.sql(f"DESCRIBE EXTENDED {SHOWN.name}.aggregates").collect()
    assert "one row of aggregates" in [row["data_type"] for row in told if row["col_name"] == "Comment"]
    assert capsys.readouterr().err == ""


def test_what_was_killed_halfway_is_followed_by_whoever_comes_next(
    spark: SparkSession, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Views are turned once all tables are there; until then readers see the release before."""
    lifecycle.rollback(out, "one")
    catalog.follow(spark, str(out), SHOWN)
    lifecycle.rollback(out, "two")
    sql, struck = SparkSession.sql, []

    def fail(self: SparkSession, statement: str, **more: object) -> object:
        if statement.startswith("INSERT") and "`release`" in statement:
            struck.append(statement)
            raise RuntimeError("a fault was injected")
        return sql(self, statement, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as failing:
        failing.setattr(type(spark), "sql", fail)
        with pytest.raises(RuntimeError, match="injected"):
            catalog.follow(spark, str(out), SHOWN)
    assert struck
    assert counts(spark) == [("a:x", 20), ("a:x;b:y", 10)]
    catalog.follow(spark, str(out), SHOWN)
    assert counts(spark) == [("a:x", 30), ("a:x;b:y", 10)]


def test_a_table_of_somebody_else_is_left_alone(spark: SparkSession, out: Path) -> None:
    spark.sql(f"CREATE DATABASE {SHOWN.name}")
    spark.sql(f"CREATE TABLE {SHOWN.name}.aggregates (theirs STRING) USING parquet")
    with pytest.raises(PublishError, match="table aggregates: is there with other columns"):
        catalog.follow(spark, str(out), SHOWN)
    assert spark.table(f"{SHOWN.name}.aggregates").columns == ["theirs"]
    with pytest.raises(PublishError, match=r"was refused by the catalog \("):
        catalog.follow(spark, str(out), Catalog("no_such_catalog.published"))


def test_terms_are_those_of_unity_catalog() -> None:
    """They are not run here: no catalog that is to be had takes them."""
    assert statements.terms("`main`.`published`.`t`", "VIEW", {"domain": "it's"}, ["analysts"]) == [
        "ALTER VIEW `main`.`published`.`t` SET TAGS ('domain' = 'it’s')",
        "GRANT SELECT ON VIEW `main`.`published`.`t` TO `analysts`",
    ]


@pytest.mark.parametrize("name", ["main.published.more", "a b", "", "x`y", "main."])
def test_a_schema_has_a_plain_name(name: str) -> None:
    with pytest.raises(PlanError, match=r"output\.catalog"):
        parse({"input": {"path": "cases.csv"}, "output": {"catalog": name}})
