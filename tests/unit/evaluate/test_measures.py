"""The sums of a comparison against their definitions, and the measures against SDS's known answers"""

import itertools
import math
from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest
from brute_force import (
    Combination,
    bin_sums,
    cell_of,
    combinations_in_order,
    count_bin,
    counts_of,
    length_sums,
)
from hypothesis import given
from hypothesis import strategies as st
from random_tables import FIVE_ROWS, Table, coded_tables, domain_of, encoded, few, string_rows

from synth_spark.encode.combinations import bucket_bounds
from synth_spark.evaluate.measures import NEEDS_RARE, Sums, finish, single_measures
from synth_spark.kernels.cells import CellSpace, Ints
from synth_spark.kernels.counting.count import count_combinations
from synth_spark.kernels.counting.count_differences import (
    BIN_SUMS,
    LENGTH_SUMS,
    align,
    count_bins,
    sum_by_bin,
    sum_by_length,
)
from synth_spark.schema.metric_definitions import MEASURES

Figures = dict[tuple[str, int | None, int | None], float]


class Compared(NamedTuple):
    """Two tables of counts over one space."""

    space: CellSpace
    source: dict[Combination, int]
    target: dict[Combination, int]
    k: int

    def aligned(self) -> tuple[Ints, Ints, Ints]:
        """Both on the union of their cells."""
        sides = []
        for counts in (self.source, self.target):
            pairs = sorted((cell_of(c, self.space.cards, self.space.max_length), n) for c, n in counts.items())
            sides += list(np.array(pairs, np.int64).reshape(-1, 2).T)
        return align(*sides)


@st.composite
def comparisons(draw: st.DrawFn) -> Compared:
    """Sparse counts around k, that agree, differ or miss each other; some columns without values."""
    cards = draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    space = CellSpace(tuple(cards), draw(st.integers(1, len(cards))))
    listed = combinations_in_order(cards, space.max_length)
    counts = st.dictionaries(st.sampled_from(listed), st.integers(1, 45)) if listed else st.just({})
    source, target = draw(counts), draw(counts)
    agreed = draw(st.lists(st.sampled_from(sorted(source)), unique=True)) if source else []
    return Compared(space, source, {**target, **{c: source[c] for c in agreed}}, draw(st.sampled_from([2, 5, 10, 20])))


def named(sums: np.ndarray) -> list[dict[str, float]]:
    """Sums by length, by their names, without ``tuples``."""
    return [{n: v for n, v in zip(LENGTH_SUMS, row, strict=True) if n != "tuples"} for row in sums.tolist()]


# --- sums


@few
@given(comparisons())
def test_sums_by_length(compared: Compared) -> None:
    space, source, target, k = compared
    expected = length_sums(source, target, len(space.cards), space.max_length, k)
    found = named(sum_by_length(space, *compared.aligned(), k))
    assert len(found) == len(expected)
    for row, twin in zip(found, expected, strict=True):
        assert row == pytest.approx({name: twin.get(name, 0) for name in row})
        assert set(twin) <= set(row)


@few
@given(comparisons())
def test_sums_by_bin(compared: Compared) -> None:
    space, source, target, k = compared
    lengths, bins, sums = sum_by_bin(space, *compared.aligned(), k)
    found = dict(zip(zip(lengths.tolist(), bins.tolist(), strict=True), sums.tolist(), strict=True))
    expected = bin_sums(source, target, k)
    assert set(found) == set(expected)
    for group, row in found.items():
        assert row == pytest.approx(list(expected[group])), group


@few
@given(comparisons(), st.data())
def test_sums_of_buckets_add_up(compared: Compared, data: st.DataObject) -> None:
    space, k = compared.space, compared.k
    cells, source, target = compared.aligned()
    edges = sorted(data.draw(st.lists(st.sampled_from(bucket_bounds(space).tolist()), max_size=3)))
    cuts = [0, *np.searchsorted(cells, edges).tolist(), len(cells)]
    by_length = np.zeros((space.max_length, len(LENGTH_SUMS)))
    by_bin: Counter[tuple[int, int, str]] = Counter()
    for low, high in itertools.pairwise(cuts):
        part = slice(low, high)
        by_length += sum_by_length(space, cells[part], source[part], target[part], k)
        by_bin.update(flat(sum_by_bin(space, cells[part], source[part], target[part], k)))
    np.testing.assert_allclose(by_length, sum_by_length(space, cells, source, target, k))
    assert dict(by_bin) == pytest.approx(flat(sum_by_bin(space, cells, source, target, k)))


