"""The ways of synthesis, on a table that fits a task and on one that is cut into parts."""

from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from releasing import another, in_several_files, kept, kept_hashes, published, release, started, work_until

from synth_spark.errors import PlanError, ResourceError
from synth_spark.kernels.arrow_codec import unpack_codes
from synth_spark.kernels.marginals.consistency import Measured, estimate
from synth_spark.kernels.marginals.targets import targets
from synth_spark.pipeline import api
from synth_spark.pipeline.run import Run
from synth_spark.plan import Synthesis
from synth_spark.schema import tables
from synth_spark.synthesize import matched_records
from synth_spark.synthesize.constraints import AttributeRule

K = 4
RECORDS = 6_500
#: So little that a task holds fewer than all records of the large table.
CUT = 203


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records nearly all of which are distinct, of eight columns with frequent values."""
    random = np.random.default_rng(4)
    kind = random.integers(0, 3, RECORDS)
    columns = {}
    for index in range(8):
        values = (random.geometric(0.4, RECORDS).clip(1, 7) + kind * (index % 3)) % 8
        columns[f"c{index}"] = [str(value) if value else None for value in values]
    path = tmp_path_factory.mktemp("large") / "large.parquet"
    pd.DataFrame(columns).to_parquet(path)
    return path


@pytest.fixture(scope="module")
def counted(spark: SparkSession, large: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The large table, read and counted; who makes records of it takes `another`."""
    out = tmp_path_factory.mktemp("counted") / "out"
    return work_until(started(spark, large, out, privacy__k=K, reporting_length=2), "aggregate")


