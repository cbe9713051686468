"""The ways of synthesis, on a table that fits a task and on one that is cut into parts."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from releasing import hashes, published, release

from synth_spark.errors import ResourceError
from synth_spark.run import Run

K = 4
#: So little that a task holds fewer than all records of the large table.
CUT = 203


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine thousand records, nearly all distinct, of eight columns with frequent values."""
    random = np.random.default_rng(4)
    kind = random.integers(0, 3, 9_000)
    columns = {}
    for index in range(8):
        values = (random.geometric(0.4, 9_000).clip(1, 7) + kind * (index % 3)) % 8
        columns[f"c{index}"] = [str(value) if value else None for value in values]
    path = tmp_path_factory.mktemp("large") / "large.parquet"
    pd.DataFrame(columns).to_parquet(path)
    return path


def kept(run: Run) -> set[str]:
    """Names of the tables in a run's folder."""
    return set(run.workspace.manifest["tables"])


def single_counts(frame: pd.DataFrame) -> Counter[tuple[str, str]]:
    """How often each value of each column occurs."""
    return Counter({(name, value): int(n) for name in frame for value, n in frame[name].value_counts().items()})


def rounded_down(source: Path) -> Counter[tuple[str, str]]:
    """The counts that a release of a table may have."""
    exact = single_counts(pd.read_parquet(source))
    return +Counter({attribute: count // K * K for attribute, count in exact.items()})


@pytest.mark.parametrize("kind", ["row_seeded", "value_seeded"])
def test_a_cut_table_gives_exact_single_counts_whatever_the_partitions(
    spark: SparkSession, large: Path, tmp_path: Path, kind: str
) -> None:
    """Support of every record is proved by the audit, without which nothing is published."""
    spark.read.parquet(str(large)).repartition(5).write.parquet(str(tmp_path / "five.parquet"))
    settings = {"privacy__k": K, "task_memory": CUT, "synthesis__kind": kind, "reporting_length": 2}
    run = release(spark, large, tmp_path / "one", **settings)
    assert {"grown_0", "grown_1", "grown"} <= kept(run)
    assert single_counts(published(tmp_path / "one", "synthetic_records")) == rounded_down(large)
    release(spark, tmp_path / "five.parquet", tmp_path / "other", **settings)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "other")


@pytest.mark.parametrize("memory", [1_024, CUT])
def test_unseeded_records_round_their_own_counts(spark: SparkSession, large: Path, tmp_path: Path, memory: int) -> None:
    settings = {"privacy__k": K, "synthesis__kind": "unseeded", "reporting_length": 2, "task_memory": memory}
    release(spark, large, tmp_path / "out", **settings)
    made = published(tmp_path / "out", "synthetic_records")
    counts, expected = single_counts(made), rounded_down(large)
    assert all(count % K == 0 for count in counts.values())
    assert set(counts) <= set(expected)
    assert 0.9 * 9_000 < len(made) < 1.1 * 9_000
    assert "multiples of 4" in (tmp_path / "out" / "RELEASE.md").read_text()


def test_value_seeded_records_of_a_table_that_fits(spark: SparkSession, large: Path, tmp_path: Path) -> None:
    run = release(spark, large, tmp_path / "out", privacy__k=K, synthesis__kind="value_seeded", reporting_length=2)
    assert "grown_0" not in kept(run)
    assert single_counts(published(tmp_path / "out", "synthetic_records")) == rounded_down(large)


def test_packings_make_different_records(spark: SparkSession, large: Path, tmp_path: Path) -> None:
    found = set()
    for packing in ("relative_deficit", "deficit", "count"):
        out = tmp_path / packing
        release(spark, large, out, privacy__k=K, synthesis__packing=packing, reporting_length=1)
        found.add(hashes(out)["synthetic_records"])
        assert single_counts(published(out, "synthetic_records")) == rounded_down(large)
    assert len(found) == 3


def test_too_little_memory_is_refused_with_the_numbers(spark: SparkSession, large: Path, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"task_memory: of 201 MB holds [\d,]+ of [\d,]+ distinct records; give .*"):
        release(spark, large, tmp_path / "out", privacy__k=K, task_memory=201)
    assert not list((tmp_path / "out").iterdir())
