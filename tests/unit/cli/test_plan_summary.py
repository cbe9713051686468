"""What a private plan and a ledger say on the command line, without Java."""

from pathlib import Path

import pytest

from synth_spark import plan as plans
from synth_spark.cli.main import main
from synth_spark.plan.planner import resolve


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "cases.csv"
    path.write_text("a,b,c\n" + "x,y,z\nx,w,z\nu,w,v\n" * 400)
    return path


def test_a_private_plan_shows_its_split_and_the_error_to_expect(table: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["plan", "--input", str(table), "--epsilon", "1", "--delta", "1e-6"]) == 0
    shown = capsys.readouterr().out
    assert "ε = 1, δ = 1e-06 for one record" in shown
    for line in ("records: 0.5% of ρ", "values: 70.0% of ρ and δ = 5e-08", "pairs: 29.5% of ρ"):
        assert f"spent on         {line}" in shown
    assert main(["plan", "--input", str(table), "--epsilon", "1", "--set", "privacy.domain_share=0.25"]) == 0
    shown = capsys.readouterr().out
    assert "spent on         values: 25.0% of ρ and δ = 5e-08" in shown
    assert "records:" not in shown.split("privacy  ", 1)[1].split("expected error", 1)[0]
    assert "of a count of length 2: about" in shown


def test_every_length_has_its_share(table: Path, capsys: pytest.CaptureFixture) -> None:
    seeded = ["--set", "synthesis.kind=aggregate_seeded", "--public-domain", "--length", "3"]
    assert main(["plan", "--input", str(table), "--epsilon", "2", *seeded]) == 0
    shown = capsys.readouterr().out
    for purpose in ("records", "values", "cap 2", "length 2", "cap 3", "length 3"):
        assert f"spent on         {purpose}: " in shown


SOURCES = "input.sources={one: {path: TABLE}, two: {path: TABLE}}"
SUBJECT = "input.subject={id: a, across_sources: %s}"


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ([], "k counts records: where one person has several records, fewer than k people may be behind a count."),
        (["input.subject={id: a}"], "k counts subjects: all rows with one id were joined to one record."),
        ([SOURCES, SUBJECT % "true"], "k counts subjects: all rows with one id were joined to one record."),
        ([SOURCES, SUBJECT % "false"], "k counts subjects, of which one who is in several sources counts once in each"),
        (["privacy.epsilon=1"], "That is promised for each record: for a person with several records, their ε add up."),
        (["privacy.epsilon=1", "input.subject={id: a}"], "That is promised for each subject: all rows with one id"),
        (["privacy.epsilon=1", SOURCES, SUBJECT % "false"], "That is promised for each subject of a source"),
        ([], "Single counts of the synthetic records will equal the published ones."),
        (["synthesis.kind=value_seeded"], "will equal the published ones."),
        (["synthesis.kind=unseeded"], "will be multiples of k, and mostly lower"),
        (["synthesis.kind=aggregate_seeded"], "will equal the published ones."),
        (["synthesis.kind=aggregate_seeded", "synthesis.scale=2"], "will not equal the published ones"),
        (["synthesis.kind=aggregate_seeded", "synthesis.records=9"], "will not equal the published ones"),
        (["privacy.epsilon=1"], "will not equal the published ones"),
        (["privacy.epsilon=1", "synthesis.kind=aggregate_seeded"], "will equal the published ones."),
    ],
)
def test_a_plan_says_what_is_counted_and_what_single_counts_will_be(
    table: Path, keys: list[str], says: str, capsys: pytest.CaptureFixture
) -> None:
    given = [] if SOURCES in keys else ["--input", str(table)]
    settings = [part for key in keys for part in ("--set", key.replace("TABLE", str(table)))]
    assert main(["plan", *given, *settings]) == 0
    assert says in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("privacy", "length", "rule", "promised"),
    [
        ({"k": 5}, 2, {"forbid": {"a": "x", "b": "y"}}, "equal"),
        ({"k": 5}, 1, {"forbid": {"a": "x", "b": "y"}}, "free"),
        ({"k": 5}, 2, {"when": {"a": "x"}, "then": {"b": []}}, "equal"),
        ({"k": 5}, 2, {"when": {"a": "x", "c": "z"}, "then": {"b": []}}, "free"),
        ({"epsilon": 1}, 3, {"when": {"a": "x"}, "then": {"b": []}}, "free"),
    ],
)
def test_rules_that_released_combinations_may_break_take_values(
    privacy: dict[str, int], length: int, rule: dict[str, object], promised: str
) -> None:
    """Of sensitive records that keep the rules, no combination that breaks one is released, unless noise makes it."""
    content = {"input": {"path": "cases.csv", "constraints": [rule]}, "privacy": privacy, "reporting_length": length}
    plan = plans.parse({**content, "synthesis": {"kind": "aggregate_seeded"}})
    assert resolve(plan, ("a", "b", "c"), (2, 2, 2), 99, 8, 3).single_counts == promised


