"""What records prove beside the counts: against a search that takes nothing but sets, and against what separates."""

from functools import cache
from itertools import combinations

import numpy as np
import pytest
from adversary import Adversary, sets_of

from synth_spark.kernels.cells import Codes, Ints, starts_of
from synth_spark.kernels.deduction.lowering import lowered_units
from synth_spark.kernels.deduction.separation import separate
from synth_spark.kernels.risk.joint_bounds import Published
from synth_spark.kernels.risk.record_bounds import Records, proved_by_each, proved_by_pairs

DOMAINS = [((1, 1, 1, 1), 2, 7), ((1, 1, 1, 1), 3, 7), ((2, 1, 1), 2, 8), ((1, 1, 1), 2, 11)]
adversary_of = cache(Adversary)


def items_of(records: Codes, firsts: Ints) -> Records:
    rows, columns = np.nonzero(records)
    items = firsts[columns] + records[rows, columns].astype(np.int64) - 1
    return Records(items, np.append(0, np.cumsum((records > 0).sum(axis=1))))


def found(published: Published, records: Records) -> list[int]:
    """What the kernels find, by way."""
    each, shared = proved_by_each(published, records)
    return [*each.tolist(), proved_by_pairs(published, records, shared)]


def searched(published: Published, records: Records) -> list[int]:
    """The same with sets: records that hold what is not published, attributes more, and pairs in smallest groups."""
    longest = published.members.shape[1]
    units = {
        frozenset(row[row >= 0].tolist()): int(n) for row, n in zip(published.members, published.units, strict=True)
    }
    units[frozenset()] = published.records
    own = [frozenset(part.tolist()) for part in np.split(records.items, records.starts[1:-1])]

    def told(one: frozenset[int], other: frozenset[int]) -> bool:
        both = one | other
        if len(set(published.column_of[list(both)])) < len(both):
            return False
        parts = (frozenset(some) for size in range(longest + 1) for some in combinations(both, size))
        return all(part in units for part in parts if part - one and part - other)

    held = sum(frozenset(some) not in units for s in own for n in range(longest + 1) for some in combinations(s, n))
    group = sum(
        any(a not in c and c <= s and units.get(c | {a}) == n for c, n in units.items()) and not told(s, frozenset({a}))
        for s in own
        for a in range(len(published.column_of))
        if a not in s
    )
    small = [c for c, n in units.items() if n == 1 and not any(units[c - {a}] == 1 for a in c)]
    holders = [[s for s in own if c <= s] for c in small]
    pair = sum(not told(one, other) for group in holders for one, other in combinations(group, 2))
    return [held, group, pair]


@pytest.mark.parametrize(("cards", "longest", "most"), DOMAINS)
@pytest.mark.parametrize("k", [2, 3])
def test_what_records_prove_is_found_and_separated_records_prove_nothing(
    cards: tuple[int, ...], longest: int, most: int, k: int
) -> None:
    adversary, firsts = adversary_of(cards, longest, most), starts_of(np.array(cards))[:-1]
    draw, ways = np.random.default_rng(12 + k), np.zeros(3, np.int64)
    numbers = adversary.tables[draw.permutation(len(adversary.tables))[:400]]
    holds = np.array([[all(v in (0, kind[c]) for c, v in enumerate(s)) for kind in adversary.kinds]
                      for s in adversary.kinds])  # fmt: skip
    for own in numbers[(numbers.sum(axis=1) >= k) & (numbers.sum(axis=1) <= most - k + 1)][:60]:
        lattice, _ = adversary.laid_out(adversary.holds @ own, k)
        lowered_units(lattice, k)
        published, supported = sets_of(lattice), holds @ own >= k
        records = np.array(adversary.kinds, np.uint16)[supported & (draw.random(len(supported)) < 0.7)]
        records = records[records.any(axis=1)].reshape(-1, len(cards))
        sets = items_of(records, firsts)
        kernel, search = found(published, sets), searched(published, sets)
        assert (kernel[0] > 0) == (search[0] > 0)  # the kernel does not go on from what is not published
        assert kernel[1:] == search[1:]
        ways += np.array(kernel) > 0
        left, _ = separate(lattice, records, np.ones(len(records), np.int64), firsts)
        singles = (left > 0).sum(axis=1) == 1  # rounding takes out those that are withheld
        assert found(published, items_of(left[~singles], firsts)) == [0, 0, 0]
    assert ways.any()


#: C is published with two, and with A and B one each: units of k. What records hold besides is withheld or not there.
_COUNTS = {(0,): 2, (1,): 2, (2,): 2, (3,): 2, (0, 1): 2, (0, 2): 1, (1, 2): 1, (0, 3): 1, (2, 3): 1}


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([[0, 1, 2]], [0, 0, 0]),
        ([[1, 3]], [1, 0, 0]),  # not published; all that hold B hold A, which is published with D
        ([[0, 3]], [0, 1, 0]),  # all that hold A hold B, which is not published with D
        ([[2, 3]], [0, 0, 0]),
        ([[0, 2], [2, 3]], [0, 0, 0]),  # C alone is larger
        ([], [0, 0, 0]),
    ],
)
def test_by_hand(records: list[list[int]], expected: list[int]) -> None:
    members = np.array([(*some, -1)[:2] for some in _COUNTS])
    published = Published(members, np.array(list(_COUNTS.values())), 4, np.arange(4))
    items = np.array([item for record in records for item in record], np.int64)
    sets = Records(items, np.append(0, np.cumsum([len(record) for record in records])).astype(np.int64))
    assert found(published, sets) == expected == searched(published, sets)


def test_two_records_of_one_group_of_k() -> None:
    """A and B are held by k together; one record goes on with C, one with D; C and D together are not published."""
    counts = {(0,): 2, (1,): 2, (2,): 2, (3,): 2, (0, 1): 1, (0, 2): 2, (1, 2): 1, (0, 3): 1, (1, 3): 2}
    members = np.array([(*some, -1)[:2] for some in counts])
    published = Published(members, np.array(list(counts.values())), 4, np.arange(4))
    together = Records(np.array([0, 1, 2, 0, 1, 3]), np.array([0, 3, 6]))
    assert found(published, together)[2] == searched(published, together)[2] == 1
    for one in (Records(np.array([0, 1, 2]), np.array([0, 3])), Records(np.array([0, 1, 3]), np.array([0, 3]))):
        assert found(published, one)[2] == 0
