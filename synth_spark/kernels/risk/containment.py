"""The proof's kernel: in how many rows is a record contained? Shares nothing with the kernels that grow records."""

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.numba_cache import compiled

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint16]

#: Rows that are laid out as bits together.
_ROWS_AT_ONCE = 1 << 14


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
    rarest = _rarest(records, starts, np.diff(first))
    order = np.argsort(rarest, kind="stable")
    support: Ints = _scan(limit, rows, weights, records, starts, first, holders, rarest, order)
    return support


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
def _rarest(records, starts, held):
    """(q,) the item of each record that the fewest rows hold; −1 where there is none."""
    rarest = np.full(records.shape[0], -1, np.int64)
    for q in range(records.shape[0]):
        for c in range(records.shape[1]):
            if records[q, c] > 0:
                item = starts[c] + records[q, c]
                if rarest[q] < 0 or held[item] < held[rarest[q]]:
                    rarest[q] = item
    return rarest


@compiled
def _scan(limit, rows, weights, records, starts, first, holders, rarest, order):
    """Count for all records that have the same rarest value, over the rows that hold it."""
    support, begin = np.zeros(records.shape[0], np.int64), 0
    slots = np.full(starts[-1], -1, np.int64)
    while begin < order.size:
        item, end = rarest[order[begin]], begin
        while end < order.size and rarest[order[end]] == item:
            end += 1
        group = order[begin:end]
        begin = end
        if item < 0:
            support[group] = min(limit, weights.sum())
            continue
        used = _number_items(records, group, starts, slots)
        near = holders[first[item] : first[item + 1]]
        _count_group(limit, rows, weights, records, starts, group, near, slots, used, support)
        slots[:] = -1
    return support


@compiled
def _number_items(records, group, starts, slots):
    """Number the items that occur in a group of records; returns how many they are."""
    used = 0
    for q in group:
        for c in range(records.shape[1]):
            if records[q, c] > 0 and slots[starts[c] + records[q, c]] < 0:
                slots[starts[c] + records[q, c]] = used
                used += 1
    return used


@compiled
def _count_group(limit, rows, weights, records, starts, group, near, slots, used, support):
    """Count each record of a group over the rows near it, 64 at a time: a word of bits for each item and 64 rows."""
    for low in range(0, near.size, _ROWS_AT_ONCE):
        group = group[support[group] < limit]
        if group.size == 0:
            return
        part = near[low : low + _ROWS_AT_ONCE]
        words = (part.size + 63) // 64
        holding = np.zeros((used, words), np.uint64)
        for i in range(part.size):
            for c in range(rows.shape[1]):
                slot = slots[starts[c] + rows[part[i], c]]
                if slot >= 0:
                    holding[slot, i >> 6] |= np.uint64(1) << np.uint64(i & 63)
        together = np.empty(words, np.uint64)
        for q in group:
            together[:] = ~np.uint64(0)
            for c in range(records.shape[1]):
                if records[q, c] > 0:
                    _keep_common(together, holding[slots[starts[c] + records[q, c]]])
            for word in range(words):
                bits, at = together[word], 64 * word
                while bits != 0 and support[q] < limit and at < part.size:
                    if bits & np.uint64(1):
                        support[q] = min(limit, support[q] + weights[part[at]])
                    bits >>= np.uint64(1)
                    at += 1


@compiled
def _keep_common(together, words):
    """The bits that both have, in place: one instruction for several words."""
    for word in range(together.size):
        together[word] &= words[word]
