"""Counts that would prove too much together, through the whole line: lowered, followed, recounted, looked for again."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from releasing import kept, published, release, write_csv

from synth_spark import aggregate, synthesize, validate
from synth_spark.encode.protected_counts import with_lowered
from synth_spark.pipeline.run import Run
from synth_spark.schema import tables

#: Of eleven records eight hold a, eight b, five both: 8 + 8 − 11 = 5 of published 10, 8, 8 and 4.
_ROWS = "1,\n" * 3 + ",1\n" * 3 + "1,1\n" * 5
#: Records of four columns without absent values: what they leave over must meet.
_DENSE = "".join(f"{n % 2},{n % 3},{n * n % 5 % 2},{n // 7 % 3}\n" for n in range(61))


@pytest.fixture(scope="module")
def dense(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A release of records of which many counts prove something together."""
    folder = tmp_path_factory.mktemp("dense")
    source = write_csv(folder / "cases.csv", f"a,b,c,d\n{_DENSE}")
    return release(spark, source, folder / "out", privacy__k=2, input__sensitive_zeros=["a", "b", "c", "d"])


def proved(run: Run, aggregates: DataFrame, shares: int = 1) -> pd.DataFrame:
    """What the audit finds."""
    return validate.joint_bounds(told(run, aggregates), run.kept(tables.AGGREGATES).rows, shares)


def told(run: Run, aggregates: DataFrame) -> validate.Told:
    resolved = run.resolved
    return validate.Told(aggregates, run.fields, resolved.k, resolved.protected_records, resolved.length)


def by_records(run: Run, records: DataFrame, shares: int = 1) -> pd.DataFrame:
    """What the audit finds in records that are written beside the published counts."""
    values = [[row[0] for row in records.select(name).dropna().distinct().collect()] for name in records.columns]
    claimed = validate.claimed(records, run.fields, values)
    return validate.record_bounds(claimed, values, told(run, run.kept(tables.AGGREGATES).frame), 61, shares)


def rounded(run: Run, grown: DataFrame) -> DataFrame:
    """Grown records as they would be written."""
    numbers = run.growth_seed, run.store.order_key, run.lowered_singles
    return synthesize.synthetic_records(grown, run.domain, run.resolved, *numbers)


def test_the_audit_finds_what_would_be_proved(dense: Run) -> None:
    rounded = aggregate.aggregates(dense.kept(tables.COUNTS).frame, dense.domain, dense.resolved)
    found = proved(dense, rounded)
    assert found["proved"].item() > 0
    assert found.equals(proved(dense, rounded, 3))
    assert not proved(dense, dense.kept(tables.AGGREGATES).frame).any(axis=None)


def test_the_audit_finds_what_records_would_prove(dense: Run) -> None:
    assert by_records(dense, rounded(dense, dense.kept(tables.GROWN).frame))["by_records"].item() > 0
    assert not by_records(dense, dense.kept(tables.SYNTHETIC_RECORDS).frame).any(axis=None)


def test_the_audit_finds_the_same_in_records_however_they_are_shared(dense: Run) -> None:
    """Of the sensitive records themselves, as if they were the synthetic ones."""
    records = dense.kept(tables.RECORDS).frame
    found = by_records(dense, records)
    assert (found[["held", "pair"]] > 0).all(axis=None)
    assert found["by_records"].item() == found[["held", "group", "pair"]].sum(axis=1).item()
    assert found.equals(by_records(dense, records.repartition(4), 3))


@pytest.mark.takes("eight jobs, which solve programs")
def test_the_audit_solves_programs_where_records_can_be_of_few_kinds(spark: SparkSession) -> None:
    """Counts, and records of three columns, of which no group and no pair of records proves anything."""
    counts = {"a:1": 2, "a:2": 2, "b:1": 4, "c:1": 4}
    counts |= dict.fromkeys(["a:1;b:1", "a:1;c:1", "a:2;b:1", "a:2;c:1", "b:1;c:1"], 2)
    fields: list[Any] = [SimpleNamespace(name=name, many=False, delimiter=None) for name in "abc"]  # known to tasks

    def found(more: dict[str, int], records: list[str], shares: int) -> tuple[dict[str, int], dict[str, int]]:
        told = spark.createDataFrame([*(counts | more).items()], "selections string, protected_count bigint")
        read = validate.Told(told, fields, 2, 6, 2)
        rows = [[None if sign == "-" else sign for sign in record] for record in records]
        written, values = spark.createDataFrame(rows, "a string, b string, c string"), [["1", "2"], ["1"], ["1"]]
        beside = validate.record_bounds(validate.claimed(written, fields, values), values, read, len(rows), shares)
        alone = validate.joint_bounds(read, len(counts), shares)
        return tuple({name: int(n) for name, n in frame.iloc[0].items() if n} for frame in (alone, beside))

    records = ["111", "1--", "--1", "11-", "21-", "1-1", "2-1", "-11"]
    assert found({}, records, 1) == found({}, records, 3) == ({}, {"by_records": 4, "record_programs": 4})
    assert found({}, records[1:], 2) == ({}, {})
    assert "programs" in found({"b:1": 6, "c:1": 6}, records[1:], 1)[0]


