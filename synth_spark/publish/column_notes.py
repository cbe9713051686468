"""What the columns of the data mean, from the plan as it was published."""

import json
from typing import TYPE_CHECKING, Any

from synth_spark.publish.published_release import PublishedRelease

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def plan_of(release: PublishedRelease, spark: "SparkSession | None" = None) -> dict[str, Any]:
    """The plan as the release tells it: without where the records were, or how chance fell.

    Its part ``showcase`` is what the release tells of its presentation: what is about published values.

    Args:
        release: the release.
        spark: a session with Delta; needed for slices of Delta tables only.

    Raises:
        PublishError: the release has no row that tells of it, or it cannot be read.
    """
    row = release.arrow("release", spark).to_pylist()[0]
    plan: dict[str, Any] = json.loads(row["plan"])
    return plan | {"showcase": json.loads(row.get("presentation") or "{}")}


def delimiters(plan: dict[str, Any]) -> dict[str, str]:
    """Columns that hold several values in one text → what separates them."""
    by_column: dict[str, str] = plan.get("input", {}).get("multi_values") or {}
    return by_column


def views(plan: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Column → how the plan says it is shown: ``title``, ``description``."""
    by_column: dict[str, dict[str, Any]] = (plan.get("showcase") or {}).get("columns") or {}
    return by_column


def notes_of(release: PublishedRelease, spark: "SparkSession | None" = None) -> dict[str, str]:
    """Column of the data → its meaning and form, in a clause or two, where there is anything to be said."""
    plan = plan_of(release, spark)
    notes: dict[str, list[str]] = {}
    for column, view in views(plan).items():
        notes[column] = [text for key in ("title", "description") if (text := str(view.get(key) or ""))]
    for column, delimiter in delimiters(plan).items():
        notes.setdefault(column, []).append(f"several values, separated by {json.dumps(delimiter)}")
    return {column: "; ".join(parts) for column, parts in notes.items()}
