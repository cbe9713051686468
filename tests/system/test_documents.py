"""The blocks of the documents, executed as they stand there, in one folder; docs/examples.md says how."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from doc_blocks import Example, every_example
from doc_desk import Found, executed, helped, of
from postgres import PASSWORD, server

from synth_spark.cli.main import main
from synth_spark.errors import EngineError

#: What is another one in every run: names of runs, times, hashes.
VARYING = {
    r"\b\d{8}T\d{6}Z-[0-9a-f]{6}\b": "RUN",
    r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\b": "TIME",
    r"\b[0-9a-f]{16}…": "HASH",
}


def named(example: Example) -> str:
    """Of a test."""
    return f"{example.block.page}-{example.text[:60]}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("documents")


@pytest.fixture(scope="module")
def found(folder: Path) -> Found:
    """All commands and statements of the documents, executed once: six releases, and an audit again."""
    with server() as address:
        return executed(folder, f"postgresql://postgres:{quote(PASSWORD)}@{address}/postgres")


def test_all_of_it_could_be_executed(found: Found) -> None:
    assert found.failed == {}
    executed = {*found.ended, *found.rows, *found.rings}
    assert executed == {*of("sh", "console", "sql", "promql", "python"), *helped()}


@pytest.mark.parametrize("example", [*of("sh"), *helped()], ids=named)
def test_a_command_does_what_it_is_there_for(found: Found, example: Example) -> None:
    assert found.ended[example].code == 0, found.ended[example].printed


@pytest.mark.parametrize("example", of("python"), ids=named)
def test_a_program_comes_to_its_end(found: Found, example: Example) -> None:
    assert found.ended[example].code == 0
    assert bool(found.ended[example].printed) == ("print(" in example.text)


@pytest.mark.parametrize("example", of("console"), ids=named)
def test_a_command_prints_what_the_document_says(found: Found, example: Example) -> None:
    told, shown = found.ended[example].printed.rstrip("\n"), example.printed or ""
    for varying, put in VARYING.items():
        told, shown = (re.sub(varying, put, text) for text in (told, shown))
    assert told == shown


@pytest.mark.parametrize("example", of("sql"), ids=named)
def test_a_statement_finds_the_same_rows_everywhere(found: Found, example: Example) -> None:
    rows, *others = found.rows[example]
    assert len(rows) > 0
    assert others == ([] if "parquet" in example.text else [rows])


@pytest.mark.parametrize("example", of("promql"), ids=named)
def test_an_alarm_is_about_figures_that_are_there(found: Found, example: Example) -> None:
    """Of a release that was published just now the first two are silent."""
    assert not found.rings[example] or "synth_spark_evaluation" in example.text


@pytest.mark.parametrize("example", of("yaml"), ids=named)
def test_a_part_of_a_plan_is_one(example: Example, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = {"input": {"path": str(tmp_path / "cases.csv")}, **yaml.safe_load(example.text)}
    (tmp_path / "cases.csv").write_text("a,b\n" + "x,y\n" * 20)
    (tmp_path / "plan.yml").write_text(yaml.safe_dump(content))
    assert main(["plan", str(tmp_path / "plan.yml")]) == 0
    told = yaml.safe_load(capsys.readouterr().out.partition("---\n")[0])
    assert {key: told[key] for key in content} == content


@pytest.mark.usefixtures("found")
def test_what_is_tuned_by_the_readme_could_begin(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everything that is checked before Spark is asked for."""
    (example,) = [one for one in every_example() if one.text.startswith(".venv/bin/synth-spark tune")]

    def refused(*_: Any, **__: Any) -> None:
        raise EngineError("spark", "was asked for", "it is not started here")

    monkeypatch.chdir(folder)
    monkeypatch.setattr("synth_spark.runtime.session.session", refused)
    assert main(example.words[1:]) == EngineError.exit_code
    assert "spark: was asked for" in capsys.readouterr().err
