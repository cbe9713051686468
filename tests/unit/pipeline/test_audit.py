"""Where results of audits, and notices of what is held, are kept."""

import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import audit
from synth_spark.plan import parse
from synth_spark.storage.run_store import RunStore
from synth_spark.storage.runs import beside

RULE = {"rule": "use.kept", "measure": "kept_share_of_common", "length": 2, "at_least": 0.9, "severity": "warning"}


@pytest.mark.parametrize("comparison", ["reportable_to_synthetic", "sensitive_to_synthetic"])
def test_who_accepts_is_told_what_is_published_of_them(
    comparison: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before it is, however quiet: their name, the time and the reason; nothing of a rule about sensitive records."""
    monkeypatch.setattr("getpass.getuser", lambda: "jane")
    told = {"input": {"path": "cases.csv"}, "output": {"path": str(tmp_path / "out")}}
    store = RunStore.create(parse({**told, "rules": [{**RULE, "comparison": comparison}]}))
    audit.accept(
        SimpleNamespace(plan=store.plan, store=store, progress=Progress(quiet=True)), "use.kept", "small on purpose"
    )
    said = capsys.readouterr().err.replace("\n", " ")
    expected = "if use.kept is broken, the release tells everyone that “jane” accepted it, when, and the reason"
    assert (expected in said) == (comparison == "reportable_to_synthetic")


def test_nobody_else_can_read_what_stands_beside_a_run_that_was_moved(tmp_path: Path) -> None:
    """There is no folder of run folders yet where the plan says: it is made as a run would make it."""
    work = tmp_path / "out.work"
    for content in (b"once", b"twice"):
        beside.put(str(work), "quality_results", "one.parquet", content)
        assert [file.read_bytes() for file in (work / "quality_results").iterdir()] == [content]
    assert [stat.S_IMODE(path.stat().st_mode) for path in (work, work / "quality_results")] == [0o700, 0o700]
