"""The library: what ``import synth_spark as ss`` offers. A frame or a path goes in, an audited release comes out.

It is the command in another form: the same plan, the same line, the same run folder and the same audit. `asking` makes
a plan of what was handed in, `running` carries it out, `published` hands out what was published.
"""

from synth_spark.errors import SynthSparkError
from synth_spark.library.held import Broken, HeldError
from synth_spark.library.keys import Settings
from synth_spark.library.looking import Inspected, Planned, Tuned, inspect, plan, tune
from synth_spark.library.published import Release, open_release
from synth_spark.library.running import release, resume
from synth_spark.plan import Plan

__all__ = [
    "Broken",
    "HeldError",
    "Inspected",
    "Plan",
    "Planned",
    "Release",
    "Settings",
    "SynthSparkError",
    "Tuned",
    "inspect",
    "open_release",
    "plan",
    "release",
    "resume",
    "tune",
]