def flat(groups: tuple[Ints, Ints, np.ndarray]) -> dict[tuple[int, int, str], float]:
    """Sums by length, bin and name."""
    return {
        (length, count_bin_, name): value
        for length, count_bin_, row in zip(*(part.tolist() for part in groups), strict=True)
        for name, value in zip(BIN_SUMS, row, strict=True)
    }


def test_total_variation_by_hand() -> None:
    """One column: 3 and 1 become 1 and 1, a gap of 2 of 4; the other column agrees."""
    space = CellSpace((2, 1), 1)
    sums = sum_by_length(space, np.arange(3), np.array([3, 1, 7]), np.array([1, 1, 7]), 2)
    assert sums[0, LENGTH_SUMS.index("tvd")] == 0.25


def test_leaked_and_emerged_are_told_apart() -> None:
    space = CellSpace((5,), 1)
    source, target = np.array([2, 2, 2, 3, 0]), np.array([2, 3, 0, 1, 2])
    sums = named(sum_by_length(space, np.arange(5), source, target, 3))[0]
    assert (sums["leaked"], sums["emerged"]) == (1, 1)
    assert (sums["source_rare"], sums["target_rare"]) == (3, 3)
    assert (sums["suppressed"], sums["fabricated"]) == (1, 1)
    assert (sums["common"], sums["kept"], sums["common_count"], sums["kept_count"]) == (1, 1, 3, 1)


@few
@given(comparisons())
def test_align_puts_counts_on_the_union(compared: Compared) -> None:
    space = compared.space
    cells, source, target = compared.aligned()
    listed = combinations_in_order(space.cards, space.max_length)
    union = sorted(set(compared.source) | set(compared.target), key=listed.index)
    assert [listed[cell] for cell in cells] == union
    assert source.tolist() == [compared.source.get(c, 0) for c in union]
    assert target.tolist() == [compared.target.get(c, 0) for c in union]


# --- bins


def test_bins_of_sds() -> None:
    assert count_bins(np.array([0, 10, 11, 20, 21, 41])).tolist() == [10, 10, 20, 20, 40, 80]


def test_bins_at_every_edge() -> None:
    edges = [10 * 2**n for n in range(55)]
    assert count_bins(np.array(edges)).tolist() == edges
    assert count_bins(np.array(edges) - 1).tolist() == [10, *edges[1:]]
    assert count_bins(np.array(edges[:-1]) + 1).tolist() == edges[1:]


@few
@given(st.lists(st.integers(0, 10**15)))
def test_bins_of_any_counts(counts: list[int]) -> None:
    assert count_bins(np.array(counts, np.int64)).tolist() == [count_bin(count) for count in counts]


# --- SDS's known answers: S = five rows, k = 2, R = 3

TARGETS = {
    "i": ["a1 - c1", "a1 - c1", "- b2 -", "- b2 -", "a2 - -", "a2 - -"],
    "iii": ["a1 b1 -", "a1 b2 c1", "a1 b2 c1", "a2 b1 c2", "a2 - c2", "- b2 -"],
}


def figures(target: str) -> Figures:
    """The measures from the five rows to one of the vectors' targets; ``ii`` is the five rows' protected counts."""
    names, lines = FIVE_ROWS
    rows = string_rows(lines)
    domain = domain_of(names, rows)
    space, k = CellSpace(domain.cards, 3), 2
    cells, counts = count_combinations(space, encoded(domain, rows), np.ones(5, np.int64))
    if target == "ii":
        others, other_counts, records = cells[counts >= k], counts[counts >= k] // k * k, 4
    else:
        codes = encoded(domain, string_rows(TARGETS[target]))
        records = len(codes)
        others, other_counts = count_combinations(space, codes, np.ones(records, np.int64))
    return finished(space, *align(cells, counts, others, other_counts), k, (5, records))


def finished(space: CellSpace, cells: Ints, source: Ints, target: Ints, k: int, records: tuple[int, int]) -> Figures:
    """All measures of two aligned vectors of counts."""
    by_length = sum_by_length(space, cells, source, target, k)
    by_length[:, LENGTH_SUMS.index("tuples")] = np.diff(space.first_tuple[1:])
    by_bin = {(int(a), int(b)): row for a, b, row in zip(*sum_by_bin(space, cells, source, target, k), strict=True)}
    found = finish(Sums("source_to_target", by_length, by_bin, *records))
    assert {measure.comparison for measure in found} == {"source_to_target"}
    result = {(m.measure, m.length, m.count_bin): m.value for m in found}
    assert len(result) == len(found)
    return result


