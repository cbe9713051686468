"""The part of a plan that says what is promised to the people in the data."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from synth_spark.plan.addresses import LocalOrStoredPath, default_ledger
from synth_spark.plan.input import Code, Strict

#: The largest share of ρ that single counts get where nobody says which.
LARGEST_SHARE = 0.7
#: The share of ρ that tables of three columns get where nobody says which, and the least ε from which they do.
_TRIPLES, _TRIPLES_FROM = 0.12, 3.0
#: A positive number of a list of them.
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class LedgerTerms(Strict):
    """Where the privacy ledger is, and what it must hold."""

    address: LocalOrStoredPath | None = Field(
        None,
        min_length=1,
        description="A file, or a folder of a store (s3://…, gs://…, abfss://…, hdfs://…); default: "
        "synth-spark/ledger.jsonl in the folder that XDG_STATE_HOME names, or in ~/.local/state.",
    )
    required: bool = Field(
        False,
        description="Whether a release under differential privacy is refused where no budget was granted to its data "
        "set.",
    )

    @property
    def resolved(self) -> str:
        """Where the ledger is: as given, else in the user's own folder.

        Raises:
            PlanError: nothing is given, and the user has no folder.
        """
        return self.address if self.address is not None else default_ledger()


class KAnonymity(Strict):
    """Every published combination occurs in at least k sensitive records; published counts are multiples of k."""

    kind: Literal["k_anonymity"] = "k_anonymity"
    k: int = Field(
        10,
        ge=2,
        strict=True,
        description="Privacy resolution: smallest count released, and rounding unit. It counts records, which are "
        "subjects where input.subject joins their rows.",
    )

    stepwise: bool | None = Field(
        None,
        description="Whether a count follows its exact value only when at least k more records hold it than when it "
        "was last changed, so that releases of the same data set can be held side by side (docs/series.md). Default: "
        "where there is an earlier release, made by the same plan, whose run folder is there.",
    )

    #: Whether published counts carry noise, and a budget pays for it.
    noisy: ClassVar[bool] = False

    @property
    def parameters(self) -> dict[str, int | float]:
        """The key of a release among its like: k."""
        return {"k": self.k}


class DifferentialPrivacy(Strict):
    """What is published is nearly as likely with any one subject as without: (ε, δ)-differential privacy."""

    kind: Literal["differential_privacy"] = "differential_privacy"
    epsilon: float = Field(gt=0, le=100, allow_inf_nan=False, description="ε of the whole release.")
    delta: float = Field(
        1e-6, gt=0, lt=0.01, description="δ of the whole release: far below 1 / the number of subjects."
    )
    public_domain: bool | dict[str, tuple[Code, ...]] = Field(
        False,
        description="Which values may exist is no secret: of all columns (true: those that occur, and whether one is "
        "ever absent, which are taken from the data, so that the promise is one given these), or of the named columns "
        "(those listed; others count as absent). Other values are released only where noise shows them beyond doubt, "
        "which costs some of δ and of ε.",
    )
    never_absent: tuple[str, ...] = Field(
        (),
        description="Columns of public_domain, named there, that are declared to be never absent: whoever has no value "
        "of them, or one that is not listed, is counted with none of their values.",
    )
    values_a_record: int = Field(
        8, ge=1, le=1000, strict=True, description="Most values that a subject has in a column with several."
    )
    domain_share: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Share of ρ for single counts, and for which values exist (marginal_matching). Default: 0.15 where "
        "all values are public, else 0.15 to 0.7, chosen by the errors to be expected of a noisy number of records.",
    )
    domain_delta_share: float = Field(0.05, gt=0, lt=1, description="Share of δ for which values exist.")
    most_pairs: int = Field(
        300,
        ge=1,
        strict=True,
        description="Pairs of columns that are all measured; of more, those worth it are chosen, privately "
        "(marginal_matching).",
    )
    selection_share: float = Field(0.1, gt=0, lt=1, description="Share of ρ for choosing pairs of columns.")
    triple_share: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Share of ρ for tables of three columns, a sixth of it for choosing them (marginal_matching); 0: "
        "none. They are for records alone. Default: 0.12 where ε is at least 3, else 0.",
    )
    record_count_share: float = Field(
        0.005,
        gt=0,
        lt=1,
        description="Share of ρ for the number of records (aggregate_seeded; marginal_matching where it chooses "
        "domain_share by that).",
    )
    percentile: float = Field(
        99, gt=0, le=100, description="A subject's combinations are capped at this percentile (aggregate_seeded)."
    )
    percentile_share: float = Field(0.01, gt=0, lt=1, description="Share of ρ for these caps (aggregate_seeded).")
    accuracy: Literal["records", "long", "short", "balanced"] | tuple[Positive, ...] = Field(
        "records",
        description="Which lengths are counted best (aggregate_seeded): a tenth of ρ for singles, three tenths for "
        "length 3 and more, the rest for pairs, as records need it; SDS's modes; or the noise of each length relative "
        "to the others'.",
    )
    fabrication: Literal["uncontrolled", "balanced", "progressive", "minimise"] | tuple[Positive, ...] = Field(
        "balanced",
        description="How many combinations that do not exist may be released: SDS's modes, or for each length from 2 "
        "twice the chance (0 to 1) that such a one is.",
    )
    thresholds: dict[Annotated[int, Field(ge=2, le=8)], Annotated[float, Field(ge=0)]] = Field(
        {}, description="Length → noisy count that a combination must exceed, instead of `fabrication`."
    )

    #: Whether published counts carry noise, and a budget pays for it.
    noisy: ClassVar[bool] = True
    #: Noise, and the ledger, take the place of steps.
    stepwise: ClassVar[bool | None] = False

    @property
    def k(self) -> int:
        """The least count that is special: none is."""
        return 1

    @property
    def parameters(self) -> dict[str, int | float]:
        """The key of a release among its like: ε and δ."""
        return {"epsilon": self.epsilon, "delta": self.delta}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not isinstance(self.fabrication, str) and max(self.fabrication, default=0) > 1:
            raise ValueError("fabrication must be at most 1")
        if isinstance(self.public_domain, dict) and not self.public_domain:
            raise ValueError("public_domain names no column: give columns with their values, or false")
        counts = LARGEST_SHARE if self.domain_share is None else self.domain_share
        if counts + self.selection_share + self.record_count_share + self.share_of_triples >= 1:
            raise ValueError(
                "domain_share (0.7 where it is not given), selection_share, triple_share (0.12 where it is not given "
                "and ε is at least 3) and record_count_share leave nothing of ρ for pairs of columns: lower one of them"
            )
        if self.record_count_share + self.percentile_share >= 1:
            raise ValueError("record_count_share and percentile_share leave nothing of ρ for counts: lower one of them")
        for name in self.never_absent:
            if name not in self.declared:
                raise ValueError(f"never_absent names '{name}', whose values public_domain does not list")
        return self

    @property
    def declared(self) -> Mapping[str, tuple[str, ...]]:
        """Columns whose values are declared → these values; none where all that occur are public, or none are."""
        return self.public_domain if isinstance(self.public_domain, dict) else {}

    @property
    def share_of_triples(self) -> float:
        """Share of ρ for tables of three columns, where there are any (marginal_matching)."""
        usual = _TRIPLES if self.epsilon >= _TRIPLES_FROM else 0.0
        return usual if self.triple_share is None else self.triple_share

    @property
    def conditional(self) -> bool:
        """Whether values are taken from the data as if they were no secret: what is promised is so given these."""
        return self.public_domain is True
