"""The recount: every published count, and every combination that should have one, counted once more from the text.

It works from strings, the records as read and the aggregates as written, with a dictionary, a numbering and a kernel of
its own: an error in encoding, in counting, in adding to an earlier run's counts or in decoding cannot hide in it. What
it imports of this package is named in `tests/test_layout.py`. Combinations of ≥ k records are made of attributes of
≥ k records, so these are looked for first, and records are counted by them alone. Counts of tasks are added bucket by
bucket, beside the published ones of the same bucket; what leaves a task are numbers of combinations.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.kernels.risk.recount import Counted, Ints, Items, Numbering, added, count_held, numbering, numbers_of
from synth_spark.validate.text_ids import Described, escaped, numbered, packed, places_of, unpacked, values_of

#: Attributes of records, and combinations in them, that a task counts at once.
_ITEMS, _VISITS, _MOST_VISITS = 1 << 22, 1 << 25, 1 << 30
#: Combinations that a task holds before it ships them (16 bytes each).
_HELD = 1 << 24
#: Up to so many tasks, records are counted where they are read: another shuffle would cost more than it saves.
FEW_TASKS = 2
#: Buckets of combinations: a prime, as numbers of combinations that are alike differ by multiples of others.
_BUCKETS = 61
#: Where the counts of a row come from.
_RECOUNTED, _PUBLISHED, _LOWERED = range(3)
#: What is found out: published combinations, and how many do not keep each rule.
FOUND = ("published", "above", "different", "missing", "length", "selections")
_SCHEMA = "bucket int, source int, numbers binary, counts binary, unknown bigint, length bigint, selections bigint"
_RECORD = ["record", "weight"]
_NAMES = ["bucket", "source", "numbers", "counts", "unknown", "length", "selections"]


_NOTHING = Counted(np.zeros(0, np.int64), np.zeros(0, np.int64))


class Attributes(NamedTuple):
    """The attributes that at least k records hold, by their place: column after column, values in order.

    Attributes:
        columns: what the columns are.
        values: of each column.
        k: fewest records.
    """

    columns: Sequence[Described]
    values: list[list[str]]
    k: int

    @property
    def starts(self) -> Ints:
        """The place of the first value of each column, and the number of all."""
        return np.concatenate([[0], np.cumsum([len(values) for values in self.values])]).astype(np.int64)

    @property
    def groups(self) -> list[int]:
        """How many attributes exclude each other: all of a column, but each by itself where a cell holds several."""
        of_columns = zip(self.columns, self.values, strict=True)
        return [size for column, own in of_columns for size in ([1] * len(own) if column.many else [len(own)])]


class Share(NamedTuple):
    """How the work is shared: so many ``tasks``, of so many ``items`` and combinations (``visits``) at a time."""

    tasks: int
    items: int = _ITEMS
    visits: int = _VISITS


def recount(
    records: DataFrame,
    aggregates: DataFrame,
    attributes: Attributes,
    longest: int,
    share: Share,
    lowered: DataFrame | None = None,
) -> pd.DataFrame:
    """Compare every published count with the number of records that hold the combination, rounded down.

    Args:
        records: the sensitive records as strings or lists of them, one row each.
        aggregates: as written: ``length``, the columns of the data, ``selections``, ``protected_count``.
        attributes: what `common_attributes` found.
        longest: R.
        share: how the work is shared.
        lowered: combinations whose counts were lowered by more than rounding, or that were withheld, in the form of
            ``aggregates``; ``protected_count`` is by how much. None: there are none.

    Returns:
        One row, of numbers of combinations: ``published``; ``above``: more is published than the number of records,
        rounded down to a multiple of k; ``different``: what is published, and what it was lowered by, are not that
        number; ``missing``: held by ≥ k records, of a length of 1…R, and neither published nor lowered; ``length``
        and ``selections``: which say something else than the columns.
    """
    k, numbers = attributes.k, numbering(attributes.groups, longest)
    sources = [_counted(records, attributes, numbers, share), _stated(aggregates, attributes, numbers, _PUBLISHED)]
    if lowered is not None:
        sources.append(_stated(lowered, attributes, numbers, _LOWERED))

    def compare(rows: pa.Table) -> pa.Table:
        return pa.table({name: [value] for name, value in _compared(rows, k).items()})

    schema = ", ".join(f"{name} bigint" for name in FOUND)
    found = reduce(DataFrame.unionAll, sources).groupBy("bucket").applyInArrow(compare, schema).toArrow()
    return pd.DataFrame([{name: pc.sum(found[name]).as_py() or 0 for name in FOUND}])


def common_attributes(records: DataFrame, columns: Sequence[Described], k: int) -> Attributes:
    """Count every value of the records, and collect those that at least k records hold.

    Args:
        records: the sensitive records as strings or lists of them, one row each.
        columns: what the columns are.
        k: fewest records.
    """

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for place, (column, cells) in enumerate(zip(columns, batch.columns, strict=True)):
                values, rows = values_of(cells, column)
                if column.many:  # a record that has a value twice holds it once
                    pairs = pa.table([values, pa.array(rows)], names=["value", "row"]).group_by(["value", "row"])
                    values = pairs.aggregate([])["value"].combine_chunks()
                counts = values.value_counts()
                own = pa.repeat(pa.scalar(place, pa.int32()), len(counts))
                arrays = [own, counts.field("values"), counts.field("counts")]
                yield pa.RecordBatch.from_arrays(arrays, names=["place", "value", "count"])

    counted = numbered(records).mapInArrow(count, "place int, value string, count bigint")
    common = counted.groupBy("place", "value").agg(F.sum("count").alias("count")).where(F.col("count") >= k)
    found = common.select("place", "value").toArrow().sort_by([("place", "ascending"), ("value", "ascending")])
    values: list[list[str]] = [[] for _ in columns]
    for place, value in zip(found["place"].to_pylist(), found["value"].to_pylist(), strict=True):
        values[place].append(value)
    return Attributes(columns, values, k)


def _counted(records: DataFrame, attributes: Attributes, numbers: Numbering, share: Share) -> DataFrame:
    """What each task counts by itself, bucket by bucket."""

    def identify(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        known = [pa.array(values, pa.string()) for values in attributes.values]
        for batch in batches:
            items, starts, _ = _items(batch.columns, attributes, known)
            ones = pa.array(np.ones(batch.num_rows, np.int64))
            yield from _merged([pa.RecordBatch.from_arrays([packed(items, starts), ones], names=_RECORD)])

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        held = _NOTHING
        for part in _parts(batches, numbers, share):
            held = added(held, part)
            if held.numbers.size > _HELD:
                yield _by_bucket(held, _RECOUNTED)
                held = _NOTHING
        yield _by_bucket(held, _RECOUNTED)

    if share.tasks <= FEW_TASKS:
        return numbered(records).mapInArrow(lambda batches: count(identify(batches)), _SCHEMA)
    identified = numbered(records).mapInArrow(identify, "record binary, weight bigint")
    return identified.repartition(share.tasks, "record").mapInArrow(count, _SCHEMA)


def _stated(rows: DataFrame, attributes: Attributes, numbers: Numbering, source: int) -> DataFrame:
    """What rows in the form of aggregates say, bucket by bucket; and how many cannot be numbered, or disagree."""
    width = len(attributes.columns)

    def state(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        known = [pa.array(values, pa.string()) for values in attributes.values]
        texts, order = _texts(attributes)
        for batch in batches:
            items, starts, valued = _items(batch.columns[1 : width + 1], attributes, known)
            length, counts = (_whole(batch.column(place)) for place in (0, width + 2))
            sizes = np.diff(starts)
            fit = (sizes == valued) & (sizes > 0) & (sizes <= numbers.longest) & (counts >= 0)
            said = batch.column(width + 1).cast(pa.string())
            same = pc.fill_null(pc.equal(_selections(items, starts, texts, order), said), False)
            wrong = ~fit, length != valued, fit & ~same.to_numpy(zero_copy_only=False)
            bounds = np.concatenate([[0], np.cumsum(sizes[fit])])
            stated = _in_order(bounds, items[np.repeat(fit, sizes)], counts[fit], numbers)
            yield _by_bucket(stated, source, [int(each.sum()) for each in wrong])

    return numbered(rows).mapInArrow(state, _SCHEMA)


def _items(cells: Sequence[pa.Array], attributes: Attributes, known: Sequence[pa.Array]) -> tuple[Items, Ints, Ints]:
    """What rows hold: places of attributes, ascending and different in each; where each begins; its number of values.

    Values that are not known have no place.
    """
    places, valued = [np.zeros(0, np.int64)], np.zeros(len(cells[0]), np.int64)
    total = max(1, int(attributes.starts[-1]))
    for column, array, values, start in zip(attributes.columns, cells, known, attributes.starts[:-1], strict=True):
        held, rows = values_of(array, column)
        place = places_of(held, values)
        places.append((rows * total + start + place)[place >= 0])
        valued += np.bincount(rows, minlength=valued.size)
    rows, items = np.divmod(np.unique(np.concatenate(places)), total)
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=valued.size))])
    return items.astype(np.int32), starts, valued


def _parts(batches: Iterator[pa.RecordBatch], numbers: Numbering, share: Share) -> Iterator[Counted]:
    """The counts of some records after the other, equal ones merged; together they are the counts of all.

    Parts are larger where their records hold the same combinations, as these are what takes room.
    """
    visits = float(share.visits)
    for records in _blocks(batches, share.items):
        items, starts = unpacked(records["record"], np.int32)
        weights, at = _whole(records["weight"]), 0
        before = np.concatenate([[0.0], np.cumsum(_combinations(np.diff(starts), numbers.longest))])
        while at < len(weights):
            end = max(at + 1, int(np.searchsorted(before, before[at] + visits, "right")) - 1)
            part = items[starts[at] : starts[end]]
            counted = count_held(starts[at : end + 1] - starts[at], part, weights[at:end], numbers)
            yield counted
            repeated = (before[end] - before[at]) / max(1, counted.numbers.size)
            visits, at = min(_MOST_VISITS, max(1.0, repeated) * share.visits), end


def _combinations(lengths: Ints, longest: int) -> npt.NDArray[np.float64]:
    """How many combinations of 1…``longest`` attributes a record of so many holds."""
    every = np.ones(len(lengths))
    found = np.zeros(len(lengths))
    for size in range(longest):
        every *= np.maximum(lengths - size, 0) / (size + 1)
        found += every
    return found


def _blocks(batches: Iterator[pa.RecordBatch], items: int) -> Iterator[pa.RecordBatch]:
    """Records, merged where they are equal, of up to so many attributes together, or of one batch more."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if _size(waiting) > items:
            waiting = _merged(waiting)
            if _size(waiting) > items // 2:
                yield from waiting
                waiting = []
    if waiting:
        yield from _merged(waiting)


