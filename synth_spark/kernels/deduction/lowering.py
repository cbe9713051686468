"""Which published counts are lowered, and by how much, so that together they prove nothing of a small group.

Rounds: in each, every group is looked at by itself, in the same state, and says what it would lower; then all of it
is lowered at once. So it does not matter in what order groups are looked at, or where. Counts only fall, so it
ends.
"""

import numpy as np

from synth_spark.kernels.cells import Ints
from synth_spark.kernels.deduction.events import lower_events
from synth_spark.kernels.deduction.lattice import Lattice
from synth_spark.kernels.deduction.linear import lower_proved
from synth_spark.kernels.deduction.overlap import lower_overlapping
from synth_spark.kernels.deduction.residuals import lower_residuals, lower_values
from synth_spark.kernels.numba_cache import compiled


def lowered_units(lattice: Lattice, k: int) -> Ints:
    """Lower published counts until no inequality that is looked for narrows one.

    Args:
        lattice: what is published; ``units`` is changed: what is left.
        k: privacy resolution.

    Returns:
        (N,) by how many multiples of k each combination was lowered.
    """
    before = lattice.units.copy()
    while True:
        lowered = one_round(lattice, k, 0, 1)
        lattice.units[:] -= lowered
        if not lowered.any() and not lower_proved(lattice, k):
            return before[:-1] - lattice.units[:-1]


def one_round(lattice: Lattice, k: int, share: int, shares: int) -> Ints:
    """What a share of all groups would lower in this state: (N + 1,) multiples of k, the last 0."""
    lowered: Ints = _one_round(lattice, k, share, shares)
    return np.minimum(lowered, lattice.units)


@compiled
def _one_round(lattice, k, share, shares):
    longest, number = lattice.attributes.shape[1], len(lattice.units)
    lowered = np.zeros(number, np.int64)
    for node in range(share, number, shares):
        if lattice.lengths[node] >= longest:
            continue
        lower_values(lattice, node, lowered)
        if lattice.units[node] == 0:
            continue
        met = lower_overlapping(lattice, node, longest, lowered)
        if not met and lattice.lengths[node] + 2 <= longest:  # else in the next round: often it is the same people
            lower_residuals(lattice, node, k, lowered)
            lower_events(lattice, node, longest, k, lowered)
    return lowered
