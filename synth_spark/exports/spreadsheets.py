"""Texts of CSV files that no spreadsheet takes for a formula: an apostrophe stands before those that it would run.

A spreadsheet evaluates a cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line break, also one in quotes.
What is done about it is what OWASP's page on CSV injection advises: an apostrophe is put before. Texts that begin with
apostrophes before such a sign get one more, so that taking one away always gives back what was there. Numbers are no
texts and stay as they are. The showcase's ``records.js`` does the same with the same pattern.
"""

import re

import pyarrow as pa
import pyarrow.compute as pc

#: How a text begins that gets an apostrophe; also how one begins that has got it. Full-width signs count, too.
FORMULA = r"^'* *[=+\-@＝＋－＠\t\r\n]"
_FORMULA = re.compile(FORMULA)


def inert(texts: pa.Array) -> pa.Array:
    """Texts with an apostrophe before those that a spreadsheet would run.

    >>> inert(pa.array(["=1+1", "'=1", "1-2", None])).to_pylist()
    ["'=1+1", "''=1", '1-2', None]
    """
    return pc.if_else(pc.match_substring_regex(texts, FORMULA), pc.binary_join_element_wise("'", texts, ""), texts)


def inert_text(text: str) -> str:
    """One text, likewise.

    >>> inert_text("@SUM(A1)"), inert_text("plain")
    ("'@SUM(A1)", 'plain')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def original_text(text: str) -> str:
    """What a text was before it got its apostrophe, if it got one.

    >>> original_text("'=1+1"), original_text("''=1"), original_text("'tis")
    ('=1+1', "'=1", "'tis")
    """
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
