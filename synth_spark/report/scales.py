"""Axes and labels of charts: where ticks stand, how numbers are written, and how wide a text is."""

import math
import unicodedata

#: Width of an average character, and of a wide one, for each unit of font size.
_NARROW, _WIDE = 0.56, 1.02


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers that span an interval: steps of 1, 2 or 5 times a power of ten.

    >>> ticks(0, 0.93)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    >>> ticks(-3, 12)
    [-5.0, 0.0, 5.0, 10.0, 15.0]
    """
    span = high - low
    if not span > 0:
        low, high = (low - 1, high + 1) if low else (0.0, 1.0)
        span = high - low
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(at * step, 12) + 0.0 for at in range(first, last + 1)]


def written(value: float, unit: str) -> str:
    """A value as it stands at an axis or a bar: short, and never longer than seven characters.

    >>> [written(value, "number") for value in (0, 0.0321, 12.5, 1500, 2_340_000)]
    ['0', '0.032', '12.5', '1,500', '2.3M']
    >>> written(0.125, "percent").split(), written(0.0004, "percent").split()
    (['12.5', '%'], ['0.04', '%'])
    """
    if unit == "percent":
        value *= 100
        digits = 0 if abs(value) >= 99.95 or value == round(value) else 1 if abs(value) >= 1 else 2
        return f"{value:.{digits}f}\u00a0%"
    size = abs(value)
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= limit:
            scaled = value / (1e3 if letter == "k" else limit)
            return f"{scaled:.1f}".removesuffix(".0") + letter
    if value == round(value):
        return f"{value:,.0f}"
    digits = 4 if size < 0.01 else 3 if size < 1 else 2 if size < 10 else 1
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") or "0"


def width(text: str, size: float) -> float:
    """About how wide a text is, in the units of its font size; rather too wide than too narrow."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    capital = sum(letter.isupper() or letter in "MW@%&" for letter in text)
    return size * (wide * _WIDE + (len(text) - wide) * _NARROW + capital * 0.14)


def shortened(text: str, room: float, size: float) -> str:
    """A text that fits, cut with an ellipsis where it does not.

    >>> shortened("CountryOfExploitation", 80, 12)
    'CountryOfE…'
    """
    if width(text, size) <= room:
        return text
    while text and width(text + "…", size) > room:
        text = text[:-1]
    return text + "…"


def in_lines(text: str, room: float, size: float) -> list[str]:
    """A text in lines that fit, broken after "×", as a column tuple is written; a part that does not fit is cut.

    >>> in_lines("gender × citizenship × age", 130, 12)
    ['gender ×', 'citizenship × age']
    """
    lines = [""]
    for part in text.split(" × "):
        tried = f"{lines[-1]} × {part}" if lines[-1] else part
        if lines[-1] and width(tried + " ×", size) > room:
            lines[-1] += " ×"
            tried = part
            lines.append("")
        lines[-1] = tried
    return [shortened(line, room, size) for line in lines]
