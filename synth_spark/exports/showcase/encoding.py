"""Published tables as numbers: records as codes of columns, equal records once, and published counts by attribute.

A column's *sets* are what its cells hold: one value, or several where a record may hold several. Code 0 is absent; code
c is set c - 1. So one histogram of codes counts any column, whatever its cells look like.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synth_spark.schema.fields import Field, flat

Codes = npt.NDArray[np.unsignedinteger]
Ints = npt.NDArray[np.int64]

#: Parts the values of a list while lists are looked up as texts; no text that could be read holds it.
_PART = "\ue000"


@dataclass(frozen=True)
class Coded:
    """A column of records.

    Attributes:
        values: its values, in byte order.
        sets: of each set, its values as places in ``values``, ascending.
        codes: of each record, 0 where it is absent, else 1 + the place of its set.
    """

    values: tuple[str, ...]
    sets: tuple[tuple[int, ...], ...]
    codes: Codes


@dataclass(frozen=True)
class Records:
    """Records of which equal ones stand once.

    Attributes:
        codes: a column after the other, one code a distinct record, as narrow as they may be.
        weights: how many records each stands for.
    """

    codes: tuple[Codes, ...]
    weights: Ints


@dataclass(frozen=True)
class EncodedCounts:
    """Published counts of combinations of one length.

    Attributes:
        attributes: (n, length) attributes, ascending in a row, rows ascending.
        figures: (n, figures) of each: its count; with noise also the ends of its interval.
    """

    attributes: Ints
    figures: Ints


def coded(cells: pa.ChunkedArray, field: Field) -> Coded:
    """A column of published records as codes.

    Args:
        cells: text, or lists of it, absent = null.
        field: whether a cell holds several values, and what joins them.
    """
    texts = _texts(cells) if field.many else cells.cast(pa.string())
    encoded = pc.dictionary_encode(texts).combine_chunks()
    array = encoded if isinstance(encoded, pa.DictionaryArray) else pa.concat_arrays(encoded.chunks)
    codes = pc.fill_null(pc.add(array.indices.cast(pa.int64()), 1), 0).to_numpy(zero_copy_only=False)
    distinct: list[str] = array.dictionary.to_pylist()
    joint = field.delimiter if field.delimiter is not None else _PART
    members = [text.split(joint) if field.many else [text] for text in distinct]
    values = sorted({value for several in members for value in several}, key=str.encode)
    place = {value: index for index, value in enumerate(values)}
    sets = tuple(tuple(sorted({place[value] for value in several})) for several in members)
    return Coded(tuple(values), sets, codes.astype(_narrowest(len(sets))))


def _texts(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_list(cells.type):
        return pa.chunked_array([pc.binary_join(chunk, _PART) for chunk in cells.chunks], pa.string())
    return cells.cast(pa.string())


def distinct(columns: Sequence[Codes]) -> Records:
    """Equal records once, in an order in which neighbours are alike, so that little is left to compress.

    Args:
        columns: codes a column, all of one length.
    """
    if not columns or not len(columns[0]):
        return Records(tuple(columns), np.zeros(0, np.int64))
    fewest_last = sorted(columns, key=lambda codes: -_spread(codes))
    order = np.lexsort(fewest_last)
    changes = np.zeros(len(order), bool)
    changes[0] = True
    for codes in columns:
        sorted_codes = codes[order]
        changes[1:] |= sorted_codes[1:] != sorted_codes[:-1]
    firsts = np.flatnonzero(changes)
    weights = np.diff(np.append(firsts, len(order)))
    return Records(tuple(codes[order[firsts]] for codes in columns), weights.astype(np.int64))


def _spread(codes: Codes) -> float:
    """Entropy of a column in bits: the less, the earlier it is sorted by."""
    shares = np.bincount(codes) / len(codes)
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


def counts(
    table: pa.Table, fields: Sequence[Field], values: Sequence[Sequence[str]], figures: Sequence[str]
) -> dict[int, EncodedCounts]:
    """Published counts by length, their attributes numbered column by column.

    Args:
        table: aggregates: ``length``, a column for each field, and the figures.
        fields: of the records.
        values: of each field, all of its values; attribute number = values of the fields before + place among these.
        figures: columns of whole numbers to keep.
    """
    rows, attributes, start = [], [], 0
    for field, own in zip(fields, values, strict=True):
        lookup = pa.array(list(own), pa.string())
        cells, held = table[field.name].combine_chunks(), None
        if field.many:
            cells, held = flat(field.lists(cells))
        places = pc.index_in(cells.cast(pa.string()), lookup)
        there = pc.is_valid(places).to_numpy(zero_copy_only=False)
        at = np.arange(table.num_rows) if held is None else held.to_numpy(zero_copy_only=False)
        rows.append(at[there].astype(np.int64))
        attributes.append(start + places.drop_null().to_numpy(zero_copy_only=False).astype(np.int64))
        start += len(own)
    row, attribute = np.concatenate(rows), np.concatenate(attributes)
    order = np.lexsort((attribute, row))
    row, attribute = row[order], attribute[order]
    lengths = table["length"].to_numpy().astype(np.int64)
    kept = np.stack([table[name].to_numpy() for name in figures], axis=1).astype(np.int64)
    arrays = {}
    for length in np.unique(lengths):
        chosen = lengths[row] == length
        held_rows, tuples = row[chosen][::length], attribute[chosen].reshape(-1, length)
        sorting = np.lexsort(tuples.T[::-1])
        arrays[int(length)] = EncodedCounts(tuples[sorting], kept[held_rows[sorting]])
    return arrays


def _narrowest(largest: int) -> type[np.unsignedinteger]:
    return np.uint8 if largest < 1 << 8 else np.uint16 if largest < 1 << 16 else np.uint32


def narrowed(numbers: Ints) -> Codes:
    """Numbers ≥ 0 in as few bytes each as their largest needs."""
    return numbers.astype(_narrowest(int(numbers.max(initial=0))))
