"""Of two values with the same protected count, which one more records hold: nothing that is published tells.

Two tables are looked at that have all protected counts in common. In one the first of the values that share a protected
count is the most frequent, in the other the last. Whatever is made of the same released content must be the same, bit
for bit and place for place, given the same key of the order.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synth_spark import evaluate, synthesize
from synth_spark import plan as plans
from synth_spark.aggregate import k_anonymity
from synth_spark.encode.protected_counts import protect
from synth_spark.kernels.arrow_codec import pack_codes, pack_ints
from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.counting.association import Singles
from synth_spark.kernels.counting.count import count_combinations
from synth_spark.plan.planner import ResolvedPlan, resolve
from synth_spark.schema.domain import Domain, build
from synth_spark.schema.fields import Field
from synth_spark.schema.metrics import PUBLIC
from synth_spark.synthesize import rounds

K, RECORDS, COLUMNS = 20, 3_999, 6
NAMES = tuple("abcdef")
Rows = list[tuple[str | None, ...]]


class Side(NamedTuple):
    """One of the two tables."""

    rows: Rows
    domain: Domain
    resolved: ResolvedPlan


def _common_rows() -> Rows:
    """Records of values that are about as frequent as each other, and a rare one in every column."""
    random = np.random.default_rng(8)
    values = random.integers(0, 8, (1_200, COLUMNS))
    values[:, 1] = np.where(random.random(1_200) < 0.5, values[:, 0], values[:, 1])
    rows: Rows = [tuple(None if value == 7 else f"v{value}" for value in row) for row in values.tolist()]
    return rows + [tuple("seldom" if at == column else "v0" for at in range(COLUMNS)) for column in range(COLUMNS)]


def _side(common: Rows, last: bool) -> Side:
    """The common records, and some of a single value each, which raise its count below the next multiple of k."""
    rows = list(common)
    for column in range(COLUMNS):
        held = [row[column] for row in common]
        by_protected: dict[int, list[str]] = {}
        for value in sorted({value for value in held if value}):
            by_protected.setdefault(held.count(value) // K, []).append(value)
        for multiple, values in by_protected.items():
            for rank, value in enumerate(reversed(values) if last else values):
                wanted = multiple * K + K - 1 - rank
                more = max(0, wanted - held.count(value)) if multiple else 0
                rows += more * [tuple(value if at == column else None for at in range(COLUMNS))]
    counts: dict[tuple[int, str], int] = {}
    for row in rows:
        for at, cell in enumerate(row):
            if cell:
                counts[at, cell] = counts.get((at, cell), 0) + 1
    marginals = pa.table(
        {
            "column": pa.array([column for column, _ in counts], pa.int32()),
            "value": pa.array([value for _, value in counts], pa.string()),
            "count": pa.array(list(counts.values()), pa.int64()),
        }
    )
    domain = build([Field(name) for name in NAMES], marginals, RECORDS, K)
    plan = plans.load(None, {"input.path": "in", "output.path": "out", "privacy.k": K, "reporting_length": 2})
    return Side(rows, domain, resolve(plan, NAMES, domain.cards, RECORDS, len(set(rows)), 5))


@pytest.fixture(scope="module")
def sides() -> tuple[Side, Side]:
    """Tables with the same protected counts, in which values that share one are in opposite orders of exact counts."""
    common = _common_rows()
    one, other = _side(common, last=False), _side(common, last=True)
    assert one.domain.cards == other.domain.cards
    counts = [dict(zip(s.domain.columns[2].values, s.domain.columns[2].counts, strict=True)) for s in (one, other)]
    assert {v: n // K for v, n in counts[0].items()} == {v: n // K for v, n in counts[1].items()}
    ranked = [sorted(counted, key=lambda value: (-counted[value], value)) for counted in counts]
    assert ranked[0] != ranked[1], "the example shows nothing"
    return one, other


@pytest.fixture(scope="module")
def released() -> Rows:
    """Records such as are released, some of them equal: of common values alone."""
    rows = [tuple(None if cell == "seldom" else cell for cell in row) for row in _common_rows()]
    return rows + rows[:300] + [tuple(cell if at < 3 else None for at, cell in enumerate(row)) for row in rows[:200]]


def _coded(side: Side, rows: Rows) -> tuple[Codes, Ints]:
    """Distinct records in codes of a table, and how often they occur."""
    cells = [pa.array([row[column] for row in rows], pa.string()) for column in range(COLUMNS)]
    codes, copies = np.unique(side.domain.encode(cells), axis=0, return_counts=True)
    return codes.astype(np.uint16), copies.astype(np.int64)


def _frame(spark: SparkSession, side: Side, rows: Rows, weight: str) -> DataFrame:
    codes, copies = _coded(side, rows)
    return spark.createDataFrame(pa.table({"record": pack_codes(codes), weight: pa.array(copies)})).repartition(3)


def _counted(spark: SparkSession, side: Side, rows: Rows) -> tuple[DataFrame, Singles]:
    """Counts of combinations, in one bucket, and those of single values."""
    space = side.resolved.cells
    cells, counts = count_combinations(space, *_coded(side, rows))
    most = int(space.length_bounds()[1])
    singles = np.zeros(most, np.int64)
    singles[cells[cells < most]] = counts[cells < most]
    table = pa.table({"bucket": pa.array([0], pa.int32()), "cells": pack_ints([cells]), "counts": pack_ints([counts])})
    return spark.createDataFrame(table), Singles(singles, RECORDS)


def _in_place(frame: DataFrame) -> list[tuple[Any, ...]]:
    """The rows of a table in order, each with the number of its file."""
    return [tuple(row) for row in frame.withColumn("file", F.spark_partition_id()).collect()]


def test_records_their_order_and_what_rounding_takes_are_the_same(
    spark: SparkSession, sides: tuple[Side, Side], released: Rows
) -> None:
    def written(side: Side, key: int) -> list[tuple[Any, ...]]:
        resolved = replace(side.resolved, records=200_000)  # several files
        grown, none = _frame(spark, side, released, "copies"), np.zeros(int(side.domain.common(K).sum()), np.int64)
        return _in_place(synthesize.synthetic_records(grown, side.domain, resolved, 42, key, none))

    one, other = (written(side, 1) for side in sides)
    assert len({row[-1] for row in one}) == 4
    assert one == other
    elsewhere = written(sides[0], 2)
    assert elsewhere != one
    assert sorted(map(repr, (row[:-1] for row in elsewhere))) == sorted(map(repr, (row[:-1] for row in one)))


def test_where_a_record_is_depends_on_what_is_published_and_not_on_what_it_was_grown_as(
    spark: SparkSession, sides: tuple[Side, Side], released: Rows
) -> None:
    """Copies that gave a value up are not told from copies that never had it: equal records are counted first."""
    side = sides[0]
    whole = _frame(spark, side, released, "copies")
    apart = whole.selectExpr("record", "explode(sequence(1, int(copies))) AS copy").selectExpr("record", "1L AS copies")
    assert _in_place(synthesize.written(whole, side.domain, 3, 1)) == _in_place(
        synthesize.written(apart, side.domain, 3, 1)
    )


def test_aggregates_are_the_same_in_the_same_files(
    spark: SparkSession, sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where fewer combinations occur than may be sorted at once, by an estimate of them from exact numbers."""
    monkeypatch.setattr(k_anonymity, "SORTED", 60)
    found = []
    for side, distinct in zip(sides, (sides[0].resolved.distinct, 1), strict=True):
        counts, _ = _counted(spark, side, side.rows)
        found.append(_in_place(k_anonymity.aggregates(counts, side.domain, replace(side.resolved, distinct=distinct))))
    assert len({row[-1] for row in found[0]}) > 1
    assert found[0] == found[1]


