"""Names in files, and links, that lead elsewhere: every command that is given a root or a run folder refuses them.

What could be read, written or removed by them lies in a folder outside, beside the root; it is the same afterwards.
"""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inject import fingerprint
from publishing import place

from synth_spark import read
from synth_spark.cli.main import main
from synth_spark.errors import InputError, PublishError, RunError, SynthSparkError
from synth_spark.monitoring.metrics import metrics_text
from synth_spark.monitoring.progress import Progress
from synth_spark.monitoring.summary import Attempt, summarize
from synth_spark.pipeline import api, incremental
from synth_spark.pipeline.run import Run
from synth_spark.pipeline.series.earlier_releases import earlier_releases
from synth_spark.plan import Output, parse
from synth_spark.publish import lifecycle, publisher
from synth_spark.publish.published_release import open_release
from synth_spark.publish.repository import ReleaseRepository
from synth_spark.runtime import faults
from synth_spark.schema import tables
from synth_spark.storage.files import write_atomically
from synth_spark.storage.hashing import sha256
from synth_spark.storage.run_store import RunStore

#: What stands for a name; ``{outside}`` is a folder that must stay as it is.
NAMES = ["../../outside/evil", "{outside}", "..", "", "a\0b", "..\\outside", "a" * 300, None, ["one"]]
#: More of the kind, for what all commands ask.
MORE = [
    *NAMES,
    "../outside",
    "{outside}/evil",
    ".",
    "a/../../outside",
    "x' or '' = '",
    "one\n",
    "․․/outside",
    7,
    {"a": 1},
]
IDS = [ascii(name)[:24] for name in NAMES]


