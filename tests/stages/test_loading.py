"""A release in DuckDB and in a real PostgreSQL: whole, as contracted, and never a part of it."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import adbc_driver_postgresql.dbapi as postgres_driver
import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from installing import ROOT
from postgres import PASSWORD, server
from pyspark.sql import SparkSession
from releasing import another, release

from synth_spark.cli.main import main
from synth_spark.errors import PlanError, PublishError
from synth_spark.exports.warehouse import load, loading
from synth_spark.exports.warehouse.contract import contract_of
from synth_spark.exports.warehouse.database import connected
from synth_spark.exports.warehouse.names import RESERVED
from synth_spark.exports.warehouse.statements import create_table
from synth_spark.pipeline import api
from synth_spark.publish.published_release import PublishedRelease, open_release

HEADERS = ["a.b", "Order", "kinds", "means", "שלום"]


@pytest.fixture(scope="module")
def outs(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two releases as Parquet, the later with a column more, and the first published as Delta once more."""
    folder = tmp_path_factory.mktemp("loading")
    texts = ['say "hi"', "a;b:c", "it's", "naïve ☃ \\n", "=1+1"]
    rows = [(text, text[::-1], ["d1", "d 2"][: 1 + n % 2], "p|q" if n % 3 else "q", "x", f"n{n % 2}")
            for text in texts for n in range(9)]  # fmt: skip
    frame = spark.createDataFrame(rows, ", ".join(f"`{name}` string" for name in [*HEADERS, "more"]).replace(
        "`kinds` string", "`kinds` array<string>"))  # fmt: skip
    frame.coalesce(1).write.parquet(str(folder / "cases.parquet"))
    settings: dict[str, Any] = {"privacy__k": 3, "input__multi_values": {"means": "|"}, "reporting_length": 2}
    runs = {}
    for name, columns in (("One-1", HEADERS), ("Two", [*HEADERS, "more"])):
        given = {"input__columns": columns, "run_id": name, **settings}
        runs[name] = release(spark, folder / "cases.parquet", folder / name, **given)
    api.resume(another(runs["One-1"], folder / "delta", "One-1", "publish", output__format="delta"))
    return {name: folder / name for name in ("One-1", "Two", "delta")}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A PostgreSQL server."""
    with server() as found:
        yield f"postgresql://postgres:{quote(PASSWORD)}@{found}/postgres"


def fetch(target: str, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query of either database."""
    if target.startswith("duckdb:"):
        with duckdb.connect(target.removeprefix("duckdb:")) as connection:
            return connection.execute(sql).fetchall()
    with postgres_driver.connect(target) as opened, opened.cursor() as cursor:
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()]


def expected(found: PublishedRelease, table: str) -> pd.DataFrame:
    """The published rows with lists as JSON, by pandas."""
    frame = pd.concat([pd.read_parquet(file) for file in found.files(table)], ignore_index=True)
    for name in frame.columns:
        if frame[name].map(lambda cell: hasattr(cell, "tolist") and not isinstance(cell, float)).any():
            frame[name] = [cell if cell is None else json.dumps(list(cell), ensure_ascii=False, separators=(",", ":"))
                           for cell in frame[name]]  # fmt: skip
    return frame


