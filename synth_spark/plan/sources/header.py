"""The names of a table's columns, before anybody goes by them."""

from collections.abc import Sequence

from synth_spark.errors import InputError

#: Blanks trimmed from names: ASCII white space, no-break space, byte-order mark.
BLANKS = " \t\n\r\x0b\x0c\u00a0\ufeff"
_REPLACEMENT = "\ufffd"


def check_header(header: Sequence[str], where: str = "input") -> None:
    """Raise `InputError` for a header with empty or repeated names, or one that is not text.

    Columns are told by their places: where a file has no header, its names are values.

    Args:
        header: names of the columns.
        where: the part of the plan that says where they are, for messages.
    """
    seen: dict[str, int] = {}
    for position, name in enumerate(header, 1):
        if not name:
            raise InputError(where, f"has no name for column {position}", "name every column in the header")
        if _REPLACEMENT in name:
            remedy = f"set {where}.encoding, or convert the file to UTF-8 first"
            raise InputError(where, f"has a name for column {position} that is not UTF-8", remedy)
        before = seen.setdefault(name.lower(), position)
        if before != position:
            problem = f"has the same name for columns {before} and {position} (case does not count)"
            raise InputError(where, problem, "rename one of them")
