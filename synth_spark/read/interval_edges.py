"""Edges of intervals that come from the data: no edge, and no interval, tells of fewer than k. No Spark here.

A quantile is some person's number. An edge is the quantile rounded to a step; it stays only if at least k subjects have
numbers that round to it, else a coarser step is tried, and at last the edge is left out. So a number that fewer than k
share, to within a step, is no edge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

#: Steps that are tried for an edge, each the next coarser multiple of 1, 2 or 5 times a power of ten.
_STEPS = 5
#: The finest step: numbers are exact to ten decimals, and so must be half a step.
_FINEST = Decimal("1E-9")


@dataclass(frozen=True)
class RoundedEdge:
    """A quantile rounded to a step.

    Attributes:
        at: the edge, a multiple of the step.
        low: the least number that rounds to it.
        high: above all numbers that round to it.
    """

    at: Decimal
    low: Decimal
    high: Decimal


def roundings(quantiles: Sequence[float]) -> list[tuple[RoundedEdge, ...]]:
    """Every quantile rounded to finer and coarser steps: multiples of 1, 2 or 5 times a power of ten.

    The finest step is the largest that is at most a fifth of the median distance between neighbours, so that intervals
    keep about their share.

    >>> [[str(edge.at) for edge in edges] for edges in roundings([23.4, 31.0, 38.9])]
    [['23', '24', '25', '20', '20'], ['31', '32', '30', '30', '40'], ['39', '38', '40', '40', '40']]
    """
    gaps = sorted(high - low for low, high in pairwise(quantiles) if high > low)
    typical = gaps[len(gaps) // 2] if gaps else max(1.0, abs(quantiles[0]) / 10) if quantiles else 1.0
    steps = [max(_FINEST, round_unit(typical / 5))]
    while len(steps) < _STEPS:
        steps.append(_coarser(steps[-1]))
    return [tuple(_rounded(Decimal(repr(float(value))), step) for step in steps) for value in quantiles]


def _rounded(number: Decimal, step: Decimal) -> RoundedEdge:
    at = (number / step).to_integral_value() * step + 0  # never -0
    return RoundedEdge(at, at - step / 2, at + step / 2)


def _coarser(step: Decimal) -> Decimal:
    return step / 2 * 5 if step.as_tuple().digits[0] == 2 else step * 2


def kept(edges: Sequence[tuple[RoundedEdge, ...]], held: Sequence[Sequence[int]], k: int) -> list[Decimal]:
    """Of every quantile the finest rounding that at least k numbers share; each edge once, ascending.

    Args:
        edges: as `roundings` makes them.
        held: how many subjects have a number that rounds to each of them.
        k: the fewest that an edge may depend on.

    >>> kept(roundings([23.4, 31.0, 38.9]), [[3, 9, 12, 40, 40], [10, 20, 30, 40, 40], [1, 2, 3, 4, 5]], 10)
    [Decimal('25'), Decimal('31')]
    """
    fine = [
        next((edge.at for edge, count in zip(own, counts, strict=True) if count >= k), None)
        for own, counts in zip(edges, held, strict=True)
    ]
    return sorted({edge for edge in fine if edge is not None})


def round_unit(most: float) -> Decimal:
    """The largest of 1, 2 or 5 times a power of ten that is at most a number.

    >>> [str(round_unit(number)) for number in (0.3, 1.0, 7.5, 4999.0)]
    ['0.2', '1', '5', '2E+3']
    """
    power = Decimal(repr(most)).adjusted()
    units = [Decimal(digit).scaleb(power) for digit in (1, 2, 5)]
    return max(unit for unit in units if unit <= Decimal(repr(most)))


def merged(edges: Sequence[Decimal], counts: Sequence[int], k: int) -> list[Decimal]:
    """The edges that are left when every interval with fewer than k, but none, is joined to its smaller neighbour.

    Args:
        edges: ascending; one interval lies below the first, one from the last on.
        counts: of every interval, one more than edges.
        k: the fewest that an interval may hold.

    >>> merged([Decimal(10), Decimal(20), Decimal(30)], [50, 3, 40, 9], 10)
    [Decimal('10')]
    """
    left, held = list(edges), list(counts)
    while left and min(held) < k:
        small = held.index(min(held))
        with_next = small == 0 or (small < len(left) and held[small + 1] < held[small - 1])
        other = small + 1 if with_next else small - 1
        low = min(small, other)
        held[low : low + 2] = [held[low] + held[low + 1]]
        del left[low]
    return left


def labels(edges: Sequence[Decimal]) -> list[str]:
    """Texts of the intervals that edges make.

    >>> labels([Decimal(18), Decimal("20.50")])
    ['under 18', '18 to <20.5', '20.5 or over']
    """
    texts = [number_text(edge) for edge in edges]
    between = [f"{low} to <{high}" for low, high in pairwise(texts)]
    return [f"under {texts[0]}", *between, f"{texts[-1]} or over"] if texts else []


def number_text(number: Decimal) -> str:
    """A number without needless zeros and without an exponent."""
    return format(number.normalize(), "f")
