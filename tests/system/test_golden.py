"""The demo's release, by its content: a change that alters it must be meant, and say so in the changelog."""

from pathlib import Path

from pyspark.sql import SparkSession
from releasing import hashes, release

from synth_spark import demo

GOLDEN = {
    "synthetic_records": "8cd07e48237da27d4984ca15b72d9ea38e58034b8cf575504ebe01ad70c2e74c",
    "aggregates": "5e024c3eafd0b580c0a0e22550d52e3294bad1314afe814947fe6d3e51d4bd41",
    "evaluation": "13032d14cfd6204be8416f806965187978d009a65324e328a697fd478c52081a",
}


def test_the_demo_gives_the_golden_release(spark: SparkSession, tmp_path: Path) -> None:
    demo.write_csv(spark, tmp_path / "cases.csv.gz", 1000, seed=1)
    release(spark, tmp_path / "cases.csv.gz", tmp_path / "out", privacy__k=10, seed=1)
    assert hashes(tmp_path / "out") == GOLDEN
