"""Patterns of dates as Spark, and so Java, reads them: which there are, and what a date so written tells."""

import re

#: Letters that Spark reads dates by → how many of them may stand together.
_LETTERS = {
    "G": range(1, 5), "y": (2, 4), "M": range(1, 5), "L": range(1, 5), "d": (1, 2), "D": range(1, 4), "a": (1,),
    "H": (1, 2), "h": (1, 2), "k": (1, 2), "K": (1, 2), "m": (1, 2), "s": (1, 2), "S": range(1, 10),
    "V": (2,), "z": range(1, 5), "O": (1, 4), "X": range(1, 6), "x": range(1, 6), "Z": range(1, 6),
}  # fmt: skip
#: Texts in quotes, two quotes for one, runs of one letter, brackets around what may be missing, other signs.
_PART = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|[\[\]]|[^A-Za-z'\[\]]")


def check_pattern(pattern: str, parts: int) -> None:
    """Make sure that a pattern is one, and tells as much of a date as is asked for.

    Args:
        pattern: as the plan gives it.
        parts: how much is asked for: 1 the year, 2 also the month, 3 also the day.

    Raises:
        ValueError: it is none, or dates so written could lack a part: the first month or day would be made up for it.

    >>> check_pattern("dd.MM.yyyy[ HH:mm]", 3)
    >>> check_pattern("yyyy[-MM]", 2)
    Traceback (most recent call last):
    ...
    ValueError: format does not always tell the month; choose a coarser period, or a pattern with MM outside brackets
    """
    told, depth, end = set(), 0, 0
    for found in _PART.finditer(pattern):
        if found.start() != end:
            break
        end, letter = found.end(), found[1]
        depth += {"[": 1, "]": -1}.get(found[0], 0)
        if depth < 0 or (letter is None and found[0] in "#{}"):
            raise ValueError("format is no date pattern: brackets must match, and # { } stand in quotes")
        if letter is not None and len(found[0]) not in _LETTERS.get(letter, ()):
            problem = f"format is no date pattern that can be read: '{found[0]}'"
            raise ValueError(f"{problem}; write it as in dd.MM.yyyy or yyyy-MM-dd HH:mm:ss, texts in single quotes")
        if letter is not None and depth == 0:
            told.add(letter)
    if end != len(pattern) or depth or not pattern:
        raise ValueError("format is no date pattern: it is empty, or a quote or bracket is not closed")
    wanted = (("year", "yyyy", {"y"}), ("month", "MM", {"M", "L", "D"}), ("day", "dd", {"d", "D"}))
    for name, letters, any_of in wanted[:parts]:
        if not told & any_of:
            remedy = f"choose a coarser period, or a pattern with {letters} outside brackets"
            raise ValueError(f"format does not always tell the {name}; {remedy}")
