"""The two kinds of privacy, one object each: what tells them apart outside the work of their stages.

`Run.policy` is that of the plan; nothing else in the line asks which kind it is.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from synth_spark import validate
from synth_spark.pipeline import accounts
from synth_spark.pipeline.accounts import ledger_of
from synth_spark.plan import Plan
from synth_spark.privacy import spend
from synth_spark.privacy.entries import Entry, private_entry, release_entry
from synth_spark.report import narrative
from synth_spark.report.narrative import Narrative, differential_privacy
from synth_spark.schema import tables
from synth_spark.schema.domain import Domain, build
from synth_spark.schema.tables import SafeTable, Table
from synth_spark.storage.inventory import Inventory

if TYPE_CHECKING:
    from synth_spark.pipeline.run import Run

__all__ = ["POLICIES", "DifferentialPrivacyPolicy", "KAnonymityPolicy", "Policy", "Promise", "enter", "ledger_of"]

_DEBITED = "Its cost was entered in the privacy ledger before the first draw."
_PROVED = (
    "That was proved for every synthetic record, on what was written, by code that shares no step with what made it."
)
_LOOKED_UP = "Every combination of the synthetic records, up to that length, was looked up in the sensitive ones."


class Promise(NamedTuple):
    """What a release promises.

    Attributes:
        guarantee: what holds, in plain words.
        shown: how that is known, in a sentence.
        records: number of records, as it may be published.
        longest: longest combination that is published.
        private: whether that is differential privacy.
        k: below how many records a combination is called rare.
    """

    guarantee: str
    shown: str
    records: int
    longest: int
    private: bool
    k: int


def enter(run: "Run", entry: Entry) -> None:
    """Enter a release in the ledger, unless that was done, and say what is to be known of it."""
    for remark in _debited(run, entry):
        run.progress.say(remark)
    run.store.facts["granted"] = ledger_of(run.plan).account(entry.data_set).granted is not None


def _debited(run: "Run", entry: Entry) -> list[str]:
    """Enter a release as that of this very run, with what it was made of; returns remarks for those who make it."""
    ledger, facts = ledger_of(run.plan), run.store.facts.get("inventory")
    entry = replace(entry, nonce=run.store.manifest.get("nonce"))
    if facts is None:
        return ledger.debit(entry, required=run.plan.ledger.required)
    seen = Inventory.of_facts(facts)
    begun = accounts.beginnings(seen, ledger.entries()) if run.plan.privacy.noisy else ()
    return ledger.debit(replace(entry, content=accounts.tokens(seen)), begun, run.plan.ledger.required)


class Policy(Protocol):
    """A kind of privacy."""

    @property
    def aggregates(self) -> Table:
        """The table of published counts."""
        ...

    @property
    def exact_domain(self) -> bool:
        """Whether the domain says how often each value occurs in the input."""
        ...

    @property
    def compared(self) -> bool:
        """Whether a release is compared with the release that readers have."""
        ...

    def cost(self, plan: Plan, run_id: str) -> Entry:
        """What a release of a plan costs, as far as that is known before the input is read: at least that much."""
        ...

    def published(self, run: "Run") -> None:
        """Enter a release that was published in the ledger, unless it was entered before its first draw."""
        ...

    def domain(self, run: "Run") -> Domain:
        """The fields and values of a run that may be published, or be too rare for that."""
        ...

    def never_null(self, run: "Run") -> list[bool]:
        """For every column of a run, whether it is known to be never absent."""
        ...

    def rare_below(self, plan: Plan) -> int:
        """Below how many records a combination is called rare."""
        ...

    def contract(self, run: "Run") -> list[validate.Rule]:
        """What the written tables are audited against."""
        ...

    def promise(self, run: "Run") -> Promise:
        """What the release promises."""
        ...

    def narrative(self, run: "Run", aggregates: SafeTable, synthetic: SafeTable) -> Narrative:
        """The narrative of the release: sentences, and one row."""
        ...


class KAnonymityPolicy:
    """Rare combinations are suppressed, counts rounded down to multiples of k."""

    aggregates, exact_domain, compared = tables.AGGREGATES, True, True

    def cost(self, plan: Plan, run_id: str) -> Entry:
        """A release costs nothing, and is recorded: several of the same data can be compared."""
        return release_entry(plan.data_set_name, run_id, plan.synthesis.kind, plan.unit, plan.privacy.k)

    def published(self, run: "Run") -> None:
        """Once it is in place: a run that was held, or failed, has released nothing."""
        _debited(run, self.cost(run.plan, run.store.run_id))

    def domain(self, run: "Run") -> Domain:
        """All values; those that are rarer than k are known to be."""
        return build(run.fields, run.marginals, run.records, run.plan.privacy.k)

    def never_null(self, run: "Run") -> list[bool]:
        """Of no column is that known to everyone."""
        return [False] * len(run.domain.columns)

    def rare_below(self, plan: Plan) -> int:
        """That is k."""
        return plan.privacy.k

    def contract(self, run: "Run") -> list[validate.Rule]:
        """See `validate.contract`."""
        resolved, constrained = run.resolved, bool(run.plan.input.constraints)
        return validate.contract(
            resolved.k, resolved.length, resolved.single_counts, constrained, resolved.proves_records
        )

    def promise(self, run: "Run") -> Promise:
        """Each record is contained in k sensitive ones, or each of its combinations is."""
        resolved = run.resolved
        guarantee = narrative.guarantee(resolved)
        shown = _PROVED if resolved.proves_records else _LOOKED_UP
        return Promise(guarantee, shown, resolved.protected_records, resolved.length, False, resolved.k)

    def narrative(self, run: "Run", aggregates: SafeTable, synthetic: SafeTable) -> Narrative:
        """See `narrative.facts_of`."""
        return narrative.facts_of(run.resolved, run.store.run_id, aggregates, synthetic)


class DifferentialPrivacyPolicy:
    """Counts carry noise, and what follows is made of them alone."""

    aggregates, exact_domain, compared = tables.NOISY_AGGREGATES, False, False

    def cost(self, plan: Plan, run_id: str) -> Entry:
        """ε and δ are those of the plan; ρ is what they are worth at least, whatever the columns are."""
        spending = spend(plan, plan.reporting_length, 1)
        return private_entry(plan.data_set_name, run_id, plan.synthesis.kind, plan.unit, spending)

    def published(self, run: "Run") -> None:
        """Nothing: the cost was entered before the first draw."""

    def domain(self, run: "Run") -> Domain:
        """The values that noise lets exist."""
        released = run.values.filter(pc.is_valid(run.values["value"]))
        counts = pc.max_element_wise(released["count"], 1)
        marginals = pa.table({"column": released["column"], "value": released["value"], "count": counts})
        return build(run.fields, marginals, 0, run.plan.privacy.k)

    def never_null(self, run: "Run") -> list[bool]:
        """As it is declared; where values that occur are public, columns in which absent is none of them."""
        terms = run.plan.private_terms
        absent = set(run.values.filter(pc.is_null(run.values["value"]))["column"].to_pylist())
        bounds = run.domain.bounds
        return [
            not one.many and (index not in absent if terms.conditional else one.name in terms.never_absent)
            for index, one in enumerate(run.fields)
            for _ in range(bounds[index], bounds[index + 1])
        ]

    def rare_below(self, plan: Plan) -> int:
        """As the plan says: privacy has no such number."""
        return plan.assessment.rare_below

    def contract(self, run: "Run") -> list[validate.Rule]:
        """See `validate.private_contract`."""
        seeded, released = run.plan.synthesis.kind == "aggregate_seeded", run.store.facts["released"]
        constrained, conditional = bool(run.plan.input.constraints), run.plan.private_terms.conditional
        return validate.private_contract(
            released["lengths"], constrained, seeded, run.resolved.single_counts, conditional
        )

    def promise(self, run: "Run") -> Promise:
        """(ε, δ)-differential privacy of whatever is published."""
        released = run.store.facts["released"]
        guarantee = differential_privacy.guarantee(run.spending, run.plan)
        return Promise(guarantee, _DEBITED, released["records"], released["lengths"], True, run.rare_below)

    def narrative(self, run: "Run", aggregates: SafeTable, synthetic: SafeTable) -> Narrative:
        """See `differential_privacy.facts_of`."""
        released = {**run.store.facts["released"], "granted": run.store.facts.get("granted", False)}
        return differential_privacy.facts_of(
            run.resolved, run.store.run_id, run.spending, released, aggregates, synthetic
        )


#: Key ``privacy.kind`` of the plan → its policy.
POLICIES: Mapping[str, Policy] = {
    "k_anonymity": KAnonymityPolicy(),
    "differential_privacy": DifferentialPrivacyPolicy(),
}
