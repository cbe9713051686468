"""Growing records: what every run must keep to, against plain counts of the rows that contain a record."""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from brute_force import Record, attributes_of, contains, support
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_tables import FIVE_ROWS, Table, coded_tables, domain_of, encoded, few, random_table, string_rows, table_of

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.growth.inverted_index import (
    Baskets,
    add_support,
    baskets_of,
    clear_support,
    pair_counts,
    project,
    rows_holding,
    support_reaches,
)
from synth_spark.kernels.growth.packing import Book, Packing, pack
from synth_spark.kernels.growth.part import Deal, Part, deal, grow_part
from synth_spark.kernels.growth.rounding import give_up, offer, thresholds
from synth_spark.kernels.growth.settings import PACKINGS, Growth
from synth_spark.kernels.growth.tree import Grown, grow_seeds
from synth_spark.kernels.keyed_random import State, derive, hash_rows, stream

Attribute = tuple[int, int]

growths = st.builds(
    Growth,
    k=st.integers(2, 4),
    power=st.sampled_from([0.0, 1.5, 10.0]),
    groups=st.integers(1, 3),
    packing=st.integers(0, len(PACKINGS) - 1),
    sample=st.sampled_from([1, 3, 256]),
    rows=st.sampled_from([1, 4, 65_536]),
    few=st.sampled_from([0, 1, 64]),
    enough=st.sampled_from([1, 3, 1 << 30]),
)
seeds = st.integers(0, 2**64)
numbers_of_parts = st.integers(1, 3)


def track_all(cards: Ints, most: int = 1_000) -> npt.NDArray[np.int32]:
    """The first attributes are tracked, at most so many."""
    tracked = np.arange(sum(cards), dtype=np.int32)
    return np.where(tracked < most, tracked, np.int32(-1))


def grow_parts(
    codes: Codes, weights: Ints, common: Ints, growth: Growth, seed: int, parts: int = 1
) -> list[tuple[Codes, Ints]]:
    """The records of parts that are each the whole table with a share of the seeds, totals not yet rounded."""
    dealt = deal(weights, hash_rows(np.where(codes > common, 0, codes), np.uint64(derive(seed, "deal"))), parts)
    made = []
    for number in range(parts):
        part = Part(derive(seed, "part", number), track_all(common, 5))
        records, copies = grow_part(codes, weights, dealt.to_group(number), common, part, growth)
        assert records.dtype == np.uint16
        assert records.shape == (len(copies), codes.shape[1])
        made.append((records, copies))
    return made


def grow_all(
    codes: Codes, weights: Ints, common: Ints, growth: Growth, seed: int, parts: int = 1
) -> list[tuple[Record, int]]:
    """The records of all parts with their copies, in order, once totals are rounded."""
    made = grow_parts(codes, weights, common, growth, seed, parts)
    records, counts = np.concatenate([made[0] for made in made]), np.concatenate([made[1] for made in made])
    records, place = np.unique(records, axis=0, return_inverse=True)
    counts = np.bincount(place.ravel(), counts, len(records)).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(common)]).astype(np.int64)
    offers, none = offer(records, counts, starts, growth.k - 1, seed % 2**64), np.zeros(starts[-1], np.int64)
    some, largest = thresholds(*offers, growth.k, none)
    records, counts = give_up(records, counts, starts, some, largest, seed % 2**64)
    return [(tuple(record), count) for record, count in zip(records.tolist(), counts.tolist(), strict=True)]


def records_of_part(
    codes: Codes, weights: Ints, common: Ints, growth: Growth, seed: int, parts: int = 1, part: int = 0
) -> Counter[Record]:
    """The records of one part, equal ones together, before rounding."""
    made: Counter[Record] = Counter()
    records, copies = grow_parts(codes, weights, common, growth, seed, parts)[part]
    for record, count in zip(records.tolist(), copies.tolist(), strict=True):
        made[tuple(record)] += count
    return made


def totals(records: Sequence[tuple[Record, int]]) -> Counter[Attribute]:
    """How often each attribute occurs in records that come with their copies."""
    found: Counter[Attribute] = Counter()
    for record, copies in records:
        for attribute in attributes_of(record):
            found[attribute] += copies
    return found


