"""What synthetic records prove beside the counts, and which of their attributes are taken out so that they do not.

Each record S is contained in at least k sensitive ones. So it overlaps with every group that takes up nearly all of
what both are in: n(S ∪ E) ≥ n(S) + n(E) − n(K) for K = S ∩ E, as in `overlap`. With n(S) ≥ k alone that is someone

- where E is published with as much as K: all but k − 1 of K, at most, hold E;
- where E is another record, and K is published with k: two groups of k among fewer than 2·k.

Then every combination of attributes of both must be published. A record must not hold what is withheld, either. What a
record loses becomes a record of that attribute alone, so single counts stay as they are; and a part of a record proves
nothing that the record did not.

There is a choice: each attribute of what must not be held, or of the K that is shared, will do. Where all records are
at hand, that is taken out without which the fewest pairs and triples are in no record any more; and copies of a record
are halved first, so that the other half can lose something else, and what one half lost stays in the other. In the end
what need not have been taken out, after all that others have lost, is put back.
"""

from typing import NamedTuple

import numpy as np

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.deduction.conflicts import (
    count_members,
    find_conflicts,
    find_shared,
    holders,
    holds,
    in_conflict,
    indices,
)
from synth_spark.kernels.deduction.lattice import Lattice
from synth_spark.kernels.numba_cache import compiled

#: A pair that no record holds any more counts for so many triples.
PAIR = 10


class _Shared(NamedTuple):
    """Which records hold which of the combinations that two records must not share.

    Attributes:
        keys: the combinations, ascending, by their places in the lattice.
        rows: who holds each.
        starts: (n + 1,) where those of each record begin in ``held``.
        held: the combinations once more, record by record.
    """

    keys: Ints
    rows: Ints
    starts: Ints
    held: Ints


def separate(lattice: Lattice, records: Codes, copies: Ints, firsts: Ints) -> tuple[Codes, Ints]:
    """Take out of records what proves something of a small group.

    Args:
        lattice: what is published; units of what is withheld are 0.
        records: (n, m) codes of distinct records, 0 = absent.
        copies: (n,) of each.
        firsts: (m,) first attribute of each column.

    Returns:
        (records, copies): the records that are left, and those of single attributes; not merged.
    """
    withheld, tight, smallest = indices(lattice)
    halved = np.flatnonzero(in_conflict(lattice, records, firsts, withheld, tight) & (copies > 1))
    source = np.concatenate([np.arange(len(records)), halved])
    numbers = copies[source]
    numbers[len(records) :] //= 2
    numbers[halved] -= numbers[len(records) :]
    whole, left = records[source], records[source]
    _separate(lattice, left, firsts, withheld, tight, True)
    keys, rows = holders(lattice, whole, firsts, smallest)
    order, by_row = np.lexsort((rows, keys)), np.lexsort((keys, rows))
    _part(lattice, left, firsts, keys[order], rows[order], True)
    starts = np.searchsorted(rows[by_row], np.arange(len(whole) + 1))
    shared = _Shared(keys[order], rows[order], starts, keys[by_row])
    _put_back(lattice, whole, left, firsts, withheld, tight, shared)
    return with_pieces(whole, left, numbers)


def separate_each(lattice: Lattice, records: Codes, firsts: Ints) -> tuple[Codes, Ints, Ints]:
    """Take out of each record what it proves by itself; who else there is does not matter.

    Args:
        lattice: as for `separate`.
        records: (n, m) codes of some records.
        firsts: (m,) first attribute of each column.

    Returns:
        (left, places, rows): (n, m) what is left of each record; and which records hold which of the combinations
        that two records must not share, by their places in the lattice.
    """
    withheld, tight, smallest = indices(lattice)
    left = records.copy()
    _separate(lattice, left, firsts, withheld, tight, False)
    return left, *holders(lattice, left, firsts, smallest)


def separate_groups(lattice: Lattice, records: Codes, places: Ints, firsts: Ints) -> Codes:
    """Take out of records what two of them prove that share a combination; each group of them by itself.

    A part of a record proves nothing that the record does not. So what a record loses in any of its groups can be
    taken out of it afterwards, and it does not matter which task has looked at which group.

    Args:
        lattice: as for `separate`.
        records: (s, m) codes of one record after the other, for each combination that it shares; groups are whole, and
            in each of them records come in the order in which they are compared.
        places: (s,) the combination, ascending.
        firsts: (m,) first attribute of each column.

    Returns:
        (s, m) what is left of each in its group.
    """
    left = records.copy()
    _part(lattice, left, firsts, places, np.arange(len(places)), False)
    return left


def with_pieces(records: Codes, left: Codes, copies: Ints) -> tuple[Codes, Ints]:
    """What is left of records, and what they lost, as records of single attributes; not merged.

    Args:
        records: (n, m) codes.
        left: (n, m) what is left of each.
        copies: (n,) of each.
    """
    row, column = np.nonzero(left != records)
    pieces = np.zeros((len(row), records.shape[1]), records.dtype)
    pieces[np.arange(len(row)), column] = records[row, column]
    there = left.any(axis=1)
    return np.concatenate([left[there], pieces]), np.concatenate([copies[there], copies[row]])


