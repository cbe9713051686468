"""Tables of a catalog that follow a published root: each release under its name, views of the current one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from publishing import place
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from synth_spark.cli.main import main
from synth_spark.cli.starting import check_catalog
from synth_spark.errors import EngineError, PlanError, PublishError
from synth_spark.exports import catalog
from synth_spark.exports.catalog import statements
from synth_spark.plan import Catalog, parse
from synth_spark.publish import lifecycle
from synth_spark.publish.published_release import open_release
from synth_spark.storage.hashing import content_hash

SHOWN = Catalog("published_cases")
#: A process whose session has a metastore: a release is shown, gone back to, and taken back.
_METASTORE = """
import json, sys
from pathlib import Path
from test_catalog import placed
from synth_spark.cli.main import main
from synth_spark.exports import catalog
from synth_spark.plan import Catalog
from synth_spark.runtime.session import session
from synth_spark.publish.published_release import open_release
shown, out = Catalog("pub", {"domain": "trafficking"}, ("analysts",)), Path(sys.argv[1]) / "out"
rows = lambda table, *names: [tuple(row) for row in spark.table("pub." + table).select(*names).distinct().collect()]
with session() as spark:
    for name, count in (("one", 20), ("two", 30)):
        placed(spark, out, name, count, "pub", {"a": {"title": "Län", "description": "where they live"}})
    told = {"lasts": catalog.lasts(spark, "pub"), "left": catalog.follow(spark, str(out), shown)}
    told["first"] = rows("latest_aggregates", "selections", "protected_count")
    assert main(["releases", "rollback", str(out), "one"]) == 0
    told["back"] = rows("latest_aggregates", "selections", "protected_count")
    assert main(["releases", "retire", str(out), "two"]) == 0
    told["kept"] = rows("aggregates", "run_id")
    about = spark.sql("DESCRIBE EXTENDED pub.latest_aggregates").collect()
    told["comments"] = {one["col_name"]: one["comment"] or one["data_type"] for one in about}
    about = spark.sql("SHOW TBLPROPERTIES pub.latest_aggregates").collect()
    told["tags"] = {one["key"]: one["value"] for one in about if one["key"].startswith("tag.")}
    told["names"] = sorted(open_release(out).tables)
print(json.dumps(told))
"""


@pytest.fixture
def out(spark: SparkSession, tmp_path: Path) -> Iterator[Path]:
    """A root of two releases, whose manifests name a catalog."""
    for name, count in (("one", 20), ("two", 30)):
        placed(spark, tmp_path / "out", name, count)
    yield tmp_path / "out"
    spark.sql(f"DROP DATABASE IF EXISTS {SHOWN.name} CASCADE")


def placed(
    spark: SparkSession, out: Path, name: str, count: int, shown_in: str = SHOWN.name, columns: object = None
) -> None:
    """A release as one that is shown in a catalog, with the hashes of its tables, and what it tells of its columns."""
    told = pa.table(
        {"plan": [json.dumps({"title": "Cases"})], "presentation": [json.dumps({"columns": columns or {}})]}
    )
    root = place(out, name, {"a:x": count, "a:x;b:y": 10}, others={"release": told})
    release = open_release(out, name)
    for table, entry in release.manifest["tables"].items():
        entry["content_hash"] = content_hash(release.frame(table, spark))
    root.write_manifest({**release.manifest, "catalog": shown_in})


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


def test_of_two_that_follow_one_root_the_commits_decide(
    spark: SparkSession, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who turns views late looks at the commits after that; of what was retired before it was written no row stays."""
    sql, met = SparkSession.sql, []

    def late(self: SparkSession, statement: str, **more: Any) -> Any:
        if statement.startswith("CREATE OR REPLACE VIEW") and not met:
            met.append("the other one")
            lifecycle.rollback(out, "one")
            catalog.follow(spark, str(out), SHOWN)
            lifecycle.retire(out, ["two"])
        return sql(self, statement, **more)

    monkeypatch.setattr(type(spark), "sql", late)
    catalog.follow(spark, str(out), SHOWN)
    assert met
    assert counts(spark) == [("a:x", 20), ("a:x;b:y", 10)]
    assert releases(spark) == ["one"]


def test_tags_are_properties_where_the_session_knows_no_tags_and_grants_are_told(
    spark: SparkSession, out: Path
) -> None:
    left = catalog.follow(spark, str(out), Catalog(SHOWN.name, {"domain": "it's"}, ("analysts",)))
    assert left == [
        f"GRANT SELECT ON VIEW `{SHOWN.name}`.`latest_{name}` TO `analysts`" for name in ("aggregates", "release")
    ]
    assert main(["releases", "rollback", str(out), "one"]) == 0  # which knows the catalog's name alone
    for name in ("aggregates", "latest_aggregates", "latest_release"):
        told = {row["key"]: row["value"] for row in spark.sql(f"SHOW TBLPROPERTIES {SHOWN.name}.{name}").collect()}
        assert told["tag.domain"] == "it’s", name


