"""The part of a plan that says how a release is shown to those who explore it."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from synth_spark.plan.input import Code, Strict


class ColumnView(Strict):
    """How one column is shown."""

    title: str | None = Field(None, min_length=1, description="Its title; default: the header, in words.")
    description: str = Field("", description="What it says, in a sentence or two.")
    kind: Literal["automatic", "category", "ordered", "country"] = Field(
        "automatic",
        description="Whether its values have an order of their own (years, age bands), are codes of countries (ISO "
        "3166) that are shown by name, or neither: the most frequent come first. Default: as its values look.",
    )
    order: tuple[Code, ...] = Field((), description="Its values in order; those not named here come after.")
    labels: dict[Code, str] = Field({}, description="Value → what is shown in its place.")


class Showcase(Strict):
    """How a release is shown: one page that opens without a network."""

    make: bool = Field(True, description="Whether a release is published with its showcase.")
    description: str = Field("", description="What the records are about, in a few sentences.")
    noun: str = Field("records", min_length=1, description="What the records are, in the plural: cases, patients.")
    columns: dict[str, ColumnView] = Field({}, description="Column → how it is shown.")
    groups: dict[str, tuple[str, ...]] = Field({}, description="Name of a group → columns that belong together.")
    visuals: dict[str, tuple[dict[str, Code], ...]] = Field(
        {}, description="Name of a chart → attributes, {column: value}, of several columns that it shows together."
    )
    pages: dict[str, tuple[str, ...]] = Field(
        {}, description="Name of a page → the columns and charts on it; default: one page with all of them."
    )
    hidden: tuple[str, ...] = Field((), description="Columns without a chart of their own.")
    records: int = Field(
        1_000_000, ge=1_000, strict=True, description="Most synthetic records inside; more are shown by a sample."
    )
    combinations: int = Field(
        400_000, ge=0, strict=True, description="Most published counts inside: the shortest and most frequent ones."
    )
    texts: dict[str, str] = Field({}, description="Words of the page → other words, to translate it.")

    @field_validator("visuals")
    @classmethod
    def _check_visuals(cls, value: dict[str, tuple[dict[str, str], ...]]) -> dict[str, tuple[dict[str, str], ...]]:
        for name, attributes in value.items():
            if not attributes or any(len(one) != 1 for one in attributes):
                raise ValueError(f"'{name}' needs a list of attributes, each one column and one value")
        return value

    @model_validator(mode="after")
    def _check(self) -> Self:
        both = self.visuals.keys() & self.columns.keys()
        if both:
            raise ValueError(f"visuals and columns both have a '{min(both)}'; name the visual otherwise")
        return self

    @property
    def named(self) -> set[str]:
        """All columns that it speaks of."""
        charts = {name for names in self.pages.values() for name in names} - self.visuals.keys()
        grouped = {name for names in self.groups.values() for name in names}
        combined = {name for attributes in self.visuals.values() for one in attributes for name in one}
        return charts | grouped | combined | set(self.columns) | set(self.hidden)
