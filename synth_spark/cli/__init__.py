"""The command line, and how it ends."""

from synth_spark.runtime.imports import one_thread

one_thread()  # before anything imports numpy: Python workers are forks of the command
