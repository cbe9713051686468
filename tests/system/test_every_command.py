"""Every subcommand × what goes wrong around it: exit code, one line, and a state that is as it was.

Subcommands, and their arguments, are those of the parser: one that is new, or takes a name or a path that is declared
nowhere here, fails the first test. All is tried in this process, on a published run that was made without Spark and has
all tables that commands read. Spark is not started: what is refused is refused before; what needs no Spark succeeds.
"""

import argparse
import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from inject import fingerprint
from publishing import place
from showing import released

from synth_spark.cli.exit_table import EXIT_CODES
from synth_spark.cli.main import COMMANDS, main
from synth_spark.cli.output import open_closed_streams
from synth_spark.cli.parser import parser
from synth_spark.errors import BudgetError, EngineError, InputError, PlanError, PublishError, RunError
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline.run import Run
from synth_spark.pipeline.stages import STAGES
from synth_spark.plan import parse
from synth_spark.privacy import Delta, Epsilon
from synth_spark.privacy.ledger import Ledger
from synth_spark.schema import tables
from synth_spark.storage.append_log import LineFile
from synth_spark.storage.run_store import RunStore

#: What each command is given so that it works, in the folder of `world`; each action of a command that has several.
WORKING: dict[str, list[list[str]]] = {
    "run": [["--input", "cases.csv", "--output", "new"]],
    "plan": [["--input", "cases.csv"]],
    "inspect": [["--input", "cases.csv", "--output", "new"]],
    "stage": [["evaluate", "out.work/run"]],
    "resume": [["out.work/run"]],
    "validate": [["out.work/run"]],
    "purge": [["out.work/run"]],
    "show": [["out", "--output", "page.html"]],
    "compare": [["out.work/run"]],
    "tune": [["--input", "cases.csv", "--output", "new", "--ks", "5", "--lengths", "2"]],
    "ledger": [["show", "ledger.jsonl"], ["history", "ledger.jsonl"],
               ["grant", "ledger.jsonl", "cases.csv", "--epsilon", "1", "--delta", "1e-5"]],
    "releases": [["list", "out"], ["show", "out"], ["diff", "out", "one", "run"], ["rollback", "out", "one"],
                 ["retire", "out", "one"], ["clean", "out"]],
    "load": [["out", "duckdb:cases.duckdb"]],
    "package": [["out", "--output", "cases.zip"]],
    "schema": [[]],
    "completion": [["bash"]],
    "warm": [[]],
    "demo": [["--output", "new"]],
}  # fmt: skip
#: Commands that work if nothing is given.
NOTHING_NEEDED = {"schema", "warm", "demo"}
#: Arguments that hold a name, with one that nobody knows, and the exit code.
NAMES: dict[str, tuple[str, int]] = {
    "action": ("nosuch", PlanError.exit_code),
    "name": ("nosuch", PlanError.exit_code),
    "set": ("privacy.nosuch=1", PlanError.exit_code),
    "accept": ("no.such", PlanError.exit_code),
    "kinds": ("nosuch", PlanError.exit_code),
    "log_format": ("nosuch", PlanError.exit_code),
    "data_set": ("nosuch", RunError.exit_code),  # of what has an account; none is made for it
    "run_ids": ("nosuch", PublishError.exit_code),
    "shell": ("nosuch", PlanError.exit_code),
    "target": ("nosuch:x", PlanError.exit_code),
}
#: Arguments that hold a path that must be there, and the exit code.
READ: dict[str, int] = {
    "run": RunError.exit_code,
    "runs": RunError.exit_code,
    "release": PublishError.exit_code,
    "root": PublishError.exit_code,
    "file": RunError.exit_code,
    "plan": PlanError.exit_code,
    "input": InputError.exit_code,
    "since": RunError.exit_code,
}
#: Arguments that hold a path that is written.
WRITTEN = {"output", "trials", "ledger", "summary", "log_file"}
#: Arguments that are neither: numbers, texts and switches, and names that are given to what is made.
OTHER = {
    "k", "epsilon", "delta", "public_domain", "length", "assess", "seed", "all", "quiet", "verbose", "force", "reason",
    "serve", "port", "ks", "lengths", "sample", "keep", "older_than", "schema", "rows", "help", "run_id",
    "unread",
}  # fmt: skip
#: Commands that read nothing in the folder of the world.
READ_NOTHING = {"schema", "completion", "warm", "demo"}

