"""Names and texts as an expression of Spark SQL writes them. No Spark here.

An expression that is handed over as one text costs a few calls to the JVM; put together of columns, some for each of
its parts. Over a table of fifty columns the difference is thousands of calls, and a second.
"""


def quoted(name: str) -> str:
    """A column's name, whatever its characters.

    >>> quoted("a`b c")
    '`a``b c`'
    """
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """A text, whatever its characters, and whether or not the session takes a backslash for an escape.

    >>> literal("0"), literal("N/A"), literal("don't")
    ("'0'", "'N/A'", "CAST(X'646F6E2774' AS STRING)")
    """
    if text.isascii() and text.isprintable() and not set(text) & {"'", "\\"}:
        return f"'{text}'"
    return f"CAST(X'{text.encode().hex().upper()}' AS STRING)"
