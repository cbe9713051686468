"""What cells of noisy tables are expected to hold, and how likely a cell holds nothing.

An empirical Bayes estimate (Efron, "Large-Scale Inference", 2010, chapter 1). A cell has a noisy count and a first
guess. From all cells whose guesses are about as large it is learned how often the exact count is 0, the guess, or some
multiple of it, by expectation maximisation over a mixture of normal distributions. Each cell then has the mean of what
its noisy count leaves possible: near the noisy count where noise is small, near the guess where noise is large.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Ints
from synth_spark.kernels.numba_cache import compiled

Floats = npt.NDArray[np.float64]
#: The multiples of a guess that a count may be about, besides 0, and how far from one it lies (a standard deviation).
_MULTIPLES = np.concatenate([[0.0], 2.0 ** np.arange(-5.0, 5.25, 0.5)])
_SPREAD = 0.25
#: Cells that each multiple is thought to have been seen in, and more of them for a multiple of 1, before any cell is.
_SEEN, _AS_GUESSED = 2.0, 2.0
#: Classes of guesses: below 1, then a factor of 4 each, to the last, which has all larger ones.
_CLASSES = 10
#: Most cells of a class that are learned from, and how often weights are made better.
_LEARNED_FROM, _ROUNDS = 20_000, 40
#: Less noise than this is taken as this much.
_LEAST_ERROR = 1e-6


class Cells(NamedTuple):
    """Cells of noisy tables, all (n,).

    Attributes:
        noisy: counts with noise.
        errors: standard deviation of the noise.
        guess: what the exact count may be expected to be without the noisy one, ≥ 0.
        most: no exact count is larger.
    """

    noisy: Floats
    errors: Floats
    guess: Floats
    most: Floats


def learned(cells: Cells) -> Floats:
    """How often, in each class of guesses, the exact count is about each multiple of the guess: rows add up to 1.

    >>> cells = Cells(np.array([0.0, 50.0]), np.ones(2), np.full(2, 10.0), np.full(2, 90.0))
    >>> learned(cells).shape
    (10, 22)

    Args:
        cells: the cells, or an even choice of them.
    """
    classes, before = _classes(cells.guess), np.full(_MULTIPLES.size, _SEEN / _MULTIPLES.size)
    before[_MULTIPLES == 1.0] += _AS_GUESSED
    weights = np.tile(before / before.sum(), (_CLASSES, 1))
    for own in np.unique(classes):
        at = np.flatnonzero(classes == own)
        at = at[:: math.ceil(at.size / _LEARNED_FROM)]
        weights[own] = _learn(*(part[at] for part in cells), _MULTIPLES, before, _ROUNDS)
    return weights


def expected(cells: Cells, weights: Floats) -> tuple[Floats, Floats]:
    """What each cell is expected to hold, and the chance that it holds nothing (less than half a record).

    Args:
        cells: the cells.
        weights: see `learned`.
    """
    mean, nothing = np.empty(cells.noisy.size), np.empty(cells.noisy.size)
    _expect(*cells, _classes(cells.guess), _MULTIPLES, weights, mean, nothing)
    return mean, nothing


def _classes(guess: Floats) -> Ints:
    classes: Ints = np.clip(np.floor(np.log2(np.maximum(guess, 0.25)) / 2) + 1, 0, _CLASSES - 1).astype(np.int64)
    return classes


@compiled
def _chances(noisy, error, guess, most, multiples, weights, chances):
    """The chance that the exact count of a cell is about each multiple of its guess."""
    top = -np.inf
    for k in range(multiples.size):
        about = min(guess * multiples[k], most)
        variance = error * error + (_SPREAD * about) ** 2
        chances[k] = math.log(weights[k]) - 0.5 * ((noisy - about) ** 2 / variance + math.log(variance))
        top = max(top, chances[k])
    total = 0.0
    for k in range(multiples.size):
        chances[k] = math.exp(chances[k] - top)
        total += chances[k]
    for k in range(multiples.size):
        chances[k] /= total


@compiled
def _learn(noisy, errors, guess, most, multiples, before, rounds):
    weights, chances = before / before.sum(), np.empty(multiples.size)
    for _ in range(rounds):
        seen = before.copy()
        for i in range(noisy.size):
            _chances(noisy[i], max(errors[i], _LEAST_ERROR), guess[i], most[i], multiples, weights, chances)
            seen += chances
        weights = seen / seen.sum()
    return weights


@compiled
def _expect(noisy, errors, guess, most, classes, multiples, weights, mean, nothing):
    chances = np.empty(multiples.size)
    for i in range(noisy.size):
        error = max(errors[i], _LEAST_ERROR)
        _chances(noisy[i], error, guess[i], most[i], multiples, weights[classes[i]], chances)
        mean[i], nothing[i] = 0.0, chances[0]
        for k in range(1, multiples.size):
            about = min(guess[i] * multiples[k], most[i])
            spread = _SPREAD * about
            variance = error * error + spread * spread
            own = about + spread * spread / variance * (noisy[i] - about)
            left = max(spread * error / math.sqrt(variance), _LEAST_ERROR)
            mean[i] += chances[k] * max(own, 0.0)
            nothing[i] += chances[k] * 0.5 * math.erfc((own - 0.5) / (left * math.sqrt(2.0)))
