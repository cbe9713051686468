"""The ledger: debits once, refuses what is too much, and survives two runs at once."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from synth_spark.errors import BudgetError, RunError
from synth_spark.privacy import Delta, Epsilon, Spending, rho_of
from synth_spark.privacy.ledger import Ledger, private_entry, release_entry
from synth_spark.storage.append_log import LineFile


def _entry(run: str, epsilon: float = 1.0, delta: float = 1e-6, data_set: str = "cases"):
    rho = rho_of(Epsilon(epsilon), Delta(delta))
    spending = Spending(Epsilon(epsilon), Delta(delta), rho, ())
    return private_entry(data_set, run, "marginal_matching", "record", spending)


def test_a_release_is_debited_once_however_often_it_is_taken_up(tmp_path: Path) -> None:
    ledger = Ledger(LineFile(tmp_path / "deep" / "ledger.jsonl"))
    for _ in range(3):
        ledger.debit(_entry("a"))
    assert len(ledger.entries()) == 1
    assert ledger.account("cases").spent == (Epsilon(1.0), Delta(1e-6))


def test_a_release_over_budget_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    ledger = Ledger(LineFile(file))
    ledger.grant("cases", Epsilon(1.2), Delta(1e-5))
    ledger.debit(_entry("a"))
    before = file.read_text()
    for enter in (ledger.debit, ledger.check):
        with pytest.raises(BudgetError, match="has spent"):
            enter(_entry("b"))
    assert file.read_text() == before
    ledger.debit(_entry("c", data_set="others"))
    ledger.grant("cases", Epsilon(3.0), Delta(1e-5))
    ledger.debit(_entry("b"))


def test_looking_whether_a_budget_holds_writes_nothing(tmp_path: Path) -> None:
    ledger = Ledger(LineFile(tmp_path / "deep" / "ledger.jsonl"))
    assert "no budget was granted" in ledger.check(_entry("a"))[0]
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "deep").write_text("no folder")
    with pytest.raises(RunError, match="cannot be written"):
        ledger.check(_entry("a"))


def test_delta_is_a_budget_too(tmp_path: Path) -> None:
    ledger = Ledger(LineFile(tmp_path / "ledger.jsonl"))
    ledger.grant("cases", Epsilon(10.0), Delta(1e-7))
    with pytest.raises(BudgetError):
        ledger.debit(_entry("a"))


def test_many_releases_cost_less_than_the_sum_of_their_epsilons(tmp_path: Path) -> None:
    ledger = Ledger(LineFile(tmp_path / "ledger.jsonl"))
    ledger.grant("cases", Epsilon(2.0), Delta(1e-5))
    for number in range(10):
        ledger.debit(_entry(str(number), 0.3, 1e-6))
    epsilon, delta = ledger.account("cases").spent
    assert 0.3 < float(epsilon) < 2.0  # 3.0 if they were added
    assert delta == Delta(1e-5)


def test_releases_of_the_same_data_under_k_anonymity_are_told_of(tmp_path: Path) -> None:
    ledger = Ledger(LineFile(tmp_path / "ledger.jsonl"))
    assert ledger.debit(release_entry("cases", "a", "row_seeded", "record", 10)) == []
    (remark,) = ledger.debit(release_entry("cases", "b", "row_seeded", "record", 10))
    assert "what releases tell together is looked at" in remark
    assert any("k-anonymity" in remark for remark in ledger.debit(_entry("c")))
    account = ledger.account("cases")
    assert (account.releases, account.k_releases) == (1, 2)


def test_a_damaged_ledger_stops_everything(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    ledger = Ledger(LineFile(file))
    ledger.debit(_entry("a"))
    whole = file.read_text()
    for damaged in (whole[:-20], '{"other": 1}\n', "7\n"):
        file.write_text(damaged)
        with pytest.raises(RunError, match=r"ledger .*: holds a damaged entry; restore it from a backup"):
            ledger.debit(_entry("b"))


def test_a_run_id_is_that_of_one_run_of_one_data_set_with_its_terms(tmp_path: Path) -> None:
    """Whoever releases under a name that is in the ledger would not be charged."""
    ledger = Ledger(LineFile(tmp_path / "ledger.jsonl"))
    first = replace(_entry("a"), nonce="one")
    ledger.debit(first)
    assert ledger.debit(first) == []
    others = [
        replace(first, nonce="two"),
        replace(first, nonce=None),
        replace(_entry("a", data_set="others"), nonce="one"),
        replace(_entry("a", epsilon=2.0), nonce="one"),
        replace(release_entry("cases", "a", "row_seeded", "record", 10), nonce="one"),
    ]
    for other in others:
        with pytest.raises(BudgetError, match="run a: is in the ledger, as that of another run or with other terms"):
            ledger.debit(other)
    for entry in (first, *others):  # a new run of that name, before any work
        with pytest.raises(BudgetError, match="give this release another name"):
            ledger.check(replace(entry, nonce=None))
    assert len(ledger.entries()) == 1


def test_releases_that_cost_nothing_may_share_a_name(tmp_path: Path) -> None:
    """Of other outputs, in the ledger that all of them have: each is recorded, and once."""
    ledger = Ledger(LineFile(tmp_path / "ledger.jsonl"))
    for _ in range(2):
        for nonce in ("one", "two"):
            entry = replace(release_entry("cases", "weekly", "row_seeded", "record", 10), nonce=nonce)
            ledger.debit(entry)
            ledger.check(entry)
    assert [entry.nonce for entry in ledger.entries()] == ["one", "two"]
    with pytest.raises(BudgetError, match="give this release another name"):
        ledger.check(_entry("weekly"))


def test_what_an_earlier_ledger_holds_counts_and_is_taken_over_once(tmp_path: Path) -> None:
    old, file = Ledger(LineFile(tmp_path / "old.jsonl")), tmp_path / "ledger.jsonl"
    old.grant("cases", Epsilon(1.2), Delta(1e-5))
    old.grant("others", Epsilon(9.0), Delta(1e-5))
    old.debit(_entry("a"))
    Ledger(LineFile(file)).grant("others", Epsilon(0.1), Delta(1e-5))
    before = file.read_text()
    ledger = Ledger(LineFile(file), old.entries())
    for enter in (ledger.check, ledger.debit):
        with pytest.raises(BudgetError, match="has spent"):
            enter(_entry("b"))
        with pytest.raises(BudgetError, match=r"of ε = 0\.1"):  # an old grant takes the place of none
            enter(_entry("c", data_set="others"))
    assert ledger.account("cases").spent == (Epsilon(1.0), Delta(1e-6))
    assert file.read_text().startswith(before)
    for number in range(2):
        ledger = Ledger(LineFile(file), old.entries())
        ledger.debit(_entry(f"small {number}", epsilon=0.01))
    found = [entry for entry in Ledger(LineFile(file)).entries() if entry.data_set == "cases"]
    assert [entry.run_id for entry in found] == [None, "a", "small 0", "small 1"]


def test_what_was_spent_under_another_spelling_counts(tmp_path: Path) -> None:
    """As versions before wrote it: the path as it was given, without a nonce."""
    (tmp_path / "cases.csv").write_text("a\n")
    (tmp_path / "link.csv").symlink_to("cases.csv")
    ledger = Ledger(LineFile(tmp_path / "ledger.jsonl"))
    for number, path in enumerate(("link.csv", "sub/../cases.csv", "cases.csv")):
        ledger.debit(_entry(str(number), data_set=str(tmp_path / path)))
    assert ledger.account(str(tmp_path.resolve() / "cases.csv")).releases == 3


def test_content_has_one_account_and_is_told_once(tmp_path: Path) -> None:
    ledger = Ledger(LineFile(tmp_path / "ledger.jsonl"))
    first = replace(_entry("a"), content=("file:1:10", "file:2:20"))
    ledger.debit(first)
    ledger.debit(replace(_entry("b"), content=("file:2:20", "file:3:30")))
    assert [entry.content for entry in ledger.entries()] == [("file:1:10", "file:2:20"), ("file:3:30",)]
    for content, beginnings in ((("file:3:30",), ()), (("file:9:90",), ("file:1:10",))):
        other = replace(_entry("c", data_set="others"), content=content)
        with pytest.raises(BudgetError, match="that of data set 'cases'"):
            ledger.debit(other, beginnings)
    told = ledger.debit(replace(release_entry("others", "k", "row_seeded", "record", 10), content=("file:1:10",)))
    assert told == []  # which costs nothing, and is recorded
    ledger.debit(replace(release_entry("more", "l", "row_seeded", "record", 10), content=("file:7:70",)))
    told = ledger.debit(replace(_entry("d", data_set="another"), content=("file:7:70",)))
    assert any("also been released under k-anonymity" in remark for remark in told)


def test_two_runs_at_once_cannot_both_spend_the_last_of_a_budget(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    Ledger(LineFile(file)).grant("cases", Epsilon(3.05), Delta(1e-3))
    code = (
        "import sys\n"
        "from synth_spark.privacy import Delta, Epsilon, Rho, Spending\n"
        "from synth_spark.errors import BudgetError\n"
        "from pathlib import Path\n"
        "from synth_spark.storage.append_log import LineFile\n"
        "from synth_spark.privacy.ledger import Ledger, private_entry\n"
        "ledger = Ledger(LineFile(Path(sys.argv[1])))\n"
        "for number in range(10):\n"
        "    spending = Spending(Epsilon(1.0), Delta(1e-6), Rho(10.0), ())\n"
        "    entry = private_entry('cases', sys.argv[2] + str(number), 'm', 'record', spending)\n"
        "    try: ledger.debit(entry)\n"
        "    except BudgetError: pass\n"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code, str(file), name]) for name in ("a", "b", "c")]
    assert [run.wait() for run in runs] == [0, 0, 0]
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert sum(line["kind"] == "release" for line in lines) == 3
