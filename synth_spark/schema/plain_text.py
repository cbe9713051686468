"""Texts that people wrote, inside documents of ours: on one line, and no markup of theirs."""

import re

#: Signs of Markdown and HTML. An underscore inside a word marks nothing and stays, so that names can be searched for;
#: an ampersand is a sign where it begins a character reference.
_MARKUP = re.compile(r"([\\`*\[\]<>|#~]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;))")
#: What begins a list at the beginning of a line: a sign, or a number and its dot.
_LIST = re.compile(r"^([-+]|\d+(?=[.)]))(?=[.)\s]|$)")
#: Controls, and what ends a line or turns its direction.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    r"""A text on one line, without control characters.

    >>> one_line(" Cases\n# of 2024 ")
    'Cases # of 2024'
    """
    return " ".join(_CONTROL.sub(" ", text).split())


def plain(text: str) -> str:
    r"""A text inside Markdown that means itself.

    >>> print(plain("[x](y) <b>"), plain("a\n# b"), plain("- x"), plain("R&D &amp;"), plain("a_rule _x_"))
    \[x\](y) \<b\> a \# b \- x R&D \&amp; a_rule \_x\_
    """
    escaped = _MARKUP.sub(r"\\\1", one_line(text))
    return _LIST.sub(lambda found: f"\\{found[1]}" if found[1] in "-+" else f"{found[1]}\\", escaped)
