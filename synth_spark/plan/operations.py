"""The part of a plan that says how its runs are watched, and what is left of them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from synth_spark.plan.addresses import LocalOrStoredPath, check_destination
from synth_spark.plan.input import Strict


class Operations(Strict):
    """How runs are watched, and what is left of them once they are published. None of it is published."""

    job: str | None = Field(
        None, min_length=1, description="Name of what is run again and again, for monitors; default: the title."
    )
    metrics: LocalOrStoredPath | None = Field(
        None,
        min_length=1,
        description="File of figures about the latest run, of this machine or in a store, in Prometheus' text format "
        "(*.prom).",
    )
    lineage: Annotated[str, AfterValidator(check_destination)] | None = Field(
        None,
        min_length=1,
        description="File, folder of a store, or URL that gets OpenLineage events; default: as OPENLINEAGE_… in the "
        "environment says.",
    )
    lineage_namespace: str = Field("synth-spark", min_length=1, description="Namespace of the job in OpenLineage.")
    lineage_catalog: str = Field(
        "catalog",
        min_length=1,
        description="Namespace of the tables that are read by name, such as hive://HOST:9083 for a metastore of Hive.",
    )
    after_publication: Literal["keep", "purge"] = Field(
        "keep",
        description="Whether the kept tables that are not published stay in the run folder, or are removed as soon as "
        "the release is in place; a purged run cannot be validated or run again.",
    )
