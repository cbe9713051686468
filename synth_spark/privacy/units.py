"""Privacy numbers as values with arithmetic: never bare floats, so that an ε is not added to a ρ."""

import math
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, order=True)
class _Cost:
    """An amount ≥ 0 of which parts can be taken, and that adds up with its like.

    Raises:
        ValueError: the amount is negative or not a number.
    """

    value: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", float(self.value))
        if not self.value >= 0:
            raise ValueError(f"a {type(self).__name__} is at least 0")

    def __add__(self, other: Self) -> Self:
        return type(self)(self.value + self._same(other))

    def __sub__(self, other: Self) -> Self:
        return type(self)(self.value - self._same(other))

    def __mul__(self, share: float) -> Self:
        return type(self)(self.value * share)

    __rmul__ = __mul__

    def __float__(self) -> float:
        return self.value

    def _same(self, other: Self) -> float:
        if type(other) is not type(self):
            raise TypeError(f"a {type(self).__name__} does not add to a {type(other).__name__}")
        return other.value


class Epsilon(_Cost):
    """ε of (ε, δ)-differential privacy.

    >>> Epsilon(1.0) + Epsilon(0.5)
    Epsilon(value=1.5)
    """


class Delta(_Cost):
    """δ of (ε, δ)-differential privacy: the chance that ε does not hold."""


class Rho(_Cost):
    """ρ of zero-concentrated differential privacy (Bun and Steinke 2016): adds up over adaptive steps.

    >>> Rho(0.5) + Epsilon(0.5)
    Traceback (most recent call last):
    ...
    TypeError: a Rho does not add to a Epsilon
    """

    def sigma(self, squared_sensitivity: float = 1.0) -> "Sigma":
        """The scale of (discrete) Gaussian noise that costs this much, for a query of this L2 sensitivity, squared.

        ρ = Δ² / 2 σ² (Canonne, Kamath and Steinke 2020, theorem 4).

        >>> Rho(0.5).sigma(4)
        Sigma(value=2.0)
        """
        return Sigma(math.sqrt(squared_sensitivity / (2 * self.value)) if self.value else math.inf)

    def selection(self) -> Epsilon:
        """ε of an exponential mechanism that costs this much: ρ = ε² / 8 (Cesar and Rogers 2021, lemma 3.2)."""
        return Epsilon(math.sqrt(8 * self.value))


@dataclass(frozen=True, order=True)
class Sigma:
    """Scale of discrete Gaussian noise, in records; infinite where nothing is measured, 0 where nothing is hidden."""

    value: float

    def __mul__(self, factor: float) -> "Sigma":
        return Sigma(self.value * factor)

    def __float__(self) -> float:
        return self.value


def sigma_of(cells: list[int], rho: Rho) -> list[Sigma]:
    """Scales for disjoint tables that together cost ρ, with the smallest sum of expected absolute errors.

    Each table has sensitivity 1. Minimising Σ cᵢ σᵢ under Σ 1 / 2 σᵢ² = ρ gives every table a share of ρ ∝ cᵢ^(2/3)
    (Zhang et al., PrivSyn, 2021, section 4.2); shares are rounded to powers of √2, so that few scales differ.

    >>> [round(float(sigma), 3) for sigma in sigma_of([1, 8], Rho(0.5))]
    [2.236, 1.118]
    """
    shares = [2.0 ** (round(2 * math.log2(max(1, count)) * 2 / 3) / 2) for count in cells]
    return [(rho * (share / sum(shares))).sigma() for share in shares]