def spoiled(*whats: str) -> list[Any]:
    """What of a manifest is spoiled by which name; its tables and files are keys of JSON, which are texts."""
    return [
        pytest.param(what, name, id=f"{what}-{ascii(name)[:24]}")
        for what in whats
        for name in NAMES
        if isinstance(name, str) or what not in ("table", "file")
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root of two releases in ``home/out``, a run folder in ``home/out.work/run``, what nobody may touch outside."""
    folder = tmp_path_factory.mktemp("world")
    home, outside = folder / "home", folder / "outside"
    home.mkdir()
    (outside / "evil" / "run_id=evil").mkdir(parents=True)
    for file in ("precious.txt", "evil/precious.txt", "evil/run_id=evil/part-00000.parquet", "evil.json", "one.json"):
        (outside / file).write_text("{}")
    for name, count in (("one", 20), ("two", 30)):
        place(home / "out", name, {"a:x": count})
    (home / "cases.csv").write_text("a,b\nx,y\n")
    store = RunStore.create(parse(plan_of(home)))
    folder = store.folder / "tables" / "aggregates"
    shutil.copytree(home / "out" / "aggregates" / "run_id=two", folder)
    files = {"part-00000.parquet": sha256(folder / "part-00000.parquet")}
    entry = {"grain": "g", "sensitivity": "SAFE", "rows": 1, "content_hash": "c", "schema": {}, "seconds": 0}
    store.manifest["tables"]["aggregates"] = {**entry, "files": files}
    store.manifest["facts"]["fields"] = []
    store.save()
    return home.parent


@pytest.fixture
def world(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to be spoilt."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    manifest = tmp_path / "home" / "out.work" / "run" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(str(made), str(tmp_path)))
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path


def plan_of(home: Path, **more: Any) -> dict[str, Any]:
    return {
        "input": {"path": str(home / "cases.csv")},
        "output": {"path": str(home / "out")},
        "run_id": "run",
        **more,
    }


def given(world: Path, name: Any) -> Any:
    return name.replace("{outside}", str(world / "outside")) if isinstance(name, str) else name


def changed(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


#: Why they are refused, and not because an invented release lacks something else.
REASONS = re.compile(
    "is no name that may be part of a path|leads out of it|is damaged|names what is no document|is a link|"
    "is not the mark of the publication|leads out of its folder"
)

# --- commands that are given a root

#: Commands that are given a published root; those that change it are lists of words, too.
ROOT_COMMANDS = {
    "list": ["releases", "list", "OUT"],
    "show": ["releases", "show", "OUT"],
    "diff": ["releases", "diff", "OUT", "one"],
    "rollback": ["releases", "rollback", "OUT", "one"],
    "retire": ["releases", "retire", "OUT", "one"],
    "keep": ["releases", "retire", "OUT", "--keep", "0"],
    "clean": ["releases", "clean", "OUT"],
    "package": ["package", "OUT"],
    "load": ["load", "OUT", "duckdb:warehouse.db"],
    "showcase": ["show", "OUT"],
}
#: Of these, the ones that write.
WRITE = ("rollback", "retire", "keep", "clean")


def refused(world: Path, words: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The command exits so, says why in one line, and outside nothing has changed, nor anywhere come to be."""
    before, beside = fingerprint(world / "outside"), sorted(path.name for path in world.iterdir())
    capsys.readouterr()
    assert main([word.replace("OUT", str(world / "home" / "out")) for word in words]) == code
    said = capsys.readouterr().err
    assert said.startswith("synth-spark: ")
    assert said.count("\n") == 1, said
    assert said.count(": ") >= 2
    assert "; " in said
    assert REASONS.search(said), said
    assert fingerprint(world / "outside") == before
    assert sorted(path.name for path in world.iterdir()) == beside


def made_earlier(out: Path) -> None:
    """Have a root be one that an earlier version made, which kept a history and no commits."""
    events = ReleaseRepository(out).history()
    shutil.rmtree(out / "_commits")
    (out / "_history.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


def test_a_root_of_an_earlier_version_is_taken_over(world: Path) -> None:
    out = world / "home" / "out"
    before = ReleaseRepository(out).history()
    made_earlier(out)
    assert ReleaseRepository(out).history() == before
    assert ReleaseRepository(out).current() == "two"
    lifecycle.rollback(out, "one")
    root = ReleaseRepository(out)
    assert root.history()[:-1] == before
    assert root.current() == "one"
    assert root.seen() == 2
    assert list(root.published()) == ["one", "two"]
    assert not (out / "_history.jsonl").exists()
    lifecycle.clean(out)
    assert list(ReleaseRepository(out).published()) == ["one", "two"]


def test_releases_from_before_histories_are_taken_over(world: Path) -> None:
    out = world / "home" / "out"
    shutil.rmtree(out / "_commits")
    changed(out / "LATEST.json", lambda content: content.pop("event"))
    assert ReleaseRepository(out).current() == "two"
    assert lifecycle.clean(out) == "nothing is left over"
    assert set(ReleaseRepository(out).published()) == {"one", "two"}
    assert ReleaseRepository(out).current() == "two"


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_a_pointer_is_not_what_decides(name: Any, world: Path) -> None:
    """Whatever it says, the commits say which release is current, and who writes next makes the pointer anew."""
    out = world / "home" / "out"
    right = (out / "LATEST.json").read_text()
    changed(out / "LATEST.json", lambda content: content.update(run_id=given(world, name)))
    before = fingerprint(world / "outside")
    assert ReleaseRepository(out).current() == "two"
    lifecycle.clean(out)
    assert (out / "LATEST.json").read_text() == right
    assert fingerprint(world / "outside") == before


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_a_name_in_a_commit(name: Any, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit = world / "home" / "out" / "_commits" / "00000002.json"
    changed(commit, lambda content: content["entry"]["events"][0].update(run_id=given(world, name)))
    for words in ROOT_COMMANDS.values():
        refused(world, words, 6, capsys)


@pytest.mark.parametrize("spoil", ["first", "gone", "other"])
def test_commits_that_were_changed(spoil: str, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each holds the hash of the one before it, so that none can be taken out or changed between others."""
    first = world / "home" / "out" / "_commits" / "00000001.json"
    if spoil == "gone":
        first.unlink()
    elif spoil == "first":
        changed(first, lambda content: content["entry"]["events"][0].update(run_id="three"))
    else:
        changed(first, lambda content: content.update(entry={"events": "none"}))
    capsys.readouterr()
    for words in ROOT_COMMANDS.values():
        assert main([word.replace("OUT", str(world / "home" / "out")) for word in words]) == 6
        assert re.search(
            "lacks its entry 1|has an entry 2 that was not written after|is damaged", capsys.readouterr().err
        )


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_a_name_in_the_pointer_of_an_earlier_version(
    name: Any, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_earlier(world / "home" / "out")
    changed(world / "home" / "out" / "LATEST.json", lambda content: content.update(run_id=given(world, name)))
    for words in ROOT_COMMANDS.values():
        refused(world, words, 6, capsys)


@pytest.mark.parametrize(("what", "name"), spoiled("run_id", "table", "path", "file", "document"))
def test_a_name_in_a_manifest(what: str, name: Any, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = given(world, name)

    def spoil(content: dict[str, Any]) -> None:
        entry = content["tables"]["aggregates"]
        if what == "run_id":
            content["run_id"] = bad
        elif what == "table":
            content["tables"][bad] = entry
        elif what == "path":
            entry["path"] = bad
        elif what == "file":
            entry["files"] = {bad: entry["files"]["part-00000.parquet"]}
        else:
            content["documents"] = ["RELEASE.md", bad]

    for release in ("one", "two"):
        changed(world / "home" / "out" / "_manifests" / f"{release}.json", spoil)
    for words in ROOT_COMMANDS.values():
        refused(world, words, 6, capsys)


@pytest.mark.parametrize("name", NAMES, ids=IDS)
@pytest.mark.parametrize("what", ["run_id", "tables"])
def test_a_name_in_the_mark_of_a_publication(
    name: Any, what: str, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = ReleaseRepository(world / "home" / "out")
    root.begin("dead", "delta", ["aggregates"])
    root.file_documents("dead", {"RELEASE.md": "begun"})  # whose they are, its mark says
    bad = given(world, name)
    mark = world / "home" / "out" / "_publishing" / "dead.json"
    changed(mark, lambda content: content.update({what: bad if what == "run_id" else [bad]}))
    for command in ("clean", "retire"):
        refused(world, ROOT_COMMANDS[command], 6, capsys)
    assert mark.exists()


def test_a_mark_that_names_another_release(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it would have removed is that of a release that readers have."""
    root = ReleaseRepository(world / "home" / "out")
    root.begin("dead", "parquet", ["aggregates"])
    changed(world / "home" / "out" / "_publishing" / "dead.json", lambda content: content.update(run_id="two"))
    before = fingerprint(root.folder)
    refused(world, ROOT_COMMANDS["clean"], 6, capsys)
    assert fingerprint(root.folder) == before


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_a_name_in_the_history_of_an_earlier_version(
    name: Any, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_earlier(world / "home" / "out")
    event = {"at": "2026-01-01T00:00:00+00:00", "action": "publish", "run_id": given(world, name), "previous": None}
    with (world / "home" / "out" / "_history.jsonl").open("a") as stream:
        stream.write(json.dumps(event) + "\n")
    for command in ("list", *WRITE):
        refused(world, ROOT_COMMANDS[command], 6, capsys)


NAMED = [
    ["releases", "show", "OUT", "NAME"],
    ["releases", "rollback", "OUT", "NAME"],
    ["releases", "retire", "OUT", "NAME"],
    ["releases", "diff", "OUT", "NAME"],
    ["package", "OUT", "--run-id", "NAME"],
    ["load", "OUT", "duckdb:warehouse.db", "--run-id", "NAME"],
    ["show", "OUT", "--run-id", "NAME"],
    ["run", "--input", "cases.csv", "--output", "OUT", "--run-id", "NAME"],
]
#: An empty name is none: `releases show` then shows the current release.
ON_THE_COMMAND_LINE = [
    pytest.param(words, name, id=f"{' '.join(words[:2])}-{ascii(name)[:24]}")
    for words in NAMED
    for name in MORE
    if isinstance(name, str) and "\0" not in name and not (words[:2] == ["releases", "show"] and name == "")
]


@pytest.mark.parametrize(("words", "name"), ON_THE_COMMAND_LINE)
def test_a_name_on_the_command_line(
    words: list[str], name: str, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = [given(world, name) if word == "NAME" else word for word in words]
    before = fingerprint(world / "outside")
    assert main([word.replace("OUT", str(world / "home" / "out")) for word in said]) == (2 if words[0] == "run" else 6)
    said_why = capsys.readouterr().err
    assert said_why.startswith("synth-spark: ")
    assert REASONS.search(said_why) or "is not in" in said_why or "must be 1 to 63 letters" in said_why, said_why
    assert fingerprint(world / "outside") == before


#: What can be a link in a root, and to what it leads outside.
LINKS = {
    "LATEST.json": "evil.json",
    "_history.jsonl": "precious.txt",
    "_commits": "",
    "_commits/00000001.json": "precious.txt",
    "_commits/00000003.json": "precious.txt",
    "_publishing": "",
    "_publishing/dead.json": "precious.txt",
    "RELEASE.md": "precious.txt",
    ".publishing": "precious.txt",
    ".LATEST.json.unfinished": "precious.txt",
    "_manifests": "",
    "_manifests/.one.json.unfinished": "precious.txt",
    "_manifests/one.json": "one.json",
    "_documents": "",
    "_documents/one": "evil",
    "_documents/stray": "evil",
    "_documents/two/RELEASE.md": "precious.txt",
    "evil": "evil",
    "aggregates": "evil",
    "aggregates/run_id=one": "evil",
    "aggregates/run_id=stray": "evil",
    "aggregates/run_id=one/part-00000.parquet": "precious.txt",
}


def linked(world: Path, name: str) -> None:
    link = world / "home" / "out" / name
    if link.is_dir():
        shutil.rmtree(link)
    link.unlink(missing_ok=True)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(world / "outside" / LINKS[name])


@pytest.mark.parametrize("name", LINKS)
def test_a_link_out_of_a_root_is_refused_by_who_writes(
    name: str, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    linked(world, name)
    for command in WRITE:
        refused(world, ROOT_COMMANDS[command], 6, capsys)


@pytest.mark.parametrize(
    "name", ["_commits", "_commits/00000002.json", "_manifests", "_manifests/two.json", "release", "release/run_id=two"]
)
def test_a_link_out_of_a_root_is_not_read_through(name: str, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Although what it leads to has the right content."""
    there = world / "outside" / "there"
    shutil.copytree(world / "home" / "out", there)
    link = world / "home" / "out" / name
    shutil.rmtree(link) if link.is_dir() else link.unlink()
    link.symlink_to(there / name)
    for command in ("package", "load", "showcase"):
        refused(world, ROOT_COMMANDS[command], 6, capsys)


@pytest.mark.parametrize("name", LINKS)
def test_a_link_out_of_a_root_is_refused_by_who_publishes(name: str, world: Path) -> None:
    linked(world, name)
    before, out = fingerprint(world / "outside"), Output(path=str(world / "home" / "out"))
    for attempt in (lambda: publisher.check_target(out, "three"), lambda: publisher.publish([], {}, out, "three")):
        with pytest.raises(PublishError):
            attempt()
    assert fingerprint(world / "outside") == before


def test_of_a_link_only_the_link_is_removed_and_nothing_elsewhere(world: Path) -> None:
    root, outside = ReleaseRepository(world / "home" / "out"), world / "outside"
    before = fingerprint(outside)
    for name in ("aggregates/run_id=stray", "aggregates/stray.txt"):
        link = root.folder / name
        link.symlink_to(outside / "evil")
        root.remove([f"{name}/" if "=" in name else name])
        assert not link.is_symlink()
    (root.folder / "evil").symlink_to(outside / "evil")
    for elsewhere in (f"{outside}/evil/", "../../outside/precious.txt", "evil/run_id=evil/", "evil/precious.txt"):
        with pytest.raises(RunError, match=r"could lead elsewhere|leads out of its folder"):
            root.remove([elsewhere])
    assert fingerprint(outside) == before


def test_a_file_that_is_replaced_is_no_way_out(world: Path) -> None:
    folder, outside = world / "home", world / "outside"
    for name in ("summary.json", ".summary.json.unfinished"):
        (folder / name).symlink_to(outside / "precious.txt")
    write_atomically(folder / "summary.json", "new")
    assert (folder / "summary.json").read_text() == "new"
    assert not (folder / "summary.json").is_symlink()
    assert (outside / "precious.txt").read_text() == "{}"


def test_a_document_that_is_called_like_another_file_of_a_root_replaces_nothing(world: Path) -> None:
    out = world / "home" / "out"
    for name in ("LATEST.json", "_history.jsonl"):
        (out / "_documents" / "one" / name).write_text("{}")
        (out / "_documents" / "two" / name).write_text("{}")
    lifecycle.rollback(out, "one")
    lifecycle.rollback(out, "two")
    root = ReleaseRepository(out)
    assert root.current() == "two"
    assert [event["action"] for event in root.history()] == ["publish", "publish", "rollback", "rollback"]


# --- commands that are given a run folder

RUN_COMMANDS = {
    "resume": ["resume", "RUN", "--quiet"],
    "stage": ["stage", "read", "RUN", "--quiet"],
    "validate": ["validate", "RUN", "--quiet"],
    "purge": ["purge", "RUN", "--force"],
    "package": ["package", "RUN"],
    "load": ["load", "RUN", "duckdb:warehouse.db"],
    "showcase": ["show", "RUN"],
}


@pytest.mark.parametrize(("what", "name"), spoiled("run_id", "table", "file"))
def test_a_name_in_a_run_folder(what: str, name: Any, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad, folder = given(world, name), world / "home" / "out.work" / "run"

    def spoil(content: dict[str, Any]) -> None:
        entry = content["tables"]["aggregates"]
        if what == "run_id":
            content["run_id"] = bad
        elif what == "table":
            content["tables"][bad] = entry
        else:
            entry["files"][bad] = "0"

    changed(folder / "manifest.json", spoil)
    for words in RUN_COMMANDS.values():
        refused(world, [word.replace("RUN", str(folder)) for word in words], 7, capsys)
    assert (folder / "tables" / "aggregates").is_dir()


@pytest.mark.parametrize(
    "name",
    ["tables", "tables/aggregates", "tables/aggregates/part-00000.parquet", ".running", "tables/stray", "rehearsal"],
)
def test_a_link_out_of_a_run_folder(name: str, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = world / "home" / "out.work" / "run"
    link = folder / name
    shutil.rmtree(link) if link.is_dir() else link.unlink(missing_ok=True)
    link.symlink_to(world / "outside" / ("precious.txt" if "." in name else "evil"))
    before = fingerprint(world / "outside")
    for command, words in {**RUN_COMMANDS, "compare": ["compare", "RUN"]}.items():
        if command != "purge" or "/" not in name:
            refused(world, [word.replace("RUN", str(folder)) for word in words], 7, capsys)
    if "/" in name:  # purging removes links, and follows none
        assert main(["purge", str(folder), "--force"]) == 0
        assert link.is_symlink() == (link.name == "part-00000.parquet"), "files of a table that may be published stay"
        assert fingerprint(world / "outside") == before


def test_what_a_plan_names_as_an_earlier_run_or_release(world: Path) -> None:
    """``--since`` and ``assessment.earlier``; here without a session, which they would not come to use."""
    home = world / "home"
    folder = home / "out.work" / "run"
    since = parse(plan_of(home, run_id="since", input={"path": str(home / "cases.csv"), "since": str(folder)}))
    adding = Run(None, RunStore.create(since), Progress(quiet=True))  # type: ignore[arg-type]
    changed(folder / "manifest.json", lambda content: content.update(run_id="../../outside/evil"))
    with pytest.raises(RunError, match="run_id: is no name"):
        incremental.begin(adding, read.Inventory((), {}))
    changed(folder / "manifest.json", lambda content: content.update(run_id="run"))
    shutil.rmtree(folder / "tables")
    (folder / "tables").symlink_to(world / "outside")
    with pytest.raises(RunError, match="leads out of it"):
        incremental.begin(adding, read.Inventory((), {}))
    made_earlier(home / "out")
    changed(home / "out" / "LATEST.json", lambda content: content.update(run_id="../../outside/evil"))
    for index, named in enumerate((home / "out", home / "out" / "_manifests" / ".." / "..json", world / "outside")):
        plan = parse(plan_of(home, run_id=f"compared{index}", assessment={"earlier": str(named)}))
        with pytest.raises(InputError, match=r"assessment\.earlier: holds no release"):
            earlier_releases(Run(None, RunStore.create(plan), Progress(quiet=True)))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", MORE, ids=lambda name: ascii(name)[:24])
def test_what_opens_a_release_and_what_watches_one(name: Any, world: Path) -> None:
    out, bad = world / "home" / "out", given(world, name)
    if bad is not None:
        with pytest.raises(SynthSparkError):
            open_release(out, bad)
        with pytest.raises(PublishError):
            publisher.check_target(Output(path=str(out)), bad)
    made_earlier(out)
    changed(out / "LATEST.json", lambda content: content.update(run_id=bad, manifest="../../outside/evil.json"))
    (world / "outside" / "evil.json").write_text('{"published": "2020-01-01T00:00:00+00:00"}')
    now = faults.now()
    told = metrics_text(summarize(Attempt(now, now)), str(out))
    assert "synth_spark_release_timestamp_seconds" not in told


def test_a_run_that_would_be_started_into_a_root_with_a_link_is_refused(world: Path) -> None:
    (world / "home" / "out" / "release" / "run_id=x").symlink_to(world / "outside")
    plan = parse(plan_of(world / "home", run_id="four"))
    with pytest.raises(PublishError, match=r"leads out of it: release/run_id=x"):
        api.start(_Silent(), plan, Progress(quiet=True))  # type: ignore[arg-type]


class _Silent:
    """Stands for a session that tells nothing of its settings."""

    @property
    def conf(self) -> None:
        raise RuntimeError("a platform that keeps them to itself")


def test_declared_tables_and_documents_have_names() -> None:
    from synth_spark.schema import root_layout as layout
    from synth_spark.storage.paths import is_name
    from synth_spark.storage.root_files import is_document

    declared = [one.name for one in vars(tables).values() if isinstance(one, tables.Table)]
    assert all(map(is_name, declared))
    assert all(map(is_document, (layout.QUALITY_TEXT, layout.RELEASE_TEXT, layout.REPORT, layout.SHOWCASE)))
    assert all(map(is_document, (layout.SOURCES, layout.EXPECTATIONS, layout.VALIDATIONS)))
    assert os.sep == "/"
