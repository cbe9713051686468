"""The proof's kernel: in how many rows is a record contained? Shares nothing with the kernels that grow records."""

import numpy as np

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.compiled import compiled


def support_up_to(limit: int, rows: Codes, records: Codes) -> Ints:
    """Count, for each record, the rows that contain it, stopping at a limit.

    A row contains a record if it has the record's value in every column where the record has one.

    Args:
        limit: where counting stops, ≥ 1.
        rows: (n, m) ids, 0 = absent.
        records: (q, m) ids, 0 = absent.

    Returns:
        (q,) min(limit, number of rows that contain the record). An empty record is contained in every row.
    """
    m = rows.shape[1]
    starts = np.concatenate([[0], np.cumsum(np.maximum(rows.max(0, initial=0), records.max(0, initial=0)).astype(np.int64) + 1)])
    flat = (rows.astype(np.int64) + starts[:-1]).ravel()
    order = np.argsort(flat, kind="stable")
    first = np.searchsorted(flat[order], np.arange(starts[-1] + 1))
    holders = (order // m).astype(np.int32)
    result: Ints = _scan(limit, rows, records, starts, first, holders)
    return result


@compiled
def _scan(limit, rows, records, starts, first, holders):  # type: ignore[no-untyped-def]
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
            support[q] = min(limit, rows.shape[0])
            continue
        for j in range(first[rarest], first[rarest + 1]):
            r = holders[j]
            contained = True
            for c in range(records.shape[1]):
                if records[q, c] > 0 and rows[r, c] != records[q, c]:
                    contained = False
                    break
            if contained:
                support[q] += 1
                if support[q] == limit:
                    break
    return support
