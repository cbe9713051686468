"""Records as baskets of attributes, laid out for the kernels that grow synthetic records."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.compiled import compiled


class Baskets(NamedTuple):
    """n distinct records over A attributes of m columns; attribute (column, code) has index starts[column] + code − 1.

    Attributes:
        codes: (n, m) codes, 0 = absent or rare.
        weights: (n,) how many sensitive records each stands for.
        starts: (m + 1,) first attribute of each column.
        column_of: (A,) column of each attribute.
        first: (n + 1,) where each record's attributes begin in ``attributes``.
        attributes: (nnz,) attributes of the records, one record after the other.
        first_holder: (A + 1,) where each attribute's holders begin in ``holders``.
        holders: (nnz,) the records that hold each attribute, ascending.
    """

    codes: Codes
    weights: Ints
    starts: Ints
    column_of: npt.NDArray[np.int32]
    first: Ints
    attributes: npt.NDArray[np.int32]
    first_holder: Ints
    holders: npt.NDArray[np.int32]


def baskets_of(codes: Codes, weights: Ints, cards: Ints) -> Baskets:
    """Lay out (n, m) codes whose values above ``cards`` have already been set to absent."""
    n, m = codes.shape
    starts = np.concatenate([[0], np.cumsum(cards)]).astype(np.int64)
    present = codes > 0
    attributes = (codes.astype(np.int64) + starts[:-1] - 1)[present].astype(np.int32)
    rows = np.repeat(np.arange(n, dtype=np.int32), present.sum(axis=1))
    return Baskets(
        codes=np.ascontiguousarray(codes),
        weights=np.ascontiguousarray(weights, np.int64),
        starts=starts,
        column_of=np.repeat(np.arange(m, dtype=np.int32), cards),
        first=np.concatenate([[0], np.cumsum(present.sum(axis=1))]).astype(np.int64),
        attributes=attributes,
        first_holder=np.concatenate([[0], np.cumsum(np.bincount(attributes, minlength=starts[-1]))]).astype(np.int64),
        holders=rows[np.argsort(attributes, kind="stable")],
    )


@compiled
def add_support(baskets, rows, support):
    """Add, for every attribute, the weight of those of the given rows that hold it."""
    for r in rows:
        weight = baskets.weights[r]
        for j in range(baskets.first[r], baskets.first[r + 1]):
            support[baskets.attributes[j]] += weight


@compiled
def clear_support(baskets, rows, support):
    """Set the support of every attribute that the given rows hold back to zero."""
    for r in rows:
        for j in range(baskets.first[r], baskets.first[r + 1]):
            support[baskets.attributes[j]] = 0


@compiled
def rows_containing(baskets, record, rows):
    """Write the rows that contain a non-empty record into ``rows``, ascending; returns how many."""
    shortest, fewest = -1, np.int64(1) << 62
    for c in range(record.size):
        if record[c] > 0:
            a = baskets.starts[c] + record[c] - 1
            held = baskets.first_holder[a + 1] - baskets.first_holder[a]
            if held < fewest:
                shortest, fewest = a, held
    found = 0
    for j in range(baskets.first_holder[shortest], baskets.first_holder[shortest + 1]):
        r = baskets.holders[j]
        contained = True
        for c in range(record.size):
            if record[c] > 0 and baskets.codes[r, c] != record[c]:
                contained = False
                break
        if contained:
            rows[found] = r
            found += 1
    return found


@compiled
def pair_counts(baskets, weights):
    """(A, A) weighted number of records that hold both attributes; the diagonal holds the single counts."""
    size = baskets.column_of.size
    pairs = np.zeros((size, size), np.int64)
    for r in range(weights.size):
        for i in range(baskets.first[r], baskets.first[r + 1]):
            for j in range(baskets.first[r], baskets.first[r + 1]):
                pairs[baskets.attributes[i], baskets.attributes[j]] += weights[r]
    return pairs
