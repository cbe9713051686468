"""Hostile files: each gives a valid release or one clear error, and no value of theirs reaches a message or a log."""

import logging
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml
from hostile import MARK, Hostile, files
from hypothesis import HealthCheck, given, settings
from pyspark.sql import SparkSession
from releasing import published, write_csv

from synth_spark import read
from synth_spark.cli.main import main
from synth_spark.errors import SynthSparkError
from synth_spark.plan import Plan, load

#: Files that are read; `make hostile` asks for more than the suite does.
FILES = int(os.environ.get("HOSTILE_FILES", "100"))

patient = settings(deadline=None, suppress_health_check=list(HealthCheck))


def released_or_refused(hostile: Hostile, folder: Path, capsys: pytest.CaptureFixture[str]) -> int:
    """Run the command on a file; whatever happens is one of the two things that may."""
    plan = {"input": {"path": str(hostile.write(folder)), **hostile.settings}, "privacy": {"k": 2}}
    (folder / "plan.yml").write_text(yaml.safe_dump(plan))
    out = folder / "out"
    capsys.readouterr()
    code = main(["run", str(folder / "plan.yml"), "--output", str(out), "--seed", "1", "--quiet"])
    captured = capsys.readouterr()
    assert MARK not in captured.err + captured.out
    if code == 0:
        assert len(published(out, "synthetic_records")) > 0
        assert (published(out, "aggregates")["protected_count"] % 2 == 0).all()
    else:
        lines = [line for line in captured.err.split("\n") if line]
        assert code in (2, 3, 4), captured.err
        assert len(lines) == 1, captured.err
        assert re.match(r"synth-spark: .+: .+; .+", lines[0]), lines[0]
        assert not (out / "LATEST.json").exists()
        assert not list(out.rglob("*.parquet"))
    return code


@pytest.mark.takes("a dozen whole lines")
@settings(patient, max_examples=12)
@given(files())
def test_hostile_files_through_the_whole_line(
    spark: SparkSession, capsys: pytest.CaptureFixture[str], hostile: Hostile
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        released_or_refused(hostile, Path(folder), capsys)


@pytest.mark.takes("two hundred files")
@settings(patient, max_examples=FILES)
@given(files())
def test_hostile_files_are_read_or_refused(spark: SparkSession, hostile: Hostile) -> None:
    with tempfile.TemporaryDirectory() as folder:
        plan = load(None, {"input.path": str(hostile.write(Path(folder))), **inputs(hostile)})
        said = refusal(spark, plan)
    assert MARK not in said
    assert "\n" not in said


def refusal(spark: SparkSession, plan: Plan) -> str:
    """What the error says that an input is refused with; nothing if it is read."""
    try:
        opened = read.open_records(spark, plan.input, 2)
        try:
            rows = opened.frame.collect()
        except Exception as error:  # what the line makes of it
            raise read.explain_failure(error, opened.examination) or error from None
        count, _ = read.check(opened, plan.input, spark.createDataFrame(rows, opened.frame.schema))
    except SynthSparkError as error:
        return error.whole()
    assert count == len(rows) > 0
    assert len(opened.fields) == len(rows[0])
    return ""


def inputs(hostile: Hostile) -> dict[str, object]:
    """A file's settings as overrides."""
    return {f"input.{key}": value for key, value in hostile.settings.items()}


def test_no_value_reaches_a_log_or_an_error(
    spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """A whole release with everything on, and a refused one, at the level that operators run with."""
    rows = "".join(f"{MARK}{n % 7},{MARK}x;{MARK}y,{n},{MARK}id{n // 3}\n" for n in range(80))
    plan = {
        "input": {
            "path": str(write_csv(tmp_path / "cases.csv", f"a,b,n,id\n{rows}{MARK},,{MARK},{MARK}z\n")),
            "multi_values": {"b": ";", "a": "|"},
            "numbers": {"n": {"quantiles": 3}},
            "groups": {"b": {"values": {f"{MARK}x": f"{MARK}group"}, "others": "keep"}},
            "subject": {"id": "id", "take": {"n": "most_frequent"}},
            "constraints": [{"forbid": {"a": f"{MARK}1", "n": "under 30"}}],
        },
        "privacy": {"k": 5},
    }
    (tmp_path / "plan.yml").write_text(yaml.safe_dump(plan))
    with caplog.at_level(logging.INFO):
        assert main(["run", str(tmp_path / "plan.yml"), "--output", str(tmp_path / "out")]) == 0
        plan["input"]["subject"] = {"id": "id"}  # type: ignore[index]
        (tmp_path / "plan.yml").write_text(yaml.safe_dump(plan))
        assert main(["run", str(tmp_path / "plan.yml"), "--output", str(tmp_path / "none")]) == 3
    captured = capsys.readouterr()
    assert "released" in captured.out.lower()
    assert MARK not in caplog.text + captured.out + captured.err
    assert MARK not in (tmp_path / "out" / "QUALITY.md").read_text()
    told = set(re.findall(rf"{MARK}\w+", (tmp_path / "out" / "RELEASE.md").read_text()))
    assert told
    assert told <= values_published(tmp_path / "out")


def values_published(out: Path) -> set[str]:
    """Values that the latest release's tables hold: what its documents may name."""
    aggregates, records = published(out, "aggregates"), published(out, "synthetic_records")
    cells = [value for column in ("a", "b") for table in (aggregates, records) for value in table[column].dropna()]
    return {part for cell in cells for part in (re.split("[;|]", cell) if isinstance(cell, str) else cell)}


@pytest.mark.takes("a process of its own, with Spark")
def test_no_value_reaches_the_logs_of_a_process(tmp_path: Path) -> None:
    """What a fresh process says of three files that it refuses, with Spark's own logging as it is."""
    files = [f"{MARK},x\n{MARK},y,{MARK}\n", f'{MARK},"{MARK}\n', f"{MARK},{'y' * 2_000}\n"]
    asked = [
        ["run", "--input", str(write_csv(tmp_path / f"{at}.csv", f"a,b\n{rows}")), "--output", "out", "--k", "2"]
        for at, rows in enumerate(files)
    ]
    code = (
        "import sys; from synth_spark.cli.main import main; from synth_spark.runtime.session import session\n"
        "with session():\n"
        f"    for words in {asked!r}: sys.stderr.write(f'\\n=={{main(words)}}==\\n')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert MARK not in ended.stdout + ended.stderr
    *said, _ = ended.stderr.split("\n==3==\n")
    assert len(said) == len(files)
    for one in said:
        assert one.strip().splitlines()[-1].startswith("synth-spark: ")