#: Cases that succeed in the world, where Spark does not start.
SUCCEED = {
    "plan", "resume", "purge", "show", "compare", "ledger", "releases", "load", "package", "schema",
    "completion",
}  # fmt: skip
#: Those of them that write something; `ledger` and `releases` do with some of their actions.
WRITE = {"resume", "purge", "show", "load", "package"}
WRITING_ACTIONS = {"grant", "rollback", "retire", "clean"}
#: What an evaluation measures, as far as runs are compared by it.
MEASURED = pa.table(
    {
        "comparison": ["sensitive_to_synthetic"] * 2, "measure": ["common", "kept"],
        "length": pa.array([2, 2], pa.int32()), "count_bin": pa.array([None, None], pa.int64()), "value": [1.0, 1.0],
    }
)  # fmt: skip

CASES = [(name, given) for name, every in WORKING.items() for given in every]
IDS = ["-".join([name, *given[:1]]).replace("/", "_") for name, given in CASES]


#: What the hook does when a file is opened, and where; a hook cannot be taken away, but can be given nothing to do.
STRIKE: list[Any] = []
#: Paths that a full disk took nothing of.
UNWRITTEN: list[str] = []


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if STRIKE and event in ("open", "os.mkdir"):
        STRIKE[0](event, args)


sys.addaudithook(_hook)


def subcommands() -> dict[str, argparse.ArgumentParser]:
    """The parser's own."""
    (added,) = (one for one in parser(COMMANDS)._actions if isinstance(one, argparse._SubParsersAction))
    return dict(added.choices)


def arguments(name: str) -> dict[str, argparse.Action]:
    return {action.dest: action for action in subcommands()[name]._actions}


def with_argument(name: str, given: Sequence[str], dest: str, value: str) -> list[str]:
    """A command's working arguments with another value of one of them."""
    action = arguments(name)[dest]
    given = list(given)
    if action.option_strings:
        option = action.option_strings[-1]
        if option in given:
            given[given.index(option) + 1] = value
            return [name, *given]
        more = ["--reason", "so"] if dest == "accept" else []
        return [name, *given, option, value, *more]
    places = [one.dest for one in subcommands()[name]._actions if not one.option_strings]
    at = places.index(dest)
    positional = [part for part in given if not part.startswith("--")][: len(places)]
    if at < len(positional) and given[at] == positional[at]:
        return [name, *given[:at], value, *given[at + 1 :]]
    return [name, *given[:at], value, *given[at:]]


