"""Where noise comes from: OpenDP's exact samplers, fed by the operating system. No seed: noise must not be repeatable.

Everything that draws noise is handed a `Noise`, so that tests can put a known one in its place.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from synth_spark.kernels.cells import Ints
from synth_spark.privacy import Rho, Sigma
from synth_spark.privacy.accountant import allow_contributed


class Noise(Protocol):
    """A source of noise."""

    def gaussian(self, size: int, sigma: Sigma) -> Ints:
        """(size,) independent discrete Gaussian numbers of scale σ."""

    def choose(self, scores: Ints, rho: Rho) -> int:
        """The place of a large one of some scores of sensitivity 1, at a cost of ρ."""


@dataclass(frozen=True)
class VettedNoise:
    """Noise of OpenDP."""

    def gaussian(self, size: int, sigma: Sigma) -> Ints:
        """(size,) independent discrete Gaussian numbers: P(x) ∝ exp(−x² / 2 σ²) (Canonne, Kamath and Steinke 2020)."""
        if not size or not sigma.value:
            return np.zeros(size, np.int64)
        allow_contributed()
        from opendp.domains import atom_domain, vector_domain
        from opendp.measurements import make_gaussian
        from opendp.metrics import l2_distance

        space = vector_domain(atom_domain(T="i64")), l2_distance(T="f64")
        return np.array(make_gaussian(*space, scale=float(sigma))([0] * size), np.int64)

    def choose(self, scores: Ints, rho: Rho) -> int:
        """The exponential mechanism, as the place of the largest score with Gumbel noise (McSherry and Talwar 2007)."""
        allow_contributed()
        from opendp.domains import atom_domain, vector_domain
        from opendp.measurements import make_noisy_max
        from opendp.measures import zero_concentrated_divergence
        from opendp.metrics import linf_distance

        space = vector_domain(atom_domain(T="i64")), linf_distance(T="i64")
        scale = 2 / float(rho.selection())
        return int(make_noisy_max(*space, zero_concentrated_divergence(), scale=scale)(scores.tolist()))
