"""A private run whose process is killed: taken up again, nothing is drawn or debited twice."""

import json
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
