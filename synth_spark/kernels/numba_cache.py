"""How every kernel is compiled: once a machine, kept in a cache folder.

numba would keep its cache beside the source, or by the source's path. An executor imports the package from the archive
that was shipped to it, which lies elsewhere in each of them, and every new environment would compile all again; and a
kernel would not be compiled anew where another one, which it calls, was changed. So the sources of all kernels are laid
out in a folder that is named by their content, and numba takes them for coming from there: whatever runs the same
kernels on a machine shares what one of them compiled. Where no folder can be written, numba's own places are tried, and
in the end kernels are compiled in memory.

A function that Spark sends to a task may name a kernel. numba would send the kernel's source along, to be compiled by
every worker process anew, without its cache; so a kernel travels by its name.
"""

import copyreg
import hashlib
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numba
from numba.core.registry import CPUDispatcher


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function on its first call for the types it is called with, and keep the result."""
    source = Path(function.__code__.co_filename)
    folder = _laid_out(source)
    if folder is not None:
        function.__code__ = function.__code__.replace(co_filename=str(folder / _place(function.__module__)))
    elif not source.is_file():
        return numba.njit(nogil=True)(function)
    try:
        kernel = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # there is no folder that numba may cache in
        kernel = numba.njit(nogil=True)(function)
    return kernel


def _by_name(kernel: Any) -> str | tuple[Any, ...]:
    """How a kernel is pickled: by the name that its module knows it by; what has no such name, as numba does it."""
    function = kernel.py_func
    if getattr(sys.modules.get(function.__module__), function.__name__, None) is kernel:
        return _named, (function.__module__, function.__name__)
    reduced: tuple[Any, ...] = kernel.__reduce__()
    return reduced


def _named(module: str, name: str) -> Any:
    """The kernel of a module."""
    return getattr(importlib.import_module(module), name)


copyreg.pickle(CPUDispatcher, _by_name)


def _laid_out(source: Path) -> Path | None:
    """A folder with the sources of this package, by their content; None if none can be made."""
    for root in _roots(source):
        folder = _lay_out(root)
        if folder is not None:
            return folder
    return None


def _roots(source: Path) -> Iterator[Path]:
    """Where a cache may be: as set for numba, in the user's cache folder, or beside the archive.

    Nobody else may write there: what is loaded from a cache is executed.
    """
    if os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(os.environ["NUMBA_CACHE_DIR"])
    yield Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    yield from (path.parent for path in source.parents if path.is_file())


@cache
def _lay_out(root: Path) -> Path | None:
    """Write the sources of this package under ``root``, unless they are there; None if that cannot be done."""
    sources = dict(sorted(_sources(resources.files(__package__))))
    content = hashlib.sha256(repr(sources).encode()).hexdigest()
    folder = root / "synth-spark" / content[:24]
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for place, text in sources.items():
            file = folder / place
            if file.is_file():
                continue
            file.parent.mkdir(exist_ok=True, mode=0o700)
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as unfinished:
                unfinished.write(text)
            Path(unfinished.name).replace(file)  # by several processes at once, with the same content
    except OSError:
        return None
    return folder


def _sources(folder: Traversable, within: str = "") -> Iterator[tuple[str, bytes]]:
    """The modules of a folder and those in it: their places, and what they hold."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, f"{within}{entry.name}/")
        elif entry.name.endswith(".py"):
            yield within + entry.name, entry.read_bytes()


def _place(module: str) -> str:
    """Where the source of a module of this package lies in it.

    >>> _place("synth_spark.kernels.growth.tree")
    'growth/tree.py'
    """
    return f"{module.removeprefix(f'{__package__}.').replace('.', '/')}.py"
