"""A run folder in a store whose maker was killed before it saved a manifest: who may make it, what others are told."""

from datetime import timedelta
from itertools import count
from typing import Any

import obstore
import pytest

from synth_spark.errors import RunError
from synth_spark.plan import Plan, parse
from synth_spark.storage import new_runs
from synth_spark.storage.append_log import CommitLog
from synth_spark.storage.places import place
from synth_spark.storage.run_store import RunStore
from synth_spark.storage.runs import stored
from synth_spark.storage.runs.stored import StoredRun

_NUMBERS = count()


@pytest.fixture
def plan(s3: str) -> Plan:
    """A plan whose run folder is in a new folder."""
    keys = {"input": {"path": "cases.csv"}, "work": f"{s3}://runs/made {next(_NUMBERS)}", "run_id": "one"}
    return parse(keys)


def run_of(plan: Plan) -> StoredRun:
    return StoredRun(place(f"{plan.work_address}/{plan.run_id}"))


def test_a_run_that_nobody_saved_is_made_anew_once_its_maker_must_be_dead(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = run_of(plan)
    assert killed.make()
    for again in (lambda: new_runs.check_new(plan, "one"), lambda: RunStore.create(plan)):
        with pytest.raises(RunError, match="run_id 'one': exists in"):
            again()
    assert not run_of(plan).make()
    with pytest.raises(RunError, match="one: has no manifest yet: no process has saved one; begin it anew"):
        RunStore.open(killed.address)
    monkeypatch.setattr(stored, "GRACE", timedelta(seconds=-60))
    assert not killed.is_there()
    made = RunStore.create(plan)
    assert made.turn == 2
    with pytest.raises(RunError, match="is being worked on by another process"):
        killed.save('{"of": "one that was slow, not dead"}', "one")
    assert RunStore.open(killed.address).manifest == made.manifest
    assert killed.is_there()
    with pytest.raises(RunError, match="run_id 'one': exists in"):
        RunStore.create(plan)


def test_a_maker_that_was_slow_and_saves_meanwhile_has_made_the_run(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "GRACE", timedelta(seconds=-60))
    slow, second, put = run_of(plan), run_of(plan), obstore.put
    assert slow.make()

    def saved_before_it_is_taken(store: object, path: str, *given: Any, **more: Any) -> Any:
        if path.endswith("turns/00000002.json"):
            monkeypatch.setattr(obstore, "put", put)
            slow.save("{}", "one")
        return put(store, path, *given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(obstore, "put", saved_before_it_is_taken)
    assert not second.make()
    assert second.turn == 0


@pytest.mark.parametrize("turn", [{}, *({"began": began} for began in (None, "yesterday", 3, "2026-11-30T00:00:00"))])
def test_a_turn_that_does_not_say_when_it_was_taken_is_nobodys_to_take_over(plan: Plan, turn: dict[str, Any]) -> None:
    run = run_of(plan)
    CommitLog(run.place.below("turns")).append(lambda _: turn)
    assert run.is_there()
    assert not run.make()
