"""Published counts beside those of earlier releases: each follows its exact value in steps of k people or more.

What is compared are combinations of values, which other releases number otherwise, or do not have. So all of them are
numbered once more, over the values that are common now or were published (`numbering`), and looked at in one task
(`kernels.deduction.steps`). See `docs/series.md`.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from synth_spark.aggregate.k_anonymity import attribute_texts
from synth_spark.encode.combinations import bucket_bounds, bucketed
from synth_spark.kernels.arrow_codec import pack_ints, unpack_ints
from synth_spark.kernels.cell_translation import Translation, with_parts
from synth_spark.kernels.cells import CellSpace, Ints, starts_of
from synth_spark.kernels.deduction.lattice import lattice_of
from synth_spark.kernels.deduction.steps import Steps, wanted_units
from synth_spark.schema.domain import Domain
from synth_spark.schema.fields import escaped

#: Share of the counts, at most, that steps may take away; of tables of thousands of records some thousandths go.
_MOST_LOST = 0.05
#: Whose counts a row holds: those of the records now, what they were when they last changed, of each earlier release.
_NOW, _ANCHORS = -2, -1
#: What a row of `stepped` tells.
LOWERED, MOVED, RECORDS = "lowered", "moved", "records"
_SIDES = "side int, cells binary, counts binary"
_STEPPED = "kind string, bucket int, cells binary, counts binary"
_COUNTS = "bucket int, cells binary, counts binary"


class Numbering(NamedTuple):
    """A numbering of combinations of attributes that are known by their texts.

    Attributes:
        space: the cells.
        texts: ``Header:value`` of each attribute, column after column; see `aggregate.k_anonymity.selection_texts`.
    """

    space: CellSpace
    texts: tuple[str, ...]

    def translation(self, other: "Numbering") -> Translation:
        """From this numbering to another one."""
        places = {text: place for place, text in enumerate(other.texts)}
        found = np.array([places.get(text, -1) for text in self.texts], np.int64)
        columns, codes = other.attributes
        there = found >= 0
        return Translation(
            self.space, other.space, np.where(there, columns[found], -1), np.where(there, codes[found], 0)
        )

    @property
    def attributes(self) -> tuple[Ints, Ints]:
        """(attributes,) column and code of each attribute."""
        cards = np.array(self.space.cards, np.int64)
        columns = np.repeat(np.arange(len(cards)), cards)
        return columns, np.arange(len(columns)) - starts_of(cards)[columns] + 1


class Release(NamedTuple):
    """An earlier release.

    Attributes:
        records: its published number of records.
        aggregates: one row a published combination: ``length``, ``selections``, ``protected_count``.
    """

    records: int
    aggregates: DataFrame


class Side(NamedTuple):
    """Exact counts of a domain.

    Attributes:
        records: their number.
        counts: one row a bucket: ``cells``, ``counts``.
        domain: what is numbered.
        rare: texts of values that have no column of their own in the domain, and how many records hold them.
    """

    records: int
    counts: DataFrame
    domain: Domain
    rare: Mapping[str, int] = MappingProxyType({})


def numbering_of(domain: Domain, longest: int) -> Numbering:
    """The numbering of the combinations of a domain."""
    return Numbering(CellSpace(domain.cards, longest), tuple(attribute_texts(domain, domain.cards)))


def shared_numbering(domain: Domain, k: int, longest: int, published: Sequence[str]) -> Numbering:
    """A numbering of all values that are common now or were published.

    Args:
        domain: what is counted now.
        k: privacy resolution.
        longest: R.
        published: texts of attributes that earlier releases published.
    """
    fields = {escaped(field.name): field for field in domain.fields}
    common = attribute_texts(domain, domain.common(k))
    columns: dict[tuple[str, str], list[str]] = {}
    for text in sorted({*common, *published}):
        header = text.split(":", 1)[0]
        columns.setdefault((header, text if fields[header].many else ""), []).append(text)
    texts = [text for own in columns.values() for text in own]
    return Numbering(CellSpace(tuple(map(len, columns.values())), min(longest, len(columns))), tuple(texts))


def stepped(
    now: Side, anchors: Side, releases: Sequence[Release], shared: Numbering, k: int, longest: int
) -> DataFrame:
    """Find what is published of each combination beside earlier releases.

    Args:
        now: exact counts of all records.
        anchors: of each combination, the exact count when what is published of it was last changed.
        releases: earlier releases, the last one last; all of the same k, R and columns.
        shared: see `shared_numbering`; perhaps of fewer columns than R, where others have no common value.
        k: privacy resolution.
        longest: R, to which exact counts are numbered.

    Returns:
        Rows: ``kind``, ``bucket``, ``cells`` (ascending, of the domain now), ``counts``. Of ``lowered`` by how much a
        count is lowered beyond rounding; of ``moved`` the exact counts of those that are published otherwise than in
        the last release; of ``records``, one row, what is published of the number of records, or −1, and nothing else,
        where more than a twentieth of the counts would be lost.
    """
    own = numbering_of(now.domain, longest)
    sides = [
        _coded(now.counts, own.translation(shared), _NOW),
        _coded(anchors.counts, numbering_of(anchors.domain, longest).translation(shared), _ANCHORS),
        *(_told(release.aggregates, shared, number) for number, release in enumerate(releases)),
    ]
    back, bounds = shared.translation(own), bucket_bounds(own.space)
    records = (now.records, anchors.records, [release.records // k for release in releases])
    floors = np.array([anchors.rare.get(text, 0) for text in shared.texts], np.int64)

    def choose(table: pa.Table) -> pa.Table:
        cells, exact, latest, units = _chosen(table, records, floors, shared.space, k)
        if units is None:
            return _number(-1)
        lowered, moved = exact // k - units, units != latest
        parts = [_number(int(units[-1]) * k)]
        for kind, chosen, values in ((LOWERED, lowered > 0, lowered * k), (MOVED, moved, exact)):
            chosen = chosen[:-1] & (exact[:-1] > 0)
            places, known = back.cells(cells[chosen])
            parts.append(_by_bucket(kind, places[known], values[:-1][chosen][known], bounds))
        return pa.concat_tables(parts)

    return reduce(DataFrame.unionAll, sides).groupBy().applyInArrow(choose, _STEPPED)


def anchors_after(anchors: Side, domain: Domain, longest: int, moved: DataFrame) -> DataFrame:
    """Of each combination, the exact count when what is published of it was last changed, after a step.

    Args:
        anchors: the same before.
        domain: what is counted now.
        longest: R.
        moved: rows of `stepped` of combinations that are published otherwise now.

    Returns:
        One row a bucket: ``bucket``, ``cells`` (ascending), ``counts``.
    """
    own = numbering_of(domain, longest)
    there, bounds = numbering_of(anchors.domain, longest).translation(own), bucket_bounds(own.space)

    def move(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for cells, counts in _vectors(batch):
                places, known = there.cells(cells)
                yield from _by_bucket("", places[known], counts[known], bounds).to_batches()

    def replace(table: pa.Table) -> pa.Table:
        parts = [list(_vectors(table.filter(pc.equal(table["kind"], kind)))) for kind in ("", MOVED)]
        cells, counts = (np.concatenate([pair[at] for part in parts for pair in part]) for at in (0, 1))
        order = np.argsort(cells, kind="stable")
        last = np.append(np.diff(cells[order]) > 0, True)  # what moved comes last
        packed = [pack_ints([cells[order][last]]), pack_ints([counts[order][last]])]
        return pa.table([table["bucket"].slice(0, 1), *packed], names=["bucket", "cells", "counts"])

    before = anchors.counts.select("cells", "counts").mapInArrow(move, _STEPPED)
    return before.unionAll(moved).groupBy("bucket").applyInArrow(replace, _COUNTS)


def _chosen(
    table: pa.Table, records: tuple[int, int, Sequence[int]], floors: Ints, space: CellSpace, k: int
) -> tuple[Ints, Ints, Ints, Ints | None]:
    """Cells, and (N + 1,) exact counts, units of the last release, and units that may be published now, if any."""
    sides: dict[int, list[tuple[Ints, Ints]]] = {}
    for batch in table.to_batches():
        for side, pair in zip(batch["side"].to_pylist(), _vectors(batch), strict=True):
            sides.setdefault(side, []).append(pair)

    def joined(side: int) -> tuple[Ints, Ints]:
        some = sides.get(side, [])
        cells, counts = (np.concatenate([np.zeros(0, np.int64), *(pair[at] for pair in some)]) for at in (0, 1))
        order = np.argsort(cells)
        return cells[order], counts[order]

    now = joined(_NOW)
    released = [joined(number) for number in range(len(records[2]))]
    cells = with_parts(space, np.concatenate([now[0][now[1] >= k], *(some[0] for some in released)]))

    def laid_out(side: tuple[Ints, Ints], total: int) -> Ints:
        places, counts = np.searchsorted(side[0], cells), np.zeros(len(cells) + 1, np.int64)
        here = np.append(side[0], -1)[places] == cells
        counts[:-1][here], counts[-1] = side[1][places[here]], total
        return counts

    lattice = lattice_of(space, cells, np.zeros(len(cells), np.int64), 0)
    exact, anchors = laid_out(now, records[0]), laid_out(joined(_ANCHORS), records[1])
    # of what had no column nothing was counted but the value: no more records can have held it
    anchors = np.maximum(anchors, np.append(floors, 0)[lattice.attributes].max(axis=1))
    earlier = [laid_out((some[0], some[1] // k), total) for some, total in zip(released, records[2], strict=True)]
    wanted = wanted_units(exact, anchors, earlier[-1], k)
    return cells, exact, earlier[-1], Steps(lattice, k).units(wanted, earlier, _MOST_LOST)


def _coded(counts: DataFrame, there: Translation, side: int) -> DataFrame:
    """Counts of a domain in another numbering; what has no place there is left out."""

    def move(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for cells, counts in _vectors(batch):
                places, known = there.cells(cells)
                yield _side(side, places[known], counts[known])

    return counts.select("cells", "counts").mapInArrow(move, _SIDES)


def _told(aggregates: DataFrame, shared: Numbering, side: int) -> DataFrame:
    """Published counts in a numbering that has all their values."""
    columns, codes = shared.attributes
    there = Translation(shared.space, shared.space, columns, codes)
    texts = pa.array(shared.texts, pa.string())

    def number(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            lengths, counts = (batch[name].to_numpy().astype(np.int64) for name in ("length", "protected_count"))
            for length in np.unique(lengths):
                rows = np.flatnonzero(lengths == length)
                parts = pc.split_pattern(batch["selections"].take(pa.array(rows)), ";").flatten()
                attributes = pc.index_in(parts, value_set=texts).to_numpy(zero_copy_only=False).astype(np.int64)
                yield _side(side, there.combinations(attributes.reshape(len(rows), length)), counts[rows])

    return aggregates.select("length", "selections", "protected_count").mapInArrow(number, _SIDES)


def _side(side: int, cells: Ints, counts: Ints) -> pa.RecordBatch:
    arrays = [pa.array([side], pa.int32()), pack_ints([cells]), pack_ints([counts])]
    return pa.RecordBatch.from_arrays(arrays, names=["side", "cells", "counts"])


def _vectors(rows: pa.Table | pa.RecordBatch) -> Iterator[tuple[Ints, Ints]]:
    for cells, counts in zip(rows["cells"], rows["counts"], strict=True):
        yield unpack_ints(cells), unpack_ints(counts)


def _number(records: int) -> pa.Table:
    arrays = [pa.array([RECORDS]), pa.array([-1], pa.int32()), pack_ints([np.zeros(0, np.int64)])]
    return pa.table([*arrays, pack_ints([np.array([records])])], names=["kind", "bucket", "cells", "counts"])


def _by_bucket(kind: str, cells: Ints, counts: Ints, bounds: Ints) -> pa.Table:
    order = np.argsort(cells)
    rows = pa.Table.from_batches([bucketed(cells[order], counts[order], bounds)])
    return rows.add_column(0, "kind", pa.repeat(pa.scalar(kind), rows.num_rows))