@few
@given(coded_tables(most_columns=5, most_rows=20), coded_tables(most_columns=5, most_rows=20), st.integers(1, 6))
def test_measures_that_do_not_need_rare_attributes_are_exact_without_them(table: Table, made: Table, k: int) -> None:
    table, common = table.by_frequency(k)
    space = CellSpace(table.cards, min(3, len(table.cards)))
    codes = np.zeros((len(made.codes), len(table.cards)), np.uint16)
    columns = min(len(table.cards), len(made.cards))
    codes[:, :columns] = np.minimum(made.codes[:, :columns], common[:columns])
    target = count_combinations(space, codes, made.weights)
    everything, pruned = (count_combinations(space, table.codes, table.weights, only) for only in (None, common))
    for of_target in (target, tuple(part[everything[1] >= k] for part in everything)):
        full, partial = (finished(space, *align(*found, *of_target), k, (9, 9)) for found in (everything, pruned))
        assert {measure for measure, _, _ in full} >= NEEDS_RARE
        exact = {key for key in full if key[0] not in NEEDS_RARE}
        assert {key: partial[key] for key in exact} == pytest.approx({key: full[key] for key in exact})


def test_measures_that_need_rare_attributes_are_wrong_without_them() -> None:
    space, codes, weights = CellSpace((2,), 1), np.array([[1], [2]], np.uint16), np.array([5, 1])
    target = np.array([0]), np.array([4])
    counts = [count_combinations(space, codes, weights, only) for only in (None, np.array([1]))]
    full, partial = (finished(space, *align(*found, *target), 2, (6, 4)) for found in counts)
    wrong = {key[0] for key in full if full[key] != partial[key]}
    assert wrong == NEEDS_RARE - {"fabricated_percent_of_source", "leaked_percent_of_source"}


def check(found: Figures, expected: dict[tuple[str, int | None, int | None], float]) -> None:
    """Compare some figures, to the six digits that SDS states."""
    assert {key: found[key] for key in expected} == pytest.approx(expected, rel=5e-6, abs=1e-12)


def preservation(count: float, length: float, preserved: float, error: float, size: int) -> dict[str, float]:
    """The five figures of a preservation group."""
    return {
        "mean_combination_count": count,
        "mean_length": length,
        "preservation": preserved,
        "proportional_error": error,
        "population": size,
    }


def test_vector_i() -> None:
    found = figures("i")
    check(
        found,
        {
            ("leaked", None, None): 0,
            ("suppressed", None, None): 12,
            ("suppressed_percent_of_source", None, None): 100 * 12 / 17,
            ("fabricated", None, None): 0,
            ("mean_absolute_error", 1, None): 0.75,
            ("mean_absolute_error", 2, None): 0,
            ("mean_absolute_error", None, None): 0.6,
            ("record_expansion_percent", None, None): 20,
            ("record_expansion", None, None): 1.2,
            ("target_records", None, None): 6,
            ("mean_proportional_error_over_bins", None, None): 0.428571,
            # not stated there, worked out by hand from the same tables
            ("source_combinations", None, None): 17,
            ("source_combinations", 1, None): 6,
            ("source_combinations", 2, None): 8,
            ("source_combinations", 3, None): 3,
            ("target_combinations", None, None): 5,
            ("source_rare", 1, None): 2,
            ("common", 1, None): 4,
            ("kept_share_of_common", 1, None): 1,
            ("kept_share_of_common", 2, None): 1 / 3,
            ("mass_share_of_common", 1, None): 8 / 11,
            ("source_mean_count", 1, None): 13 / 6,
            ("target_mean_count", None, None): 2,
            ("tuples", 1, None): 3,
            ("tuples", 2, None): 3,
            ("tuples", 3, None): 1,
            # lengths 1: A 1/5, B 2/4, C 2/4
            ("mean_tvd", 1, None): 0.5 * (1 / 5 + 2 / 4 + 2 / 4) / 3,
        },
    )
    check(found, {(n, None, 10): v for n, v in preservation(1.42857, 1.42857, 0.571429, 0.428571, 7).items()})
    check(found, {(n, None, None): v for n, v in preservation(1.42857, 1.42857, 0.571429, 0.428571, 7).items()})
    check(found, {(n, 1, None): v for n, v in preservation(2, 1, 0.75, 0.25, 4).items()})
    check(found, {(n, 2, None): v for n, v in preservation(0.666667, 2, 0.333333, 0.666667, 3).items()})
    check(found, {(n, 3, None): 0 for n in preservation(0, 0, 0, 0, 0)})


