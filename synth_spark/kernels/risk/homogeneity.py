"""Groups of records that share a combination, and what a secret column says of all of them (homogeneity)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from synth_spark.kernels.cells import CellSpace, Ints
from synth_spark.kernels.counting.association import Floats


@dataclass(frozen=True)
class Groups:
    """Groups of at least k records that share a combination without the secret column.

    Attributes:
        sizes: (g,) records of each group.
        diversity: (g,) distinct l-diversity (Machanavajjhala et al. 2007): different values of the secret column,
            absent being one.
        revealed: (g,) whether all records of the group have the same present value.
        closeness: (g,) t-closeness (Li et al. 2007): total variation distance between the secret column's distribution
            in the group and in all records. Their earth mover's distance is this one where values have no order.
    """

    sizes: Ints
    diversity: Ints
    revealed: np.ndarray
    closeness: Floats


def with_secret(space: CellSpace, cells: Ints, secret: int, length: int) -> tuple[np.ndarray, Ints, Ints]:
    """Split combinations of one length into that of a secret column and the rest.

    Args:
        space: the numbering of combinations.
        cells: (n,) cells of the length.
        secret: the column.
        length: of the combinations; ≥ 2.

    Returns:
        (chosen, rests, codes): (n,) which of them hold the column; (c,) the cells of what they hold besides; and (c,)
        their codes of the column.
    """
    columns, codes = space.decode(cells, length)
    inside = columns == secret
    chosen = inside.any(axis=1)
    others = ~inside[chosen]
    rest = columns[chosen][others].reshape(-1, length - 1)
    rest_codes = codes[chosen][others].reshape(-1, length - 1)
    key = np.zeros(len(rest), np.int64)
    for position in range(length - 1):
        key = key * np.array(space.cards, np.int64)[rest[:, position]] + rest_codes[:, position] - 1
    return chosen, space.first_cells(rest) + key, codes[chosen][inside[chosen]]


class WithSecret(NamedTuple):
    """Combinations that hold the secret column.

    Attributes:
        rests: (c,) the cell of what each holds besides.
        codes: (c,) the code of the secret column in it.
        counts: (c,) its count ≥ 1.
    """

    rests: Ints
    codes: Ints
    counts: Ints


def groups(cells: Ints, sizes: Ints, besides: WithSecret, shares: Floats, k: int) -> Groups:
    """Put the combinations of groups and those with a secret value besides together.

    Args:
        cells: (n,) cells of combinations without the secret column, in any order, each once.
        sizes: (n,) their counts.
        besides: such combinations with the secret column besides.
        shares: (v,) share of each value of the secret column among all records, by code from 1; the rest have none.
        k: smallest group.
    """
    (rests, codes, counts), absent = besides, 1 - shares.sum()
    large = sizes >= k
    order = np.argsort(cells[large])
    cells, sizes = cells[large][order], sizes[large][order]
    place = np.searchsorted(cells, rests)
    present = (place < len(cells)) & (cells[np.minimum(place, max(0, len(cells) - 1))] == rests) if len(cells) else None
    if present is None:
        return Groups(sizes, sizes, np.zeros(0, np.bool_), np.zeros(0))
    place, codes, counts = place[present], codes[present], counts[present]
    number, total = len(cells), np.bincount(place, counts, len(cells)).astype(np.int64)
    missing = np.maximum(0, sizes - total)
    different = np.bincount(place, minlength=number) + (missing > 0)
    gaps = np.bincount(place, np.abs(counts / sizes[place] - shares[codes - 1]) - shares[codes - 1], number)
    closeness = 0.5 * (gaps + shares.sum() + np.abs(missing / sizes - absent))
    return Groups(sizes, different, (different == 1) & (missing == 0), np.maximum(0, closeness))
