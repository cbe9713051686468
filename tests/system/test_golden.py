"""The demo's release, by its content: a change that alters it must be meant, and say so in the changelog."""

from pathlib import Path

from pyspark.sql import SparkSession
from releasing import hashes, release

from synth_spark import demo

GOLDEN = {
    "synthetic_records": "0ffc913ee0ddf003a82cfd1409a3c8b78d644db751fc58fd0e69d76244945edc",
    "aggregates": "5e024c3eafd0b580c0a0e22550d52e3294bad1314afe814947fe6d3e51d4bd41",
    "evaluation": "ae5536733a061a4a152519934c84ac827a6d9efa39e927913d146aed50e8ce37",
}


def test_the_demo_gives_the_golden_release(spark: SparkSession, tmp_path: Path) -> None:
    demo.write_csv(spark, tmp_path / "cases.csv.gz", 1000, seed=1)
    release(spark, tmp_path / "cases.csv.gz", tmp_path / "out", privacy__k=10, seed=1)
    assert hashes(tmp_path / "out") == GOLDEN
