"""Growing records on Spark: a large table is cut into parts along the tree's top, and every part is one task.

A part gets all rows that hold its base, so what a task counts is exact in the whole table. The driver sees counts of
nodes, sums over attributes and pairs of attributes, never a record.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from synth_spark.kernels.arrow_codec import pack_codes, pack_ints, unpack_codes, unpack_ints, unpack_weights
from synth_spark.kernels.cells import Codes, Ints, starts_of
from synth_spark.kernels.growth.inverted_index import pair_counts
from synth_spark.kernels.growth.part import Part, deal, grow_part
from synth_spark.kernels.growth.settings import Growth
from synth_spark.kernels.growth.tree_top import Counts, Node, holding, route
from synth_spark.kernels.keyed_random import derive, hash_rows

_SENT = "part int, record binary, multiplicity bigint, copies bigint"
_SENT_NAMES = ["part", "record", "multiplicity", "copies"]
GROWN = "record binary, copies bigint"
#: How many seeds each record of a block is, from its codes and multiplicities.
Seeds = Callable[[Codes, Ints], Ints]


@dataclass(frozen=True)
class Shape:
    """The shape of a table of codes.

    Attributes:
        cards: (m,) values of each column with count ≥ k.
        tracked: (A,) row of each attribute in tables of pairs; −1 = not tracked.
    """

    cards: Ints
    tracked: np.ndarray

    @property
    def starts(self) -> Ints:
        """(m + 1,) first attribute of each column."""
        return starts_of(self.cards)

    @property
    def pairs(self) -> int:
        """T: attributes whose pairs are tracked."""
        return int(self.tracked.max(initial=-1)) + 1

    def common(self, values: pa.Array | pa.ChunkedArray) -> Codes:
        """(n, m) codes as they travelled, rare values absent."""
        codes = unpack_codes(values, len(self.cards))
        return np.where(codes > self.cards, np.uint16(0), codes).astype(np.uint16)


class Cut(NamedTuple):
    """How a table is cut: the top of each group of seeds, its leaves numbered as the parts, and what each part does."""

    tops: Sequence[Node]
    parts: Sequence[Part]


def grow(codes: DataFrame, shape: Shape, cut: Cut, seeds: Seeds, growth: Growth, key: int) -> DataFrame:
    """Send rows and seeds to the parts, and grow the records of each.

    Args:
        codes: one row a distinct record: ``record``, ``multiplicity``.
        shape: the table's shape.
        cut: how it is cut into parts.
        seeds: how many seeds a record is, over all groups.
        growth: how to grow.
        key: of the deal of seeds to groups.

    Returns:
        One row a record and part: ``record``, ``copies``.
    """
    starts, cards, (tops, parts) = shape.starts, shape.cards, cut

    def send(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            records, weights = shape.common(batch["record"]), unpack_weights(batch["multiplicity"])
            dealt = deal(seeds(records, weights), hash_rows(records, np.uint64(key)), len(tops))
            for group, top in enumerate(tops):
                for part, rows, copies in route(top, records, starts, dealt.to_group(group)):
                    sent = [np.full(rows.size, part, np.int32), pack_codes(records[rows]), weights[rows], copies]
                    yield pa.RecordBatch.from_arrays([pa.array(column) for column in sent], names=_SENT_NAMES)

    def grow_one(table: pa.Table) -> pa.Table:
        part, records = parts[table["part"][0].as_py()], unpack_codes(table["record"], len(cards))
        weights, copies = unpack_weights(table["multiplicity"]), unpack_weights(table["copies"])
        grown, counts = grow_part(records, weights, copies, cards, part, growth)
        return pa.table([pack_codes(grown), pa.array(counts)], names=["record", "copies"])

    sent = codes.mapInArrow(send, _SENT).repartitionById(max(1, len(parts)), "part")  # a hash would put some together
    return sent.groupBy("part").applyInArrow(grow_one, GROWN)


def count_nodes(codes: DataFrame, shape: Shape, paths: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], Counts]:
    """Count, over the rows that hold each path, the distinct records and the weight of every attribute."""
    starts = shape.starts

    def vectors(records: Codes, weights: Ints) -> list[Ints]:
        counted = []
        for path in paths:
            rows = holding(path, records, starts)
            present = records[rows] > 0
            attributes = (records[rows] + (starts[:-1] - 1))[present]
            repeated = np.broadcast_to(weights[rows][:, None], present.shape)[present]
            counted += [
                np.bincount(attributes, minlength=starts[-1]),
                np.bincount(attributes, repeated, starts[-1]).astype(np.int64),
            ]
        return counted

    sums = _add_up(codes, "multiplicity", shape, vectors)
    return {path: Counts(sums[2 * at], sums[2 * at + 1]) for at, path in enumerate(paths)}


def count_pairs(frame: DataFrame, weight: str, shape: Shape) -> tuple[Ints, Ints]:
    """Count (A,) attributes, and (T, T) pairs of those that are tracked, in records weighted by a column."""
    starts, size, tracked = shape.starts, shape.pairs, shape.tracked

    def vectors(records: Codes, weights: Ints) -> list[Ints]:
        present = records > 0
        repeated = np.broadcast_to(weights[:, None], present.shape)[present]
        attributes = (records + (starts[:-1] - 1))[present]
        singles = np.bincount(attributes, repeated, starts[-1]).astype(np.int64)
        return [singles, pair_counts(records, weights, starts, tracked, size).ravel()]

    none = [np.zeros(starts[-1], np.int64), np.zeros(size * size, np.int64)]
    singles, pairs = _add_up(frame, weight, shape, vectors) or none
    return singles, pairs.reshape(size, size)


def _add_up(frame: DataFrame, weight: str, shape: Shape, vectors: Callable[[Codes, Ints], list[Ints]]) -> list[Ints]:
    """Sum vectors that are computed block by block, over all blocks; no vectors where there are no blocks."""

    def add_block(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        sums: list[Ints] = []
        for batch in batches:
            totals = vectors(shape.common(batch["record"]), unpack_weights(batch[weight]))
            sums = [a + b for a, b in zip(sums, totals, strict=True)] if sums else totals
        if sums:
            numbers = pa.array(np.arange(len(sums), dtype=np.int32))
            yield pa.RecordBatch.from_arrays([numbers, pack_ints(sums)], names=["vector", "sums"])

    def add(table: pa.Table) -> pa.Table:
        total = np.sum([unpack_ints(value) for value in table["sums"]], axis=0)
        return pa.table([table["vector"].slice(0, 1), pack_ints([total])], names=["vector", "sums"])

    schema = "vector int, sums binary"
    partial = frame.select("record", weight).mapInArrow(add_block, schema)
    totals = partial.groupBy("vector").applyInArrow(add, schema).toArrow().sort_by("vector")
    return [unpack_ints(value) for value in totals["sums"]]


def key_of_part(seed: int, round_: int, group: int, path: tuple[int, ...] = ()) -> int:
    """The key of the random choices of a part: by where it is in the tree of its group, not by how large it is."""
    return derive(seed, "part", round_, group, *path)
