"""A run that is to be published to another root: where its run folder goes, and what is refused. No Spark."""

from pathlib import Path

import pytest

from synth_spark.errors import PlanError, RunError
from synth_spark.library.elsewhere import moved
from synth_spark.plan import parse
from synth_spark.storage.places import place
from synth_spark.storage.run_store import RunStore


def finished(work: str) -> RunStore:
    """A run folder whose stages are done but the last, as far as anybody asks here."""
    store = RunStore.create(parse({"input": {"path": "cases.csv"}, "work": work, "run_id": "one"}))
    with store.stage("validate"):
        store.write("quality.md", "all held")
    return store


@pytest.fixture
def root(s3: str) -> str:
    """A published root in a store in which nothing is published."""
    place(f"{s3}://roots").write("begun", b"")  # some servers make a bucket when it is written to
    return f"{s3}://roots/out"


def test_a_run_folder_is_copied_to_a_folder_that_is_named_for_a_root_in_a_store(root: str, tmp_path: Path) -> None:
    store = finished(str(tmp_path / "temporary"))
    target = moved(store, root, stays=False, work=str(tmp_path / "kept"))
    assert (target.address, target.plan.output.path) == (str(tmp_path / "kept" / "one"), root)
    assert (target.plan.work_address, target.read("quality.md")) == (str(tmp_path / "kept"), "all held")
    assert RunStore.open(store.address).plan.output.path != root


def test_a_run_folder_that_stays_is_that_of_a_root_in_a_store(s3: str, root: str) -> None:
    store = finished(f"{s3}://runs/moved")
    assert moved(store, root, stays=True).address == store.address
    assert RunStore.open(store.address).plan.output.path == root
    with pytest.raises(RunError, match="is in a store, which cannot be done there"):
        moved(store, root, stays=False, work="kept")


@pytest.mark.parametrize("work", [None, "s3://private/runs"])
def test_a_run_folder_is_copied_to_no_store(work: str | None, tmp_path: Path) -> None:
    with pytest.raises(
        PlanError, match=r"^work: is not named, or in a store, and a run folder is copied to folders of"
    ):
        moved(finished(str(tmp_path / "temporary")), "s3://roots/out", stays=False, work=work)
    if work is not None:
        with pytest.raises(PlanError, match=r"^work: is not named, or in a store"):
            moved(finished(str(tmp_path / "other")), str(tmp_path / "out"), stays=False, work=work)
