"""How arrays travel in Arrow columns: codes of a record or of many, or a vector of integers, as one binary value.

What arrives is copied out of Arrow's memory, which cannot be written: kernels would be compiled once more for that.
"""

import numpy as np
import pyarrow as pa

from synth_spark.kernels.cells import Codes, Ints


def pack_codes(codes: Codes) -> pa.Array:
    """(n, m) codes → n binary values of 2 m bytes, little-endian.

    >>> unpack_codes(pack_codes(np.array([[1, 0], [2, 7]], np.uint16)), 2)
    array([[1, 0],
           [2, 7]], dtype=uint16)
    """
    n, m = codes.shape
    data = pa.py_buffer(np.ascontiguousarray(codes, "<u2"))
    return pa.Array.from_buffers(pa.binary(2 * m), n, [None, data]).cast(pa.binary())


def unpack_codes(values: pa.Array | pa.ChunkedArray, columns: int) -> Codes:
    """N binary values of 2 m bytes → (n, m) codes."""
    if isinstance(values, pa.ChunkedArray):
        parts = [unpack_codes(chunk, columns) for chunk in values.chunks]
        return np.concatenate(parts) if parts else np.zeros((0, columns), np.uint16)
    offsets = np.frombuffer(values.buffers()[1], np.int32, len(values) + 1 + values.offset)[values.offset :]
    data = np.frombuffer(values.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]] if len(values) else b""
    return np.frombuffer(data, "<u2").reshape(len(values), columns).astype(np.uint16)


def unpack_weights(values: pa.Array | pa.ChunkedArray) -> Ints:
    """N whole numbers, none missing → (n,) numbers; such as how many records of each sort there are."""
    weights: Ints = values.to_numpy(zero_copy_only=False).astype(np.int64)
    return weights


def pack_tables(tables: list[Codes]) -> pa.Array:
    """Tables of (n, m) codes → one binary value of 2 n m bytes each, little-endian, row after row.

    >>> unpack_table(pack_tables([np.array([[1, 0], [2, 7]], np.uint16)])[0], 2, 2)
    array([[1, 0],
           [2, 7]], dtype=uint16)
    """
    return pa.array([np.ascontiguousarray(codes, "<u2").tobytes() for codes in tables], pa.binary())


def unpack_table(value: pa.BinaryScalar, rows: int, columns: int) -> Codes:
    """A binary value → its (rows, columns) codes."""
    return np.frombuffer(value.as_buffer(), "<u2").reshape(rows, columns).astype(np.uint16)


def pack_ints(vectors: list[Ints]) -> pa.Array:
    """Vectors of 64-bit integers → one binary value each, little-endian."""
    return pa.array([np.ascontiguousarray(vector, "<i8").tobytes() for vector in vectors], pa.binary())


def unpack_ints(value: pa.BinaryScalar) -> Ints:
    """A binary value → its vector of 64-bit integers."""
    return np.frombuffer(value.as_buffer(), "<i8").astype(np.int64)
