"""Edges of intervals that come from the data: rounded, and merged until no interval tells of fewer than k. No Spark."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise


def rounded(quantiles: Sequence[float]) -> list[Decimal]:
    """Quantiles as round numbers, each once, ascending: multiples of 1, 2 or 5 times a power of ten.

    The unit is the largest that is at most a fifth of the median distance between neighbours, so that intervals keep
    about their share while an edge is no one's own number.

    >>> [str(edge) for edge in rounded([23.4, 31.0, 38.9, 47.2])]
    ['23', '31', '39', '47']
    """
    gaps = sorted(high - low for low, high in pairwise(quantiles) if high > low)
    typical = gaps[len(gaps) // 2] if gaps else max(1.0, abs(quantiles[0]) / 10) if quantiles else 1.0
    unit = round_unit(typical / 5)
    edges = {(Decimal(repr(float(value))) / unit).to_integral_value() * unit for value in quantiles}
    return sorted(edges)


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
