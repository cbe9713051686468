"""From sums to measures: one `Metric` a (comparison, measure, length, bin), with the field's definitions.

Length and bin are None where a measure is over all lengths or all bins. Percentages name their denominator.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.counting.count_differences import BIN_SUMS, FIRST_BIN, LENGTH_SUMS
from synth_spark.schema.metrics import Metric

#: Measures that combinations which are in the source alone, and are rare there, enter into.
NEEDS_RARE = frozenset(
    [
        "source_combinations", "source_count", "source_rare", "source_unique", "source_mean_count", "suppressed",
        "mean_tvd",
        "source_rare_percent", "source_unique_percent",
        "suppressed_percent_of_source", "fabricated_percent_of_source", "leaked_percent_of_source",
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Sums:
    """The sums of one comparison.

    Attributes:
        comparison: ``source_to_target``.
        by_length: (R, len(LENGTH_SUMS)).
        by_bin: (length, bin) → (len(BIN_SUMS),).
        source_records: number of records of the source, as far as it may be published.
        target_records: number of records of the target.
    """

    comparison: str
    by_length: np.ndarray
    by_bin: dict[tuple[int, int], np.ndarray]
    source_records: int
    target_records: int


def finish(sums: Sums) -> list[Metric]:
    """All measures of a comparison (as SDS defines them; TVD, kept and mass beside)."""
    collector = _Collector(sums.comparison)
    for length, row in enumerate(sums.by_length, 1):
        _length_measures(collector, length, dict(zip(LENGTH_SUMS, row, strict=True)))
    _length_measures(collector, None, dict(zip(LENGTH_SUMS, sums.by_length.sum(axis=0), strict=True)))
    if sums.source_records:
        collector.add("record_expansion", sums.target_records / sums.source_records)
        collector.add("record_expansion_percent", 100 * (sums.target_records / sums.source_records - 1))
    collector.add("target_records", sums.target_records)
    _preservation(collector, sums)
    return collector.measures


def single_measures(comparison: str, source: npt.NDArray[np.int64], target: npt.NDArray[np.int64]) -> list[Metric]:
    """How far the single counts of the target are off.

    How many values of the source the target lacks is the measure ``suppressed`` of length 1.

    Args:
        comparison: ``source_to_target``.
        source: (n,) counts of attributes.
        target: (n,) counts of the same ones.

    Returns:
        ``largest_gap`` and ``mean_ratio``, over the attributes that the source holds; nothing if it holds none.
    """
    held = source > 0
    if not held.any():
        return []
    figures = {
        "largest_gap": np.abs(source - target)[held].max(),
        "mean_ratio": math.fsum(target[held] / source[held]) / np.count_nonzero(held),  # whatever their order
    }
    return [Metric(None, comparison, name, None, 1, float(value)) for name, value in figures.items()]


class _Collector:
    def __init__(self, comparison: str) -> None:
        self.comparison = comparison
        self.measures: list[Metric] = []

    def add(self, measure: str, value: float, length: int | None = None, count_bin: int | None = None) -> None:
        self.measures.append(Metric(None, self.comparison, measure, None, length, float(value), count_bin=count_bin))


def _length_measures(collector: _Collector, length: int | None, row: dict[str, float]) -> None:
    for name in LENGTH_SUMS:
        if name not in ("tvd", "absolute_error", "kept_count", "common_count"):
            collector.add(name, row[name], length)
    ratios = {
        "suppressed_percent_of_source": (100 * row["suppressed"], row["source_combinations"]),
        "fabricated_percent_of_source": (100 * row["fabricated"], row["source_combinations"]),
        "fabricated_percent_of_target": (100 * row["fabricated"], row["target_combinations"]),
        "leaked_percent_of_source": (100 * row["leaked"], row["source_combinations"]),
        "leaked_percent_of_target": (100 * row["leaked"], row["target_combinations"]),
        "source_rare_percent": (100 * row["source_rare"], row["source_combinations"]),
        "target_rare_percent": (100 * row["target_rare"], row["target_combinations"]),
        "source_unique_percent": (100 * row["source_unique"], row["source_combinations"]),
        "target_unique_percent": (100 * row["target_unique"], row["target_combinations"]),
        "mean_absolute_error": (row["absolute_error"], row["both"]),
        "source_mean_count": (row["source_count"], row["source_combinations"]),
        "target_mean_count": (row["target_count"], row["target_combinations"]),
        "kept_share_of_common": (row["kept"], row["common"]),
        "mass_share_of_common": (row["kept_count"], row["common_count"]),
        "mean_tvd": (row["tvd"], row["tuples"]),
    }
    for name, (numerator, denominator) in ratios.items():
        collector.add(name, numerator / denominator if denominator else 0.0, length)


def _preservation(collector: _Collector, sums: Sums) -> None:
    """Means over the population {s ≥ k} ∪ {t > 0}, by length, by bin of t, and overall."""
    by_bin = dict(sorted(sums.by_bin.items(), key=lambda item: item[0]))  # always added in the same order
    for length in range(1, len(sums.by_length) + 1):
        _means(collector, [row for (at, _), row in by_bin.items() if at == length], length=length)
    errors, top = [], max((bin_ for _, bin_ in sums.by_bin), default=FIRST_BIN)
    bin_ = FIRST_BIN
    while bin_ <= top:
        rows = [row for (_, at), row in by_bin.items() if at == bin_]
        _means(collector, rows, count_bin=bin_)
        if rows:
            total = np.sum(rows, axis=0)
            errors.append(total[BIN_SUMS.index("proportional_error")] / total[0])
        bin_ *= 2
    _means(collector, list(by_bin.values()))
    collector.add("mean_proportional_error_over_bins", float(np.mean(errors)) if errors else 0.0)


def _means(
    collector: _Collector, rows: list[np.ndarray], length: int | None = None, count_bin: int | None = None
) -> None:
    total = np.sum(rows, axis=0) if rows else np.zeros(len(BIN_SUMS))
    collector.add("population", total[0], length, count_bin)
    names = ("preservation", "mean_length", "mean_combination_count", "proportional_error")
    for name, value in zip(names, total[1:], strict=True):
        collector.add(name, value / total[0] if total[0] else 0.0, length, count_bin)
