"""What synthetic records prove in any linear inequality, where records can only be of few kinds; see `linear`.

In each round the inequality that proves something names the records that it needs. One of them loses an attribute, that
without which the fewest pairs and triples are in no record any more, until nothing is proved.
"""

import numpy as np

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.counting.merge_records import merge
from synth_spark.kernels.deduction.lattice import Lattice
from synth_spark.kernels.deduction.linear import NOTHING, are_few_kinds, bounds_of, proofs
from synth_spark.kernels.deduction.separation import losses_of, with_pieces


def separate_proved(lattice: Lattice, records: Codes, copies: Ints, k: int) -> tuple[Codes, Ints]:
    """Take out of records what they prove in linear inequalities; nothing where records can be of too many kinds.

    Args:
        lattice: what is published; it proves nothing itself.
        records: (n, m) codes of distinct records, 0 = absent, which hold nothing that is withheld.
        copies: (n,) of each.
        k: privacy resolution.

    Returns:
        (records, copies): distinct, with as many of each attribute as before.
    """
    if not are_few_kinds(lattice):
        return records, copies
    whole, left = records, records.copy()
    while True:
        together = np.flatnonzero((left > 0).sum(axis=1) > 1)
        needed = _needed(lattice, left[together], k)
        if not needed.any():
            return merge(*with_pieces(whole, left, copies))
        left[_cheapest(left, together[needed])] = 0


def _needed(lattice: Lattice, records: Codes, k: int) -> np.ndarray:
    """Which records an inequality needs that proves something; none if there is no such inequality."""
    for _, of_records in proofs(bounds_of(lattice, k, records)):
        needed = of_records > NOTHING
        if needed.any():
            return needed
    return np.zeros(len(records), np.bool_)


def _cheapest(records: Codes, rows: Ints) -> tuple[int, int]:
    """The record, and the column of it, that is lost with the least of all pairs and triples."""
    of_rows = [(loss, row, column) for row in rows for column, loss in losses_of(records, row)]
    _, row, column = min(of_rows)
    return int(row), int(column)
