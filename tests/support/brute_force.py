"""Slow twins of the kernels: the definitions written out with itertools and collections, on Python integers.

A record is a tuple of codes, one a column, 0 = absent. A combination is a tuple of (column, code), columns ascending.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

Record = tuple[int, ...]
Combination = tuple[tuple[int, int], ...]


def attributes_of(record: Sequence[int]) -> Combination:
    """The attributes of a record: its values, each with its column."""
    return tuple((column, code) for column, code in enumerate(record) if code > 0)


def combinations_of(record: Sequence[int], longest: int) -> list[Combination]:
    """Every combination of length 1…longest that a record contains."""
    return [
        combination
        for length in range(1, longest + 1)
        for combination in itertools.combinations(attributes_of(record), length)
    ]


def counts_of(records: Iterable[Sequence[int]], weights: Iterable[int], longest: int) -> Counter[Combination]:
    """How many records contain each combination, a record of weight w standing for w."""
    counts: Counter[Combination] = Counter()
    for record, weight in zip(records, weights, strict=True):
        for combination in combinations_of(record, longest):
            counts[combination] += weight
    return counts


def contains(row: Sequence[int], record: Sequence[int]) -> bool:
    """Whether a row has the record's value in every column where the record has one."""
    return all(wanted in (0, held) for held, wanted in zip(row, record, strict=True))


def support(record: Sequence[int], rows: Iterable[Sequence[int]], weights: Iterable[int]) -> int:
    """How many rows contain a record."""
    return sum(weight for row, weight in zip(rows, weights, strict=True) if contains(row, record))


def column_tuples(columns: int, longest: int) -> list[tuple[int, ...]]:
    """Column tuples of length 1…longest: by length, then in lexicographic order."""
    return [t for length in range(1, longest + 1) for t in itertools.combinations(range(columns), length)]


def combinations_in_order(cards: Sequence[int], longest: int) -> list[Combination]:
    """Every combination that a domain allows, in the order of its cell."""
    return [
        tuple(zip(columns, codes, strict=True))
        for columns in column_tuples(len(cards), longest)
        for codes in itertools.product(*(range(1, cards[column] + 1) for column in columns))
    ]


def cell_of(combination: Combination, cards: Sequence[int], longest: int) -> int:
    """The cell of one combination, where a domain is too large to list."""
    wanted = tuple(column for column, _ in combination)
    cell = 0
    for columns in column_tuples(len(cards), longest):
        if columns == wanted:
            break
        cell += math.prod(cards[column] for column in columns)
    key = 0
    for column, code in combination:
        key = key * cards[column] + code - 1
    return cell + key


def count_bin(count: int) -> int:
    """The first of 10, 20, 40, … that is not below a count."""
    bound = 10
    while bound < count:
        bound *= 2
    return bound


def length_sums(
    source: Mapping[Combination, int], target: Mapping[Combination, int], columns: int, longest: int, k: int
) -> list[dict[str, float]]:
    """What is summed for every length 1…longest over two tables of counts."""
    result = []
    for length in range(1, longest + 1):
        sums: Counter[str] = Counter()
        for c in (c for c in set(source) | set(target) if len(c) == length):
            s, t = source.get(c, 0), target.get(c, 0)
            sums["source_combinations"] += s > 0
            sums["target_combinations"] += t > 0
            sums["source_count"] += s
            sums["target_count"] += t
            sums["source_rare"] += 0 < s < k
            sums["target_rare"] += 0 < t < k
            sums["source_unique"] += s == 1
            sums["target_unique"] += t == 1
            sums["suppressed"] += s > 0 and t == 0
            sums["fabricated"] += s == 0 and t > 0
            sums["leaked"] += 0 < s < k and 0 < t < k
            sums["emerged"] += 0 < s < k <= t
            sums["both"] += s > 0 and t > 0
            sums["absolute_error"] += abs(s - t) if s > 0 and t > 0 else 0
            sums["common"] += s >= k
            sums["kept"] += s >= k and t > 0
            sums["common_count"] += s if s >= k else 0
            sums["kept_count"] += min(s, t) if s >= k else 0
        distances = []
        for columns_of in itertools.combinations(range(columns), length):
            inside = [c for c in set(source) | set(target) if tuple(column for column, _ in c) == columns_of]
            gaps = sum(abs(source.get(c, 0) - target.get(c, 0)) for c in inside)
            distances.append(gaps / 2 / max(1, sum(source.get(c, 0) for c in inside)))
        result.append({**sums, "tvd": math.fsum(distances)})
    return result


def bin_sums(
    source: Mapping[Combination, int], target: Mapping[Combination, int], k: int
) -> dict[tuple[int, int], tuple[float, ...]]:
    """(length, bin) → sums over {s ≥ k} ∪ {t > 0} of: 1, preservation, length, t, proportional error."""
    terms: dict[tuple[int, int], list[tuple[float, ...]]] = {}
    for c in set(source) | set(target):
        s, t = source.get(c, 0), target.get(c, 0)
        if s >= k or t > 0:
            preserved = min(t / s, 1) if s > 0 else 0
            error = abs(t - s) / s if s > 0 else 1
            terms.setdefault((len(c), count_bin(t)), []).append((1, preserved, len(c), t, error))
    return {group: tuple(math.fsum(column) for column in zip(*rows, strict=True)) for group, rows in terms.items()}


def cramers_v(records: list[tuple[int, ...]], left: int, right: int) -> float:
    """From χ² of the table of two columns, absent being a value."""
    n = len(records)
    rows, columns = Counter(r[left] for r in records), Counter(r[right] for r in records)
    cells = Counter((r[left], r[right]) for r in records)
    if min(len(rows), len(columns)) < 2:
        return 0.0
    expected = {(a, b): rows[a] * columns[b] / n for a in rows for b in columns}
    chi2 = sum((cells[at] - value) ** 2 / value for at, value in expected.items())
    return math.sqrt(chi2 / n / (min(len(rows), len(columns)) - 1))


def subgroup_gap(before: list[tuple[int, ...]], after: list[tuple[int, ...]], column: int, code: int, of: int) -> float:
    """Total variation distance between a column's distributions in a subgroup before and after."""
    sides = [Counter(r[of] for r in side if r[column] == code) for side in (before, after)]
    totals = [sum(side.values()) for side in sides]
    if totals[0] == 0 or totals[1] == 0:
        return float(totals[0] > 0)
    shares = [{value: side[value] / total for value in side} for side, total in zip(sides, totals, strict=True)]
    return sum(abs(shares[0].get(v, 0) - shares[1].get(v, 0)) for v in {*shares[0], *shares[1]}) / 2
