"""Text of a CSV as rows of fields, cut as Spark's reader cuts them, for the heads of files. No library is loaded."""

import re
from collections.abc import Iterator
from functools import lru_cache

from synth_spark.plan.sources.layout import Dialect

#: What is trimmed from fields outside of quotes: blanks and control signs.
LAYOUT = "".join(map(chr, range(33)))
_LINE_END = re.compile(r"\r\n|\r|\n")
#: Signs of a record that is looked for its end here.
_LONGEST = 1 << 20


class UnsureError(Exception):
    """A text that is no CSV of its dialect, or holds a record that is too long for a look."""


def rows(pieces: Iterator[str], dialect: Dialect) -> Iterator[list[str]]:
    r"""The fields of the records of a text; blank lines are no records.

    Blanks and control signs around fields, and around their quotes, are no part of them; those in quotes are.

    Args:
        pieces: the text.
        dialect: how it is written.

    Raises:
        UnsureError: it cannot be told here where a record ends.

    >>> list(rows(iter([' a ," ""b"" ",,c"d\n\n', "e"]), Dialect("utf-8", ",", '"', '"', False)))
    [['a', ' "b" ', '', 'c"d'], ['e']]
    """
    held, done = "", False
    while not done:
        wanted = 2 * len(held)
        while len(held) <= wanted and not done:
            piece = next(pieces, None)
            held, done = (held, True) if piece is None else (held + piece, False)
        place = 0
        while place < len(held):
            row, place_after = _record(held, place, dialect, done)
            if row is None:
                break
            place = place_after
            if row:
                yield row
        held = held[place:]
        if held and (done or len(held) > _LONGEST):
            raise UnsureError


def cut(record: str, dialect: Dialect) -> list[str]:
    """The fields of one record, with or without the line end behind it.

    Args:
        record: its text.
        dialect: how it is written.

    Raises:
        UnsureError: it is no record of that dialect.
    """
    row, end = _record(record, 0, dialect, True)
    if row is None or record[end:].strip("\r\n"):
        raise UnsureError
    return row


def _record(text: str, place: int, dialect: Dialect, whole: bool) -> tuple[list[str] | None, int]:
    """The record that begins at a place, and the place behind it; none if it is not seen to end, empty if blank.

    Args:
        text: some of the file.
        place: where the record begins.
        dialect: how it is written.
        whole: whether nothing follows the text.
    """
    line = _LINE_END.search(text, place)
    if line is None and not whole:
        return None, place
    end = len(text) if line is None else line.start()
    if text.find(dialect.quote, place, end) < 0:
        plain = text[place:end].split(dialect.delimiter)
        filled = len(plain) > 1 or plain[0].strip(LAYOUT) != ""
        _check_escapes(plain, dialect)
        return ([field.strip(LAYOUT) for field in plain] if filled else []), end if line is None else line.end()
    pattern, pair = _patterns(dialect)
    row: list[str] = []
    while (match := pattern.match(text, place)) is not None:
        quoted, simple, behind = match.groups()
        _check_escapes([simple or ""], dialect)
        row.append(simple.strip(LAYOUT) if quoted is None else pair.sub(r"\1", quoted))
        place = match.end()
        if behind == "" and not whole:
            return None, place
        if behind != dialect.delimiter:
            return row, place
    if not dialect.multiline and line is not None:
        raise UnsureError
    return None, place


def _check_escapes(plain: list[str], dialect: Dialect) -> None:
    """Raise `UnsureError` for an escape outside of quotes before a sign that some writers mean to be escaped by it."""
    escape = dialect.escape
    if escape == dialect.quote:
        return
    if any(one.endswith(escape) or escape + dialect.quote in one or escape * 2 in one for one in plain):
        raise UnsureError


@lru_cache(maxsize=64)
def _patterns(dialect: Dialect) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What matches a field and the delimiter or line end behind it, and what a sign with its escape in quotes."""
    delimiter, quote, escape = (re.escape(sign) for sign in (dialect.delimiter, dialect.quote, dialect.escape))
    blank = "".join(sign for sign in LAYOUT if sign not in {dialect.delimiter, "\r", "\n"})
    blanks, ends = f"[{re.escape(blank)}]*", "" if dialect.multiline else "\r\n"
    if dialect.escape == dialect.quote:
        held = f"[^{quote}{ends}]*(?:{quote}{quote}[^{quote}{ends}]*)*"
    else:
        held = f"[^{quote}{escape}{ends}]*(?:{escape}[^{ends}][^{quote}{escape}{ends}]*)*"
        held = held.replace("[^]", "(?s:.)")
    behind = rf"({delimiter}|\r\n|\r|\n|\Z)"
    field = f"(?:{blanks}{quote}({held}){quote}{blanks}|(?!{blanks}{quote})([^{delimiter}\r\n]*)){behind}"
    return re.compile(field), re.compile(f"{escape}([{quote}{escape}])")
