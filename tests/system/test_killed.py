"""A private run whose driver or task is killed: nothing that was kept is drawn again, and nothing is debited twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from synth_spark.cli.main import main
from synth_spark.privacy.ledger import Ledger
from synth_spark.storage.append_log import LineFile

ROWS = "".join(f"{'xyz'[i % 3]},{'pq'[i // 7 % 2]},{'stuv'[i // 5 % 4]}\n" for i in range(2_000))
METHODS = ["marginal_matching", "aggregate_seeded"]
#: Tables of noise that the first of them draws.
DRAWN = ("values", "noisy_pairs")


@pytest.mark.takes("two drivers of their own, and the rest of their run")
def test_killed_drivers_leave_their_draws(spark: SparkSession, tmp_path: Path) -> None:
    """One is killed right after it has drawn single counts; the next, which takes the run up, after pairs."""
    (tmp_path / "cases.csv").write_text("a,b,c\n" + ROWS)
    folder = tmp_path / "out.work" / "killed"
    asked = ["run", "--input", tmp_path / "cases.csv", "--output", tmp_path / "out", "--epsilon", "1"]
    asked += ["--run-id", "killed", "--ledger", tmp_path / "ledger.jsonl"]
    drawn: dict = {}
    for words, table in ((asked, "values"), (["resume", folder], "noisy_pairs")):
        before = drawn
        drawn = killed_once_kept([*words, "--quiet"], folder, table)
        assert table in drawn
        assert not (tmp_path / "out" / "LATEST.json").exists()
        assert all(drawn[name]["files"] == before[name]["files"] for name in DRAWN if name in before)
    left = list(folder.parent.glob(".spark-*"))
    assert len(left) == 1, "each command removes what the one that was killed before it has left, and is killed itself"
    assert left[0].stat().st_mode & 0o777 == 0o700
    assert main(["resume", str(folder), "--quiet"]) == 0
    after = json.loads((folder / "manifest.json").read_text())["tables"]
    for name in DRAWN:
        assert after[name]["files"] == drawn[name]["files"]
    assert debits(tmp_path / "ledger.jsonl") == ["killed"]
    assert (tmp_path / "out" / "LATEST.json").exists()


def debits(ledger: Path) -> list[str | None]:
    """The releases that a ledger holds."""
    return [entry.run_id for entry in Ledger(LineFile(ledger)).entries() if entry.kind == "release"]


def killed_once_kept(words: list[str | Path], folder: Path, table: str) -> dict:
    """Run a command, and kill it as soon as its run has kept a table; returns what it had kept."""
    kept: dict = {}
    command = [sys.executable, "-m", "synth_spark", *words]
    run = subprocess.Popen(command, cwd=folder.parents[1], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while run.poll() is None and table not in kept:
        time.sleep(0.02)
        if (folder / "manifest.json").exists():
            kept = json.loads((folder / "manifest.json").read_text())["tables"]
    run.send_signal(signal.SIGKILL)
    run.wait()
    return kept


#: A session whose tasks may fail, and noise that takes its first worker process with it.
_DYING = """
import os, sys
from dataclasses import dataclass, replace
from pathlib import Path
from synth_spark import plan as plans
from synth_spark.pipeline import api
from synth_spark.privacy.mechanisms import VettedNoise
from synth_spark.monitoring.progress import Progress
from synth_spark.runtime.session import open_session

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

spark = open_session(master="local[2,4]")
for method in sys.argv[1:]:
    plan = plans.load(None, {"input.path": "cases.csv", "output.path": f"{method}/out", "privacy.epsilon": 1.0,
                             "run_id": "died", "synthesis.kind": method, "ledger": f"{method}/ledger.jsonl"})
    noise = Dying(os.getpid(), f"{method}/draws")
    api.resume(replace(api.start(spark, plan, Progress(quiet=True)), noise=noise))
spark.stop()
"""


@pytest.fixture(scope="module")
def died(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of both methods in one process, a folder each."""
    folder = tmp_path_factory.mktemp("died")
    (folder / "cases.csv").write_text("a,b,c\n" + ROWS)
    for method in METHODS:
        (folder / method).mkdir()
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    run = [sys.executable, "-c", _DYING, *METHODS]
    subprocess.run(run, cwd=folder, env=environment, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_task_draws_again_what_nobody_has_seen(died: Path, method: str) -> None:
    folder = died / method
    assert len((folder / "draws").read_text().splitlines()) > 1  # the task that died was tried again
    assert (folder / "out" / "LATEST.json").exists()
    assert debits(folder / "ledger.jsonl") == ["died"]
    manifest = json.loads((folder / "out.work" / "died" / "manifest.json").read_text())
    noisy = "noisy_pairs" if method == "marginal_matching" else "noisy_2"
    assert manifest["tables"][noisy]["rows"] > 0
