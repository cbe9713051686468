"""What linear programs find of small tables, against who goes through all tables that a release could be of."""

from functools import cache

import numpy as np
import pytest
from adversary import Adversary, possible, sets_of, supported

from synth_spark.kernels.cells import starts_of
from synth_spark.kernels.risk.joint_bounds import Published
from synth_spark.kernels.risk.programs import few_kinds, proved_by_programs
from synth_spark.kernels.risk.record_bounds import Records

DOMAINS = [((1, 1, 1, 1), 2, 7), ((1, 1, 1, 1), 3, 7), ((2, 1, 1), 2, 8), ((1, 1, 1), 2, 11)]
adversary_of = cache(Adversary)


@pytest.mark.parametrize(("cards", "longest", "most"), DOMAINS)
@pytest.mark.parametrize("k", [2, 3])
def test_programs_find_what_is_true_of_all_tables(cards: tuple[int, ...], longest: int, most: int, k: int) -> None:
    adversary, firsts, proved = adversary_of(cards, longest, most), starts_of(np.array(cards))[:-1], [0, 0]
    draw = np.random.default_rng(20 + k)
    numbers = adversary.tables[draw.permutation(len(adversary.tables))[:200]]
    for own in numbers[(numbers.sum(axis=1) >= k) & (numbers.sum(axis=1) <= most - k + 1)][:12]:
        lattice, chosen = adversary.laid_out(adversary.holds @ own, k)
        published, told = adversary.published(lattice, chosen, k), sets_of(lattice)
        records = supported(adversary, own, k)
        records = records[draw.random(len(records)) < 0.5]
        row, column = np.nonzero(records)
        starts = np.append(0, np.cumsum((records > 0).sum(axis=1)))
        sets = Records(firsts[column] + records[row, column].astype(np.int64) - 1, starts)
        cases = ((None, None), (sets, possible(adversary, published, records, k)))
        for place, (known, tables) in enumerate(cases):
            small, narrow = adversary.proves(published, k, tables)
            assert proved_by_programs(told, k, known) == len(small) + len(narrow)
            proved[place] += len(small) + len(narrow) > 0
    assert all(proved)


def test_counts_that_no_table_has_prove_everything() -> None:
    """A and B are published with more than there are records with both, and all there are with either."""
    published = Published(np.array([[0, -1], [1, -1], [0, 1]]), np.array([2, 2, 3]), 2, np.arange(2))
    assert proved_by_programs(published, 10) == 4


def test_programs_are_for_few_kinds() -> None:
    members, units = np.zeros((0, 2), np.int64), np.zeros(0, np.int64)
    assert few_kinds(Published(members, units, 4, np.repeat(np.arange(2), 9)))
    assert not few_kinds(Published(members, units, 4, np.repeat(np.arange(2), 10)))
