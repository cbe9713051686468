"""Two columns inside a group: what published counts leave over of each value, and whether that must meet.

Of all who hold D, two columns X and Y make a table with the published n(D, x, y) in its cells. What is left of a
row, its count less its cells, is e; of a column f; of the whole g. In a set A of rows and a set B of columns what
is left over of both must meet in their |A|·|B| cells where Σe + Σf > g, for what is left of all is g:

    n(D) + Σ n(D, a, b) over A × B ≥ Σ n(D, a) + Σ n(D, b) + Σ n(D, x, y) outside A and B.

One count on the left more than on the right of 1 + |A|·|B| of them is no proof until the echo is so low that k − 1
more records in each of the others do not make up for it. These are the cuts of a flow from rows to columns, so for
one pair of columns there are no other bounds (Dobra and Fienberg 2000, «Bounds for cell entries in contingency
tables»).
"""

import numpy as np

from synth_spark.kernels.deduction.lattice import falling
from synth_spark.kernels.numba_cache import compiled


@compiled
def lower_values(lattice, node, lowered):
    """Say less of the values of a column that together are published with more than the group that they are in."""
    begin, end = lattice.starts[node], lattice.starts[node + 1]
    while begin < end:
        column, last = lattice.column_of[lattice.added[begin]], begin
        while last < end and lattice.column_of[lattice.added[last]] == column:
            last += 1
        units = lattice.units[lattice.extended[begin:last]]
        surplus = units.sum() - lattice.units[node]
        while surplus > 0:
            largest = np.argmax(units)
            less = min(surplus, max(1, units[largest] // 2))
            units[largest] -= less
            surplus -= less
            at = lattice.extended[begin + largest]
            lowered[at] = max(lowered[at], lattice.units[at] - units[largest])
        begin = last


@compiled
def lower_residuals(lattice, node, k, lowered):
    """Say less where what two columns leave over inside a group must meet.

    Args:
        lattice: what is published; not changed.
        node: place of D; with two attributes more it is at most R long.
        k: privacy resolution.
        lowered: (N + 1,) by how many units this round lowers each combination; raised here, never lowered.
    """
    begin, end = lattice.starts[node], lattice.starts[node + 1]
    places, column = lattice.extended[begin:end], lattice.column_of[lattice.added[begin:end]]
    units = lattice.units[places]
    firsts, group, groups = np.zeros(len(places) + 1, np.int64), np.zeros(len(places), np.int64), 0
    group_of = np.full(lattice.column_of[-1] + 1, -1)
    for row in range(len(places)):
        if row == 0 or column[row] != column[row - 1]:
            firsts[groups], group_of[column[row]] = row, groups
            groups += 1
        group[row] = groups - 1
    firsts[groups] = len(places)
    left = np.empty((len(places), groups), np.int64)
    for row in range(len(places)):
        left[row] = units[row]
        for i in range(lattice.starts[places[row]], lattice.starts[places[row] + 1]):
            other = group_of[lattice.column_of[lattice.added[i]]]
            if other >= 0:
                left[row, other] -= lattice.units[lattice.extended[i]]
    for one in range(groups):
        reached = lattice.starts[places[firsts[one] : firsts[one + 1]]]
        for other in range(one + 1, groups):
            table = (firsts[one], firsts[one + 1], firsts[other], firsts[other + 1])
            cells, where = _block(lattice, places, lattice.added[begin:end], reached, table)
            while _lower_worst(lattice.units[node], k, units, left, cells, group, table):
                pass
            for x in range(where.shape[0]):
                for y in range(where.shape[1]):
                    at = where[x, y]
                    if at >= 0:
                        lowered[at] = max(lowered[at], lattice.units[at] - cells[x, y])
    for row in range(len(places)):
        lowered[places[row]] = max(lowered[places[row]], lattice.units[places[row]] - units[row])


@compiled
def _block(lattice, places, values, reached, table):
    """Cells of two columns inside a group: units, and their places; what was reached in each row moves on."""
    low, end, first, last = table
    cells, where = np.zeros((end - low, last - first), np.int64), np.full((end - low, last - first), -1)
    for x in range(end - low):
        stop = lattice.starts[places[low + x] + 1]
        while reached[x] < stop and lattice.added[reached[x]] < values[first]:
            reached[x] += 1
        y, i = first, reached[x]
        while i < stop and y < last:
            if lattice.added[i] == values[y]:
                cells[x, y - first] = lattice.units[lattice.extended[i]]
                where[x, y - first] = lattice.extended[i]
            if lattice.added[i] <= values[y]:
                i += 1
            else:
                y += 1
    return cells, where


@compiled
def _lower_worst(of_all, k, units, left, cells, group, table):
    """Find the rows and columns whose rest must meet most, and say less of one count; whether there were any."""
    low, end, first, last = table
    one, other, whole = group[low], group[first], of_all - cells.sum()
    rows = falling(left[low:end, other].copy())
    columns = falling(left[first:last, one].copy())
    worst, in_rows, in_columns, of_rows = -1, 0, 0, 0
    for a in range(len(rows)):
        if a > 0 and left[low + rows[a], other] < 1:
            break
        of_rows += left[low + rows[a], other]
        of_columns = 0
        for b in range(len(columns)):
            if b > 0 and left[first + columns[b], one] < 1:
                break
            of_columns += left[first + columns[b], one]
            proved = (of_rows + of_columns - whole) * k - (a + 1) * (b + 1) * (k - 1) - 1
            if proved > worst:
                worst, in_rows, in_columns = proved, a + 1, b + 1
    if worst < 0:
        return False
    met = np.empty(in_rows + in_columns, np.int64)
    met[:in_rows], met[in_rows:] = low + rows[:in_rows], first + columns[:in_columns]
    value, tight = _loosest(units, left, group, met, one, other)
    if tight != 0:
        slack, at = 0, (-1, -1)
        for x in rows[in_rows:]:
            for y in columns[in_columns:]:
                free = whole - left[low + x, other] - left[first + y, one]
                if cells[x, y] > 0 and free > slack:
                    slack, at = free, (x, y)
        if slack > 0:
            cells[at[0], at[1]] -= 1
            left[low + at[0], other] += 1
            left[first + at[1], one] += 1
            return True
    if value < 0:
        return False
    units[value] -= 1
    left[value] -= 1
    return True


@compiled
def _loosest(units, left, group, met, one, other):
    """Of values with a rest, that which is exhausted in the fewest columns, the smallest, the last; and in how many."""
    best, tight = -1, -1
    for value in met:
        if left[value, other if group[value] == one else one] <= 0:
            continue
        exhausted = 0
        for column in range(left.shape[1]):
            exhausted += column != group[value] and left[value, column] <= 0
        if best < 0 or (exhausted, units[value], -value) < (tight, units[best], -best):
            best, tight = value, exhausted
    return best, tight
