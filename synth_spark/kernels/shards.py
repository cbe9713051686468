"""One shard of row-seeded synthesis: deal, refine, round, pack.

A shard owns a share of the seeds and sees all records, so every support it counts is the exact support in the whole
table. Shards never talk to each other: what they must agree on (which seed belongs to whom, who gives up how many
occurrences of a value so that its total is a multiple of k) each of them derives from the records and the key.
"""

from dataclasses import dataclass

import numpy as np

from synth_spark.kernels.baskets import Baskets, baskets_of, pair_counts
from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.packing import Book, Packing, pack
from synth_spark.kernels.refining import Grown, Refinement, grow_seeds
from synth_spark.kernels.sampling import derive, hash_rows, stream, uniform


@dataclass(frozen=True)
class Growth:
    """How records are grown.

    Attributes:
        k: privacy resolution, ≥ 2.
        shards: independent parts of the work, ≥ 1.
        groups: groups of seeds a shard, ≥ 1; each has a tree of its own, so records differ in what they give up.
        power: a node's column is drawn ∝ (mean support of the values its seeds would keep)^power; ≥ 0.
        seed: key of all random choices.
        sample: rows that a node of the tree is judged by where it has more; ≥ 1.
        rows: most rows of a table that is worked on as a whole; larger ones are divided. ≥ 1.
        few: records that are not worth dividing a table for, at most; ≥ 0.
    """

    k: int
    shards: int
    groups: int
    power: float
    seed: int
    sample: int = 2_048
    rows: int = 65_536
    few: int = 64


def grow_shard(codes: Codes, weights: Ints, cards: Ints, growth: Growth, shard: int) -> tuple[Codes, Ints]:
    """Make one shard's synthetic records.

    Over all shards, every attribute (column, value) occurs exactly ⌊count⌋k times, and every record is contained in at
    least k of the given ones. The result depends on the set of records, not on their order.

    Args:
        codes: (n, m) codes of all records of the table, 0 = absent; any order, duplicates allowed.
        weights: (n,) multiplicities ≥ 1.
        cards: (m,) values of each column with count ≥ k; codes above are rare and count as absent.
        growth: how to grow.
        shard: which shard, 0 ≤ shard < growth.shards.

    Returns:
        (records, counts): (p, m) codes and (p,) copies, none empty; equal records may come more than once.
    """
    m = codes.shape[1]
    codes = np.where(codes > cards, np.uint16(0), codes).astype(np.uint16)
    codes, weights, hashes = _canonical(codes, weights, derive(growth.seed, "deal"))
    if codes.shape[0] == 0:
        return np.zeros((0, m), np.uint16), np.zeros(0, np.int64)
    baskets = baskets_of(codes, weights, cards)
    dealt = deal(weights, hashes, growth.shards * growth.groups)
    excess = _excess_of_shard(baskets, dealt, growth, shard)
    pairs = pair_counts(baskets, weights)
    pool = np.zeros(baskets.column_of.size, np.int64)
    state = stream(growth.seed, "refine", shard)
    how = Refinement(growth.k, growth.power, growth.sample, growth.rows, growth.few)
    grown: list[Grown] = []
    for group in range(shard, dealt.groups, growth.shards):
        copies = dealt.to_group(group)
        seeds = np.flatnonzero(copies).astype(np.int32)
        grown += grow_seeds(baskets, seeds, copies[seeds], how, state, pool)
    records, counts, short = (np.concatenate(parts) for parts in zip(*grown, strict=True))
    given = np.minimum(excess, pool)
    pool -= given
    records, counts, short = _give_up(
        baskets, records, counts, short, excess - given, stream(growth.seed, "round", shard)
    )
    placed = pair_counts(baskets_of(records, counts, cards), counts)
    book = Book(pool, pairs, placed, 1.0 / growth.shards)
    order = np.argsort(hash_rows(records, np.uint64(derive(growth.seed, "order", shard))), kind="stable")
    packing = Packing(growth.k, growth.sample, growth.rows, growth.few)
    pack_state = stream(growth.seed, "pack", shard)
    return pack(baskets, book, packing, records[order], counts[order], short[order], pack_state)


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


