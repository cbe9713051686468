"""The proof's kernel: in how many rows is a record contained? Shares nothing with the kernels that grow records."""

import numpy as np

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.compiled import compiled


def support_up_to(limit: int, rows: Codes, weights: Ints, records: Codes) -> Ints:
    """Count, for each record, the rows that contain it, by weight, stopping at a limit.

    A row contains a record if it has the record's value in every column where the record has one.

    Args:
        limit: where counting stops, ≥ 1.
        rows: (n, m) ids, 0 = absent.
        weights: (n,) how many rows each stands for, ≥ 1.
        records: (q, m) ids, 0 = absent.

    Returns:
        (q,) min(limit, weight of the rows that contain the record). An empty record is contained in every row.
    """
    highest = np.maximum(rows.max(axis=0, initial=0), records.max(axis=0, initial=0)).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(highest + 1)])
    first, holders = _holders(rows, starts)
    result: Ints = _scan(limit, rows, weights, records, starts, first, holders)
    return result


@compiled
def _holders(rows, starts):
    """The rows that hold each value, by counting sort; a value's item is starts[column] + id."""
    first = np.zeros(starts[-1] + 1, np.int64)
    for r in range(rows.shape[0]):
        for c in range(rows.shape[1]):
            if rows[r, c] > 0:
                first[starts[c] + rows[r, c] + 1] += 1
    for item in range(1, first.size):
        first[item] += first[item - 1]
    holders = np.empty(first[-1], np.int32)
    at = first[:-1].copy()
    for r in range(rows.shape[0]):
        for c in range(rows.shape[1]):
            if rows[r, c] > 0:
                item = starts[c] + rows[r, c]
                holders[at[item]] = r
                at[item] += 1
    return first, holders


@compiled
def _scan(limit, rows, weights, records, starts, first, holders):
    """For each record, look through the holders of its rarest value for rows that hold all the others too."""
    support = np.zeros(records.shape[0], np.int64)
    for q in range(records.shape[0]):
        rarest, fewest = -1, rows.shape[0] + 1
        for c in range(records.shape[1]):
            if records[q, c] > 0:
                item = starts[c] + records[q, c]
                if first[item + 1] - first[item] < fewest:
                    rarest, fewest = item, first[item + 1] - first[item]
        if rarest < 0:
            support[q] = min(limit, weights.sum())
            continue
        for j in range(first[rarest], first[rarest + 1]):
            r = holders[j]
            contained = True
            for c in range(records.shape[1]):
                if records[q, c] > 0 and rows[r, c] != records[q, c]:
                    contained = False
                    break
            if contained:
                support[q] = min(limit, support[q] + weights[r])
                if support[q] == limit:
                    break
    return support
