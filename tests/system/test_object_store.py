"""The privacy ledger in a real store: no debit is lost or there twice, whoever writes at once."""

import subprocess
import sys
from pathlib import Path

import obstore
import obstore.store
import pytest

from synth_spark.cli.main import main
from synth_spark.errors import BudgetError, RunError
from synth_spark.privacy import Delta, Epsilon, Rho, Spending
from synth_spark.privacy.ledger import Entry, Ledger, private_entry
from synth_spark.storage.append_log import opened

#: A process that debits releases of its own of each data set, each twice, as one does that is taken up again.
_DEBITS = """
import sys
from synth_spark.errors import BudgetError
from synth_spark.privacy import Delta, Epsilon, Rho, Spending
from synth_spark.privacy.ledger import Ledger, private_entry
from synth_spark.storage.append_log import opened
ledger = Ledger(opened(sys.argv[1]))
spending = Spending(Epsilon(1.0), Delta(1e-6), Rho(10.0), ())
for data_set, debits in zip(sys.argv[3::2], map(int, sys.argv[4::2])):
    for run_id in (f"{data_set}-{sys.argv[2]}-{number}" for number in range(debits)):
        for _ in range(2):
            try:
                ledger.debit(private_entry(data_set, run_id, "m", "record", spending))
            except BudgetError:
                pass
"""


def entry(run_id: str, data_set: str = "cases") -> Entry:
    return private_entry(data_set, run_id, "m", "record", Spending(Epsilon(1.0), Delta(1e-6), Rho(10.0), ()))


@pytest.fixture(params=["s3", "gs", "az", "hdfs"])
def ledgers(request: pytest.FixtureRequest) -> str:
    """A folder for ledgers in a store of each kind."""
    store = request.getfixturevalue(request.param)
    return f"{store if request.param == 'hdfs' else f'{store}://places'}/ledgers"


@pytest.mark.takes("eight processes, and their debits one after the other")
def test_processes_that_debit_one_ledger_at_once_lose_nothing(ledgers: str) -> None:
    """Eight of them, 200 debits, or 40; and of a budget that holds three releases, three are made."""
    address, each = f"{ledgers}/one", 25 if ledgers.startswith(("s3:", "hdfs:")) else 5
    Ledger(opened(address)).grant("scarce", Epsilon(3.05), Delta(1e-3))
    line = [sys.executable, "-c", _DEBITS, address]
    runs = [subprocess.Popen([*line, str(name), "scarce", "2", "cases", str(each)]) for name in range(8)]
    assert [run.wait() for run in runs] == [0] * 8
    entries = Ledger(opened(address)).entries()
    made = [one.run_id for one in entries if one.data_set == "cases"]
    assert sorted(made) == sorted(f"cases-{name}-{number}" for name in range(8) for number in range(each))
    assert sum(one.kind == "release" for one in entries if one.data_set == "scarce") == 3


def test_the_command_grants_and_shows(ledgers: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    address, plan = f"{ledgers}/two", tmp_path / "plan.yml"
    plan.write_text("{input: {path: cases.csv}, data_set: cases}")
    assert main(["ledger", "show", address]) == 7
    assert "does not exist, or is empty" in capsys.readouterr().err
    assert main(["ledger", "grant", address, str(plan), "--epsilon", "3", "--delta", "1e-5"]) == 0
    Ledger(opened(address)).debit(entry("a"))
    for action in ("show", "history"):
        assert main(["ledger", action, address]) == 0
        assert "cases" in capsys.readouterr().out


def test_a_ledger_can_be_used_or_is_refused_before_the_work(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a store that cannot be reached, that does not know us, or that lets objects take the place of others."""
    ledger = Ledger(opened("s3://cases/ledgers/three"))
    assert "no budget was granted" in ledger.check(entry("a"))[0]
    assert ledger.entries() == []
    ledger.grant("cases", Epsilon(0.5), Delta(1e-5))
    with pytest.raises(BudgetError):
        ledger.check(entry("a"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    with pytest.raises(RunError, match="ledger s3://cases/ledgers/three: cannot be ") as told:
        Ledger(opened("s3://cases/ledgers/three")).check(entry("a"))
    assert not any(word in str(told.value) for word in ("secret", "invented", "Signature"))


def test_a_store_without_conditional_writes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = obstore.store.MemoryStore()
    monkeypatch.setattr(obstore.store, "from_url", lambda *_, **__: memory)
    opened("s3://cases/ledger").check()
    put = obstore.put
    monkeypatch.setattr(obstore, "put", lambda *given, mode, **more: put(*given, **more))
    with pytest.raises(RunError, match="lets an object take the place of another"):
        opened("s3://cases/ledger").check()
