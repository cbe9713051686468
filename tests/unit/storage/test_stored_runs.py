"""Run folders in a store: by turns, by attempts, and what is made of them; beside them what they are here."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import obstore
import obstore.store
import pyarrow as pa
import pytest
from hdfs_native import Client, WriteOptions
from publishing import by_this_process

from synth_spark.errors import PlanError, PublishError, RunError
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline.purge import purge
from synth_spark.pipeline.run import Run
from synth_spark.pipeline.runner import Runner
from synth_spark.plan import Plan, parse
from synth_spark.publish import copying
from synth_spark.schema import tables
from synth_spark.schema.tables import Kept, Table
from synth_spark.storage import new_runs, paths
from synth_spark.storage.places import Place, place
from synth_spark.storage.run_store import RunStore
from synth_spark.storage.runs import beside, copies

ROWS = pa.table({"column": pa.array([0, 1], pa.int32()), "value": ["a", None]})
_NUMBERS = count()
#: A process that works on a run, and says whether it could until its end.
_WORK = """
import sys
from synth_spark.errors import RunError
from synth_spark.storage.run_store import RunStore
try:
    store = RunStore.open(sys.argv[1])
    with store.alone():
        for number in range(10):
            store.facts["who"] = sys.argv[2]
            store.save()
    print("done")
except RunError as error:
    assert "is being worked on by another process" in str(error), error
    print("taken")
