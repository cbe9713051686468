"""The demo's release, by its content: a change that alters it must be meant, and say so in the changelog."""

from pathlib import Path

from pyspark.sql import SparkSession
from releasing import hashes, release

from synth_spark import demo

GOLDEN = {
    "synthetic_records": "?",
    "aggregates": "?",
    "evaluation": "?",
}


def test_the_demo_gives_the_golden_release(spark: SparkSession, tmp_path: Path) -> None:
    demo.write_csv(spark, tmp_path / "cases.csv.gz", 1000, seed=1)
    release(spark, tmp_path / "cases.csv.gz", tmp_path / "out", privacy__k=10, seed=1)
    assert hashes(tmp_path / "out") == GOLDEN
