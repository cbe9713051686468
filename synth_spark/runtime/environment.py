"""Variables of the environment that hold for as long as something is started."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def variable(name: str, value: str | None) -> Iterator[None]:
    """What is started in the body finds a variable; behind it the variable is as it was.

    Args:
        name: of the variable.
        value: what it holds; None: whatever it holds now.
    """
    before = os.environ.get(name)
    if value is not None:
        os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name, None)
        if before is not None:
            os.environ[name] = before
