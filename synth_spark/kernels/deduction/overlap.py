"""Two groups inside a third: those who hold E₁ and those who hold E₂, among all who hold what both have in common.

n(K) + n(D) ≥ n(E₁) + n(E₂) for every combination D of attributes of both, where K = E₁ ∩ E₂: together they cannot
be more than K unless they overlap, and who is in both holds D. These are Bonferroni's bounds of two events, and
with D = E₁ ∪ E₂ the deduction rules of Calders and Goethals (2002, «Mining all non-derivable frequent itemsets»,
section 3) for two items more. In units of k an inequality of two counts on each side narrows them as soon as its
echo is below 0.

It is enough to look at D that hold all that E₁ and E₂ have beyond K: for any other one K and a part of E₁ or of E₂,
which are published with no less, say the same.
"""

import numpy as np

from synth_spark.kernels.deduction.lattice import extension, falling, next_choice, supersets
from synth_spark.kernels.numba_cache import compiled


@compiled
def lower_overlapping(lattice, node, longest, lowered):
    """Say less of groups that provably overlap in a combination of which less is published.

    Args:
        lattice: what is published; not changed.
        node: place of K.
        longest: R.
        lowered: (N + 1,) by how many units this round lowers each combination; raised here, never lowered.

    Returns:
        Whether there were any.
    """
    whole, largest = lattice.units[node], 0
    for i in range(lattice.starts[node], lattice.starts[node + 1]):
        largest = max(largest, lattice.units[lattice.extended[i]])
    if 2 * largest <= whole:
        return False
    depth = min(longest - lattice.lengths[node], longest - 1)
    places, alone, more = supersets(lattice, node, depth, max(1, whole - largest + 1))
    units = lattice.units[places]
    order = falling(units)
    conflicts, sizes = np.zeros(len(places), np.int64), lattice.lengths[alone]
    for fix in range(2):  # first count in how many conflicts each group is, then solve them
        for i in range(len(order)):
            one = order[i]
            if 2 * lattice.units[places[one]] <= whole or (fix and not conflicts.any()):
                break
            if fix and not conflicts[one]:
                continue
            for j in range(i + 1, len(order)):
                other = order[j]
                if lattice.units[places[one]] + lattice.units[places[other]] <= whole:
                    break
                surplus = units[one] + units[other] - whole
                if surplus <= 0 or sizes[one] + sizes[other] > longest or (fix and not conflicts[other]):
                    continue
                shared = _least_shared(lattice, node, alone[one], more[one], more[other], surplus)
                if shared >= surplus:
                    continue
                if not fix:
                    conflicts[one] += 1
                    conflicts[other] += 1
                    continue
                less = _chosen(lattice, places, units, surplus - shared, conflicts, one, other)
                units[less] -= min(units[less], surplus - shared)
    for one in range(len(places)):
        at = places[one]
        lowered[at] = max(lowered[at], lattice.units[at] - units[one])
    return conflicts.any()


@compiled
def _chosen(lattice, places, units, less, conflicts, one, other):
    """Which of two groups is lowered: one of which something is left, the longer, that in more conflicts, the smaller.

    What is withheld is lost to records, too; to lower another count instead takes as much, and leaves both.
    """
    a, b = places[one], places[other]
    if (units[one] > less) != (units[other] > less):
        return one if units[one] > less else other
    if lattice.lengths[a] != lattice.lengths[b]:
        return one if lattice.lengths[a] > lattice.lengths[b] else other
    if conflicts[one] != conflicts[other]:
        return one if conflicts[one] > conflicts[other] else other
    return one if lattice.units[a] < lattice.units[b] or (lattice.units[a] == lattice.units[b] and a > b) else other


@compiled
def _least_shared(lattice, node, alone, one, other, enough):
    """Least published count of a combination of all that two groups have beyond K, and as much of K as may be.

    Groups with different values of a column share nobody; of those that share an attribute another K speaks, so of
    them it is ``enough``.
    """
    at, longest, common = alone, lattice.attributes.shape[1], lattice.lengths[node]
    for b in other:
        if b < 0:
            break
        for a in one:
            if a == b:
                return enough
            if a >= 0 and lattice.column_of[a] == lattice.column_of[b]:
                return 0
    for b in other:
        if b >= 0 and at >= 0:
            at = extension(lattice, at, b)
    if at < 0:
        return 0
    spare = longest - lattice.lengths[at]
    if spare == 0 or common == 0:
        return lattice.units[at]
    least, first = enough, at
    chosen = np.arange(min(spare, common))
    while True:
        at = first
        for i in chosen:
            at = extension(lattice, at, lattice.attributes[node, i])
            if at < 0:
                return 0
        least = min(least, lattice.units[at])
        if (least < enough and lattice.units[at] == 0) or not next_choice(chosen, common):
            return least