def _size(records: Sequence[pa.RecordBatch]) -> int:
    """How many attributes records have together."""
    return sum(int(batch["record"].nbytes) for batch in records) // 4


def _merged(records: Sequence[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Records of which no two are equal: ``record``, and how many of the input each stands for, ``weight``."""
    merged = pa.Table.from_batches(records).group_by("record").aggregate([("weight", "sum")])
    batches: list[pa.RecordBatch] = merged.select(["record", "weight_sum"]).rename_columns(_RECORD).to_batches()
    return batches


def _in_order(starts: Ints, items: Items, counts: Ints, numbers: Numbering) -> Counted:
    """Combinations by number; one that is there twice stays so."""
    own = numbers_of(starts, items, numbers)
    order = np.argsort(own, kind="stable")
    return Counted(own[order], counts[order])


def _by_bucket(counted: Counted, source: int, wrong: Sequence[int] = (0, 0, 0)) -> pa.RecordBatch:
    """A row a bucket with its numbers and counts; the first one also says how many rows are wrong, and how."""
    of = (counted.numbers % _BUCKETS).astype(np.uint16)
    order = np.argsort(of, kind="stable")
    sizes = np.bincount(of, minlength=_BUCKETS)
    buckets = np.flatnonzero((sizes > 0) | (np.arange(_BUCKETS) == 0))
    starts = np.concatenate([[0], np.cumsum(sizes[buckets])])
    vectors = [packed(each[order], starts) for each in counted]
    sums = [pa.array(np.where(buckets == 0, number, 0)) for number in wrong]
    arrays = [pa.array(buckets.astype(np.int32)), pa.array(np.full(len(buckets), source, np.int32)), *vectors, *sums]
    return pa.RecordBatch.from_arrays(arrays, names=_NAMES)


def _compared(rows: pa.Table, k: int) -> dict[str, int]:
    """The numbers of `recount` for the combinations of one bucket."""
    of = {source: rows.filter(pc.equal(rows["source"], source)) for source in (_RECOUNTED, _PUBLISHED, _LOWERED)}
    held, exact = _summed(of[_RECOUNTED])
    published, lowered = _summed(of[_PUBLISHED]), _summed(of[_LOWERED])
    stated = np.union1d(published[0], lowered[0])
    should, says, less = (_looked_up(stated, *each) for each in ((held, exact // k * k), published, lowered))
    unknown = {source: pc.sum(part["unknown"]).as_py() or 0 for source, part in of.items()}
    return {
        "published": len(published[0]) + unknown[_PUBLISHED],
        "above": int((says > should).sum()) + unknown[_PUBLISHED],
        "different": int((says + less != should).sum()) + sum(unknown.values()),
        "missing": int((~np.isin(held[exact >= k], stated)).sum()),
        **{name: pc.sum(of[_PUBLISHED][name]).as_py() or 0 for name in ("length", "selections")},
    }


def _summed(rows: pa.Table) -> tuple[Ints, Ints]:
    """The combinations of some rows, ascending, and their counts added up."""
    numbers, counts = (unpacked(rows[name], np.int64)[0] for name in ("numbers", "counts"))
    order = np.argsort(numbers, kind="stable")
    numbers, counts = numbers[order], counts[order]
    firsts = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]])[: len(numbers)])
    return numbers[firsts], np.add.reduceat(counts, firsts) if len(firsts) else counts


def _looked_up(wanted: Ints, numbers: Ints, counts: Ints) -> Ints:
    """The counts of combinations, 0 for those that are not there."""
    places = np.searchsorted(numbers, wanted)
    there = np.append(numbers, -1)[places] == wanted
    found: Ints = np.where(there, np.append(counts, 0)[places], 0)
    return found


def _texts(attributes: Attributes) -> tuple[pa.Array, Ints]:
    """What attributes are called in texts of combinations, in byte order, and each attribute's place in that order."""
    texts = [
        f"{escaped(column.name)}:{escaped(value)}".encode()
        for column, values in zip(attributes.columns, attributes.values, strict=True)
        for value in values
    ]
    by_text = sorted(range(len(texts)), key=texts.__getitem__)
    places = np.zeros(len(texts), np.int64)
    places[by_text] = np.arange(len(texts))
    return pa.array([texts[place] for place in by_text], pa.binary()).cast(pa.string()), places


def _selections(items: Items, starts: Ints, texts: pa.Array, order: Ints) -> pa.Array:
    """The texts of combinations: those of their attributes in byte order, joined by semicolons."""
    rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    places = np.sort(rows * max(1, len(texts)) + order[items]) % max(1, len(texts))
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(starts, pa.int32()), texts.take(pa.array(places))), ";")


def _whole(numbers: pa.Array) -> Ints:
    """Whole numbers; −1 where one is missing."""
    found: Ints = pc.fill_null(numbers, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return found
