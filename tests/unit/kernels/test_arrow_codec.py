"""Arrays through Arrow and back."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from random_tables import few

from synth_spark.kernels.arrow_codec import (
    pack_codes,
    pack_ints,
    pack_tables,
    unpack_codes,
    unpack_ints,
    unpack_table,
    unpack_weights,
)
from synth_spark.kernels.cells import Codes, Ints

codes_arrays = st.tuples(st.integers(0, 12), st.integers(1, 6)).flatmap(lambda shape: stn.arrays(np.uint16, shape))


@few
@given(codes_arrays)
def test_codes_round_trip(codes: Codes) -> None:
    packed = pack_codes(codes)
    assert packed.type == pa.binary()
    assert len(packed) == len(codes)
    assert all(len(value.as_py()) == 2 * codes.shape[1] for value in packed)
    back = unpack_codes(packed, codes.shape[1])
    assert back.dtype == np.uint16
    np.testing.assert_array_equal(back, codes, strict=True)


@few
@given(codes_arrays, st.data())
def test_slices_of_arrow_arrays(codes: Codes, data: st.DataObject) -> None:
    low = data.draw(st.integers(0, len(codes)))
    high = data.draw(st.integers(low, len(codes)))
    part = pack_codes(codes).slice(low, high - low)
    np.testing.assert_array_equal(unpack_codes(part, codes.shape[1]), codes[low:high], strict=True)
    deeper = part.slice(min(1, len(part)))
    np.testing.assert_array_equal(unpack_codes(deeper, codes.shape[1]), codes[low:high][1:], strict=True)


@few
@given(codes_arrays, st.lists(st.integers(0, 12), max_size=4))
def test_chunks_of_arrow_arrays(codes: Codes, cuts: list[int]) -> None:
    packed = pack_codes(codes)
    edges = [0, *sorted(min(cut, len(codes)) for cut in cuts), len(codes)]
    chunks = [packed.slice(low, high - low) for low, high in itertools.pairwise(edges)]
    back = unpack_codes(pa.chunked_array(chunks, pa.binary()), codes.shape[1])
    np.testing.assert_array_equal(back, codes, strict=True)


def test_values_that_arrow_built_itself() -> None:
    """Binary values as a shuffle brings them: not one after the other in a buffer that begins with them."""
    values = pa.array([b"\xff\xff\x00\x00", b"\x01\x00\x02\x01", b"\x05\x00\x06\x00"], pa.binary())
    assert unpack_codes(values.take(pa.array([2, 0])), 2).tolist() == [[5, 6], [65_535, 0]]
    assert unpack_codes(values[1:], 2).tolist() == [[1, 258], [5, 6]]


@pytest.mark.parametrize(
    "nothing",
    [
        pa.array([], pa.binary()),
        pa.chunked_array([], pa.binary()),
        pa.chunked_array([pa.array([], pa.binary())] * 2),
        pack_codes(np.zeros((0, 3), np.uint16)),
        pack_codes(np.ones((2, 3), np.uint16))[1:1],
        pack_codes(np.ones((2, 3), np.uint16))[2:],
    ],
    ids=["array", "no chunks", "empty chunks", "packed", "slice", "slice at the end"],
)
def test_nothing_is_an_empty_table(nothing: pa.Array | pa.ChunkedArray) -> None:
    back = unpack_codes(nothing, 3)
    assert back.shape == (0, 3)
    assert back.dtype == np.uint16


def test_codes_in_any_memory_layout() -> None:
    codes = np.arange(24, dtype=np.uint16).reshape(6, 4)
    for view in (np.asfortranarray(codes), codes[::2, ::2], codes[::-1], codes.astype(">u2")):
        assert unpack_codes(pack_codes(view), view.shape[1]).tolist() == view.tolist()


@few
@given(st.lists(stn.arrays(np.int64, st.integers(0, 9)), max_size=5))
def test_integers_round_trip(vectors: list[Ints]) -> None:
    packed = pack_ints(vectors)
    assert packed.type == pa.binary()
    assert len(packed) == len(vectors)
    for scalar, vector in zip(packed, vectors, strict=True):
        back = unpack_ints(scalar)
        assert back.dtype == np.int64
        np.testing.assert_array_equal(back, vector, strict=True)


def test_integers_of_a_slice_and_of_other_types() -> None:
    vectors = [np.array([1, -1]), np.array([], np.int64), np.array([2**62, -(2**63)])]
    assert [unpack_ints(value).tolist() for value in pack_ints(vectors)[1:]] == [[], [2**62, -(2**63)]]
    assert unpack_ints(pack_ints([np.array([7, 8], np.int32)])[0]).tolist() == [7, 8]
    assert unpack_ints(pack_ints([np.arange(9)[::4]])[0]).tolist() == [0, 4, 8]


def test_what_arrived_can_be_written() -> None:
    """numba compiles a kernel once more for arrays that cannot."""
    codes, weights = np.ones((2, 3), np.uint16), pa.array([3, 4])
    packed = pack_codes(codes)
    for array in (
        unpack_codes(packed, 3),
        unpack_codes(pa.chunked_array([packed]), 3),
        unpack_table(pack_tables([codes])[0], 2, 3),
        unpack_ints(pack_ints([np.arange(3)])[0]),
        unpack_weights(weights),
        unpack_weights(pa.chunked_array([weights])),
    ):
        assert array.flags.writeable
    assert unpack_weights(pa.array([3, 4], pa.int32())).tolist() == [3, 4]
