"""Releases in a real S3 server and in a real HDFS: published, listed, gone back to, taken back; whatever is killed."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import deltalake
import duckdb
import obstore
import pandas as pd
import pytest
from fsspec import AbstractFileSystem
from hdfs_native import Client
from hdfs_native.fsspec import HdfsFileSystem
from inject import Line
from installing import ROOT, SPARK_HOME, run
from obstore.fsspec import FsspecStore
from publishing import about_to_publish, at_the_switch, by_this_process
from pyspark.sql import DataFrame, SparkSession
from releasing import GOLDEN

from synth_spark.cli.main import main
from synth_spark.errors import PlanError, PublishError, RunError
from synth_spark.pipeline import api
from synth_spark.pipeline.run import Run
from synth_spark.plan import parse
from synth_spark.publish import lifecycle
from synth_spark.publish.published_release import PublishedRelease, open_release
from synth_spark.publish.repository import ReleaseRepository
from synth_spark.runtime import faults
from synth_spark.schema.root_layout import DELTA_LOG
from synth_spark.schema.sql_text import quoted
from synth_spark.storage.places import Place, place
from synth_spark.storage.run_store import RunStore
from synth_spark.storage.runs import copies

#: Where a publication is struck, and whether the release is current then.
STRUCK = {
    "publish.begin": False,
    "publish.copy.aggregates": False,
    "publish.place.evaluation": False,
    "publish.documents": False,
    "publish.manifest": False,
    "publish.switch": False,
    "publish.switched": True,
    "publish.settled": True,
}
#: A process that makes one release after the other current, as often as it is first.
_PUBLISH = """
import sys
from synth_spark.errors import PublishError
from synth_spark.publish.repository import ReleaseRepository
root = ReleaseRepository(sys.argv[1])
won = 0
for _ in range(int(sys.argv[3])):
    seen = root.seen()
    try:
        root.switch(sys.argv[2], seen, "rollback")
        won += 1
    except PublishError as error:
        assert "another release meanwhile" in str(error), error
print(won)
"""


@pytest.fixture(scope="module")
def line(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Line:
    return Line(spark, tmp_path_factory.mktemp("stored") / "line")


@pytest.fixture(params=["s3", "hdfs"])
def out(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A root in a store, of this test's own; what tasks put there and read there is put and read by this process.

    Tasks have the environment in which the session was begun, and that one does not know the server of S3.
    """
    if request.param == "s3":
        request.getfixturevalue("s3")

    read: list[PublishedRelease] = []  # whose files go with them

    def frame(self: PublishedRelease, table: str, spark: SparkSession) -> DataFrame:
        read.append(self)
        names = [quoted(column["name"]) for column in self.manifest["tables"][table]["schema"]]
        return spark.read.parquet(*map(str, self.files(table))).select(*names)

    monkeypatch.setattr(copies, "by_tasks", by_this_process)
    monkeypatch.setattr(PublishedRelease, "frame", frame)
    start = "s3:/" if request.param == "s3" else request.getfixturevalue("hdfs")
    address = f"{start}/releases/{request.node.originalname}/out"
    ReleaseRepository(address).check_commits()  # as a run does before its work; the server of S3 makes a bucket for it
    return address


def file_system(address: str) -> tuple[AbstractFileSystem, str]:
    """A store as readers of Parquet know it, by libraries of others, and what it calls a folder there."""
    parts = urlsplit(address)
    if parts.scheme == "hdfs":
        return HdfsFileSystem(parts.hostname, parts.port), parts.path
    return FsspecStore(parts.scheme), f"{parts.netloc}{parts.path}"


def ready(spark: SparkSession, line: Line, folder: Path, out: str, format_: str = "parquet") -> Run:
    return about_to_publish(spark, line.ready, folder, out, format_)


