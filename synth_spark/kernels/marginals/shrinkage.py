"""What a noisy table of two columns says beyond its margins, with what is no more than noise taken away.

The optimal shrinker of singular values under squared error, for white noise of known scale (Gavish and Donoho, "Optimal
shrinkage of singular values", IEEE Transactions on Information Theory 63(4), 2017, equation 7): a singular value that
noise alone would have becomes 0, one that stands out loses what noise has added to it.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def shrunk(counts: Floats, rows: Floats, columns: Floats, sigma: float) -> Floats:
    """The table that is nearest to the exact one, as far as noise of a known scale lets be told.

    What is shrunk is the difference from independent columns, so a table of nothing but noise becomes the product of
    its margins. That difference adds up to 0 in every row and column, so its noise is that of a table with one row and
    one column less. Margins stay what they are; counts below 0 stay possible.

    Args:
        counts: (a, b) noisy counts with the margins ``rows`` and ``columns``.
        rows: (a,) counts of the first column.
        columns: (b,) counts of the second column, with the same total.
        sigma: standard deviation of the noise of a cell.
    """
    total = rows.sum()
    few, many = sorted(side - 1 for side in counts.shape)
    if not total > 0 or not sigma > 0 or not few:
        return counts
    independent = np.outer(rows, columns / total)
    left, values, right = np.linalg.svd(counts - independent, full_matrices=False)
    scale = sigma * np.sqrt(many)
    nearest: Floats = independent + (left * (scale * shrink(values / scale, few / many))) @ right
    return nearest


def shrink(values: Floats, ratio: float) -> Floats:
    """Singular values without what noise adds to them.

    >>> shrink(np.array([1.9, 2.0, 2.5, 1e6]), 1.0).round(6).tolist()
    [0.0, 0.0, 1.5, 999999.999998]

    Args:
        values: (n,) singular values, in units of the scale of the noise times the root of the longer side.
        ratio: β, the shorter side by the longer one.
    """
    edge = 1 + np.sqrt(ratio)  # the most that noise alone gives
    beyond = np.maximum(values, edge)
    root: Floats = np.sqrt(np.maximum((beyond**2 - ratio - 1) ** 2 - 4 * ratio, 0))
    return np.where(values > edge, root / beyond, 0.0)
