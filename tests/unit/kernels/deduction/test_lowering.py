"""What is published of small tables, against who goes through all tables that it could be of."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from adversary import Adversary, some_tables

from synth_spark.kernels.cells import CellSpace, Ints
from synth_spark.kernels.deduction import lowering
from synth_spark.kernels.deduction.events import lower_events
from synth_spark.kernels.deduction.lattice import Lattice, lattice_of
from synth_spark.kernels.deduction.linear import lower_proved
from synth_spark.kernels.deduction.lowering import lowered_units, one_round
from synth_spark.kernels.deduction.overlap import lower_overlapping
from synth_spark.kernels.deduction.residuals import lower_residuals, lower_values
from synth_spark.kernels.risk.joint_bounds import Published, proved

#: Values of each column, R, and most records: some ten to a hundred thousand tables each.
DOMAINS = [
    ((1, 1, 1), 3, 11),
    ((1, 1, 1), 2, 11),
    ((2, 2), 2, 10),
    ((2, 1, 1), 3, 8),
    ((1, 1, 1, 1), 3, 6),
    ((3, 2), 2, 8),
]
adversary_of = cache(Adversary)


def published(adversary: Adversary, counts: Ints, k: int, lower: Callable[[Lattice, int], Any] = lowered_units) -> Ints:
    """Counts of a table as they are published."""
    lattice, chosen = adversary.laid_out(counts, k)
    lower(lattice, k)
    return adversary.published(lattice, chosen, k)


@pytest.mark.parametrize(("cards", "longest", "most"), DOMAINS)
@pytest.mark.parametrize("k", [2, 3])
def test_nothing_is_proved(cards: tuple[int, ...], longest: int, most: int, k: int) -> None:
    adversary, unsafe = adversary_of(cards, longest, most), 0
    for counts in some_tables(adversary, 200, k, seed=k):
        rounded = counts // k * k
        safe = published(adversary, counts, k)
        assert (safe <= rounded).all()
        assert (safe % k == 0).all()
        assert adversary.proves(safe, k) == ([], [])
        unsafe += adversary.proves(rounded, k) != ([], [])
    assert unsafe  # so there was something to be found


def test_nothing_is_proved_to_who_knows_how_counts_are_lowered() -> None:
    """Of all tables, those whose release is the same: what is true of all of them is no secret."""
    adversary, k = adversary_of((1, 1, 1), 3, 8), 2
    rounded, which = np.unique(adversary.counts // k, axis=0, return_inverse=True)
    releases = np.array([published(adversary, units * k, k) for units in rounded])
    assert (releases != rounded * k).any()
    within = adversary.counts[:, 0] < 8  # tables of more records are not among those gone through
    for release in np.unique(releases[which[within]], axis=0):
        possible = (releases[which] == release).all(axis=1)
        assert adversary.proves(release, k, possible) == ([], [])


def rounds_of(*parts: str) -> Callable[[Lattice, int], None]:
    """Rounds in which some of the bounds are looked for."""

    def lower(lattice: Lattice, k: int) -> None:
        longest = lattice.attributes.shape[1]
        while True:
            lowered = np.zeros(len(lattice.units), np.int64)
            for node in np.flatnonzero(lattice.lengths < longest):
                if "values" in parts:
                    lower_values(lattice, node, lowered)
                if lattice.units[node] == 0:
                    continue
                if "overlap" in parts and lower_overlapping(lattice, node, longest, lowered):
                    continue
                if "residuals" in parts and lattice.lengths[node] + 2 <= longest:
                    lower_residuals(lattice, node, k, lowered)
                if "events" in parts:
                    lower_events(lattice, node, longest, k, lowered)
            lattice.units[:] -= np.minimum(lowered, lattice.units)
            if not lowered.any():
                return

    return lower


PARTS = ("values", "overlap", "residuals", "events")

#: A kind of bound, and a table (domain, k, records of each kind) of which something is proved without it.
NEEDED = [
    ("values", ((2, 1, 1), 2, 8), 2, {(1, 0, 1): 5, (1, 1, 1): 1, (2, 1, 0): 1}),
    ("overlap", ((1, 1, 1), 2, 11), 2, {(0, 0, 1): 1, (0, 1, 1): 3, (1, 1, 0): 3, (1, 1, 1): 1}),
    ("residuals", ((2, 2), 2, 10), 2, {(1, 1): 2, (1, 2): 1, (2, 0): 3, (2, 2): 1}),
    (
        "events",
        ((1, 1, 1), 3, 11),
        2,
        {(1, 0, 0): 2, (0, 1, 0): 2, (0, 0, 1): 2, (1, 1, 0): 1, (1, 0, 1): 1, (0, 1, 1): 1},
    ),
]


@pytest.mark.parametrize(("part", "domain", "k", "records"), NEEDED)
def test_each_kind_of_bound_is_needed(
    part: str, domain: tuple[tuple[int, ...], int, int], k: int, records: dict[tuple[int, ...], int]
) -> None:
    """Without the programs, which find everything in tables as small as these."""
    adversary = adversary_of(*domain)
    counts = adversary.holds @ [records.get(kind, 0) for kind in adversary.kinds]
    others = rounds_of(*(other for other in PARTS if other != part))
    assert adversary.proves(published(adversary, counts, k, others), k) != ([], [])
    assert adversary.proves(published(adversary, counts, k, rounds_of(*PARTS)), k) == ([], [])


def test_programs_are_needed() -> None:
    adversary = adversary_of((2, 1, 1), 3, 8)
    records = {(0, 1, 1): 1, (1, 0, 1): 2, (1, 1, 0): 1, (1, 1, 1): 1, (2, 0, 0): 1, (2, 1, 0): 1}
    counts = adversary.holds @ [records.get(kind, 0) for kind in adversary.kinds]
    assert adversary.proves(published(adversary, counts, 2, rounds_of(*PARTS)), 2) != ([], [])
    assert adversary.proves(published(adversary, counts, 2), 2) == ([], [])


def test_programs_find_what_no_single_bound_shows() -> None:
    """Columns of 3, 2 and 3 values, k = 2, R = 2: here all kinds of bounds hold, and together they narrow a count."""
    singles = [5, 4, 2, 2, 9, 4, 1, 7]
    pairs = {
        (0, 3): 2,
        (0, 4): 3,
        (1, 4): 4,
        (2, 4): 2,
        (0, 5): 2,
        (0, 7): 3,
        (1, 7): 3,
        (2, 5): 2,
        (3, 5): 2,
        (4, 5): 2,
    }
    pairs[4, 7] = 7
    space, columns = CellSpace((3, 2, 3), 2), [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (2, 1), (2, 2), (2, 3)]
    cells = {}
    for (column, value), units in zip(columns, singles, strict=True):
        cells[int(space.encode(np.array([[column]]), np.array([[value]]))[0])] = units
    for some, units in pairs.items():
        place, codes = (np.array([part]) for part in zip(*(columns[at] for at in some), strict=True))
        cells[int(space.encode(place, codes)[0])] = units
    ordered = np.array(sorted(cells))
    lattice = lattice_of(space, ordered, np.array([cells[cell] for cell in ordered]), 12)
    assert not one_round(lattice, 2, 0, 1).any()
    assert lower_proved(lattice, 2)


def test_rounds_are_the_same_in_shares() -> None:
    adversary = adversary_of((2, 1, 1), 3, 8)
    for counts in some_tables(adversary, 60, 2, seed=3):
        lattice, _ = adversary.laid_out(counts, 2)
        whole = one_round(lattice, 2, 0, 1)
        shares = [one_round(lattice, 2, share, 3) for share in range(3)]
        assert np.array_equal(whole, np.max(shares, axis=0))


@pytest.mark.parametrize(("cards", "longest", "most"), DOMAINS)
def test_the_audit_finds_something_where_something_is_lowered(cards: tuple[int, ...], longest: int, most: int) -> None:
    """Two ways to look for the same bounds, which share no code."""
    adversary, found = adversary_of(cards, longest, most), 0
    for counts in some_tables(adversary, 100, 2, seed=11):
        lattice, _ = adversary.laid_out(counts, 2)
        sets = Published(lattice.attributes[:-1].astype(np.int64), lattice.units[:-1].copy(), int(lattice.units[-1]),
                         lattice.column_of.astype(np.int64))  # fmt: skip
        lowered = one_round(lattice, 2, 0, 1).any()
        assert bool(proved(sets, 2).any()) == lowered
        assert np.array_equal(proved(sets, 2), sum(proved(sets, 2, share, 3) for share in range(3)))
        lowered_units(lattice, 2)
        assert not proved(sets._replace(units=lattice.units[:-1]), 2)[1:].any()
        found += lowered
    assert found


def test_what_proves_nothing_is_left_alone() -> None:
    """As a table that is k times over has exactly the counts that are published of it."""
    adversary = adversary_of((2, 2), 2, 10)
    for counts in some_tables(adversary, 40, 2, seed=5):
        assert np.array_equal(published(adversary, 3 * counts, 3), 3 * counts)


def test_nothing_published_is_nothing_to_do() -> None:
    adversary = adversary_of((2, 2), 2, 10)
    lattice, _ = adversary.laid_out(np.zeros(len(adversary.combinations), np.int64), 2)
    assert len(lowering.lowered_units(lattice, 2)) == 0
