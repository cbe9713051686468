"""A series of releases in one root: counts follow the last release in steps, and nobody has to accept anything."""

import random
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from synth_spark import aggregate
from synth_spark import plan as plans
from synth_spark.encode import codes
from synth_spark.encode import combinations as combinations_of
from synth_spark.encode.combinations import bucket_bounds
from synth_spark.errors import RunError
from synth_spark.kernels.cells import CellSpace
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import api
from synth_spark.pipeline.purge import purge
from synth_spark.pipeline.run import Run
from synth_spark.pipeline.series.steps import lowered_beside
from synth_spark.schema import tables
from synth_spark.schema.domain import build
from synth_spark.schema.fields import Field

K, NAMES = 5, ("kind", "place", "year", "sign")
Row = tuple[str, ...]


def cases(draw: random.Random, number: int) -> list[Row]:
    rows = []
    for _ in range(number):
        kind = draw.choices(["x", "y", "z:1", ""], [6, 4, 2, 1])[0]
        place = draw.choices(["p", "q;", "r", ""], [5, 3, 1, 2] if kind == "x" else [1, 3, 4, 3])[0]
        rows.append((kind, place, draw.choice(["2019", "2020", ""]), draw.choices(["yes", ""], [1, 3])[0]))
    return rows


def exact(rows: list[Row]) -> Counter[str]:
    """Every combination by its text, without ``;`` and ``:`` in values."""
    counts: Counter[str] = Counter()
    for row in rows:
        held = [
            f"{name}:{value.replace(';', '<semicolon>').replace(':', '<colon>')}"
            for name, value in zip(NAMES, row, strict=True)
            if value
        ]
        for length in (1, 2, 3):
            counts.update(";".join(sorted(some, key=str.encode)) for some in combinations(held, length))
    return counts


def published(run: Run) -> dict[str, int]:
    rows = run.kept(tables.AGGREGATES).frame.select("selections", "protected_count").collect()
    return {row["selections"]: row["protected_count"] for row in rows}


class Series:
    """Releases of a table that grows and is corrected, and what was in it each time."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark, self.folder, draw = spark, folder, random.Random(4)
        first = cases(draw, 700)
        went = [at for at, row in enumerate(first) if row[0] == "z:1"][:7]
        second = [row for at, row in enumerate(first) if at not in went]
        second += [row for row in cases(draw, 90) if row[0] != "z:1"]
        self.rows = [first, second, second]
        self.runs = [self.run(number) for number in range(3)]

    def plan(self, number: int, **keys: Any) -> plans.Plan:
        file = self.folder / f"cases{number}.csv"
        lines = (",".join(f'"{value}"' for value in row) for row in (NAMES, *self.rows[number]))
        file.write_text("\n".join(lines) + "\n")
        content = {"input.path": str(file), "privacy.k": K, "output.path": str(self.folder / "out"), "seed": 3}
        return plans.load(None, {**content, "run_id": f"release-{number}", **keys})

    def run(self, number: int) -> Run:
        run = api.start(self.spark, self.plan(number), Progress(quiet=True))
        api.resume(run)  # no rule is accepted
        return run


@pytest.fixture(scope="module")
def series(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Series:
    return Series(spark, tmp_path_factory.mktemp("series"))


def test_counts_follow_in_steps(series: Series) -> None:
    before, now = (published(run) for run in series.runs[:2])
    were, are = exact(series.rows[0]), exact(series.rows[1])
    risen = {text for text in now if now[text] > before.get(text, 0)}
    fallen = {text for text in before if now.get(text, 0) < before[text]}
    assert risen
    assert fallen
    assert all(are[text] - were[text] >= K for text in risen)
    assert all(now[text] <= are[text] and now[text] % K == 0 for text in now)
    assert any(are[text] // K * K > now.get(text, 0) == before.get(text, 0) for text in are)  # some wait
    for text in risen:  # every part of what rose did so, too
        parts = text.split(";")
        assert all(";".join(some) in risen for n in range(1, len(parts)) for some in combinations(parts, n))


def test_a_release_that_follows_says_so_and_passes(series: Series) -> None:
    second = series.runs[1]
    text = (series.folder / "out" / "_documents" / second.store.run_id / "RELEASE.md").read_text()
    assert "Counts follow those of the last release" in text
    results = {
        f"{row['suite']}.{row['rule']}": row["success"] for row in second.kept(tables.AUDIT_RESULTS).arrow().to_pylist()
    }
    assert {name for name in results if name.startswith("differencing.")} >= {"differencing.no_small_group"}
    assert all(results.values())


def test_the_same_records_are_published_again_as_they_were(series: Series) -> None:
    second, third = (run.kept(tables.AGGREGATES) for run in series.runs[1:])
    assert second.content_hash == third.content_hash
    assert series.runs[1].resolved.protected_records == series.runs[2].resolved.protected_records


def test_steps_that_are_asked_for_and_cannot_be_taken_stop_the_run(series: Series) -> None:
    keys = {"run_id": "asked", "privacy.stepwise": True, "input.columns": ["kind", "place"]}
    run = api.start(series.spark, series.plan(1, **keys), Progress(quiet=True))
    for stage in ("read", "encode"):
        api.work(run, stage)
    with pytest.raises(RunError, match=r"privacy\.stepwise.*its plan has another input\.columns"):
        lowered_beside(run)
    last = series.runs[2]
    purge(last.store)
    again = api.start(series.spark, series.plan(1, **{**keys, "run_id": "purged"}), Progress(quiet=True))
    with pytest.raises(RunError, match=r"privacy\.stepwise.*was purged"):
        lowered_beside(again)


def test_buckets_are_those_of_the_counts_where_a_column_has_no_common_value(spark: SparkSession) -> None:
    names, k = ("a", "b", "c"), 5
    rows = [("x", "u", None)] * 17 + [("y", "u", None)] * 9 + [("y", "v", "rare")] * 3
    frame = spark.createDataFrame(rows, "a string, b string, c string")
    fields = tuple(Field(name) for name in names)
    domain = build(fields, codes.marginals(frame, fields).toArrow(), len(rows), k)
    space = CellSpace(domain.cards, 3)
    counts = combinations_of.count(codes.codes(frame, domain, len(rows)), space, 2, 100).localCheckpoint()
    told = [(1, "a:x", 10), (1, "a:y", 10), (1, "b:u", 20), (2, "a:x;b:u", 10), (2, "a:y;b:u", 5)]
    released = spark.createDataFrame(told, "length int, selections string, protected_count bigint")
    side = aggregate.Side(len(rows), counts, domain)
    shared = aggregate.shared_numbering(domain, k, 3, ["a:x", "a:y", "b:u"])
    assert shared.space.max_length == 2
    release = aggregate.Release(25, released)
    found = aggregate.stepped(side, side, [release], shared, k, 3).where(f"kind = '{aggregate.LOWERED}'").collect()
    lowered = {int(cell): row["bucket"] for row in found for cell in np.frombuffer(row["cells"], "<i8")}
    assert len(lowered) == 3  # x, u and both were published by 5 less than rounded, and nobody came
    bounds = bucket_bounds(space)
    assert all(bounds[bucket] <= cell < bounds[bucket + 1] for cell, bucket in lowered.items())