def test_vector_ii() -> None:
    found = figures("ii")
    check(
        found,
        {
            ("suppressed", None, None): 10,
            ("suppressed_percent_of_source", None, None): 100 * 10 / 17,
            ("fabricated", None, None): 0,
            ("mean_absolute_error", 1, None): 0.75,
            ("mean_absolute_error", 2, None): 0,
            ("mean_absolute_error", None, None): 0.428571,
            ("preservation", None, None): 0.857143,
            ("proportional_error", None, None): 0.142857,
            ("mean_proportional_error_over_bins", None, None): 0.142857,
            ("population", None, None): 7,
            ("kept_share_of_common", None, None): 1,
            ("leaked", None, None): 0,
            ("target_rare", None, None): 0,
        },
    )


def test_vector_iii() -> None:
    found = figures("iii")
    check(
        found,
        {
            ("leaked", 1, None): 0,
            ("leaked", 2, None): 1,
            ("leaked", 3, None): 0,
            ("leaked", None, None): 1,
            ("leaked_percent_of_source", 2, None): 100 / 8,
            ("suppressed", None, None): 5,
            ("suppressed_percent_of_source", None, None): 100 * 5 / 17,
            ("fabricated", None, None): 3,
            ("fabricated_percent_of_source", None, None): 100 * 3 / 17,
            ("fabricated_percent_of_target", None, None): 20,
            ("mean_absolute_error", 1, None): 0.5,
            ("mean_absolute_error", 2, None): 0.2,
            ("mean_absolute_error", 3, None): 1,
            ("mean_absolute_error", None, None): 0.416667,
            ("mean_proportional_error_over_bins", None, None): 0.488889,
        },
    )
    check(found, {(n, None, 10): v for n, v in preservation(1.86667, 1.73333, 0.777778, 0.488889, 15).items()})
    check(found, {(n, 1, None): v for n, v in preservation(2.33333, 1, 0.944444, 0.388889, 6).items()})
    check(found, {(n, 2, None): v for n, v in preservation(1.57143, 2, 0.714286, 0.428571, 7).items()})
    check(found, {(n, 3, None): v for n, v in preservation(1.5, 3, 0.5, 1, 2).items()})


# --- finishing


@few
@given(comparisons())
def test_finish_takes_means_over_the_right_groups(compared: Compared) -> None:
    space, source, target, k = compared
    found = finished(space, *compared.aligned(), k, (100, 90))
    population = {c: (source.get(c, 0), target.get(c, 0)) for c in set(source) | set(target)}
    population = {c: (s, t) for c, (s, t) in population.items() if s >= k or t > 0}
    errors = {c: abs(t - s) / s if s else 1 for c, (s, t) in population.items()}
    bins = {c: count_bin(t) for c, (_, t) in population.items()}
    means = {b: np.mean([errors[c] for c in bins if bins[c] == b]) for b in set(bins.values())}
    shown = {b for name, _, b in found if name == "population" and b is not None}
    assert shown == {10 * 2**n for n in range(20) if 10 * 2**n <= max(bins.values(), default=10)}
    for b in shown:
        assert found["population", None, b] == sum(bin_ == b for bin_ in bins.values())
        assert found["proportional_error", None, b] == pytest.approx(means.get(b, 0))
    for length in range(1, space.max_length + 1):
        of_length = [errors[c] for c in population if len(c) == length]
        assert found["population", length, None] == len(of_length)
        assert found["proportional_error", length, None] == pytest.approx(np.mean(of_length) if of_length else 0)
    # empty bins do not pull the mean over bins down, as they do in SDS
    assert found["mean_proportional_error_over_bins", None, None] == pytest.approx(np.mean(list(means.values()) or [0]))
    assert all(math.isfinite(value) for value in found.values())


