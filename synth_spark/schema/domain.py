"""The domain of a table: its fields, columns and their values. SENSITIVE: it lists rare values and exact counts.

Values are ordered by protected count, largest first, then by text; rare values, whose protected count is 0, come last.
So a code tells nothing of a value that is published that its published count does not tell: of two values with the
same protected count, which one more records hold is not in their order. Whatever is keyed, sorted or added up by codes
depends on the exact counts no more than that.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synth_spark.errors import InputError
from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.counting.domain_remap import Renumbering
from synth_spark.schema.fields import Field, flat

#: Most values of one column: codes are 16-bit, 0 is absent.
MAX_VALUES = 65_535
#: Most values, of a field with several values a record, that get a column each.
MAX_SEVERAL = 1_000


@dataclass(frozen=True)
class Column:
    """What is counted as one: the values of a field, of which a record has one; or one value of several, had or not.

    Attributes:
        name: of its field.
        values: those with the largest protected count first, ties by value.
        counts: exact, one a value.
    """

    name: str
    values: tuple[str, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Domain:
    """The fields of a table and what they hold. Code v of a column is its v-th value, from 1; 0 is absent.

    A field with one value a record is one column. A field with several has one column for each value that occurs often
    enough to be published, with that value alone; its other values are as absent.

    Attributes:
        fields: in the order of the input.
        columns: the columns of every field, field by field.
        bounds: the first column of each field, and their number.
        records: number of records n.
        rare: values of fields with several values that have no column.
    """

    fields: tuple[Field, ...]
    columns: tuple[Column, ...]
    bounds: tuple[int, ...]
    records: int
    rare: int = 0

    @property
    def names(self) -> list[str]:
        """Names of the fields."""
        return [field.name for field in self.fields]

    @cached_property
    def cards(self) -> tuple[int, ...]:
        """Number of values of each column."""
        return tuple(len(column.values) for column in self.columns)

    def table_sizes(self, whole: Sequence[bool]) -> list[int]:
        """Places of the table of each column: of its values, and of absent where a column is not ``whole``."""
        return [card + 1 - int(never) for card, never in zip(self.cards, whole, strict=True)]

    @property
    def filled(self) -> int:
        """Values of a record on average, rounded up."""
        return math.ceil(sum(sum(column.counts) for column in self.columns) / max(1, self.records))

    def single_counts(self, least: int = 1) -> Ints:
        """(Σ cards,) count of every value, column after column; 0 for those that fewer than ``least`` records hold."""
        counts = np.array([count for column in self.columns for count in column.counts], np.int64)
        return np.where(counts >= least, counts, 0)

    def common(self, k: int) -> Ints:
        """(m,) number of values of each column with count ≥ k, which have codes 1…common.

        Args:
            k: that of `build`; of a domain that was built with 1, any.
        """
        return np.array([sum(count >= k for count in column.counts) for column in self.columns], np.int64)

    def encode(self, cells: Sequence[pa.Array]) -> Codes:
        """Turn one array a field into (n, m) codes; values outside the domain count as absent."""
        codes = np.zeros((len(cells[0]) if cells else 0, len(self.columns)), np.uint16)
        for field, (low, high), array in zip(self.fields, pairwise(self.bounds), cells, strict=True):
            if field.many:
                values, rows = flat(field.lists(array))
                vocabulary = pa.array([column.values[0] for column in self.columns[low:high]], values.type)
                places = pc.index_in(values, value_set=vocabulary)
                here = pc.is_valid(places).to_numpy(zero_copy_only=False)
                codes[rows.to_numpy()[here], low + places.drop_null().to_numpy()] = 1
            else:
                places = pc.index_in(array, value_set=pa.array(self.columns[low].values, array.type))
                codes[:, low] = pc.fill_null(pc.add(places, 1), 0).to_numpy(zero_copy_only=False)
        return codes

    def decode(self, codes: Codes) -> list[pa.Array]:
        """Turn (n, m) codes into one array a field, in the form that is published; absent becomes null."""
        arrays = []
        for field, (low, high) in zip(self.fields, pairwise(self.bounds), strict=True):
            if field.many:
                values = pa.array([column.values[0] for column in self.columns[low:high]], pa.string())
                arrays.append(field.cells(_lists(codes[:, low:high] > 0, values)))
            else:
                code = codes[:, low].astype(np.int32)
                indices = pa.array(code - 1, pa.int32(), mask=code == 0)
                arrays.append(pa.array(self.columns[low].values, pa.string()).take(indices))
        return arrays


def build(fields: Sequence[Field], marginals: pa.Table, records: int, k: int) -> Domain:
    """Order the marginals of all fields into a domain.

    Args:
        fields: in the order of the input.
        marginals: one row an attribute: ``column`` (index of its field), ``value``, ``count``.
        records: number of records.
        k: privacy resolution: values are ordered by their counts rounded down to a multiple of it; and fewest records
            with a value, of a field with several, for it to get a column. With noise 1: noisy counts are public.

    Raises:
        InputError: a field has more values than a code can tell apart, or more that need a column each than there may
            be columns.
    """
    protected = pc.multiply(pc.divide(marginals["count"], k), k)
    ordered = marginals.append_column("protected", protected).sort_by(
        [("column", "ascending"), ("protected", "descending"), ("value", "ascending")]
    )
    rows = np.searchsorted(ordered["column"].to_numpy(), np.arange(len(fields) + 1))
    columns: list[Column] = []
    bounds, rare = [0], 0
    for index, field in enumerate(fields):
        part = ordered.slice(rows[index], rows[index + 1] - rows[index])
        check_cardinality(field.name, part.num_rows)
        values, counts = part["value"].to_pylist(), part["count"].to_pylist()
        if field.many:
            common = sorted((value, count) for value, count in zip(values, counts, strict=True) if count >= k)
            check_several(field.name, len(common))
            columns += [Column(field.name, (value,), (count,)) for value, count in common]
            rare += len(values) - len(common)
        else:
            columns.append(Column(field.name, tuple(values), tuple(counts)))
        bounds.append(len(columns))
    return Domain(tuple(fields), tuple(columns), tuple(bounds), records, rare)


def renumbering(old: Domain, new: Domain) -> Renumbering:
    """Where the attributes of a domain are in that of the same fields with more records.

    Args:
        old: a domain.
        new: that of at least its records, so that it has all its columns and values.
    """
    # a field with several values a record has a column for each, known by its value; any other is one column
    places = {_identity(new, column): column for column in range(len(new.columns))}
    columns = np.array([places[_identity(old, column)] for column in range(len(old.columns))], np.int64)
    codes = [np.zeros(0, np.int64)]
    for column, place in zip(old.columns, columns, strict=True):
        vocabulary = pa.array(new.columns[place].values, pa.string())
        new_places = pc.index_in(pa.array(column.values, pa.string()), value_set=vocabulary)
        codes.append(new_places.to_numpy(zero_copy_only=False).astype(np.int64) + 1)
    return Renumbering(old.cards, new.cards, columns, np.concatenate(codes))


def arrived(old: Domain, new: Domain) -> dict[int, list[str]]:
    """Values of fields with several a record that became frequent enough for a column: field → values."""
    identities = {_identity(old, column) for column in range(len(old.columns))}
    new_values: dict[int, list[str]] = {}
    for column in range(len(new.columns)):
        field, value = _identity(new, column)
        if value is not None and (field, value) not in identities:
            new_values.setdefault(field, []).append(value)
    return new_values


def _identity(domain: Domain, column: int) -> tuple[int, str | None]:
    """What makes a column the same in two domains: its field, and its value where it stands for one alone."""
    field = int(np.searchsorted(domain.bounds, column, side="right")) - 1
    return field, domain.columns[column].values[0] if domain.fields[field].many else None


def check_cardinality(name: str, values: int) -> None:
    """Refuse a column that holds more values than a categorical column can."""
    if values > MAX_VALUES:
        raise InputError(
            f"column '{name}'",
            f"has {{values}} distinct values, more than {MAX_VALUES:,}",
            "leave identifiers and free text out with input.columns, or group the values first",
            {"values": values},
        )


def check_several(name: str, values: int) -> None:
    """Refuse a field with several values a record of which more would need a column than can be counted well."""
    if values > MAX_SEVERAL:
        raise InputError(
            f"column '{name}'",
            f"has {{values}} values frequent enough to be published, several a record, more than {MAX_SEVERAL:,}",
            "group them with input.groups, or leave the column out",
            {"values": values},
        )


def _lists(held: npt.NDArray[np.bool_], values: pa.Array) -> pa.ListArray:
    """The lists of values that the rows of a matrix hold; null where they hold none."""
    offsets = np.concatenate([[0], np.cumsum(held.sum(axis=1))]).astype(np.int32)
    taken = values.take(pa.array(np.nonzero(held)[1], pa.int64()))
    empty = pa.array(~held.any(axis=1))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), taken, mask=empty)