def beside_counts(count: int) -> dict[str, pa.Table]:
    """The tables of a release besides its counts."""
    source = released(pd.DataFrame({"a": ["x"] * count, "b": ["y"] * count}), k=10, longest=2)
    return {name: source.table(name) for name in source.tables if name != "aggregates"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cases, a root of two releases, the run folder of the second, whose stages are all done, and a ledger."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "cases.csv").write_text("a,b\n" + "x,y\n" * 30)
    (folder / "blocked").write_text("no folder")
    for name, count in (("one", 20), ("run", 30)):
        place(folder / "out", name, {"a:x": count, "b:y": count, "a:x;b:y": count}, others=beside_counts(count))
    where = {"input": {"path": "cases.csv"}, "output": {"path": "out"}, "run_id": "run"}
    before = Path.cwd()
    os.chdir(folder)
    try:
        store = RunStore.create(parse(where))
        store.manifest["stages"] = {name: {"seconds": 0.1} for name in STAGES["k_anonymity"]}
        store.manifest["facts"]["fields"] = [{"name": "a"}, {"name": "b"}]
        for table, rows in ((tables.MEASURES, MEASURED), (tables.RECORDS, pa.table({"c0": ["x"] * 30}))):
            store.keep(None, table, store.write_rows(table, rows))  # type: ignore[arg-type]  # nothing is read back
        with store.alone():  # the lock's file stays
            pass
        store.write("summary.json", '{"verdict": "published", "purged": false}')
    finally:
        os.chdir(before)
    Ledger(LineFile(folder / "ledger.jsonl")).grant("cases", Epsilon(1), Delta(1e-5))
    return folder


@pytest.fixture
def world(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which commands are given as the current folder. Spark does not start: whoever asks is told so."""
    shutil.copytree(made, tmp_path / "world")
    monkeypatch.chdir(tmp_path / "world")

    def refused(*_: Any, **__: Any) -> None:
        raise EngineError("spark", "was asked for", "refuse it before")

    monkeypatch.setattr("synth_spark.runtime.session.session", refused)
    monkeypatch.setattr("synth_spark.kernels.warmup.compile_beside", refused)
    return tmp_path / "world"


def ended(command: Sequence[str]) -> int:
    """The exit code of a command, also where the parser ends it."""
    try:
        return main(command)
    except SystemExit as end:
        return int(end.code or 0)


def refused(
    command: Sequence[str],
    world: Path,
    capsys: pytest.CaptureFixture[str],
    looking: Callable[[str, tuple[Any, ...]], None] | None = None,
) -> int:
    """The exit code of a command that is refused: in one line, before Spark starts, and everything is as it was."""
    before = fingerprint(world)
    capsys.readouterr()
    STRIKE.extend([looking] if looking is not None else [])
    code = ended(command)
    STRIKE.clear()
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 1, err
    assert err.startswith("synth-spark: ")
    assert (out, "Traceback" in err) == ("", False)
    assert "was asked for" not in err
    assert fingerprint(world) == before
    assert code in {one.code for one in EXIT_CODES} - {0, 70}
    return code


def test_every_command_and_argument_is_tried() -> None:
    assert set(subcommands()) == set(COMMANDS) == set(WORKING)
    for name, command in subcommands().items():
        declared = {*NAMES, *READ, *WRITTEN, *OTHER}
        assert {action.dest for action in command._actions} <= declared, name
        actions = [action for action in command._actions if action.dest == "action"]
        assert all({given[0] for given in WORKING[name]} == set(action.choices or ()) for action in actions), name


@pytest.mark.parametrize("name", WORKING)
def test_nothing_is_given(name: str, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if name not in NOTHING_NEEDED:
        assert refused([name], world, capsys) == PlanError.exit_code


@pytest.mark.parametrize(("name", "given"), CASES, ids=IDS)
def test_a_name_that_nobody_knows(name: str, given: list[str], world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused([name, *given, "--nosuch"], world, capsys) == PlanError.exit_code
    for dest, (unknown, code) in NAMES.items():
        makes_it = (dest, given[:1]) in [("run_ids", ["list"]), ("run_ids", ["clean"])]
        code = PlanError.exit_code if (dest, given[:1]) == ("data_set", ["grant"]) else code
        if dest in arguments(name) and not makes_it:
            assert refused(with_argument(name, given, dest, unknown), world, capsys) == code, dest
    if name in ("show", "load", "package"):
        assert refused([name, *given, "--run-id", "nosuch"], world, capsys) == PublishError.exit_code


@pytest.mark.parametrize(("name", "given"), CASES, ids=IDS)
def test_a_path_that_is_not_there(name: str, given: list[str], world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for dest, code in READ.items():
        if dest in arguments(name) and (dest, given[:1]) != ("file", ["grant"]):
            assert refused(with_argument(name, given, dest, "nowhere/none.csv"), world, capsys) == code, dest


@pytest.mark.parametrize(("name", "given"), CASES, ids=IDS)
def test_a_folder_that_may_not_be_written(
    name: str, given: list[str], world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A path below a file: who runs the tests may be root, who may write everywhere else."""
    for dest in WRITTEN & arguments(name).keys():
        if name != "plan" and (dest != "ledger" or name == "run"):  # else it is not written
            refused(with_argument(name, given, dest, "blocked/none"), world, capsys)
    if name == "load":
        refused([name, "out", "duckdb:blocked/none.duckdb"], world, capsys)


#: What takes long to import, or comes by an extra.
HEAVY = ("adbc_driver_manager", "duckdb", "great_expectations", "numba", "opendp", "pandas", "pyarrow", "pyspark",
         "scipy", "sklearn")  # fmt: skip
#: What commands that need no Spark may load of it, on a release of Parquet files, each by its name and its action.
LOADED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("plan", "schema", "completion", "ledger-show", "ledger-history"), ()),
    **dict.fromkeys(("ledger-grant", "resume", "purge"), ("pyarrow",)),
    **{f"releases-{action}": ("pyarrow",) for action in ("list", "show", "rollback", "retire", "clean")},
    "plan-private": ("pyarrow", "opendp"),
    **dict.fromkeys(("releases-diff", "compare", "show", "package"), ("pyarrow", "pandas")),
    "load": ("pyarrow", "pandas", "duckdb"),
}
#: Carries commands out, each in a copy of the world and in a fork of its own. A module that a command and all after it
#: may load is loaded before.
EACH = """
import contextlib, importlib, io, json, os, shutil, sys
from synth_spark.cli.main import main
commands, heavy = map(json.loads, sys.argv[1:])
for name, given, shared in commands:
    list(map(importlib.import_module, shared))
    if not (child := os.fork()):
        shutil.copytree("world", name)
        os.chdir(name)
        with contextlib.redirect_stdout(io.StringIO()):
            code = main(given)
        print(json.dumps([name, code, [one for one in heavy if one in sys.modules]]), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def test_what_needs_no_spark_loads_none(world: Path) -> None:
    """Nor more of what is heavy than is said here: so an installation without Spark can do it."""
    called = {f"{name}-{given[0]}" if len(WORKING[name]) > 1 else name: [name, *given] for name, given in CASES}
    assert {name for name, given in called.items() if given[0] in SUCCEED} == LOADED.keys() - {"plan-private"}
    called["plan-private"] = [*called["plan"], "--epsilon", "1"]
    order = list(LOADED)
    shared = [[one for one in LOADED[name] if all(one in LOADED[after] for after in order[at:])]
              for at, name in enumerate(order)]  # fmt: skip
    commands = [(name, called[name], before) for name, before in zip(order, shared, strict=True)]
    given = [sys.executable, "-c", EACH, json.dumps(commands), json.dumps(HEAVY)]
    done = subprocess.run(given, cwd=world.parent, capture_output=True, text=True, check=True)
    ended = {name: (code, loaded) for name, code, loaded in map(json.loads, done.stdout.splitlines())}
    assert {name: code for name, (code, _) in ended.items()} == dict.fromkeys(LOADED, 0), done.stderr
    assert [(name, one) for name, (_, loaded) in ended.items() for one in loaded if one not in LOADED[name]] == []


class Gone:
    """Standard output whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise BrokenPipeError


