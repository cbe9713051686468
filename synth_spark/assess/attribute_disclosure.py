"""Attribute disclosure: what a release, or its source, says of everyone in a group that is large enough to be shown."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from synth_spark.encode import combinations
from synth_spark.kernels.arrow_codec import pack_ints, unpack_ints
from synth_spark.kernels.cells import CellSpace, Ints, starts_of
from synth_spark.kernels.counting.association import Floats, Singles
from synth_spark.kernels.risk.homogeneity import WithSecret, groups, with_secret
from synth_spark.schema.metrics import Metric

_SPLIT = "secret int, bucket int, cells binary, codes binary, counts binary"
_FIGURES = "secret int, length int, measure string, value double"
#: Figures that are not summed over buckets.
_TOGETHER: dict[str, Callable[[list[float]], float]] = {"least_diversity": min, "largest_closeness": max}
_NAMES = ("secret", "length", "measure", "value")


def homogeneity(
    counts: DataFrame, space: CellSpace, singles: Singles, secrets: dict[int, str], k: int, table: str
) -> list[Metric]:
    """Look at every group of at least k records that share a combination of up to R − 1 attributes.

    Args:
        counts: of combinations, one row a bucket.
        space: their cells.
        singles: single counts of the same records.
        secrets: sensitive columns that were declared: index → name.
        k: smallest group.
        table: what is looked at: sensitive or synthetic.

    Returns:
        For each secret column and length of the combination that a group shares: groups, those whose records all have
        one value (`revealed`), those with fewer than two values (`homogeneous`; all absent counts), the least
        l-diversity, and the mean and largest t-closeness.
    """
    if space.max_length < 2 or not secrets:
        return []
    bounds = combinations.bucket_bounds(space)
    starts = starts_of(np.array(space.cards, np.int64))
    shares = {
        secret: singles.counts[starts[secret] : starts[secret + 1]] / max(1, singles.records) for secret in secrets
    }

    def split(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for packed, numbers in zip(batch["cells"], batch["counts"], strict=True):
                for secret in secrets:
                    yield from _split(space, bounds, secret, unpack_ints(packed), unpack_ints(numbers))

    def look(key: tuple[pa.Scalar, ...], table: pa.Table) -> pa.Table:
        secret = key[0].as_py()
        return _looked(space, secret, table, shares[secret], k)

    parts = counts.select("cells", "counts").mapInArrow(split, _SPLIT)
    rows = parts.groupBy("secret", "bucket").applyInArrow(look, _FIGURES)
    return _finished(rows.toArrow().to_pylist(), secrets, table)  # some rows a secret and bucket


def _looked(space: CellSpace, secret: int, table: pa.Table, own: Floats, k: int) -> pa.Table:
    """Figures of the groups of one bucket, of each length."""
    cells, codes, numbers = (
        np.concatenate([unpack_ints(value) for value in table[name]]) for name in ("cells", "codes", "counts")
    )
    whole = codes == 0
    rows: list[tuple[int, int, str, float]] = []
    length = np.searchsorted(space.length_bounds(), cells, side="right")
    for at in range(1, space.max_length):
        mine, besides = whole & (length == at), ~whole & (length == at)
        holders = WithSecret(cells[besides], codes[besides], numbers[besides])
        group_figures = groups(cells[mine], numbers[mine], holders, own, k)
        if len(group_figures.sizes):
            figures = {
                "groups": len(group_figures.sizes),
                "revealed_groups": group_figures.revealed.sum(),
                "homogeneous_groups": (group_figures.diversity == 1).sum(),
                "least_diversity": group_figures.diversity.min(),
                "closeness": group_figures.closeness.sum(),
                "largest_closeness": group_figures.closeness.max(),
            }
            rows += [(secret, at, name, float(value)) for name, value in figures.items()]
    columns = list(zip(*rows, strict=True)) or [()] * 4
    kinds = (pa.int32(), pa.int32(), pa.string(), pa.float64())
    return pa.table([pa.array(part, kind) for part, kind in zip(columns, kinds, strict=True)], names=_NAMES)


def _split(space: CellSpace, bounds: Ints, secret: int, cells: Ints, counts: Ints) -> Iterator[pa.RecordBatch]:
    """Send groups, and groups with a secret value besides, to the bucket of the group. Code 0: without the secret."""
    edges = np.searchsorted(cells, space.length_bounds())
    keys, codes, numbers = [], [], []
    for length in range(1, space.max_length + 1):
        part = slice(edges[length - 1], edges[length])
        if length > 1:
            chosen, rests, secret_codes = with_secret(space, cells[part], secret, length)
        else:
            chosen = space.decode(cells[part], 1)[0][:, 0] == secret
            rests = secret_codes = np.zeros(0, np.int64)
        if length < space.max_length:
            keys.append(cells[part][~chosen])
            codes.append(np.zeros(len(keys[-1]), np.int64))
            numbers.append(counts[part][~chosen])
        if length > 1:
            keys.append(rests)
            codes.append(secret_codes)
            numbers.append(counts[part][chosen])
    key, code, number = (np.concatenate(part) for part in (keys, codes, numbers))
    bucket = np.searchsorted(bounds, key, side="right") - 1
    order = np.argsort(bucket, kind="stable")
    cuts = np.searchsorted(bucket[order], np.arange(len(bounds)))
    for at in np.flatnonzero(np.diff(cuts)):
        rows = order[cuts[at] : cuts[at + 1]]
        ids = [pa.array([secret], pa.int32()), pa.array([at], pa.int32())]
        packed = [pack_ints([values[rows]]) for values in (key, code, number)]
        yield pa.RecordBatch.from_arrays([*ids, *packed], names=["secret", "bucket", "cells", "codes", "counts"])


def _finished(rows: list[dict[str, Any]], secrets: dict[int, str], table: str) -> list[Metric]:
    """Add buckets up; sums are exactly rounded, so the order in which buckets arrive does not matter."""
    parts: dict[tuple[int, int, str], list[float]] = {}
    for row in rows:
        parts.setdefault((row["secret"], row["length"], row["measure"]), []).append(row["value"])
    sums: dict[tuple[int, int], dict[str, float]] = {}
    for (secret, length, measure), values in parts.items():
        sums.setdefault((secret, length), {})[measure] = _TOGETHER.get(measure, math.fsum)(values)
    metrics = []
    for (secret, length), figures in sorted(sums.items()):
        figures["mean_closeness"] = figures.pop("closeness") / figures["groups"]
        figures["revealed_groups_percent"] = 100 * figures["revealed_groups"] / figures["groups"]
        metrics += [
            Metric("homogeneity", table, name, secrets[secret], length, value)
            for name, value in sorted(figures.items())
        ]
    return metrics
