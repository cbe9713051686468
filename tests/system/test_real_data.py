"""The line on real data, measured by the scorer that stands beside it: what a release must reach at least."""

import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from releasing import release

ADULT = ["--max-expansion", "1.54", "--kept2", ".94", "--kept3", ".77", "--mass2", ".77", "--mass3", ".65"]
CTDC = ["--max-expansion", "1.06", "--kept2", ".96", "--kept3", ".90", "--mass2", ".95", "--mass3", ".88"]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "limits"), [("adult", ADULT), ("ctdc_kanon_2021", CTDC)], ids=["adult", "ctdc_kanon_2021"]
)
def test_release_of_real_data(spark: SparkSession, shared: Path, tmp_path: Path, name: str, limits: list[str]) -> None:
    source = shared / "data" / f"{name}.csv.gz"
    release(spark, source, tmp_path / "out", privacy__k=10)
    scorer = [sys.executable, str(shared / "tools" / "measure_release.py"), str(source), str(tmp_path / "out"), "10"]
    scored = subprocess.run([*scorer, *limits], capture_output=True, text=True, check=False)
    assert scored.returncode == 0, scored.stdout + scored.stderr
