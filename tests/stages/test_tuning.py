"""Several plans tried on one sample, and the commands that show it."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from synth_spark import demo
from synth_spark import plan as plans
from synth_spark.cli import main
from synth_spark.errors import PlanError
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline.run import Run
from synth_spark.schema import tables
from synth_spark.storage.run_store import RunStore
from synth_spark.tuning import grid_search
from synth_spark.tuning.comparison import differing

COLUMNS = ["gender", "ageBroad", "citizenship", "meansThreats"]


def started(spark: SparkSession, tmp_path: Path, **keys: object) -> Run:
    demo.write_csv(spark, tmp_path / "cases.csv", 300, seed=5)
    asked = {"input.path": str(tmp_path / "cases.csv"), "output.path": str(tmp_path / "out"), "seed": 3}
    asked["ledger"] = str(tmp_path / "ledger.jsonl")
    plan = plans.load(None, {**asked, "input.columns": COLUMNS, **keys})
    return Run(spark, RunStore.create(plan), Progress(quiet=True))


@pytest.mark.takes("four trials")
def test_every_plan_of_a_grid_is_tried_on_the_same_sample(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = started(spark, tmp_path)
    grid = grid_search.Grid((3, 6, 500), (2,), ("row_seeded", "aggregate_seeded"), sample=200)
    found = grid_search.tune(run, grid, tmp_path / "trials")
    assert [one.run_id for one in found] == [f"k{k}-R2-{kind}" for k in (3, 6) for kind in grid.kinds]
    assert differing(found) == ["privacy.k", "synthesis.kind"]
    hashes = set()
    for one in found:
        trial = Run(spark, RunStore.open(tmp_path / "trials" / one.run_id), Progress(quiet=True))
        hashes.add(trial.kept(tables.RECORDS).content_hash)
        assert trial.records == 200
        assert 0 < (one.figure("kept_share_of_common", 2) or 0) <= 1
    assert len(hashes) == 1
    assert not (tmp_path / "out").exists()
    assert not Path(run.plan.ledger_address).exists()
    advice = grid_search.advice(found)
    assert all(f"Of the plans that promise {what}: " in advice for what in ("whole records", "up to 2 attributes"))
    assert "pairs that at least 3 records of the sample hold" in advice
    runs = [str(tmp_path / "trials" / one.run_id) for one in found]
    assert main.main(["compare", *runs, "--output", f"{tmp_path}/compared/"]) == 0
    told = capsys.readouterr().out
    assert "k3-R2-row_seeded" in told
    assert f"{tmp_path}/compared/compare.html" in told
    assert sorted(file.name for file in (tmp_path / "compared").iterdir()) == [
        "compare.csv", "compare.html", "compare.md",
    ]  # fmt: skip


def test_differential_privacy_is_not_tuned_by_exact_figures(spark: SparkSession, tmp_path: Path) -> None:
    run = started(spark, tmp_path, **{"privacy.epsilon": 1.0})
    with pytest.raises(PlanError, match="which the budget does not pay for"):
        grid_search.tune(run, grid_search.Grid((5,), (2,), ("row_seeded",), 100), tmp_path / "trials")


def test_a_grid_without_a_plan_that_works_says_so(spark: SparkSession, tmp_path: Path) -> None:
    run = started(spark, tmp_path)
    with pytest.raises(PlanError, match="holds no plan that works"):
        grid_search.tune(run, grid_search.Grid((5_000,), (2,), ("row_seeded",), 100), tmp_path / "trials")


def test_wrong_lists_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main(["tune", "--input", "x.csv", "--ks", "5;10"])
    assert "list of whole numbers" in capsys.readouterr().err
