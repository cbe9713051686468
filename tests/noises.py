"""Known noise in place of the vetted one: none, or the same in every run."""

from dataclasses import dataclass

import numpy as np

from synth_spark.budget import Rho, Sigma
from synth_spark.kernels.cells import Ints


@dataclass(frozen=True)
class NoNoise:
    """What an infinite budget gives."""

    def gaussian(self, size: int, sigma: Sigma) -> Ints:
        return np.zeros(size, np.int64)

    def choose(self, scores: Ints, rho: Rho) -> int:
        return int(np.argmax(scores))


@dataclass(frozen=True)
class SameNoise:
    """Normal numbers, rounded, the same for every draw of one size and scale."""

    seed: int = 1

    def gaussian(self, size: int, sigma: Sigma) -> Ints:
        drawn = np.random.default_rng([self.seed, size, int(1000 * float(sigma))]).normal(0, float(sigma), size)
        return np.rint(drawn).astype(np.int64)

    def choose(self, scores: Ints, rho: Rho) -> int:
        drawn = np.random.default_rng([self.seed, len(scores)]).gumbel(0, 2 / float(rho.selection()), len(scores))
        return int(np.argmax(scores + drawn))