@pytest.mark.parametrize("kind", ["duckdb", "postgresql"])
def test_a_release_arrives_whole_and_as_contracted(
    kind: str, outs: dict[str, Path], address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = f"duckdb:{tmp_path / 'release.duckdb'}" if kind == "duckdb" else address
    arguments = ["load", str(outs["One-1"]), target, "--schema", "whole"]
    assert main(arguments) == 0
    assert "Loaded One-1" in capsys.readouterr().out
    assert main(arguments) == 0
    assert "Nothing to do: One-1" in capsys.readouterr().out
    assert fetch(target, "SELECT number, run_id FROM whole.releases_loaded") == [(1, "One-1")]
    found = open_release(outs["One-1"])
    for table in found.tables:
        assert (
            fetch(target, f"SELECT count(*) FROM whole.latest_{table}")[0][0] == found.manifest["tables"][table]["rows"]
        )
    columns = ", ".join(f'"{name}"' for name in HEADERS)
    got = fetch(target, f"SELECT {columns} FROM whole.latest_synthetic_records WHERE run_id = 'One-1'")
    made = expected(found, "synthetic_records")[HEADERS]
    made = made.astype(object).where(made.notna(), None)
    assert sorted(got, key=repr) == sorted(made.itertuples(index=False, name=None), key=repr)
    counts = fetch(target, "SELECT selections, protected_count FROM whole.latest_aggregates")
    told = expected(found, "aggregates")[["selections", "protected_count"]]
    assert sorted(counts) == sorted(told.itertuples(index=False, name=None))
    types = dict(fetch(target, "SELECT column_name, data_type FROM information_schema.columns "
                       "WHERE table_schema = 'whole' AND table_name = 'latest_aggregates'"))  # fmt: skip
    text = {"duckdb": "VARCHAR", "postgresql": "text"}[kind]
    assert {name: found.lower() for name, found in types.items()} == {
        "run_id": text.lower(), "length": "integer", "selections": text.lower(), "protected_count": "bigint",
        **dict.fromkeys(HEADERS, text.lower()),
    }  # fmt: skip


def test_tables_and_columns_are_explained(outs: dict[str, Path], address: str, tmp_path: Path) -> None:
    target = f"duckdb:{tmp_path / 'release.duckdb'}"
    for one in (target, address):
        load(open_release(outs["One-1"]), one, "explained")
    in_postgres = (
        "SELECT a.attname, col_description(a.attrelid, a.attnum) FROM pg_attribute a "
        "WHERE a.attrelid = 'explained.{}'::regclass AND a.attnum > 0"
    )
    in_duckdb = (
        "SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = 'explained' AND table_name = '{}'"
    )
    for one, sql in ((address, in_postgres), (target, in_duckdb)):
        for name in ("synthetic_records", "latest_synthetic_records"):
            comments = dict(fetch(one, sql.format(name)))
            assert [comments[column] for column in ("a.b", "Order", "שלום")] == ["a.b", "Order", "שלום"]
            assert comments["means"] == 'means\nseveral values, separated by "|"'
            assert comments["kinds"] == "kinds\na JSON array of texts"
    assert fetch(address, "SELECT obj_description('explained.latest_synthetic_records'::regclass)") == [
        ("one row a synthetic record",)
    ]
    words = fetch(address, "SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')")
    assert {word for (word,) in words} <= RESERVED


def test_names_that_the_contract_gives_are_ones_that_both_databases_take(address: str, tmp_path: Path) -> None:
    """Those that would be no names, or would be cut off, or would be one name, among them."""
    headers = ["Sex", "sex", "xmin", "ctid", "column", "x" * 70, "é" * 40, 'say "x"', "a\nb", "", "RUN_ID", "a\0"]
    entries = {"made": {"schema": [{"name": name, "type": "string"} for name in headers]}}
    (table,) = contract_of({"tables": entries}, {}).tables
    for target in (f"duckdb:{tmp_path / 'names.duckdb'}", address):
        with connected(target) as database:
            database.fetch(create_table(database.default_schema, "made", table, database.dialect))
            database.commit()
        sql = "SELECT column_name FROM information_schema.columns WHERE table_name = 'made' ORDER BY ordinal_position"
        assert tuple(name for (name,) in fetch(target, sql)) == table.names


def test_a_column_more_is_taken_and_one_less_refused(outs: dict[str, Path], address: str, tmp_path: Path) -> None:
    one, two = open_release(outs["One-1"]), open_release(outs["Two"])
    for target in (f"duckdb:{tmp_path / 'release.duckdb'}", address):
        load(one, target, "growing")
        assert load(two, target, "growing").new
        assert fetch(target, "SELECT DISTINCT run_id FROM growing.latest_aggregates") == [("Two",)]
        assert {row[0] for row in fetch(target, "SELECT more FROM growing.latest_synthetic_records")} <= {
            "n0",
            "n1",
            None,
        }
        with pytest.raises(PublishError, match=r"would break who reads the one before: column .*more is gone"):
            load(one, target, "growing")
        assert fetch(target, "SELECT DISTINCT run_id FROM growing.latest_synthetic_records") == [("Two",)]
        names = {name for (name,) in fetch(
            target, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'growing'")}  # fmt: skip
        assert not [name for name in names if "__" in name]


@pytest.mark.parametrize("kind", ["duckdb", "postgresql"])
def test_a_failure_leaves_what_was_there(
    kind: str, outs: dict[str, Path], address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = f"duckdb:{tmp_path / 'release.duckdb'}" if kind == "duckdb" else address
    load(open_release(outs["One-1"]), target, "failing")
    everything = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'failing' ORDER BY 1"
    before = fetch(target, everything)

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(loading, "record_load", broken)  # all tables are filled and switched, and nothing committed
    with pytest.raises(KeyboardInterrupt):
        load(open_release(outs["Two"]), target, "failing")
    assert fetch(target, everything) == before
    assert fetch(target, "SELECT DISTINCT run_id FROM failing.latest_synthetic_records") == [("One-1",)]


def test_a_connection_that_is_cut_leaves_what_was_there(
    outs: dict[str, Path], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(open_release(outs["One-1"]), address, "cut")

    def cut(*_: object) -> None:
        fetch(address, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")

    monkeypatch.setattr(loading, "switch_tables", cut)
    with pytest.raises(PublishError, match="TARGET") as failure:
        load(open_release(outs["Two"]), address, "cut")
    assert PASSWORD not in str(failure.value)
    assert fetch(address, "SELECT DISTINCT run_id FROM cut.latest_release") == [("One-1",)]


def test_readers_see_the_old_or_the_new_whole(outs: dict[str, Path], address: str) -> None:
    """While loads follow each other, a reader of two tables in one statement always finds one release."""
    one, two = open_release(outs["Two"], "Two"), open_release(outs["Two"], "Two")
    two = PublishedRelease(two.root, "Three", two.manifest)
    load(one, address, "read")
    over, seen, failed = threading.Event(), set(), []

    def read() -> None:
        sql = ("SELECT (SELECT string_agg(DISTINCT run_id, ',') || count(*) FROM read.latest_synthetic_records), "
               "(SELECT string_agg(DISTINCT run_id, ',') || count(*) FROM read.latest_aggregates)")  # fmt: skip
        try:
            while not over.is_set():
                seen.add(fetch(address, sql)[0])
        except Exception as error:
            failed.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for found in [two, one] * 5:
        load(found, address, "read")
    over.set()
    reader.join()
    assert not failed
    rows = [two.manifest["tables"][name]["rows"] for name in ("synthetic_records", "aggregates")]
    assert seen == {(f"{name}{rows[0]}", f"{name}{rows[1]}") for name in ("Two", "Three")}


def test_what_is_not_ours_is_not_replaced(outs: dict[str, Path], tmp_path: Path) -> None:
    target = f"duckdb:{tmp_path / 'release.duckdb'}"
    with duckdb.connect(str(tmp_path / "release.duckdb")) as connection:
        connection.execute("CREATE TABLE aggregates AS SELECT 42 AS mine")
    with pytest.raises(PublishError, match=r"main.aggregates: is there already and was not loaded by synth-spark"):
        load(open_release(outs["One-1"]), target)
    assert fetch(target, "SELECT * FROM aggregates") == [(42,)]


def test_a_schema_is_not_called_as_its_file(outs: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="is the name of the DuckDB file, too"):
        load(open_release(outs["One-1"]), f"duckdb:{tmp_path / 'cases.duckdb'}", "cases")


def test_a_damaged_release_is_not_loaded(outs: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(outs["One-1"], tmp_path / "out")
    file = open_release(tmp_path / "out").files("aggregates")[0]
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(PublishError, match="is not what was audited"):
        load(open_release(tmp_path / "out"), f"duckdb:{tmp_path / 'x.duckdb'}")
    assert not (tmp_path / "x.duckdb").exists()


def test_no_password_is_told(outs: dict[str, Path], address: str, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (address.replace("sesame", "wr%ongZZ"), address.replace("sesame", "simsim")):
        assert main(["load", str(outs["One-1"]), wrong]) == 6
        said = "".join(capsys.readouterr())
        assert "cannot be reached, or takes no such user, password or database" in said
        assert not [secret for secret in ("open", "simsim", "wr%ong") if secret in said]


def test_delta_arrives_as_parquet_does(spark: SparkSession, outs: dict[str, Path], tmp_path: Path) -> None:
    """Delta's active files are found through its log by Spark; DuckDB then reads them and the published Parquet."""
    target = f"duckdb:{tmp_path / 'release.duckdb'}"
    load(open_release(outs["One-1"]), target, "from_parquet")
    load(open_release(outs["delta"]), target, "from_delta", spark)
    for table in open_release(outs["delta"]).tables:
        if table != "release":  # holds versions and the plan, which names the format
            for one, other in (("parquet", "delta"), ("delta", "parquet")):
                assert (
                    fetch(target, f"SELECT * FROM from_{one}.{table} EXCEPT ALL SELECT * FROM from_{other}.{table}")
                    == []
                )
    counted = "SELECT count(*) FROM read_parquet(?)"
    found = open_release(outs["One-1"])
    for table in ("synthetic_records", "aggregates"):
        active = spark.read.format("delta").load(str(outs["delta"] / table)).inputFiles()
        files = [str(file) for file in found.files(table)]
        delta = duckdb.execute(counted, [[file.removeprefix("file://") for file in active]]).fetchall()
        assert delta == duckdb.execute(counted, [files]).fetchall()


def test_loading_needs_no_java(outs: dict[str, Path], tmp_path: Path) -> None:
    asked = ["load", str(outs["One-1"]), "duckdb:x.duckdb"]
    code = f"from synth_spark.cli.main import main; raise SystemExit(main({asked!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PATH": "/nowhere", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert pq.read_metadata(open_release(outs["One-1"]).files("aggregates")[0]).num_rows > 0
