"""Randomness as a function of a key: the same draw wherever and however often it is made.

Everything random outside differential privacy comes from here. A stream is one 64-bit state stepped by SplitMix64
(Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014); its first state is derived
from (seed, stage, key) by BLAKE2b, so streams of different keys are unrelated and none reveals the seed.
"""

import hashlib

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.numba_cache import compiled

#: The state of a stream: one 64-bit number, stepped in place.
State = npt.NDArray[np.uint64]
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def derive(seed: int, *key: str | int) -> int:
    """A 64-bit integer that depends on the seed and the whole key.

    >>> derive(7, "synthesize", 0) == derive(7, "synthesize", 0)
    True
    >>> derive(7, "synthesize", 0) == derive(7, "synthesize", 1)
    False
    """
    message = "\x1f".join([str(seed), *map(str, key)]).encode()
    return int.from_bytes(hashlib.blake2b(message, digest_size=8).digest(), "little")


def stream(seed: int, *key: str | int) -> State:
    """The state of a fresh stream for a key: an array of one element, stepped in place by `uniform`."""
    return np.array([derive(seed, *key)], np.uint64)


@compiled
def mixed(z):
    """A bijection of 64-bit numbers that spreads their bits: the last step of SplitMix64."""
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))


@compiled
def uniform(state):
    """The next number of a stream, uniform in [0, 1) on multiples of 2⁻⁵³; steps the state."""
    state[0] += _STEP
    return np.float64(mixed(state[0]) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@compiled
def hash_rows(codes, key):
    """A 64-bit hash of each row of (n, m) codes under a 64-bit key; equal rows hash equally."""
    n, m = codes.shape
    hashes = np.empty(n, np.uint64)
    for i in range(n):
        z = mixed(key + _STEP)
        for c in range(m):
            z = mixed((z ^ np.uint64(codes[i, c])) + _STEP)
        hashes[i] = z
    return hashes


@compiled
def hash_copies(codes, copies, key):
    """A 64-bit hash of each copy of each row of (n, m) codes: ``copies[i]`` values for row i, one after the other."""
    rows = hash_rows(codes, key)
    hashes = np.empty(copies.sum(), np.uint64)
    at = 0
    for i in range(rows.size):
        for copy in range(copies[i]):
            hashes[at] = mixed(rows[i] + _STEP * np.uint64(copy + 1))
            at += 1
    return hashes


@compiled
def hash_texts(codes, copies, firsts, texts):
    """Like `hash_copies`, by keyed hashes of values' texts: that of code v in column c is ``texts[firsts[c] + v]``."""
    hashes, at = np.empty(copies.sum(), np.uint64), 0
    for i in range(codes.shape[0]):
        z = mixed(_STEP)
        for c in range(codes.shape[1]):
            z = mixed((z ^ texts[firsts[c] + codes[i, c]]) + _STEP)
        for copy in range(copies[i]):
            hashes[at] = mixed(z + _STEP * np.uint64(copy + 1))
            at += 1
    return hashes


@compiled
def draw_poisson(means, hashes):
    """(n,) Poisson numbers of the given means, each a function of its 64-bit hash (sequential inversion, in steps)."""
    drawn, state = np.zeros(means.size, np.int64), np.empty(1, np.uint64)
    for i in range(means.size):
        state[0] = hashes[i]
        left = means[i]
        while left > 0:
            mean = min(left, 500.0)  # a sum of Poisson numbers is one; exp(-500) is far from underflow
            left -= mean
            probability = np.exp(-mean)
            rest, number = uniform(state) - probability, 0
            while rest >= 0 and probability > 0:
                number += 1
                probability *= mean / number
                rest -= probability
            drawn[i] += number
    return drawn
