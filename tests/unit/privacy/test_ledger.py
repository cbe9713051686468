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