def rounded_down(table: Table, k: int) -> Counter[Attribute]:
    """Count of each attribute of a table, down to a multiple of k; without those below k."""
    exact = totals(list(zip(table.rows, table.weights.tolist(), strict=True)))
    return +Counter({attribute: count // k * k for attribute, count in exact.items()})


# --- whole parts


@settings(few, max_examples=150)
@given(coded_tables(), growths, seeds, numbers_of_parts)
def test_totals_are_rounded_counts_and_every_record_is_shared(
    table: Table, growth: Growth, seed: int, parts: int
) -> None:
    table, common = table.by_frequency(growth.k)
    made = grow_all(table.codes, table.weights, common, growth, seed, parts)
    assert totals(made) == rounded_down(table, growth.k)
    for record, copies in made:
        assert copies > 0
        assert any(record)
        assert support(record, table.rows, table.weights.tolist()) >= growth.k


def test_more_groups_than_records_leave_some_without_seeds() -> None:
    table, common = table_of([(0, 1, 0), (0, 0, 1)], [2, 2], (0, 1, 1)).by_frequency(2)
    made = grow_all(table.codes, table.weights, common, Growth(2, 0.0, 3, sample=1, rows=1, few=0), 0, 3)
    assert totals(made) == rounded_down(table, 2)


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("k", [2, 10, 50])
def test_the_same_on_a_table_of_some_size(k: int, parts: int) -> None:
    table, common = random_table(11, 400, (4, 4, 4, 4, 4, 4, 9, 9)).by_frequency(k)
    made = grow_all(table.codes, table.weights, common, Growth(k, groups=4), 5, parts)
    assert totals(made) == rounded_down(table, k)
    for record in {record for record, _ in made}:
        assert any(record)
        assert support(record, table.rows, table.weights.tolist()) >= k


def deep_table() -> Table:
    """Ten columns of one value, so that every level of a tree keeps all rows, and two that tell the rows apart."""
    rows = [(a, b, *(1,) * 10) for a in range(1, 17) for b in range(1, 17)]
    return table_of(rows, [1] * len(rows), (16, 16, *(1,) * 10))


def wide_table() -> Table:
    """A column of 300 values, so that a node has as many children, beside one that splits each of them."""
    rows = [(a, b, c) for a in range(1, 301) for b, c in ((1, 1), (2, 1))]
    return table_of(rows, [1] * len(rows), (300, 2, 1))


@pytest.mark.parametrize("power", [0.0, 10.0])
@pytest.mark.parametrize("table", [deep_table(), wide_table()], ids=["deep", "wide"])
def test_trees_outgrow_the_arrays_they_start_with(table: Table, power: float) -> None:
    table, common = table.by_frequency(2)
    made = grow_all(table.codes, table.weights, common, Growth(2, power), 5)
    assert totals(made) == rounded_down(table, 2)
    for record in {record for record, _ in made}:
        assert support(record, table.rows, table.weights.tolist()) >= 2


@few
@given(coded_tables(), growths, seeds, st.randoms(use_true_random=False))
def test_neither_row_order_nor_repeated_rows_matter(table: Table, growth: Growth, seed: int, random: Random) -> None:
    table, common = table.by_frequency(growth.k)
    merged = Counter(dict.fromkeys(table.rows, 0))
    for row, weight in zip(table.rows, table.weights.tolist(), strict=True):
        merged[row] += weight
    rows = list(merged)
    random.shuffle(rows)
    whole = table_of(rows, [merged[row] for row in rows], table.cards)
    part = Part(seed, track_all(common))
    made = [grow_part(given.codes, given.weights, given.weights, common, part, growth) for given in (table, whole)]
    assert np.array_equal(made[0][0], made[1][0])
    assert np.array_equal(made[0][1], made[1][1])


def test_the_seed_decides() -> None:
    table, common = random_table(2, 200, (4, 4, 4, 4, 4)).by_frequency(3)
    made = [grow_all(table.codes, table.weights, common, Growth(3, groups=2), seed, 2) for seed in (1, 1, 2)]
    assert made[0] == made[1]
    assert Counter(dict(made[0])) != Counter(dict(made[2]))


@pytest.mark.parametrize(
    ("rows", "outcomes"),
    [
        # the last row keeps one of its three pairs
        ({(1, 1, 0): 1, (1, 0, 1): 1, (0, 1, 1): 1, (1, 0, 0): 1, (0, 1, 0): 1, (0, 0, 1): 1, (1, 1, 1): 1}, 3),
        # every value may stay, but an A of five and a second B of three are given up: by two kinds, two copies, or one
        ({(1, 1, 0): 2, (1, 2, 0): 3}, 3),
        # the frequent A stays; B 1 joins one of the two C that are left over
        (
            {(1, 1, 0): 1, (2, 0, 1): 1, (3, 0, 2): 1, (1, 0, 0): 51, (2, 0, 0): 51, (3, 0, 0): 51}
            | {(0, 1, 1): 2, (0, 1, 2): 2, (0, 1, 0): 1, (0, 0, 1): 1, (0, 0, 2): 1},
            2,
        ),
    ],
    ids=["refine", "round", "pack"],
)
def test_every_step_draws_by_the_seed(rows: dict[Record, int], outcomes: int) -> None:
    cards = [max(row[column] for row in rows) for column in range(3)]
    table, common = table_of(list(rows), list(rows.values()), cards).by_frequency(2)
    found = {frozenset(grow_all(table.codes, table.weights, common, Growth(2, 10.0), seed)) for seed in range(40)}
    assert len(found) == outcomes


def test_parts_keep_their_own_seeds_which_the_seed_deals_out() -> None:
    """Where every record may stay as it is, a part makes just those that it was dealt."""
    rows = [(a, b, c) for a in range(1, 5) for b in range(1, 5) for c in range(1, 5)]
    table = table_of(rows, [2] * len(rows), (4, 4, 4))
    shares = []
    for seed in (1, 2):
        parts = [
            records_of_part(table.codes, table.weights, np.array(table.cards), Growth(2), seed, 3, part)
            for part in range(3)
        ]
        assert sum(parts, Counter[Record]()) == Counter(dict.fromkeys(rows, 2))
        assert all(copies == 1 for part in parts for copies in part.values())
        shares.append([set(part) for part in parts])
    assert shares[0] != shares[1]


def test_parts_grow_different_records_from_their_own_seeds() -> None:
    table, common = random_table(2, 200, (4, 4, 4, 4, 4)).by_frequency(3)
    parts = grow_parts(table.codes, table.weights, common, Growth(3, groups=2), 1, 2)
    sizes = [int((records > 0).sum(axis=1) @ copies) for records, copies in parts]
    assert parts[0][0].tolist() != parts[1][0].tolist()
    assert max(sizes) < 0.6 * sum(sizes)


@few
@given(coded_tables(), growths, seeds, st.data())
def test_a_part_below_the_root_makes_records_that_hold_its_base(
    table: Table, growth: Growth, seed: int, data: st.DataObject
) -> None:
    """Given the rows that hold its base, its records are shared in the whole table, and nothing exceeds what it got."""
    table, common = table.by_frequency(growth.k)
    plain = [tuple(row) for row in np.where(table.codes > common, 0, table.codes).tolist()]
    starts = np.concatenate([[0], np.cumsum(common)]).tolist()
    candidates = [row for row in plain if any(row) and support(row, plain, table.weights.tolist()) >= growth.k]
    assume(candidates)
    held = data.draw(st.lists(st.sampled_from(attributes_of(data.draw(st.sampled_from(candidates)))), unique=True))
    base = tuple(dict(held).get(column, 0) for column in range(len(common)))
    own = [contains(row, base) for row in plain]
    copies = np.array(data.draw(st.lists(st.integers(0, 2), min_size=sum(own), max_size=sum(own))), np.int64)
    pool = np.array(data.draw(st.lists(st.integers(0, 3), min_size=starts[-1], max_size=starts[-1])), np.int64)
    limit = data.draw(st.integers(0, 4))
    path = tuple(starts[column] + code - 1 for column, code in held)
    part = Part(seed, track_all(common), path, pool, limit)
    records, counts = grow_part(table.codes[own], table.weights[own], copies, common, part, growth)
    made = [(tuple(record), count) for record, count in zip(records.tolist(), counts.tolist(), strict=True)]
    for record, _ in made:
        assert contains(record, base)
        assert any(record)
        assert support(record, plain, table.weights.tolist()) >= growth.k
    given_seeds = [(row, count) for row, count in zip(np.array(plain)[own].tolist(), copies.tolist(), strict=True)]
    spare = Counter(
        {(c, a - starts[c] + 1): int(pool[a]) for c in range(len(common)) for a in range(*starts[c : c + 2])}
    )
    for attribute in held:
        spare[attribute] += limit
    assert not totals(made) - (totals([(tuple(row), n) for row, n in given_seeds]) + spare)
    seeded = sum(count for row, count in given_seeds if any(row))
    assert sum(counts) <= seeded + limit
    if held:  # what a seed keeps at least
        assert sum(counts) >= seeded


@few
@given(coded_tables(), growths, seeds)
def test_without_leftovers_every_seed_becomes_a_part_of_itself(table: Table, growth: Growth, seed: int) -> None:
    table, common = table.by_frequency(growth.k)
    part = Part(seed, track_all(common), leftovers=False)
    records, counts = grow_part(table.codes, table.weights, table.weights, common, part, growth)
    rows = [tuple(row) for row in np.where(table.codes > common, 0, table.codes).tolist()]
    assert sum(counts) <= sum(weight for row, weight in zip(rows, table.weights.tolist(), strict=True) if any(row))
    for record in records.tolist():
        assert any(contains(row, tuple(record)) for row in rows)
        assert support(tuple(record), rows, table.weights.tolist()) >= growth.k


def test_a_table_without_records_or_without_common_values_gives_none() -> None:
    growth = Growth(2, groups=2)
    nothing = np.zeros((0, 3), np.uint16)
    for codes in (nothing, np.zeros((4, 3), np.uint16), np.array([(1, 2, 3), (2, 3, 1)], np.uint16)):
        ones, none = np.ones(len(codes), np.int64), np.zeros(3, np.int64)
        records, copies = grow_part(codes, ones, ones, none, Part(1, track_all(none)), growth)
        assert records.shape == (0, 3)
        assert copies.shape == (0,)


def test_rare_codes_are_never_written() -> None:
    """Code 3 of the first column is declared rare: it is as if it were absent."""
    codes = np.array([(1, 1), (1, 1), (2, 1), (2, 1), (3, 1)], np.uint16)
    made = grow_all(codes, np.ones(5, np.int64), np.array([2, 1]), Growth(2), 3)
    assert totals(made) == {(0, 1): 2, (0, 2): 2, (1, 1): 4}


# --- SDS's known answers


@pytest.mark.parametrize("seed", range(20))
def test_known_answer_five_rows(seed: int) -> None:
    names, lines = FIVE_ROWS
    assert string_totals(names, string_rows(lines), 2, seed) == {"a1": 2, "a2": 2, "b2": 2, "c1": 2}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("parts", [1, 2])
def test_known_answer_nineteen_and_three_rows(seed: int, parts: int) -> None:
    rows = string_rows(["a1 b0"] * 10 + ["a1 b1"] * 9 + ["a2 b9"] * 3)
    assert string_totals(("A", "B"), rows, 10, seed, parts) == {"a1": 10, "b0": 10}


def string_totals(
    names: Sequence[str], rows: list[list[str | None]], k: int, seed: int, parts: int = 1
) -> dict[str, int]:
    """How often each value occurs in the records grown from a table of strings."""
    domain = domain_of(names, rows)
    made = grow_all(
        encoded(domain, rows), np.ones(len(rows), np.int64), domain.common(k), Growth(k, groups=2), seed, parts
    )
    return {domain.columns[column].values[code - 1]: count for (column, code), count in totals(made).items()}


# --- deal


@few
@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.integers(1, 9), st.integers(0, 2**32))
def test_groups_together_get_every_copy_once(weights: list[int], groups: int, seed: int) -> None:
    hashes = np.random.default_rng(seed).integers(0, 2**64, len(weights), np.uint64)
    dealt = deal(np.array(weights, np.int64), hashes, groups)
    shares = np.array([dealt.to_group(group) for group in range(groups)])
    assert shares.sum(axis=0).tolist() == weights
    assert (shares.max(axis=0) - shares.min(axis=0) <= 1).all()
    assert (shares >= 0).all()


def test_single_copies_are_dealt_evenly_by_hash() -> None:
    hashes = hash_rows(np.arange(3_000, dtype=np.uint16)[:, None], np.uint64(1))
    dealt: Deal = deal(np.ones(3_000, np.int64), hashes, 6)
    sizes = np.array([dealt.to_group(group).sum() for group in range(6)])
    assert sizes.sum() == 3_000
    assert ((sizes > 400) & (sizes < 600)).all()


# --- baskets


class Laid(NamedTuple):
    """A table whose values below k are absent, its baskets and its plain rows."""

    baskets: Baskets
    rows: list[Record]
    weights: list[int]
    cards: Ints


def lay(table: Table, k: int) -> Laid:
    """Lay out the records of a table as `grow_part` does before it refines."""
    table, common = table.by_frequency(k)
    codes = np.where(table.codes > common, np.uint16(0), table.codes)
    rows = [tuple(row) for row in codes.tolist()]
    return Laid(baskets_of(codes, table.weights, common), rows, table.weights.tolist(), common)


def attribute_index(baskets: Baskets, attribute: Attribute) -> int:
    """The index of an attribute."""
    column, code = attribute
    return int(baskets.starts[column]) + code - 1


def by_attribute(baskets: Baskets, vector: Ints) -> Counter[Attribute]:
    """A vector over attributes, by (column, code), without its zeros."""
    places = [(int(c), index - int(baskets.starts[c]) + 1) for index, c in enumerate(baskets.column_of)]
    return Counter({place: value for place, value in zip(places, vector.tolist(), strict=True) if value})


def all_pairs(records: Sequence[tuple[Record, int]]) -> Counter[tuple[Attribute, Attribute]]:
    """How many records hold both attributes, for every ordered pair and for each attribute with itself."""
    pairs: Counter[tuple[Attribute, Attribute]] = Counter()
    for record, copies in records:
        for a in attributes_of(record):
            for b in attributes_of(record):
                pairs[a, b] += copies
    return pairs


def named_pairs(baskets: Baskets, matrix: Ints) -> Counter[tuple[Attribute, Attribute]]:
    """A matrix over attributes, by their names, without its zeros."""
    places = [(int(c), index - int(baskets.starts[c]) + 1) for index, c in enumerate(baskets.column_of)]
    return Counter({(places[a], places[b]): int(matrix[a, b]) for a, b in np.argwhere(matrix)})


@few
@given(coded_tables())
def test_baskets_hold_the_attributes_of_records_and_the_records_of_attributes(table: Table) -> None:
    baskets = lay(table, 1).baskets
    rows = lay(table, 1).rows
    for r, row in enumerate(rows):
        held = baskets.attributes[baskets.first[r] : baskets.first[r + 1]].tolist()
        assert held == [attribute_index(baskets, attribute) for attribute in attributes_of(row)]
    for a, c in enumerate(baskets.column_of):
        code = a - baskets.starts[c] + 1
        assert held_rows(baskets, [a]) == [r for r, row in enumerate(rows) if row[c] == code]
        assert baskets.held[a] == len(held_rows(baskets, [a]))
    assert by_attribute(baskets, baskets.support) == totals(list(zip(rows, lay(table, 1).weights, strict=True)))


def held_rows(baskets: Baskets, path: Sequence[int], limit: int = 1_000_000) -> list[int]:
    """The rows that hold all attributes of a path, at most so many, in the order found."""
    found = np.full(baskets.codes.shape[1] + 1, -1, np.int32)
    number = rows_holding(baskets, np.array(path, np.int64), limit, found, 1)
    assert found[0] == -1
    assert (found[1 + number :] == -1).all()
    return found[1 : 1 + number].tolist()


@few
@given(st.data(), st.sampled_from([1, 3, 200]))
def test_rows_that_hold_a_part_of_a_row(data: st.DataObject, repeats: int) -> None:
    """With 200 repeats of every row some attributes are too rare for a set of bits, and are looked up in lists."""
    table = data.draw(coded_tables())
    common = [row for row in table.rows if any(row)]
    assume(common)
    rows = [*table.rows, *common[:1] * repeats]
    laid = lay(table_of(rows, [1] * len(rows), table.cards), 1)
    row = data.draw(st.sampled_from([row for row in laid.rows if any(row)]))
    attributes = [attribute_index(laid.baskets, attribute) for attribute in attributes_of(row)]
    path = data.draw(st.permutations(attributes))[: data.draw(st.integers(1, len(attributes)))]
    record = tuple(
        code if code and attribute_index(laid.baskets, (column, code)) in path else 0 for column, code in enumerate(row)
    )
    expected = [r for r, held in enumerate(laid.rows) if contains(held, record)]
    assert held_rows(laid.baskets, path) == expected
    assert held_rows(laid.baskets, path, 2) == expected[:2]
    total = support(record, laid.rows, laid.weights)
    for limit in (1, total, total + 1):
        assert support_reaches(laid.baskets, np.array(path, np.int64), limit) == (limit <= total)


@few
@given(coded_tables(), st.data())
def test_a_projection_is_the_table_of_the_rows_that_hold_an_attribute(table: Table, data: st.DataObject) -> None:
    laid = lay(table, 1)
    assume(laid.baskets.column_of.size)
    a = data.draw(st.integers(0, laid.baskets.column_of.size - 1))
    column = laid.baskets.column_of[a]
    rows, part = project(laid.baskets, a)
    assert rows.tolist() == held_rows(laid.baskets, [a])
    codes = np.array([laid.rows[r] for r in rows], np.uint16).reshape(-1, len(table.cards))
    codes[:, column] = 0
    expected = baskets_of(codes, np.array([laid.weights[r] for r in rows], np.int64), laid.cards)
    for field, value in expected._asdict().items():
        assert np.array_equal(getattr(part, field), value), field


@few
@given(coded_tables(), st.data())
def test_support_of_attributes_over_some_rows(table: Table, data: st.DataObject) -> None:
    laid = lay(table, 1)
    chosen = data.draw(st.lists(st.integers(0, max(0, len(laid.rows) - 1)), unique=True)) if laid.rows else []
    found = np.zeros(laid.baskets.column_of.size, np.int64)
    add_support(laid.baskets, np.array(chosen, np.int32), found)
    assert by_attribute(laid.baskets, found) == totals([(laid.rows[r], laid.weights[r]) for r in chosen])
    clear_support(laid.baskets, np.array(chosen, np.int32), found)
    assert not found.any()


@few
@given(coded_tables(), st.integers(0, 6))
def test_pair_counts_of_what_is_tracked(table: Table, most: int) -> None:
    laid = lay(table, 1)
    tracked = track_all(laid.cards, most)
    size = int(tracked.max(initial=-1)) + 1
    codes = np.ascontiguousarray(laid.baskets.codes.T)
    pairs = pair_counts(codes, laid.baskets.weights, laid.baskets.starts, tracked, size)
    assert pairs.shape == (size, size)
    places = [(int(c), index - int(laid.baskets.starts[c]) + 1) for index, c in enumerate(laid.baskets.column_of)]
    expected = {
        pair: count
        for pair, count in all_pairs(list(zip(laid.rows, laid.weights, strict=True))).items()
        if all(attribute in places[:most] for attribute in pair)
    }
    assert named_pairs(laid.baskets, pairs) == expected


def pairs_of(laid: Laid) -> Ints:
    """The weighted pairs of a table's records."""
    size = laid.baskets.column_of.size
    codes = np.ascontiguousarray(laid.baskets.codes.T)
    counted: Ints = pair_counts(codes, laid.baskets.weights, laid.baskets.starts, track_all(laid.cards), size)
    return counted


def book_of(laid: Laid, pool: Ints, placed: Ints, share: float = 1.0) -> Book:
    """A book whose targets are a share of the table's pairs."""
    return Book(pool, track_all(laid.cards), share * pairs_of(laid), placed, np.zeros((0, 0), np.int64))


# --- refining


def refined(
    laid: Laid, seeds: Ints, copies: Ints, growth: Growth, state: State, pool: Ints
) -> tuple[Codes, Ints, npt.NDArray[np.bool_]]:
    """Grow one group of seeds, in tables of the size that the growth says."""
    grown = grow_seeds(laid.baskets, seeds.astype(np.int32), copies.copy(), growth, state, pool)
    records, counts, short = (np.concatenate(parts) for parts in zip(*grown, strict=True))
    return records, counts, short


NO_BASE = np.zeros(0, np.int64)


@few
@given(coded_tables(), growths, st.data())
def test_refine_keeps_shared_parts_and_pools_the_rest(table: Table, growth: Growth, data: st.DataObject) -> None:
    laid = lay(table, growth.k)
    copies_of = data.draw(st.lists(st.integers(0, 3), min_size=len(laid.rows), max_size=len(laid.rows)))
    seeds = np.flatnonzero(copies_of).astype(np.int32)
    copies = np.array(copies_of, np.int64)[seeds]
    pool = np.zeros(laid.baskets.column_of.size, np.int64)
    records, counts, short = refined(laid, seeds, copies, growth, stream(1, "unit"), pool)
    made = [(tuple(record), count) for record, count in zip(records.tolist(), counts.tolist(), strict=True)]
    given_seeds = [(laid.rows[r], copies_of[r]) for r in seeds]
    assert sum(counts) == sum(copies)
    assert totals(made) + by_attribute(laid.baskets, pool) == totals(given_seeds)
    for (record, count), lost in zip(made, short, strict=True):
        assert count > 0
        if any(record):
            assert support(record, laid.rows, laid.weights) >= growth.k
        if not lost:  # seeds that kept everything: the record is that seed
            assert record in laid.rows


@few
@given(coded_tables(), growths, st.data())
def test_a_refined_seed_can_keep_no_more(table: Table, growth: Growth, data: st.DataObject) -> None:
    laid = lay(table, growth.k)
    assume(laid.rows)
    r = data.draw(st.integers(0, len(laid.rows) - 1))
    pool = np.zeros(laid.baskets.column_of.size, np.int64)
    records, counts, short = refined(laid, np.array([r]), np.array([2]), growth, stream(1, "unit"), pool)
    assert counts.tolist() == [2]
    seed, record = laid.rows[r], tuple(records[0].tolist())
    lost = set(attributes_of(seed)) - set(attributes_of(record))
    assert contains(seed, record)
    assert short.tolist() == [bool(lost)]
    for column, code in lost:
        more = tuple(code if c == column else held for c, held in enumerate(record))
        assert support(more, laid.rows, laid.weights) < growth.k


def test_power_prefers_frequent_values() -> None:
    """Either A or B can be kept, not both: with a high power it is always A, whose value is far more frequent."""
    rows = [(1, 0)] * 30 + [(0, 1)] * 3 + [(1, 1)]
    table = table_of(rows, [1] * len(rows), (1, 1))
    laid = lay(table, 2)
    kept: dict[float, Counter[Record]] = {}
    for power in (0.0, 10.0):
        kept[power] = Counter()
        for key in range(200):
            pool = np.zeros(2, np.int64)
            seed, copies = np.array([33], np.int32), np.array([1])
            records, _, _ = refined(laid, seed, copies, Growth(2, power), stream(key, "unit"), pool)
            kept[power][tuple(records[0].tolist())] += 1
    assert set(kept[0.0]) == {(1, 0), (0, 1)}
    assert 70 <= kept[0.0][1, 0] <= 130
    assert kept[10.0] == {(1, 0): 200}


# --- packing


def test_pack_outgrows_the_arrays_it_starts_with() -> None:
    """A large pool over rows that every value keeps: many records at once, from nothing."""
    for table in (deep_table(), wide_table()):
        laid = lay(table, 2)
        size = laid.baskets.column_of.size
        book = book_of(laid, np.full(size, 40), np.zeros((size, size), np.int64))
        none = np.zeros((0, len(table.cards)), np.uint16), np.zeros(0, np.int64), np.zeros(0, np.bool_)
        records, counts = pack(laid.baskets, Packing(book, Growth(2), NO_BASE), Grown(*none), None, stream(1, "unit"))
        made = [(tuple(record), count) for record, count in zip(records.tolist(), counts.tolist(), strict=True)]
        assert totals(made) == by_attribute(laid.baskets, np.full(size, 40))
        for record in {record for record, _ in made}:
            assert support(record, laid.rows, laid.weights) >= 2


@few
@given(coded_tables(), growths, st.data())
def test_pack_places_the_whole_pool_in_shared_records(table: Table, growth: Growth, data: st.DataObject) -> None:
    laid = lay(table, growth.k)
    size = laid.baskets.column_of.size
    left = data.draw(st.lists(st.integers(0, 12), min_size=size, max_size=size))
    pool = np.array(left, np.int64)
    book = book_of(laid, pool, np.zeros((size, size), np.int64))
    width = len(table.cards)
    none = np.zeros((0, width), np.uint16), np.zeros(0, np.int64), np.zeros(0, np.bool_)
    records, counts = pack(laid.baskets, Packing(book, growth, NO_BASE), Grown(*none), None, stream(1, "unit"))
    made = [(tuple(record), count) for record, count in zip(records.tolist(), counts.tolist(), strict=True)]
    assert totals(made) == by_attribute(laid.baskets, np.array(left, np.int64))
    assert not pool.any()
    for record, count in made:
        assert count > 0
        assert any(record)
        assert support(record, laid.rows, laid.weights) >= growth.k
    off_diagonal = book.placed * ~np.eye(size, dtype=bool)
    assert named_pairs(laid.baskets, off_diagonal) == Counter(
        {pair: n for pair, n in all_pairs(made).items() if pair[0] != pair[1]}
    )


@few
@given(coded_tables(), growths, st.data())
def test_pack_extends_short_records_only(table: Table, growth: Growth, data: st.DataObject) -> None:
    laid = lay(table, growth.k)
    size, n = laid.baskets.column_of.size, len(laid.rows)
    copies = data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    seeds = np.flatnonzero(copies).astype(np.int32)
    pool = np.zeros(size, np.int64)
    state = stream(1, "unit")
    numbers = np.array(copies, np.int64)[seeds]
    records, counts, short = refined(laid, seeds, numbers, growth, state, pool)
    before, lost = pool.copy(), [tuple(r) for r in records[short].tolist()]
    placed = pair_counts(records, counts, laid.baskets.starts, track_all(laid.cards), size)
    book = book_of(laid, pool, placed, 0.5)
    packed, packed_counts = pack(
        laid.baskets, Packing(book, growth, NO_BASE), Grown(records, counts, short), None, state
    )
    given_records = [(tuple(record), count) for record, count in zip(records.tolist(), counts.tolist(), strict=True)]
    made = [(tuple(record), count) for record, count in zip(packed.tolist(), packed_counts.tolist(), strict=True)]
    assert totals(made) == totals(given_records) + by_attribute(laid.baskets, before)
    assert not pool.any()
    whole, out = Counter[Record](), Counter[Record]()
    for (record, count), is_short in zip(given_records, short, strict=True):
        if any(record) and not is_short:
            whole[record] += count
    for record, count in made:
        assert support(record, laid.rows, laid.weights) >= growth.k
        out[record] += count
    assert whole <= out  # records that lost nothing come out as they are
    assert sum(out.values()) >= sum(whole.values()) + sum(
        count for (record, count), is_short in zip(given_records, short, strict=True) if is_short and any(record)
    )
    assert all(any(contains(record, part) for record in out) for part in lost if any(part))


def test_missing_pairs_come_first() -> None:
    """B's 1 and 2 are equally frequent beside A's 1, but the pair with 1 is already placed in full."""
    rows = [(1, 1)] * 10 + [(1, 2)] * 10
    laid = lay(table_of(rows, [1] * 20, (1, 2)), 2)
    placed = np.zeros((3, 3), np.int64)
    placed[0, 1] = placed[1, 0] = 10
    for key in range(50):
        book = book_of(laid, np.array([0, 5, 5]), placed.copy())
        short = np.array([(1, 0)], np.uint16), np.array([1]), np.array([True])
        records, counts = pack(
            laid.baskets, Packing(book, Growth(2), NO_BASE), Grown(*short), None, stream(key, "unit")
        )
        extended = [tuple(record) for record in records.tolist() if record[0]]
        assert extended == [(1, 2)]
        assert totals(list(zip(map(tuple, records.tolist()), counts.tolist(), strict=True)))[1, 2] == 5


def test_a_record_ends_where_all_its_pairs_are_satisfied_once_it_has_enough() -> None:
    """Ten rows (1, 1, 1), whose pairs are all placed: three values that are left over meet, or stay two and one."""
    laid = lay(table_of([(1, 1, 1)], [10], (1, 1, 1)), 2)
    lengths = {}
    for enough in (2, 1 << 30):
        book = book_of(laid, np.array([4, 4, 4]), pairs_of(laid))
        growth = Growth(2, enough=enough)
        none = np.zeros((0, 3), np.uint16), np.zeros(0, np.int64), np.zeros(0, np.bool_)
        records, counts = pack(laid.baskets, Packing(book, growth, NO_BASE), Grown(*none), None, stream(1, "unit"))
        assert not book.pool.any()
        lengths[enough] = int(((records > 0).sum(axis=1) * counts).sum() / counts.sum() * 100)
        assert (records > 0).sum(axis=1).max() == (2 if enough == 2 else 3)
    assert lengths[2] < lengths[1 << 30]
