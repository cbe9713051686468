"""Combinations of one length whose parts were all released: which there are, and how many records hold each.

The numbering and the table of links are those of `kernels.assembling`. A subject's share is bounded: of a record that
holds more such combinations than a cap, as many as the cap are counted, chosen by a hash of the record, so one record
more or less changes at most ``cap`` counts, by one each.
"""

from dataclasses import dataclass

import numpy as np

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.keyed_random import hash_rows, uniform
from synth_spark.kernels.marginals.assembly import _find, _put, empty_table, linked, number_of
from synth_spark.kernels.numba_cache import compiled


@dataclass(frozen=True)
class Level:
    """The combinations of one length that are to be counted.

    Attributes:
        length: theirs.
        starts: (m + 1,) first attribute of each column.
        rows: (n, length) attributes, ascending in a row.
        table: links between released combinations that are shorter.
        last: (2 s,) from the number of a combination's first ``length`` − 1 attributes and its last one to its row.
    """

    length: int
    starts: Ints
    rows: Ints
    table: Ints
    last: Ints


def next_level(starts: Ints, released: list[Ints]) -> Level:
    """The combinations one longer than those released so far, all of whose parts were released.

    They need not occur in any record.

    Args:
        starts: (m + 1,) first attribute of each column.
        released: for lengths 1, 2, …: (n, length) attributes of the released combinations.
    """
    attributes, column = int(starts[-1]), np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    table = linked(attributes, released[1:])
    rows = _candidates(np.ascontiguousarray(released[-1]), np.unique(released[-1]), column, table, attributes)
    last = empty_table(len(rows))
    _link_last(last, table, rows, attributes)
    return Level(len(released) + 1, starts, rows, table, last)


def sizes(level: Level, codes: Codes, weights: Ints, most: int) -> Ints:
    """(most + 1,) how many records hold 0, 1, 2, … of a level's combinations."""
    held, none = np.zeros(most + 1, np.int64), np.empty(0, np.uint64)
    _visit(codes, weights, level.starts, level.length, level.table, level.last, -1, np.uint64(0), none, held)
    return held


def counts(level: Level, codes: Codes, weights: Ints, cap: int, key: int) -> Ints:
    """(n,) how many records hold each of a level's combinations, at most ``cap`` of a record being counted.

    Args:
        level: the combinations.
        codes: (n, m) codes of distinct records, 0 = absent.
        weights: (n,) copies of each.
        cap: most combinations of one record.
        key: of the choice.
    """
    supports = np.zeros(len(level.rows), np.int64)
    hashes = hash_rows(codes, np.uint64(key))
    _visit(codes, weights, level.starts, level.length, level.table, level.last, cap, np.uint64(key), hashes, supports)
    return supports


def links(starts: Ints, released: list[Ints]) -> tuple[Ints, Ints]:
    """From every released combination to each of its parts: the parts, and (combination, column it has more)."""
    attributes, column = int(starts[-1]), np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    table = linked(attributes, released[1:])
    singles = released[0][:, 0]
    parents, more = [np.zeros(len(singles), np.int64)], [np.stack([1 + singles, column[singles]], axis=1)]
    first = 1 + attributes
    for rows in released[1:]:
        for place in range(rows.shape[1]):
            parents.append(_parts(np.ascontiguousarray(rows), table, attributes, place))
            more.append(np.stack([first + np.arange(len(rows)), column[rows[:, place]]], axis=1))
        first += len(rows)
    return np.concatenate(parents), np.concatenate(more)


@compiled
def _parts(rows, table, attributes, place):
    numbers = np.empty(rows.shape[0], np.int64)
    for r in range(rows.shape[0]):
        numbers[r] = number_of(table, attributes, rows[r], place)
    return numbers


@compiled
def _candidates(rows, further, column, table, attributes):
    length = rows.shape[1] + 1
    candidates, number = np.empty((16, length), np.int64), 0
    longer = np.empty(length, np.int64)
    for r in range(rows.shape[0]):
        longer[: length - 1] = rows[r]
        for a in further:
            if column[a] <= column[rows[r, length - 2]]:
                continue
            longer[length - 1] = a
            whole = True
            for q in range(length - 1):
                if length > 2 and number_of(table, attributes, longer, q) < 0:
                    whole = False
                    break
            if whole:
                if number == candidates.shape[0]:
                    candidates = np.concatenate((candidates, np.empty_like(candidates)))
                candidates[number] = longer
                number += 1
    return candidates[:number].copy()


@compiled
def _link_last(last, table, rows, attributes):
    length = rows.shape[1]
    for r in range(rows.shape[0]):
        _put(last, number_of(table, attributes, rows[r], length - 1) * attributes + rows[r, length - 1], r)


@compiled
def _visit(codes, weights, starts, length, table, last, cap, key, hashes, tally):
    """Add to ``tally``: without a cap (−1) how many records hold so many combinations, else how many hold each."""
    attributes, m = starts[-1], codes.shape[1]
    own, held = np.empty(m, np.int64), np.empty(64, np.int64)
    places, numbers = np.empty(length + 1, np.int64), np.empty(length + 1, np.int64)
    state = np.empty(1, np.uint64)
    for r in range(codes.shape[0]):
        filled = 0
        for c in range(m):
            if codes[r, c] > 0:
                own[filled] = starts[c] + codes[r, c] - 1
                filled += 1
        holding, depth = 0, 0
        places[0], numbers[0] = 0, 0
        while depth >= 0:  # places[d]: which attribute is tried next at depth d; numbers[d]: of the d before it
            if places[depth] >= filled:
                depth -= 1
                continue
            a = own[places[depth]]
            places[depth] += 1
            before = numbers[depth]
            if depth == length - 1:
                row = _find(last, before * attributes + a)
                if row >= 0:
                    if holding == held.size:
                        held = np.concatenate((held, held))
                    held[holding] = row
                    holding += 1
                continue
            number = 1 + a if before == 0 else _find(table, before * attributes + a)
            if number >= 0:
                depth += 1
                places[depth], numbers[depth] = places[depth - 1], number
        if cap < 0:
            tally[min(holding, tally.size - 1)] += weights[r]
        elif holding <= cap:
            for at in range(holding):
                tally[held[at]] += weights[r]
        else:
            for copy in range(weights[r]):
                state[0] = hashes[r] + np.uint64(copy + 1) * key
                for at in range(cap):
                    other = at + int(uniform(state) * (holding - at))
                    held[at], held[other] = held[other], held[at]
                    tally[held[at]] += 1