@pytest.fixture(scope="module")
def free(counted: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Value-seeded records of a table that fits a task, packed by count, with no limit to oversampling."""
    keys = {"synthesis__kind": "value_seeded", "synthesis__packing": "count"}
    return work_until(
        another(counted, tmp_path_factory.mktemp("free") / "out", "free", "synthesize", **keys), "evaluate"
    )


def names(run: Run) -> set[str]:
    """Names of the tables in a run's folder."""
    return set(run.store.manifest["tables"])


def single_counts(frame: pd.DataFrame) -> Counter[tuple[str, str]]:
    """How often each value of each column occurs."""
    return Counter({(name, value): int(n) for name in frame for value, n in frame[name].value_counts().items()})


def rounded_down(source: Path) -> Counter[tuple[str, str]]:
    """The counts that a release of a table may have."""
    exact = single_counts(pd.read_parquet(source))
    return +Counter({attribute: count // K * K for attribute, count in exact.items()})


@pytest.mark.takes("two runs over a table that is cut into parts")
@pytest.mark.parametrize("kind", ["row_seeded", "value_seeded"])
def test_a_cut_table_gives_exact_single_counts_whatever_the_partitions(
    spark: SparkSession, large: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Support of every record is proved by the audit, without which nothing is published."""
    in_several_files(monkeypatch)
    spark.read.parquet(str(large)).repartition(5).write.parquet(str(tmp_path / "five.parquet"))
    settings = {"privacy__k": K, "reporting_length": 2, "task_memory": CUT, "synthesis__kind": kind}
    run = started(spark, large, tmp_path / "one", **settings)
    api.resume(run)
    assert {"grown_0", "grown_1", "grown"} <= names(run)
    assert single_counts(published(tmp_path / "one", "synthetic_records")) == rounded_down(large)
    other = started(spark, tmp_path / "five.parquet", tmp_path / "other", **settings)
    assert kept_hashes(work_until(other, "evaluate")) == kept_hashes(run)


@pytest.mark.parametrize("memory", [1_024, CUT])
def test_unseeded_records_round_their_own_counts(counted: Run, large: Path, tmp_path: Path, memory: int) -> None:
    settings = {"synthesis__kind": "unseeded", "task_memory": memory}
    api.resume(another(counted, tmp_path / "out", "unseeded", "synthesize", **settings))
    made = published(tmp_path / "out", "synthetic_records")
    counts, expected = single_counts(made), rounded_down(large)
    assert all(count % K == 0 for count in counts.values())
    assert set(counts) <= set(expected)
    assert 0.9 * RECORDS < len(made) < 1.1 * RECORDS
    told = published(tmp_path / "out", "evaluation").query("length == 1").set_index("measure")["value"]
    off = {value: counts[value] - count for value, count in expected.items()}
    assert told["largest_gap"] == max(map(abs, off.values())) > 0
    assert told["mean_ratio"] == pytest.approx(np.mean([counts[value] / expected[value] for value in expected]))
    missing = len(expected) - len(counts)
    text = (tmp_path / "out" / "RELEASE.md").read_text()
    assert "multiples of 4, and not those of `aggregates`" in text
    assert f"have {100 * told['mean_ratio']:.1f} % of a published single count; the largest difference is " in text
    assert f"; {missing} of the {len(expected)} published values are in no synthetic record." in text


def test_a_release_of_fewer_records_is_published_and_says_how_far_its_single_counts_are_off(
    counted: Run, large: Path, tmp_path: Path
) -> None:
    settings = {"synthesis__kind": "aggregate_seeded", "synthesis__records": 1_000}
    api.resume(another(counted, tmp_path / "out", "fewer", "synthesize", **settings))
    made = published(tmp_path / "out", "synthetic_records")
    assert len(made) == 1_000
    assert set(pair_counts(made)) <= set(pairs_of(published(tmp_path / "out", "aggregates").query("length == 2")))
    counts, expected = single_counts(made), rounded_down(large)
    text = (tmp_path / "out" / "RELEASE.md").read_text()
    assert "their single counts are not those of `aggregates`" in text
    assert f"the largest difference is {max(abs(counts[value] - expected[value]) for value in expected):,}; " in text


def test_value_seeded_records_of_a_table_that_fits(counted: Run, large: Path, tmp_path: Path) -> None:
    run = another(counted, tmp_path / "out", "fits", "synthesize", synthesis__kind="value_seeded")
    api.resume(run)
    told = (tmp_path / "out" / "RELEASE.md").read_text()
    assert "have 100.0 % of a published single count; the largest difference is 0; 0 of the " in told
    assert "grown_0" not in names(run)
    assert single_counts(published(tmp_path / "out", "synthetic_records")) == rounded_down(large)


@pytest.mark.parametrize("ratio", [0.0, 0.25])
def test_oversampling_is_held_to_its_limit_over_all_tasks(
    counted: Run, free: Run, large: Path, tmp_path: Path, ratio: float
) -> None:
    """No pair of values exceeds its published count by more, single counts are exact; without it some pairs do."""
    settings = {
        "synthesis__kind": "value_seeded",
        "synthesis__packing": "count",
        "synthesis__oversampling": ratio,
    }
    run = another(counted, tmp_path / "out", "limited", "synthesize", **settings)
    api.resume(run)
    assert run.resolved.shards > 1
    made = published(tmp_path / "out", "synthetic_records")
    assert single_counts(made) == rounded_down(large)
    told = published(tmp_path / "out", "aggregates").query("length == 2")
    assert pair_counts(made) <= Counter({pair: int((1 + ratio) * count) for pair, count in pairs_of(told).items()})
    without = pair_counts(kept(free, tables.SYNTHETIC_RECORDS))
    assert any(without[pair] > (1 + ratio) * count for pair, count in pairs_of(told).items())


def test_oversampling_of_sds_without_its_defect(spark: SparkSession, tmp_path: Path) -> None:
    """Known answer: 19 records (a1, b0 ten times, b1 nine times) and 3 of (a2, b9), k = 10: a1 10 and b0 10, not 1."""
    rows = ["a1,b0"] * 10 + ["a1,b1"] * 9 + ["a2,b9"] * 3
    (tmp_path / "cases.csv").write_text("\n".join(["a,b", *rows]) + "\n")
    release(
        spark, tmp_path / "cases.csv", tmp_path / "out", privacy__k=10, synthesis__kind="value_seeded",
        synthesis__oversampling=0.1, showcase__make=False,
    )  # fmt: skip
    assert single_counts(published(tmp_path / "out", "synthetic_records")) == {("a", "a1"): 10, ("b", "b0"): 10}


def test_what_oversampling_cannot_be_held_for_is_refused(counted: Run, tmp_path: Path) -> None:
    settings = {"task_memory": CUT, "synthesis__oversampling": 0.1}
    for kind, error, message in (
        ("row_seeded", PlanError, "is for value_seeded"),
        ("value_seeded", ResourceError, "in one task"),
    ):
        with pytest.raises(error, match=message):
            api.resume(another(counted, tmp_path / "out", kind, "encode", synthesis__kind=kind, **settings))


def pair_counts(frame: pd.DataFrame) -> Counter[frozenset[tuple[str, str]]]:
    """How often each pair of values occurs."""
    found: Counter[frozenset[tuple[str, str]]] = Counter()
    for one, other in combinations(frame.columns, 2):
        for values, count in frame.groupby([one, other]).size().items():
            found[frozenset(zip((one, other), values, strict=True))] += int(count)
    return found


def pairs_of(aggregates: pd.DataFrame) -> dict[frozenset[tuple[str, str]], int]:
    """Published counts of pairs."""
    names = [name for name in aggregates.columns if name not in ("length", "selections", "protected_count", "run_id")]
    return {
        frozenset((name, row[name]) for name in names if isinstance(row[name], str)): row["protected_count"]
        for row in aggregates.to_dict("records")
    }


def test_packings_make_different_records(counted: Run, large: Path, tmp_path: Path) -> None:
    found = set()
    for packing in ("relative_deficit", "deficit", "count"):
        run = another(counted, tmp_path / packing, packing, "synthesize", synthesis__packing=packing)
        work_until(run, "synthesize")
        found.add(kept_hashes(run)["synthetic_records"])
        assert single_counts(kept(run, tables.SYNTHETIC_RECORDS)) == rounded_down(large)
    assert len(found) == 3


def test_too_little_memory_is_refused_with_the_numbers(counted: Run, tmp_path: Path) -> None:
    run = another(counted, tmp_path / "out", "little", "encode", task_memory=201)
    with pytest.raises(ResourceError, match=r"task_memory: of 201 MB holds … of … distinct records; give .*"):
        api.resume(run)
    assert not (tmp_path / "out").exists()


def test_matched_records_of_several_shards_have_the_tables_single_counts_and_keep_rules(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second column is never absent; a rule about three attributes, of which every two meet, takes no value."""
    monkeypatch.setattr("synth_spark.synthesize.marginal_matching.SHARD", 400)
    rng = np.random.default_rng(2)
    group = rng.integers(0, 3, 1_000)
    exact = np.stack([(group + rng.integers(0, 2, 1_000)) % card for card in (3, 2, 3)], axis=1)
    exact[:, 1] += 1
    exact[(exact == [1, 2, 1]).all(axis=1), 2] = 0
    whole, cards = [False, True, False], [3, 2, 3]
    measured = []
    for i, j in combinations(range(3), 2):
        counts = np.zeros((cards[i], cards[j]))
        np.add.at(counts, (exact[:, i] - whole[i], exact[:, j] - whole[j]), 1)
        measured.append(Measured((i, j), counts, 1.0))
    rule, config = AttributeRule(((0, 1), (1, 2)), ((2, (1,)),)), Synthesis(kind="marginal_matching")
    made = matched_records(spark, targets(measured, estimate(measured, {}), {}), whole, [rule], config, 3).toArrow()
    codes = unpack_codes(made["record"], 3)
    assert np.sort(codes, axis=0).tolist() == np.sort(exact, axis=0).tolist()
    assert not (codes == [1, 2, 1]).all(axis=1).any()
    for i, j in combinations(range(3), 2):
        own, wanted = (Counter(zip(rows[:, i].tolist(), rows[:, j].tolist(), strict=True)) for rows in (codes, exact))
        assert sum(((own - wanted) + (wanted - own)).values()) < 0.06 * 1_000
