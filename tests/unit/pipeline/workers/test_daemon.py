"""The process that Python workers are forked from."""

import subprocess
import sys
from pathlib import Path

import pytest

from synth_spark.pipeline.workers import daemon


def test_archives_of_spark_are_left_where_it_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    archives = [str(tmp_path / name) for name in ("pyspark.zip", "py4j-0.10.9.9-src.zip", "spark-core_2.13-4.2.0.jar")]
    rest = list(sys.path)
    monkeypatch.setattr(sys, "path", [*archives, *rest])
    monkeypatch.setattr(sys, "path_importer_cache", dict.fromkeys(archives))
    daemon.leave_archives()
    assert sys.path == rest
    assert not set(archives) & set(sys.path_importer_cache)


def test_archives_of_spark_stay_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    alone = [str(tmp_path / "pyspark.zip"), str(tmp_path)]
    monkeypatch.setattr(sys, "path", list(alone))
    daemon.leave_archives()
    assert sys.path == alone


@pytest.mark.parametrize(
    "loads",
    [
        "from synth_spark.runtime.imports import one_thread; one_thread();"
        "from synth_spark.pipeline.workers.template import preload; preload()",
        "import synth_spark.cli.main; from synth_spark.pipeline import api",
    ],
    ids=["daemon", "command"],
)
def test_what_is_loaded_starts_no_thread_that_a_fork_would_lose(loads: str) -> None:
    """But for the one of pyarrow's allocator, which is prepared for forks."""
    threads = "[open(f'/proc/self/task/{one}/comm').read().strip() for one in os.listdir('/proc/self/task')]"
    code = f"{loads}; import os; print({threads}[1:])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() in ("[]", "['jemalloc_bg_thd']")
