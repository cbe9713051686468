"""What an attacker does with synthetic records: look for the nearest one, and for descriptions that fit one alone."""

import numpy as np

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.numba_cache import compiled


def nearest(targets: Codes, records: Codes, columns: Ints) -> tuple[Ints, Ints]:
    """The record nearest to each target: that which differs from it in the fewest of some columns.

    This is Gower's distance (1971) of categorical columns; absent is a value. Of records equally near, the first is
    taken.

    Args:
        targets: (t, m) codes.
        records: (n, m) codes; n ≥ 1.
        columns: (c,) the columns that count.

    Returns:
        (places, distances): (t,) row of the nearest record, and in how many columns it differs.
    """
    places, distances = np.zeros(len(targets), np.int64), np.zeros(len(targets), np.int64)
    _nearest(np.ascontiguousarray(targets[:, columns]), np.ascontiguousarray(records[:, columns]), places, distances)
    return places, distances


@compiled
def _nearest(targets, records, places, distances):
    n, m = records.shape
    for target in range(targets.shape[0]):
        best, place = m + 1, 0
        for row in range(n):
            distance = 0
            for column in range(m):
                if targets[target, column] != records[row, column]:
                    distance += 1
                    if distance >= best:
                        break
            if distance < best:
                best, place = distance, row
                if best == 0:
                    break
        places[target], distances[target] = place, best


def fits(columns: Ints, codes: Codes, records: Codes) -> Ints:
    """How many records each description fits, counted up to 2.

    Args:
        columns: (p, c) the columns that a description speaks of.
        codes: (p, c) the codes that it gives them; 0 means absent.
        records: (n, m) codes.

    Returns:
        (p,) 0, 1, or 2 for more than one.
    """
    matches = np.zeros(len(columns), np.int64)
    _fits(np.ascontiguousarray(columns, np.int64), np.ascontiguousarray(codes, np.uint16), records, matches)
    return matches


@compiled
def _fits(columns, codes, records, matches):
    for at in range(columns.shape[0]):
        for row in range(records.shape[0]):
            same = True
            for position in range(columns.shape[1]):
                if records[row, columns[at, position]] != codes[at, position]:
                    same = False
                    break
            if same:
                matches[at] += 1
                if matches[at] == 2:
                    break
