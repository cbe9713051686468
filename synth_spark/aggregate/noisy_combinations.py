"""Noisy counts of combinations, length by length (as SDS counts, made sound).

A length's candidates are the combinations whose parts were all released, so they are known to everyone. How many of
them one record may count for is chosen by a percentile that is itself private; then every candidate's count gets noise,
and those that pass the length's threshold are released and lead to the next length.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.aggregate.released_counts import Released
from synth_spark.errors import ResourceError
from synth_spark.kernels.arrow_codec import pack_ints, unpack_codes, unpack_ints, unpack_weights
from synth_spark.kernels.cells import Ints, starts_of
from synth_spark.kernels.keyed_random import derive
from synth_spark.kernels.marginals.candidates import Level, counts, links, next_level, sizes
from synth_spark.kernels.marginals.consistency import Floats, lower_to_parents
from synth_spark.plan import DifferentialPrivacy
from synth_spark.privacy import Rho, Sigma, Spending, threshold
from synth_spark.privacy.mechanisms import Noise
from synth_spark.schema.domain import Domain

#: Most candidates of a length: the driver and every task hold their counts.
_MOST_CANDIDATES = 20_000_000
#: Candidates whose noise one task draws, and most places that a cap is chosen among.
_A_BUCKET, _MOST_SIZES = 200_000, 1 << 20
_COUNTED, _NOISY = "bucket int, counts binary", "bucket int, counts binary"


@dataclass(frozen=True)
class CountingPlan:
    """What counting under noise is allowed.

    Attributes:
        terms: of privacy.
        spending: what each step may cost.
        longest: R.
        seed: of which of a record's combinations count, where they are too many.
    """

    terms: DifferentialPrivacy
    spending: Spending
    longest: int
    seed: int


@dataclass(frozen=True)
class Draws:
    """How noise is drawn: once, and written before anything reads it.

    Attributes:
        noise: where it comes from.
        keep: writes a length's noisy counts and reads them back; gives back those that were written before.
        once: keeps a number that was drawn; gives back the one that was kept before.
    """

    noise: Noise
    keep: Callable[[int, Callable[[], DataFrame]], DataFrame]
    once: Callable[[str, Callable[[], int]], int]


def percentile_scores(histogram: Ints, percentile: float) -> Ints:
    """How well each of 0, 1, 2, … serves as a percentile, as whole numbers that one record changes by at most 1.

    For rank r = ⌈P n / 100⌉ a number i scores 0 if #{s < i} < r ≤ #{s ≤ i}, else minus the distance of r to these
    ranks. (SDS's scores may change by as much as there are ties.)

    Args:
        histogram: how many records hold 0, 1, 2, … combinations, over a range that does not depend on the data.
        percentile: P, above 0 and at most 100.

    >>> percentile_scores(np.array([0, 0, 1, 3]), 50)
    array([-2, -2, -1,  0])
    """
    rank = math.ceil(percentile * int(histogram.sum()) / 100)
    up_to = np.cumsum(histogram)
    below = up_to - histogram
    distances: Ints = np.maximum(np.maximum(below + 1 - rank, rank - up_to), 0)
    return -distances


def released(
    codes: DataFrame,
    domain: Domain,
    singles: tuple[Ints, Floats],
    plan: CountingPlan,
    draws: Draws,
) -> Released:
    """Count combinations of length 2…R with noise, and make all counts agree.

    Args:
        codes: one row a distinct record: ``record``, ``multiplicity``. SENSITIVE.
        domain: the released one.
        singles: noisy counts of its attributes, column by column, and the scales of their noise.
        plan: what counting is allowed.
        draws: how noise is drawn.
    """
    spending, noise = plan.spending, draws.noise
    starts = starts_of(np.array(domain.cards, np.int64))
    rows, noisy, errors = [np.arange(starts[-1])[:, None]], [singles[0].astype(float)], [singles[1]]
    caps = [len(domain.columns)]
    records = draws.once("records", lambda: _records(codes, spending.on("records"), noise))
    for length in range(2, plan.longest + 1):
        level = next_level(starts, rows)
        if len(level.rows) > _MOST_CANDIDATES:
            problem = f"leads to {len(level.rows):,} candidates of length {length}, more than {_MOST_CANDIDATES:,}"
            raise ResourceError("reporting_length", problem, "lower it, group values, or set privacy.fabrication lower")
        most = min(math.comb(len(domain.columns), length), _MOST_SIZES)
        choice = spending.on(f"cap {length}")
        choose = partial(_cap, codes, level, most, plan.terms.percentile, choice, noise)
        cap = draws.once(f"cap {length}", choose) if len(level.rows) else 0
        if cap == 0:
            break
        sigma = spending.on(f"length {length}").sigma(cap)
        key = derive(plan.seed, "cap", length)
        kept_level = draws.keep(length, partial(_noisy, codes, level, cap, key, sigma, noise))
        own = np.concatenate([unpack_ints(row) for row in kept_level.orderBy("bucket").toArrow()["counts"]])
        passed = own > max(0.0, threshold(plan.terms, float(sigma), length, plan.longest))
        caps.append(cap)
        errors.append(np.full(int(passed.sum()), float(sigma)))
        rows.append(level.rows[passed])
        noisy.append(own[passed].astype(float))
    return _agreeing(starts, rows, noisy, errors, caps, records)


def _records(codes: DataFrame, rho: Rho, noise: Noise) -> int:
    exact = codes.agg(F.sum("multiplicity")).collect()[0][0]
    return int(exact + noise.gaussian(1, rho.sigma())[0])


def _cap(codes: DataFrame, level: Level, most: int, percentile: float, rho: Rho, noise: Noise) -> int:
    """The percentile of how many of a level's combinations a record holds, over 0…most."""

    def count_sizes(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        held = np.zeros(most + 1, np.int64)
        for batch in batches:
            records = unpack_codes(batch["record"], len(level.starts) - 1)
            held += sizes(level, records, unpack_weights(batch["multiplicity"]), most)
        yield pa.RecordBatch.from_arrays([pack_ints([held])], names=["held"])

    histogram = sum(unpack_ints(row) for row in codes.mapInArrow(count_sizes, "held binary").toArrow()["held"])
    return noise.choose(percentile_scores(np.asarray(histogram, np.int64), percentile), rho)


def _noisy(codes: DataFrame, level: Level, cap: int, key: int, sigma: Sigma, noise: Noise) -> DataFrame:
    """One row a bucket of candidates: their noisy counts."""
    edges = np.arange(0, len(level.rows) + _A_BUCKET, _A_BUCKET)

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        totals = np.zeros(len(level.rows), np.int64)
        for batch in batches:
            records = unpack_codes(batch["record"], len(level.starts) - 1)
            totals += counts(level, records, unpack_weights(batch["multiplicity"]), cap, key)
        for bucket, (low, high) in enumerate(pairwise(edges)):
            arrays = [pa.array([bucket], pa.int32()), pack_ints([totals[low:high]])]
            yield pa.RecordBatch.from_arrays(arrays, names=["bucket", "counts"])

    def add_noise(table: pa.Table) -> pa.Table:
        exact = np.sum([unpack_ints(row) for row in table["counts"]], axis=0)
        blurred = exact + noise.gaussian(exact.size, sigma)
        return pa.table([table["bucket"].slice(0, 1), pack_ints([blurred])], names=["bucket", "counts"])

    return codes.mapInArrow(count, _COUNTED).groupBy("bucket").applyInArrow(add_noise, _NOISY)


def _agreeing(
    starts: Ints, rows: list[Ints], noisy: list[Floats], errors: list[Floats], caps: list[int], records: int
) -> Released:
    """Counts that agree, rounded; of combinations none of whose parts is 0."""
    parents, more = links(starts, rows)
    variances = np.concatenate([[1.0], *(error**2 for error in errors)])
    agreed = lower_to_parents(np.concatenate([[float(records)], *noisy]), variances, parents, more)
    rounded = np.rint(agreed).astype(np.int64)
    there = rounded > 0
    there[0] = True
    bounds = np.cumsum([1, *(len(own) for own in rows)])
    cuts = list(pairwise(bounds))
    for low, high in cuts:  # length by length: parts before what they are parts of
        own = (more[:, 0] >= low) & (more[:, 0] < high)
        there[more[own, 0][~there[parents[own]]]] = False
    kept = [there[low:high] for low, high in cuts]
    return Released(
        starts=starts,
        rows=[own[keep] for own, keep in zip(rows, kept, strict=True)],
        counts=[rounded[low:high][keep] for (low, high), keep in zip(cuts, kept, strict=True)],
        errors=[own[keep] for own, keep in zip(errors, kept, strict=True)],
        caps=tuple(caps),
        records=int(rounded[0]),
    )