def deal(weights: Ints, hashes: np.ndarray, groups: int) -> Deal:
    """Deal (n,) multiplicities evenly to groups, the remainders by the records' hashes."""
    begin = (hashes % np.uint64(groups)).astype(np.int64)
    return Deal(groups, weights // groups, begin, weights % groups)


def _canonical(codes: Codes, weights: Ints, key: int) -> tuple[Codes, Ints, np.ndarray]:
    """Merge equal records, leave out empty ones, and order by hash: the same arrays whatever order they came in."""
    hashes = hash_rows(codes, np.uint64(key))
    order = np.lexsort((hash_rows(codes, np.uint64(derive(key, "ties"))), hashes))
    codes, weights, hashes = codes[order], weights[order], hashes[order]
    new = np.ones(len(codes), np.bool_)
    new[1:] = (hashes[1:] != hashes[:-1]) | (codes[1:] != codes[:-1]).any(axis=1)
    starts = np.flatnonzero(new)
    merged = np.add.reduceat(weights, starts) if starts.size else weights
    some = codes[starts].any(axis=1)
    return np.ascontiguousarray(codes[starts][some]), merged[some], hashes[starts][some]


def _excess_of_shard(baskets: Baskets, dealt: Deal, growth: Growth, shard: int) -> Ints:
    """(A,) occurrences of each attribute that one shard gives up, so that all shards together keep ⌊count⌋k.

    The excess count mod k is taken from the shards in turn, each as far as its seeds hold the attribute.
    """
    size = baskets.column_of.size
    held = np.zeros((growth.shards, size), np.int64)
    for owner in range(growth.shards):
        copies = sum(dealt.to_group(group) for group in range(owner, dealt.groups, growth.shards))
        held[owner] = np.bincount(baskets.attributes, np.repeat(copies, np.diff(baskets.first)), size)
    total = held.sum(axis=0)
    excess = total % growth.k
    # shard s is asked before the shards after it, in an order that starts elsewhere for every attribute
    turn = (np.arange(growth.shards)[:, None] + np.arange(size)[None, :]) % growth.shards
    before = np.zeros_like(held)
    for place in range(1, growth.shards):
        in_turn = np.take_along_axis(held, np.argsort(turn, axis=0)[place - 1 : place], axis=0)
        before += np.where(turn >= place, in_turn, 0)
    given_up: Ints = np.minimum(np.maximum(excess - before[shard], 0), held[shard])
    return given_up


def _give_up(
    baskets: Baskets, records: Codes, counts: Ints, short: np.ndarray, excess: Ints, state: np.ndarray
) -> tuple[Codes, Ints, np.ndarray]:
    """Take each attribute away from as many copies as its excess says, chosen at random among those that hold it."""
    q, changes = counts.size, int(excess.sum())
    records = np.concatenate([records, np.zeros((changes, records.shape[1]), np.uint16)])
    counts = np.concatenate([counts, np.zeros(changes, np.int64)])
    short = np.concatenate([short, np.zeros(changes, np.bool_)])
    for a in np.repeat(np.arange(excess.size), excess):
        column = baskets.column_of[a]
        holders = np.flatnonzero(records[:q, column] == a - baskets.starts[column] + 1)
        ends = np.cumsum(counts[holders])
        chosen = holders[np.searchsorted(ends, int(uniform(state) * ends[-1]), side="right")]
        counts[chosen] -= 1
        records[q], counts[q], short[q] = records[chosen], 1, short[chosen]
        records[q, column] = 0
        q += 1
    kept = (counts > 0) & records.any(axis=1)
    return records[kept], counts[kept], short[kept]
