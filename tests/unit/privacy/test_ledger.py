"""The ledger: debits once, refuses what is too much, and survives two runs at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from synth_spark.errors import BudgetError, RunError
from synth_spark.privacy import Delta, Epsilon, Spending, rho_of
from synth_spark.privacy.ledger import Ledger, private_entry, release_entry


def _entry(run: str, epsilon: float = 1.0, delta: float = 1e-6, data_set: str = "cases"):
    rho = rho_of(Epsilon(epsilon), Delta(delta))
    spending = Spending(Epsilon(epsilon), Delta(delta), rho, ())
    return private_entry(data_set, run, "marginal_matching", "record", spending)


def test_a_release_is_debited_once_however_often_it_is_taken_up(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "deep" / "ledger.jsonl")
    for _ in range(3):
        ledger.debit(_entry("a"))
    assert len(ledger.entries()) == 1
    assert ledger.account("cases").spent == (Epsilon(1.0), Delta(1e-6))


def test_a_release_over_budget_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.grant("cases", Epsilon(1.2), Delta(1e-5))
    ledger.debit(_entry("a"))
    before = ledger.file.read_text()
    for enter in (ledger.debit, ledger.check):
        with pytest.raises(BudgetError, match="has spent"):
            enter(_entry("b"))
    assert ledger.file.read_text() == before
    ledger.debit(_entry("c", data_set="others"))
    ledger.grant("cases", Epsilon(3.0), Delta(1e-5))
    ledger.debit(_entry("b"))


def test_looking_whether_a_budget_holds_writes_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "deep" / "ledger.jsonl")
    assert "no budget was granted" in ledger.check(_entry("a"))[0]
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "deep").write_text("no folder")
    with pytest.raises(RunError, match="cannot be written"):
        ledger.check(_entry("a"))


def test_delta_is_a_budget_too(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.grant("cases", Epsilon(10.0), Delta(1e-7))
    with pytest.raises(BudgetError):
        ledger.debit(_entry("a"))


def test_many_releases_cost_less_than_the_sum_of_their_epsilons(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.grant("cases", Epsilon(2.0), Delta(1e-5))
    for number in range(10):
        ledger.debit(_entry(str(number), 0.3, 1e-6))
    epsilon, delta = ledger.account("cases").spent
    assert 0.3 < float(epsilon) < 2.0  # 3.0 if they were added
    assert delta == Delta(1e-5)


def test_releases_of_the_same_data_under_k_anonymity_are_told_of(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    assert ledger.debit(release_entry("cases", "a", "row_seeded", "record", 10)) == []
    (remark,) = ledger.debit(release_entry("cases", "b", "row_seeded", "record", 10))
    assert "what releases tell together is looked at" in remark
    assert any("k-anonymity" in remark for remark in ledger.debit(_entry("c")))
    account = ledger.account("cases")
    assert (account.releases, account.k_releases) == (1, 2)


def test_a_damaged_ledger_stops_everything(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.debit(_entry("a"))
    ledger.file.write_text(ledger.file.read_text()[:-20])
    with pytest.raises(RunError, match="damaged"):
        ledger.debit(_entry("b"))


def test_two_runs_at_once_cannot_both_spend_the_last_of_a_budget(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    Ledger(file).grant("cases", Epsilon(3.05), Delta(1e-3))
    code = (
        "import sys\n"
        "from synth_spark.privacy import Delta, Epsilon, Rho, Spending\n"
        "from synth_spark.errors import BudgetError\n"
        "from pathlib import Path\n"
        "from synth_spark.privacy.ledger import Ledger, private_entry\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
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
