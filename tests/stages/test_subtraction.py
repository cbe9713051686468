"""What two published releases tell when one is subtracted from the other, against the definition written out."""

import itertools
import random
from collections import Counter
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from synth_spark.assess.differencing import Published
from synth_spark.assess.differencing_bounds import drift, subtracted
from synth_spark.schema.fields import Field, escaped

FIELDS = (Field("a:1"), Field("b"), Field("m", many=True, delimiter="|"))
Attribute = tuple[int, str]
Combination = tuple[Attribute, ...]


def combinations(rows: list[list[Attribute]], longest: int) -> Counter[Combination]:
    return Counter(
        c for row in rows for length in range(1, longest + 1) for c in itertools.combinations(sorted(row), length)
    )


def text(combination: Combination) -> str:
    parts = [f"{escaped(FIELDS[field].name)}:{escaped(value)}" for field, value in combination]
    return ";".join(sorted(parts, key=str.encode))


def release(spark: SparkSession, name: str, counts: Counter[Combination], records: int, k: int) -> Published:
    rows = [(len(c), text(c), n // k * k) for c, n in counts.items() if n >= k] or [(1, "none", 0)]
    frame = spark.createDataFrame(pd.DataFrame(rows, columns=["length", "selections", "protected_count"]))
    return Published(name, k, 3, records // k * k, frame.where("protected_count > 0"))


def expected(
    old: Counter[Combination], new: Counter[Combination], n: int, m: int, ks: tuple[int, int], longest: int
) -> dict[int, tuple[set[Combination], set[Combination]]]:
    """Bounds by the definition; {length: (told of added, told of earlier)}, each as combinations."""
    one, two = ks
    shown = {c: (old[c] // one * one, new[c] // two * two) for c in new if old[c] >= one or new[c] >= two}
    most = {(): (n + m) // two * two - n // one * one + two - 1}
    least = {c: max(0, now - before - one + 1) for c, (before, now) in shown.items()}
    told: dict[int, tuple[set[Combination], set[Combination]]] = {}
    for length in range(1, longest + 1):
        told[length] = (set(), set())
        for c, (before, now) in shown.items():
            if len(c) != length:
                continue
            bound = now - before + two - 1
            for at in range(length):
                parent, field = c[:at] + c[at + 1 :], c[at][0]
                siblings = 0
                if not FIELDS[field].many:
                    siblings = sum(
                        least[d] for d in shown
                        if d != c and len(d) == length and any(
                            d[i][0] == field and d[:i] + d[i + 1 :] == parent for i in range(length)
                        )
                    )  # fmt: skip
                bound = min(bound, most[parent] - siblings)
            most[c] = bound
            if least[c] >= 1 and bound < two:
                told[length][0].add(c)
            if before == 0 and now - bound >= 1 and min(one - 1, now + two - 1 - least[c]) < two:
                told[length][1].add(c)
    return told


def rows(draw: random.Random, number: int, weights: list[int]) -> list[list[Attribute]]:
    made = []
    for _ in range(number):
        row = [(0, draw.choices(["x;", "y", "z"], weights)[0]), (1, draw.choice("uvw"))]
        made.append(row + [(2, value) for value in draw.sample(["p", "q", "r"], draw.randint(0, 2))])
    return made


def figures(found: list[Any]) -> dict[tuple[str, int], float]:
    return {(one.measure, one.length): one.value for one in found}


@pytest.mark.parametrize(
    ("seed", "ks", "added"), [(1, (3, 3), 9), (2, (5, 5), 30), (3, (4, 4), 12), (8, (3, 5), 9), (11, (4, 3), 25)]
)
def test_every_combination_that_is_told_is_found_and_told_truly(
    spark: SparkSession, seed: int, ks: tuple[int, int], added: int
) -> None:
    draw, longest = random.Random(seed), 3
    before, more = rows(draw, 60, [5, 3, 1]), rows(draw, added, [1, 2, 6])
    old, extra = combinations(before, longest), combinations(more, longest)
    new = old + extra
    sides = [release(spark, "one", old, 60, ks[0]), release(spark, "two", new, 60 + added, ks[1])]
    found = figures(subtracted(sides[0], sides[1], FIELDS))
    told = expected(old, new, 60, added, ks, longest)
    for length, (of_added, of_earlier) in told.items():
        assert found["fell", length] == 0
        assert found["told_of_added", length] == len(of_added)
        assert found["told_of_earlier", length] == len(of_earlier)
        assert all(1 <= extra[c] < ks[1] for c in of_added)  # what is told is true
        assert all(1 <= old[c] < ks[1] for c in of_earlier)
    assert sum(len(a) + len(b) for a, b in told.values()) > 0


@pytest.mark.parametrize("ks", [(5, 5), (3, 7), (7, 3)])
def test_releases_of_the_same_records_tell_nothing_by_subtraction(spark: SparkSession, ks: tuple[int, int]) -> None:
    counts = combinations(rows(random.Random(6), 80, [5, 3, 1]), 3)
    found = subtracted(release(spark, "one", counts, 80, ks[0]), release(spark, "two", counts, 80, ks[1]), FIELDS)
    assert not any(figures(found).values())
    assert {one.measure for one in found} == {"fell", "told_of_added", "told_of_earlier"}


def test_counts_that_fell_do_not_end_the_search(spark: SparkSession) -> None:
    """A pair rises and one of its values does not, as below; somewhere else a record went."""
    sides = []
    for name, present in (("one", (20, 20, 30)), ("two", (20, 25, 10))):
        records = [[(0, "x;"), (1, "u")]] * present[0] + [[(0, "y"), (1, "v")]] * present[1] + [[(0, "z")]] * present[2]
        counts = combinations(records, 2)
        more = {((0, "x;"), (1, "v")): 14} if name == "two" else {}
        sides.append(release(spark, name, counts + Counter(more), 80, 10))
    found = figures(subtracted(*sides, FIELDS))
    assert found["fell", 1] == 1
    assert found["told_of_added", 2] == 1


def test_where_there_are_fewer_records_nothing_is_looked_for(spark: SparkSession) -> None:
    counts = combinations(rows(random.Random(6), 80, [5, 3, 1]), 3)
    found = subtracted(release(spark, "one", counts, 80, 5), release(spark, "two", counts, 70, 5), FIELDS)
    assert {one.measure for one in found} == {"fell"}


def test_where_records_went_nothing_is_told_of_added_ones(spark: SparkSession) -> None:
    kept, gone, more = [[(0, "x;"), (1, "u")]] * 20, [[(0, "y"), (1, "u")]] * 30, [[(0, "x;"), (1, "v")]] * 45
    sides = [
        release(spark, name, combinations(present, 2), len(present), 10)
        for name, present in (("one", kept + gone), ("two", kept + more))
    ]
    found = figures(subtracted(*sides, FIELDS))
    assert (found["fell", 1], found["fell", 2]) == (2, 1)  # y and u; y with u
    assert (found["told_of_added", 1], found["told_of_added", 2]) == (0, 0)


def test_a_pair_that_rises_while_one_of_its_values_does_not(spark: SparkSession) -> None:
    base = [[(0, "x;"), (1, "u")]] * 9 + [[(0, "x;"), (1, "v")]] * 22 + [[(0, "y"), (1, "u")]] * 20
    few, many = [[(0, "x;"), (1, "u")]], [[(0, "y"), (1, "w")]] * 20
    old, extra = combinations(base, 2), combinations(few + many, 2)
    sides = [release(spark, "one", old, 51, 10), release(spark, "two", old + extra, 72, 10)]
    found = figures(subtracted(*sides, FIELDS))
    assert found["told_of_added", 2] == 1  # x with u is published now, but x alone did not rise: fewer than 10 came
    assert found["told_of_earlier", 2] == 1  # and so there were some before
    assert not any(found[name, 1] for name in ("told_of_added", "told_of_earlier"))
    same = figures(subtracted(sides[0], sides[0], FIELDS))
    assert not any(same.values())


def test_drift_is_the_distance_of_published_shares(spark: SparkSession) -> None:
    old = Counter({((0, "y"),): 20, ((0, "z"),): 30, ((1, "u"),): 50, ((2, "p"),): 10, ((2, "q"),): 30})
    new = Counter({((0, "y"),): 60, ((0, "z"),): 30, ((1, "u"),): 100, ((2, "p"),): 40, ((2, "q"),): 40})
    sides = [release(spark, "one", old, 100, 10), release(spark, "two", new, 200, 10)]
    found = {one.about: one.value for one in drift(*sides, FIELDS)}
    # of 100 and of 200: y 0.2 → 0.3, z 0.3 → 0.15, none 0.5 → 0.55
    assert found["a:1"] == pytest.approx((0.1 + 0.15 + 0.05) / 2)
    assert found["b"] == pytest.approx(0)
    assert found["m"] == pytest.approx(0.25)  # of several values: p 0.25 → 0.5, q 0.75 → 0.5
    assert found[None] == pytest.approx(0.25)
