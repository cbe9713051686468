"""What the user asks for, read from YAML and from the command line. No Spark here."""

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
