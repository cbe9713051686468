"""The part of a plan that says what is assessed of a release, and which rules it must keep."""

import re
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from synth_spark.plan.addresses import LocalOrStoredPath
from synth_spark.plan.input import Strict

_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
#: Suites of the release contract; rules of a plan are beside them, never in their place.
CONTRACT_SUITES = (
    "columns", "synthetic_records", "aggregates", "single_counts", "combinations", "constraints", "proof", "recount",
    "privacy", "differencing",
)  # fmt: skip


class Assessment(Strict):
    """What is assessed of a release besides its measures."""

    secrets: tuple[str, ...] = Field(
        (), description="Sensitive columns: homogeneity, l-diversity and t-closeness of groups are measured for them."
    )
    rare_below: int = Field(
        10, ge=2, strict=True, description="Fewer records are called few under differential privacy, which has no k."
    )
    rehearsal: bool = Field(
        False,
        description="Whether a release of a part of the records is made, never published, to attack it and to train "
        "models on it; the other part is the control. It takes about as long as making the release.",
    )
    control: float = Field(0.2, gt=0, lt=1, description="Share of the records that the rehearsal does not see.")
    rehearsed_records: int = Field(
        100_000, ge=100, strict=True, description="Most records of a rehearsal, control included."
    )
    attacks: int = Field(2_000, ge=1, le=100_000, strict=True, description="Number of attacks of each kind.")
    redaction: bool = Field(
        False, description="Whether is calculated what suppressing cases or cells would have lost of the same records."
    )
    rare: bool = Field(
        False,
        description="Whether combinations that fewer than k synthetic records hold are listed, in the table rare "
        "of the run folder.",
    )
    earlier: LocalOrStoredPath | None = Field(
        None,
        description="The folder of an earlier release of the same data set, or its manifest, to compare this one with, "
        "besides all releases of output.path and the one that this one adds to.",
    )


class PlanRule(Strict):
    """A rule that a release must live up to, beside those of its contract: about a figure, or about a table."""

    rule: str = Field(description="Its name: suite.rule.")
    severity: Literal["critical", "warning"] = Field(
        "critical",
        description="A broken critical rule stops the release; a broken warning holds it until someone accepts that.",
    )
    meaning: str = Field("", description="What it says, in a sentence.")
    measure: str | None = Field(None, description="A figure's name; see the tables measures and assessment.")
    comparison: str = Field("sensitive_to_synthetic", description="What the figure compares, or is about.")
    topic: str | None = Field(None, description="Its topic, for a figure of the assessment.")
    about: str | None = Field(None, description="The column, attribute or way that it is about.")
    length: int | None = Field(None, ge=1, strict=True, description="The length of its combinations; default: all.")
    at_least: float | None = Field(None, description="Least value of the figure.")
    at_most: float | None = Field(None, description="Largest value of the figure.")
    table: Literal["synthetic_records", "aggregates"] | None = Field(
        None, description="The table that an expectation is about, instead of a figure."
    )
    expectation: str | None = Field(None, description="An expectation of Great Expectations, by the name of its class.")
    arguments: dict[str, Any] = Field({}, description="Its arguments.")

    @property
    def columns(self) -> list[str]:
        """The columns that its expectation is about."""
        found = [self.arguments.get(key) for key in ("column", "column_A", "column_B", "column_list")]
        several = [one for each in found if isinstance(each, list) for one in each]
        return [one for one in (*found, *several) if isinstance(one, str)]

    @field_validator("rule")
    @classmethod
    def _check_name(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError("must be suite.rule, in lower-case letters, digits and '_'")
        if value.partition(".")[0] in CONTRACT_SUITES:
            raise ValueError("is in a suite of the release contract, which cannot be changed; name another suite")
        return value

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.measure is None) == (self.expectation is None):
            raise ValueError("needs either a measure or an expectation")
        if self.measure is not None and self.at_least is None and self.at_most is None:
            raise ValueError("needs at_least or at_most")
        if self.expectation is not None and (self.table is None or not self.expectation.startswith("Expect")):
            raise ValueError("needs a table and an expectation such as ExpectColumnValuesToBeInSet")
        return self