@few
@given(comparisons())
def test_ratios_have_the_denominators_that_they_name(compared: Compared) -> None:
    space, source, target, k = compared
    found = finished(space, *compared.aligned(), k, (100, 90))
    columns, by_length = len(space.cards), length_sums(source, target, len(space.cards), space.max_length, k)
    for at, row in enumerate(by_length, 1):
        row["tuples"] = math.comb(columns, at)
    names = {name for row in by_length for name in row}
    whole = {name: sum(row.get(name, 0) for row in by_length) for name in names}
    ratios = {
        "suppressed_percent_of_source": (100, "suppressed", "source_combinations"),
        "fabricated_percent_of_source": (100, "fabricated", "source_combinations"),
        "fabricated_percent_of_target": (100, "fabricated", "target_combinations"),
        "leaked_percent_of_source": (100, "leaked", "source_combinations"),
        "leaked_percent_of_target": (100, "leaked", "target_combinations"),
        "source_rare_percent": (100, "source_rare", "source_combinations"),
        "target_rare_percent": (100, "target_rare", "target_combinations"),
        "source_unique_percent": (100, "source_unique", "source_combinations"),
        "target_unique_percent": (100, "target_unique", "target_combinations"),
        "mean_absolute_error": (1, "absolute_error", "both"),
        "source_mean_count": (1, "source_count", "source_combinations"),
        "target_mean_count": (1, "target_count", "target_combinations"),
        "kept_share_of_common": (1, "kept", "common"),
        "mass_share_of_common": (1, "kept_count", "common_count"),
        "mean_tvd": (1, "tvd", "tuples"),
    }
    for length, row in [*enumerate(by_length, 1), (None, whole)]:
        for name, (factor, top, bottom) in ratios.items():
            expected = factor * row.get(top, 0) / row[bottom] if row.get(bottom) else 0
            assert found[name, length, None] == pytest.approx(expected), (name, length)
    assert found["record_expansion_percent", None, None] == pytest.approx(-10)


def test_empty_bins_do_not_count_in_the_mean_over_bins() -> None:
    space = CellSpace((2,), 1)
    found = finished(space, np.arange(2), np.array([10, 60]), np.array([5, 30]), 2, (70, 35))
    assert [found["population", None, b] for b in (10, 20, 40)] == [1, 0, 1]
    assert found["mean_proportional_error_over_bins", None, None] == 0.5


def test_nothing_compared_with_nothing_is_zero_everywhere() -> None:
    nothing = np.zeros(0, np.int64)
    found = finished(CellSpace((2, 2), 2), nothing, nothing, nothing, 2, (0, 0))
    assert {key: value for key, value in found.items() if value != 0} == {
        ("tuples", 1, None): 2,
        ("tuples", 2, None): 1,
        ("tuples", None, None): 3,
    }
    assert not any(name.startswith("record_expansion") for name, _, _ in found)


def test_brute_force_twin_on_the_vectors() -> None:
    """The twin itself is checked: it finds the vectors' stated figures too."""
    names, lines = FIVE_ROWS
    rows = string_rows(lines)
    domain = domain_of(names, rows)
    source = counts_of(encoded(domain, rows).tolist(), [1] * 5, 3)
    target = counts_of(encoded(domain, string_rows(TARGETS["iii"])).tolist(), [1] * 6, 3)
    sums = length_sums(source, target, 3, 3, 2)
    assert [row.get("leaked", 0) for row in sums] == [0, 1, 0]
    assert sum(row["suppressed"] for row in sums) == 5
    assert bin_sums(source, target, 2)[1, 10][:2] == pytest.approx((6, 6 * 0.944444), rel=1e-5)


def test_single_counts_are_compared_over_the_published_values() -> None:
    """A value that is not published counts for nothing; one that no synthetic record has is all off."""
    told = single_measures("reportable_to_synthetic", np.array([10, 40, 5, 0]), np.array([4, 44, 0, 90]))
    assert {(one.measure, one.length): one.value for one in told} == {
        ("largest_gap", 1): 6, ("mean_ratio", 1): pytest.approx((0.4 + 1.1 + 0) / 3)
    }  # fmt: skip
    assert all(one.measure in MEASURES for one in told)
    assert single_measures("reportable_to_synthetic", np.zeros(2, np.int64), np.ones(2, np.int64)) == []


def test_the_order_of_single_counts_leaves_no_digit() -> None:
    random = np.random.default_rng(1)
    source, target = random.integers(1, 10**6, 500), random.integers(0, 10**6, 500)
    for order in (random.permutation(500) for _ in range(50)):
        assert single_measures("x", source[order], target[order]) == single_measures("x", source, target)
