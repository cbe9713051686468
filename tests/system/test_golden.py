"""The demo's release, by its content: a change that alters it must be meant, and say so in the changelog."""

from pathlib import Path

from pyspark.sql import SparkSession
from releasing import hashes, release

from synth_spark import demo

GOLDEN = {
    "synthetic_records": "dc491d280498c5b13c380d4fcdf4d6929a55fe6d1961ca4df22013be26636b0d",
    "aggregates": "5e024c3eafd0b580c0a0e22550d52e3294bad1314afe814947fe6d3e51d4bd41",
    "evaluation": "4ef9d0ca896ddcb517364301af0951a3b26f87bd2a2ca4285a1f1259fc4d508f",
}


def test_the_demo_gives_the_golden_release(spark: SparkSession, tmp_path: Path) -> None:
    demo.write_csv(spark, tmp_path / "cases.csv.gz", 1000, seed=1)
    release(spark, tmp_path / "cases.csv.gz", tmp_path / "out", privacy__k=10, seed=1)
    assert hashes(tmp_path / "out") == GOLDEN
