"""Three attributes and more inside a group: those who hold none of them, by inclusion and exclusion, are not below 0.

Σ (−1)^|J| n(D ∪ J) ≥ 0 over all J ⊆ B, for a set B of t attributes: Bonferroni's bounds of t events, the deduction
rules of Calders and Goethals (2002, «Mining all non-derivable frequent itemsets», section 3). Two attributes are in
`overlap`. Of the 2^(t − 1) counts with a plus all but one may be k − 1 higher than published before anything is
narrowed.
"""

import numpy as np

from synth_spark.kernels.deduction.lattice import extension, falling
from synth_spark.kernels.numba_cache import compiled


@compiled
def lower_events(lattice, node, longest, k, lowered):
    """Say less where too many of a group hold one of three attributes or more.

    Args:
        lattice: what is published; not changed.
        node: place of D.
        longest: R.
        k: privacy resolution.
        lowered: (N + 1,) by how many units this round lowers each combination; raised here, never lowered.
    """
    begin, end, most = lattice.starts[node], lattice.starts[node + 1], longest - lattice.lengths[node]
    if most < 3 or end - begin < 3:
        return
    order = falling(lattice.units[lattice.extended[begin:end]])
    values = lattice.added[begin:end][order]
    units = lattice.units[lattice.extended[begin:end]][order]
    chosen = np.zeros(most, np.int64)
    size, following = 0, 0
    while True:
        held = units[chosen[:size]].sum()
        room = most - size
        if following < len(units) and size < most and held + room * units[following] >= lattice.units[node]:
            chosen[size] = following
            size, following = size + 1, following + 1
            if size >= 3:
                _lower_set(lattice, node, values[chosen[:size]], k, lowered)
        elif size > 0:
            size -= 1
            following = chosen[size] + 1
        else:
            return


@compiled
def _lower_set(lattice, node, values, k, lowered):
    """The same for one set of attributes."""
    size = len(values)
    for i in range(size):
        for j in range(i):
            if lattice.column_of[values[i]] == lattice.column_of[values[j]]:
                return
    places, members, none = np.full(1 << size, -1), np.zeros(1 << size, np.int64), 0
    for subset in range(1 << size):
        at = node
        for i in range(size):
            if subset >> i & 1:
                members[subset] += 1
                at = extension(lattice, at, values[i]) if at >= 0 else -1
        places[subset] = at
        if at >= 0:
            none += lattice.units[at] * (1 - 2 * (members[subset] % 2))
    less, positive = np.zeros(1 << size, np.int64), 1 << (size - 1)
    while -none * k >= (k - 1) * (positive - 1) + 1:
        chosen = -1
        for subset in range(1 << size):
            at, longer = places[subset], chosen < 0 or members[subset] > members[chosen]
            if longer and members[subset] % 2 and at >= 0 and lattice.units[at] > less[subset]:
                chosen = subset
        if chosen < 0:
            break
        less[chosen] += 1
        none += 1
    for subset in range(1 << size):
        if less[subset]:
            lowered[places[subset]] = max(lowered[places[subset]], less[subset])