def losses_of(records: Codes, row: int) -> list[tuple[int, int]]:
    """How much no record would hold any more, without each attribute of a record: (column, pairs and triples)."""
    columns = np.flatnonzero(records[row])
    losses = _losses(records, row, (records[row] > 0).astype(np.int64), True)
    return [(int(column), int(losses[column])) for column in columns]


@compiled
def _separate(lattice, records, firsts, withheld, tight, weigh):
    """Take out of each record what is withheld, and what it proves with published counts."""
    held, conflicts = np.empty(records.shape[1], np.int64), np.empty(records.shape[1], np.int64)
    for row in range(len(records)):
        while find_conflicts(lattice, records[row], firsts, withheld, tight, held, conflicts):
            losses = _losses(records, row, conflicts, weigh)
            records[row, _cheapest(losses, conflicts)] = 0


@compiled
def _cheapest(losses, conflicts):
    """The column with the least loss for each conflict that it solves; of equal ones the first."""
    best = int(np.argmax(conflicts))
    for column in range(len(conflicts)):
        if conflicts[column] > 0 and (1 + losses[column]) * conflicts[best] < (1 + losses[best]) * conflicts[column]:
            best = column
    return best


@compiled
def _losses(records, row, wanted, weigh):
    """How much of a record no other record would hold without one of its columns: triples, and pairs for more.

    Args:
        records: (n, m) codes.
        row: which of them.
        wanted: (m,) above 0 where that is asked.
        weigh: else nothing is lost by any.
    """
    columns = np.flatnonzero(records[row])
    number, words = len(columns), (len(columns) + 63) // 64
    losses = np.zeros(records.shape[1], np.int64)
    if not weigh:
        return losses
    both = np.zeros((number, number, words), np.uint64)  # attributes that somebody has beside two of them
    shared, mask = np.empty(number, np.int64), np.zeros(words, np.uint64)
    asked = columns[wanted[columns] > 0]
    for other in range(len(records)):
        has_any = False
        for column in asked:
            has_any |= records[other, column] == records[row, column]
        if other == row or not has_any:
            continue
        most = 0
        mask[:] = 0
        for i in range(number):
            if records[other, columns[i]] == records[row, columns[i]]:
                shared[most] = i
                mask[i // 64] |= np.uint64(1) << np.uint64(i % 64)
                most += 1
        for i in shared[:most]:
            if most > 1 and wanted[columns[i]] > 0:
                for j in shared[:most]:
                    for word in range(words):
                        both[i, j, word] |= mask[word]
    for i in range(number):
        if wanted[columns[i]] == 0:
            continue
        for j in range(number):
            seen = 0
            for a in range(number):
                if a != i and a != j and both[i, j, a // 64] >> np.uint64(a % 64) & np.uint64(1):
                    seen += 1
            if j != i:
                losses[columns[i]] += number - 2 - seen  # each triple twice
                if not both[i, j].any():
                    losses[columns[i]] += PAIR
    return losses


@compiled
def _part(lattice, records, firsts, keys, rows, weigh):
    """Take out of records that overlap in a group what they prove together."""
    begin = 0
    while begin < len(keys):
        end = begin
        while end < len(keys) and keys[end] == keys[begin]:
            end += 1
        for i in range(begin, end):
            for j in range(i + 1, end):
                one, other = records[rows[i]], records[rows[j]]
                while holds(lattice, one, firsts, keys[i]) and holds(lattice, other, firsts, keys[i]):
                    conflicts = find_shared(lattice, one, other, firsts)
                    if not conflicts.any():
                        break
                    for side in range(2):
                        count_members(lattice, keys[i], conflicts[side])
                    ours = _losses(records, rows[i], conflicts[0], weigh)
                    theirs = _losses(records, rows[j], conflicts[1], weigh)
                    worst = _cheapest(np.append(ours, theirs), conflicts.ravel())
                    if worst < len(one):
                        one[worst] = 0
                    else:
                        other[worst - len(one)] = 0
        begin = end


@compiled
def _put_back(lattice, whole, left, firsts, withheld, tight, shared):
    """Put back what records need not have lost, after all that others have lost."""
    held, conflicts = np.empty(whole.shape[1], np.int64), np.empty(whole.shape[1], np.int64)
    for row in range(len(left)):
        for column in range(whole.shape[1]):
            if left[row, column] == whole[row, column]:
                continue
            left[row, column] = whole[row, column]
            alone = find_conflicts(lattice, left[row], firsts, withheld, tight, held, conflicts)
            if alone or _is_shared(lattice, left, row, firsts, shared):
                left[row, column] = 0


@compiled
def _is_shared(lattice, records, row, firsts, shared):
    """Whether a record and another one prove something together."""
    for key in shared.held[shared.starts[row] : shared.starts[row + 1]]:
        if not holds(lattice, records[row], firsts, key):
            continue
        at = np.searchsorted(shared.keys, key)
        while at < len(shared.keys) and shared.keys[at] == key:
            other, at = shared.rows[at], at + 1
            both_hold = other != row and holds(lattice, records[other], firsts, key)
            if both_hold and find_shared(lattice, records[row], records[other], firsts).any():
                return True
    return False
