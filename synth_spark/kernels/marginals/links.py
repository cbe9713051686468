"""From every column to the cells of the tables that it is in, and to the sets of values that are barred with it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from synth_spark.kernels.cells import Ints


class Layout(NamedTuple):
    """Where the cells of tables are: that of a record is at base + Σ code × stride.

    Attributes:
        columns: (t, 3) columns of each table; of a pair, the second one twice.
        strides: (t, 3) of each of them; 0 for the third column of a pair.
        bases: (t + 1,) where the cells of each table begin, and where the last ones end.
    """

    columns: Ints
    strides: Ints
    bases: Ints


def laid_out(cards: Ints, pairs: Ints, triples: Sequence[tuple[int, int, int]]) -> Layout:
    """Tables of pairs, then of triples, one after the other."""
    longer = np.array([*triples], np.int64).reshape(-1, 3)
    columns = np.concatenate([pairs[:, [0, 1, 1]], longer])
    ones, nothing = np.ones(len(pairs), np.int64), np.zeros(len(pairs), np.int64)
    last, middle = cards[longer[:, 2]], cards[longer[:, 1]]
    strides = np.concatenate(
        [
            np.stack([cards[pairs[:, 1]], ones, nothing], axis=1),
            np.stack([middle * last, last, np.ones_like(last)], axis=1),
        ]
    )
    sizes = cards[columns[:, 0]] * strides[:, 0]
    return Layout(columns, strides, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64))


def links_of(cards: Ints, laid: Layout) -> tuple[Ints, Ints]:
    """The tables of every column: (m + 1,) where they start, and (links, 9) what each one is.

    These are: two other columns, the base, the strides of the column itself and of the two others, how many codes the
    two have, and how many (code, code) of earlier tables of the column come before. Where there is one other column,
    the second is the same with a stride of 0 and one code.
    """
    starts, found = [0], []
    tables = list(zip(laid.columns.tolist(), laid.strides.tolist(), laid.bases[:-1].tolist(), strict=True))
    for column in range(len(cards)):
        slopes = 0
        for columns, strides, base in tables:
            if column not in columns:
                continue
            own = columns.index(column)
            two = strides[2] == 0  # a table of two columns
            x, y = (1 - own, 1 - own) if two else (place for place in range(3) if place != own)
            many, more = int(cards[columns[x]]), 1 if two else int(cards[columns[y]])
            found.append(
                (columns[x], columns[y], base, strides[own], strides[x], 0 if two else strides[y], many, more, slopes)
            )
            slopes += many * more
        starts.append(len(found))
    return np.array(starts), np.array(found, np.int64).reshape(-1, 9)


def rules_of(columns: int, barred: list[tuple[tuple[int, int], ...]]) -> tuple[Ints, Ints, Ints]:
    """The barred sets of every column: (m + 1,) where they start; where each one's members lie; the members."""
    starts, bounds, members = [0], list[tuple[int, int]](), list[tuple[int, int]]()
    for column in range(columns):
        for held in barred:
            if column in (own for own, _ in held):
                bounds.append((len(members), len(members) + len(held)))
                members += held
        starts.append(len(bounds))
    return np.array(starts), np.array(bounds, np.int64).reshape(-1, 2), np.array(members, np.int64).reshape(-1, 2)
