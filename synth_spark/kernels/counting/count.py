"""Counting the combinations of a block of records, in the way that is expected to be the faster one.

Two ways give the same counts: visiting every column tuple (`kernels.walking`), at the speed of a plain bincount but
also where no record has a value; and listing every record's own combinations (`kernels.enumerating`), dearer for each
but with nothing in vain. Dense tables are walked, wide and sparse ones enumerated.
"""

import math

import numpy as np

from synth_spark.kernels.cells import CellSpace, Codes, Ints
from synth_spark.kernels.counting.by_column_tuple import walk_tuples
from synth_spark.kernels.counting.by_record import enumerate_records

#: Nanoseconds that walking takes for a record it looks at, a combination of a record, and a column tuple; and that
#: enumerating takes for a combination of a record. Fitted to 18 tables of 13 to 235 columns, R = 2 and 3.
_STEP, _TALLY, _TUPLE, _LISTED = 3.0, 1.0, 100.0, 8.0
#: Records that the cost is estimated by.
_SAMPLE = 4_096


def count_combinations(space: CellSpace, codes: Codes, weights: Ints, common: Ints | None = None) -> tuple[Ints, Ints]:
    """Count every combination of length 1…R that occurs in a block of records.

    Args:
        space: the cells to count in.
        codes: (n, m) codes, 0 = absent.
        weights: (n,) multiplicities ≥ 1.
        common: (m,) codes above these are not counted: with `Domain.common`, attributes that occur less than k times.
            No combination that holds one can occur k times (Agrawal and Srikant 1994), so counts ≥ k are all there,
            and those of combinations of common attributes are exact.

    Returns:
        (cells, counts): the cells that occur, ascending, and the summed multiplicities of the records that hold them.
    """
    if common is not None:
        codes = np.where(codes <= common, codes, 0).astype(np.uint16)
    walking, enumerating = estimated_costs(space, codes)
    count = walk_tuples if walking <= enumerating else enumerate_records
    return count(space, codes, weights)


def estimated_costs(space: CellSpace, codes: Codes) -> tuple[float, float]:
    """Nanoseconds that walking and enumerating a block of records are expected to take."""
    sample = codes[:: max(1, len(codes) // _SAMPLE)]
    scale = len(codes) / max(1, len(sample))
    steps, combinations = (scale * work for work in work_of(space, sample))
    tuples = min(float(space.first_tuple[-1]), steps)
    return _STEP * steps + _TALLY * combinations + _TUPLE * tuples, _LISTED * combinations


def work_of(space: CellSpace, codes: Codes) -> tuple[float, float]:
    """What walking and enumerating have to do.

    A record whose values stand in columns c₁ < c₂ < … holds binom(t − 1, l − 1) combinations of length l that end with
    the t-th of them; for each that ends in column c, the walk looks at it in each of the m − 1 − c later columns.

    Returns:
        (steps, combinations): records looked at for a column, summed over all column tuples; and combinations of
        length 1…R, summed over the records.
    """
    m, present = codes.shape[1], codes > 0
    earlier: Ints = np.cumsum(present, axis=1) - present
    later = m - 1 - np.arange(m)
    combinations, steps = 0.0, float(codes.size)
    for length in range(1, space.max_length + 1):
        ending = np.array([math.comb(values, length - 1) for values in range(m + 1)], float)[earlier] * present
        combinations += ending.sum()
        if length < space.max_length:
            steps += (ending * later).sum()
    return steps, combinations
