"""An adversary who has a granted budget, of which a release has spent most, and tries to release once more.

Every attempt of the page `docs/debit.md` is the installed command, in a process of its own that finds no Java: what
goes on to ask for Spark has passed all of it, and ends with 8. Other tests are commands in this process, without Spark.
"""

import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from inject import fingerprint
from installing import installed

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


def begun(nonce: str = "of the first run", drawn: bool = True) -> Path:
    """A run folder as one that has drawn single counts leaves it, and what its ledger holds."""
    keys = {"input.path": "cases.csv", "privacy.epsilon": 0.1, "output.path": "out", "run_id": "second"}
    plan = plans.load(None, keys)
    store = RunStore.create(accounts.charged(plan)[0])
    store.manifest["nonce"] = nonce
    debited(plan, "second", nonce)
    store.manifest["stages"]["read"] = {"seconds": 0.1}
    store.save()
    with store.alone():  # the file of the lock stays
        pass
    if drawn:
        shutil.copytree(store.folder, "before")
        rows = pa.table({"column": pa.array([0], pa.int32()), "count": pa.array([7], pa.int64())})
        store.keep(None, tables.VALUES, store.write_rows(tables.VALUES, rows))  # type: ignore[arg-type]
        accounts.enter_draws(store)
    return store.folder


def rolled_back(world: Path) -> None:
    folder = begun()
    shutil.rmtree(folder)
    shutil.copytree("before", folder)


def copied_before(world: Path) -> None:
    begun()
    shutil.copytree("before", "elsewhere")


def changed(key: str, value: Any) -> Callable[[Path], None]:
    def change(world: Path) -> None:
        store = RunStore.open(begun(drawn=False))
        store.manifest[key] = {**store.manifest[key], **value} if isinstance(value, dict) else value
        store.save()

    return change


EXACT = "rules=[{rule: use.near, measure: mean_tvd, at_most: 9, severity: warning}]"
BUDGET, PLAN = BudgetError.exit_code, PlanError.exit_code
RUN, CSV, SET = ("run",), ("--input", "cases.csv"), "--set"
SMALL, SECOND = ("--epsilon", "0.1"), "out.work/second"
#: What is tried, as the page has it → what is done to the folder before, and the command.
TRIED: dict[str, tuple[Callable[[Path], None] | None, Sequence[str]]] = {
    "the same release once more": (None, (*RUN, *CSV)),
    "its path in another spelling": (None, (*RUN, "--input", "./sub/../cases.csv")),
    "a link to the file": (linked, (*RUN, "--input", "link.csv")),
    "a link to its folder": (linked, (*RUN, "--input", "sub/up/cases.csv")),
    "the file, named twice": (None, (*RUN, SET, "input.paths=[cases.csv, ./cases.csv]")),
    "another output": (None, (*RUN, *CSV, "--output", "out2")),
    "another place of run folders": (None, (*RUN, *CSV, SET, "work=elsewhere")),
    "a copy of the file": (copied, (*RUN, "--input", "copy.csv")),
    "the file under a new name": (renamed, (*RUN, "--input", "renamed.csv")),
    "the file with a record more": (appended, (*RUN, *CSV)),
    "the file with a record more, under a new name": (appended_and_renamed, (*RUN, "--input", "renamed.csv")),
    "the file beside others in a folder": (in_a_folder, (*RUN, "--input", "folder")),
    "a copy as the source of an organisation": (copied, (*RUN, SET, "input.sources={one: {path: copy.csv}}")),
    "the data set under another name": (None, (*RUN, *CSV, SET, "data_set=another")),
    "a copy as a data set of another name": (copied, (*RUN, "--input", "copy.csv", SET, "data_set=another")),
    "a later version of a copy of a Delta table": (
        other_table, (*RUN, "--input", "same", SET, "input.format=delta")),
    "the run id of the first release": (None, (*RUN, *CSV, "--run-id", "first-cases", *SMALL)),
    "an empty ledger, where a budget is required": (
        None, (*RUN, *CSV, "--ledger", "empty.jsonl", SET, "ledger.required=true")),
    "a ledger of an earlier version, beside the run folders": (old_ledger, (*RUN, *CSV)),
    "a grant to what no plan resolves to": (
        None, ("ledger", "grant", "ledger.jsonl", "nosuch.csv", "--epsilon", "9", "--delta", DELTA)),
    "values that are public of no column": (None, (*RUN, *CSV, *SMALL, SET, "privacy.public_domain={}")),
    "a column that is never absent, and not declared": (None, (*RUN, *CSV, *SMALL, SET, "privacy.never_absent=[a]")),
    "a rule about exact figures": (None, (*RUN, *CSV, *SMALL, SET, EXACT)),
    "a query without a name of its data set": (None, (*RUN, SET, "input.sql=SELECT * FROM cases", *SMALL)),
    "a run folder that was restored from before its draw, resumed": (rolled_back, ("resume", SECOND)),
    "a run folder that was restored from before its draw, stage by stage": (rolled_back, ("stage", "encode", SECOND)),
    "a run folder that was copied before its draw, resumed": (copied_before, ("resume", "elsewhere")),
    "a run folder of another run, under the name of one that paid": (
        changed("nonce", "another"), ("resume", SECOND)),
    "a run folder whose plan names another data set": (
        changed("plan", {"data_set": "another"}), ("resume", SECOND)),
}  # fmt: skip
#: A row of the page: what is tried, what the refusal says, the exit code.
_ROW = re.compile(r"^\| (.+) \| “(.+)” \| (\d) \|$", re.M)