def test_a_release_in_a_store_is_that_of_a_folder(
    spark: SparkSession, line: Line, tmp_path: Path, out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same bytes under the same names, found by the pointer alone; and every command about releases takes it.

    With logs beside the files who reads Delta reads the same.
    """
    local = tmp_path / "out"
    for root, format_ in ((out, "delta"), (str(local), "parquet")):
        for name in ("one", "two"):
            folder = tmp_path / Path(root).parent.name / name
            folder.parent.mkdir(exist_ok=True)
            api.resume(ready(spark, line, folder, root, format_))
    stored, here = place(out), place(str(local))
    runs = tmp_path / Path(out).parent.name
    told = {one.name for one in stored.entries(deep=True)} ^ {one.name for one in here.entries(deep=True)}
    pointer = json.loads(stored.read("LATEST.json") or b"")
    logs = {f"{name}/run_id={run_id}/{DELTA_LOG}" for name in pointer["tables"] for run_id in ("one", "two")}
    assert told == {".publishing", "_commits/probe", *logs}
    assert pointer["run_id"] == "two"
    manifests = [json.loads(root.read(pointer["manifest"]) or b"")["tables"] for root in (stored, here)]
    (files, folder), local_tables = file_system(out), json.loads(here.read("LATEST.json") or b"")["tables"]
    with duckdb.connect() as database:
        database.register_filesystem(files)
        for name, path in pointer["tables"].items():
            one, other = (manifest[name] for manifest in manifests)
            assert one["files"] == other["files"] or name == "release"  # whose row tells when it was made
            read = pd.read_parquet(f"{folder}/{path}", filesystem=files, partitioning=None)
            wanted = pd.read_parquet(f"{local}/{local_tables[name]}", partitioning=None)
            assert read.equals(wanted) or name == "release"
            names = [f"{out}/{path}/{file}" for file in one["files"]]
            found = database.sql(f"FROM read_parquet({names}, hive_partitioning = false)").df()
            assert (found.shape, list(found.columns)) == (read.shape, list(read.columns))
            if out.startswith("s3:"):
                by_log = deltalake.DeltaTable(f"{out}/{path}").to_pyarrow_table()
                assert by_log.to_pylist() == open_release(out).arrow(name).to_pylist()
    for words, told in (
        (["releases", "list", out], "*  two"),
        (["releases", "show", out, "one"], "one (earlier)"),
        (["releases", "diff", out, "one"], ""),
        (["releases", "rollback", out, "one"], "one is the current release again, instead of two"),
        (["releases", "retire", out, "two"], "two is retired"),
        (["releases", "clean", out], "nothing is left over"),
        (["package", out, "--output", str(tmp_path)], "Packaged one"),
        (["load", out, f"duckdb:{tmp_path}/cases.duckdb"], "Loaded one into schema"),
        (["show", out], f"open it in a browser: {out}/showcase.html"),
        (["show", f"{out}/"], f"open it in a browser: {out}/showcase.html"),
        (["resume", f"{runs}/one"], f"Released one: {out}/<table>/run_id=one"),
        (["compare", f"{runs}/one", f"{runs}/two"], "one"),
        (["purge", f"{runs}/one"], "Purged one"),
        (["package", f"{runs}/one", "--output", str(tmp_path)], "Packaged one"),
    ):
        capsys.readouterr()
        assert main(words) == 0, capsys.readouterr().err
        assert told in capsys.readouterr().out
    assert not stored.entries("aggregates/run_id=two", deep=True)
    open_release(out).verify()
    file = "aggregates/run_id=one/part-00000.parquet"
    stored.write(file, (stored.read(file) or b"")[:-1])
    with pytest.raises(PublishError, match="aggregates: is not what was audited"):
        open_release(out).verify()


@pytest.mark.takes("a process of its own, with Spark")
def test_a_run_into_a_store_gives_the_golden_release(
    demo_of_the_wheel, s3: str, s3_environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the demo's cases, by the installed command, whose tasks put the files there; its run folder is there, too, and
    a second process takes up what the first one has left.
    """
    command = [demo_of_the_wheel.python.with_name("synth-spark"), "run", ROOT / "conf" / "demo" / "release.yml"]
    work = f"{s3}://runs/golden"
    keys = {"input.path": demo_of_the_wheel.folder / "cases.csv.gz", "work": work, "seed": 1}
    keys |= {
        "output.format": "delta",
        "operations.metrics": f"{s3}://reports/golden.prom",
        "operations.lineage": f"{s3}://reports/events",
    }
    settings = [part for key, value in keys.items() for part in ("--set", f"{key}={value}")]
    out, environment = f"{s3}://releases/golden/out", {"SPARK_HOME": str(SPARK_HOME), **s3_environment}
    asked = [*command, *settings, "--output", out, "--run-id", "golden"]
    killed = run(asked, **environment, SYNTH_SPARK_FAULTS="keep.audit_results.rename=kill")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len({name.split("/")[2] for name in held(f"{work}/golden") if name.startswith("tables/audit_results/")}) == 1
    ended = run([command[0], "resume", f"{work}/golden", "--summary", f"{s3}://reports/golden.json"], **environment)
    assert ended.returncode == 0, ended.stderr
    assert f"Released golden: {out}/<table>/run_id=golden" in ended.stdout
    tables = open_release(out).manifest["tables"]
    assert {name: tables[name]["content_hash"] for name in GOLDEN} == GOLDEN
    folder = place(f"{work}/golden")
    kept = {one.name: folder.read(one.name) or b"" for one in folder.entries(deep=True)}
    assert not any(s3_environment["AWS_SECRET_ACCESS_KEY"].encode() in content for content in kept.values())
    reports = place(f"{s3}://reports")
    told = {one.name: reports.read(one.name) or b"" for one in reports.entries(deep=True)}
    assert (told["golden.json"], told["golden.prom"]) == (kept["summary.json"], kept["metrics.prom"])
    events = [json.loads(content)["eventType"] for name, content in told.items() if name.startswith("events/")]
    assert (events, len(told)) == (["START", "START", "COMPLETE"], 5)
    assert not any(s3_environment["AWS_SECRET_ACCESS_KEY"].encode() in content for content in told.values())
    ask_about_the_run(folder, kept, tmp_path, capsys)
    assert s3_environment["AWS_SECRET_ACCESS_KEY"] not in ended.stdout + ended.stderr


def held(folder: str) -> set[str]:
    """Names of all that is in a folder."""
    return {one.name for one in place(folder).entries(deep=True)}


def ask_about_the_run(
    folder: Place, kept: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is in a run folder in a store, and the commands that take one and need no Spark; in the end it is purged."""
    manifest = json.loads(kept["manifest-00000002.json"])  # of who resumed it
    named = {
        f"tables/{name}/{entry['attempt']}/{file}"
        for name, entry in manifest["tables"].items()
        for file in entry["files"]
    }
    assert {name for name in kept if name.startswith("tables/")} == named  # every attempt is one that counts
    assert kept["summary.json"]
    assert not list(tmp_path.rglob("*.parquet"))
    store = RunStore.open(folder.address)
    for name in manifest["tables"]:
        assert store.is_whole(name), name
    safe = [entry for entry in manifest["tables"].values() if entry["sensitivity"] == "SAFE"]
    assert all(set(entry["sha256"]) == set(entry["files"]) for entry in safe)
    for words, told in (
        (["show", folder.address, "--output", str(tmp_path / "page.html")], "open it in a browser"),
        (["compare", folder.address, "--output", str(tmp_path)], "compare.html"),
        (
            ["compare", folder.address, "--output", f"{folder.address}.compared/"],
            f"{folder.address}.compared/compare.html",
        ),
        (["resume", folder.address], "Nothing to do"),
        (["purge", folder.address], "Purged"),
        (["purge", folder.address], "they were before"),
    ):
        capsys.readouterr()
        assert main(words) == 0, capsys.readouterr().err
        assert told in capsys.readouterr().out
    left = held(folder.address)
    seeds = [name for name in left if b'"seed": 1' in (folder.read(name) or b"")]
    assert seeds == []
    assert not [name for name in left if name.startswith(("tables/records/", "tables/codes/"))]
    assert [name for name in left if name.startswith("tables/synthetic_records/")]


def test_tasks_put_files_in_hdfs_and_read_them_there(
    spark: SparkSession, line: Line, tmp_path: Path, hdfs: str
) -> None:
    """Their environment is that of the session, to which an address says which HDFS it is."""
    out = f"{hdfs}/releases/tasks/out"
    api.resume(ready(spark, line, tmp_path / "one", out, "delta"))
    release = open_release(out)
    release.verify()
    for name in ("evaluation", "synthetic_records"):
        by_log = spark.read.format("delta").load(f"{out}/{release.manifest['tables'][name]['path']}")
        read = [release.frame(name, spark).toArrow(), by_log.toArrow(), release.arrow(name)]
        rows = [sorted(map(str, table.to_pylist())) for table in read]
        assert rows[0] == rows[1] == rows[2] != []


@pytest.mark.takes("eighteen publications")
def test_whatever_is_struck_there_is_one_whole_release(
    spark: SparkSession, line: Line, tmp_path: Path, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.resume(ready(spark, line, tmp_path / "before", out))
    for number, (point, is_current) in enumerate(STRUCK.items()):
        folder, before = tmp_path / f"during{number}", ReleaseRepository(out).current()
        run = ready(spark, line, folder, out, ("delta", "parquet")[number % 2])
        monkeypatch.setattr("synth_spark.publish.publisher.Publisher.undo", lambda _: None)  # as one that is killed
        monkeypatch.setenv(faults.VARIABLE, f"{point}=exception")
        with pytest.raises(RuntimeError):
            api.resume(run)
        monkeypatch.delenv(faults.VARIABLE)
        root = ReleaseRepository(out)
        assert root.current() == (folder.name if is_current else before), point
        open_release(out).verify()
        assert folder.name in {one.run_id for one in root.unfinished()} | root.under_way() or point == "publish.settled"
        assert lifecycle.clean(out) == "nothing is left over"  # it may be under way, on another machine
        api.resume(run)
        root = ReleaseRepository(out)
        assert root.current() == folder.name
        assert json.loads(root.place.read("LATEST.json") or b"")["run_id"] == folder.name
        assert not root.remnants()
        assert not root.under_way()
    monkeypatch.setenv(faults.VARIABLE, "publish.switch=exception")
    with pytest.raises(RuntimeError):
        api.resume(ready(spark, line, tmp_path / "given-up", out, "delta"))
    monkeypatch.delenv(faults.VARIABLE)
    monkeypatch.setattr("synth_spark.publish.repository._GRACE", -1.0)
    told = lifecycle.clean(out)
    assert "given-up: its publication was killed" in told
    assert "aggregates/run_id=given-up" in told
    assert not [one.name for one in place(out).entries(deep=True) if "given-up" in one.name]


def test_a_commit_whose_answer_is_lost_is_made_once(
    spark: SparkSession, line: Line, tmp_path: Path, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store did what it was asked, and the answer did not come: that is found out, and nothing is done twice."""
    put, rename, lost = obstore.put, Client.rename, []

    def is_lost(name: str) -> bool:
        if "_commits/0" not in name or lost:
            return False
        lost.append(name)
        return True

    def putting(store: object, path: str, *given: object, **more: object) -> object:
        done = put(store, path, *given, **more)  # type: ignore[arg-type]
        if is_lost(path):
            raise TimeoutError("no answer")
        return done

    def renaming(self: Client, src: str, dst: str, overwrite: bool = False) -> None:
        rename(self, src, dst, overwrite)
        if is_lost(dst):
            raise TimeoutError("no answer")

    monkeypatch.setattr(obstore, "put", putting)
    monkeypatch.setattr(Client, "rename", renaming)
    api.resume(ready(spark, line, tmp_path / "one", out))
    assert lost
    root = ReleaseRepository(out)
    assert [event["run_id"] for event in root.history()] == ["one"]
    assert root.current() == "one"


def test_of_two_machines_that_publish_at_once_one_wins(
    spark: SparkSession, line: Line, tmp_path: Path, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one says so, and publishes once it is resumed; what it had put there is not in the way."""
    first, second = (ready(spark, line, tmp_path / name, out) for name in ("first", "second"))
    with at_the_switch(first, monkeypatch) as failed:
        api.resume(second)
    assert [("another release meanwhile" in text) for text in failed] == [True]
    assert list(ReleaseRepository(out).published()) == ["second"]
    api.resume(first)
    assert list(ReleaseRepository(out).published()) == ["second", "first"]
    assert ReleaseRepository(out).current() == "first"


def test_processes_that_switch_at_once_make_one_commit_each(
    spark: SparkSession, line: Line, tmp_path: Path, out: str
) -> None:
    for name in ("one", "two"):
        api.resume(ready(spark, line, tmp_path / name, out))
    line_of = [sys.executable, "-c", _PUBLISH, out]
    runs = [
        subprocess.Popen([*line_of, ("one", "two")[number % 2], "10"], stdout=subprocess.PIPE, text=True)
        for number in range(4)
    ]
    won = [int(run.communicate()[0]) for run in runs]
    assert [run.returncode for run in runs] == [0] * 4
    root = ReleaseRepository(out)
    assert root.seen() == 2 + sum(won)
    with root.alone("who comes next"):
        pass
    assert json.loads(root.place.read("LATEST.json") or b"")["run_id"] == root.current()


def test_what_a_store_cannot_do_is_refused_before_the_work(
    out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = {"input": {"path": str(tmp_path / "cases.csv")}}
    for keys, said in (
        ({"output": {"path": out}}, "work is missing"),
        ({"output": {"path": "viewfs://name/out"}, "work": str(tmp_path)}, "is an address of viewfs:"),
    ):
        with pytest.raises(PlanError, match=said):
            parse({**source, **keys})
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    monkeypatch.setenv("HADOOP_USER_NAME", "invented-guest")
    with pytest.raises((PublishError, RunError), match="cannot be") as told:
        ReleaseRepository(f"{out}/another").check_commits()
    assert not any(word in str(told.value) for word in ("secret", "invented", "Signature"))
