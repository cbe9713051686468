"""What the user asks for, read from YAML and from the command line. No Spark here.

The package has the name of a function of the library, ``synth_spark.plan(data, k=10)``. So it can be called, and then
does what `synth_spark.library.plan` does; what it holds is imported from it as from any other package.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from synth_spark.plan.assessment import Assessment, PlanRule
from synth_spark.plan.counted import what_is_counted
from synth_spark.plan.input import Bins, Constraint, Dates, Groups, Input, Location, Source, Subject
from synth_spark.plan.loading import dump, load, parse
from synth_spark.plan.model import FROM_COUNTS, FROM_RECORDS, Catalog, Output, Plan, Privacy, SingleCounts, Synthesis
from synth_spark.plan.names import (
    check_shown_columns,
    listed,
    mapped_columns,
    named_columns,
    nearest,
    renamed_columns,
    used_columns,
)
from synth_spark.plan.operations import Operations
from synth_spark.plan.privacy import DifferentialPrivacy, KAnonymity
from synth_spark.plan.publication import Author, PublicationTerms
from synth_spark.plan.published import published
from synth_spark.plan.showcase import ColumnView, Showcase
from synth_spark.plan.yaml_text import Typed


class _Called(ModuleType):
    """This package, as what can be called."""

    def __call__(self, data: Any, plan: Any = None, **keys: Any) -> Any:
        """Look at what a release would do, before any job; see `synth_spark.library.plan`."""
        return import_module("synth_spark.library").plan(data, plan, **keys)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """Let it be sent to Python workers as any module is: by its name."""
        return import_module, (self.__name__,)


sys.modules[__name__].__class__ = _Called

__all__ = [
    "FROM_COUNTS",
    "FROM_RECORDS",
    "Assessment",
    "Author",
    "Bins",
    "Catalog",
    "ColumnView",
    "Constraint",
    "Dates",
    "DifferentialPrivacy",
    "Groups",
    "Input",
    "KAnonymity",
    "Location",
    "Operations",
    "Output",
    "Plan",
    "PlanRule",
    "Privacy",
    "PublicationTerms",
    "Showcase",
    "SingleCounts",
    "Source",
    "Subject",
    "Synthesis",
    "Typed",
    "check_shown_columns",
    "dump",
    "listed",
    "load",
    "mapped_columns",
    "named_columns",
    "nearest",
    "parse",
    "published",
    "renamed_columns",
    "used_columns",
    "what_is_counted",
]
