"""Records that k sensitive ones contain, against who goes through all tables that they and the counts could be of."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from adversary import Adversary, possible, some_tables, supported

from synth_spark.kernels.cells import CellSpace, Codes, Ints, starts_of
from synth_spark.kernels.counting.merge_records import merge
from synth_spark.kernels.deduction import separation
from synth_spark.kernels.deduction.conflicts import held_by_any
from synth_spark.kernels.deduction.lattice import Lattice, lattice_of
from synth_spark.kernels.deduction.lowering import lowered_units
from synth_spark.kernels.deduction.record_programs import separate_proved
from synth_spark.kernels.deduction.regrouping import Grown, regroup
from synth_spark.kernels.deduction.separation import (
    separate,
    separate_each,
    separate_groups,
    with_pieces,
)

#: Values of each column, R, and most records; records are longer than R.
DOMAINS = [((1, 1, 1, 1), 2, 7), ((1, 1, 1, 1), 3, 7), ((2, 1, 1), 2, 8), ((1, 1, 1), 2, 11)]
adversary_of = cache(Adversary)


def lowered(adversary: Adversary, counts: Ints, k: int) -> tuple[Lattice, Ints]:
    """What is published, as a lattice, and as counts of the adversary's combinations."""
    lattice, chosen = adversary.laid_out(counts, k)
    lowered_units(lattice, k)
    return lattice, adversary.published(lattice, chosen, k)


def separate_alone(lattice: Lattice, records: Codes, copies: Ints, firsts: Ints, k: int) -> tuple[Codes, Ints]:
    """Without regrouping, and without programs."""
    return separate(lattice, records, copies, firsts)


def separate_shared(lattice: Lattice, records: Codes, copies: Ints, firsts: Ints, k: int) -> tuple[Codes, Ints]:
    """As tasks do it that share the records: each by itself, then group by group, then all that groups took out."""
    left, places, rows = separate_each(lattice, records, firsts)
    order = np.lexsort((*left[rows].T, places))
    np.minimum.at(left, rows[order], separate_groups(lattice, left[rows[order]], places[order], firsts))
    return with_pieces(records, left, copies)


def separate_and_regroup(lattice: Lattice, records: Codes, copies: Ints, firsts: Ints, k: int) -> tuple[Codes, Ints]:
    """As one task does it that has all records."""
    left = merge(*separate(lattice, records, copies, firsts))
    return separate_proved(lattice, *regroup(lattice, *left, firsts, Grown(records, copies)), k)


@pytest.mark.parametrize(("cards", "longest", "most"), DOMAINS)
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("way", [separate_alone, separate_shared, separate_and_regroup])
def test_records_prove_nothing_beside_the_counts(
    cards: tuple[int, ...], longest: int, most: int, k: int, way: Callable[..., tuple[Codes, Ints]]
) -> None:
    adversary, firsts, unsafe = adversary_of(cards, longest, most), starts_of(np.array(cards))[:-1], 0
    draw = np.random.default_rng(k)
    numbers = adversary.tables[draw.permutation(len(adversary.tables))[:400]]
    fits = (numbers.sum(axis=1) >= k) & (numbers.sum(axis=1) <= most - k + 1)
    for own in numbers[fits][:80]:
        counts, records = adversary.holds @ own, supported(adversary, own, k)
        records = records[draw.random(len(records)) < 0.7]
        lattice, published = lowered(adversary, counts, k)
        copies = np.arange(1, len(records) + 1)
        left, of_left = way(lattice, records, copies, firsts, k)
        for column in range(len(cards)):  # every attribute is there as often
            before, after = (np.bincount(r[:, column], n, 9)[1:] for r, n in ((records, copies), (left, of_left)))
            assert np.array_equal(before, after)
        left = left[[not is_withheld(adversary, published, tuple(record)) for record in left.tolist()]]
        assert adversary.proves(published, k, possible(adversary, published, left, k)) == ([], [])
        unsafe += adversary.proves(published, k, possible(adversary, published, records, k)) != ([], [])
    assert unsafe


