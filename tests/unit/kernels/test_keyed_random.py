"""Keyed randomness: the same draw for the same key, and near enough uniform."""

from collections.abc import Callable
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from random_tables import few

from synth_spark.kernels.cells import Codes
from synth_spark.kernels.keyed_random import derive, hash_copies, hash_rows, hash_texts, stream, uniform

#: Bins of the χ² tests, and their bound: mean 31, standard deviation 7.9, so a fair generator passes by far.
BINS, BOUND = 32, 80.0
KEY = np.uint64(0x1234_5678_9ABC_DEF0)


def draws(state: np.ndarray, number: int) -> np.ndarray:
    """The next numbers of a stream."""
    return np.array([uniform(state) for _ in range(number)])


def chi_square(numbers: np.ndarray) -> float:
    """χ² of numbers in [0, 1) against the uniform distribution over equal bins."""
    found = np.bincount((numbers * BINS).astype(int), minlength=BINS)
    expected = len(numbers) / BINS
    return float(((found - expected) ** 2 / expected).sum())


# --- keys and streams


def test_derive_is_fixed_for_ever() -> None:
    """A release can be made again from its seed, so these numbers must not change."""
    digest = blake2b(b"7\x1fsynthesize\x1f0", digest_size=8).digest()
    assert derive(7, "synthesize", 0) == int.from_bytes(digest, "little") == 12_553_185_558_600_308_053


@few
@given(st.integers(0, 2**64), st.lists(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=5)))
def test_derive_depends_on_seed_and_every_part_of_the_key(seed: int, key: list[str]) -> None:
    base = derive(seed, *key)
    assert 0 <= base < 2**64
    others = [
        derive(seed + 1, *key),
        derive(seed, *key, ""),
        derive(seed, *key, 0),
        *(derive(seed, *key[:i], key[i] + "x", *key[i + 1 :]) for i in range(len(key))),
        *(derive(seed, *key[:i], *key[i + 1 :]) for i in range(len(key))),
    ]
    assert base not in others


def test_parts_of_a_key_do_not_run_together() -> None:
    assert derive(1, "ab", "c") != derive(1, "a", "bc")
    assert derive(1, 23) != derive(12, 3)
    assert derive(1, "2") != derive(12)


def test_a_stream_is_splitmix64() -> None:
    """The first outputs of SplitMix64 from state 0, as published with the generator."""
    state = np.array([0], np.uint64)
    published = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]
    assert [uniform(state) for _ in published] == [(number >> 11) * 2.0**-53 for number in published]


def test_streams_repeat_and_differ_by_key() -> None:
    first, again, other = (draws(stream(3, "refine", shard), 50).tolist() for shard in (0, 0, 1))
    assert first == again
    assert not set(first) & set(other)
    assert len(set(first)) == 50


def test_a_stream_continues_where_it_was() -> None:
    state = stream(3, "unit")
    parts = [*draws(state, 4), *draws(state, 6)]
    assert parts == draws(stream(3, "unit"), 10).tolist()


@few
@given(st.integers(0, 2**64 - 1))
def test_numbers_lie_in_the_half_open_unit_interval(start: int) -> None:
    number = uniform(np.array([start], np.uint64))
    assert 0 <= number < 1
    assert (number * 2**53).is_integer()


def test_the_largest_number_is_below_one() -> None:
    """A state chosen so that the mixed bits are all ones."""
    z = 2**64 - 1
    z ^= (z >> 31) ^ (z >> 62)
    z = z * pow(0x94D049BB133111EB, -1, 2**64) % 2**64
    z ^= (z >> 27) ^ (z >> 54)
    z = z * pow(0xBF58476D1CE4E5B9, -1, 2**64) % 2**64
    z ^= (z >> 30) ^ (z >> 60)
    state = np.array([(z - 0x9E3779B97F4A7C15) % 2**64], np.uint64)
    assert uniform(state) == 1 - 2.0**-53


def test_one_stream_is_uniform() -> None:
    assert chi_square(draws(stream(1, "unit"), 40_000)) < BOUND


def test_first_numbers_of_many_streams_are_uniform() -> None:
    assert chi_square(np.array([uniform(stream(1, "unit", key)) for key in range(20_000)])) < BOUND


def test_consecutive_numbers_are_unrelated() -> None:
    numbers = draws(stream(2, "unit"), 40_000)
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.03
    assert chi_square((numbers[:-1] + numbers[1:]) % 1) < BOUND


