"""Invented tables for measuring: python benchmarks/generate.py ROWS COLUMNS FILE.parquet [SEED] [VALUES_A_RECORD].

A mixture of 40 clusters over categorical columns. Cardinalities cycle through 2 … 60, each column has an empty share
of its own, and each cluster prefers some values of each column. With VALUES_A_RECORD the table is wide and sparse:
flags that are mostly empty, each cluster with its own likely ones.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_CARDS = (2, 3, 4, 25, 4, 2, 60, 2, 2, 2, 2, 3, 2, 8, 2, 60, 2, 2, 2, 4)
_CLUSTERS, _BLOCK = 40, 500_000


def main(rows: int, columns: int, file: Path, seed: int, values: int | None) -> None:
    """Write a table block by block; the same arguments give the same table."""
    random = np.random.default_rng(seed)
    weights = random.dirichlet(np.full(_CLUSTERS, 0.7))
    tables = [_column(random, index, columns, values) for index in range(columns)]
    names = [f"c{index:03d}" for index in range(columns)]
    schema = pa.schema([(name, pa.string()) for name in names])
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for at in range(0, rows, _BLOCK):
            size = min(_BLOCK, rows - at)
            cluster = random.choice(_CLUSTERS, size, p=weights)
            arrays = [_values(random, cluster, table) for table in tables]
            writer.write_table(pa.table(arrays, schema=schema), row_group_size=100_000)


def _column(random: np.random.Generator, index: int, columns: int, values: int | None) -> np.ndarray:
    """(clusters, card + 1) cumulative probabilities of absent and each value."""
    if values is not None:
        mean = values / columns
        flag = np.minimum(random.gamma(0.35, mean / 0.35, _CLUSTERS), 0.95)
        return np.stack([1 - flag, np.ones(_CLUSTERS)], axis=1)
    card = _CARDS[index % len(_CARDS)]
    base = 1 / np.arange(1, card + 1) ** 0.8
    preferred = base[random.permuted(np.tile(np.arange(card), (_CLUSTERS, 1)), axis=1)]
    mixed = 0.5 * base / base.sum() + 0.5 * preferred / preferred.sum(axis=1, keepdims=True)
    empty = np.clip(random.uniform(0, 0.45) + random.normal(0, 0.1, _CLUSTERS), 0, 0.9)
    return np.cumsum(np.concatenate([empty[:, None], (1 - empty[:, None]) * mixed], axis=1), axis=1)


def _values(random: np.random.Generator, cluster: np.ndarray, cumulative: np.ndarray) -> pa.Array:
    """One value a record, drawn from its cluster's distribution."""
    draw = random.random(cluster.size)
    code = np.zeros(cluster.size, np.int64)
    for value in range(cumulative.shape[1] - 1):
        code += draw >= cumulative[cluster, value]
    texts = pa.array([None, *(f"v{value}" for value in range(1, cumulative.shape[1]))], pa.string())
    return texts.take(pa.array(code))


if __name__ == "__main__":
    main(
        int(sys.argv[1]),
        int(sys.argv[2]),
        Path(sys.argv[3]),
        int(sys.argv[4]) if len(sys.argv) > 4 else 1,
        int(sys.argv[5]) if len(sys.argv) > 5 else None,
    )
