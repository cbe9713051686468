"""The narrative of a release under differential privacy: from noisy counts and the plan alone."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from synth_spark.plan import Plan, what_is_counted
from synth_spark.plan.counted import GIVEN
from synth_spark.plan.planner import ResolvedPlan
from synth_spark.privacy import TRIPLES, Spending
from synth_spark.report.narrative.shared import about_rules, about_singles, by_length, count_by_length, release_row
from synth_spark.schema.metrics import Metric
from synth_spark.schema.tables import SafeTable
from synth_spark.schema.verdicts import Result

_METHODS = {
    "marginal_matching": "from the noisy counts of {measured} alone, with what noise had added to them taken away as "
    "far as it can be told: values were exchanged between records to come near these counts{other} for every "
    "{together} that were counted together, and of more columns they have what follows from those",
    "aggregate_seeded": "from the combinations in `aggregates` alone, {given}",
}
#: Whether records have the single counts that were released → how attributes were given to records.
_GIVEN = {
    True: "each attribute given as often as it is counted there",
    False: "with single counts of their own: more or fewer records were asked for than those have, or structural rules "
    "took values away",
}
#: Whether triples of columns were measured → what records were made of, and which columns were counted together.
_MEASURED = {
    False: {"measured": "pairs", "together": "two columns"},
    True: {"measured": "pairs and triples", "together": "two or three columns"},
}
#: Whether a budget was granted for the data set → what limits its releases.
_BUDGET = {
    True: "It is within the budget that was granted for its data set; a further release that this does not hold is "
    "refused.",
    False: "No budget was granted for its data set: nothing limits what further releases of it may tell.",
}
#: Whether all values that occur were declared public, those that are listed, some, or none → what that means.
_DOMAINS = {
    "all": "Which values exist was declared to be no secret: they were taken from the data, as was whether a column is "
    "ever absent, and what is promised is promised given these.",
    "listed": "Which values exist was declared, value by value, and none was taken from the data: what is promised "
    "depends on no value that occurs.",
    "some": "Of some columns, which values exist was declared to be no secret; of the others, a value is told of only "
    "if its noisy count shows it beyond doubt.",
    "none": "A value is told of only if its noisy count shows it beyond doubt, so that no value of one person alone is "
    "given away; δ = {delta} is spent on that.",
}
_RESCALED = ", all in proportion to the number of records that was asked for,"


@dataclass(frozen=True)
class Facts:
    """What may be said about a private release.

    Attributes:
        title: of the release.
        run_id: its name.
        guarantee: what holds, in plain words.
        unit: what one subject is: record or subject.
        columns: number of columns.
        spending: the budget and its split.
        records: number of records, as noise lets it be known.
        synthetic_records: number of synthetic records.
        combinations: number of released combinations by length, from 1.
        errors: their mean standard error by length.
        method: how records are made, in words.
        public_domain: whether all values that occur were declared public, those that are listed, some, or none.
        granted: whether a budget was granted for the data set, which limits its releases.
        notes: what else is to be said.
    """

    title: str
    run_id: str
    guarantee: str
    unit: str
    columns: int
    spending: Spending
    records: int
    synthetic_records: int
    combinations: tuple[int, ...]
    errors: tuple[float, ...]
    method: str
    public_domain: str
    granted: bool
    notes: tuple[str, ...]

    def row(self, plan: Plan, safe: Sequence[SafeTable], texts: Mapping[str, str]) -> pa.Table:
        """See `Narrative`."""
        spending = self.spending
        numbers: dict[str, str | int | float] = {
            "epsilon": spending.epsilon.value,
            "delta": spending.delta.value,
            "rho": spending.rho.value,
            "spent": json.dumps({share.purpose: [share.rho.value, share.delta.value] for share in spending.shares}),
            "reporting_length": len(self.combinations),
            "protected_record_count": self.records,
            "synthetic_record_count": self.synthetic_records,
            "combination_count": sum(self.combinations),
        }
        return release_row(plan, numbers, self.guarantee, safe, texts)

    def sentences(self, public: Sequence[Metric], results: Sequence[Result]) -> list[str]:
        """See `Narrative`."""
        return sentences_of(self, public, results)


def guarantee(spending: Spending, plan: Plan) -> str:
    """What holds for a private release, and for whom, in plain words."""
    told = f", {GIVEN}, which were declared to be no secret and are not protected"
    given = told if plan.private_terms.conditional else ""
    budget = f"({spending.epsilon.value:g}, {spending.delta.value:.2g})"
    return (
        f"Whatever is published here, all of it together, is nearly as likely with any one {plan.unit} of the data as "
        f"without{given}: {budget}-differential privacy per {plan.unit}. "
        f"{what_is_counted(plan)}"
    )


def facts_of(
    resolved: ResolvedPlan,
    run_id: str,
    spending: Spending,
    released: dict[str, Any],
    aggregates: SafeTable,
    synthetic: SafeTable,
) -> Facts:
    """The facts of a run whose tables are kept.

    Args:
        resolved: its numbers.
        run_id: its name.
        spending: its budget and the split.
        released: ``records`` and ``lengths``, as noise lets them be known; ``granted``: see `Facts`.
        aggregates: the published counts.
        synthetic: the published records.
    """
    plan, terms = resolved.plan, resolved.plan.private_terms
    lengths, counted, errors = range(1, released["lengths"] + 1), count_by_length(aggregates), _errors(aggregates)
    domain = "all" if terms.conditional else "some" if terms.declared else "none"
    domain = "listed" if domain == "some" and terms.declared.keys() >= {*resolved.names} else domain
    notes = list(about_rules(len(plan.input.constraints)))
    if terms.delta * released["records"] >= 0.1:
        notes.append("δ is not far below 1 / the number of records: it should be lower.")
    return Facts(
        title=plan.title,
        run_id=run_id,
        guarantee=guarantee(spending, plan),
        unit=plan.unit,
        columns=len(synthetic.kept.columns),
        spending=spending,
        records=released["records"],
        synthetic_records=synthetic.kept.rows,
        combinations=tuple(counted[length] for length in lengths),
        errors=tuple(errors[length] / max(1, counted[length]) for length in lengths),
        method=_METHODS[plan.synthesis.kind].format(
            other=_RESCALED if plan.synthesis.rescaled else "",
            given=_GIVEN[resolved.single_counts == "equal"],
            **_MEASURED[spending.on(TRIPLES).value > 0],
        ),
        public_domain=domain,
        granted=bool(released.get("granted")),
        notes=tuple(notes),
    )


def _errors(aggregates: SafeTable) -> dict[int, float]:
    """The standard errors of all combinations of each length, added up."""
    sums: dict[int, float] = defaultdict(float)
    for batch in aggregates.kept.batches(["length", "standard_error"]):
        for length, error in enumerate(np.bincount(batch["length"].to_numpy(), batch["standard_error"].to_numpy())):
            sums[length] += float(error)
    return sums


def sentences_of(facts: Facts, public: Sequence[Metric], results: Sequence[Result]) -> list[str]:
    """The release in sentences.

    Args:
        facts: its numbers.
        public: measures of released against synthetic counts.
        results: the audit.
    """
    figures = {(m.measure, m.length): m.value for m in public if m.count_bin is None}
    spending, longest = facts.spending, len(facts.combinations)
    lengths = ", ".join(f"{count:,} of length {length}" for length, count in enumerate(facts.combinations, 1))
    errors = ", ".join(f"{error:,.1f} at length {length}" for length, error in enumerate(facts.errors, 1))
    parts = ", ".join(f"{share.rho.value / spending.rho.value:.1%} on {share.purpose}" for share in spending.shares)
    accountant = (
        "by composing the privacy losses of all its draws" if spending.composed else "by zero-concentrated composition"
    )
    held = sum(result.success for result in results)
    sentences = [
        f"This release, “{facts.title}” ({facts.run_id}), describes about {facts.records:,} {facts.unit}s with "
        f"{facts.columns} columns; that number carries noise, too.",
        f"It was made under differential privacy with ε = {spending.epsilon.value:g} and δ = "
        f"{spending.delta.value:.2g}.",
        facts.guarantee,
        "The whole budget was entered in the privacy ledger before the first draw; it is worth ρ = "
        f"{spending.rho.value:.4g}, "
        f"{accountant}, of which {parts}.",
        _BUDGET[facts.granted],
        _DOMAINS[facts.public_domain].format(delta=f"{spending.domain_delta.value:.2g}"),
        f"The table `aggregates` holds {sum(facts.combinations):,} combinations of up to {longest} attributes "
        f"({lengths}); "
        f"each count carries noise, with a standard error of {errors} on average.",
        "Beside each count stand its own standard error and an interval, `low` to `high`, that holds the exact "
        "count in "
        "about 95 of 100 cases; combinations near the threshold of release are more often too high than too low.",
        "A combination may be in `aggregates` though nobody has it, and be missing though some have it.",
        f"The table `synthetic_records` holds {facts.synthetic_records:,} artificial records. None of them is a "
        "person; they "
        f"were made {facts.method}.",
        about_singles(figures),
        "Of the released counts, the synthetic records reproduce "
        f"{by_length(figures, 'mass_share_of_common', longest)}.",
        f"{len(results)} rules of the audit may be told of; all were checked on what was written, and {held} held.",
        "How near this release is to the exact data was measured for those who sign it, and is not published: "
        "that, too, "
        "would tell of the data.",
        f"What is not promised: that nothing can be learnt about a {facts.unit} from what holds for everyone; and "
        "with every "
        "further release of the same data the ε add up.",
    ]
    return [*sentences, *facts.notes]
