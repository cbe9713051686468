"""What headers and values look like: titles in words, values with an order, codes of countries. No data is read."""

import re
from collections.abc import Sequence
from importlib import resources

#: How much of a column's values must look alike.
_MOST = 0.8
_FEWEST_COUNTRIES = 3
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_BEFORE = re.compile(r"^\s*(under|below|less than|up to|<=?|≤|before)", re.IGNORECASE)
_AFTER = re.compile(
    r"(\+|or over|or more|and over|and older|and above)\s*$|^\s*(over|above|more than|>=?|≥)", re.IGNORECASE
)


def title_of(header: str) -> str:
    """A header in words.

    >>> title_of("yearOfRegistration"), title_of("means_debt_bondage"), title_of("IP_ageBroad"), title_of("Größe")
    ('Year of registration', 'Means debt bondage', 'IP age broad', 'Größe')
    """
    if not header.isascii():
        return header
    words = _WORD.findall(header)
    if not words:
        return header
    lowered = [word if len(word) > 1 and word.isupper() else word.lower() for word in words]
    return " ".join([lowered[0][0].upper() + lowered[0][1:], *lowered[1:]])


def first_word(header: str) -> str:
    """The first word of a header, as it begins there.

    >>> first_word("meansOfControlThreats"), first_word("is_forced_labour")
    ('means', 'is')
    """
    match = _WORD.search(header)
    return match.group() if match else header


def in_order(values: Sequence[str]) -> list[str] | None:
    """Values in the order that they have of their own; None if they have none.

    Years, numbers, intervals (``0--8``, ``25 to <55``, ``under 18``, ``55 or over``, ``60+``) and periods
    (``2024-Q1``) have one; there must be at least three, and four of five must look so. Others come last.

    >>> in_order(["9--17", "18--20", "0--8", "48+"])
    ['0--8', '9--17', '18--20', '48+']
    >>> in_order(["under 25", "55 or over", "25 to <55"])
    ['under 25', '25 to <55', '55 or over']
    >>> in_order(["UKR", "MDA", "PHL"]) is None
    True
    """
    places = {value: _place(value) for value in values}
    placed = [value for value, place in places.items() if place is not None]
    if len(values) < 3 or len(placed) < _MOST * len(values):
        return None
    last = (float("inf"), 0.0, 0.0)
    return sorted(values, key=lambda value: (places[value] or last, value))


def _place(value: str) -> tuple[float, float, float] | None:
    """Where a value stands: its first number, the open end before it and after it, then its second number."""
    text = value.strip()
    before, after = _BEFORE.search(text), _AFTER.search(text)
    numbers = [float(number.replace(",", ".")) for number in _NUMBER.findall(re.sub(r"(?<=\d)[-–—]+", " ", text))]
    if not numbers or not (before or after or text[0].isdigit() or text[0] == "-"):
        return None
    side = -1.0 if before else 1.0 if after else 0.0
    return numbers[0], side, numbers[1] if len(numbers) > 1 else 0.0


def are_countries(values: Sequence[str]) -> bool:
    """Whether values are codes of countries (ISO 3166-1, two or three letters): at least three, and four of five.

    >>> are_countries(["UKR", "MDA", "PHL", "-99"]), are_countries(["yes", "no", "may"])
    (False, False)
    >>> are_countries(["UKR", "MDA", "PHL", "KHM", "-99"])
    True
    """
    countries = country_codes()
    hits = sum(value in countries for value in values)
    return hits >= _FEWEST_COUNTRIES and hits >= _MOST * len(values)


def country_codes() -> dict[str, str]:
    """Codes of countries of two and three letters → those of two, which browsers know the names of."""
    text = resources.files(__package__).joinpath("app/countries.txt").read_text(encoding="ascii")
    pairs = [(line[:3], line[3:5]) for line in text.split()]
    return {**dict(pairs), **{two: two for _, two in pairs}}
