"""Small tables for the unit tests: strategies that draw them, and the tables of SDS's known answers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from hypothesis import settings
from hypothesis import strategies as st

from synth_spark.kernels.cells import Codes, Ints
from synth_spark.schema.domain import Domain, build
from synth_spark.schema.fields import Field

#: A column holds few values, or none.
_few_values = st.integers(0, 4)
#: Kernels compile on their first call, so no example has a deadline.
few = settings(max_examples=60, deadline=None)

#: SDS's known answer (a), k = 2.
FIVE_ROWS = ("A", "B", "C"), ["a1 b1 c1", "a1 b2 c1", "a2 - c2", "a2 b2 c1", "a1 b2 -"]
#: SDS's known answer (b); its columns F and G hold nothing but insensitive zeros.
ELEVEN_ROWS = (
    ("A", "B", "C", "F", "G", "D"),
    [
        "a2 b2 c3 - - d2", "a1 b1 c1 - - d1", "a1 b1 c1 - - d1", "a1 b2 c2 - - d2", "a2 b2 c2 - - d2",
        "a2 b1 c2 - - d2", "a1 b1 c1 - - d1", "a2 b3 c2 - - d2", "a2 b2 c1 - - d1", "a3 b2 c2 - - d2",
        "a2 b2 c2 - - d3",
    ],
)  # fmt: skip


@dataclass(frozen=True)
class Table:
    """Coded records with their multiplicities."""

    codes: Codes
    weights: Ints
    cards: tuple[int, ...]

    @property
    def rows(self) -> list[tuple[int, ...]]:
        """The records as tuples."""
        return [tuple(row) for row in self.codes.tolist()]

    def by_frequency(self, k: int) -> tuple["Table", Ints]:
        """The same records coded as a domain codes them, by protected count; and the common values a column."""
        codes, common = np.zeros_like(self.codes), np.zeros(len(self.cards), np.int64)
        for column in range(len(self.cards)):
            counts = np.bincount(self.codes[:, column], self.weights, self.cards[column] + 1)[1:]
            order = np.argsort(-(counts // k), kind="stable")
            place = np.zeros(self.cards[column] + 1, np.uint16)
            place[order + 1] = np.arange(1, len(order) + 1)
            codes[:, column] = place[self.codes[:, column]]
            common[column] = (counts >= k).sum()
        return Table(codes, self.weights, self.cards), common


def table_of(rows: Sequence[Sequence[int]], weights: Sequence[int], cards: Sequence[int]) -> Table:
    """A table from plain lists."""
    codes = np.array(rows, np.uint16).reshape(len(rows), len(cards))
    return Table(codes, np.array(weights, np.int64), tuple(cards))


@st.composite
def coded_tables(
    draw: st.DrawFn,
    most_columns: int = 6,
    cards: st.SearchStrategy[int] = _few_values,
    most_rows: int = 40,
    most_weight: int = 4,
) -> Table:
    """A table with absent values, repeated rows and columns of few values."""
    per_column = draw(st.lists(cards, min_size=1, max_size=most_columns))
    row = st.tuples(*(st.integers(0, card) for card in per_column))
    rows = draw(st.lists(row, max_size=most_rows))
    weights = draw(st.lists(st.integers(1, most_weight), min_size=len(rows), max_size=len(rows)))
    return table_of(rows, weights, per_column)


def random_table(seed: int, rows: int, cards: Sequence[int], absent: float = 0.2) -> Table:
    """A table with skewed values, as large as asked for."""
    random = np.random.default_rng(seed)
    codes = np.stack([np.minimum(random.geometric(0.45, rows), card) for card in cards], axis=1)
    codes[random.random(codes.shape) < absent] = 0
    return Table(codes.astype(np.uint16), random.integers(1, 4, rows), tuple(cards))


def string_rows(lines: Sequence[str]) -> list[list[str | None]]:
    """``"a1 - c2"`` → ``["a1", None, "c2"]``."""
    return [[None if value == "-" else value for value in line.split()] for line in lines]


def domain_of(names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> Domain:
    """The domain of a table of strings."""
    counts = Counter((index, value) for row in rows for index, value in enumerate(row) if value is not None)
    marginals = {
        "column": pa.array([column for column, _ in counts], pa.int32()),
        "value": pa.array([value for _, value in counts], pa.string()),
        "count": pa.array(list(counts.values()), pa.int64()),
    }
    return build([Field(name) for name in names], pa.table(marginals), len(rows), 1)


def encoded(domain: Domain, rows: Sequence[Sequence[str | None]]) -> Codes:
    """A table of strings as codes of a domain."""
    return domain.encode([pa.array([row[index] for row in rows], pa.string()) for index in range(len(domain.columns))])