def _compared(spark: SparkSession, side: Side, rows: Rows, released: Rows) -> list[Any]:
    """The public figures of records that were released of a table."""
    exact, synthetic = _counted(spark, side, rows), _counted(spark, side, released)
    reportable = Singles(protect(exact[1].counts, K), RECORDS // K * K)
    singles = (exact[1], reportable, synthetic[1])
    sums = evaluate.partial_sums(exact[0], synthetic[0], side.resolved.cells, K, singles).toArrow()
    figures = [
        *evaluate.measures(sums, side.resolved, len(released), reportable.records),
        *evaluate.fidelity_metrics(
            sums, side.resolved, side.domain, (exact[1], reportable, synthetic[1]), K
        ),
    ]  # fmt: skip
    return [figure for figure in figures if figure.comparison == PUBLIC]


def test_figures_are_the_same_to_the_last_digit(spark: SparkSession, sides: tuple[Side, Side], released: Rows) -> None:
    one, other = (_compared(spark, side, side.rows, released) for side in sides)
    assert len([figure for figure in one if figure.topic == "association"]) > 20
    assert one == other


def test_figures_do_not_tell_that_a_rare_combination_occurs(spark: SparkSession) -> None:
    """One person has both values of two columns that are otherwise never filled together."""
    left: Rows = [("v0", None, *4 * [None])] * 40 + [(None, "v1", *4 * [None])] * 40
    both: Rows = [("v0", "v1", *4 * [None])]
    apart: Rows = [("v0", None, *4 * [None]), (None, "v1", *4 * [None])]
    sides = [_side(left + more, last=False) for more in (both, apart)]
    one, other = (_compared(spark, side, side.rows, left) for side in sides)
    assert one == other


@pytest.mark.parametrize("kind", ["row_seeded", "value_seeded"])
def test_growth_asks_a_domain_for_nothing_but_protected_counts(
    spark: SparkSession, sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Which values are worth a row in the tables of pairs, where not all are, is one of the things it decides."""
    monkeypatch.setattr(rounds, "MOST_TRACKED", 5)
    side = sides[0]
    columns = [
        replace(column, counts=tuple(count // K * K + place for place, count in enumerate(column.counts)))
        for column in side.domain.columns
    ]
    domains = (side.domain, replace(side.domain, columns=tuple(columns)))
    plan = side.resolved.plan.model_copy(
        update={"synthesis": side.resolved.plan.synthesis.model_copy(update={"kind": kind})}
    )
    resolved, codes = replace(side.resolved, plan=plan), _frame(spark, side, side.rows, "multiplicity")

    def grown(domain: Domain) -> Sequence[Any]:
        made = rounds.grown_records(codes, domain, resolved, 42, lambda frame: frame)
        return sorted((bytes(row["record"]), row["copies"]) for row in made.collect())

    assert grown(domains[0]) == grown(domains[1])
