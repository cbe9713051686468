"""What a private plan and a ledger say on the command line, without Java."""

from pathlib import Path

import pytest

from synth_spark.cli.main import main


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "cases.csv"
    path.write_text("a,b,c\n" + "x,y,z\nx,w,z\nu,w,v\n" * 400)
    return path


def test_a_private_plan_shows_its_split_and_the_error_to_expect(table: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["plan", "--input", str(table), "--epsilon", "1", "--delta", "1e-6"]) == 0
    shown = capsys.readouterr().out
    assert "ε = 1, δ = 1e-06 for one record" in shown
    assert "values: 15.0% of ρ and δ = 5e-08" in shown
    assert "pairs: 85.0% of ρ" in shown
    assert "of a count of length 2: about" in shown


def test_every_length_has_its_share(table: Path, capsys: pytest.CaptureFixture) -> None:
    seeded = ["--set", "synthesis.kind=aggregate_seeded", "--public-domain", "--length", "3"]
    assert main(["plan", "--input", str(table), "--epsilon", "2", *seeded]) == 0
    shown = capsys.readouterr().out
    for purpose in ("records", "values", "cap 2", "length 2", "cap 3", "length 3"):
        assert f"spent on         {purpose}: " in shown


def test_a_ledger_is_granted_shown_and_told(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    file = str(tmp_path / "ledger.jsonl")
    assert main(["ledger", "show", file]) == 0
    assert "nothing is recorded" in capsys.readouterr().out
    assert main(["ledger", "grant", file, "cases", "--epsilon", "3", "--delta", "1e-5"]) == 0
    assert "granted  ε = 3, δ = 1e-05" in capsys.readouterr().out
    assert main(["ledger", "history", file]) == 0
    assert "cases  granted  ε = 3, δ = 1e-05" in capsys.readouterr().out
    assert main(["ledger", "grant", file, "cases", "--epsilon", "0"]) == 2


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        (["--set", "synthesis.kind=row_seeded"], "sees sensitive records"),
        (["--set", "input.record_limit=10"], "lets one subject decide about another"),
        (["--set", "input.numbers={a: {quantiles: 4}}"], "quantiles are taken from the data"),
        (["--set", "privacy.k=5"], "privacy.k"),
    ],
)
def test_what_would_break_the_promise_is_refused(table: Path, keys: list[str], complaint: str, capsys) -> None:
    assert main(["plan", "--input", str(table), "--epsilon", "1", *keys]) == 2
    assert complaint in capsys.readouterr().err


def test_matching_needs_noise(table: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["plan", "--input", str(table), "--set", "synthesis.kind=marginal_matching"]) == 2
    assert "needs differential privacy" in capsys.readouterr().err
