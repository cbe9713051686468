"""Cells as texts, and records as ids on their way between tasks: code that only the proof and what counts anew have.

Everybody else reads cells with `synth_spark.schema.fields` and sends codes with `synth_spark.kernels.arrow_codec`. An
error there must not be here, too, or nobody would see it.
"""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

Ints = npt.NDArray[np.int64]


class Described(Protocol):
    """What must be known of a column."""

    @property
    def name(self) -> str:
        """Its header."""

    @property
    def many(self) -> bool:
        """Whether a cell may hold several values."""

    @property
    def delimiter(self) -> str | None:
        """What joins several values into one text; None where they are a list."""


def numbered(frame: DataFrame) -> DataFrame:
    """The same rows with columns named c0, c1, …, whatever characters their headers have."""
    return frame.toDF(*(f"c{place}" for place in range(len(frame.columns))))


def values_of(cells: pa.Array, column: Described) -> tuple[pa.Array, Ints]:
    """All values in the cells of a column, and the row of each; an absent cell has none."""
    if not column.many:
        return cells.drop_null().cast(pa.string()), np.flatnonzero(_there(cells))
    if not pa.types.is_list(cells.type):
        cells = pc.split_pattern(cells.cast(pa.string()), pattern=column.delimiter)
    lengths = pc.fill_null(pc.list_value_length(cells), 0).to_numpy(zero_copy_only=False)
    values, rows = cells.flatten().cast(pa.string()), np.repeat(np.arange(len(cells)), lengths)
    return values.drop_null(), rows[_there(values)]


def places_of(values: pa.Array, known: pa.Array) -> Ints:
    """The place of each value among those that are known, from 0; −1 where it is not among them."""
    found: Ints = pc.fill_null(pc.index_in(values, value_set=known), -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def escaped(text: str) -> str:
    """A header or a value as texts of combinations write it: see `selections` in the README.

    >>> escaped("a;b:<lt>")
    'a<semicolon>b<colon><lt>lt>'
    """
    for word in ("lt", "semicolon", "colon"):
        text = text.replace(f"<{word}>", f"<lt>{word}>")
    return text.replace(";", "<semicolon>").replace(":", "<colon>")


def packed(ids: npt.NDArray[Any], starts: Ints) -> pa.Array:
    """Records of ids as one binary value each: record r holds ``ids[starts[r]:starts[r + 1]]``.

    >>> unpacked(packed(np.array([7, 8, 9], np.int32), np.array([0, 2, 2, 3])), np.int32)
    (array([7, 8, 9], dtype=int32), array([0, 2, 2, 3]))
    """
    offsets = (starts * ids.itemsize).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(ids))]
    return pa.Array.from_buffers(pa.binary(), len(starts) - 1, buffers)


def unpacked(records: pa.Array | pa.ChunkedArray, kind: type[Any]) -> tuple[npt.NDArray[Any], Ints]:
    """What `packed` made binary values of: ids of a kind, and where each record begins and ends among them.

    They are copied out of Arrow's memory, which cannot be written: kernels would be compiled once more for that.
    """
    if isinstance(records, pa.ChunkedArray):
        chunks = [unpacked(chunk, kind) for chunk in records.chunks]
        lengths = [np.diff(starts) for _, starts in chunks]
        ids = np.concatenate([np.zeros(0, kind), *(part for part, _ in chunks)])
        return ids, np.concatenate([[0], np.cumsum(np.concatenate([np.zeros(0, np.int64), *lengths]))])
    ends = np.frombuffer(records.buffers()[1] or b"", np.int32)[records.offset :][: len(records) + 1]
    offsets = ends.astype(np.int64) if len(records) else np.zeros(1, np.int64)
    data = np.frombuffer(records.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    return data.copy().view(kind), (offsets - offsets[0]) // np.dtype(kind).itemsize


def _there(cells: pa.Array) -> npt.NDArray[np.bool_]:
    """Whether each is not absent."""
    return np.asarray(pc.is_valid(cells).to_numpy(zero_copy_only=False), bool)
