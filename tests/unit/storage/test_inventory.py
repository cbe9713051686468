"""What an input is made of, and what of it is new."""

import json
from pathlib import Path
from typing import Any

import pytest

from synth_spark import plan as plans
from synth_spark.cli.main import main
from synth_spark.errors import InputError, PlanError, RunError
from synth_spark.plan import Input
from synth_spark.storage.inventory import Inventory, additions, check_unchanged, inventory, pinned
from synth_spark.storage.places import place


def files(folder: Path, **texts: str) -> Path:
    """Files by name; ``__`` stands for a folder, ``_eq_`` for the sign of a partition."""
    for name, text in texts.items():
        path = folder / (name.replace("__", "/").replace("_eq_", "=") + ".csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def seen(folder: Path, **keys: Any) -> Inventory:
    found = inventory(Input(**{"path": str(folder), "format": "csv", **keys}))
    assert found is not None
    return Inventory.of_facts(json.loads(json.dumps(found.as_facts())))  # as a manifest keeps it


def new_files(earlier: Inventory, now: Inventory) -> list[str]:
    found = additions(earlier, now, "one")
    return sorted(Path(file).name for part in found.values() for names in part.files.values() for file in names)


def test_a_folder_is_the_files_that_spark_reads_of_it(tmp_path: Path) -> None:
    files(tmp_path, a="1", b="2", year_eq_2024__c="3", _temporary__e="6")
    (tmp_path / ".f.csv").write_text("7")
    found = seen(tmp_path)
    assert [item.name for item in found.items] == ["a.csv", "b.csv", "year=2024/c.csv"]
    assert [item.folder for item in found.items] == [".", ".", "year=2024"]
    for name in ("plain__d", "_hidden"):
        with pytest.raises(InputError, match=r"which is not read|begins with an underscore"):
            seen(files(tmp_path / name, **{name: "4"}))


def test_what_is_new_is_known_by_content_and_partition_alone(tmp_path: Path) -> None:
    before = seen(files(tmp_path / "one", a="1", year_eq_1__b="2"))
    assert new_files(before, seen(files(tmp_path / "two", z="1", year_eq_1__y="2", c="3"))) == ["c.csv"]
    twice = files(tmp_path / "three", a="1", again="1", year_eq_1__b="2")
    assert len(new_files(before, seen(twice))) == 1  # the same bytes once more are records once more
    with pytest.raises(RunError, match="lacks 1 of the files that run one counted"):
        additions(before, seen(files(tmp_path / "four", a="1", year_eq_2__b="2")), "one")


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_files_of_a_store_are_known_by_their_tags_and_sizes(scheme: str, request: pytest.FixtureRequest) -> None:
    """A copy is not taken for a new file, even where its tag is another."""
    root = f"{request.getfixturevalue(scheme)}://places/inventory"
    folder = place(root)
    for name, content in (("a.csv", b"1"), ("year=2020/b.csv", b"22")):
        folder.write(name, content)
    before = seen(Path(), path=root)
    assert [(item.folder, item.size, item.name) for item in before.items] == [
        (".", 1, "a.csv"),
        ("year=2020", 2, "year=2020/b.csv"),
    ]
    folder.delete(["a.csv"])
    folder.write("renamed.csv", b"1")
    folder.write("new.csv", b"333")
    now = seen(Path(), path=root)
    assert additions(before, now, "one")[""].files == {root: (f"{root}/new.csv",)}
    folder.write("copy.csv", b"4")  # of a store that gives a copy another tag
    with pytest.raises(RunError, match=r"file 'copy.csv': has the size of a file that run one counted"):
        additions(before, seen(Path(), path=root), "one")
    source = Input(path=root, format="csv")
    check_unchanged(source, seen(Path(), path=root))
    folder.write("renamed.csv", b"5")
    with pytest.raises(InputError, match="changed while it was read"):
        check_unchanged(source, now)
    with pytest.raises(RunError, match="lacks 1 of the files that run one counted"):
        additions(before, seen(Path(), path=root), "one")


def test_a_file_of_azure_that_was_renamed_is_taken_for_one_that_is_gone(az: str) -> None:
    """Its tags tell when a file was written, not what it holds."""
    folder = place(f"{az}://places/renamed")
    folder.write("a.csv", b"1")
    before = seen(Path(), path=folder.address)
    folder.write("renamed.csv", b"1")
    folder.delete(["a.csv"])
    with pytest.raises(RunError, match="lacks 1 of the files that run one counted"):
        additions(before, seen(Path(), path=folder.address), "one")


def test_what_was_counted_must_be_there_as_it_was(tmp_path: Path) -> None:
    before = seen(files(tmp_path, a="1", b="2"))
    with pytest.raises(RunError, match="holds nothing that run one has not counted"):
        additions(before, seen(tmp_path), "one")
    files(tmp_path, c="3")
    assert new_files(before, seen(tmp_path)) == ["c.csv"]
    files(tmp_path, a="1 and more")
    with pytest.raises(RunError, match=r"such as a\.csv: removed or changed; put them back"):
        additions(before, seen(tmp_path), "one")
    (tmp_path / "a.csv").unlink()
    with pytest.raises(RunError, match=r"such as a\.csv"):
        additions(before, seen(tmp_path), "one")


def test_a_name_that_reads_as_a_pattern_is_a_name_like_others(tmp_path: Path) -> None:
    before = seen(files(tmp_path, a="1"))
    (tmp_path / "b*.csv").write_text("2")
    assert new_files(before, seen(tmp_path)) == ["b*.csv"]


def test_sources_and_mapping_tables_are_told_apart(tmp_path: Path) -> None:
    files(tmp_path / "n", a="1"), files(tmp_path / "s", a="1")
    table = files(tmp_path, map="code,group\n1,one\n") / "map.csv"

    def look() -> Inventory:
        sources = {name: {"path": str(tmp_path / name), "format": "csv"} for name in ("n", "s")}
        groups = {"c": {"path": str(table), "code": "code", "group": "group"}}
        found = inventory(Input.model_validate({"sources": sources, "groups": groups}))
        assert found is not None
        return found

    before = look()
    files(tmp_path / "s", b="2")
    assert list(additions(before, look(), "one")) == ["s"]
    table.write_text("code,group\n1,two\n")
    with pytest.raises(RunError, match=r"input\.groups\.c: has another mapping table"):
        additions(before, look(), "one")


def test_what_changes_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    source = Input(path=str(files(tmp_path, a="1", b="2")), format="csv")
    known = inventory(source)
    check_unchanged(source, known)
    check_unchanged(source, None)
    for name, text in (("c", "new"), ("a", "longer")):
        files(tmp_path, **{name: text})
        with pytest.raises(InputError, match="changed while it was read"):
            check_unchanged(source, known)
        (tmp_path / "c.csv").unlink(missing_ok=True)


def test_what_cannot_be_looked_at_has_no_inventory(tmp_path: Path) -> None:
    assert inventory(Input(path="s3://bucket/cases.csv")) is None
    assert inventory(Input(path=str(tmp_path / "none.csv"))) is None
    assert inventory(Input(table="cases")) is None


# --- Delta tables, by their log


def commit(table: Path, version: int, *actions: dict[str, Any]) -> None:
    log = table / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    (log / f"{version:020d}.json").write_text("\n".join(map(json.dumps, actions)))


def add(name: str, **more: Any) -> dict[str, Any]:
    return {"add": {"path": f"p=1/{name}", "dataChange": True, **more}}


INFO: dict[str, Any] = {"commitInfo": {"operation": "WRITE"}}


def delta(table: Path, version: int | None = None) -> Inventory:
    return seen(table, format="delta", version=version)


def test_versions_that_append_are_new_by_the_files_they_add(tmp_path: Path) -> None:
    commit(tmp_path, 0, {"metaData": {"id": "x"}}, add("zero"))
    before = delta(tmp_path)
    commit(tmp_path, 1, INFO, add("one"), add("two"))
    commit(tmp_path, 2, INFO, {"txn": {}}, add("three"))
    assert additions(before, delta(tmp_path), "r")[""].names == ("one", "two", "three")
    assert additions(before, delta(tmp_path, 1), "r")[""].names == ("one", "two")
    known = inventory(Input(path=str(tmp_path), format="delta"))
    assert pinned(Input(path=str(tmp_path), format="delta"), known).version == 2
    assert pinned(Input(path=str(tmp_path)), None).version is None
    with pytest.raises(RunError, match="holds nothing"):
        additions(before, before, "r")
    with pytest.raises(RunError, match="is not a later version"):
        additions(delta(tmp_path), before, "r")


@pytest.mark.parametrize(
    "action",
    [
        {"remove": {"path": "zero", "dataChange": True}},
        {"metaData": {"id": "x"}},
        add("moved", dataChange=False),
        add("less", deletionVector={"storageType": "u"}),
        {"cdc": {"path": "c"}},
    ],
    ids=lambda action: next(iter(action)),
)
def test_anything_but_appending_is_refused(tmp_path: Path, action: dict[str, Any]) -> None:
    commit(tmp_path, 0, {"metaData": {"id": "x"}}, add("zero"))
    before = delta(tmp_path)
    commit(tmp_path, 1, INFO, add("one"))
    commit(tmp_path, 2, INFO, add("two"), action)
    with pytest.raises(RunError, match="was changed in version 2 by more than appending"):
        additions(before, delta(tmp_path), "r")


def test_a_log_that_is_another_or_has_gaps_is_refused(tmp_path: Path) -> None:
    commit(tmp_path, 0, add("zero"))
    before = delta(tmp_path)
    commit(tmp_path, 2, add("two"))
    with pytest.raises(RunError, match="has no readable log of version 1"):
        additions(before, delta(tmp_path), "r")
    commit(tmp_path, 0, add("other"))
    with pytest.raises(RunError, match="is not a later version"):
        additions(before, delta(tmp_path), "r")


# --- plans


def test_the_command_line_names_the_earlier_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = files(tmp_path, cases="a,b\n1,2\n") / "cases.csv"
    assert main(["plan", "--input", str(cases), "--since", "out.work/one"]) == 7  # before anything is looked at
    assert "out.work/one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"input.subject": {"id": "case"}}, "since cannot go with subject"),
        ({"input.record_limit": 10}, "since cannot go with record_limit"),
        ({"input.numbers": {"age": {"quantiles": 4}}}, "since cannot go with quantiles"),
        ({"input.path": None, "input.table": "cases"}, "since is for files and Delta folders"),
        ({"privacy.epsilon": 1.0, "privacy.delta": 1e-6}, "since is not for differential privacy"),
    ],
    ids=lambda part: next(iter(part)) if isinstance(part, dict) else "",
)
def test_what_is_not_additive_cannot_go_with_since(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        plans.load(None, {"input.path": "cases.csv", "input.since": "out.work/one", **keys})
