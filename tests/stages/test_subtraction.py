"""What two published releases tell when one is subtracted from the other, against the definition written out."""

import itertools
import math
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from synth_spark.assess.differencing import Published
from synth_spark.assess.differencing_bounds import DISCLOSURES, KNOWN, as_published, drift, told, told_metrics
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


Bounds = dict[tuple[str, Combination], tuple[int, int]]


def expected(
    old: Counter[Combination], new: Counter[Combination], grown: int, ks: tuple[int, int], names: tuple[str, str]
) -> Bounds:
    """By the definition, to who assumes that nobody went: (what is told, combination) → least and most."""
    one, two = ks
    shown = {c: (old[c] // one * one, new[c] // two * two) for c in old | new if old[c] >= one or new[c] >= two}
    most: dict[Combination, float] = {(): grown + two - 1 if grown + two > 0 else math.inf}
    least = {c: max(0, now - before - one + 1) for c, (before, now) in shown.items()}
    found: Bounds = {}
    for c, (before, now) in sorted(shown.items(), key=lambda each: len(each[0])):
        bounds = [now - before + two - 1] if now - before + two > 0 else []
        for at in range(len(c)):
            parent, field, siblings = c[:at] + c[at + 1 :], c[at][0], 0
            if not FIELDS[field].many:
                siblings = sum(
                    least[d] for d in shown
                    if d != c and len(d) == len(c) and any(
                        d[i][0] == field and d[:i] + d[i + 1 :] == parent for i in range(len(c))
                    )
                )  # fmt: skip
            if least[c] <= most[parent] - siblings < math.inf:
                bounds.append(int(most[parent] - siblings))
        most[c] = min(bounds, default=math.inf)
        if least[c] >= 1 and most[c] < max(ks):
            found[names[0], c] = (least[c], int(most[c]))
        if before == 0 and 1 <= now - most[c] < one:
            found[names[1], c] = (int(now - most[c]), min(one - 1, now + two - 1 - least[c]))
    return found


def both_ways(old: Counter[Combination], new: Counter[Combination], n: tuple[int, int], ks: tuple[int, int]) -> Bounds:
    """What is told of records that came, and of those that went."""
    grown = n[1] // ks[1] * ks[1] - n[0] // ks[0] * ks[0]
    came = expected(old, new, grown, ks, DISCLOSURES[:2])
    return came | expected(new, old, -grown, (ks[1], ks[0]), DISCLOSURES[2:])


Pairs = Sequence[tuple[Published, Published]]


def listed(pairs: Pairs) -> dict[tuple[str, str, str], Any]:
    """(earlier release, what is told, combination) → its row."""
    rows = told(pairs, FIELDS).collect()
    found = {(row["release"], row["told"], row["selections"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def by_subtraction(pairs: Pairs) -> dict[str, dict[tuple[str, str], tuple[int, int]]]:
    """Earlier release → (what is told, combination) → its bounds, of what subtraction tells."""
    found: dict[str, dict[tuple[str, str], tuple[int, int]]] = {one.run_id: {} for one, _ in pairs}
    for (release, what, text), row in listed(pairs).items():
        if what != KNOWN:
            found[release][what, text] = (row["least"], row["most"])
    return found


def as_texts(bounds: Bounds) -> dict[tuple[str, str], tuple[int, int]]:
    return {(what, text(c)): between for (what, c), between in bounds.items()}


def rows(draw: random.Random, number: int, weights: list[int]) -> list[list[Attribute]]:
    made = []
    for _ in range(number):
        row = [(0, draw.choices(["x;", "y", "z"], weights)[0]), (1, draw.choice("uvw"))]
        made.append(row + [(2, value) for value in draw.sample(["p", "q", "r"], draw.randint(0, 2))])
    return made


def test_every_combination_that_is_told_is_found_and_told_truly(spark: SparkSession) -> None:
    """Records come, and the same ones go: what is told is true then, as nobody went, or came, respectively."""
    pairs, wanted = [], {}
    for seed, ks, added in [(1, (3, 3), 9), (2, (5, 5), 30), (3, (4, 4), 12), (8, (3, 5), 9), (11, (4, 3), 25)]:
        draw = random.Random(seed)
        before, more = rows(draw, 60, [5, 3, 1]), rows(draw, added, [1, 2, 6])
        old, extra = combinations(before, 3), combinations(more, 3)
        few, many = (old, 60), (old + extra, 60 + added)
        for (one, n), (two, m), about in ((few, many, DISCLOSURES[:2]), (many, few, DISCLOSURES[2:])):
            name = f"{seed} {about[0]}"
            pairs.append((release(spark, name, one, n, ks[0]), release(spark, "two", two, m, ks[1])))
            by_definition = both_ways(one, two, (n, m), ks)
            wanted[name] = as_texts(by_definition)
            assert {what for what, _ in by_definition} >= set(about[:1])
            for (what, c), (least, most) in by_definition.items():
                if what in about:  # the others assume what is not so
                    exact = extra[c] if what == about[0] else old[c]
                    assert 1 <= least <= exact <= most < max(ks), (what, c)
    found = by_subtraction(pairs)
    for name, bounds in wanted.items():
        assert found[name] == bounds, name


def test_records_that_come_and_go_at_once_are_looked_for_in_both_directions(spark: SparkSession) -> None:
    pairs, wanted = [], {}
    for k in (3, 5):
        draw = random.Random(k)
        before, more = rows(draw, 80, [5, 3, 1]), rows(draw, 12, [1, 2, 6])
        old, new = combinations(before, 3), combinations([*before[9:], *more], 3)
        for one, two, n, m in ((old, new, 80, 83), (new, old, 83, 80)):
            pairs.append((release(spark, f"{k} {n}", one, n, k), release(spark, "two", two, m, k)))
            wanted[f"{k} {n}"] = as_texts(both_ways(one, two, (n, m), (k, k)))
    found = by_subtraction(pairs)
    for name, bounds in wanted.items():
        assert found[name] == bounds, name
        assert {what for what, _ in bounds} >= {"told_of_added", "told_of_withdrawn"}


def test_one_withdrawn_record_does_not_switch_the_search_off(spark: SparkSession) -> None:
    """Thirty come, as they would anyhow, and one goes: what is told is nearly the same."""
    draw = random.Random(4)
    before, more = rows(draw, 300, [5, 3, 1]), rows(draw, 30, [1, 2, 6])
    old, pairs = combinations(before, 3), []
    for gone in (0, 1):
        new = combinations([*before[gone:], *more], 3)
        pairs.append((release(spark, f"{gone} went", old, 300, 5), release(spark, "two", new, 330 - gone, 5)))
    found = by_subtraction(pairs)
    alone, both = ({key for key in found[name] if key[0] in DISCLOSURES[:2]} for name in ("0 went", "1 went"))
    assert len(alone) >= 8
    assert len(alone & both) >= len(alone) - 2


def test_releases_of_the_same_records_tell_nothing_by_subtraction_of_who_came_or_went(spark: SparkSession) -> None:
    """Under another k they tell of groups that one of them withholds, and of narrow counts; under the same nothing."""
    counts, pairs = combinations(rows(random.Random(6), 80, [5, 3, 1]), 3), []
    for ks in ((5, 5), (3, 7), (7, 3)):
        pairs.append(tuple(release(spark, name, counts, 80, k) for name, k in zip((str(ks), "two"), ks, strict=True)))
    found = listed(pairs)
    assert {what for _, what, _ in found}.isdisjoint({"told_of_added", "told_of_withdrawn"})
    assert {name for name, _, _ in found} == {"(3, 7)", "(7, 3)"}


def test_a_count_that_fell_bounds_nobody_but_what_is_above_it_does(spark: SparkSession) -> None:
    """x and v fell, as some of them went; x with v rose all the same, and fewer than ten came."""
    pair = ((0, "x;"), (1, "v"))
    old = Counter({pair[:1]: 40, pair[1:]: 40, pair: 10})
    new = Counter({pair[:1]: 30, pair[1:]: 30, pair: 20})
    sides = [release(spark, name, counts, 100, 10) for name, counts in (("one", old), ("two", new))]
    assert by_subtraction([sides])["one"]["told_of_added", text(pair)] == (1, 9)


def test_no_two_multiples_of_one_k_narrow_a_count(spark: SparkSession) -> None:
    """Whatever both publish: also where less is published than there is, or the records differ."""
    multiples = [0, 4, 8, 12, 40]
    old = Counter({((0, f"v{n}.{m}"),): n for n in multiples for m in multiples})
    new = Counter({((0, f"v{n}.{m}"),): m for n in multiples for m in multiples})
    sides = [release(spark, "one", old, 400, 4), release(spark, "two", new, 400, 4)]
    assert KNOWN not in {what for _, what, _ in listed([sides])}


def test_another_k_on_the_same_records_gives_counts_away(spark: SparkSession) -> None:
    """Of counts 10 to 20 under k = 10 and 11: 10 is known, as one alone publishes it; so are nine of 11 to 19, …"""
    counts = Counter({((0, f"v{n}"),): n for n in range(9, 21)})
    sides = [release(spark, "one", counts, 200, 10), release(spark, "two", counts, 200, 11)]
    found = {selections: row for (_, what, selections), row in listed([sides]).items() if what == KNOWN}
    for n in range(9, 21):
        low = max(n // 10 * 10 if n >= 10 else 0, n // 11 * 11 if n >= 11 else 0)
        high = min(n // 10 * 10 + 9, n // 11 * 11 + 10)
        wanted = high - low + 1 < 10 or (low >= 1 and high < 11)
        row = found.get(f"{escaped('a:1')}:v{n}")
        assert (row is not None) is wanted, n
        assert row is None or (row["least"], row["most"]) == (low, high)
    assert set(found) == {f"{escaped('a:1')}:v{n}" for n in range(10, 21)}
    far = [release(spark, name, Counter({((0, "x;"),): 5}), 100, k) for name, k in (("one", 3), ("two", 10))]
    [row] = [row for (_, what, _), row in listed([far]).items() if what == KNOWN]
    # as wide as a count of k = 3 is, and fewer than ten
    assert (row["earlier"], row["this"], row["least"], row["most"]) == (3, None, 3, 5)
    assert (found[f"{escaped('a:1')}:v10"]["least"], found[f"{escaped('a:1')}:v10"]["most"]) == (10, 10)


def test_where_all_records_are_fewer_the_search_goes_on(spark: SparkSession) -> None:
    """A pair rises and one of its values does not; far more records went elsewhere."""
    sides = []
    for name, present in (("one", (20, 20, 60)), ("two", (20, 25, 10))):
        records = [[(0, "x;"), (1, "u")]] * present[0] + [[(0, "y"), (1, "v")]] * present[1] + [[(0, "z")]] * present[2]
        counts = combinations(records, 2)
        more = {((0, "x;"), (1, "v")): 14} if name == "two" else {}
        sides.append(release(spark, name, counts + Counter(more), sum(present), 10))
    found = by_subtraction([sides])["one"]
    pair = text(((0, "x;"), (1, "v")))
    assert found["told_of_added", pair] == (1, 9)
    assert {what for what, _ in found} == {"told_of_added", "told_of_earlier"}


def test_a_bound_that_contradicts_the_assumption_is_left_out(spark: SparkSession) -> None:
    """Many came to x with v while x stayed as it was: some of x went, so x bounds nobody, and u and w tell nothing."""
    old = Counter({((0, "x;"),): 40, ((1, "u"),): 40, ((1, "v"),): 40, ((0, "x;"), (1, "v")): 10,
                   ((0, "x;"), (1, "u")): 30, ((1, "w"),): 50})  # fmt: skip
    new = old | Counter({((1, "v"),): 70, ((0, "x;"), (1, "v")): 40, ((1, "w"),): 80, ((0, "x;"), (1, "w")): 20})
    sides = [release(spark, "one", old, 200, 10), release(spark, "two", new, 400, 10)]
    found = by_subtraction([sides])["one"]
    assert ("told_of_added", text(((0, "x;"), (1, "v")))) not in found
    assert found == as_texts(both_ways(old, new, (200, 400), (10, 10)))


def test_a_pair_that_rises_while_one_of_its_values_does_not(spark: SparkSession) -> None:
    base = [[(0, "x;"), (1, "u")]] * 9 + [[(0, "x;"), (1, "v")]] * 22 + [[(0, "y"), (1, "u")]] * 20
    few, many = [[(0, "x;"), (1, "u")]], [[(0, "y"), (1, "w")]] * 20
    old, extra = combinations(base, 2), combinations(few + many, 2)
    sides = [release(spark, "one", old, 51, 10), release(spark, "two", old + extra, 72, 10)]
    pair = text(((0, "x;"), (1, "u")))
    # it is published now, but x alone did not rise: fewer than 10 came, and so there were some before
    assert by_subtraction([sides])["one"] == {("told_of_added", pair): (1, 9), ("told_of_earlier", pair): (1, 9)}
    back = by_subtraction([sides[::-1]])["two"]
    assert back == {("told_of_withdrawn", pair): (1, 9), ("told_of_this", pair): (1, 9)}
    assert not listed([(sides[0], sides[0])])


def test_several_earlier_releases_are_looked_at_each_for_itself(spark: SparkSession) -> None:
    draw = random.Random(9)
    before, more = rows(draw, 60, [5, 3, 1]), rows(draw, 12, [1, 2, 6])
    counts = [combinations(before[:40], 3), combinations(before, 3), combinations([*before, *more], 3)]
    one, two, this = (
        release(spark, name, side, n, k)
        for name, side, n, k in zip(("one", "two", "this"), counts, (40, 60, 72), (4, 3, 4), strict=True)
    )
    together, alone = listed([(one, this), (two, this)]), [listed([(one, this)]), listed([(two, this)])]
    assert together == alone[0] | alone[1]
    assert all(alone)
    metrics = told_metrics(told([(one, this), (two, this)], FIELDS), [(one, this), (two, this)])
    numbers = {(each.about, each.measure, each.length): each.value for each in metrics}
    assert len(numbers) == len(metrics) == 2 * 5 * 3
    expected_numbers = Counter((name, what, row["length"]) for (name, what, _), row in together.items())
    assert {key: value for key, value in numbers.items() if value} == expected_numbers


def test_what_is_told_of_other_counts_is_shown_beside_the_published_ones(spark: SparkSession) -> None:
    counts = [Counter({((0, "x;"),): n, ((1, "u"),): 30}) for n in (13, 13)]
    one, two = (release(spark, name, each, 60, k) for name, each, k in zip("ab", counts, (10, 7), strict=True))
    lowered = release(spark, "b", Counter({((1, "u"),): 30}), 60, 7)
    found = {row["selections"]: row for row in as_published(told([(one, two)], FIELDS), [(one, lowered)]).collect()}
    row = found[text(((0, "x;"),))]
    assert (row["told"], row["earlier"], row["this"], row["least"], row["most"]) == (KNOWN, 10, None, 10, 13)


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
