"""How much one subject changes what is given noise, by brute force over small tables, step by step.

The noise of a step has the scale that its sensitivity asks for. Caps of combinations and scores of percentiles are in
`tests/unit/kernels/marginals/test_candidates.py`.
"""

import itertools
import random
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from synth_spark import aggregate
from synth_spark.aggregate.noisy_marginals import SCORE_SENSITIVITY, dependence
from synth_spark.aggregate.noisy_triples import distance
from synth_spark.plan import DifferentialPrivacy
from synth_spark.privacy import Delta, Rho, Sigma
from synth_spark.schema.fields import Field

#: Values of a record: of a column with one, absent among them; and of one with several, of which two are counted.
ONE, SEVERAL, MOST = ("x", "y", None), ((), ("p",), ("q",), ("p", "q")), 2
FIELDS = (Field("one"), Field("many", True))
Rows = list[tuple[str | None, tuple[str, ...]]]


def tables_of_records() -> Iterator[Rows]:
    """All tables of up to one record, beside which another one may be."""
    for length in range(2):
        yield from map(list, itertools.combinations_with_replacement(itertools.product(ONE, SEVERAL), length))


def counted(rows: Rows, terms: DifferentialPrivacy) -> dict[tuple[int, str | None], int]:
    """What of a table is given noise as single counts, and how much it is."""
    cells = [(0, one) for one, _ in rows if one is not None] + [(1, value) for _, held in rows for value in held]
    found = sorted(set(cells))
    columns = pa.array([column for column, _ in found], pa.int32())
    counts = pa.array([cells.count(cell) for cell in found], pa.int64())
    marginals = pa.table({"column": columns, "value": pa.array([v for _, v in found], pa.string()), "count": counts})
    out = aggregate.candidates(marginals, FIELDS, len(rows), terms).to_pylist()
    return {(row["column"], row["value"]): row["count"] for row in out}


DOMAINS = [False, {"one": ["x", "unheard of"]}, {"one": ["x"], "many": ["p", "q"]}, True]


@pytest.mark.parametrize(
    ("domain", "never_absent"),
    [*((domain, ()) for domain in DOMAINS), *((domain, ("one",)) for domain in DOMAINS if isinstance(domain, dict))],
    ids=str,
)
def test_one_subject_changes_single_counts_by_as_much_as_their_noise_is_for(
    domain: bool | dict[str, list[str]], never_absent: tuple[str, ...]
) -> None:
    """Squared: 1 of a column with one value, and of one with several the most that a subject has."""
    terms = DifferentialPrivacy(epsilon=1, public_domain=domain, never_absent=never_absent)
    most = {0: 0, 1: 0}
    for rows in tables_of_records():
        for more in itertools.product(ONE, SEVERAL):
            before, after = counted(rows, terms), counted([*rows, more], terms)
            assert domain is True or not isinstance(domain, dict) or before.keys() >= {(0, v) for v in domain["one"]}
            for column in most:
                cells = [cell for cell in before.keys() | after.keys() if cell[0] == column]
                squares = sum((after.get(cell, 0) - before.get(cell, 0)) ** 2 for cell in cells)
                most[column] = max(most[column], squares)
    assert most == {0: 1, 1: MOST}


def test_declared_values_are_the_same_cells_whoever_is_there() -> None:
    """So neither that a value occurs nor that one is absent is told: of a column that is never absent neither."""
    declared = {"one": ["x", "y"], "many": ["p"]}
    for never_absent in ((), ("one",)):
        terms = DifferentialPrivacy(epsilon=1, public_domain=declared, never_absent=never_absent)
        cells = {tuple(counted(rows, terms)) for rows in tables_of_records()}
        absent = [] if never_absent else [(0, None)]
        assert cells == {((0, "x"), (0, "y"), *absent, (1, "p"))}


