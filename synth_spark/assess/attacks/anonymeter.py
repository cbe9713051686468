"""The three attacks of Giomi et al. (2023), “A Unified Framework for Quantifying Privacy Risk in Synthetic Data”.

They are the three ways in which European regulators ask whether data are anonymous: can someone be singled out, can
records of one person be linked, can something be inferred. Each is made against records that the synthetic ones came
from and, in the same way, against as many held-out ones; a baseline guesses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from synth_spark.assess.attacks.intervals import risk, success_rate
from synth_spark.kernels.cells import Codes, Ints
from synth_spark.kernels.risk.nearest_record import fits, nearest

#: Columns of a description of several; tries for each description that is wanted; most columns that are inferred.
_SEVERAL, _TRIES, _INFERRED = 3, 50, 12
#: Fewest attacks that a rate is reported of.
_LEAST = 20
Row = dict[str, str | float | None]


@dataclass(frozen=True)
class Terms:
    """What is attacked, and how often.

    Attributes:
        bounds: the first column of each field, and the number of columns.
        names: of the fields.
        secrets: fields whose value is to be inferred; none: those with the most different values.
        attacks: number of attacks of each kind.
        seed: of everything random.
    """

    bounds: tuple[int, ...]
    names: tuple[str, ...]
    secrets: tuple[str, ...]
    attacks: int
    seed: int

    def columns(self, fields: Ints) -> Ints:
        """The columns of some fields."""
        parts = [np.arange(self.bounds[field], self.bounds[field + 1]) for field in fields]
        return np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.int64)


def attack(trained: Codes, control: Codes, synthetic: Codes, terms: Terms) -> Iterator[Row]:
    """Make all attacks.

    Args:
        trained: (n, m) codes of the records that the synthetic ones were made from; 0 = absent.
        control: (h, m) codes of records that were held out.
        synthetic: (s, m) codes of the synthetic records.
        terms: what is attacked.

    Yields:
        Figures of the topic attack: the number of ``attacks`` and, where that is at least twenty, ``main``,
        ``control``, ``baseline`` and ``risk``. Only so many descriptions single out as fit one synthetic record alone.
    """
    random = np.random.default_rng(terms.seed)
    synthetic = synthetic[
        random.permutation(len(synthetic))
    ]  # of equally near records the first is taken: a random one
    size = min(len(trained), len(control))
    sides = [side[random.permutation(len(side))[:size]] for side in (trained, control)]
    targets = [side[: terms.attacks] for side in sides]
    yield from _singling_out(sides, synthetic, terms, random)
    if len(targets[0]) >= _LEAST and len(synthetic):
        yield from _linking(targets, synthetic, terms, random)
        yield from _inferring(targets, synthetic, terms, random)
        yield from _nearest_records(targets, synthetic)


def _rows(attack: str, about: str | None, attacks: int, successes: tuple[int, int, int]) -> Iterator[Row]:
    """The figures of one attack: successes against trained and held-out records, and of guesses."""

    def row(measure: str, value: float, low: float | None = None, high: float | None = None) -> Row:
        return _row(attack, measure, about, value, low, high)

    yield row("attacks", attacks)
    if attacks < _LEAST:
        return
    rates = [success_rate(attacks, number) for number in successes]
    for measure, rate in zip(("main", "control", "baseline"), rates, strict=True):
        yield row(measure, rate.value, *rate.interval)
    yield row("risk", *risk(rates[0], rates[1]))


def _row(
    attack: str, measure: str, about: str | None, value: float, low: float | None = None, high: float | None = None
) -> Row:
    return {
        "topic": "attack", "comparison": attack, "measure": measure, "about": about,
        "value": float(value), "low": low, "high": high,
    }  # fmt: skip


def _singling_out(sides: list[Codes], synthetic: Codes, terms: Terms, random: np.random.Generator) -> Iterator[Row]:
    """Descriptions that fit one synthetic record alone: do they fit one real record alone?

    Both sides have as many records, as whether a description fits one alone depends on how many there are.
    """
    for about, columns in (("one column", 1), ("several columns", _SEVERAL)):
        if len(synthetic) == 0 or synthetic.shape[1] < columns:
            continue
        chosen, codes = _descriptions(synthetic, columns, terms.attacks, random)
        guesses = _drawn_values(chosen, synthetic, random)
        hits = [int((fits(chosen, codes, side) == 1).sum()) for side in sides]
        guessed = int((fits(chosen, guesses, sides[0]) == 1).sum())
        yield from _rows("singling out", about, len(chosen), (hits[0], hits[1], guessed))


def _descriptions(synthetic: Codes, columns: int, wanted: int, random: np.random.Generator) -> tuple[Ints, Codes]:
    """Different descriptions, of so many columns of random synthetic records, that fit one synthetic record alone."""
    if columns == 1:
        candidates = [
            (column, value) for column in range(synthetic.shape[1]) for value in _lonely(synthetic[:, column])
        ]
        chosen = [candidates[at] for at in random.permutation(len(candidates))[:wanted]]
        pairs = np.array(chosen, np.int64).reshape(-1, 2)
        return pairs[:, :1], pairs[:, 1:].astype(np.uint16)
    tries = _TRIES * wanted
    ranks = random.random((tries, synthetic.shape[1])).argpartition(columns - 1, axis=1)[:, :columns]
    places = np.sort(ranks, axis=1).astype(np.int64)
    codes = synthetic[random.integers(0, len(synthetic), tries)[:, None], places]
    _, first = np.unique(np.concatenate([places, codes.astype(np.int64)], axis=1), axis=0, return_index=True)
    first.sort()
    held: list[Ints] = []
    for at in range(0, len(first), 4 * wanted):  # most are looked at in vain only where records are alike
        part = first[at : at + 4 * wanted]
        held.append(part[fits(places[part], codes[part], synthetic) == 1])
        if sum(map(len, held)) >= wanted:
            break
    kept = np.concatenate([np.zeros(0, np.int64), *held])[:wanted]
    return places[kept], codes[kept]


def _lonely(column: Codes) -> Ints:
    """Values that one record alone has."""
    values, counts = np.unique(column, return_counts=True)
    lonely: Ints = values[counts == 1].astype(np.int64)
    return lonely


def _drawn_values(chosen: Ints, synthetic: Codes, random: np.random.Generator) -> Codes:
    """A value for each column of each description, drawn from those that the column has."""
    codes = np.zeros(chosen.shape, np.uint16)
    for column in np.unique(chosen):
        here = chosen == column
        codes[here] = random.choice(np.unique(synthetic[:, column]), int(here.sum()))
    return codes


def _linking(targets: list[Codes], synthetic: Codes, terms: Terms, random: np.random.Generator) -> Iterator[Row]:
    """Two halves of the columns of a person: is the nearest synthetic record to both the same?"""
    fields = random.permutation(len(terms.names))
    halves = [terms.columns(np.sort(part)) for part in np.array_split(fields, 2)]
    if not all(map(len, halves)):
        return
    hits = []
    for side in targets:
        left, right = (nearest(side, synthetic, half)[0] for half in halves)
        hits.append(int((left == right).sum()))
    number = len(targets[0])
    guesses = random.integers(0, len(synthetic), (2, number))
    yield from _rows("linkability", None, number, (hits[0], hits[1], int((guesses[0] == guesses[1]).sum())))


def _inferring(targets: list[Codes], synthetic: Codes, terms: Terms, random: np.random.Generator) -> Iterator[Row]:
    """All other columns of a person: does the nearest synthetic record have the value of the secret one?"""
    every = np.arange(len(terms.names))
    number = len(targets[0])
    for field in _secret_fields(synthetic, terms):
        secret, others = terms.columns(np.array([field])), terms.columns(every[every != field])
        if not len(secret) or not len(others):
            continue
        hits = []
        for side in targets:
            places, _ = nearest(side, synthetic, others)
            hits.append(int((synthetic[places][:, secret] == side[:, secret]).all(axis=1).sum()))
        guesses = synthetic[random.integers(0, len(synthetic), number)][:, secret]
        guessed = int((guesses == targets[0][:, secret]).all(axis=1).sum())
        yield from _rows("inference", terms.names[field], number, (hits[0], hits[1], guessed))


def _secret_fields(synthetic: Codes, terms: Terms) -> list[int]:
    if terms.secrets:
        return [terms.names.index(name) for name in terms.secrets]
    held = [len(np.unique(synthetic[:, column])) for column in range(synthetic.shape[1])]
    values = [sum(held[low:high]) for low, high in pairwise(terms.bounds)]
    return sorted(sorted(range(len(values)), key=lambda field: (-values[field], field))[:_INFERRED])


def _nearest_records(targets: list[Codes], synthetic: Codes) -> Iterator[Row]:
    """Mean distance to the nearest synthetic record, and the share at distance 0: a smoke test, and no more than that.

    Figures that are alike for both sides do not show that nothing leaks (Yao et al. 2025, “The DCR Delusion”).
    """
    columns = np.arange(synthetic.shape[1])
    for name, side in zip(("used", "held_out"), targets, strict=True):
        _, distances = nearest(side, synthetic, columns)
        yield _row("nearest record", f"mean_distance_{name}", None, float(distances.mean()))
        yield _row("nearest record", f"identical_share_{name}", None, float((distances == 0).mean()))