def test_what_only_an_inequality_proves_is_taken_out() -> None:
    """Of several records and counts at once: no group and no other record proves it alone."""
    adversary, firsts, k = adversary_of((2, 1, 1), 2, 8), np.array([0, 2, 3]), 2
    numbers = {(0, 0, 0): 1, (0, 0, 1): 1, (1, 1, 1): 2, (2, 0, 1): 1, (2, 1, 0): 1, (2, 1, 1): 1}
    own = np.array([numbers.get(kind, 0) for kind in adversary.kinds])
    records = [[0, 0, 1], [0, 1, 1], [1, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1], [2, 0, 1], [2, 1, 0]]
    records, copies = np.array(records, np.uint16), np.arange(1, 9)
    lattice, published = lowered(adversary, adversary.holds @ own, k)
    assert np.array_equal(published, adversary.published(*adversary.laid_out(adversary.holds @ own, k), k))
    made = regroup(lattice, *merge(*separate(lattice, records, copies, firsts)), firsts, Grown(records, copies))
    assert adversary.proves(published, k, possible(adversary, published, made[0], k)).narrow
    left, of_left = separate_proved(lattice, *made, k)
    assert adversary.proves(published, k, possible(adversary, published, left, k)) == ([], [])
    assert {tuple(row) for row in made[0].tolist()} - {tuple(row) for row in left.tolist()} == {(1, 1, 1)}
    for column in range(3):  # every attribute is there as often
        before, after = (np.bincount(r[:, column], n, 9)[1:] for r, n in (made, (left, of_left)))
        assert np.array_equal(before, after)


def is_withheld(adversary: Adversary, published: Ints, record: tuple[int, ...]) -> bool:
    """Whether a record is of one attribute, which is withheld: rounding takes that out, of all records."""
    held = tuple((column, value) for column, value in enumerate(record) if value)
    return len(held) == 1 and published[adversary.combinations.index(held)] == 0


def test_halves_of_a_record_lose_different_attributes() -> None:
    """So no pair is lost but that which must not be held."""
    lattice = lattice_of(CellSpace((1, 1, 1), 2), np.arange(6), np.array([4, 4, 4, 0, 2, 2]), 9)
    record = np.ones((1, 3), np.uint16)
    made, copies = merge(*separate(lattice, record, np.array([3]), np.arange(3)))
    found = {tuple(row): number for row, number in zip(made.tolist(), copies.tolist(), strict=True)}
    assert sorted((found.pop((0, 1, 1)), found.pop((1, 0, 1)))) == [1, 2]
    assert set(found) == {(1, 0, 0), (0, 1, 0)}
    alone, _ = separate(lattice, record, np.array([1]), np.arange(3))  # one copy has no half
    assert len(alone) == 2
    others = np.array([[1, 1, 1], [1, 0, 1]], np.uint16)  # the first column is still there with the third
    kept, _ = separate(lattice, others, np.array([1, 1]), np.arange(3))
    assert [0, 1, 1] in kept.tolist()


