"""synth-spark: private releases of sensitive case records, made on Spark.

``import synth_spark as ss`` loads nothing but this; what is asked of it loads the library: ``ss.release(df, k=10)``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synth_spark.library import (
        Broken,
        HeldError,
        Inspected,
        Plan,
        Planned,
        Release,
        Settings,
        SynthSparkError,
        Tuned,
        inspect,
        open_release,
        plan,
        release,
        resume,
        tune,
    )

__version__ = "0.2.0"

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
    "__version__",
    "inspect",
    "open_release",
    "plan",
    "release",
    "resume",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name == "plan":  # the package of that name, which can be called
        return import_module("synth_spark.plan")
    if name in __all__:
        return getattr(import_module("synth_spark.library"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