@pytest.mark.parametrize(
    "bias",
    [lambda u: u**1.1, lambda u: u * 0.98, lambda u: np.where(u < 0.02, 1 - u, u)],
    ids=["leaning", "cut short", "folded"],
)
def test_the_bound_would_notice_a_bias(bias: Callable[[np.ndarray], np.ndarray]) -> None:
    assert chi_square(bias(draws(stream(1, "unit"), 40_000))) > 2 * BOUND


# --- hashes of rows


@few
@given(stn.arrays(np.uint16, st.tuples(st.integers(1, 20), st.integers(1, 4)), elements=st.integers(0, 2)))
def test_rows_hash_equally_exactly_when_they_are_equal(codes: Codes) -> None:
    hashes = hash_rows(codes, KEY)
    assert hashes.dtype == np.uint64
    pairs = {(tuple(row), value) for row, value in zip(codes.tolist(), hashes.tolist(), strict=True)}
    assert len(pairs) == len({row for row, _ in pairs}) == len({value for _, value in pairs})
    assert hash_rows(codes[::-1].copy(), KEY).tolist() == hashes[::-1].tolist()
    assert not set(hash_rows(codes, KEY + np.uint64(1)).tolist()) & set(hashes.tolist())


def test_hashes_see_the_place_of_a_value() -> None:
    codes = np.array([(1, 0), (0, 1), (1, 1), (0, 0), (65_535, 0), (0, 65_535)], np.uint16)
    assert len(set(hash_rows(codes, KEY).tolist())) == 6


def test_hashes_of_neighbouring_rows_are_uniform_and_distinct() -> None:
    codes = np.stack(np.divmod(np.arange(40_000), 200), axis=1).astype(np.uint16)
    hashes = hash_rows(codes, KEY)
    assert len(set(hashes.tolist())) == 40_000
    assert chi_square((hashes >> np.uint64(11)) * 2.0**-53) < BOUND
    assert chi_square((hashes % np.uint64(BINS)) / BINS) < BOUND


def test_no_rows_have_no_hashes() -> None:
    assert hash_rows(np.zeros((0, 3), np.uint16), KEY).shape == (0,)
    assert hash_copies(np.zeros((0, 3), np.uint16), np.zeros(0, np.int64), KEY).shape == (0,)


@few
@given(
    stn.arrays(np.uint16, st.tuples(st.integers(1, 8), st.just(2)), elements=st.integers(0, 50), unique=False),
    st.data(),
)
def test_a_copy_hashes_by_content_and_number_alone(codes: Codes, data: st.DataObject) -> None:
    codes = np.unique(codes, axis=0)
    copies = np.array(data.draw(st.lists(st.integers(0, 5), min_size=len(codes), max_size=len(codes))), np.int64)
    order = np.array(data.draw(st.permutations(range(len(codes)))), np.int64)
    owner = np.repeat(np.arange(len(codes)), copies)
    hashes = hash_copies(codes, copies, KEY)
    assert hashes.shape == (copies.sum(),)
    assert len(set(hashes.tolist())) == len(hashes)
    # the same rows in another order, with one copy more of each: every copy keeps its hash
    more = hash_copies(codes[order], copies[order] + 1, KEY)
    more_owner = np.repeat(order, copies[order] + 1)
    for row in range(len(codes)):
        assert more[more_owner == row][: copies[row]].tolist() == hashes[owner == row].tolist()


def test_a_hash_of_texts_does_not_see_which_codes_they_have() -> None:
    codes, copies = np.array([(1, 0), (2, 1), (0, 3), (1, 3)], np.uint16), np.array([2, 0, 1, 3])
    firsts, texts = np.array([0, 3]), np.array([0, 11, 12, 0, 21, 22, 23], np.uint64)
    hashes = hash_texts(codes, copies, firsts, texts)
    assert len(set(hashes.tolist())) == 6
    others = np.array([(2, 0), (1, 2), (0, 1), (2, 1)], np.uint16)  # the same texts, in another order of codes
    again = hash_texts(others, copies, firsts, np.array([0, 12, 11, 0, 23, 21, 22], np.uint64))
    assert again.tolist() == hashes.tolist()
    assert not set(hash_texts(codes, copies, firsts, texts + np.uint64(1)).tolist()) & set(hashes.tolist())