def test_published_counts_are_exact_ones_rounded_down_and_lowered(dense: Run) -> None:
    columns = ["length", "selections", "protected_count"]
    rounded = aggregate.aggregates(dense.kept(tables.COUNTS).frame, dense.domain, dense.resolved).select(*columns)
    lowered = aggregate.aggregates(dense.kept(tables.LOWERED).frame, dense.domain, dense.resolved).select(*columns)
    together = pd.concat([kept(dense, tables.AGGREGATES)[columns], lowered.toPandas()])
    sums = together.groupby(["length", "selections"])["protected_count"].sum()
    assert sums.to_dict() == rounded.toPandas().set_index(["length", "selections"])["protected_count"].to_dict()
    assert lowered.count() > 0


def test_tasks_that_share_the_rounds_lower_the_same(dense: Run) -> None:
    counts, kept_rounds = dense.kept(tables.COUNTS).frame, []

    def keep(frame: DataFrame) -> DataFrame:
        kept_rounds.append(frame.toPandas())
        return counts.sparkSession.createDataFrame(kept_rounds[-1], frame.schema)

    alone = aggregate.lowered_counts(counts.repartition(5), dense.resolved, keep, 24)
    shared = aggregate.lowered_counts(counts, dense.resolved, keep, 24, shares=3)
    rows = [sorted(map(tuple, frame.collect())) for frame in (alone, shared, dense.kept(tables.LOWERED).frame)]
    assert rows[0] == rows[1] == rows[2]
    assert len(kept_rounds) > 1


def test_single_counts_of_synthetic_records_follow(spark: SparkSession, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "cases.csv", f"a,b\n{_ROWS}")
    run = release(spark, source, tmp_path / "out", privacy__k=2)
    counts = published(tmp_path / "out", "aggregates").set_index("selections")["protected_count"].to_dict()
    assert counts == {"a:1": 8, "b:1": 6, "a:1;b:1": 4}
    made = published(tmp_path / "out", "synthetic_records")
    assert made.notna().sum().to_dict() == {"a": 8, "b": 6}
    assert run.published_singles.counts.tolist() == [8, 6]


def test_those_who_sign_are_told_how_much_was_lowered_and_nobody_else(dense: Run) -> None:
    columns = ["selections", "protected_count"]
    less = aggregate.aggregates(dense.kept(tables.LOWERED).frame, dense.domain, dense.resolved).select(*columns)
    lowered, told = less.toPandas(), kept(dense, tables.AGGREGATES).set_index("selections")["protected_count"]
    lost, withheld = lowered["protected_count"].sum(), (~lowered["selections"].isin(told.index)).sum()
    grown, made = (kept(dense, table).groupby("record")["copies"].sum() for table in (tables.GROWN, tables.SEPARATED))
    more = grown.sub(made, fill_value=0).clip(lower=0).sum()
    assert min(lost, withheld, more) > 0
    text = (dense.store.folder / "report.md").read_text()
    heading = "What counts would have proved together"
    section = text.split(heading)[-1].split("\n## ")[0].replace("\\", "")
    for row in (
        f"published counts that were lowered | {len(lowered):,}",
        f"of them withheld | {withheld:,}",
        f"sum of what they were lowered by | {lost:,}",
        f"all counts, as rounded | {100 * lost / (told.sum() + lost):.3f}",
        f"others than were grown | {more:,.0f}",
    ):
        assert row in section
    out = Path(dense.plan.output.path)
    assert heading in (dense.store.folder / "report.html").read_text()
    for file in out.glob("*.*"):
        assert heading not in file.read_text(), file.name


def test_the_order_of_records_does_not_matter_for_what_they_lose(dense: Run) -> None:
    grown = dense.kept(tables.GROWN).frame
    counts = with_lowered(dense.kept(tables.COUNTS).frame, dense.kept(tables.LOWERED).frame)
    made = []
    for frame in (grown.orderBy("record").coalesce(1), grown.orderBy(F.desc("record")).coalesce(1)):
        made.append(sorted(map(tuple, synthesize.separated(frame, counts, dense.resolved).collect())))
    assert made[0] == made[1] == sorted(map(tuple, dense.kept(tables.SEPARATED).frame.collect()))
    assert made[0] != sorted(map(tuple, grown.collect()))


def test_tasks_that_share_the_records_leave_nothing_that_proves(dense: Run) -> None:
    """Of the sensitive records themselves, as if they had been grown: by themselves and in pairs they prove a lot."""
    codes = dense.kept(tables.CODES).frame.selectExpr("record", "multiplicity AS copies")
    assert (by_records(dense, rounded(dense, codes))[["held", "pair"]] > 0).all(axis=None)
    counts = with_lowered(dense.kept(tables.COUNTS).frame, dense.kept(tables.LOWERED).frame)
    tasks = [(codes.repartition(5), 2), (codes.orderBy("record").coalesce(1), 3)]
    frames = [synthesize.separated(frame, counts, dense.resolved, shares=shares) for frame, shares in tasks]
    made = [sorted(map(tuple, frame.collect())) for frame in frames]
    assert made[0] == made[1]
    assert len({record for record, _ in made[0]}) == len(made[0])
    assert occurrences(frames[0]) == occurrences(codes)
    assert not by_records(dense, rounded(dense, frames[0])).any(axis=None)


def occurrences(records: DataFrame) -> Counter[tuple[int, int]]:
    """How often each code of each column occurs."""
    found: Counter[tuple[int, int]] = Counter()
    for record, copies in records.collect():
        for column, code in enumerate(np.frombuffer(record, "<u2").tolist()):
            found[column, code] += copies * (code > 0)
    return found
