"""Standard output that nobody takes: it ends no work, and is an error only where it was all that was asked for."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from synth_spark.cli.main import main
from synth_spark.cli.output import Tolerant, tolerant


class Refusing(io.StringIO):
    """A stream that raises an error on every write, or on every flush."""

    def __init__(self, error: Exception, late: bool) -> None:
        super().__init__()
        self.error, self.late = error, late

    def write(self, text: str) -> int:
        if not self.late:
            raise self.error
        return len(text)

    def flush(self) -> None:
        raise self.error


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "No space left on device"), ValueError("closed")])
def test_a_stream_that_refuses_ends_nothing(error: Exception, late: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Refusing(error, late))
    with tolerant() as out:
        sys.stdout.write("told")
        sys.stdout.flush()
        sys.stdout.write("and more")
    assert out.lost is error
    assert out.refused == (not isinstance(error, BrokenPipeError))


def test_what_a_stream_cannot_hold_is_escaped() -> None:
    plain = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Tolerant(plain).write("ε = 1")
    plain.flush()
    assert plain.buffer.getvalue() == b"\\u03b5 = 1"


def test_a_stream_that_was_closed_gets_nothing() -> None:
    assert Tolerant(None).write("told") == 4


@pytest.mark.parametrize(("error", "code"), [(BrokenPipeError(), 0), (OSError(28, "No space left on device"), 8)])
def test_a_command_that_only_tells_fails_where_its_disk_is_full(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Refusing(error, True))
    assert main(["schema"]) == code
    assert len(capsys.readouterr().err.splitlines()) == (1 if code else 0)


@pytest.mark.parametrize(("redirection", "code"), [(">&-", 0), ("| true", 0), ("| head -1", 0), (">/dev/full", 8)])
def test_the_command_ends_well_whatever_takes_its_output(redirection: str, code: int) -> None:
    command = Path(sys.executable).with_name("synth-spark")
    shell = f"set -o pipefail; '{command}' schema {redirection}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert len(done.stderr.splitlines()) == (1 if code else 0), done.stderr


def test_no_file_takes_the_place_of_a_stream_that_was_closed(tmp_path: Path) -> None:
    """Else what is printed, by Java too, would be written into it."""
    code = (
        "import os, synth_spark.cli.main as cli\n"
        f"cli.main = lambda: os.open({str(tmp_path / 'table')!r}, os.O_CREAT | os.O_WRONLY)\n"
        "cli.command()\n"
    )
    shell = 'exec "$0" -c "$1" <&- >&- 2>&-'
    assert subprocess.run(["bash", "-c", shell, sys.executable, code], check=False).returncode > 2
