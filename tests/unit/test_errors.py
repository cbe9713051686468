"""Errors: what they say, what of it is logged, how programs exit, and that they survive the way from an executor."""

import ast
import copy
import io
import json
import pickle
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from synth_spark import errors
from synth_spark.cli.exit_codes import guarded
from synth_spark.encode.codes import check_size
from synth_spark.errors import InputError, SynthSparkError
from synth_spark.library.held import HeldError
from synth_spark.monitoring.lineage import Lineage
from synth_spark.monitoring.metrics import metrics_text
from synth_spark.monitoring.summary import Attempt, row, summarize
from synth_spark.monitoring.watch import Watch
from synth_spark.plan import Input, parse
from synth_spark.plan.planner import resolve
from synth_spark.read import constraints, mapping, subjects
from synth_spark.read.counters import Remark
from synth_spark.read.records import check_identifier
from synth_spark.schema.domain import check_cardinality, check_several

KINDS = SynthSparkError.__subclasses__()
MODULES = sorted((Path(errors.__file__).parent).rglob("*.py"))
#: A number that stands for an exact number of sensitive rows.
NUMBER = 7_125_387


def test_all_kinds_are_known() -> None:
    own = [item for item in vars(errors).values() if isinstance(item, type) and item.__module__ == errors.__name__]
    declared = {item.__name__ for item in own}
    assert declared == {SynthSparkError.__name__, *(kind.__name__ for kind in KINDS)}
    assert len(KINDS) == 8


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_says_where_what_and_what_to_do_and_can_be_sent(kind: type[SynthSparkError]) -> None:
    error = kind("input.path", "does not exist", "check it")
    assert str(error) == error.whole() == "input.path: does not exist; check it"
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert (back.field, back.problem, back.remedy) == ("input.path", "does not exist", "check it")
    assert str(back) == str(error)


#: How the bases of exceptions are called.
NAMED_ERROR = re.compile(r"(Error|Exception|Failed|Interrupt|Exit)$")


def pickled(error: BaseException) -> BaseException:
    return pickle.loads(pickle.dumps(error))


def every_exception() -> list[type[BaseException]]:
    """Every class of exceptions that a module of the package defines."""
    named = [
        f"{'.'.join(('synth_spark', *path.relative_to(MODULES[0].parent).with_suffix('').parts))}:{node.name}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and any(NAMED_ERROR.search(ast.unparse(base)) for base in node.bases)
    ]
    return [pkgutil.resolve_name(name) for name in named]


