"""What the user asks for: a frozen, strict plan. No Spark here."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from synth_spark.plan.addresses import LocalOrStoredPath, absolute, resolved, scheme_of
from synth_spark.plan.assessment import Assessment, PlanRule
from synth_spark.plan.input import Input, Location, Strict
from synth_spark.plan.names import is_name
from synth_spark.plan.operations import Operations
from synth_spark.plan.privacy import DifferentialPrivacy, KAnonymity, LedgerTerms
from synth_spark.plan.publication import PublicationTerms
from synth_spark.plan.showcase import Showcase

#: The privacy terms: a sum type, discriminated by ``kind``.
Privacy = KAnonymity | DifferentialPrivacy
#: What single counts of the synthetic records are: equal to the published ones; multiples of k; neither.
SingleCounts = Literal["equal", "multiples", "free"]
#: Ways of synthesis that see released counts alone, and those that need the sensitive records.
FROM_COUNTS, FROM_RECORDS = ("aggregate_seeded", "marginal_matching"), ("row_seeded", "value_seeded", "unseeded")


class Synthesis(Strict):
    """How synthetic records are made."""

    kind: Literal["row_seeded", "value_seeded", "unseeded", "aggregate_seeded", "marginal_matching"] = Field(
        "row_seeded",
        description="Grown from sensitive records, whose lost values are placed; from values alone; drawn column by "
        "column, without placing what is lost; or made from released counts alone: of combinations, or (under "
        "differential privacy, and the default there) of pairs. Single counts of the records equal the published ones "
        "with row_seeded, value_seeded and aggregate_seeded (without scale and records), are mostly lower multiples of "
        "k with unseeded, where values may be missing, and are within 1 of them with marginal_matching (without "
        "records, and where structural rules take no values); the release tells how far off they are.",
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
    oversampling: float | None = Field(
        None,
        ge=0,
        le=10,
        description="Most by which records may exceed the published count of a pair of values, relatively "
        "(value_seeded); default: as it comes.",
    )
    weight_percentile: float = Field(
        0,
        ge=0,
        le=100,
        description="A value is drawn by this percentile of the counts of its combinations with a record's values "
        "(aggregate_seeded); 0: by the smallest. SDS: 95.",
    )
    synthetic_counts: bool = Field(
        True, description="Whether what records hold already is taken off these counts (aggregate_seeded)."
    )
    required_length: int = Field(
        2,
        ge=1,
        le=8,
        strict=True,
        description="A record holds no combination up to this length that is not released (aggregate_seeded); under "
        "k-anonymity: reporting_length.",
    )
    scale: float = Field(
        1,
        gt=0,
        le=100,
        description="Factor of all counts (aggregate_seeded); unless it is 1, single counts of the records are not the "
        "published ones.",
    )
    records: int | None = Field(
        None,
        ge=1,
        strict=True,
        description="Number of records to make (aggregate_seeded, marginal_matching); default: as the counts have it. "
        "If it is given, single counts of the records are not the published ones.",
    )
    passes: int = Field(
        2,
        ge=1,
        le=1000,
        strict=True,
        description="Passes over all columns, after exchanges at random (marginal_matching).",
    )

    @property
    def rescaled(self) -> bool:
        """Whether so many records, or so large counts, are asked for as the published counts do not have."""
        return self.scale != 1 or self.records is not None


class Catalog(NamedTuple):
    """A schema of a catalog that shows what is current in a published root.

    Attributes:
        name: such as ``main.published``.
        tags: of its tables and views, name → value.
        readers: who may read its views.
    """

    name: str
    tags: Mapping[str, str] = {}
    readers: tuple[str, ...] = ()


class Output(Strict):
    """Where the release goes."""

    path: LocalOrStoredPath = Field(
        "out",
        min_length=1,
        description="Folder of the published tables, of this machine or in a store (s3://…, gs://…, abfss://…, hdfs://…).",
    )
    format: Literal["parquet", "delta"] = Field(
        "parquet",
        description="Format of the published tables. As delta, releases share a table in a folder of this machine, "
        "and each has one of its own in a store.",
    )
    indicators: bool = Field(
        False, description="Whether records are published once more with a column for each of several values."
    )
    long_form: bool = Field(
        False,
        description="Whether records and aggregates are published once more in long form, one row a value, as tools "
        "for dashboards like them.",
    )

    catalog: str | None = Field(
        None,
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$",
        description="Schema of a catalog that shows the current release as tables and views, besides: main.published.",
    )
    catalog_tags: dict[str, str] = Field({}, description="Tags of these tables and views (Unity Catalog).")
    catalog_readers: tuple[str, ...] = Field((), description="Who may read these views (Unity Catalog): groups, users.")

    @property
    def sliced(self) -> bool:
        """Whether tables of the release are slices of Delta tables, which all releases of a folder share."""
        return self.format == "delta" and scheme_of(self.path) is None

    @property
    def shown_in(self) -> Catalog | None:
        """The catalog that shows the release, if any does."""
        return None if self.catalog is None else Catalog(self.catalog, self.catalog_tags, self.catalog_readers)


class Plan(Strict):
    """One release, as asked for."""

    title: str = Field("Synthetic release", description="Title of the release, as shown to its readers.")
    input: Input
    privacy: Annotated[Privacy, Field(discriminator="kind")] = KAnonymity()
    reporting_length: int = Field(
        3, ge=1, le=8, strict=True, description="R: longest combination that is counted and reported."
    )
    synthesis: Synthesis = Synthesis()
    task_memory: int = Field(
        1_024, ge=1, strict=True, description="Most memory of one synthesis task, in MB: larger tables are cut to fit."
    )
    assessment: Assessment = Assessment()
    rules: tuple[PlanRule, ...] = Field(
        (), description="Rules beside those of the release contract; or the name of a YAML file with a list of them."
    )
    accepted: dict[str, str] = Field(
        {},
        description="Warnings that may be broken, by name → why that is accepted. If the rule is broken and is about "
        "what is published, the reason is published, too.",
    )
    output: Output = Output()
    showcase: Showcase = Showcase()
    publication: PublicationTerms = PublicationTerms()
    operations: Operations = Operations()
    work: LocalOrStoredPath | None = Field(
        None,
        description="Folder of the sensitive run folders, of this machine or in an object store; default: "
        "<output.path>.work, where output.path is on this machine.",
    )
    ledger: LedgerTerms = Field(
        LedgerTerms(), description="The privacy ledger; its address alone may stand for {address: …}."
    )
    data_set: str | None = Field(
        None,
        min_length=1,
        description="Name of the data set in the ledger: its account. Default: where the input is, once links are "
        "followed, or its table. A query (input.sql) needs a name under differential privacy.",
    )
    run_id: str | None = Field(None, description="Name of the run; default: time and a random suffix.")
    seed: Annotated[int, Field(ge=0, strict=True)] | None = Field(
        None, description="Random seed of the content, not of its order; default: from the operating system."
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, content: Any) -> Any:
        """What is meant where a kind is not written: of privacy k-anonymity, of synthesis what suits the privacy."""
        if not isinstance(content, dict):
            return content
        content = dict(content)
        privacy, synthesis = content.get("privacy", {}), content.get("synthesis", {})
        if isinstance(privacy, dict) and "kind" not in privacy:
            kind = "differential_privacy" if "epsilon" in privacy else "k_anonymity"
            content["privacy"] = privacy = {"kind": kind, **privacy}
        private = isinstance(privacy, dict) and privacy.get("kind") == "differential_privacy"
        if isinstance(synthesis, dict) and "kind" not in synthesis and private:
            content["synthesis"] = {"kind": "marginal_matching", **synthesis}
        return content

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.synthesis.oversampling is not None and self.synthesis.kind != "value_seeded":
            raise ValueError("synthesis.oversampling is for value_seeded; others are held to the counts by their seeds")
        names = [rule.rule for rule in self.rules]
        for name in {name for name in names if names.count(name) > 1}:
            raise ValueError(f"rules has two rules called {name}")
        private, kind = self.privacy.noisy, self.synthesis.kind
        if private and kind in FROM_RECORDS:
            raise ValueError(f"synthesis.kind {kind} sees sensitive records; {' or '.join(FROM_COUNTS)} does not")
        if not private and kind == "marginal_matching":
            raise ValueError("synthesis.kind marginal_matching needs differential privacy")
        if private and self.input.record_limit is not None:
            raise ValueError("input.record_limit lets one subject decide about another: not under differential privacy")
        if private and any(bins.quantiles is not None for bins in self.input.numbers.values()):
            raise ValueError("input.numbers: quantiles are taken from the data; give edges under differential privacy")
        if private and self.input.since is not None:
            raise ValueError(
                "input.since is not for differential privacy: its noise is drawn, and charged, for all counts"
            )
        by_query = any(part.sql for part in (self.input, *self.input.sources.values()))
        if private and by_query and self.data_set is None:
            raise ValueError("data_set is needed for a query: another wording of it is the same data")
        return self

    @model_validator(mode="after")
    def _check_places(self) -> Self:
        if scheme_of(self.output.path) is not None and self.work is None:
            raise ValueError(
                "work is missing: name a folder for run folders, which are SENSITIVE, as output.path is in a store"
            )
        return self

    @field_validator("ledger", mode="before")
    @classmethod
    def _read_ledger(cls, value: Any) -> Any:
        return {"address": value} if value is None or isinstance(value, str | os.PathLike) else value

    @field_validator("run_id")
    @classmethod
    def _check_run_id(cls, value: str | None) -> str | None:
        if value is not None and not (is_name(value) and re.search("[A-Za-z]", value)):
            raise ValueError("must be 1 to 63 letters, digits, '-' or '_', with at least one letter")
        return value

    def to_yaml(self, whole: bool = False) -> str:
        """The plan as YAML, which `from_yaml`, or the command, reads as the same plan again.

        Args:
            whole: whether every default is written out, too.

        >>> print(Plan(input={"path": "cases.csv"}, privacy={"k": 5}).to_yaml(), end="")
        input:
          path: cases.csv
        privacy:
          kind: k_anonymity
          k: 5
        """
        from synth_spark.plan.loading import dump

        return dump(self, whole)

    @classmethod
    def from_yaml(cls, text: str) -> "Plan":
        """A plan from YAML; a file of rules that it names is looked for in the current folder.

        Raises:
            PlanError: it is not YAML, or a key or value is not understood.

        >>> Plan.from_yaml("{input: {path: cases.csv}, privacy: {k: 5}}").privacy.k
        5
        """
        from synth_spark.plan.loading import composed, read_text

        return composed(read_text(text), {})

    @property
    def private_terms(self) -> DifferentialPrivacy:
        """The terms of differential privacy; only a plan that is under it is asked."""
        assert isinstance(self.privacy, DifferentialPrivacy)
        return self.privacy

    @property
    def unit(self) -> str:
        """Whom privacy is promised to: ``subject``, of one record or several, or ``record``."""
        return "subject" if self.input.subject is not None else "record"

    @property
    def work_address(self) -> str:
        """Where the sensitive run folders are: a folder of this machine, or of an object store."""
        address = self.work if self.work is not None else f"{self.output.path.rstrip('/')}.work"
        return address.rstrip("/") or ("/" if address else ".")

    @property
    def work_folder(self) -> Path:
        """The folder of run folders; only a plan whose run folders are on this machine is asked."""
        assert scheme_of(self.work_address) is None
        return Path(self.work_address)

    @property
    def ledger_address(self) -> str:
        """Where the privacy ledger is: a file of this machine, or a folder of a store."""
        return self.ledger.resolved

    @property
    def addresses(self) -> tuple[str, ...]:
        """Of all that Spark reads and writes for the plan, as far as it has an address."""
        since = () if self.input.since is None else (self.input.since,)
        return (*self.input.addresses, *since, self.work_address, self.output.path)

    @property
    def job_name(self) -> str:
        """What monitors call it."""
        return self.operations.job if self.operations.job is not None else self.title

    @property
    def data_set_name(self) -> str:
        """Name of the data set in the ledger: as given, else the same for every spelling of where the input is."""
        if self.data_set is not None:
            return self.data_set
        locations: list[Location] = [*self.input.sources.values()] or [self.input]
        paths = [resolved(path) for location in locations for path in location.all_paths]
        tables = [_table_name(location.table) for location in locations if location.table]
        queries = [" ".join(location.sql.split()) for location in locations if location.sql]
        return ", ".join(sorted({*paths, *tables, *queries}))

    def charged_to(self, data_set: str) -> "Plan":
        """The plan with what it leaves open about its account: the data set, and a ledger that no folder decides.

        Args:
            data_set: the data set that it is charged to.
        """
        ledger = self.ledger.model_copy(update={"address": absolute(self.ledger_address)})
        return self.model_copy(update={"ledger": ledger, "data_set": data_set})


def _table_name(table: str) -> str:
    """The one spelling of the name of a catalog table: Spark tells them apart by neither case nor quotes."""
    return ".".join(part.strip(" `") for part in table.split(".")).lower()
