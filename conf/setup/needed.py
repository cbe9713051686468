"""The part of a lock file that releases need, without what only developers do: needed.py LOCK [PACKAGE…].

The lock file says behind each package which others ask for it (``# via``). Kept is what the package itself asks for,
its extras among it, further packages that are named, and whatever those ask for.
"""

import re
import sys
from collections.abc import Collection
from pathlib import Path

#: Who asks for what the package and its extras require; a group of dependencies is named in the brackets, too.
_ITSELF = "synth-spark (pyproject.toml)"
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def needed(lock: str, more: Collection[str] = ()) -> str:
    """The part of a lock file that releases need.

    Args:
        lock: what `uv pip compile` wrote, with annotations.
        more: names of further packages that are kept.

    Returns:
        The same text without other packages.

    Raises:
        ValueError: a package does not say what asks for it.
    """
    parts = [(_name(part), part) for part in re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]]
    asking: dict[str, set[str]] = {}
    for name, part in parts:
        found = {line.strip(" #") for line in part.partition("# via")[2].splitlines()} - {""}
        if not found:
            raise ValueError(f"{name}: the lock file does not say what asks for it")
        asking.setdefault(name, set()).update(one if one.startswith("synth-spark ") else _name(one) for one in found)
    kept = {name for name, askers in asking.items() if _ITSELF in askers} | set(more)
    while found := {name for name, askers in asking.items() if askers & kept} - kept:
        kept |= found
    return "".join(part for name, part in parts if name in kept)


def _name(text: str) -> str:
    """The name that a text begins with."""
    match = _NAME.match(text)
    assert match is not None
    return match[0]


if __name__ == "__main__":
    sys.stdout.write(needed(Path(sys.argv[1]).read_text(encoding="utf-8"), sys.argv[2:]))