@pytest.mark.parametrize("kind", every_exception(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("sent", [copy.copy, copy.deepcopy, pickled], ids=lambda sent: sent.__name__)
def test_every_exception_is_sent_and_copied_whole(
    kind: type[BaseException], sent: Callable[[BaseException], BaseException]
) -> None:
    """What it has besides its text comes along, whatever its kind declares, and notes that were added to it."""
    told = issubclass(kind, SynthSparkError)
    error = kind("input", "holds {n} rows", "leave {n} out", {"n": NUMBER}) if told else kind("a text")
    own = {name: f"another {name}" for name in vars(kind).get("__annotations__", {})}
    for name, value in own.items():
        setattr(error, name, value)
    error.add_note("of a program that caught it")
    back = sent(error)
    assert type(back) is kind
    assert (vars(back), back.args) == (vars(error), error.args)
    assert not isinstance(back, SynthSparkError) or back.whole() == error.whole()  # type: ignore[attr-defined]


def test_every_kind_of_error_is_among_the_exceptions() -> None:
    assert {SynthSparkError, *KINDS, HeldError} < set(every_exception())
    assert HeldError.__annotations__.keys() == {"held", "report", "run", "run_folder"}


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_one_line_whatever_the_name_of_a_file(kind: type[SynthSparkError]) -> None:
    error = kind("file 'a\nb'", "holds the file 'c\rd\x1b'", "rename '\u202ee'")
    assert str(error) == error.whole() == r"file 'a\nb': holds the file 'c\rd\x1b'; rename '\u202ee'"


def test_exit_codes_tell_the_kinds_apart() -> None:
    codes = [kind.exit_code for kind in KINDS]
    assert len({SynthSparkError.exit_code, *codes}) == len(KINDS) + 1
    assert 0 not in codes


# --- exact numbers of sensitive rows


@pytest.mark.parametrize("kind", KINDS)
def test_an_exact_number_is_told_by_the_whole_text_alone(kind: type[SynthSparkError]) -> None:
    made = kind("input", "holds {n} rows {}", "leave {n} out", {"n": NUMBER})
    for error in (made, pickle.loads(pickle.dumps(made))):
        assert error.whole() == "input: holds 7,125,387 rows {}; leave 7,125,387 out"
        assert str(error) == "input: holds … rows {}; leave … out"
        assert not re.search("7.?125", repr(error) + error.problem + error.remedy + str(error.args))


def _raised(work: Callable[[], object]) -> SynthSparkError:
    with pytest.raises(SynthSparkError) as caught:
        work()
    return caught.value


def _resolved(**keys: object) -> object:
    plan = parse({"input": {"path": "x.csv"}, "task_memory": 201, **keys})
    return resolve(plan, ("a", "b"), (3, 4), 9_000_000, NUMBER, 2)


#: Every place that raises an error about a number of sensitive records, rows, subjects, values or characters.
SITES: dict[str, Callable[[], object]] = {
    "distinct values": lambda: check_cardinality("a", NUMBER),
    "several values": lambda: check_several("a", NUMBER),
    "all values": lambda: check_size(NUMBER),
    "identifier": lambda: check_identifier("a", NUMBER, NUMBER, Input(path="x.csv")),
    "broken rule": lambda: constraints.check([Remark("input.constraints.0", "records that break it (error)", NUMBER)]),
    "no id": lambda: subjects.check([Remark("input", "rows without an id", NUMBER)]),
    "conflicts": lambda: subjects.check([Remark("column 'a'", "subjects with several values", NUMBER)]),
    "unknown code": lambda: mapping.check([Remark("column 'a'", "values that its map does not list (error)", NUMBER)]),
    "no group": lambda: mapping.check([Remark("column 'a'", "codes without a group (error)", NUMBER)]),
    "memory": lambda: _resolved(),
    "oversampling": lambda: _resolved(synthesis={"kind": "value_seeded", "oversampling": 1}),
}


def logged(error: SynthSparkError, folder: Path) -> Iterator[str]:
    """Everything that is written of an error for machines."""
    plan = parse({"input": {"path": "x.csv"}, "operations": {"lineage": str(folder / "lineage.jsonl")}})
    now = datetime.now(UTC)
    summary = summarize(Attempt(now, now, error), plan)
    yield json.dumps(summary)
    yield str(row(summary).to_pylist())
    yield metrics_text(summary, None)
    lineage = Lineage(plan)
    lineage.start("one")
    lineage.end({**summary, "run_id": "one"})
    yield (folder / "lineage.jsonl").read_text()

    def work(watch: Watch) -> None:
        raise error

    files = [folder / "log.jsonl", folder / "summary.json"]
    guarded(work, summary=str(files[1]), as_json=True, log_file=str(files[0]))
    yield from (file.read_text() for file in files)


@pytest.mark.parametrize("site", SITES)
def test_no_log_summary_figure_or_event_tells_an_exact_number(
    site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = _raised(SITES[site])
    assert f"{NUMBER:,}" in error.whole()
    told = [*logged(error, tmp_path), capsys.readouterr().err, str(error)]
    assert len(told) == 8
    assert all(error.field in text for text in told[:2])
    assert error.field in told[4]
    digits = [re.sub(r"[\s,._]", "", text) for text in told]
    assert [text for text in digits if str(NUMBER) in text] == []
    numbers = [f"{number:,}" for number in error.exact.values()]
    assert not [number for number in numbers if number in f"{error} {error.problem} {error.remedy}"]


@pytest.mark.parametrize("terminal", [True, False])
def test_the_person_at_the_terminal_is_told_and_a_file_is_not(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    stream = Stream()
    monkeypatch.setattr(sys, "stderr", stream)
    error = InputError("input.subject.id", "is empty in {rows} rows", "give every row an id", {"rows": NUMBER})

    def work(watch: Watch) -> None:
        raise error

    assert guarded(work) == 3
    assert ("is empty in 7,125,387 rows" in stream.getvalue()) == terminal
    assert ("is empty in … rows" in stream.getvalue()) != terminal


def test_whole_texts_are_asked_for_in_one_place() -> None:
    """What writes logs, summaries, figures and tables of runs has the logged form alone."""
    asking = {
        path.name
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("whole", "_clauses")
    }
    assert asking == {"errors.py", "exit_codes.py"}


#: What sounds like a number of rows in an error, and why it may be logged.
TOLD = {
    "IDENTIFIED_SHARE": "a constant", "LEAST_SHARE": "a constant", "MAX_VALUES": "a constant",
    "MAX_SEVERAL": "a constant", "LONGEST": "a constant", "MOST_CELLS": "a constant", "MOST_KEYS": "a constant",
    "cells": "of pairs of columns that follow from released or public values",
    "len(self._read) + 1": "the place of an entry in a log",
    "MAX_ATTRIBUTES": "a constant", "_MOST_CANDIDATES": "a constant", "_MOST_CELLS": "a constant",
    "_MOST_CODES": "a constant", "limit": "a key of the plan", "rows": "what the demo was asked for",
    "len(failed)": "rules of the audit", "len(results)": "rules of the audit", "len(gone)": "files",
    "number": "the place of a rule in the plan",
    "counted": "rows of a published table", "expected": "rows of a published table",
    "end": "cells of released values", "len(level.rows)": "candidates that follow from noisy counts",
    "before.spent[0].value": "of the budget", "before.spent[1].value": "of the budget",
    "after.spent[0].value": "of the budget", "after.spent[1].value": "of the budget",
    "len(told.names)": "names in the plan", "len(rows[0])": "columns", "len(file.header)": "columns",
    "len(first.header)": "columns",
    "epsilon.value": "of the budget", "delta.value": "of the budget", "length": "of combinations",
}  # fmt: skip
_SOUNDS = re.compile(
    r"\b(len|sum|max|min|counts?|counted|expected|rows|records|subjects|number|numbers|distinct|size)\b"
)


def numbers_told(source: str) -> set[str]:
    """What is put into texts of errors in a module and is formatted as a number, or sounds like one."""
    found: set[str] = set()
    for work in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)):
        given: dict[str, list[ast.expr]] = {}
        for node in ast.walk(work):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    for name in ast.walk(target):
                        if isinstance(name, ast.Name):
                            given.setdefault(name.id, []).append(node.value)
        for node in ast.walk(work):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {one.__name__ for one in KINDS}:
                told = [*node.args[:3], *(word.value for word in node.keywords if word.arg != "exact")]
                told += [value for one in told if isinstance(one, ast.Name) for value in given.get(one.id, [])]
                parts = [part for one in told for part in ast.walk(one) if isinstance(part, ast.FormattedValue)]
                texts = {ast.unparse(part.value): part.format_spec is not None for part in parts}
                found |= {text for text, formatted in texts.items() if formatted or _SOUNDS.search(text)}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_numbers_in_errors_are_declared(path: Path) -> None:
    """A number of sensitive rows goes into `exact`; any other number is declared here, with the reason."""
    found = {one for one in numbers_told(path.read_text(encoding="utf-8")) if "strerror" not in one}
    assert found - TOLD.keys() - {"'hold' if len(conflicts) > 1 else 'holds'"} == set()


@pytest.mark.parametrize(
    "source",
    [
        'def f(n):\n    raise InputError("a", f"holds {n:,} rows", "b")',
        'def f(n):\n    raise InputError("a", f"holds {remark.count} rows", "b")',
        'def f(n):\n    problem = f"holds {len(rows)} rows"\n    raise RunError("a", problem, "b")',
        'def f(n):\n    problem, remedy = "holds", f"give {n:.2f}"\n    raise RunError("a", problem, remedy)',
    ],
)
def test_a_number_in_an_error_is_found(source: str) -> None:
    assert len(numbers_told(source)) == 1
