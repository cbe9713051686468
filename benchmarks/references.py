"""Counting the same column tuples without Spark: python benchmarks/references.py kernel|duckdb TABLES R.

Both count the codes that a run kept in TABLES (distinct records of integers and their multiplicities), every column
tuple of length 1…R, and compare cell by cell with the counts that the run kept. Timed is the counting alone: from
arrays (or a DuckDB table) in memory to counts in memory. Printed is one line of JSON, no value of the data.
"""

import importlib
import importlib.util
import itertools
import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Ints = npt.NDArray[np.int64]
Tuple = tuple[int, ...]
#: Cells that a column tuple may have to be counted in a vector; beyond it keys are sorted.
_DENSE = 1 << 26


@dataclass(frozen=True)
class Coded:
    """A table of integers.

    Attributes:
        codes: (m, n) a column after the other; 0 is absent.
        weights: (n,) how often each record occurs.
        cards: values a column.
    """

    codes: npt.NDArray[np.uint16]
    weights: Ints
    cards: tuple[int, ...]


def read_codes(tables: Path) -> Coded:
    """The distinct records that a run kept."""
    domain = pq.read_table(tables / "domain", columns=["column"])["column"].to_numpy()
    kept = pq.read_table(tables / "codes", columns=["record", "multiplicity"])
    width = max((len(value) for value in kept["record"][:1].to_pylist()), default=0) // 2
    data = b"".join(chunk for chunk in kept["record"].to_pylist())
    codes = np.frombuffer(data, "<u2").reshape(len(kept), width)
    cards = tuple(int(card) for card in np.bincount(domain, minlength=width))
    return Coded(np.ascontiguousarray(codes.T), kept["multiplicity"].to_numpy().astype(np.int64), cards)


def read_counts(folder: Path) -> tuple[Ints, Ints]:
    """The cells and counts that a run kept, in the order of cells."""
    kept = pq.read_table(folder, columns=["cells", "counts"])
    vectors = [
        np.concatenate([np.frombuffer(value, "<i8") for value in kept[name].to_pylist()] or [np.zeros(0, np.int64)])
        for name in ("cells", "counts")
    ]
    order = np.argsort(vectors[0])
    return vectors[0][order], vectors[1][order]


def column_tuples(columns: int, longest: int) -> list[Tuple]:
    """Column tuples by length, then lexicographically."""
    lengths = range(1, min(longest, columns) + 1)
    return [chosen for length in lengths for chosen in itertools.combinations(range(columns), length)]


def count_by_kernel(table: Coded, tuples: list[Tuple]) -> Iterator[tuple[Ints, Ints]]:
    """Keys and counts of each column tuple, by one compiled loop over its columns on one core."""
    import numba

    @numba.njit(nogil=True)
    def keys_of(codes, columns, cards, keys):  # type: ignore[no-untyped-def]
        for row in range(codes.shape[1]):
            key = 0
            for column in columns:
                code = codes[column, row]
                if code == 0:
                    key = -1
                    break
                key = key * cards[column] + code - 1
            keys[row] = key

    @numba.njit(nogil=True)
    def tally(keys, weights, counts):  # type: ignore[no-untyped-def]
        for row in range(keys.size):
            if keys[row] >= 0:
                counts[keys[row]] += weights[row]

    cards, keys = np.array(table.cards, np.int64), np.zeros(table.weights.size, np.int64)
    keys_of(table.codes[:, :1], np.zeros(1, np.int64), cards, keys[:1])  # compiled before the clock starts
    tally(keys[:1], table.weights[:1], np.zeros(int(cards.max()), np.int64))
    yield np.zeros(0, np.int64), np.zeros(0, np.int64)
    for columns in tuples:
        keys_of(table.codes, np.array(columns), cards, keys)
        cells = int(np.prod(cards[list(columns)]))
        if cells <= _DENSE:
            counts = np.zeros(cells, np.int64)
            tally(keys, table.weights, counts)
            found = np.flatnonzero(counts)
            yield found, counts[found]
        else:
            held = keys >= 0
            found, place = np.unique(keys[held], return_inverse=True)
            yield found, np.bincount(place, table.weights[held], found.size).astype(np.int64)


def count_by_duckdb(table: Coded, tuples: list[Tuple]) -> Iterator[tuple[Ints, Ints]]:
    """Keys and counts of each column tuple, by one GROUP BY each on all cores.

    GROUPING SETS of 64 tuples a query take the same time, and give rows that would have to be told apart.
    """
    duckdb: Any = importlib.import_module("duckdb")
    names = [f"c{index}" for index in range(len(table.cards))]
    arrays = pa.table([*map(pa.array, table.codes), pa.array(table.weights)], names=[*names, "weight"])
    base = duckdb.connect()
    base.register("arrays", arrays)
    base.execute("CREATE TABLE codes AS SELECT * FROM arrays")
    yield np.zeros(0, np.int64), np.zeros(0, np.int64)
    for columns in tuples:
        listed = ", ".join(names[column] for column in columns)
        present = " AND ".join(f"{names[column]} > 0" for column in columns)
        query = f"SELECT {listed}, sum(weight)::BIGINT AS n FROM codes WHERE {present} GROUP BY {listed}"
        found = base.execute(query).fetchnumpy()
        keys = np.zeros(len(found["n"]), np.int64)
        for column in columns:
            keys = keys * table.cards[column] + np.asarray(found[names[column]], np.int64) - 1
        yield keys, np.asarray(found["n"], np.int64)


def all_cells(table: Coded, tuples: list[Tuple], counted: list[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    """Cells and counts of all column tuples, numbered as the product numbers them: one tuple after the other."""
    cards = np.array(table.cards, np.int64)
    sizes = [int(np.prod(cards[list(columns)])) for columns in tuples]
    bases = np.concatenate([[0], np.cumsum(sizes)])
    cells = np.concatenate([base + keys for base, (keys, _) in zip(bases, counted, strict=False)])
    counts = np.concatenate([number for _, number in counted])
    order = np.argsort(cells)
    return cells[order], counts[order]


def measure(how: str, tables: Path, longest: int) -> dict[str, Any]:
    """Time one way of counting, and compare its counts with those of the run."""
    table = read_codes(tables)
    tuples = column_tuples(len(table.cards), longest)
    steps = (count_by_kernel if how == "kernel" else count_by_duckdb)(table, tuples)
    next(steps)  # what comes before the counting
    before, start = _cpu(), time.monotonic()
    counted = list(steps)
    wall, cpu = time.monotonic() - start, _cpu() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    made, kept = all_cells(table, tuples, counted), read_counts(tables / "counts")
    equal = all(np.array_equal(mine, theirs) for mine, theirs in zip(made, kept, strict=True))
    return {"wall": wall, "cpu": cpu, "peak_mb": peak, "cells": int(made[0].size), "equal": equal}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    if sys.argv[1] == "duckdb" and importlib.util.find_spec("duckdb") is None:
        print(json.dumps({"missing": "not installed"}))
    else:
        print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
