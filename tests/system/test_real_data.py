"""The line on real data, measured by the scorer that stands beside it: what a release must reach at least."""

import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from releasing import release

ADULT = ["--max-expansion", "1.54", "--kept2", ".94", "--kept3", ".77", "--mass2", ".77", "--mass3", ".65"]
CTDC = ["--max-expansion", "1.06", "--kept2", ".96", "--kept3", ".90", "--mass2", ".95", "--mass3", ".88"]


@pytest.mark.takes("a release of a whole data set")
@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "limits"), [("adult", ADULT), ("ctdc_kanon_2021", CTDC)], ids=["adult", "ctdc_kanon_2021"]
)
def test_release_of_real_data(
    spark: SparkSession, shared: Path, tmp_path: Path, request: pytest.FixtureRequest, name: str, limits: list[str]
) -> None:
    source = shared / "data" / f"{name}.csv.gz"
    if name == "ctdc_kanon_2021":
        out = request.getfixturevalue("ctdc")
    else:
        out = Path(release(spark, source, tmp_path / "out", privacy__k=10).plan.output.path)
    scorer = [sys.executable, str(shared / "tools" / "measure_release.py"), str(source), str(out), "10"]
    scored = subprocess.run([*scorer, *limits], capture_output=True, text=True, check=False)
    assert scored.returncode == 0, scored.stdout + scored.stderr
