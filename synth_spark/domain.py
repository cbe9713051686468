"""The domain of a table: its columns and their values, most frequent first. SENSITIVE: it lists rare values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synth_spark.errors import InputError
from synth_spark.kernels.cells import Codes, Ints

#: Most values of one column: codes are 16-bit, 0 is absent.
MAX_VALUES = 65_535


@dataclass(frozen=True)
class Column:
    """One column: its name, and its values with their exact counts, most frequent first, ties by value."""

    name: str
    values: tuple[str, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Domain:
    """The columns of a table and what they hold. Code v of a column is its v-th value, from 1; 0 is absent.

    Attributes:
        columns: in the order of the input.
        records: number of records n.
    """

    columns: tuple[Column, ...]
    records: int

    @property
    def names(self) -> list[str]:
        """Column names."""
        return [column.name for column in self.columns]

    @cached_property
    def cards(self) -> tuple[int, ...]:
        """Number of values of each column."""
        return tuple(len(column.values) for column in self.columns)

    @property
    def filled(self) -> int:
        """Values of a record on average, rounded up."""
        return math.ceil(sum(sum(column.counts) for column in self.columns) / max(1, self.records))

    def common(self, k: int) -> Ints:
        """(m,) number of values of each column with count ≥ k; being the most frequent they have codes 1…common."""
        return np.array([sum(count >= k for count in column.counts) for column in self.columns], np.int64)

    def encode(self, values: Sequence[pa.Array]) -> Codes:
        """Turn one string array a column into (n, m) codes; values outside the domain count as absent."""
        codes = np.zeros((len(values[0]) if values else 0, len(self.columns)), np.uint16)
        for index, array in enumerate(values):
            found = pc.index_in(array, value_set=pa.array(self.columns[index].values, array.type))
            codes[:, index] = pc.fill_null(pc.add(found, 1), 0).to_numpy(zero_copy_only=False)
        return codes

    def decode(self, codes: Codes) -> list[pa.Array]:
        """Turn (n, m) codes into one string array a column; absent becomes null."""
        arrays = []
        for index, column in enumerate(self.columns):
            code = codes[:, index].astype(np.int32)
            indices = pa.array(code - 1, pa.int32(), mask=code == 0)
            arrays.append(pa.array(column.values, pa.string()).take(indices))
        return arrays


def build(names: Sequence[str], marginals: pa.Table, records: int) -> Domain:
    """Order the marginals of all columns into a domain.

    Args:
        names: column names.
        marginals: one row an attribute: ``column`` (index), ``value``, ``count``.
        records: number of records.

    Raises:
        InputError: a column has more values than a code can tell apart.
    """
    ordered = marginals.sort_by([("column", "ascending"), ("count", "descending"), ("value", "ascending")])
    bounds = np.searchsorted(ordered["column"].to_numpy(), np.arange(len(names) + 1))
    columns = []
    for index, name in enumerate(names):
        part = ordered.slice(bounds[index], bounds[index + 1] - bounds[index])
        check_cardinality(name, part.num_rows)
        columns.append(Column(name, tuple(part["value"].to_pylist()), tuple(part["count"].to_pylist())))
    return Domain(tuple(columns), records)


def check_cardinality(name: str, values: int) -> None:
    """Refuse a column that holds more values than a categorical column can."""
    if values > MAX_VALUES:
        raise InputError(
            f"column '{name}'",
            f"has {values:,} distinct values, more than {MAX_VALUES:,}",
            "leave identifiers and free text out with input.columns, or group the values first",
        )
