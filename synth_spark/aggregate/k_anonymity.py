"""k-anonymity of counts: combinations below k are suppressed, the others rounded down to a multiple of k.

Selection texts, the order of rows and the files that they are in depend on published content alone.
"""

from collections.abc import Iterator, Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.encode.protected_counts import published_counts
from synth_spark.kernels.arrow_codec import pack_codes, unpack_codes, unpack_ints
from synth_spark.kernels.cells import Ints, starts_of
from synth_spark.plan.planner import ResolvedPlan, number_of_cells
from synth_spark.schema.domain import Domain
from synth_spark.schema.fields import escaped
from synth_spark.schema.published_columns import NOISY_COLUMNS
from synth_spark.schema.sql_text import quoted
from synth_spark.schema.tables import AGGREGATES, NOISY_AGGREGATES, Kept, SafeTable

#: Rows of an Arrow batch of combinations, and values of one of wide rows, sent back to Spark.
_BATCH, _VALUES = 50_000, 2_000_000
#: Combinations of a part, which one task sorts and writes: fewer are not worth another pass over the counts.
SORTED = 1 << 17
#: Significant bits of the counts that parts are cut between.
_BITS = 5
#: A combination while it is sorted: its columns and codes, packed, instead of one column for each of the input's.
_NARROW = ["length", "columns", "codes", "selections", "protected_count"]
_NARROW_SCHEMA = "length int, columns binary, codes binary, selections string, protected_count bigint"
_NOISY_SCHEMA = ", standard_error double, low bigint, high bigint"
_WITHIN = NormalDist().inv_cdf(0.975)


