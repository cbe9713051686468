"""How near each column tuple, each association and each subgroup of one table is to that of another."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from synth_spark.kernels.cells import CellSpace, Ints, starts_of
from synth_spark.kernels.counting.association import Floats, Singles, association
from synth_spark.schema.domain import Domain
from synth_spark.schema.metrics import Metric

#: How many of the worst are named; associations that are kept for a chart.
WORST, _DRAWN = 10, 200


@dataclass
class Vectors:
    """What buckets tell of column tuples: one entry a bucket, in any order.

    Attributes:
        distances: length → (first cells, distances) of column tuples.
        pairs: (columns, association before, and after) of pairs of columns.
        gaps: for every attribute, sums of the distances of its pairs.
    """

    distances: dict[int, list[tuple[Ints, Floats]]] = field(default_factory=dict)
    pairs: list[tuple[Ints, Floats, Floats]] = field(default_factory=list)
    gaps: list[Floats] = field(default_factory=list)


def labels(domain: Domain) -> list[str]:
    """What each counted column is called: its field, and the value where a record may hold several."""
    fields = {field.name: field for field in domain.fields}
    return [
        f"{column.name}: {column.values[0]}" if fields[column.name].many else column.name for column in domain.columns
    ]


def fidelity(
    comparison: str, vectors: Vectors, space: CellSpace, domain: Domain, singles: tuple[Singles, Singles], k: int
) -> list[Metric]:
    """Metrics of all three kinds.

    Args:
        comparison: ``source_to_target``.
        vectors: what the buckets tell.
        space: the cells of both tables.
        domain: names of columns and values.
        singles: single counts of the source, and of the target.
        k: subgroups of fewer records are left out.
    """
    names = labels(domain)
    metrics = _distances(comparison, vectors, space, names)
    if space.max_length > 1:
        metrics += _associations(comparison, vectors, names, space, *singles)
        metrics += _subgroups(comparison, vectors, domain, names, singles[0], k)
    return metrics


def _distances(comparison: str, vectors: Vectors, space: CellSpace, names: Sequence[str]) -> list[Metric]:
    """Total variation distances of the marginals of each length: 95th percentile, largest, score, and the worst."""
    metrics = []
    tuples = np.diff(space.first_tuple[1:])
    for length in range(1, space.max_length + 1):
        parts = vectors.distances.get(length, [])
        first = np.concatenate([np.zeros(0, np.int64), *(cells for cells, _ in parts)])
        all_distances = np.concatenate([np.zeros(0), *(distances for _, distances in parts)])
        everywhere = np.concatenate([all_distances, np.zeros(int(tuples[length - 1]) - len(all_distances))])
        figures = {
            "p95_tvd": float(np.quantile(everywhere, 0.95)),
            "largest_tvd": float(everywhere.max()),
            "k_marginal_score": 1000 * (1 - math.fsum(all_distances) / len(everywhere)),
        }
        metrics += [Metric("distance", comparison, name, None, length, value) for name, value in figures.items()]
        worst = np.lexsort([first, -all_distances])[:WORST]
        columns, _ = space.locate(first[worst], length)
        for chosen, value in zip(columns.tolist(), all_distances[worst].tolist(), strict=True):
            about = " × ".join(names[column] for column in chosen)
            metrics.append(Metric("distance", comparison, "tvd", about, length, value))
    return metrics


def _associations(
    comparison: str, vectors: Vectors, names: Sequence[str], space: CellSpace, source: Singles, target: Singles
) -> list[Metric]:
    """Cramér's V of every pair of columns in both tables: how far they differ, and the strongest pairs themselves."""
    associations: dict[tuple[int, int], tuple[float, float]] = {}
    for columns, before, after in vectors.pairs:
        pairs = [(int(left), int(right)) for left, right in columns]
        associations.update(zip(pairs, zip(before.tolist(), after.tolist(), strict=True), strict=True))
    starts = starts_of(np.array(space.cards, np.int64))
    nothing = np.zeros(0, np.int64)

    def apart(side: Singles, left: int, right: int) -> float:
        """The association of columns whose values never meet."""
        rows, columns = (side.counts[starts[place] : starts[place + 1]] for place in (left, right))
        return float(association(nothing, nothing, space.cards[right], rows, columns, side.records))

    for left, right in combinations(range(len(names)), 2):
        if (left, right) not in associations:  # no value of one meets a value of the other
            associations[left, right] = (apart(source, left, right), apart(target, left, right))
    gaps = np.array(
        [abs(associations[pair][0] - associations[pair][1]) for pair in sorted(associations)]
    )  # in one order, whatever came first
    metrics = [
        Metric("association", comparison, "mean_difference", None, 2, float(gaps.mean())),
        Metric("association", comparison, "p95_difference", None, 2, float(np.quantile(gaps, 0.95))),
        Metric("association", comparison, "largest_difference", None, 2, float(gaps.max())),
    ]
    strongest = sorted(associations, key=lambda pair: (-max(associations[pair]), pair))[:_DRAWN]
    worst = sorted(associations, key=lambda pair: (-abs(associations[pair][0] - associations[pair][1]), pair))[:WORST]
    for pair in dict.fromkeys([*worst, *strongest]):
        about = f"{names[pair[0]]} × {names[pair[1]]}"
        for measure, value in zip(("source_association", "target_association"), associations[pair], strict=True):
            metrics.append(Metric("association", comparison, measure, about, 2, value))
    return metrics


def _subgroups(
    comparison: str, vectors: Vectors, domain: Domain, names: Sequence[str], source: Singles, k: int
) -> list[Metric]:
    """For every attribute of at least k records: the mean distance of the other columns' distributions among them."""
    others = len(names) - 1
    if others == 0 or not vectors.gaps:
        return []
    gaps = np.sum(np.sort(vectors.gaps, axis=0), axis=0) / others  # added in one order, whatever came first
    about = [
        name if name != column.name else f"{name}: {value}"
        for name, column in zip(names, domain.columns, strict=True)
        for value in column.values
    ]
    large = np.flatnonzero(source.counts >= k)
    if not len(large):
        return []
    metrics = [
        Metric("subgroup", comparison, "mean_tvd", None, 2, float(gaps[large].mean())),
        Metric("subgroup", comparison, "p95_tvd", None, 2, float(np.quantile(gaps[large], 0.95))),
        Metric("subgroup", comparison, "largest_tvd", None, 2, float(gaps[large].max())),
    ]
    worst = large[np.lexsort([large, -gaps[large]])][:WORST]
    return metrics + [Metric("subgroup", comparison, "tvd", about[at], 2, float(gaps[at])) for at in worst]
