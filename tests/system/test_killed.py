"""A private run whose driver or task is killed: nothing that was kept is drawn again, and nothing is debited twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.mark.parametrize("table", ["values", "noisy_pairs"])
def test_a_killed_driver_leaves_its_draws(tmp_path: Path, table: str) -> None:
    rows = "".join(f"{'xyz'[i % 3]},{'pq'[i // 7 % 2]},{'stuv'[i // 5 % 4]}\n" for i in range(2_000))
    (tmp_path / "cases.csv").write_text("a,b,c\n" + rows)
    command = [sys.executable, "-m", "synth_spark"]
    asked = ["run", "--input", "cases.csv", "--output", "out", "--epsilon", "1", "--run-id", "killed", "--quiet"]
    run = subprocess.Popen([*command, *asked], cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    folder = tmp_path / "out.work" / "killed"
    drawn: dict = {}
    while run.poll() is None and table not in drawn:
        time.sleep(0.02)
        if (folder / "manifest.json").exists():
            drawn = json.loads((folder / "manifest.json").read_text())["tables"]
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert table in drawn
    assert not (tmp_path / "out" / "LATEST.json").exists()
    resumed = [*command, "resume", str(folder.relative_to(tmp_path)), "--quiet"]
    subprocess.run(resumed, cwd=tmp_path, check=True, capture_output=True)
    after = json.loads((folder / "manifest.json").read_text())["tables"]
    for name in ("values", "noisy_pairs"):
        assert name not in drawn or after[name]["files"] == drawn[name]["files"]
    assert len((tmp_path / "out.work" / "ledger.jsonl").read_text().splitlines()) == 1
    assert (tmp_path / "out" / "LATEST.json").exists()


#: A session whose tasks may fail, and noise that takes its first worker process with it.
_DYING = """
import os, sys
from dataclasses import dataclass, replace
from pathlib import Path
from pyspark.sql import SparkSession
from synth_spark import plan as plans, running
from synth_spark.noise import VettedNoise
from synth_spark.progress import Progress

@dataclass(frozen=True)
class Dying:
    driver: int
    file: str

    def gaussian(self, size, sigma):
        drawn = VettedNoise().gaussian(size, sigma)
        if os.getpid() != self.driver:
            with open(self.file, "a") as stream:
                stream.write("draw\\n")
            if len(Path(self.file).read_text().splitlines()) == 1:
                os._exit(1)
        return drawn

    def choose(self, scores, rho):
        return VettedNoise().choose(scores, rho)

builder = SparkSession.builder.master("local[2,4]").config("spark.sql.shuffle.partitions", "2")
spark = builder.config("spark.ui.enabled", "false").getOrCreate()
plan = plans.load(None, {"input.path": "cases.csv", "output.path": "out", "privacy.epsilon": 1.0, "run_id": "died",
                         "synthesis.kind": sys.argv[1]})
run = replace(running.start(spark, plan, Progress(quiet=True)), noise=Dying(os.getpid(), "draws"))
running.resume(run)
spark.stop()
"""


@pytest.mark.parametrize("method", ["marginal_matching", "aggregate_seeded"])
def test_a_killed_task_draws_again_what_nobody_has_seen(tmp_path: Path, method: str) -> None:
    rows = "".join(f"{'xyz'[i % 3]},{'pq'[i // 7 % 2]},{'stuv'[i // 5 % 4]}\n" for i in range(2_000))
    (tmp_path / "cases.csv").write_text("a,b,c\n" + rows)
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    run = [sys.executable, "-c", _DYING, method]
    subprocess.run(run, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert len((tmp_path / "draws").read_text().splitlines()) > 1  # the task that died was tried again
    assert (tmp_path / "out" / "LATEST.json").exists()
    assert len((tmp_path / "out.work" / "ledger.jsonl").read_text().splitlines()) == 1
    manifest = json.loads((tmp_path / "out.work" / "died" / "manifest.json").read_text())
    noisy = "noisy_pairs" if method == "marginal_matching" else "noisy_2"
    assert manifest["tables"][noisy]["rows"] > 0
