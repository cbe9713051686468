"""An adversary who has a granted budget, of which a release has spent most, and tries to release once more.

Every attempt is a command, in this process; Spark is not started, so that one which is refused is refused before. What
goes on to ask for Spark has passed all of it, and ends with 8.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synth_spark import plan as plans
from synth_spark.cli.main import main
from synth_spark.errors import BudgetError, EngineError, PlanError
from synth_spark.pipeline import accounts
from synth_spark.plan import Plan
from synth_spark.privacy import spend
from synth_spark.privacy.entries import private_entry
from synth_spark.privacy.ledger import Ledger
from synth_spark.schema import tables
from synth_spark.storage.append_log import LineFile
from synth_spark.storage.run_store import RunStore

#: What was granted, and what every attempt asks for; a release of so much was made before.
GRANTED, DELTA, ASKED = "1.2", "1e-5", "1"
ROWS = "x,y\nx,z\nu,y\n" * 60


def debited(asked: Plan, run_id: str, nonce: str = "of the first run") -> None:
    """What a release leaves in its ledger, as it is begun and debited by the line."""
    plan, _ = accounts.charged(asked)
    cost = private_entry(plan.data_set_name, run_id, plan.synthesis.kind, plan.unit, spend(plan, 2, 2))
    accounts.ledger_of(plan).debit(replace(cost, nonce=nonce, content=accounts.content(plan.input)))


def delta_table(folder: Path) -> None:
    """A table of Delta of one version, as far as its log is looked at."""
    (folder / "_delta_log").mkdir(parents=True)
    fields = [{"name": name, "type": "string", "nullable": True, "metadata": {}} for name in "ab"]
    about = {"id": "the-table", "schemaString": json.dumps({"type": "struct", "fields": fields}),
             "partitionColumns": [], "format": {"provider": "parquet", "options": {}}, "configuration": {}}  # fmt: skip
    actions = [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}, {"metaData": about}]
    (folder / "_delta_log" / f"{0:020d}.json").write_text("\n".join(map(json.dumps, actions)))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: cases, a Delta table, and the user's ledger, in which both have spent what they may."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def refused(*_: Any, **__: Any) -> None:
        raise EngineError("spark", "was asked for", "refuse it before")

    monkeypatch.setattr("synth_spark.runtime.session.session", refused)
    (tmp_path / "cases.csv").write_text("a,b\n" + ROWS)
    (tmp_path / "sub").mkdir()
    delta_table(tmp_path / "table")
    for source, more in (("cases.csv", {}), ("table", {"input.format": "delta"})):
        settings = [part for key, value in more.items() for part in ("--set", f"{key}={value}")]
        assert main(["ledger", "grant", source, *settings, "--epsilon", GRANTED, "--delta", DELTA]) == 0
        keys = {"input.path": source, "privacy.epsilon": float(ASKED), "output.path": "out"}
        debited(plans.load(None, {**keys, **more}), f"first-{source.partition('.')[0]}")
    return tmp_path


def linked(world: Path) -> None:
    (world / "link.csv").symlink_to("cases.csv")
    (world / "sub" / "up").symlink_to(world)


def copied(world: Path) -> None:
    shutil.copy(world / "cases.csv", world / "copy.csv")


def renamed(world: Path) -> None:
    (world / "cases.csv").rename(world / "renamed.csv")


def appended(world: Path) -> None:
    with (world / "cases.csv").open("a") as stream:
        stream.write("x,y\n")


def appended_and_renamed(world: Path) -> None:
    appended(world)
    renamed(world)


def in_a_folder(world: Path) -> None:
    (world / "folder").mkdir()
    shutil.copy(world / "cases.csv", world / "folder" / "one.csv")
    (world / "folder" / "two.csv").write_text("a,b\n" + "v,w\n" * 50)


def other_table(world: Path) -> None:
    shutil.copytree(world / "table", world / "same")
    later = {"add": {"path": "more.parquet", "dataChange": True, "size": 1}}
    (world / "same" / "_delta_log" / f"{1:020d}.json").write_text(json.dumps(later))


def old_ledger(world: Path) -> None:
    """As earlier versions kept it, beside the run folders, under the path as it was written."""
    shutil.rmtree(world / "state")
    old = Ledger(LineFile(world / "out.work" / "ledger.jsonl"))
    plan = plans.load(None, {"input.path": "cases.csv", "privacy.epsilon": float(ASKED), "output.path": "out"})
    name = str(world / "sub" / ".." / "cases.csv")
    cost = private_entry(name, "old", plan.synthesis.kind, plan.unit, spend(plan, 2, 2))
    old.debit(cost)
    assert main(["ledger", "grant", "cases.csv", "--epsilon", GRANTED, "--delta", DELTA]) == 0


EXACT = "rules=[{rule: use.near, measure: mean_tvd, at_most: 9, severity: warning}]"
BUDGET, PLAN = BudgetError.exit_code, PlanError.exit_code
CSV, SET = ("--input", "cases.csv"), "--set"
#: What is tried → what is done to the folder before, what `run` is given besides ε, and how it ends.
TRIED: dict[str, tuple[Callable[[Path], None] | None, Sequence[str], int]] = {
    "once more": (None, CSV, BUDGET),
    "another spelling": (None, ("--input", "./sub/../cases.csv"), BUDGET),
    "a link": (linked, ("--input", "link.csv"), BUDGET),
    "a link to the folder": (linked, ("--input", "sub/up/cases.csv"), BUDGET),
    "the file twice": (None, (SET, "input.paths=[cases.csv, ./cases.csv]"), BUDGET),
    "another output": (None, (*CSV, "--output", "out2"), BUDGET),
    "other run folders": (None, (*CSV, SET, "work=elsewhere"), BUDGET),
    "a copy": (copied, ("--input", "copy.csv"), BUDGET),
    "a new name": (renamed, ("--input", "renamed.csv"), BUDGET),
    "a record more": (appended, CSV, BUDGET),
    "a record more under a new name": (appended_and_renamed, ("--input", "renamed.csv"), BUDGET),
    "beside others": (in_a_folder, ("--input", "folder"), BUDGET),
    "as the source of an organisation": (copied, (SET, "input.sources={one: {path: copy.csv}}"), BUDGET),
    "another data set by name": (None, (*CSV, SET, "data_set=another"), BUDGET),
    "a copy as another data set by name": (copied, ("--input", "copy.csv", SET, "data_set=another"), BUDGET),
    "a later version of a copy of a Delta table": (
        other_table, ("--input", "same", SET, "input.format=delta"), BUDGET),
    "the name of the first run": (None, (*CSV, "--run-id", "first-cases", "--epsilon", "0.1"), BUDGET),
    "an empty ledger where a budget is required": (
        None, (*CSV, "--ledger", "empty.jsonl", SET, "ledger.required=true"), BUDGET),
    "a ledger beside the run folders that is forgotten": (old_ledger, CSV, BUDGET),
    "no column whose values are public": (None, (*CSV, "--epsilon", "0.1", SET, "privacy.public_domain={}"), PLAN),
    "a rule about exact figures": (None, (*CSV, "--epsilon", "0.1", SET, EXACT), PLAN),
    "never absent, and not declared": (None, (*CSV, "--epsilon", "0.1", SET, "privacy.never_absent=[a]"), PLAN),
    "a query without a name": (None, (SET, "input.sql=SELECT * FROM cases", "--epsilon", "0.1"), PLAN),
}  # fmt: skip


def run(*given: str) -> int:
    asked = [] if "--epsilon" in given else ["--epsilon", ASKED]
    where = [] if "--output" in given else ["--output", "out"]
    return main(["run", *given, *asked, *where])


@pytest.mark.parametrize("what", TRIED)
def test_a_way_round_the_budget_is_refused(what: str, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepare, given, code = TRIED[what]
    if prepare is not None:
        prepare(world)
    before = sorted(world.rglob("*"))
    capsys.readouterr()
    assert run(*given) == code
    (told,) = capsys.readouterr().err.splitlines()
    assert "was asked for" not in told
    assert sorted(world.rglob("*")) == before


@pytest.mark.parametrize(
    "given", [CSV, ("--input", "./sub/../cases.csv", "--output", "out2"), ("--input", "others.csv", "--epsilon", ASKED)]
)
def test_what_the_budget_holds_goes_on(given: Sequence[str], world: Path) -> None:
    """So the refusals above are none of another kind."""
    (world / "others.csv").write_text("a,b\n" + "v,w\n" * 60)
    assert run(*given, *([] if "--epsilon" in given else ["--epsilon", "0.1"])) == EngineError.exit_code


def test_a_renamed_file_is_told_of_and_charged_to_the_account_that_it_has(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    appended_and_renamed(world)
    assert main(["plan", "--input", "renamed.csv", "--epsilon", "0.1"]) == 0
    told = capsys.readouterr().out
    assert "its content has an account already: this release is charged to data set" in told
    assert f"data set {world.resolve() / 'cases.csv'}\n" in told
    assert main(["plan", "--input", "renamed.csv", "--epsilon", "0.1", SET, "data_set=another"]) == BUDGET
    assert "holds content that has another account already" in capsys.readouterr().err


def test_files_that_hold_no_records_are_nobodys_content(world: Path) -> None:
    """Data sets of the same columns may have them in common, and nobody."""
    pq.write_table(pa.table({"a": pa.array([], pa.string())}), world / "none.parquet")
    for name, text in (("header.csv", "a,b\n"), ("one.csv", "a,b\nv,w\nv,w\n"), ("two.csv", "a,b\nx,x\nu,u\n")):
        (world / name).write_text(text)
    for own in ("one.csv", "two.csv"):
        keys = {"input.paths": ["header.csv", own], "privacy.epsilon": float(ASKED), "output.path": "out"}
        debited(plans.load(None, keys), own.partition(".")[0])  # no account is that of the other
    seen = accounts.content(plans.load(None, {"input.paths": ["none.parquet"]}).input)
    assert seen == ()


@pytest.mark.parametrize("named", ["nosuch", "nosuch.csv", "nosuch.yml"])
def test_nothing_is_granted_to_what_no_plan_resolves_to(
    named: str, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ledger", "grant", "ledger.jsonl", named, "--epsilon", "9", "--delta", DELTA]) == PLAN
    assert not (world / "ledger.jsonl").exists()
    capsys.readouterr()


def test_a_plan_that_requires_a_budget_does_so_whatever_ledger_is_named(world: Path) -> None:
    (world / "plan.yml").write_text("{input: {path: cases.csv}, privacy: {epsilon: 0.1}, ledger: {required: true}}")
    assert main(["run", "plan.yml"]) == EngineError.exit_code
    assert main(["run", "plan.yml", "--ledger", "empty.jsonl"]) == BUDGET
    assert main(["run", "plan.yml", SET, "ledger=empty.jsonl"]) == BUDGET


def begun(nonce: str = "of the first run", drawn: bool = True) -> Path:
    """A run folder as one that has drawn single counts leaves it, and what its ledger holds."""
    keys = {"input.path": "cases.csv", "privacy.epsilon": 0.1, "output.path": "out", "run_id": "second"}
    plan = plans.load(None, keys)
    store = RunStore.create(accounts.charged(plan)[0])
    store.manifest["nonce"] = nonce
    debited(plan, "second", nonce)
    store.manifest["stages"]["read"] = {"seconds": 0.1}
    store.save()
    if drawn:
        shutil.copytree(store.folder, "before")
        rows = pa.table({"column": pa.array([0], pa.int32()), "count": pa.array([7], pa.int64())})
        store.keep(None, tables.VALUES, store.write_rows(tables.VALUES, rows))  # type: ignore[arg-type]
        accounts.enter_draws(store)
    return store.folder


@pytest.mark.parametrize("command", [["resume"], ["stage", "encode"]], ids=" ".join)
def test_a_folder_that_was_rolled_back_draws_nothing(
    command: list[str], world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its release has drawn its noise; once more would be a release that nobody has paid for."""
    folder = begun()
    assert main([*command, str(folder)]) == EngineError.exit_code  # which holds it
    shutil.rmtree(folder)
    shutil.copytree("before", folder)
    capsys.readouterr()
    assert main([*command, str(folder)]) == BUDGET
    assert "its folder does not hold what was drawn; restore the folder" in capsys.readouterr().err
    shutil.copytree("before", "elsewhere")
    assert main([*command, "elsewhere"]) == BUDGET


def test_a_folder_of_the_same_name_is_another_run(world: Path) -> None:
    folder = begun(drawn=False)
    assert main(["resume", str(folder)]) == EngineError.exit_code
    store = RunStore.open(folder)
    for key, value in (("nonce", "another"), ("plan", {**store.manifest["plan"], "data_set": "another"})):
        kept, store.manifest[key] = store.manifest[key], value
        store.save()
        assert main(["resume", str(folder)]) == BUDGET
        store.manifest[key] = kept


def test_a_draw_that_is_not_the_one_of_the_release_is_not_entered(world: Path) -> None:
    store = RunStore.open(begun())
    accounts.enter_draws(store)  # what is known is entered once
    ledger = accounts.ledger_of(store.plan)
    assert (world / "state" / "synth-spark" / "ledger.jsonl").read_text().count('"draw"') == 1
    assert ledger.drawn(ledger.entries()[-1]) == accounts.draws(store)
    store.manifest["tables"]["values"]["content_hash"] = "another"
    with pytest.raises(BudgetError, match="does not hold what was drawn"):
        accounts.enter_draws(store)
    store.manifest["nonce"] = "another"
    with pytest.raises(BudgetError, match="is not in the ledger as a release of this run"):
        accounts.enter_draws(store)
