"""What the user asks for: a frozen, strict plan. No Spark here."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from synth_spark.plan.input import Input, Strict

_RUN_ID = re.compile(r"(?=.*[A-Za-z])[0-9A-Za-z][0-9A-Za-z_-]{0,62}")


class KAnonymity(Strict):
    """Every published combination, of any length, occurs in at least k sensitive records; counts are multiples of k."""

    kind: Literal["k_anonymity"] = "k_anonymity"
    k: int = Field(10, ge=2, strict=True, description="Privacy resolution: smallest count released, and rounding unit.")


#: The privacy terms: a sum type, told apart by ``kind``.
Privacy = KAnonymity


class Synthesis(Strict):
    """How synthetic records are made."""

    kind: Literal["row_seeded", "value_seeded", "unseeded"] = Field(
        "row_seeded",
        description="Grown from sensitive records, whose lost values are placed; from values alone; or drawn column by "
        "column, without placing what is lost.",
    )
    groups: int = Field(
        1_024, ge=1, strict=True, description="Most groups of seeds; more groups, more diverse records, more work."
    )
    power: float = Field(
        1.25, ge=0, le=10, description="How strongly frequent values are preferred when a record grows (row_seeded)."
    )
    packing: Literal["relative_deficit", "deficit", "count"] = Field(
        "relative_deficit", description="What decides which value a record is given of those that were left over."
    )


class Output(Strict):
    """Where the release goes."""

    path: str = Field("out", min_length=1, description="Folder of the published tables.")
    format: Literal["parquet", "delta"] = Field("parquet", description="Format of the published tables.")
    indicators: bool = Field(
        False, description="Whether records are published once more with a column for each of several values."
    )


class Plan(Strict):
    """One release, as asked for."""

    title: str = Field("Synthetic release", description="Title of the release, as shown to its readers.")
    input: Input
    privacy: Privacy = KAnonymity()
    reporting_length: int = Field(
        3, ge=1, le=8, strict=True, description="R: longest combination that is counted and reported."
    )
    synthesis: Synthesis = Synthesis()
    task_memory: int = Field(
        1_024, ge=1, strict=True, description="Most memory of one synthesis task, in MB: larger tables are cut to fit."
    )
    output: Output = Output()
    work: str | None = Field(None, description="Folder of the sensitive run folders; default: <output.path>.work")
    run_id: str | None = Field(None, description="Name of the run; default: time and a random suffix.")
    seed: Annotated[int, Field(ge=0, strict=True)] | None = Field(
        None, description="Random seed; default: from the operating system."
    )

    @field_validator("run_id")
    @classmethod
    def _check_run_id(cls, value: str | None) -> str | None:
        if value is not None and not _RUN_ID.fullmatch(value):
            raise ValueError("must be 1 to 63 letters, digits, '-' or '_', with at least one letter")
        return value

    @property
    def work_folder(self) -> Path:
        """Folder that holds the sensitive run folders."""
        return Path(self.work if self.work is not None else self.output.path.rstrip("/") + ".work")
