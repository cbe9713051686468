"""Combinations that differential privacy releases, with counts that agree: one form for all that follows."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from synth_spark.encode.combinations import bucket_bounds
from synth_spark.kernels.arrow_codec import pack_ints
from synth_spark.kernels.cells import CellSpace, Ints, starts_of
from synth_spark.kernels.marginals.consistency import Estimates, Floats
from synth_spark.plan import DifferentialPrivacy
from synth_spark.privacy import threshold
from synth_spark.schema.domain import Domain

_SCHEMA = "bucket int, cells binary, counts binary, errors binary"


@dataclass(frozen=True)
class Released:
    """Combinations that may be published.

    Attributes:
        starts: (m + 1,) first attribute of each column.
        rows: for lengths 1, 2, …: (n, length) attributes, ascending in a row.
        counts: for each length (n,) counts > 0, that agree with each other.
        errors: for each length (n,) standard errors of the counts.
        caps: for each length, how many combinations of one subject were counted at most; none if there was no need.
        records: number of records, as noise lets it be known.
    """

    starts: Ints
    rows: list[Ints]
    counts: list[Ints]
    errors: list[Floats]
    caps: tuple[int, ...]
    records: int


def from_estimates(estimates: Estimates, domain: Domain, whole: list[bool], terms: DifferentialPrivacy) -> Released:
    """The singles and pairs of estimated tables, but those that are no more than noise.

    Args:
        estimates: tables that agree.
        domain: the released one.
        whole: for every column, whether it is never absent.
        terms: of privacy.
    """
    starts = starts_of(np.array(domain.cards, np.int64))
    absent = [1 - int(never) for never in whole]  # places before the first value
    ones = np.concatenate([table[skip:] for table, skip in zip(estimates.ones, absent, strict=True)])
    one_errors = np.concatenate([table[skip:] for table, skip in zip(estimates.one_errors, absent, strict=True)])
    there = np.rint(ones) > 0
    rows, counts, errors = (
        [np.flatnonzero(there)[:, None]],
        [np.rint(ones[there]).astype(np.int64)],
        [one_errors[there]],
    )
    buckets: list[tuple[Ints, Ints, Floats]] = []
    for (i, j), table in estimates.pairs.items():
        inside = table[absent[i] :, absent[j] :]
        error = estimates.pair_errors[i, j][absent[i] :, absent[j] :]
        least = threshold(terms, 1.0, 2, 2) * error if 2 not in terms.thresholds else terms.thresholds[2]
        a, b = np.nonzero((np.rint(inside) > 0) & (inside > least))
        both = there[starts[i] + a] & there[starts[j] + b]
        a, b = a[both], b[both]
        pair = np.stack([starts[i] + a, starts[j] + b], axis=1)
        buckets.append((pair, np.rint(inside[a, b]).astype(np.int64), error[a, b]))
    if buckets:
        rows.append(np.concatenate([pair for pair, _, _ in buckets]))
        counts.append(np.concatenate([own for _, own, _ in buckets]))
        errors.append(np.concatenate([error for _, _, error in buckets]))
    return Released(starts, rows, counts, errors, (), round(estimates.total))


def cells_of(space: CellSpace, starts: Ints, rows: Ints) -> Ints:
    """The cells of combinations given as (n, length) attributes, ascending in a row."""
    columns = np.searchsorted(starts, rows, side="right") - 1
    cards = np.array(space.cards, np.int64)
    keys = np.zeros(len(rows), np.int64)
    for place in range(rows.shape[1]):
        keys = keys * cards[columns[:, place]] + rows[:, place] - starts[columns[:, place]]
    return space.first_cells(columns) + keys


def counts_frame(spark: SparkSession, released: Released, space: CellSpace) -> DataFrame:
    """Released counts in the form of counted ones.

    Returns:
        One row a bucket of column tuples: ``bucket``, ``cells`` (ascending), ``counts``, ``errors`` (their standard
        errors).
    """
    cells = np.concatenate([cells_of(space, released.starts, own) for own in released.rows])
    counts, errors = np.concatenate(released.counts), np.concatenate(released.errors)
    order = np.argsort(cells)
    cells, counts, errors = cells[order], counts[order], errors[order]
    cuts = np.searchsorted(cells, bucket_bounds(space))
    parts = [(number, slice(low, high)) for number, (low, high) in enumerate(pairwise(cuts)) if high > low]
    table = pa.table(
        [
            pa.array([number for number, _ in parts], pa.int32()),
            pack_ints([cells[part] for _, part in parts]),
            pack_ints([counts[part] for _, part in parts]),
            pa.array([np.ascontiguousarray(errors[part], "<f8").tobytes() for _, part in parts], pa.binary()),
        ],
        names=["bucket", "cells", "counts", "errors"],
    )
    return spark.createDataFrame(table, _SCHEMA)
