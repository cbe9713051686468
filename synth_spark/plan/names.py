"""Names that a user wrote: what they may have meant."""

import difflib
from collections.abc import Iterable, Sequence

from synth_spark.errors import PlanError


def nearest(name: str, names: list[str]) -> str:
    """The known name that a mistyped one most resembles, quoted; or the list of all, when none does."""
    folded = {candidate.lower(): candidate for candidate in names}
    match = difflib.get_close_matches(name.lower(), list(folded), n=1, cutoff=0.5)
    if match:
        return f"'{folded[match[0]]}'"
    shown = sorted(names)[:12]
    return "one of " + ", ".join(f"'{candidate}'" for candidate in shown) + (" …" if len(names) > len(shown) else "")


def used_columns(header: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The columns of the input that a plan uses, in the input's order: those it names, or all.

    Raises:
        PlanError: it names a column that the input does not have.
    """
    for name in columns:
        if name not in header:
            remedy = f"did you mean {nearest(name, list(header))}?"
            raise PlanError("input.columns", f"names no column of the input: '{name}'", remedy)
    return [name for name in header if name in columns or not columns]


def listed(names: Iterable[str], most: int = 8) -> str:
    """Names in quotes, the first few of many.

    >>> listed(["a", "b"])
    "'a', 'b'"
    """
    names = list(names)
    return ", ".join(f"'{name}'" for name in names[:most]) + (" …" if len(names) > most else "")
