"""What is done just before this process first opens a store.

The libraries that ask stores have threads then. A fork of a process that has used them lacks these, and waits for them
for ever once it asks a store itself: what is to be forked is forked before.
"""

from collections.abc import Callable

_BEFORE: list[Callable[[], None]] = []
_OPENED = [False]


def before_first(work: Callable[[], None] | None) -> None:
    """Have something done just before this process first opens a store.

    Args:
        work: what; it takes the place of what was to be done so far. None: nothing is to be done.
    """
    _BEFORE[:] = [] if work is None else [work]


def has_opened() -> bool:
    """Whether this process has opened a store: no fork of it can ask one."""
    return _OPENED[0]


def begin() -> None:
    """Do what is to be done before the first store is opened; to be called before each that is."""
    while _BEFORE:
        _BEFORE.pop()()
    _OPENED[0] = True