"""

Fresh = Callable[[], Plan]


@pytest.fixture(params=["local", "s3", "gs", "az", "hdfs"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fresh:
    """Makes plans whose run folders are in a new folder, of one kind."""
    monkeypatch.setattr(copies, "by_tasks", by_this_process)
    root = str(tmp_path) if request.param == "local" else root_of(request)
    return lambda: plan_in(f"{root}/work {next(_NUMBERS)}")


@pytest.fixture(params=["s3", "gs", "az", "hdfs"])
def stored(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    """A run folder in a store, of which nothing is done."""
    monkeypatch.setattr(copies, "by_tasks", by_this_process)
    return RunStore.create(plan_in(f"{root_of(request)}/work {next(_NUMBERS)}"))


@pytest.fixture
def in_s3(s3: str) -> RunStore:
    """The same, in S3."""
    return RunStore.create(plan_in(f"{s3}://runs/work {next(_NUMBERS)}"))


def root_of(request: pytest.FixtureRequest) -> str:
    server = request.getfixturevalue(request.param)
    return f"{server}/runs" if request.param == "hdfs" else f"{server}://places/runs"


def plan_in(work: str) -> Plan:
    return parse({"input": {"path": "cases.csv"}, "work": work, "run_id": "one", "seed": 4242424242})


def keep(store: RunStore, table: Table = tables.DOMAIN, rows: pa.Table = ROWS) -> Kept:
    return store.keep(None, table, store.write_rows(table, rows))  # type: ignore[arg-type]


def held(folder: Place) -> set[str]:
    return {one.name for one in folder.entries(deep=True)}


def test_a_kept_table_is_what_was_written_and_whoever_changes_it_is_noticed(fresh: Fresh) -> None:
    store = RunStore.create(fresh())
    kept, folder = keep(store), place(keep(store).folder.address)
    kept = store.kept(None, tables.DOMAIN)  # type: ignore[arg-type]
    (file,) = kept.files
    content = folder.read(file) or b""
    assert RunStore.open(store.address).arrow(tables.DOMAIN).equals(ROWS)
    assert kept.rows_of(file) == 2
    assert kept.arrow(["value"]).column_names == ["value"]
    store.verify(tables.DOMAIN)
    for spoilt in (content[:-1], content[:-1] + b"x"):
        folder.write(file, spoilt)
        assert not store.is_whole("domain")
        with pytest.raises(RunError, match="is not what was written"):
            kept.arrow()
    folder.write(file, content)
    folder.write("part-00001.parquet", content)
    assert not store.is_whole("domain")
    folder.delete([file, "part-00001.parquet"])
    assert not store.is_whole("domain")
    with pytest.raises(RunError, match="is not what was written"):
        kept.arrow()


def test_a_run_folder_in_hdfs_is_for_its_owner_alone(hdfs: str) -> None:
    """Whoever else looks around there: what tasks write below it needs no permission of its own."""
    store = RunStore.create(plan_in(f"{hdfs}/runs/work {next(_NUMBERS)}"))
    folder = store.address.removeprefix(hdfs)
    assert Client(hdfs).get_file_info(folder).permission == 0o700
    beside.put(store.work, "quarantine", "one.md", b"why")
    assert Client(hdfs).get_file_info(f"{folder.rpartition('/')[0]}/quarantine").permission == 0o700


def test_of_what_may_be_published_the_hashes_are_known(stored: RunStore) -> None:
    """Of what this process made they are taken of its bytes; of what tasks have written by tasks."""
    kept = keep(stored, tables.EVALUATION)
    (file,) = kept.files
    content = place(kept.folder.address).read(file) or b""
    assert kept.hashes == {file: hashlib.sha256(content).hexdigest()}
    assert copies.hashes(None, kept.folder.address, kept.files) == kept.hashes  # type: ignore[arg-type]
    assert keep(stored).hashes == {}


@pytest.mark.parametrize("at", ["here", "there"])
def test_what_is_published_is_what_was_written(stored: RunStore, at: str, tmp_path: Path) -> None:
    kept = keep(stored, tables.EVALUATION)
    (file,) = kept.files
    target = place(str(tmp_path / "out") if at == "here" else f"{stored.work} released")
    files = copying.copied(kept, target)
    assert [one["sha256"] for one in files.values()] == [*kept.hashes.values()]
    folder = place(kept.folder.address)
    folder.write(file, (folder.read(file) or b"")[:-1])
    with pytest.raises(PublishError, match="is not what was audited"):
        copying.copied(kept, target)


def test_this_process_copies_to_folders_of_this_machine_and_tasks_to_stores(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the files come from: a task of another machine does not see the folders of this one."""
    asked: list[object] = []
    monkeypatch.setattr(copies, "by_tasks", lambda *work: asked.append(work) or by_this_process(*work))
    places = {kind: place(start) for kind, start in (("here", str(tmp_path)), ("there", f"{s3}://runs/copied"))}
    digest = {"sha256": hashlib.sha256(b"rows").hexdigest(), "bytes": 4}
    for source in places.values():
        source.below("from").write("a", b"rows")
        for kind, target in places.items():
            found = copies.copied(None, source.below("from").address, target.below("to"), {"b": "a"})  # type: ignore[arg-type]
            assert (found, target.read("to/b"), len(asked)) == ({"b": digest}, b"rows", int(kind == "there"))
            asked.clear()


def test_the_last_who_took_a_turn_goes_on_and_the_one_before_ends(stored: RunStore) -> None:
    first, second = (RunStore.open(stored.address) for _ in range(2))
    assert (stored.turn, first.turn) == (1, 0)
    with first.alone():
        first.facts["who"] = "first"
        first.save()
        with pytest.raises(RunError, match="run one: is being worked on by another process"):
            stored.save()
    second = RunStore.open(stored.address)
    with second.alone():
        assert second.turn == 3
        assert second.facts["who"] == "first"
        second.facts["who"] = "second"
        second.save()
        second.write("quality.md", "of the second")
        for overtaken in (first.save, lambda: first.write("quality.md", "of the first")):
            with pytest.raises(RunError, match="is being worked on by another process"):
                overtaken()
        with pytest.raises(RunError, match="is being worked on by another process"), first.alone():
            pass
    assert second.read("quality.md") == "of the second"
    late = {**first.manifest, "facts": {"who": "first"}}
    stored.place.write("manifest-00000002.json", json.dumps(late).encode())  # it had looked before it was overtaken
    assert RunStore.open(stored.address).facts["who"] == "second"


