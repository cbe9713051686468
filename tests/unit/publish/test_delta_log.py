"""Logs of Delta beside the files of a release: by the protocol's words, and as readers of Delta read them; no Spark."""

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import deltalake
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synth_spark.errors import PublishError
from synth_spark.plan import parse
from synth_spark.publish import lifecycle, publisher
from synth_spark.publish.delta_log import DataFile, log_text, put_log
from synth_spark.publish.published_release import open_release
from synth_spark.publish.repository import ReleaseRepository
from synth_spark.schema import tables
from synth_spark.schema.root_layout import DELTA_LOG
from synth_spark.schema.tables import SafeTable
from synth_spark.storage.places import place
from synth_spark.storage.run_store import RunStore

AT = 1_790_000_000_000
#: A column of each type: Arrow's, Spark's as its schemas have it in JSON, a value.
KINDS: dict[str, tuple[pa.DataType, Any, object]] = {
    "text": (pa.string(), "string", "é"),
    "long": (pa.int64(), "long", 1 << 40),
    "int": (pa.int32(), "integer", 7),
    "short": (pa.int16(), "short", 7),
    "byte": (pa.int8(), "byte", 7),
    "single": (pa.float32(), "float", 0.5),
    "double": (pa.float64(), "double", 0.1),
    "flag": (pa.bool_(), "boolean", True),
    "bytes": (pa.binary(), "binary", b"x"),
    "day": (pa.date32(), "date", dt.date(2026, 12, 1)),
    "time": (pa.timestamp("us", "UTC"), "timestamp", dt.datetime(2026, 12, 1, 3, tzinfo=dt.UTC)),
    "exact": (pa.decimal128(12, 2), "decimal(12,2)", Decimal("1.25")),
    "several": (pa.list_(pa.string()), {"type": "array", "elementType": "string", "containsNull": True}, ["a", "b"]),
    "pairs": (
        pa.list_(pa.struct([("a", pa.string()), ("b", pa.int64())])),
        {
            "type": "array",
            "containsNull": False,
            "elementType": {
                "type": "struct",
                "fields": [
                    {"name": "a", "type": "string", "nullable": False, "metadata": {}},
                    {"name": "b", "type": "long", "nullable": True, "metadata": {"comment": "a secret"}},
                ],
            },
        },
        [{"a": "x", "b": 1}],
    ),
}  # fmt: skip


def schema_of(**kinds: Any) -> dict[str, Any]:
    """A schema of columns, name → type."""
    fields = [{"name": name, "type": kind, "nullable": False, "metadata": {"k": "v"}} for name, kind in kinds.items()]
    return {"type": "struct", "fields": fields}


def text_of(schema: dict[str, Any], files: list[DataFile]) -> str:
    return log_text(schema, files, AT, "one/aggregates", "aggregates", "a combination")


