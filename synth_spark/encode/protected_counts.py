"""Counts as k-anonymity publishes them, from exact ones: rounded down to a multiple of k, a few lowered further.

Suppression, rounding and lowering are one subtraction here, so whoever needs a published count computes the same one.
"""

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.kernels.arrow_codec import unpack_ints
from synth_spark.kernels.cells import Ints
from synth_spark.kernels.deduction.lattice import Lattice, lattice_of
from synth_spark.plan.planner import ResolvedPlan


def protect(counts: Ints, k: int) -> Ints:
    """Round counts down to a multiple of k; what is below k becomes 0.

    >>> protect(np.array([9, 10, 39]), 10)
    array([ 0, 10, 30])
    """
    return counts // k * k


def with_lowered(counts: DataFrame, lowered: DataFrame) -> DataFrame:
    """Exact counts, one row a bucket, beside what of them is lowered: ``lowered_cells``, ``lowered_counts``, or null.

    Args:
        counts: see `combinations.count`.
        lowered: see `aggregate.lowered_counts`.
    """
    beside = lowered.selectExpr("bucket", "cells AS lowered_cells", "counts AS lowered_counts")
    return counts.join(F.broadcast(beside), "bucket", "left")


def published_counts(rows: pa.Table | pa.RecordBatch, row: int, k: int) -> Ints:
    """Counts of a bucket as they are published: 0 for what is not.

    Args:
        rows: of `with_lowered`; or of counts of which none is lowered.
        row: which of them.
        k: privacy resolution.
    """
    counts = protect(unpack_ints(rows["counts"][row]), k)
    if "lowered_cells" in rows.schema.names and rows["lowered_cells"][row].is_valid:
        cells, lowered = unpack_ints(rows["cells"][row]), unpack_ints(rows["lowered_cells"][row])
        counts[np.searchsorted(cells, lowered)] -= unpack_ints(rows["lowered_counts"][row])
    return counts


def published_lattice(rows: pa.Table, resolved: ResolvedPlan) -> tuple[Lattice, Ints]:
    """All that is published, as a lattice, with what is withheld (0 units); and the cells of its combinations.

    Args:
        rows: buckets, all of them; see `published_counts`.
        resolved: k, the published number of records and the numbering of cells.
    """
    k, parts = resolved.k, []
    for row in range(rows.num_rows):
        common = np.flatnonzero(unpack_ints(rows["counts"][row]) >= k)
        parts.append((unpack_ints(rows["cells"][row])[common], published_counts(rows, row, k)[common] // k))
    none = np.zeros(0, np.int64)
    cells, units = (np.concatenate([none, *some]) for some in (list(zip(*parts, strict=True)) or [(), ()]))
    order = np.argsort(cells)
    return lattice_of(resolved.cells, cells[order], units[order], resolved.protected_records // k), cells[order]