def test_a_mapping_without_columns_makes_nothing_public() -> None:
    """No plan has one; if one had, every value would have to show itself."""
    terms = DifferentialPrivacy(epsilon=1).model_copy(update={"public_domain": {}})
    marginals = pa.table({"column": pa.array([0], pa.int32()), "value": ["x"], "count": [9]})
    assert aggregate.candidates(marginals, FIELDS, 9, terms)["private"].to_pylist() == [True]


def test_one_subject_changes_the_score_of_a_pair_by_no_more_than_its_noise_is_for() -> None:
    """Exhaustively over small tables of two columns, and at random over larger ones, in which one cell is large."""
    rng, worst = random.Random(1), 0
    small = (np.array(cells).reshape(2, 2) for cells in itertools.product(range(5), repeat=4))
    large = (
        np.array([rng.choice([0, 1, 2, 50, 4000]) for _ in range(a * b)]).reshape(a, b)
        for a, b in itertools.product((2, 3, 5), repeat=2)
        for _ in range(30)
    )
    for table in itertools.chain(small, large):
        for place in range(table.size):
            more = table.copy()
            more.flat[place] += 1
            worst = max(worst, abs(dependence(more) - dependence(table)))
    assert 3 <= worst <= SCORE_SENSITIVITY


def test_one_subject_changes_the_score_of_a_triple_by_one_and_one_cell_of_its_table() -> None:
    """Exhaustively over small tables of three columns; a subject whose value has no place is in no cell."""
    rng = np.random.default_rng(2)
    for cells in itertools.product(range(3), repeat=8):
        table, made = np.array(cells).reshape(2, 2, 2), rng.integers(0, 4, (2, 2, 2))
        for place in range(table.size):
            more = table.copy()
            more.flat[place] += 1
            assert abs(distance(more, made) - distance(table, made)) == 1
            assert abs(distance(more[1:], made[1:]) - distance(table[1:], made[1:])) == int(place >= 4)


class Noted:
    """Noise of nothing, which notes what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, float]] = []

    def gaussian(self, size: int, sigma: Sigma) -> np.ndarray:
        self.asked.append((size, float(sigma)))
        return np.zeros(size, np.int64)

    def choose(self, scores: np.ndarray, rho: Rho) -> int:
        raise AssertionError("nothing is chosen here")


def test_the_scores_of_all_pairs_together_cost_what_choosing_them_may() -> None:
    """As one vector: all of them may change by the sensitivity of one."""
    rng, noise, rho = np.random.default_rng(3), Noted(), 0.01
    pairs = {pair: rng.integers(0, 30, (3, 3)) for pair in itertools.combinations(range(6), 2)}
    terms = DifferentialPrivacy(epsilon=1, most_pairs=4)
    aggregate.choose_pairs(pairs, terms, 6, Rho(rho), Rho(0.1), noise)
    ((size, sigma),) = noise.asked
    assert size == len(pairs)
    assert size * SCORE_SENSITIVITY**2 / (2 * sigma**2) == pytest.approx(rho)


def test_single_counts_together_cost_what_they_may_and_a_value_alone_no_more_than_its_delta() -> None:
    """The noise of each column, for all that one subject has in it."""
    noise, rho, held = Noted(), 0.02, [1, MOST]
    for domain in DOMAINS:
        noise.asked.clear()
        terms = DifferentialPrivacy(epsilon=1, public_domain=domain)
        rows: Rows = [("x", ("p", "q")), ("y", ())]
        cells = [((0, "x"), 1), ((0, "y"), 1), ((1, "p"), 1), ((1, "q"), 1)]
        columns, values, counts = zip(*((c, v, n) for (c, v), n in cells), strict=True)
        marginals = pa.table({"column": pa.array(columns, pa.int32()), "value": values, "count": counts})
        found = aggregate.candidates(marginals, FIELDS, len(rows), terms)
        aggregate.noisy(found, FIELDS, held, Rho(rho), Delta(1e-6), noise)
        spent = sum(most / (2 * sigma**2) for (_, sigma), most in zip(noise.asked, held, strict=True))
        assert spent == pytest.approx(rho)