def test_what_was_saved_is_what_the_next_turn_begins_with(in_s3: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is overtaken in the midst of saving is told so, before it tells the ledger of noise that it has saved."""
    put, after = obstore.put, RunStore.open(in_s3.address)

    def overtaking(store: object, path: str, *given: Any, **more: Any) -> Any:
        if path.endswith("manifest-00000001.json"):
            monkeypatch.setattr(obstore, "put", put)
            with after.alone():
                assert after.turn == 2
        return put(store, path, *given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(obstore, "put", overtaking)
    in_s3.facts["drawn"] = 1
    with pytest.raises(RunError, match="is being worked on by another process"):
        in_s3.save()
    assert "drawn" not in RunStore.open(in_s3.address).facts


def test_who_has_read_what_has_gone_on_since_takes_no_turn(stored: RunStore) -> None:
    before = RunStore.open(stored.address)
    with stored.alone():
        keep(stored)
    with pytest.raises(RunError, match="has gone on meanwhile"), before.alone():
        pass
    assert before.turn == 0
    stored.save()


def test_of_many_who_take_a_turn_at_once_each_turn_is_taken_once(stored: RunStore) -> None:
    stores = [RunStore.open(stored.address) for _ in range(8)]

    def take(store: RunStore) -> int:
        try:
            with store.alone():
                return store.turn
        except RunError:
            return 0

    with ThreadPoolExecutor(8) as pool:
        turns = [turn for turn in pool.map(take, stores) if turn]
    assert sorted(turns) == [*range(2, 2 + len(turns))]
    stores[0].place.delete(["manifest-00000001.json"])
    assert RunStore.open(stored.address).run_id == "one"


def test_of_processes_that_work_on_a_run_at_once_the_last_one_is_heard(stored: RunStore) -> None:
    line = [sys.executable, "-c", _WORK, stored.address]
    runs = [subprocess.Popen([*line, str(name)], stdout=subprocess.PIPE, text=True) for name in range(3)]
    ends = [run.communicate()[0].strip() for run in runs]
    assert [run.returncode for run in runs] == [0] * 3
    assert set(ends) <= {"done", "taken"}
    assert ends[int(RunStore.open(stored.address).facts["who"])] == "done"


def test_who_was_killed_before_it_wrote_a_manifest_is_in_nobodys_way(stored: RunStore) -> None:
    keep(stored)
    killed = RunStore.open(stored.address)
    with killed.alone():
        stored.place.delete(["manifest-00000002.json"])
    after = RunStore.open(stored.address)
    with after.alone():
        assert after.turn == 3
    assert RunStore.open(stored.address).manifest == stored.manifest


def test_a_turn_whose_answer_is_lost_is_taken_once(in_s3: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    put, lost = obstore.put, []

    def losing(store: object, path: str, *given: Any, **more: Any) -> Any:
        done = put(store, path, *given, **more)  # type: ignore[arg-type]
        if "turns/0" in path and not lost:
            lost.append(path)
            raise TimeoutError("no answer")
        return done

    monkeypatch.setattr(obstore, "put", losing)
    after = RunStore.open(in_s3.address)
    with after.alone():
        after.save()
    assert lost
    assert after.turn == 2


def test_what_no_manifest_names_is_removed_and_what_one_names_is_not(
    stored: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = {name for name in held(stored.place) | {keep(stored).folder.address} if "://" in name}
    stored.write_rows(tables.CODES, ROWS)  # and ends before it is kept
    with monkeypatch.context() as patched:
        patched.setattr(stored, "save", lambda: (_ for _ in ()).throw(RunError("it", "ends", "here")))
        with pytest.raises(RunError, match="it: ends"):
            keep(stored)
    again = RunStore.open(stored.address)
    assert again.arrow(tables.DOMAIN).equals(ROWS)  # the attempt that counts is still there
    with again.alone():
        again.clean()
    left = {name.rpartition("/")[0] for name in held(again.place) if name.startswith("tables/")}
    assert {f"{stored.address}/{name}" for name in left} == {first}
    assert keep(again).folder.address != first
    assert not held(place(first))
    again.forget([], [tables.DOMAIN])
    assert not any(name.startswith("tables/") for name in held(again.place))


def test_who_resumes_a_run_removes_what_was_left(stored: RunStore) -> None:
    stored.write_rows(tables.CODES, ROWS)
    assert any(name.startswith("tables/codes/") for name in held(stored.place))
    run = Run(None, RunStore.open(stored.address), Progress(quiet=True))  # type: ignore[arg-type]
    Runner(run, {}).resume()
    assert run.store.turn == 2
    assert not any(name.startswith("tables/") for name in held(stored.place))


def test_a_run_reads_the_attempt_that_counts_though_the_same_was_written_before(stored: RunStore) -> None:
    run = Run(None, stored, Progress(quiet=True))  # type: ignore[arg-type]
    for _ in range(2):
        run.keep(tables.DOMAIN, ROWS)
        assert run.kept(tables.DOMAIN).arrow().equals(ROWS)


def test_a_purge_leaves_no_manifest_of_an_earlier_turn(stored: RunStore) -> None:
    """Each holds the seed."""
    keep(stored)
    keep(stored, tables.EVALUATION)
    stored.write("input.md", "SENSITIVE")
    beside.put(stored.work, "quarantine", "one.md", b"held")
    again = RunStore.open(stored.address)
    assert purge(again, force=True) == ["domain"]
    everything = {name: stored.place.read(name) or b"" for name in held(stored.place)}
    assert {name.partition("/")[0] for name in everything} == {"turns", "tables", "manifest-00000002.json"}
    assert not any(b"4242424242" in content for content in everything.values())
    assert not held(place(stored.work).below("quarantine"))
    assert RunStore.open(stored.address).arrow(tables.EVALUATION).equals(ROWS)
    with pytest.raises(RunError, match="was purged"):
        RunStore.open(stored.address).arrow(tables.DOMAIN)
    stored.place.write("manifest-00000001.json", b"4242424242")  # by one that was overtaken, and had looked before
    assert purge(RunStore.open(stored.address)) == []
    assert "manifest-00000001.json" not in held(stored.place)


def test_what_a_killed_writer_has_not_finished_in_hdfs_goes_whoever_resumes_or_purges(hdfs: str) -> None:
    """It is hidden, and holds what the file was to hold: a seed, rows; how long ago it was begun is no matter."""
    store = RunStore.create(plan_in(f"{hdfs}/runs/work {next(_NUMBERS)}"))
    keep(store)
    names = ("manifest-00000001.json", "tables/codes/0123/part-00000.parquet", "input.md")
    again = RunStore.open(store.address)
    for work in (Runner(Run(None, again, Progress(quiet=True)), {}).resume, lambda: purge(again, force=True)):  # type: ignore[arg-type]
        for name in names:
            leave_unfinished(store.place, name)
        assert len(store.place.abandoned(alone=True)) == len(names)
        assert store.place.abandoned() == []
        work()
        assert store.place.abandoned(alone=True) == []


@pytest.mark.parametrize("kind", ["local", "hdfs"])
def test_what_a_killed_writer_has_not_finished_beside_a_run_goes_with_it(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    work = str(tmp_path) if kind == "local" else f"{request.getfixturevalue('hdfs')}/runs/work {next(_NUMBERS)}"
    beside.put(work, "quarantine", "one.md", b"held")
    for name in ("one.md", "two.md"):
        leave_unfinished(place(work), f"quarantine/{name}")
    beside.remove(work, "quarantine", "one.md")
    (left,) = place(work).abandoned(alone=True)
    assert left.startswith("quarantine/.two.md.")
    assert held(place(work)) == set()


def leave_unfinished(folder: Place, name: str) -> None:
    """As a process does that is killed while it writes a file."""
    if "://" not in folder.address:
        file = Path(folder.address) / name
        file.with_name(f".{file.name}.unfinished").write_bytes(b"4242424242")
        return
    host, _, root = folder.address.removeprefix("hdfs://").partition("/")
    path, _, last = f"/{root}/{name}".rpartition("/")
    written = WriteOptions(create_parent=True)
    with Client(f"hdfs://{host}").create(f"{path}/.{last}.0f3a.unfinished", written) as stream:
        stream.write(b"4242424242")


def test_a_run_that_is_there_is_refused_and_so_is_a_store_that_keeps_nothing(
    stored: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RunError, match=f"run_id 'one': exists in {stored.work}; choose another"):
        new_runs.check_new(stored.plan, "one")
    new_runs.check_new(stored.plan, "two")
    assert held(place(f"{stored.work}/two")) == set()
    memory, put = obstore.store.MemoryStore(), obstore.put
    monkeypatch.setattr(obstore.store, "from_url", lambda *_, **__: memory)
    monkeypatch.setattr(obstore, "put", lambda *given, mode, **more: put(*given, **more))
    with pytest.raises(RunError, match="lets an object take the place of another"):
        new_runs.check_new(plan_in("gs://nobody/work"), "two")


@pytest.mark.parametrize("attempt", ["../../other", "a/b", "", None, 1])
def test_an_attempt_in_a_manifest_is_no_path(stored: RunStore, attempt: object) -> None:
    keep(stored)
    stored.manifest["tables"]["domain"]["attempt"] = attempt
    stored.place.write("manifest-00000001.json", json.dumps(stored.manifest).encode())
    with pytest.raises(RunError, match="attempt of table domain"):
        RunStore.open(stored.address)


def test_tables_are_put_together_wherever_they_are(fresh: Fresh, s3: str, tmp_path: Path) -> None:
    for work in (str(tmp_path / "here"), f"{s3}://runs/there {next(_NUMBERS)}"):
        earlier, store = RunStore.create(plan_in(work)), RunStore.create(fresh())
        keep(earlier, tables.RECORDS)
        keep(store, tables.NEW_RECORDS)
        parts = [(store, tables.NEW_RECORDS), (earlier, tables.RECORDS)]
        both = store.assemble(None, tables.RECORDS, parts)  # type: ignore[arg-type]
        assert both.arrow().equals(pa.concat_tables([ROWS, ROWS]))
        assert sorted(both.files) == ["00000-part-00000.parquet", "00001-part-00000.parquet"]
        assert store.is_whole("records")
        folder = place(earlier.kept(None, tables.RECORDS).folder.address)  # type: ignore[arg-type]
        folder.write("part-00000.parquet", (folder.read("part-00000.parquet") or b"")[:-1] + b"x")
        with pytest.raises(RunError, match="table records: of run one is not what was written"):
            store.assemble(None, tables.RECORDS, parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"output": {"path": "s3://a/out"}, "work": "s3a://a/out/work"}, "work: is inside the folder of the published"),
        ({"output": {"path": "s3://a/out"}, "work": "s3://a/x/../out"}, "work: is inside the folder of the published"),
        ({"output": {"path": "gs://a"}, "work": "gs://a/b"}, "work: is inside the folder of the published"),
        ({"output": {"path": "s3://a/out"}, "work": "w", "ledger": "s3://a/out/l"}, "ledger: is inside the folder"),
        ({"input": {"path": "s3://a/in"}, "work": "s3://a/in/work"}, "work: is inside a folder of the input"),
        (
            {"input": {"path": "s3://a"}, "output": {"path": "s3://a/out"}, "work": "w"},
            "output.path: is inside a folder",
        ),
    ],
)
def test_places_of_one_store_are_not_inside_each_other(keys: dict[str, Any], said: str) -> None:
    source = {"input": {"path": "cases.csv"}, "output": {"path": "out"}}
    with pytest.raises(PlanError, match=said):
        paths.check_roots(parse({**source, **keys}))
    apart = {"output": {"path": "s3://a/out"}, "work": "s3://a/out.work", "ledger": "s3://b/out/ledger"}
    paths.check_roots(parse({**source, **apart}))
