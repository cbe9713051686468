"""Summaries and figures of runs that ended early, or have awkward names."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus import samples

from synth_spark.errors import AuditFailed, InputError
from synth_spark.monitoring.metrics import metrics_text
from synth_spark.monitoring.summary import VERDICTS, Attempt, row, summarize, verdict
from synth_spark.plan import parse

BEGAN = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)


def summary_of(error: BaseException | None, **content: object) -> dict:
    plan = parse({"input": {"path": "cases.csv"}, **content})
    return summarize(Attempt(BEGAN, BEGAN + timedelta(seconds=1.5), error), plan)


@pytest.mark.parametrize("job", ['a "quoted" name', "a back\\slash", "two\nlines", "ünï", "", "a,b={c}"])
def test_any_name_of_a_job_is_a_label(job: str) -> None:
    text = metrics_text(summary_of(None, title=job), None)
    assert {dict(labels)["job"] for _, labels in samples(text)} == {job}


def test_a_run_that_ended_early_has_its_times_and_its_code() -> None:
    found = samples(metrics_text(summary_of(InputError("input.path", "does not exist", "check it"), title="x"), None))
    job = (("job", "x"),)
    assert found["synth_spark_run_seconds", job] == 1.5
    assert found["synth_spark_run_started_timestamp_seconds", job] == BEGAN.timestamp()
    assert found["synth_spark_run_exit_code", job] == 3
    assert ("synth_spark_release_timestamp_seconds", job) not in found


@pytest.mark.parametrize("pointer", [None, "", "{}", "[]", '{"manifest": "none.json"}'])
def test_a_folder_without_a_release_has_no_date(pointer: str | None, tmp_path: Path) -> None:
    if pointer is not None:
        (tmp_path / "LATEST.json").write_text(pointer)
    found = samples(metrics_text(summary_of(None), str(tmp_path)))
    assert not [name for name, _ in found if name == "synth_spark_release_timestamp_seconds"]


def test_every_end_has_a_word() -> None:
    ends = [(None, True), (None, False), (AuditFailed("a", "b", "c"), False), (KeyError(), False)]
    ends.append((KeyboardInterrupt(), False))
    assert tuple(verdict(*end) for end in ends) == VERDICTS


def test_runs_of_both_kinds_of_privacy_are_rows_of_one_table() -> None:
    private = row(summary_of(None, privacy={"epsilon": 1.5, "delta": 1e-7}))
    failed = row(summary_of(InputError("input.path", "does not exist", "check it")))
    assert private.schema == failed.schema
    assert (private["epsilon"][0].as_py(), private["k"][0].as_py()) == (1.5, None)
    assert (failed["k"][0].as_py(), failed["error_class"][0].as_py()) == (10, "InputError")
    assert failed["started"][0].as_py() == BEGAN
