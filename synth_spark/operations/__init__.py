"""What surrounds runs: how they are watched, what they leave for machines, and how what they kept is removed.

`purging` is imported from its module: it needs Spark's, and the command line starts without it.
"""

from synth_spark.operations.guarding import guarded
from synth_spark.operations.watching import Watch, watched

__all__ = ["Watch", "guarded", "watched"]
