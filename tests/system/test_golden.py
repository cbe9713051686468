"""The demo's release, by its content: a change that alters it must be meant, and say so in the changelog."""

from pathlib import Path

from pyspark.sql import SparkSession
from releasing import hashes, release

from synth_spark import demo

GOLDEN = {
    "synthetic_records": "509c95cb665a056a7cd7e20790c32909b55c05140ba23e6fa8df6418576b9cf7",
    "aggregates": "5e024c3eafd0b580c0a0e22550d52e3294bad1314afe814947fe6d3e51d4bd41",
    "evaluation": "3c298d9814dac557c9703e70924c2ad33759180c0368869ba229af2d3d70fd0e",
}


def test_the_demo_gives_the_golden_release(spark: SparkSession, tmp_path: Path) -> None:
    demo.write_csv(spark, tmp_path / "cases.csv.gz", 1000, seed=1)
    release(spark, tmp_path / "cases.csv.gz", tmp_path / "out", privacy__k=10, seed=1)
    assert hashes(tmp_path / "out") == GOLDEN
