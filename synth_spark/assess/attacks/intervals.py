"""Success rates of attacks and the risk that they show, with 95 % intervals."""

import math
from dataclasses import dataclass

#: Standard normal quantile of a 95 % interval.
_Z = 1.959963984540054


@dataclass(frozen=True)
class Rate:
    """A rate and the half-width of its interval."""

    value: float
    error: float

    @property
    def interval(self) -> tuple[float, float]:
        """The interval, inside 0 and 1."""
        return max(0.0, self.value - self.error), min(1.0, self.value + self.error)


def success_rate(attacks: int, successes: int) -> Rate:
    """The rate of success, by Wilson's score (1927).

    >>> rate = success_rate(100, 10)
    >>> round(rate.value, 4), round(rate.error, 4)
    (0.1148, 0.0596)
    """
    square = _Z * _Z
    value = (successes + square / 2) / (attacks + square)
    spread = successes * (attacks - successes) / attacks + square / 4
    return Rate(value, _Z * math.sqrt(spread) / (attacks + square))


def risk(main: Rate, control: Rate) -> tuple[float, float, float]:
    """What an attack gains from records that were used, beyond what it gains from any (Giomi et al. 2023, eq. 1).

    Args:
        main: success against records that the synthetic ones were made from.
        control: success against others.

    Returns:
        (value, low, high), inside 0 and 1; the interval propagates both errors.
    """
    rest = 1 - control.value
    value = (main.value - control.value) / rest
    error = math.hypot(main.error / rest, control.error * (1 - main.value) / rest**2)
    low, middle, high = (min(1.0, max(0.0, value + side * error)) for side in (-1, 0, 1))
    return middle, low, high
