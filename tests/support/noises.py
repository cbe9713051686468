"""Known noise in place of the vetted one: none, or the same in every run."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pyspark import cloudpickle

from synth_spark.kernels.cells import Ints
from synth_spark.privacy import Rho, Sigma
from synth_spark.privacy.mechanisms import VettedNoise

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # tasks cannot import it


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


@dataclass(frozen=True)
class Counting:
    """Noise that counts its draws, those on the driver and those in tasks, in a file."""

    file: Path

    def gaussian(self, size: int, sigma: Sigma) -> Ints:
        with self.file.open("a") as stream:
            stream.write(f"{size}\n")
        return VettedNoise().gaussian(size, sigma)

    def choose(self, scores: Ints, rho: Rho) -> int:
        with self.file.open("a") as stream:
            stream.write(f"{len(scores)}\n")
        return VettedNoise().choose(scores, rho)


@dataclass(frozen=True)
class Watching(SameNoise):
    """Noise that notes, at every draw on the driver and in tasks, how many beginnings a ledger tells of by then."""

    ledger: Path = Path()
    file: Path = Path()

    def gaussian(self, size: int, sigma: Sigma) -> Ints:
        with self.file.open("a") as stream:
            stream.write(f"{self.ledger.read_text().count('beginning of')}\n")
        return super().gaussian(size, sigma)
