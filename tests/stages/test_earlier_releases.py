"""Which earlier releases a run is compared with: all that readers may hold, each once; and what becomes of others."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from publishing import place
from pyspark.sql import SparkSession
from releasing import another, published

from synth_spark.errors import AuditFailed
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import api
from synth_spark.pipeline.audit import accept
from synth_spark.pipeline.run import Run
from synth_spark.pipeline.series.earlier_releases import EarlierReleases, earlier_releases, outdated
from synth_spark.plan import parse
from synth_spark.publish import lifecycle
from synth_spark.schema import tables
from synth_spark.storage.run_store import RunStore


def a_run(spark: SparkSession, out: Path, name: str = "new", **assessment: Any) -> Run:
    """A run that has done nothing yet."""
    plan = {"input": {"path": "cases.csv"}, "output": {"path": str(out)}, "run_id": name, "assessment": assessment}
    return Run(spark, RunStore.create(parse(plan)), Progress(quiet=True))


def names(found: EarlierReleases) -> tuple[list[str], list[str]]:
    return [one.run_id for one in found.published], list(found.lost)


def changed(file: Path, **keys: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | keys))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A root of three releases of which the second one is current again."""
    for at, name in enumerate(("one", "two", "three")):
        place(tmp_path / "out", name, {"a:x": 20 + 10 * at, "a:y": 10}, k=10 - at)
    lifecycle.rollback(tmp_path / "out", "two")
    return tmp_path / "out"


def test_every_release_that_readers_may_hold_is_found_once(spark: SparkSession, out: Path, tmp_path: Path) -> None:
    found = earlier_releases(a_run(spark, out))
    assert names(found) == (["one", "two", "three"], [])
    told = [(one.k, one.longest, one.records, one.aggregates.count()) for one in found.published]
    assert told == [(10, 2, 600, 2), (9, 2, 600, 2), (8, 2, 600, 2)]
    assert [row["protected_count"] for row in found.published[2].aggregates.orderBy("selections").collect()] == [40, 10]
    assert names(earlier_releases(a_run(spark, out, "two"))) == (["one", "three"], []), "itself is none of them"
    place(tmp_path / "elsewhere", "other", {"a:x": 30})
    shutil.copytree(out, tmp_path / "copy")
    for place_, more in (("elsewhere", ["other"]), ("copy", [])):  # the copy names a release that is there anyway
        run = a_run(spark, out, f"beside {place_}".replace(" ", "-"), earlier=str(tmp_path / place_))
        assert names(earlier_releases(run)) == (["one", "two", "three", *more], [])
    changed(out / "_manifests" / "one.json", terms={"privacy": "differential_privacy"})
    assert names(earlier_releases(a_run(spark, out, "later"))) == (["two", "three"], [])
    assert names(earlier_releases(a_run(spark, tmp_path / "empty"))) == ([], [])


def test_what_cannot_be_read_is_lost_and_not_forgotten(spark: SparkSession, out: Path) -> None:
    (out / "_manifests" / "one.json").write_text("{")
    file = out / "aggregates" / "run_id=two" / "part-00000.parquet"
    file.write_bytes(file.read_bytes()[:-1])
    assert names(earlier_releases(a_run(spark, out))) == (["three"], ["one", "two"])
    (out / "_manifests" / "three.json").unlink()  # the history still knows it
    assert names(earlier_releases(a_run(spark, out, "newer"))) == ([], ["one", "two", "three"])


def test_what_nobody_had_read_is_left_out(spark: SparkSession, out: Path) -> None:
    run = a_run(spark, out)
    lifecycle.retire(out, ["one", "three"])
    assert names(earlier_releases(run)) == (["two"], ["one", "three"])
    lifecycle.retire(out, ["one"], unread=True)
    assert names(earlier_releases(run)) == (["two"], ["three"])
    (out / "_manifests" / "one.json").unlink()
    assert names(earlier_releases(run)) == (["two"], ["three"])


def test_a_retired_release_is_read_in_its_run_folder_or_lost(
    spark: SparkSession, explored: dict[str, Run], tmp_path: Path
) -> None:
    """Only if what is kept there is what was published."""
    made, out = explored["parquet"], tmp_path / "out"
    shutil.copytree(Path(made.plan.output.path), out)
    shutil.copytree(made.store.folder, tmp_path / "out.work" / "One")
    place(out, "two", {"a:x": 20})
    lifecycle.retire(out, ["One"])
    run = a_run(spark, out)
    found = earlier_releases(run)
    assert names(found) == (["One", "two"], [])
    assert found.published[0].aggregates.count() == made.kept(tables.AGGREGATES).rows
    assert (found.published[0].k, found.published[0].longest) == (4, 3)
    manifest = tmp_path / "out.work" / "One" / "manifest.json"
    content = json.loads(manifest.read_text())
    content["tables"]["aggregates"]["content_hash"] = "another"
    manifest.write_text(json.dumps(content))
    assert names(earlier_releases(run)) == (["two"], ["One"])


def test_whoever_publishes_meanwhile_makes_a_comparison_outdated(spark: SparkSession, out: Path) -> None:
    run = a_run(spark, out)
    assert not outdated(run), "a private one is compared with none"
    run.store.facts.update(readers_have="two", readers_may_hold=["one", "three", "two"])
    assert not outdated(run)
    lifecycle.retire(out, ["one"])
    assert not outdated(run), "who has it still has it"
    lifecycle.retire(out, ["one"], unread=True)
    assert outdated(run), "nobody had it"
    run.store.facts.update(readers_may_hold=["three", "two"])
    assert not outdated(run)
    lifecycle.rollback(out, "three")
    assert outdated(run)
    run.store.facts.update(readers_have="three")
    place(out, "four", {"a:x": 20})
    lifecycle.rollback(out, "three")
    assert outdated(run), "readers have what they had, and may hold another"


def test_what_was_not_compared_holds_the_release_and_is_named(explored: dict[str, Run], tmp_path: Path) -> None:
    """One is lost, one has other columns, one is named and shorter: which one readers have is known all the same."""
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    place(out, "lost", {"a:x": 20})
    place(out, "foreign", {"a:x": 20})
    place(elsewhere, "shorter", {"sex:Woman": 20}, columns=["sex", "flag"])
    (out / "_manifests" / "lost.json").unlink()
    run = another(explored["parquet"], out, "held", "assess", assessment__earlier=str(elsewhere))
    with pytest.raises(AuditFailed, match=r"differencing\.everyone_compared"):
        api.resume(run)
    assert run.store.facts["readers_have"] == "foreign"
    assert run.store.facts["readers_may_hold"] == ["foreign", "lost"]
    results = {row["rule"]: row["success"] for row in run.kept(tables.QUALITY_RESULTS).arrow().to_pylist()}
    assert not results["everyone_compared"]
    report = (run.store.folder / "report.md").read_text()
    for words in ("nobody can read them any more, though readers may hold them: lost.", "column of this release: "
                  "foreign.", "Not compared in all lengths", "was not looked for"):  # fmt: skip
        assert words in report
    for rule in ("everyone_compared", "no_small_group"):
        accept(run, f"differencing.{rule}", "tried")
    api.resume(run)
    assert "what they tell together was not looked for there" in (out / "RELEASE.md").read_text()
    assert "nobody can read them any more" in (out / "RELEASE.md").read_text()
    rows = published(out, "differences")
    assert set(rows[rows["measure"] == "not_read"]["about"]) == {"lost"}
