"""The demo's release, by its content: a change that alters it must be meant, and say so in the changelog."""

from pathlib import Path

from pyspark.sql import SparkSession
from releasing import hashes, release

from synth_spark import demo

GOLDEN = {
    "synthetic_records": "bf89797e193ee5f14195edd10fa84f0c2399316702cd8b7b80490e7e5d26905c",
    "aggregates": "5e024c3eafd0b580c0a0e22550d52e3294bad1314afe814947fe6d3e51d4bd41",
    "evaluation": "11d7944add0a1f7d22572e3fe1749967d12720c8a76b22c368bb2a529ae14c62",
}


def test_the_demo_gives_the_golden_release(spark: SparkSession, tmp_path: Path) -> None:
    demo.write_csv(spark, tmp_path / "cases.csv.gz", 1000, seed=1)
    release(spark, tmp_path / "cases.csv.gz", tmp_path / "out", privacy__k=10, seed=1)
    assert hashes(tmp_path / "out") == GOLDEN
