"""Which share of ρ single counts get, and pairs the rest: the one that lets records be expected to err least.

What decides are numbers that are public, or carry noise already: cells of tables, ρ and δ, and a noisy number of
records. The errors are those of a model: none of it touches what is promised.
"""

import math

import numpy as np
import numpy.typing as npt

from synth_spark.plan.privacy import LARGEST_SHARE
from synth_spark.privacy.allocation import Spending, value_sigmas, value_threshold

Floats = npt.NDArray[np.float64]
#: The shares that are compared.
SHARES = (0.15, 0.2, 0.3, 0.4, 0.5, 0.6, LARGEST_SHARE)
#: How often the error of pairs counts beside that of single counts: tables of three columns and more follow it.
_PAIRS = 6
#: What noise can spoil of a table of two columns beside its margins, as a share of the records, and how many cells a
#: column has whose values are private. Chosen with `_PAIRS` on the generated tables of decision 141.
DEPENDENCE, _CELLS = 0.16, 5
#: Mean of |x| / 2 for x normal with scale 1.
_HALF_MEAN = 1 / math.sqrt(2 * math.pi)


def share_of_values(spending: Spending, records: int, tables: list[int], held: list[int], private: bool) -> float:
    """The share of ρ for single counts with the smallest errors to be expected.

    Errors are multiplied, that of pairs several times, so that what counts is by how much a share makes each of them
    larger or smaller.

    Args:
        spending: the budget, by any share.
        records: their number, with noise, or as it is planned for.
        tables: cells of the table of every field.
        held: the most values of a field that a subject has.
        private: whether values must show themselves; ``tables`` says nothing then.
    """
    known = [_CELLS] * len(tables) if private else tables
    errors = [expected_errors(spending, share, max(1, records), known, held, private) for share in SHARES]
    scores = [math.log(ones) + _PAIRS * math.log(pairs) for ones, pairs in errors]
    return SHARES[int(np.argmin(scores))]


def expected_errors(
    spending: Spending, share: float, records: int, tables: list[int], held: list[int], private: bool
) -> tuple[float, float]:
    """The mean distances of single counts and of tables of pairs, as shares of the records.

    A column is known by its own table and by the margins of all pairs with it. What a pair says beyond its margins is
    shrunk: its error is never more than `DEPENDENCE`. Private values that fewer records hold than the threshold are
    lost: of c values that share the records in any way, each as likely as the others, those with a share below t hold
    1 − (1 − t)^(c − 1) (1 + (c − 1) t) of them in the mean.

    Args:
        spending: the budget, by any share.
        share: of ρ, for single counts.
        records: their number, at least 1.
        tables: cells of the table of every field, or what it is taken to have.
        held: the most values of a field that a subject has.
        private: whether values must show themselves.
    """
    rho = spending.rho * share
    sigmas = value_sigmas(rho, [1] * len(tables) if private else tables, held)
    own, cells = 1 / np.square([float(sigma) for sigma in sigmas]), np.array(tables, float)
    first, second = np.triu_indices(len(tables), 1)
    both = cells[first] * cells[second]
    weights = both ** (2 / 3)
    pairs = 2 * float(spending.rho) * (1 - share) * weights / max(weights.sum(), 1.0)
    np.add.at(own, first, pairs / cells[second])
    np.add.at(own, second, pairs / cells[first])
    lost: Floats = np.zeros(len(tables))
    if private:
        least = [value_threshold(sigma, spending.domain_delta, sum(held)) for sigma in sigmas]
        part = np.minimum(1.0, np.array(least) / records)
        lost = (1 - (1 - part) ** (cells - 1) * (1 + (cells - 1) * part)) / 2
    ones = _HALF_MEAN * cells / np.sqrt(own) / records
    if not len(first):
        return float((ones + lost).mean()), 1.0
    noise = _HALF_MEAN * both / np.sqrt(pairs) / records
    beyond = noise * DEPENDENCE / (noise + DEPENDENCE)
    beside = np.hypot(beyond, ones[first] + ones[second]) + lost[first] + lost[second]
    return float((ones + lost).mean()), float(beside.mean())
