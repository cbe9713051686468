"""Bad input: one line that says what to do, an exit code that is not 0, and nothing published."""

import gzip
from pathlib import Path

import pandas as pd
import pytest
from publishing import place
from pyspark.sql import SparkSession
from releasing import kept, started, work_until, write_csv

from synth_spark.cli.main import main
from synth_spark.schema import tables

SECRET = "Zwetlana-of-Nowhere"  # a value that no message may quote
ROWS = "".join(f"{SECRET},p,q\n" for _ in range(20))


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str], out: Path, *, code: int, says: str) -> None:
    """Run the command line; it must refuse in one line without quoting data, and publish nothing."""
    capsys.readouterr()
    assert main([*arguments, "--output", str(out), "--quiet"]) == code
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if line]
    assert len(lines) == 1, lines
    assert lines[0].startswith("synth-spark: ")
    assert says in lines[0]
    assert SECRET not in captured.err + captured.out
    assert not list(out.rglob("*.parquet"))
    assert not (out / "LATEST.json").exists()


@pytest.mark.parametrize(
    ("name", "content", "code", "says"),
    [
        ("empty.csv", "", 3, "input: is empty; give a file with a header and records"),
        ("header.csv", "a,b,c\n", 3, "input: holds no records under its header"),
        ("ragged.csv", f"a,b,c\n{ROWS}{SECRET},p\n", 3, "with more or fewer fields than its header"),
        ("long.csv", f"a,b,c\n{ROWS}{SECRET},p,q,r\n", 3, "with more or fewer fields than its header"),
        ("twice.csv", f"a,A,c\n{ROWS}", 3, "input: has the same name for columns 1 and 2 (case"),
        ("unnamed.csv", f"a,,c\n{ROWS}", 3, "input: has no name for column 2; name every column"),
        ("reserved.csv", f"a,Run_Id,c\n{ROWS}", 2, "column 'Run_Id': has a name that published tables use themselves"),
        ("few.csv", f"a,b,c\n{SECRET},p,q\n", 3, "privacy.k: is larger than the number of records"),
        ("unlike.csv", "a,b,c\n" + "".join(f"x{i},y{i},z{i}\n" for i in range(20)), 3, "nothing could be released"),
    ],
)
def test_files_that_cannot_be_released(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    name: str, content: str, code: int, says: str,
) -> None:  # fmt: skip
    source = write_csv(tmp_path / name, content)
    refused(["run", "--input", str(source)], capsys, tmp_path / "out", code=code, says=says)


def test_bytes_that_are_not_utf8(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "latin.csv"
    source.write_bytes(b"a,b,c\n" + ROWS.encode() + b"caf\xe9,b,c\n")
    says = "file 'latin.csv': holds a byte in line … that is not UTF-8; set input.encoding to the encoding of the file"
    refused(["run", "--input", str(source)], capsys, tmp_path / "out", code=3, says=says)
    source.write_bytes(b"a,caf\xe9,c\n" + ROWS.encode())
    says = "file 'latin.csv': holds a byte in line"
    refused(["run", "--input", str(source)], capsys, tmp_path / "out", code=3, says=says)


def test_a_value_of_ten_megabytes(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_csv(tmp_path / "huge.csv", f"a,b,c\n{ROWS}x,{'y' * 10_000_000},z\n")
    says = "column 'b': holds a value of … characters; the limit is 1,000"
    refused(["run", "--input", str(source)], capsys, tmp_path / "out", code=3, says=says)


def test_a_file_that_is_missing_or_torn(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing.csv"
    refused(["run", "--input", str(missing)], capsys, tmp_path / "out", code=3, says=f"input.path: {missing} does not")
    torn = tmp_path / "torn.csv.gz"
    torn.write_bytes(gzip.compress(("a,b,c\n" + ROWS * 500).encode())[:-40])
    refused(
        ["run", "--input", str(torn)],
        capsys,
        tmp_path / "out",
        code=3,
        says="file 'torn.csv.gz': cannot be read to its end",
    )
    fake = write_csv(tmp_path / "fake.parquet", ROWS)
    refused(["run", "--input", str(fake)], capsys, tmp_path / "out", code=3, says="input: is not a readable parquet")


def test_an_output_that_cannot_be_written(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_csv(tmp_path / "cases.csv", f"a,b,c\n{ROWS}")
    (tmp_path / "file").write_text("in the way")
    says = "cannot be written"
    refused(["run", "--input", str(source)], capsys, tmp_path / "file" / "out", code=6, says=says)
    arguments = ["run", "--input", str(source), "--set", f"work={tmp_path / 'work'}"]
    refused(arguments, capsys, tmp_path / "file" / "out", code=6, says="output.path: cannot be written")


def test_a_run_id_that_exists(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_csv(tmp_path / "cases.csv", f"a,b,c\n{ROWS}")
    place(tmp_path / "done", "mine", {"a:x": 20})
    (tmp_path / "new.work" / "mine").mkdir(parents=True)
    before = (tmp_path / "done" / "LATEST.json").read_text()
    arguments = ["run", "--input", str(source), "--run-id", "mine", "--quiet", "--output"]
    assert main([*arguments, str(tmp_path / "new")]) == 7
    assert "run_id 'mine': exists in" in capsys.readouterr().err
    assert main([*arguments, str(tmp_path / "done")]) == 6
    assert "run_id 'mine': has been published there already" in capsys.readouterr().err
    assert (tmp_path / "done" / "LATEST.json").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--set", "privacy.kk=3"], "privacy.kk: is not a key of the plan; did you mean 'k'?"),
        (["--set", "input.columns=[alpha, b]"], "input.columns: names no column of the input: 'alpha'"),
        (["--set", "input.sensitive_zeros=[d]"], "input.sensitive_zeros: names no used column 'd'"),
        (["--k", "1"], "privacy.k: is not valid: should be greater than or equal to 2"),
        (["--run-id", "123"], "run_id: is not valid: must be"),
        (["--set", "privacy.kind=trust_me"], "privacy.kind: is not valid"),
    ],
)
def test_plans_that_cannot_be_understood(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    source = write_csv(tmp_path / "cases.csv", f"a,b,c\n{ROWS}")
    refused(["run", "--input", str(source), *arguments], capsys, tmp_path / "out", code=2, says=says)


def test_zeros_blanks_and_empties_are_absent(spark: SparkSession, tmp_path: Path) -> None:
    rows = "".join(["0, x ,1\n"] * 10 + ["00,,0\n"] * 10)
    source = write_csv(tmp_path / "zeros.csv", f"\ufeff a ,b,c\n{rows}")
    run = started(spark, source, tmp_path / "out", privacy__k=5, input__sensitive_zeros=["c"])
    made = kept(work_until(run, "synthesize"), tables.SYNTHETIC_RECORDS)
    assert {name: made[name].value_counts().to_dict() for name in "abc"} == {
        "a": {"00": 10},
        "b": {"x": 10},
        "c": {"1": 10, "0": 10},
    }


def test_quotes_line_breaks_and_tabs(spark: SparkSession, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["x\ny", "tab\there"] * 5, "b": ['"q"', "plain"] * 5})
    frame.to_csv(tmp_path / "cases.tsv", index=False, sep="\t")
    run = started(spark, tmp_path / "cases.tsv", tmp_path / "out", privacy__k=5, input__multiline=True)
    made = kept(work_until(run, "synthesize"), tables.SYNTHETIC_RECORDS)
    assert made["a"].value_counts().to_dict() == {"x\ny": 5, "tab\there": 5}
    assert made["b"].value_counts().to_dict() == {'"q"': 5, "plain": 5}
