"""Importing what takes seconds."""

import gc
import importlib.util
import os
import sys
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

#: Read by the linear algebra and parallel loops of libraries when they are imported.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def one_thread() -> None:
    """Have libraries that are imported from now on start no threads: forks would lose them."""
    for name in _ONE_THREAD:
        os.environ[name] = "1"


def unwarned() -> None:
    """Have PySpark not warn, in this process, of pandas 3, with which all that is used of it here is tested."""
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage is looked for: going through what is being imported, again and again, takes a fifth of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@contextmanager
def on_first_use(*names: str) -> Iterator[None]:
    """Modules of these names that the body imports, itself or through others, are loaded once one of them is used.

    For those that a library imports for what nobody here asks it for.
    """
    finder = _OnFirstUse(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _OnFirstUse:
    """Finds modules that are loaded on first use (`importlib.util.LazyLoader`)."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None, _target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        """Where a module is, if it is one of them."""
        spec = PathFinder.find_spec(name, path) if name in self._names else None
        if spec is not None and spec.loader is not None:
            spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec
