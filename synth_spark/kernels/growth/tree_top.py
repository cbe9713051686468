"""The top of the refinement tree: which parts a large table is cut into, and which rows and seeds each part gets.

A table too large for one task is cut along the tree itself. At a node with too many rows, columns are put in a random
order; a seed goes to the child of the first column whose value it keeps there, and a row goes to every child whose
value it holds, so a child has all rows of the table that hold its path. Children that are still too large are cut
again. What is decided here rests on counts of nodes only; rows are routed where they lie.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.growth.settings import Growth

#: A child must be given at least one seed for so many of its rows; else they are not worth sending.
_ROWS_A_SEED = 256


@dataclass
class Node:
    """A node of one group's top.

    Attributes:
        path: its attributes, in the order of the cuts.
        order: columns that it is cut by; none while it is a leaf.
        children: the child of each attribute that has one.
        rows: distinct records that hold the path.
        seeds: how many of them are seeds here, by estimate.
        starts: new records that are to be started here.
        part: number of the leaf among all parts; −1: nothing is sent there.
    """

    path: tuple[int, ...] = ()
    order: tuple[int, ...] = ()
    children: dict[int, "Node"] = field(default_factory=dict)
    rows: int = 0
    seeds: float = 0.0
    starts: int = 0
    part: int = -1

    def leaves(self) -> list["Node"]:
        """The leaves below, in a fixed order."""
        if not self.order:
            return [self]
        return [leaf for attribute in sorted(self.children) for leaf in self.children[attribute].leaves()]


@dataclass(frozen=True)
class Counts:
    """What is counted over the rows of a node: of each attribute the distinct records and their weight, (A,) each."""

    held: Ints
    support: Ints


def cut_for_seeds(node: Node, counts: Counts, starts: Ints, how: Growth, random: np.random.Generator) -> None:
    """Give a node children for its seeds.

    Columns are ordered by draws ∝ (mean support of the values that seeds would keep)^power, the rule inside a task.
    """
    mass = np.where(counts.support >= how.k, counts.support, 0).astype(np.float64)
    order = _draw_order(node, mass, mass * mass, starts, how.power, random)
    left, used = node.seeds, []
    for column in order:
        attributes = np.arange(starts[column], starts[column + 1])
        expected = left * counts.held[attributes] / max(1, node.rows)
        worth = (counts.support[attributes] >= how.k) & (expected * _ROWS_A_SEED >= counts.held[attributes])
        for attribute, seeds in zip(attributes[worth], expected[worth], strict=True):
            path = (*node.path, int(attribute))
            node.children[int(attribute)] = Node(path, rows=int(counts.held[attribute]), seeds=float(seeds))
        if worth.any():
            used.append(int(column))
            left -= expected[worth].sum()
    node.order = tuple(used)


def cut_for_starts(
    node: Node, counts: Counts, starts: Ints, how: Growth, pool: Ints, random: np.random.Generator
) -> None:
    """Give a node children for its new records, by values of the pool; takes them out of the pool.

    Columns are drawn ∝ (mean support of the pool's values)^power, and the records of a column go to its values ∝ what
    the pool has of them × support.
    """
    wanted = np.where((counts.support >= how.k) & (pool > 0), pool, 0).astype(np.float64)
    order = _draw_order(node, wanted, wanted * counts.support, starts, how.power, random)
    left, used = node.starts, []
    for column in order:
        if left == 0:
            break
        attributes = np.arange(starts[column], starts[column + 1])
        given = apportion(left, wanted[attributes] * counts.support[attributes], pool[attributes])
        for attribute, share in zip(attributes[given > 0], given[given > 0], strict=True):
            path = (*node.path, int(attribute))
            node.children[int(attribute)] = Node(path, rows=int(counts.held[attribute]), starts=int(share))
        pool[attributes] -= given
        left -= int(given.sum())
        used.append(int(column))
    node.order = tuple(used)


def apportion(total: int, weights: npt.NDArray[np.float64], most: Ints) -> Ints:
    """Whole numbers ∝ weights, each at most ``most``, that sum to ``total`` or to all there is (largest remainders).

    >>> apportion(5, np.array([3.0, 1.0, 0.0]), np.array([9, 9, 9])).tolist()
    [4, 1, 0]
    >>> apportion(5, np.array([3.0, 1.0, 0.0]), np.array([2, 2, 9])).tolist()
    [2, 2, 0]
    """
    given = np.zeros(len(weights), np.int64)
    while True:
        room = np.where(weights > 0, most - given, 0)
        left = min(total - int(given.sum()), int(room.sum()))
        if left <= 0:
            return given
        open_weights = np.where(room > 0, weights, 0)
        share = left * open_weights / open_weights.sum()
        more = np.minimum(np.floor(share).astype(np.int64), room)
        if more.sum() == 0:
            by_remainder = np.argsort(-np.where(room > 0, share, -1), kind="stable")[:left]
            more[by_remainder[room[by_remainder] > 0]] = 1
        given += more


def route(top: Node, codes: Codes, starts: Ints, copies: Ints) -> list[tuple[int, npt.NDArray[np.int64], Ints]]:
    """Send records to the leaves of one group.

    Args:
        top: root of the group's top, its leaves numbered.
        codes: (n, m) codes, rare values absent.
        starts: (m + 1,) first attribute of each column.
        copies: (n,) how many seeds of the group each record is, ≥ 0.

    Returns:
        (leaf, rows, copies) for every leaf that any record holds: rows of ``codes``, and how many seeds each of them is
        there. A seed goes to one leaf or to none.
    """
    parts: list[tuple[int, npt.NDArray[np.int64], Ints]] = []
    waiting = [(top, np.arange(len(codes)), copies)]
    while waiting:
        node, rows, left = waiting.pop()
        if not node.order:
            if rows.size and node.part >= 0:
                parts.append((node.part, rows, left))
            continue
        left = left.copy()
        for column in node.order:
            values = codes[rows, column]
            for attribute in range(starts[column], starts[column + 1]):
                child = node.children.get(attribute)
                if child is not None:
                    own = np.flatnonzero(values == attribute - starts[column] + 1)
                    waiting.append((child, rows[own], left[own]))
                    left[own] = 0
    return parts


def holding(path: tuple[int, ...], codes: Codes, starts: Ints) -> npt.NDArray[np.bool_]:
    """(n,) whether each record holds all attributes of a path."""
    held = np.ones(len(codes), np.bool_)
    for attribute, column in zip(path, columns_of(path, starts), strict=True):
        held &= codes[:, column] == attribute - starts[column] + 1
    return held


def columns_of(path: tuple[int, ...], starts: Ints) -> Ints:
    """The columns of a path's attributes."""
    return np.searchsorted(starts, np.array(path, np.int64), side="right") - 1


def _draw_order(
    node: Node,
    mass: npt.NDArray[np.float64],
    score: npt.NDArray[np.float64],
    starts: Ints,
    power: float,
    random: np.random.Generator,
) -> Ints:
    """The free columns with any mass, drawn one after the other ∝ (score / mass)^power (Efraimidis, Spirakis, 2006)."""
    total, weighted = by_column(mass, starts), by_column(score, starts)
    total[columns_of(node.path, starts)] = 0
    free = np.flatnonzero(total)
    weights = (weighted[free] / total[free]) ** power
    return free[np.argsort(random.exponential(size=free.size) / weights, kind="stable")]


def by_column(values: npt.NDArray[np.float64] | Ints, starts: Ints) -> npt.NDArray[np.float64]:
    """(m,) sums of (A,) values over the attributes of each column."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    difference: npt.NDArray[np.float64] = sums[starts[1:]] - sums[starts[:-1]]
    return difference
