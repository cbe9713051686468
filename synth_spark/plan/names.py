"""Names that a user wrote, or that stand in a file: what they may have meant, and what may become part of a path."""

import difflib
import re
from collections.abc import Iterable, Sequence

from synth_spark.errors import PlanError, SynthSparkError

#: What a name looks like of which a part of a path, or of a condition, is made: of a run, a release, a table.
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,62}")
#: The same of a file, or of a folder of a partition.
_FILE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.=-]{0,254}")


def is_name(name: object, file: bool = False) -> bool:
    """Whether something can be the name of a run, a release or a table; or of a file, which may have dots.

    >>> is_name("20261125T010203Z-ab12cd"), is_name("../elsewhere"), is_name("x' or '' = '"), is_name(None)
    (True, False, False, False)
    >>> is_name("part-00000.parquet", file=True), is_name("..", file=True), is_name("a/b", file=True)
    (True, False, False)
    """
    return isinstance(name, str) and (_FILE if file else _NAME).fullmatch(name) is not None


def checked_name(name: object, field: str, error: type[SynthSparkError], file: bool = False) -> str:
    """A name that is to become part of a path, or of a condition, if it can lead nowhere else.

    Args:
        name: what a file, or the command line, gives for it.
        field: where it stands, for the message.
        error: the class of the error.
        file: whether it is that of a file, or of a folder of a partition, which may have dots and ``=``.

    Raises:
        SynthSparkError: it is no name; the message does not repeat it.
    """
    if not is_name(name, file):
        letters = "letters, digits, '-', '_', '.' and '='" if file else "letters, digits, '-' and '_', at most 63"
        problem = "is no name that may be part of a path"
        raise error(field, problem, f"give one of {letters}; if it stands in a file, restore that from a backup")
    return str(name)


def nearest(name: str, names: list[str]) -> str:
    """The known name that a mistyped one most resembles, quoted; or the list of all, when none does."""
    folded = {candidate.lower(): candidate for candidate in names}
    match = difflib.get_close_matches(name.lower(), list(folded), n=1, cutoff=0.5)
    if match:
        return f"'{folded[match[0]]}'"
    shown = sorted(names)[:12]
    rest = f" … (the first {len(shown)} of {len(names)}; all keys: synth-spark schema, all columns: synth-spark plan)"
    return "one of " + ", ".join(f"'{candidate}'" for candidate in shown) + (rest if len(names) > len(shown) else "")


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