def actions(text: str) -> dict[str, list[dict[str, Any]]]:
    """The actions of a commit, by their kind, in order."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in text.splitlines():
        ((kind, action),) = json.loads(line).items()
        found.setdefault(kind, []).append(action)
    return found


def test_a_commit_has_the_actions_that_the_protocol_asks_for() -> None:
    files = [DataFile("part-00000.parquet", 1_000, 3), DataFile("a b%é=#?.parquet", 10, 0)]
    found = actions(text_of(schema_of(age="string", count="long"), files))
    assert found["protocol"] == [{"minReaderVersion": 1, "minWriterVersion": 2}]
    (table,) = found["metaData"]
    assert (table["format"], table["partitionColumns"]) == ({"provider": "parquet", "options": {}}, [])
    assert (table["createdTime"], table["configuration"]) == (AT, {})
    assert json.loads(table["schemaString"]) == {
        "type": "struct",
        "fields": [
            {"name": "age", "type": "string", "nullable": True, "metadata": {}},
            {"name": "count", "type": "long", "nullable": True, "metadata": {}},
        ],
    }
    assert [json.loads(add["stats"]) for add in found["add"]] == [{"numRecords": 3}, {"numRecords": 0}]
    assert [(add["size"], add["modificationTime"], add["dataChange"]) for add in found["add"]] == [
        (1_000, AT, True),
        (10, AT, True),
    ]
    paths = [add["path"] for add in found["add"]]
    assert [unquote(path) for path in paths] == [file.name for file in files]
    assert paths == ["part-00000.parquet", "a%20b%25%C3%A9%3D%23%3F.parquet"]
    assert found["commitInfo"][0]["timestamp"] == AT


def test_the_id_of_a_table_follows_from_what_it_is() -> None:
    """A publication that is done again makes the same log; no other table has its id."""
    schema = schema_of(a="string")
    one, again, other = (log_text(schema, [], AT, name, "a", "b") for name in ("one", "one", "other"))
    assert one == again
    assert actions(one)["metaData"][0]["id"] != actions(other)["metaData"][0]["id"]


def test_columns_are_mapped_where_a_name_needs_it_and_keep_their_names() -> None:
    schema = schema_of(**{"year of birth": "string", "pairs": KINDS["pairs"][1], "count": "long"})
    found = actions(text_of(schema, []))
    assert found["protocol"] == [{"minReaderVersion": 2, "minWriterVersion": 5}]
    assert found["metaData"][0]["configuration"] == {
        "delta.columnMapping.mode": "name",
        "delta.columnMapping.maxColumnId": "5",
    }
    columns = json.loads(found["metaData"][0]["schemaString"])["fields"]
    every = [*columns, *columns[1]["type"]["elementType"]["fields"]]
    assert {one["metadata"]["delta.columnMapping.id"] for one in every} == {1, 2, 3, 4, 5}
    assert all(one["metadata"]["delta.columnMapping.physicalName"] == one["name"] for one in every)
    assert "secret" not in json.dumps(columns)


@pytest.mark.parametrize("kind", ["timestamp_ntz", "variant", "void", "interval day to second", "string collate X"])
def test_a_type_that_is_a_feature_of_a_table_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="no type that every version of Delta knows"):
        text_of(schema_of(a={"type": "array", "elementType": kind, "containsNull": True}), [])


def test_readers_of_delta_read_every_type(tmp_path: Path) -> None:
    """In a folder whose name has a sign of partitions, of files of which one has no rows."""
    folder = tmp_path / "run_id=one"
    (folder / "_delta_log").mkdir(parents=True)
    rows = pa.table({name: pa.array([value, None], kind) for name, (kind, _, value) in KINDS.items()})
    files = []
    for name, part in (("part-00000.parquet", rows), ("a é.parquet", rows.slice(0, 0))):
        pq.write_table(part, folder / name)
        files.append(DataFile(name, (folder / name).stat().st_size, len(part)))
    (folder / DELTA_LOG).write_text(text_of(schema_of(**{name: kind for name, (_, kind, _) in KINDS.items()}), files))
    table = deltalake.DeltaTable(folder)
    assert table.to_pyarrow_table().to_pylist() == rows.to_pylist()
    assert table.version() == 0
    assert pl.read_delta(str(folder)).to_dicts() == pl.DataFrame(rows).to_dicts()


def safe_tables(folder: Path, name: str = "a b", privacy: str = "k_anonymity") -> list[SafeTable]:
    """Tables that may be published, as a run folder of that name keeps them."""
    keys = {"input": {"path": "x.csv"}, "work": str(folder.parent), "run_id": folder.name}
    store = RunStore.create(parse({**keys, "output": {"path": str(folder.parent / "out")}}))
    made = {
        tables.AGGREGATES: pa.table({name: ["x", None], "protected_count": pa.array([10, 20], pa.int64())}),
        tables.RELEASE: pa.table({"title": [folder.name], "privacy": [privacy]}),
    }
    for table, rows in made.items():
        store.keep(None, table, store.write_rows(table, rows))  # type: ignore[arg-type]
    return [SafeTable(store.kept(None, table)) for table in made]  # type: ignore[arg-type]


@pytest.fixture
def as_in_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """A root of this machine in which releases share no Delta table, as in a store; files are copied without tasks."""
    monkeypatch.setattr(ReleaseRepository, "is_sliced", lambda *_: False)


def publish(safe: list[SafeTable], out: Path, run_id: str, format_: str = "delta") -> publisher.Publication:
    output = parse({"input": {"path": "x.csv"}, "output": {"path": str(out), "format": format_}}).output
    return publisher.publish(safe, {"RELEASE.md": f"This is {run_id}.\n"}, output, run_id)


@pytest.mark.usefixtures("as_in_a_store")
def test_releases_of_both_formats_share_a_root(tmp_path: Path) -> None:
    """All are read by their files, gone back to and retired without Spark; logs are part of what is checked."""
    out, formats = tmp_path / "out", {"one": "parquet", "two": "delta", "three": "delta"}
    for name, format_ in formats.items():
        done = publish(safe_tables(tmp_path / name), out, name, format_)
        assert done.mapped == (() if format_ == "parquet" else ("aggregates",))
    for name, format_ in formats.items():
        release = open_release(out, name)
        assert (release.is_delta, release.is_sliced) == (format_ == "delta", False)
        assert release.is_whole("aggregates")
        assert release.arrow("aggregates").to_pylist() == [
            {"a b": "x", "protected_count": 10},
            {"a b": None, "protected_count": 20},
        ]
        assert (out / "aggregates" / f"run_id={name}" / DELTA_LOG).exists() == (format_ == "delta")
    read = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(out / "aggregates" / "run_id=two"))
    found = pa.table(read.execute('SELECT "a b", protected_count FROM t').read_all()).to_pylist()
    assert found == open_release(out, "two").arrow("aggregates").to_pylist()
    assert "two is the current release again" in lifecycle.rollback(out, "two")
    assert lifecycle.retire(out, ["three"]).count("\n") == 0  # nothing is left to be vacuumed
    assert lifecycle.clean(out) == "nothing is left over"
    assert sorted(path.name for path in (out / "aggregates").iterdir()) == ["run_id=one", "run_id=two"]


@pytest.mark.usefixtures("as_in_a_store")
def test_whoever_changes_a_log_or_commits_to_it_is_found_out(tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish(safe_tables(tmp_path / "one"), out, "one")
    release, log = open_release(out), out / "aggregates" / "run_id=one" / DELTA_LOG
    text = log.read_text()
    for change in ("another", "gone", "one more"):
        if change == "another":
            log.write_text(text.replace("numRecords", "numrecords"))
        elif change == "gone":
            log.unlink()
        else:
            log.write_text(text)
            log.with_name(f"{1:020}.json").write_text('{"commitInfo":{}}\n')
        assert not release.is_whole("aggregates"), change
        with pytest.raises(PublishError, match="aggregates: is not what was audited"):
            release.verify()
    log.with_name(f"{1:020}.json").unlink()
    release.verify()


@pytest.mark.usefixtures("as_in_a_store")
@pytest.mark.parametrize("told", [None, "x", {}, []])
def test_a_manifest_that_does_not_tell_of_its_logs_as_it_should(told: object, tmp_path: Path) -> None:
    publish(safe_tables(tmp_path / "one"), tmp_path / "out", "one")
    file = tmp_path / "out" / "_manifests" / "one.json"
    manifest = json.loads(file.read_text())
    manifest["tables"]["aggregates"]["delta_log"] = told
    file.write_text(json.dumps(manifest))
    with pytest.raises(PublishError, match="is damaged"):
        open_release(tmp_path / "out")


@pytest.mark.usefixtures("as_in_a_store")
def test_a_log_of_a_private_release_tells_the_day_alone(tmp_path: Path) -> None:
    """Hours would tell how long the run took, and that follows the records."""
    for privacy, whole in (("k_anonymity", False), ("differential_privacy", True)):
        out = tmp_path / privacy
        publish(safe_tables(tmp_path / f"of_{privacy}", privacy=privacy), out, f"of_{privacy}")
        found = actions((out / "aggregates" / f"run_id=of_{privacy}" / DELTA_LOG).read_text())
        when = dt.datetime.fromisoformat(open_release(out).manifest["published"])
        times = {found["commitInfo"][0]["timestamp"], found["metaData"][0]["createdTime"]}
        assert times | {add["modificationTime"] for add in found["add"]} == {when.timestamp() * 1000}
        assert (when.time() == dt.time(0)) or not whole


def test_a_log_tells_the_rows_of_each_file(tmp_path: Path) -> None:
    kept = safe_tables(tmp_path / "one")[0].kept
    rows = {"z.parquet": 3, "0.parquet": 0}  # beside the file of two rows that is there
    for name, number in rows.items():
        pq.write_table(pa.table({"a b": ["x"] * number}), f"{kept.folder.address}/{name}")
    kept = replace(kept, files={**kept.files, **dict.fromkeys(rows, "")})
    files = {f"part-{at:05d}.parquet": {"bytes": 10 + at} for at in range(3)}
    put_log(kept, place(str(tmp_path / "there")), files, "one", "2026-12-01T03:00:00+00:00")
    found = actions((tmp_path / "there" / DELTA_LOG).read_text())["add"]
    assert [json.loads(add["stats"])["numRecords"] for add in found] == [0, 2, 3]
    assert [add["size"] for add in found] == [10, 11, 12]


def test_another_log_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    kept = safe_tables(tmp_path / "one")[0].kept
    folder, files = place(str(tmp_path / "there")), {"part-00000.parquet": {"bytes": 1}}
    made = put_log(kept, folder, files, "one", "2026-12-01T03:00:00+00:00")
    assert put_log(kept, folder, files, "one", "2026-12-01T03:00:00+00:00") == made
    with pytest.raises(PublishError, match="has another log of Delta in its folder"):
        put_log(kept, folder, files, "one", "2026-12-01T04:00:00+00:00")