def with_usual(given: Sequence[str]) -> list[str]:
    """A command, if it is `run` with an output and an ε."""
    asked = [] if "--epsilon" in given or given[0] != "run" else ["--epsilon", ASKED]
    return [*given, *asked, *([] if "--output" in given or given[0] != "run" else ["--output", "out"])]


def refusals() -> dict[str, tuple[str, int]]:
    """The table of the page: what is tried → what the refusal says, and the exit code."""
    page = (Path(__file__).parents[2] / "docs" / "debit.md").read_text(encoding="utf-8")
    table = page.partition("## Ways round a budget")[2]
    return {what: (says, int(code)) for what, says, code in _ROW.findall(table)}


def test_the_page_lists_every_way_that_is_tried() -> None:
    assert list(refusals()) == list(TRIED)
    assert {code for _, code in refusals().values()} == {BUDGET, PLAN}


@pytest.mark.parametrize("what", TRIED)
def test_a_way_round_the_budget_is_refused(what: str, world: Path) -> None:
    prepare, given = TRIED[what]
    if prepare is not None:
        prepare(world)
    before = fingerprint(world)
    done = installed(with_usual(given))
    says, code = refusals()[what]
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    (told,) = done.stderr.splitlines()
    assert says in told
    assert fingerprint(world) == before


def test_what_the_budget_holds_goes_on_to_ask_for_spark(world: Path) -> None:
    """So the refusals above are none of another kind."""
    for given in ((*RUN, *CSV, *SMALL), ("resume", str(begun()))):
        done = installed(with_usual(given))
        assert done.returncode == EngineError.exit_code, done.stderr
        assert "java" in done.stderr.lower()


def run(*given: str) -> int:
    return main(with_usual(["run", *given]))


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


def test_of_copies_of_a_run_folder_one_draws(world: Path) -> None:
    """The other is refused before it draws; a run that is killed after it has begun to goes on."""
    store = RunStore.open(begun(drawn=False))
    shutil.copytree(store.folder, "copy")
    accounts.begin_draws(store, "encode")
    accounts.begin_draws(RunStore.open(store.folder), "encode")
    copy = RunStore.open(Path("copy"))
    with pytest.raises(BudgetError, match="has begun to draw its noise"):
        accounts.check_drawn(copy)
    with pytest.raises(BudgetError, match="has begun to draw its noise"):
        accounts.begin_draws(copy, "encode")
    store.facts["begun"]["aggregate"] = "a token"  # it was killed before it told the ledger
    store.save()
    accounts.check_drawn(store)
    accounts.begin_draws(store, "aggregate")
    assert list(accounts.draws(store)) == ["beginning of encode", "beginning of aggregate"]
