"""How every kernel is compiled: once a machine, kept beside the source or in the user's cache folder.

Where no folder can be written for that cache (an executor without a home), the kernel is compiled in memory.
"""

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function on its first call for the types it is called with, and keep the result."""
    try:
        kernel = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba found no folder that it may cache in
        kernel = numba.njit(nogil=True)(function)
    return kernel