def test_what_java_refuses_is_told_without_its_words(
    spark: SparkSession, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A catalog of another version than Spark ends with errors of Java, not of Spark."""

    def fail(*_: object) -> None:
        spark.sparkContext._jvm.java.util.Objects.requireNonNull(None, "a value")  # type: ignore[union-attr]

    monkeypatch.setattr(type(spark), "sql", fail)
    with pytest.raises(PublishError, match="was refused by the catalog") as told:
        catalog.follow(spark, str(out), SHOWN)
    assert "a value" not in str(told.value)


def test_a_catalog_in_memory_is_refused_by_a_command_that_ends_with_its_session(spark: SparkSession) -> None:
    for name, ends in ((SHOWN.name, False), ("main.published", True), (None, True)):
        check_catalog(spark, name, ends)
    for name in (SHOWN.name, f"spark_catalog.{SHOWN.name}"):
        with pytest.raises(
            EngineError, match=r"output\.catalog: is in the catalog of a session that keeps it in memory"
        ):
            check_catalog(spark, name, True)


@pytest.mark.takes("logs of Delta tables")
def test_tables_of_a_delta_release_are_delta(spark: SparkSession, out: Path) -> None:
    """Whatever their columns are called; rows of a release are removed as those of Parquet are."""
    odd = pa.table({"record_id": pa.array([1, 2]), "year of birth": ["1990", "2001"]})
    root = place(out, "three", {"a:x": 10}, others={"synthetic_records": odd}, title="Cases")
    manifest = open_release(out, "three").manifest
    del manifest["tables"]["aggregates"]
    for name, entry in manifest["tables"].items():
        rows = spark.read.parquet(str(out / entry["path"]))
        entry |= {"content_hash": content_hash(rows), "path": f"{name}_delta"}
        del entry["files"]
        mapped = rows.withColumn("run_id", F.lit("three")).write.option("delta.columnMapping.mode", "name")
        mapped.format("delta").partitionBy("run_id").save(str(out / entry["path"]))
    root.write_manifest({**manifest, "format": "delta", "catalog": SHOWN.name})
    catalog.follow(spark, str(out), SHOWN)
    told = spark.table(f"{SHOWN.name}.latest_synthetic_records").sort("record_id").collect()
    assert list(map(tuple, told)) == [(1, "1990"), (2, "2001")]
    (about,) = spark.sql(f"DESCRIBE DETAIL {SHOWN.name}.synthetic_records").collect()
    assert (about["format"], about["partitionColumns"]) == ("delta", ["run_id"])
    catalog.withdraw(spark, ["synthetic_records"], "three", SHOWN)
    assert spark.table(f"{SHOWN.name}.synthetic_records").isEmpty()


@pytest.mark.takes("a process of its own, with Spark and a metastore")
def test_a_metastore_of_hive_shows_a_release(tmp_path: Path) -> None:
    """The one that Spark brings, in Derby; it is named in the user's own settings of Spark, with a place for tables."""
    settings = {
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": str(tmp_path / "warehouse"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={tmp_path}/metastore;create=true",
    }
    conf = tmp_path / "spark-defaults.conf"
    conf.write_text("# of the tests\n" + "".join(f"{key} {value}\n" for key, value in settings.items()))
    paths = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]), "SPARK_CONF_DIR": str(tmp_path)}
    line = [sys.executable, "-c", _METASTORE, str(tmp_path)]
    done = subprocess.run(line, env={**os.environ, **paths}, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["lasts"]
    first, back, kept = (sorted(map(tuple, told[name])) for name in ("first", "back", "kept"))
    assert first == [("a:x", 30), ("a:x;b:y", 10)]
    assert back == [("a:x", 20), ("a:x;b:y", 10)]
    assert kept == [("one",)]
    assert told["comments"]["protected_count"] == "protected count of the records that hold the combination"
    assert told["comments"]["a"] == "Län; where they live"
    assert told["comments"]["Comment"] == "one row of aggregates; of the current release"
    assert told["tags"] == {"tag.domain": "trafficking"}
    assert told["left"] == [f"GRANT SELECT ON VIEW `pub`.`latest_{name}` TO `analysts`" for name in told["names"]]
    assert (tmp_path / "warehouse" / "pub.db" / "aggregates" / "run_id=one").is_dir()


def test_a_table_of_somebody_else_is_left_alone(spark: SparkSession, out: Path) -> None:
    spark.sql(f"CREATE DATABASE {SHOWN.name}")
    spark.sql(f"CREATE TABLE {SHOWN.name}.aggregates (theirs STRING) USING parquet")
    with pytest.raises(PublishError, match="table aggregates: is there with other columns"):
        catalog.follow(spark, str(out), SHOWN)
    assert spark.table(f"{SHOWN.name}.aggregates").columns == ["theirs"]
    with pytest.raises(PublishError, match=r"was refused by the catalog \("):
        catalog.follow(spark, str(out), Catalog("no_such_catalog.published"))


def test_a_schema_shows_one_root(spark: SparkSession, out: Path, tmp_path: Path) -> None:
    """Of two the commits of neither would say whose release the views show; a root that was moved is the same."""
    catalog.follow(spark, str(out), SHOWN)
    placed(spark, tmp_path / "other", "two", 40)
    with pytest.raises(PublishError, match=r"aggregates: is not one of this published root; name another schema"):
        catalog.follow(spark, str(tmp_path / "other"), SHOWN)
    assert counts(spark) == [("a:x", 30), ("a:x;b:y", 10)]
    catalog.follow(spark, str(out.rename(tmp_path / "moved")), SHOWN)


def test_terms_are_those_of_unity_catalog() -> None:
    """They are not run here: no catalog that is to be had takes them."""
    tagged = "ALTER VIEW `main`.`published`.`t` SET TAGS ('domain' = 'it’s')"
    assert statements.set_tags("`main`.`published`.`t`", "VIEW", {"domain": "it's"}) == tagged
    granted = "GRANT SELECT ON VIEW `main`.`published`.`t` TO `analysts`"
    assert statements.grants("`main`.`published`.`t`", ["analysts"]) == [granted]


@pytest.mark.parametrize("name", ["main.published.more", "a b", "", "x`y", "main."])
def test_a_schema_has_a_plain_name(name: str) -> None:
    with pytest.raises(PlanError, match=r"output\.catalog"):
        parse({"input": {"path": "cases.csv"}, "output": {"catalog": name}})
