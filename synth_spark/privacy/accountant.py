"""From (ε, δ) to what may be spent, by accountants that others vet: OpenDP's, and Google's dp_accounting.

Steps whose noise depends on what earlier steps gave out are accounted for in ρ, which adds up over adaptive steps, and
converted once (Canonne, Kamath and Steinke 2020, proposition 7, as OpenDP computes it). Where all scales are known
before the first draw, privacy loss distributions are composed numerically instead, with discretisation that is
pessimistic: at ε = 1 that allows 7 % less noise.
"""

import math
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from synth_spark.errors import check_extra
from synth_spark.privacy.units import Delta, Epsilon, Rho, Sigma

#: How finely ρ is searched for, relatively.
_PRECISION = 1e-6
#: Privacy losses are discretised by this share of ε.
_DISCRETIZATION = 5e-5
#: Steps of the search for a scale, and how far each aims beyond it, to the side that costs less.
_STEPS, _MARGIN = 3, 1.0003


def allow_contributed() -> None:
    """Say that what OpenDP has may be used whose proofs it calls contributed.

    Its ``prelude`` is imported nowhere: it brings scikit-learn, two seconds in each process that draws.

    Raises:
        EngineError: OpenDP is not installed.
    """
    check_extra("dp", "privacy.epsilon")
    from opendp.mod import enable_features

    enable_features("contrib")


def epsilon_of(rho: Rho, delta: Delta) -> Epsilon:
    """ε at δ of a mechanism that satisfies ρ-zCDP.

    >>> round(float(epsilon_of(Rho(0.0258), Delta(1.9e-6))), 3)
    0.999
    """
    if not rho.value:
        return Epsilon(0.0)
    allow_contributed()
    from opendp.combinators import make_zCDP_to_approxDP
    from opendp.domains import atom_domain
    from opendp.measurements import make_gaussian
    from opendp.metrics import absolute_distance

    space = atom_domain(T="i64"), absolute_distance(T="f64")
    gaussian = make_gaussian(*space, scale=float(rho.sigma()))
    profile: Any = make_zCDP_to_approxDP(gaussian)
    return Epsilon(profile.map(1.0).epsilon(float(delta)))


@cache
def rho_of(epsilon: Epsilon, delta: Delta) -> Rho:
    """The most ρ that costs no more than (ε, δ).

    >>> round(float(rho_of(Epsilon(1.0), Delta(1.9e-6))), 4)
    0.0258
    """
    low, high = 0.0, float(epsilon)  # ρ < ε wherever δ < 1
    while high - low > _PRECISION * high:
        middle = (low + high) / 2
        low, high = (middle, high) if epsilon_of(Rho(middle), delta) <= epsilon else (low, middle)
    return Rho(low)


def scaled_to(sigmas: Sequence[Sigma], epsilon: Epsilon, delta: Delta) -> list[Sigma]:
    """The smallest multiple of scales at which discrete Gaussians of sensitivity 1 together cost at most (ε, δ).

    Args:
        sigmas: their scales, known before the first draw; only their proportions matter. Few of them should differ.
        epsilon: the budget.
        delta: the budget.

    Returns:
        The scales. Their composed privacy loss at δ is at most ε.
    """
    spent = sum(1 / (2 * float(sigma) ** 2) for sigma in sigmas)
    best = scale = math.sqrt(spent / float(rho_of(epsilon, delta)))  # what costs (ε, δ) in ρ costs no more here
    for _ in range(_STEPS):
        cost = _composed([sigma * scale for sigma in sigmas], epsilon, delta)
        best = min(best, scale) if cost <= epsilon else best
        scale *= float(cost) / float(epsilon) * _MARGIN
    return [sigma * best for sigma in sigmas]


def _composed(sigmas: Sequence[Sigma], epsilon: Epsilon, delta: Delta) -> Epsilon:
    """ε at δ of discrete Gaussians of sensitivity 1 together, at least."""
    check_extra("dp", "privacy.epsilon")
    from dp_accounting.pld import privacy_loss_distribution as losses

    interval = _DISCRETIZATION * float(epsilon)
    total: Any = None
    for sigma, number in sorted(Counter(sigmas).items()):
        one = losses.from_discrete_gaussian_mechanism(float(sigma), 1, value_discretization_interval=interval)
        many = one.self_compose(number)
        total = many if total is None else total.compose(many)
    return Epsilon(total.get_epsilon_for_delta(float(delta)))