def aggregates(counts: DataFrame, domain: Domain, resolved: ResolvedPlan) -> DataFrame:
    """The protected aggregates.

    Args:
        counts: one row a bucket: ``cells``, ``counts`` (see `combinations.count`), perhaps beside what of them is
            lowered (see `with_lowered`); with noise also ``errors``.
        domain: the table's domain.
        resolved: k, R and the numbering of cells.

    Returns:
        One row a published combination: ``length``; one column for each of the input's, holding the combination's
        value there (or its values) or null; ``selections``, its text in SDS's order; ``protected_count``, a multiple of
        k; with noise (and k = 1) also ``standard_error``, ``low`` and ``high``. Sorted by length, falling count and
        text, from partition to partition as well.
    """
    cuts = _cuts(counts, domain, resolved)
    texts, order = selection_texts(domain, resolved.k)
    starts = starts_of(domain.common(resolved.k))
    k, space = resolved.k, resolved.cells

    def decode(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        bounds = space.length_bounds()
        for batch in batches:
            for row in range(batch.num_rows):
                cells, protected = unpack_ints(batch["cells"][row]), published_counts(batch, row, k)
                common = protected > 0
                cells, protected = cells[common], protected[common]
                errors = np.frombuffer(batch["errors"][row].as_buffer(), "<f8")[common] if noisy else None
                ends = np.searchsorted(cells, bounds)
                for length in range(1, space.max_length + 1):
                    for at in range(ends[length - 1], ends[length], _BATCH):
                        part = slice(at, min(at + _BATCH, ends[length]))
                        columns, codes = space.decode(cells[part], length)
                        decoded = narrow_rows(columns, codes, protected[part], starts, texts, order)
                        decoded = decoded if errors is None else _with_errors(decoded, errors[part])
                        place = np.searchsorted(cuts, ranks_of(length, protected[part]), "right").astype(np.int32)
                        yield decoded.append_column("part", pa.array(place))

    def widen(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for at in range(0, batch.num_rows, most):
                yield wide_rows(domain, batch.slice(at, most))

    noisy = "errors" in counts.columns
    more = _NOISY_SCHEMA if noisy else ""
    most = max(1, _VALUES // len(domain.columns))
    wide = ", ".join(f"{quoted(field.name)} {field.type}" for field in domain.fields)
    sorting = [F.col("length"), F.col("protected_count").desc(), F.col("selections")]
    narrow = counts.mapInArrow(decode, f"{_NARROW_SCHEMA}{more}, part int").repartitionById(len(cuts) + 1, "part")
    return (
        narrow.drop("part")
        .sortWithinPartitions(*sorting)
        .mapInArrow(widen, f"length int, {wide}, selections string, protected_count bigint{more}")
    )


def vouch(kept: Kept) -> SafeTable:
    """Declare the kept aggregates fit to leave: they were made by `aggregates` from counts ≥ k, or from noisy ones."""
    if kept.table not in (AGGREGATES, NOISY_AGGREGATES):
        raise TypeError(f"aggregate does not make {kept.table.name}")
    return SafeTable(kept)


def attribute_texts(domain: Domain, numbers: Sequence[int] | Ints) -> list[str]:
    """Texts ``Header:value`` of the first so many values of each column, column after column; see `selection_texts`."""
    return [
        f"{escaped(column.name)}:{escaped(value)}"
        for column, number in zip(domain.columns, numbers, strict=True)
        for value in column.values[:number]
    ]


def selection_texts(domain: Domain, k: int) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """Texts ``Header:value`` of the common attributes in byte order, and each attribute's place in that order.

    ``;`` and ``:`` inside headers and values are written ``<semicolon>`` and ``<colon>``, as SDS does; a ``<`` that
    begins such a word already is written ``<lt>``, so different attributes have different texts.
    """
    texts = attribute_texts(domain, domain.common(k))
    by_text = sorted(range(len(texts)), key=lambda index: texts[index].encode())
    place = np.empty(len(texts), np.int64)
    place[by_text] = np.arange(len(texts))
    return pa.array([texts[index] for index in by_text], pa.string()), place


def _cuts(counts: DataFrame, domain: Domain, resolved: ResolvedPlan) -> Ints:
    """Where the sorted combinations are cut into parts of about the same size: ascending `ranks_of`, perhaps none.

    What leaves a task are numbers of combinations by length and count, so cuts are the same in every run. Whether there
    are any is decided by published values and counts alone: a part is a file.
    """
    k, space = resolved.k, resolved.cells
    if number_of_cells(tuple(domain.common(k).tolist()), space.max_length) <= SORTED:
        return np.zeros(0, np.int64)

    def count_ranks(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        bounds = space.length_bounds()
        for batch in batches:
            for row in range(batch.num_rows):
                cells, protected = unpack_ints(batch["cells"][row]), published_counts(batch, row, k)
                common = protected > 0
                lengths = np.searchsorted(bounds, cells[common], "right")
                ranks, many = np.unique(ranks_of(lengths, protected[common]), return_counts=True)
                yield pa.RecordBatch.from_arrays([pa.array(ranks), pa.array(many)], names=["rank", "many"])

    by_rank = (
        counts.mapInArrow(count_ranks, "rank bigint, many bigint").groupBy("rank").agg(F.sum("many").alias("many"))
    )
    sums = by_rank.toArrow().sort_by("rank")
    ranks, before = sums["rank"].to_numpy(), np.cumsum(sums["many"].to_numpy())
    parts = -(-int(before[-1]) // SORTED) if before.size else 1
    ends = before[-1:] * np.arange(1, parts) // parts
    begins = np.unique(ranks[np.searchsorted(before, ends, "right")])
    cuts: Ints = begins[begins > ranks[:1]]  # what the first part begins with cuts nothing off
    return cuts


def ranks_of(lengths: Ints | int, protected: Ints) -> Ints:
    """Numbers that rise as lengths do and, within a length, as counts fall, of which few bits matter."""
    spare = np.maximum(np.frexp(protected.astype(np.float64))[1] - _BITS, 0).astype(np.int64)
    ranks: Ints = np.asarray(lengths, np.int64) * (1 << 48) - (protected >> spare << spare)
    return ranks


def narrow_rows(
    columns: Ints, codes: Ints, protected: Ints, starts: Ints, texts: pa.Array, order: Ints
) -> pa.RecordBatch:
    """Combinations of one length, (n, length) columns and codes, with their texts: attributes in byte order."""
    places = np.sort(order[starts[columns] + codes - 1], axis=1)
    parts = [texts.take(pa.array(places[:, position])) for position in range(columns.shape[1])]
    selections = pc.binary_join_element_wise(*parts, ";") if len(parts) > 1 else parts[0]
    packed = [pack_codes(array.astype(np.uint16)) for array in (columns, codes)]
    arrays = [pa.array(np.full(len(columns), len(parts), np.int32)), *packed, selections, pa.array(protected)]
    return pa.RecordBatch.from_arrays(arrays, names=_NARROW)


def wide_rows(domain: Domain, narrow: pa.RecordBatch) -> pa.RecordBatch:
    """Rows with one column for each of the input's."""
    codes = np.zeros((narrow.num_rows, len(domain.columns)), np.uint16)
    lengths = narrow["length"].to_numpy()
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        chosen = narrow.take(pa.array(rows))
        columns = unpack_codes(chosen["columns"], length)
        codes[rows[:, None], columns] = unpack_codes(chosen["codes"], length)
    counted = narrow.schema.names[_NARROW.index("selections") :]
    arrays = [narrow["length"], *domain.decode(codes), *(narrow[name] for name in counted)]
    return pa.RecordBatch.from_arrays(arrays, names=["length", *domain.names, *counted])


def _with_errors(narrow: pa.RecordBatch, errors: npt.NDArray[np.float64]) -> pa.RecordBatch:
    """Rows with the standard errors of their counts, and 95 % intervals, in whole records."""
    counts, reach = narrow["protected_count"].to_numpy(), _WITHIN * errors
    low, high = np.maximum(np.floor(counts - reach), 0), np.ceil(counts + reach)
    arrays = [pa.array(errors), pa.array(low.astype(np.int64)), pa.array(high.astype(np.int64))]
    return pa.RecordBatch.from_arrays([*narrow.columns, *arrays], names=[*narrow.schema.names, *NOISY_COLUMNS])
