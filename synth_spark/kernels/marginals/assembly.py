"""Records put together from counts of combinations alone.

Every combination has a number: 0 is the empty one, 1 + a the attribute a, then the longer ones. One hash table leads
from a combination and one more attribute to the longer combination, so what a record may be given next is found by
one look-up for each part of the record.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Ints
from synth_spark.kernels.keyed_random import State, mixed, uniform
from synth_spark.kernels.numba_cache import compiled


@dataclass(frozen=True)
class Combinations:
    """Released combinations and their counts.

    Attributes:
        column: (A,) column of each attribute.
        longest: R.
        counts: (1 + n,) count of each; of the empty one, the number of records.
        table: (2 s,) key and number, one after the other: keys are number · A + attribute, −1 where there is none.
    """

    column: Ints
    longest: int
    counts: Ints
    table: Ints


def combinations(column: Ints, singles: Ints, longer: list[tuple[Ints, Ints]], records: int) -> Combinations:
    """Number combinations and link each to its parts.

    Args:
        column: (A,) column of each attribute, ascending.
        singles: (A,) counts of the attributes.
        longer: for lengths 2, 3, …: (n, length) attributes, ascending in a row, and (n,) counts; one of whose parts is
            missing is left out.
        records: number of records.
    """
    table = linked(len(column), [rows for rows, _ in longer])
    counts = [np.array([records], np.int64), singles.astype(np.int64), *(own.astype(np.int64) for _, own in longer)]
    return Combinations(column.astype(np.int64), 1 + len(longer), np.concatenate(counts), table)


def linked(attributes: int, longer: list[Ints]) -> Ints:
    """The table of links between combinations: from one and one more attribute to the number of the longer one.

    Args:
        attributes: their number.
        longer: for lengths 2, 3, …: (n, length) attributes, ascending in a row; numbered in this order.
    """
    table = empty_table(sum(rows.size for rows in longer))
    number = 1 + attributes
    for rows in longer:
        _link(table, np.ascontiguousarray(rows), attributes, number)
        number += len(rows)
    return table


def empty_table(entries: int) -> Ints:
    """A hash table with room for so many entries: keys and numbers, all −1."""
    return np.full(2 << max(4, int(2 * entries).bit_length()), -1, np.int64)


class Assembly(NamedTuple):
    """How records are put together.

    Attributes:
        required: an attribute is not given if it makes a combination up to this length that is not there, or used up.
        percentile: 0 … 100 (R-8); 0 is the smallest.
        synthetic: whether counts are used up.
    """

    required: int
    percentile: float = 0
    synthetic: bool = True


def assemble(
    lattice: Combinations, counts: Ints, state: State, how: Assembly, records: int = 0
) -> npt.NDArray[np.uint32]:
    """Put records together until every attribute has been given as often as it is counted.

    Attributes are drawn one by one. The chance of one is its own count, then the count of the combination that it makes
    with the record; from length R on, a percentile of those of the combinations of length ≤ R that it makes with parts
    of it. If counts are used up, what records hold already is taken off the counts.

    Args:
        lattice: the combinations.
        counts: (1 + n,) what these records have of the counts.
        state: of the random stream.
        how: which combinations decide, and whether they are used up.
        records: so many are made, starting over as often as it takes; 0: as many as the counts have it.

    Returns:
        (records, m) attribute + 1 in each column, 0 where there is none.
    """
    columns = int(lattice.column[-1]) + 1 if lattice.column.size else 0
    rows: npt.NDArray[np.uint32] = _assemble(
        lattice.column,
        columns,
        lattice.longest,
        lattice.table,
        counts,
        state,
        how.required,
        how.percentile / 100,
        how.synthetic,
        records,
    )
    return rows


@compiled
def _find(table, key):
    mask = np.uint64(table.size // 2 - 1)
    slot = mixed(np.uint64(key)) & mask
    while True:
        there = table[2 * slot]
        if there == key:
            return table[2 * slot + np.uint64(1)]
        if there == -1:
            return np.int64(-1)
        slot = (slot + np.uint64(1)) & mask


@compiled
def _put(table, key, number):
    mask = np.uint64(table.size // 2 - 1)
    slot = mixed(np.uint64(key)) & mask
    while table[2 * slot] != -1:
        slot = (slot + np.uint64(1)) & mask
    table[2 * slot] = key
    table[2 * slot + np.uint64(1)] = number


@compiled
def number_of(table, attributes, row, without):
    """The number of the combination of a row of attributes but one (or all: −1); −1 if it is not there."""
    number = np.int64(0)
    for q in range(row.size):
        if q == without:
            continue
        number = np.int64(1) + row[q] if number == 0 else _find(table, number * attributes + row[q])
        if number < 0:
            return number
    return number


@compiled
def _link(table, rows, attributes, first):
    """Make combinations, one attribute longer than those that are there, reached from all of their parts."""
    length = rows.shape[1]
    parts = np.empty(length, np.int64)
    for r in range(rows.shape[0]):
        whole = True
        for q in range(length):
            parts[q] = number_of(table, attributes, rows[r], q)
            whole = whole and parts[q] >= 0
        if whole:
            for q in range(length):
                _put(table, parts[q] * attributes + rows[r, q], first + r)


@compiled
def _assemble(column, columns, longest, table, counts, state, required, share, synthetic, records):
    attributes = column.size
    available, left = counts[1 : 1 + attributes].copy(), counts.copy()
    total, filled = available.sum(), 0
    out = np.zeros((max(16, records), columns), np.uint32)
    candidates, weights = np.empty(attributes, np.int64), np.zeros(attributes)
    held = np.empty((attributes if share > 0 else 1, 64))
    number = np.zeros(attributes, np.int64)  # of counts that a candidate's weight is made of
    parts, lengths = np.zeros(64, np.int64), np.zeros(64, np.int64)
    while filled < records if records > 0 else total > 0:
        if total <= 0:
            available, left = counts[1 : 1 + attributes].copy(), counts.copy()
            total = available.sum()
            if total == 0:  # nothing was counted: empty records
                filled = records
                break
        if filled == out.shape[0]:
            out = np.concatenate((out, np.zeros_like(out)))
        some = np.int64(0)
        for a in range(attributes):
            if available[a] > 0 and left[1 + a] > 0:
                candidates[some] = a
                some += 1
                weights[a] = held[a if share > 0 else 0, 0] = left[1 + a] if synthetic else counts[1 + a]
                number[a] = 1
        parts[0], lengths[0], reached, size = 0, 0, np.int64(1), np.int64(0)
        while some > 0:
            given = _drawn(candidates, weights, some, state)
            out[filled, column[given]] = given + 1
            available[given] -= 1
            total -= 1
            size += 1
            before = reached
            parts, lengths, reached = _extended(
                table, attributes, parts, lengths, reached, given, longest, left if synthetic else left[:0]
            )
            some, held = _fitting(
                table, column, available, left if synthetic else counts, candidates, some, weights, held, number, given,
                parts, lengths, before, reached, size, required, share,
            )  # fmt: skip
        filled += 1
    return out[:filled]


@compiled
def _extended(table, attributes, parts, lengths, reached, given, longest, left):
    """The parts of a record shorter than R, with those that one more attribute makes; takes these off what is left."""
    for q in range(reached):
        extended = 1 + given if parts[q] == 0 else _find(table, parts[q] * attributes + given)
        if extended < 0:
            continue
        if left.size:
            left[extended] -= 1
        if lengths[q] + 1 < longest:
            if reached == parts.size:
                parts, lengths = np.concatenate((parts, parts)), np.concatenate((lengths, lengths))
            parts[reached], lengths[reached] = extended, lengths[q] + 1
            reached += 1
    return parts, lengths, reached


@compiled
def _fitting(
    table, column, available, counts, candidates, some, weights, held, number, given, parts, lengths, before, reached,
    size, required, share,
):  # fmt: skip
    """The candidates that still fit a record, put first, with their weights: how many, and what these are made of."""
    kept = 0
    for at in range(some):
        a = candidates[at]
        if column[a] == column[given] or available[a] <= 0:
            continue
        fits, whole = True, np.int64(-1)
        for q in range(before, reached):
            longer = _find(table, parts[q] * column.size + a)
            count = np.int64(0) if longer < 0 else counts[longer]
            if count <= 0:
                if lengths[q] < required:
                    fits = False
                    break
                continue
            if lengths[q] == size:
                whole = count
            if share == 0:
                weights[a] = min(weights[a], count)
            else:
                if number[a] == held.shape[1]:
                    held = np.concatenate((held, held), axis=1)
                held[a, number[a]] = count
            number[a] += 1
        if not fits:
            continue
        if whole >= 0:
            weights[a] = whole
        elif share > 0:
            weights[a] = _percentile(np.sort(held[a, : number[a]]), share)
        candidates[kept] = a
        kept += 1
    return kept, held


@compiled
def _drawn(candidates, weights, some, state):
    """One of some candidates, with chances in proportion to their weights."""
    total = 0.0
    for at in range(some):
        total += weights[candidates[at]]
    rest = uniform(state) * total
    for at in range(some):
        rest -= weights[candidates[at]]
        if rest < 0:
            return candidates[at]
    return candidates[some - 1]


@compiled
def _percentile(ordered, share):
    """The R-8 quantile of ascending numbers (Hyndman and Fan 1996), rounded, at least 1."""
    place = (ordered.size + 1 / 3) * share + 1 / 3
    below = int(place)
    if below <= 0:
        value = ordered[0]
    elif below >= ordered.size:
        value = ordered[ordered.size - 1]
    else:
        value = ordered[below - 1] + (place - below) * (ordered[below] - ordered[below - 1])
    return max(1.0, np.round(value))
