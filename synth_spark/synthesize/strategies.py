"""What tells the ways of synthesis apart: who the seeds are, and whether what they lose is placed."""

from collections.abc import Callable
from dataclasses import dataclass

from synth_spark.kernels.cells import Codes, Ints


@dataclass(frozen=True)
class Strategy:
    """A way of synthesis.

    Attributes:
        seeds: (n,) how many seeds each record is, from (n, m) codes and (n,) multiplicities; None = there are no seeds.
        leftovers: whether values that seeds do not keep are placed.
        power: how strongly frequent values are preferred, if the way fixes it; None = as the plan says.
    """

    seeds: Callable[[Codes, Ints], Ints] | None
    leftovers: bool
    power: float | None = None
