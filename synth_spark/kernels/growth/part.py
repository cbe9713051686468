"""One part of synthesis: all rows that hold some attributes, and the seeds and values that are grown among them.

A part is a node of the refinement tree that one task works on alone. It is given *all* rows of the table that hold its
base, so every support it counts is the exact support in the whole table. Parts never talk to each other.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Codes, Ints, starts_of
from synth_spark.kernels.growth.inverted_index import baskets_of, pair_counts
from synth_spark.kernels.growth.packing import Book, Packing, pack
from synth_spark.kernels.growth.settings import Growth
from synth_spark.kernels.growth.tree import Grown, grow_seeds
from synth_spark.kernels.keyed_random import derive, hash_rows, stream


@dataclass(frozen=True)
class Part:
    """What one task is to do, beside the rows and seeds that it is sent.

    Attributes:
        key: of its random choices.
        tracked: (A,) row of each attribute in tables of pairs, −1 = its pairs are not tracked.
        base: attributes that all its rows hold, in different columns.
        pool: (A,) occurrences to place beside those that its seeds lose; None = none.
        starts: most new records; None = as many as the pool takes.
        leftovers: whether what seeds lose is placed at all.
        targets: (T, T) pairs that records should still come to hold, of which the part's are ``share``; None = the
            pairs that its seeds hold.
        share: in [0, 1].
        limited: how far a pair may exceed its protected count, relatively, over all parts together; None = as it comes.
        turn: which of how many parts this is, where pairs are limited.
    """

    key: int
    tracked: npt.NDArray[np.int32]
    base: tuple[int, ...] = ()
    pool: Ints | None = None
    starts: int | None = None
    leftovers: bool = True
    targets: npt.NDArray[np.float64] | None = None
    share: float = 1.0
    limited: float | None = None
    turn: tuple[int, int] = (0, 1)


def limits_of(pairs: npt.NDArray[np.float64], k: int, ratio: float, turn: tuple[int, int]) -> Ints:
    """A part's share of the most records that may hold both of two attributes: ⌊(1 + ratio) ⌊count⌋k⌋ over all parts.

    Which parts get one more where it does not divide is another for every pair.

    >>> [limits_of(np.array([[25.0]]), 10, 0.1, (part, 3)).item() for part in range(3)]
    [7, 7, 8]
    """
    most = np.floor(pairs // k * k * (1 + ratio) + 1e-9).astype(np.int64)
    number, parts = turn
    place = (number + np.add.outer(np.arange(len(pairs)), np.arange(len(pairs)))) % parts
    limits: Ints = most * (place + 1) // parts - most * place // parts
    return limits


def grow_part(codes: Codes, weights: Ints, copies: Ints, cards: Ints, part: Part, growth: Growth) -> tuple[Codes, Ints]:
    """Make the synthetic records of one part.

    Every record is contained in at least k of the rows, and holds the base. The result depends on the set of rows, not
    on their order.

    Args:
        codes: (n, m) codes of all records that hold the base, 0 = absent; any order, duplicates allowed.
        weights: (n,) multiplicities ≥ 1.
        copies: (n,) how many seeds each record is, ≥ 0.
        cards: (m,) values of each column with count ≥ k; codes above are rare and count as absent.
        part: what to do.
        growth: how to grow.

    Returns:
        (records, counts): (p, m) codes and (p,) copies, none empty; equal records may come more than once.
    """
    m, starts = codes.shape[1], starts_of(cards)
    codes = np.where(codes > cards, np.uint16(0), codes).astype(np.uint16)
    codes, weights, copies, hashes = _canonical(codes, weights, copies, derive(part.key, "rows"))
    if codes.shape[0] == 0:
        return np.zeros((0, m), np.uint16), np.zeros(0, np.int64)
    values = float(weights @ (codes > 0).sum(axis=1)) / float(weights.sum())
    growth = growth.fitted(len(codes))._replace(enough=max(2, math.ceil(values / 2)))
    base = np.array(part.base, np.int64)
    columns = np.searchsorted(starts, base, side="right") - 1
    tracked, size = part.tracked, int(part.tracked.max(initial=-1)) + 1
    if part.targets is not None:
        targets = part.share * part.targets
    else:
        targets = pair_counts(codes, copies, starts, tracked, size).astype(np.float64)
    codes[:, columns] = 0
    baskets = baskets_of(codes, weights, cards)
    pool = np.zeros(starts[-1], np.int64) if part.pool is None else part.pool.copy()
    state = stream(part.key, "refine")
    dealt = deal(copies, hashes, growth.groups)
    grown: list[Grown] = []
    for group in range(growth.groups):
        own = dealt.to_group(group)
        seeds = np.flatnonzero(own).astype(np.int32)
        grown += grow_seeds(baskets, seeds, own[seeds], growth.of_group(group), state, pool)
    records, counts, short = (np.concatenate(parts) for parts in zip(*grown, strict=True))
    records[:, columns] = base - starts[columns] + 1
    if not part.leftovers:
        some = records.any(axis=1)
        return records[some], counts[some]
    placed = pair_counts(records, counts, starts, tracked, size)
    order = np.argsort(hash_rows(records, np.uint64(derive(part.key, "order"))), kind="stable")
    limits = np.zeros((0, 0), np.int64)
    if part.limited is not None and part.targets is not None:
        limits = limits_of(part.targets, growth.k, part.limited, part.turn)
    book = Book(pool, tracked, targets, placed, limits)
    state = stream(part.key, "pack")
    refined = Grown(records[order], counts[order], short[order])
    return pack(baskets, Packing(book, growth, base), refined, part.starts, state)


@dataclass(frozen=True)
class Deal:
    """The copies of every record, dealt to groups: ``each`` to all, one more to ``more`` of them from ``begin`` on."""

    groups: int
    each: Ints
    begin: Ints
    more: Ints

    def to_group(self, group: int) -> Ints:
        """(n,) copies of each record that one group gets."""
        return self.each + ((group - self.begin) % self.groups < self.more)


def deal(copies: Ints, hashes: npt.NDArray[np.uint64], groups: int) -> Deal:
    """Deal (n,) copies evenly to groups, the remainders by the records' hashes."""
    begin = (hashes % np.uint64(groups)).astype(np.int64)
    return Deal(groups, copies // groups, begin, copies % groups)


def _canonical(codes: Codes, weights: Ints, copies: Ints, key: int) -> tuple[Codes, Ints, Ints, npt.NDArray[np.uint64]]:
    """Merge equal records, leave out empty ones, and order by hash: the same arrays whatever order they came in."""
    hashes = hash_rows(codes, np.uint64(key))
    order = np.lexsort((hash_rows(codes, np.uint64(derive(key, "ties"))), hashes))
    codes, weights, copies, hashes = codes[order], weights[order], copies[order], hashes[order]
    new = np.ones(len(codes), np.bool_)
    new[1:] = (hashes[1:] != hashes[:-1]) | (codes[1:] != codes[:-1]).any(axis=1)
    starts = np.flatnonzero(new)
    if starts.size:
        weights, copies = np.add.reduceat(weights, starts), np.add.reduceat(copies, starts)
    some = codes[starts].any(axis=1)
    return np.ascontiguousarray(codes[starts][some]), weights[some], copies[some], hashes[starts][some]