def test_a_ledger_is_granted_shown_and_told(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    file, table = str(tmp_path / "ledger.jsonl"), str(tmp_path / "cases.csv")
    Path(table).write_text("a,b\nx,y\n")
    assert main(["ledger", "show", file]) == 7
    assert "does not exist, or is empty; give the file that" in capsys.readouterr().err
    assert not Path(file).exists()
    named = ["--set", "data_set=cases"]
    assert main(["ledger", "grant", file, table, *named, "--epsilon", "3", "--delta", "1e-5"]) == 0
    assert "granted  ε = 3, δ = 1e-05" in capsys.readouterr().out
    assert main(["ledger", "history", file]) == 0
    assert "cases  granted  ε = 3, δ = 1e-05" in capsys.readouterr().out
    assert main(["ledger", "show", file, "case"]) == 7
    assert "data set 'case': is not in the ledger; did you mean 'cases'?" in capsys.readouterr().err
    assert main(["ledger", "show", file, table]) == 0  # whose content has that account
    assert "cases\n  granted  ε = 3" in capsys.readouterr().out
    assert main(["ledger", "grant", file, "cases", "--epsilon", "0"]) == 2
    assert main(["ledger", "grant", file, "cases", "--epsilon", "2", "--delta", "1e-5"]) == 0  # the ledger knows it


def test_a_plan_that_accepts_says_that_its_reasons_are_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cases.csv").write_text("a,b\n" + "x,y\n" * 200)
    asked = ["plan", "--input", str(tmp_path / "cases.csv")]
    accepted = "accepted={differencing.no_small_group: we know them}"
    remark = "remark             accepted.differencing.no_small_group: if this rule is broken"
    assert main([*asked, "--set", accepted]) == 0
    assert remark in capsys.readouterr().out
    assert main(asked) == 0
    assert "remark" not in capsys.readouterr().out


def test_a_grant_says_what_it_limits_and_a_plan_what_it_is_charged_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that nobody grants a budget to a name that no release is charged to."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases.csv").write_text("a,b\n" + "x,y\n" * 200)

    def printed(*words: str) -> str:
        assert main(words) == 0
        return capsys.readouterr().out

    terms = ("--epsilon", "3", "--delta", "1e-5")
    asked = ("plan", "--input", "cases.csv", "--epsilon", "1", "--ledger", "ledger.jsonl")
    charged = tmp_path.resolve() / "cases.csv"
    before = printed(*asked)
    assert f"privacy ledger     ledger.jsonl, data set {charged}\n" in before
    assert "budget             none was granted: nothing limits releases; spent ε = 0" in before
    for spelled in ("cases.csv", str(charged), "../" + tmp_path.name + "/cases.csv"):
        told = printed("ledger", "grant", "ledger.jsonl", spelled, *terms)
        assert f"limits every release whose ledger is ledger.jsonl and whose data set is {charged}: " in told
    assert "budget             granted ε = 3, δ = 1e-05; spent ε = 0, δ = 0" in printed(*asked)
    (tmp_path / "plan.yml").write_text("{input: {path: others.csv}, data_set: others, ledger: ledger.jsonl}")
    assert "data set is others: " in printed("ledger", "grant", "plan.yml", *terms)  # whose plan names its ledger


def test_a_ledger_that_nobody_names_is_that_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever the output goes: else another output would begin with nothing spent."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases.csv").write_text("a,b\n" + "x,y\n" * 200)
    for state, where in (("state", tmp_path / "state"), ("", tmp_path / "home" / ".local" / "state")):
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / state) if state else "")
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        file = where / "synth-spark" / "ledger.jsonl"
        assert main(["ledger", "grant", "cases.csv", "--epsilon", "3", "--delta", "1e-5"]) == 0
        assert file.parent.stat().st_mode & 0o777 == 0o700
        for out in ("one", "two"):
            capsys.readouterr()
            assert main(["plan", "--input", "cases.csv", "--epsilon", "1", "--output", out]) == 0
            told = capsys.readouterr().out
            assert f"privacy ledger     {file}, data set" in told
            assert "budget             granted ε = 3" in told
        assert main(["ledger", "show"]) == 0
        assert str(tmp_path.resolve() / "cases.csv") in capsys.readouterr().out


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
