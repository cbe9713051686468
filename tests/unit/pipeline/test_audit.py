"""Where results of audits, and notices of what is held, are kept."""

import stat
from pathlib import Path
from types import SimpleNamespace

from synth_spark.pipeline import audit


def test_nobody_else_can_read_what_stands_beside_a_run_that_was_moved(tmp_path: Path) -> None:
    """There is no folder of run folders yet where the plan says: it is made as a run would make it."""
    work = tmp_path / "out.work"
    folder = audit.private_folder(SimpleNamespace(plan=SimpleNamespace(work_folder=work)), "quality_results")
    assert folder == work / "quality_results"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (work, folder)] == [0o700, 0o700]
    assert audit.private_folder(SimpleNamespace(plan=SimpleNamespace(work_folder=work)), "quality_results") == folder
