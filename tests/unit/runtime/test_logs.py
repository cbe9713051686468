"""Structured logs: one JSON object a line, nothing else, and nothing that quotes data."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from synth_spark.errors import PlanError
from synth_spark.monitoring.progress import Progress
from synth_spark.runtime import logs


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_an_event_is_one_object_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.written(as_json=True):
        logs.event("table_kept", table="a\nb", rows=3, seconds=None)
    out, err = capsys.readouterr()
    assert out == ""
    (found,) = lines(err)
    assert found.pop("time").endswith("+00:00")
    assert found == {"level": "info", "event": "table_kept", "table": "a\nb", "rows": 3}


def test_stages_and_notes_are_events_of_their_run(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(quiet=True)
    progress.run_id = "one"
    with logs.written(as_json=True), progress.stage("encode", "coding records"):
        progress.say("100 % of it")
    found = lines(capsys.readouterr().err)
    assert [one["event"] for one in found] == ["stage_started", "note", "stage_finished"]
    assert {one["run_id"] for one in found} == {"one"}
    assert found[0]["stage"] == found[2]["stage"] == "encode"
    assert found[1]["text"] == "100 % of it"
    assert found[2]["seconds"] >= 0


def test_a_traceback_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.written(as_json=True):
        try:
            raise ValueError("Anna Jones")
        except ValueError:
            logging.getLogger("synth_spark").exception("it failed")
    err = capsys.readouterr().err
    assert "Anna" not in err
    assert lines(err)[0]["text"] == "it failed"


def test_what_libraries_say_is_a_line_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.written(as_json=True):
        logging.getLogger("py4j").error("Anna Jones")
        logging.getLogger("synth_spark").error("once")
    found = lines(capsys.readouterr().err)
    assert [(one["event"], one.get("logger"), one.get("text")) for one in found] == [
        ("library", "py4j", None),
        ("message", None, "once"),
    ]


def test_a_file_is_added_to_beside_the_lines_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        with logs.written(file=str(tmp_path / "log.jsonl")):
            Progress().say("within")
    assert [one["text"] for one in lines((tmp_path / "log.jsonl").read_text())] == ["within", "within"]
    assert capsys.readouterr().err.count("within") == 2


def test_quiet_lets_warnings_through(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.written(as_json=True, quiet=True):
        logs.event("note", text="x")
        logs.event("failed", logging.ERROR, exit_code=2)
    assert [one["event"] for one in lines(capsys.readouterr().err)] == ["failed"]


def test_afterwards_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("synth_spark")
    before = (logger.level, logger.propagate, list(logger.handlers))
    root = list(logging.getLogger().handlers)
    with logs.written(as_json=True):
        assert logger.handlers != before[2]
    assert (logger.level, logger.propagate, logger.handlers) == before
    assert logging.getLogger().handlers == root
    logs.event("failed", logging.ERROR)
    assert capsys.readouterr().err == ""


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="--log-file"), logs.written(file=str(tmp_path)):
        pass


def test_a_log_file_on_a_full_disk_is_told_once_and_ends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log.json").symlink_to("/dev/full")
    for as_json in (False, True):
        with logs.written(as_json=as_json, file=str(tmp_path / "log.json")):
            for _ in range(3):
                logs.event("note", text="something")
        lines = [line for line in capsys.readouterr().err.splitlines() if "the log file could not be written" in line]
        assert len(lines) == 1
        assert lines[0].startswith('{"time"') == as_json


def test_libraries_do_not_set_up_the_logs_of_a_program() -> None:
    """A library that logs where nobody has set up logs sets them up, for whatever is logged later."""
    code = """
import logging
from synth_spark.runtime import logs
with logs.as_they_were():
    logging.error("the stack of py4j")
print(logging.getLogger().handlers)
logging.basicConfig()
with logs.as_they_were():
    print(len(logging.getLogger().handlers))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n1\n"
