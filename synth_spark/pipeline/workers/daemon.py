"""The process that a local session forks its Python workers from: what they need is imported and compiled there once.

A worker takes seconds to import numpy, pyarrow, pandas and numba and to load compiled kernels. Spark starts one process
and forks every worker from it (``spark.python.daemon.module``); of what that one has loaded, all have a copy at once.
Forking is safe while there is one thread, so libraries are set to start none; the one that pyarrow's memory
allocator has of its own is prepared for forks.
"""

import sys
from importlib.machinery import PathFinder
from pathlib import Path

from synth_spark.pipeline.workers.template import ask_template, preload, run_manager
from synth_spark.runtime.imports import one_thread

#: Archives that Spark puts before everything else. What is in them is not compiled, and each task would list them anew.
_ARCHIVES = ("pyspark.zip", "py4j-*-src.zip", "spark-core_*.jar")


def leave_archives() -> None:
    """Take pyspark and py4j from where they are installed, if they are, instead of Spark's archives of their source."""
    rest = [entry for entry in sys.path if not any(Path(entry).match(archive) for archive in _ARCHIVES)]
    if all(PathFinder.find_spec(name, rest) is not None for name in ("pyspark", "py4j")):
        sys.path[:] = rest
        for entry in set(sys.path_importer_cache) - set(rest):
            if Path(entry).suffix in (".zip", ".jar"):
                del sys.path_importer_cache[entry]


if __name__ == "__main__":
    leave_archives()
    if not ask_template():
        one_thread()
        preload()
        run_manager()