@pytest.mark.parametrize(("name", "given"), CASES, ids=IDS)
def test_a_closed_pipe(
    name: str, given: list[str], world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command does, and ends as, what it would do and end as where somebody reads."""
    shutil.copytree(world, world.with_name("read"))
    monkeypatch.chdir(world.with_name("read"))
    code = ended([name, *given])
    told = capsys.readouterr().err
    assert code in {one.code for one in EXIT_CODES} - {70}, told
    assert (code == 0) == (name in SUCCEED), told
    monkeypatch.chdir(world)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", Gone())
        assert ended([name, *given]) == code
    assert len(capsys.readouterr().err.splitlines()) == len(told.splitlines())
    assert fingerprint(world).keys() == fingerprint(world.with_name("read")).keys()


def _to_a_reader_that_has_gone() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.dup2(writing, 1)
    sys.stdout = os.fdopen(1, "w")


def _to_nothing() -> None:
    os.close(1)
    sys.stdout = None  # type: ignore[assignment]  # as Python has it then


def _errors_to_nothing() -> None:
    os.close(2)
    sys.stdout, sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"), None  # type: ignore[assignment]


def _both_to_a_full_disk() -> None:
    for number in (1, 2):
        os.dup2(os.open("/dev/full", os.O_WRONLY), number)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")


#: What a shell gives a command instead of a terminal: ``| true``, ``>&-``, ``2>&-``, ``>FILE 2>FILE`` on a full disk.
STREAMS = {
    "pipe": _to_a_reader_that_has_gone, "out": _to_nothing, "err": _errors_to_nothing, "full": _both_to_a_full_disk,
}  # fmt: skip


def forked(command: Sequence[str], streams: Callable[[], None]) -> int:
    """The exit code of a command in a process of its own, with other streams; a fork, so that it starts at once."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 70
    try:
        streams()
        open_closed_streams()
        code = ended(command)
        sys.stdout.flush()  # as Python does when it ends, where an error makes the exit code 120
    except BaseException:
        code = 120
    finally:
        os._exit(code)


@pytest.mark.parametrize("streams", STREAMS)
@pytest.mark.parametrize(("name", "given"), CASES, ids=IDS)
def test_streams_that_take_nothing(name: str, given: list[str], streams: str, world: Path) -> None:
    """The streams are those of the system. What succeeds elsewhere succeeds, and makes its file as it does elsewhere.

    On a full disk a command that only tells something ends with 8, as nothing else came of it.
    """
    code = forked([name, *given], STREAMS[streams])
    telling = name in ("plan", "schema", "compare", "completion") or given[:1] in [
        [one] for one in ("list", "show", "diff", "history")
    ]
    told_nothing = streams == "full" and telling and (name, given[:1]) != ("show", ["out"])
    if name in SUCCEED:
        assert code == (EngineError.exit_code if told_nothing else 0)
    else:
        assert code in {one.code for one in EXIT_CODES} - {0, 70}
    made_files = {"show": "page.html", "load": "cases.duckdb", "package": "cases.zip"}
    assert name not in made_files or (world / made_files[name]).is_file()


@pytest.mark.parametrize("streams", STREAMS)
def test_a_release_is_published_whatever_takes_what_is_printed(
    streams: str, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command's own beginning and end, around stages that put a release in place without Spark."""

    def published(run: Run) -> None:
        place(Path(run.plan.output.path), run.store.run_id, {"a:x": 20})
        run.store.manifest["stages"]["publish"] = {"seconds": 0.1}
        run.store.save()

    monkeypatch.setattr("synth_spark.cli.main.started", lambda *_, **__: nullcontext((None, Progress())))
    monkeypatch.setattr(
        "synth_spark.pipeline.api.start",
        lambda spark, plan, progress: Run(spark, RunStore.create(plan, "made"), progress),
    )
    monkeypatch.setattr("synth_spark.pipeline.api.resume", published)
    assert forked(["run", *WORKING["run"][0]], STREAMS[streams]) == 0
    assert json.loads((world / "new" / "LATEST.json").read_text())["run_id"] == "made"
    assert json.loads((world / "new.work" / "made" / "summary.json").read_text())["verdict"] == "published"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize(("name", "given"), CASES, ids=IDS)
def test_a_signal(
    name: str, given: list[str], number: signal.Signals, world: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    """It comes when the first file of the world is opened."""

    def strike(*_: Any) -> None:
        STRIKE.clear()
        os.kill(os.getpid(), number)
        time.sleep(0)  # Python handles the signal here

    def look(event: str, args: tuple[Any, ...]) -> None:
        if isinstance(args[0], str | os.PathLike) and str(Path(args[0]).absolute()).startswith(str(world)):
            strike()

    if name in READ_NOTHING:
        monkeypatch.setitem(COMMANDS, name, strike)
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background may ignore it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, heard))
    assert refused([name, *given], world, capsys, None if name in READ_NOTHING else look) == 130


@pytest.mark.parametrize(("name", "given"), CASES, ids=IDS)
def test_a_full_disk(name: str, given: list[str], world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that writes is refused, or says so, and leaves everything as it was; any other one works."""

    def full(event: str, args: tuple[Any, ...]) -> None:
        path = args[0]
        if not isinstance(path, str | os.PathLike) or not str(Path(path).absolute()).startswith(str(world)):
            return
        if event == "os.mkdir" or args[2] & (os.O_WRONLY | os.O_RDWR):
            UNWRITTEN.append(str(path))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    before = fingerprint(world)
    UNWRITTEN.clear()
    STRIKE.append(full)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    if name == "load":  # DuckDB opens files itself: the system refuses what it writes
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    code = ended([name, *given])
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    STRIKE.clear()
    err = capsys.readouterr().err
    assert (code == 0) == (name in SUCCEED - WRITE and given[:1] not in [[one] for one in WRITING_ACTIONS]), err
    assert code != 70, err
    assert (code == 0) <= (err == ""), err
    assert code == 0 or len(err.splitlines()) == 1, err
    assert not UNWRITTEN or code != 0, UNWRITTEN
    assert fingerprint(world) == before


def shown() -> list[list[str]]:
    """The examples in the help of the commands that have several actions, or several targets."""
    epilogs = [subcommands()[name].epilog or "" for name in ("ledger", "releases", "load")]
    lines = [line.split() for text in epilogs for line in text.splitlines()]
    return [words[1:] for words in lines if words[:1] == ["synth-spark"]]


def test_the_help_has_an_example_of_every_action() -> None:
    for name in ("ledger", "releases"):
        assert {words[1] for words in shown() if words[0] == name} == set(arguments(name)["action"].choices or ())
    assert {words[2].partition(":")[0] for words in shown() if words[0] == "load"} == {"duckdb", "postgresql"}


@pytest.mark.parametrize("words", [one for one in shown() if one[0] != "load"], ids=" ".join)
def test_the_examples_of_the_help_do_what_they_are_there_for(words: list[str], world: Path) -> None:
    """`RUN_ID` is a release, the earlier one first; loading wants a real one, see tests/system/test_documents.py."""
    names = iter(("one", "run"))
    assert ended([next(names) if word == "RUN_ID" else word for word in words]) == 0


def test_a_budget_that_does_not_hold_a_release(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused before the input is read: no run folder is left, and no line."""
    Ledger(LineFile(world / "ledger.jsonl")).grant("spent", Epsilon(0.5), Delta(1e-5))
    asked = ["run", *WORKING["run"][0], "--epsilon", "1", "--ledger", "ledger.jsonl", "--set", "data_set=spent"]
    assert refused(asked, world, capsys) == BudgetError.exit_code
    assert ended([*asked, "--epsilon", "0.4"]) == EngineError.exit_code  # of Spark, which is asked for


def test_a_target_that_holds_the_run_already(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["run", "--input", "cases.csv", "--output", "out", "--set", "work=elsewhere", "--run-id", "run"]
    assert refused(asked, world, capsys) == PublishError.exit_code


def test_a_release_that_was_retired(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever resumes its run is told that it is gone, not where it was."""
    assert ended(["releases", "rollback", "out", "one"]) == 0
    assert ended(["resume", "out.work/run"]) == 0
    assert "not the current one  readers of out see one" in capsys.readouterr().out
    assert ended(["releases", "retire", "out", "run"]) == 0
    assert refused(["resume", "out.work/run"], world, capsys) == PublishError.exit_code


@pytest.mark.parametrize("name", ["stage", "resume", "validate", "purge"])
def test_a_run_that_somebody_works_on(name: str, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Their attempt's summary, figures and acceptances stay theirs."""
    accepting = [] if name == "purge" else ["--accept", "differencing.no_small_group", "--reason", "so"]
    with RunStore.open(world / "out.work" / "run").alone():
        assert refused([name, *WORKING[name][0], *accepting], world, capsys) == RunError.exit_code


@pytest.mark.parametrize(
    ("given", "code"),
    [(["evaluate"], RunError.exit_code), (["publish"], RunError.exit_code), (["nosuch"], PlanError.exit_code)],
)
def test_a_stage_that_cannot_be_run(
    given: list[str], code: int, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = RunStore.open(world / "out.work" / "run")
    store.manifest["stages"] = {"read": {"seconds": 0.1}}
    store.save()
    accepting = ["--accept", "differencing.no_small_group", "--reason", "so"]
    assert refused(["stage", *given, "out.work/run", *accepting], world, capsys) == code