def test_what_need_not_have_been_lost_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records lose one after the other, and what a later one loses may be enough."""
    adversary, firsts, longer = adversary_of((1, 1, 1, 1), 3, 7), np.arange(4), 0
    for own in adversary.tables[np.random.default_rng(1).permutation(len(adversary.tables))[:200]]:
        records = supported(adversary, own, 2)
        lattice, _ = lowered(adversary, adversary.holds @ own, 2)
        copies = np.ones(len(records), np.int64)
        with monkeypatch.context() as patched:
            patched.setattr(separation, "_put_back", lambda *_: None)
            without = merge(*separate(lattice, records, copies, firsts))
        left = merge(*separate(lattice, records, copies, firsts))
        singles = [numbers[(rows > 0).sum(axis=1) == 1].sum() for rows, numbers in (left, without)]
        assert singles[0] <= singles[1]
        longer += singles[0] < singles[1]
    assert longer > 2


def test_what_records_held_is_put_together_as_a_part_of_them() -> None:
    """Also where it is longer than R: the grown record says that k sensitive ones contain it."""
    space, grown = CellSpace((1, 1, 1, 1, 1), 2), Grown(np.array([[1, 1, 1, 1, 0]], np.uint16), np.array([1]))
    lattice = lattice_of(space, np.arange(15), np.full(15, 4), 9)
    singles = np.eye(5, dtype=np.uint16)
    left, copies = regroup(lattice, singles, np.ones(5, np.int64), np.arange(5), grown)
    assert {tuple(row) for row in left.tolist()} == {(1, 1, 1, 1, 0), (0, 0, 0, 0, 1)}
    assert copies.tolist() == [1, 1]
    lattice.units[lattice.lengths == 2] = 1  # groups of k: no two records may share one
    with_them = np.concatenate([singles, [[1, 1, 0, 0, 0]]]).astype(np.uint16)
    left, _ = regroup(lattice, with_them, np.ones(6, np.int64), np.arange(5), grown)
    assert sum(row[0] == row[1] == 1 for row in left.tolist()) == 1


def test_copies_are_taken_apart_as_long_as_nearly_all_pairs_stay_together() -> None:
    lattice = lattice_of(CellSpace((1, 1, 1, 1), 2), np.arange(10), np.full(10, 4), 9)
    records = np.array([[1, 1, 1, 0], [0, 0, 0, 1]], np.uint16)
    for number, made in (
        (300, {(1, 1, 1, 0): 299, (1, 0, 0, 1): 1, (0, 1, 1, 0): 1}),
        (30, {(1, 1, 1, 0): 30, (0, 0, 0, 1): 1}),
    ):
        copies = np.array([number, 1])
        left, numbers = regroup(lattice, records, copies, np.arange(4), Grown(records, copies))
        assert dict(zip(map(tuple, left.tolist()), numbers.tolist(), strict=True)) == made


def test_single_attributes_become_combinations_that_no_record_holds() -> None:
    """Published ones, those of R attributes first, while there are attributes; of each column as many as before."""
    adversary, firsts, made = adversary_of((2, 1, 1), 2, 8), np.array([0, 2, 3]), 0
    for counts in some_tables(adversary, 60, 2, seed=2):
        lattice, published = lowered(adversary, 2 * counts, 2)
        singles = np.array([[1, 0, 0], [2, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1]], np.uint16)
        copies = np.array([1, 2, 3, 1, 1])
        left, numbers = regroup(lattice, singles, copies, firsts, Grown(singles, copies))
        for column in range(3):
            before, after = (np.bincount(r[:, column], n, 4) for r, n in ((singles, copies), (left, numbers)))
            assert np.array_equal(before[1:], after[1:])
        assert (numbers > 0).all()
        new = [tuple(row) for row in left.tolist() if sum(map(bool, row)) == 2 and row != [0, 1, 1]]
        assert len(new) == len(set(new))
        for record in new:
            held = tuple((column, value) for column, value in enumerate(record) if value)
            assert published[adversary.combinations.index(held)] > 0
        made += len(new)
    assert made > 20


@pytest.mark.parametrize(("cards", "longest"), [((2, 2, 1, 2), 3), ((1, 2, 2, 1, 1), 2), ((1, 1, 1, 1, 1), 4)])
def test_all_that_records_held_they_go_on_holding(cards: tuple[int, ...], longest: int) -> None:
    """A part becomes a combination with a single attribute, and what others hold is taken apart; nothing gets lost."""
    space, draw, gained = CellSpace(cards, longest), np.random.default_rng(5), 0
    firsts = starts_of(np.array(cards))[:-1]
    for _ in range(60):
        size = space.length_bounds()[-1]
        lattice = lattice_of(space, np.arange(size), 1 + draw.integers(4, size=size), 30)
        for shorter, part in zip(
            np.repeat(np.arange(size + 1), np.diff(lattice.starts)), lattice.extended, strict=True
        ):
            lattice.units[part] = min(lattice.units[part], lattice.units[shorter])
        codes = draw.integers(1, 1 + np.array(cards), (9, len(cards))) * (draw.random((9, len(cards))) < 0.4)
        records = codes.astype(np.uint16)
        records = np.unique(records[records.any(axis=1)], axis=0)
        copies = draw.integers(1, 4, len(records))
        left, numbers = regroup(lattice, records, copies, firsts, Grown(records, copies))
        places = np.arange(size)
        before, after = (held_by_any(lattice, some, firsts, places) for some in (records, left))
        assert (after >= before)[lattice.units[:-1] > 0].all()
        assert (numbers > 0).all()
        assert len(np.unique(left, axis=0)) == len(left)
        for column in range(len(cards)):
            counted = [np.bincount(r[:, column], n, 9)[1:] for r, n in ((records, copies), (left, numbers))]
            assert np.array_equal(*counted)
        gained += (after > before).sum()
    assert gained > 15


def test_a_part_and_a_single_attribute_become_a_combination() -> None:
    lattice = lattice_of(CellSpace((1, 1, 1), 3), np.arange(7), np.full(7, 4), 9)
    records = np.array([[1, 1, 0], [0, 0, 1]], np.uint16)
    copies = np.array([2, 1])
    left, copies = regroup(lattice, records, copies, np.arange(3), Grown(records, copies))
    found = {tuple(row): number for row, number in zip(left.tolist(), copies.tolist(), strict=True)}
    assert found == {(1, 1, 1): 1, (1, 1, 0): 1}


def test_a_record_that_proves_nothing_stays() -> None:
    adversary = adversary_of((1, 1, 1), 2, 11)
    for counts in some_tables(adversary, 20, 2, seed=1):
        lattice, _ = lowered(adversary, 2 * counts, 2)
        singles = np.eye(3, dtype=np.uint16)
        left, copies = separate(lattice, singles, np.ones(3, np.int64), np.arange(3))
        assert np.array_equal(left, singles)
        assert copies.tolist() == [1, 1, 1]
