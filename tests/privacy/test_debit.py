"""What can be refused without a noisy count is refused before the ledger is debited: docs/debit.md, row by row."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from publishing import place
from pyspark.sql import SparkSession

from synth_spark import plan as plans
from synth_spark.errors import (
    BudgetError,
    InputError,
    PlanError,
    PublishError,
    ResourceError,
    RunError,
    SynthSparkError,
)
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import accounts, api
from synth_spark.plan.planner import resolve
from synth_spark.privacy import Delta, Epsilon
from synth_spark.privacy.ledger import Ledger
from synth_spark.storage.append_log import LineFile

TEXT = (Path(__file__).parents[2] / "docs" / "debit.md").read_text(encoding="utf-8")
HEADER, ROW = "sex,age,means,means_debt", "{0},{1},debt;threats,{0}"
EXPECT = {"rule": "own.one", "table": "synthetic_records"}
FIGURE = {"rule": "own.one", "measure": "mean_tvd", "at_most": 1}
#: As many values of as many columns that eight of them cannot be numbered, and pairs that no driver holds.
WIDE = [",".join(f"c{at}" for at in range(30)), ",".join(["{2}"] * 30)]
PAIRS = {"c0": [str(number) for number in range(8_000)], "c1": [str(number) for number in range(8_000)]}


def blocked(folder: Path) -> None:
    (folder / "out").write_text("no folder")


def published(folder: Path) -> None:
    place(folder / "out", "run", {"a:x": 20})


def begun(folder: Path) -> None:
    (folder / "out.work" / "run").mkdir(parents=True)


def spent(folder: Path) -> None:
    Ledger(LineFile(folder / "out.work" / "ledger.jsonl")).grant("cases", Epsilon(0.1), Delta(1e-9))


def elsewhere(folder: Path) -> None:
    content = accounts.content(plans.load(None, {"input.path": str(folder / "cases.csv")}).input)
    Ledger(LineFile(folder / "out.work" / "ledger.jsonl")).grant("others", Epsilon(9), Delta(1e-5), content)


def other_delta(folder: Path) -> None:
    spark = SparkSession.active()
    rows = spark.range(1).selectExpr("'x' AS other", "'one' AS run_id")
    rows.write.format("delta").partitionBy("run_id").save(str(folder / "out" / "synthetic_records"))


def gone(folder: Path) -> None:
    (folder / "cases.csv").unlink()


#: A row of the page → keys of a plan, what is done to the folder before, and how it is refused.
CASES: dict[str, tuple[dict[str, Any], Callable[[Path], None] | None, type[SynthSparkError], str]] = {
    "a key, or a value of a key, that no plan has": ({"privacy.nosuch": 1}, None, PlanError, "is not a key"),
    "a text or language of the showcase": (
        {"showcase": {"texts": {"locale": "no language"}}}, None, PlanError, "names no language"),
    "an accepted rule that is none, or is critical": ({"accepted": {"no.such": "so"}}, None, PlanError, "is no rule"),
    "a rule about an expectation that Great Expectations does not have": (
        {"rules": [{**EXPECT, "expectation": "ExpectNothing"}]}, None, PlanError, "names an expectation"),
    "a rule whose expectation does not take its arguments": (
        {"rules": [{**EXPECT, "expectation": "ExpectColumnValuesToNotBeNull", "arguments": {"mostly": "x"}}]},
        None, PlanError, "has arguments"),
    "a rule about a figure that nobody takes": (
        {"rules": [{**FIGURE, "measure": "mean_tdv", "comparison": "reportable_to_synthetic"}]},
        None, PlanError, "mean 'mean_tvd'"),
    "a rule about an exact figure": ({"rules": [FIGURE]}, None, PlanError, "is about exact figures"),
    "an output that cannot be written": ({}, blocked, PublishError, "output.path"),
    "an output that holds the run already": ({"work": "elsewhere"}, published, PublishError, "published there already"),
    "a run folder that is there already": ({}, begun, RunError, "run"),
    "a budget that does not hold the release": ({}, spent, BudgetError, "has spent"),
    "a data set without a budget, where the plan requires one": (
        {"ledger.required": True}, None, BudgetError, "was granted no budget"),
    "content that has the account of another data set": ({}, elsewhere, BudgetError, "has another account already"),
    "a column with a name that published tables use": (
        {"input.rename": {"age": "Low"}}, None, PlanError, "that published tables use"),
    "a rule about a column that is not there": (
        {"rules": [{**EXPECT, "expectation": "ExpectColumnValuesToNotBeNull", "arguments": {"column": "sax"}}]},
        None, PlanError, "did you mean 'sex'"),
    "a column of `assessment.secrets` that is not there": ({"assessment.secrets": ["sax"]}, None, PlanError, "'sax'"),
    "a column of the showcase that is not there": ({"showcase.columns": {"sax": {}}}, None, PlanError, "'sax'"),
    "a column of `privacy.public_domain` that is not there": (
        {"privacy.public_domain": {"sax": ["a"]}}, None, PlanError, "'sax'"),
    "a column of a structural rule that is not there": (
        {"input.constraints": [{"forbid": {"sax": "a", "age": "1"}}]}, None, PlanError, "'sax'"),
    "a Delta table of other columns in the output": (
        {"output.format": "delta"}, other_delta, PublishError, "a folder of their own"),
    "an input that is missing or cannot be read": ({}, gone, InputError, "cases.csv|input"),
    "two columns of the indicators with one name, of public values": (
        {"privacy.public_domain": True, "output.indicators": True, "input.multi_values": {"means": ";"}},
        None, PlanError, "two columns the same name"),
    "more combinations of public values than can be numbered": (
        {"privacy.public_domain": True, "reporting_length": 8, "synthesis.kind": "aggregate_seeded", "wide": True},
        None, ResourceError, "that can be numbered"),
    "more pairs of public values than the driver holds": (
        {"privacy.public_domain": PAIRS, "wide": True, "reporting_length": 2, "input.columns": ["c0", "c1"]},
        None, ResourceError, "pairs of columns"),
}  # fmt: skip


def test_every_row_of_the_page_is_tried() -> None:
    part = TEXT.partition("## Before")[2].partition("## After")[0]
    rows = [re.split(r" \| ", line.strip("| "))[0] for line in part.splitlines() if line.startswith("| ")]
    assert rows[1:] == list(CASES)


@pytest.mark.parametrize("what", CASES)
def test_it_is_refused_before_the_debit(spark: SparkSession, tmp_path: Path, what: str) -> None:
    keys, prepare, error, match = CASES[what]
    header, row = WIDE if "wide" in keys else (HEADER, ROW)
    lines = [row.format("ab"[at % 2], at % 5, at % 250) for at in range(250)]
    (tmp_path / "cases.csv").write_text("\n".join([header, *lines]) + "\n")
    if prepare is not None:
        prepare(tmp_path)
    where = {"input.path": str(tmp_path / "cases.csv"), "output.path": str(tmp_path / "out"), "run_id": "run"}
    where["ledger"] = str(tmp_path / "out.work" / "ledger.jsonl")
    asked = {**where, "privacy.epsilon": 1.0, "data_set": "cases", **{key: keys[key] for key in keys if key != "wide"}}
    if "work" in asked:
        asked |= {"work": str(tmp_path / "elsewhere")}
    with pytest.raises(error, match=match):
        _draw(spark, asked)
    entries = Ledger(LineFile(tmp_path / "out.work" / "ledger.jsonl")).entries()
    assert [entry for entry in entries if entry.kind != "grant"] == []


def _draw(spark: SparkSession, asked: dict[str, Any]) -> None:
    """Begin a run, and do what comes up to the first draw, and after it."""
    run = api.start(spark, plans.load(None, asked), Progress(quiet=True))
    for stage in ("read", "encode"):
        api.work(run, stage)


def test_what_is_refused_for_private_values_has_paid(spark: SparkSession, tmp_path: Path) -> None:
    """Else that a run is refused would tell that a value exists."""
    (tmp_path / "cases.csv").write_text("\n".join([HEADER, *[ROW.format("ab"[at % 2], at % 5) for at in range(250)]]))
    asked = {
        "input.path": str(tmp_path / "cases.csv"), "output.path": str(tmp_path / "out"), "privacy.epsilon": 9.0,
        "ledger": str(tmp_path / "out.work" / "ledger.jsonl"),
        "output.indicators": True, "input.multi_values": {"means": ";"},
    }  # fmt: skip
    with pytest.raises(PlanError, match="two columns the same name"):
        _draw(spark, asked)
    assert len(Ledger(LineFile(tmp_path / "out.work" / "ledger.jsonl")).entries()) == 1


@pytest.mark.parametrize(("records", "distinct"), [(0, 0), (9_000_000, 7_000_000)])
def test_with_noise_no_exact_number_refuses_a_plan(records: int, distinct: int) -> None:
    """The plan is resolved again after each draw; under k-anonymity the same numbers refuse it."""
    content: dict[str, Any] = {"input": {"path": "x.csv"}, "task_memory": 201}
    noisy = plans.parse({**content, "privacy": {"kind": "differential_privacy", "epsilon": 1}})
    assert resolve(noisy, ("a", "b"), (3, 4), records, distinct, 2).distinct == distinct
    with pytest.raises(SynthSparkError):
        resolve(plans.parse(content), ("a", "b"), (3, 4), records, distinct, 2)
