"""The narrative of a release under k-anonymity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from synth_spark.plan import Plan
from synth_spark.plan.planner import ResolvedPlan
from synth_spark.report.narrative.shared import about_rules, by_length, count_by_length, release_row
from synth_spark.schema.metrics import Metric
from synth_spark.schema.tables import SafeTable
from synth_spark.validate.audit import Result

_SINGLES = {
    True: "together they have the same single counts as `aggregates`, exactly.",
    False: "their single counts were rounded down to multiples of {k} and are near those of `aggregates`.",
}


_PROVEN = {
    True: "One of them is the proof of sentence 3, for every synthetic record, by code that shares nothing with "
    "the code "
    "that made them.",
    False: "Among them is sentence 3: every combination of the synthetic records was looked up in the sensitive ones.",
}


@dataclass(frozen=True)
class Facts:
    """What may be said about a release.

    Attributes:
        title: of the release.
        run_id: its name.
        columns: number of columns.
        k: privacy resolution.
        longest: R.
        protected_records: ⌊n⌋k.
        synthetic_records: number of synthetic records.
        combinations: number of published combinations by length, from 1.
        exact_singles: whether synthetic single counts are the protected ones.
        proven: whether every synthetic record is, as a whole, contained in ≥ k sensitive ones.
        notes: what was changed of the plan.
    """

    title: str
    run_id: str
    columns: int
    k: int
    longest: int
    protected_records: int
    synthetic_records: int
    combinations: tuple[int, ...]
    exact_singles: bool
    proven: bool
    notes: tuple[str, ...]

    def row(self, plan: Plan, safe: Sequence[SafeTable], texts: Mapping[str, str]) -> pa.Table:
        """See `Narrative`."""
        numbers: dict[str, str | int | float] = {
            "k": self.k,
            "reporting_length": self.longest,
            "protected_record_count": self.protected_records,
            "synthetic_record_count": self.synthetic_records,
            "combination_count": sum(self.combinations),
        }
        return release_row(plan, numbers, guarantee(self.k, None if self.proven else self.longest), safe, texts)

    def sentences(self, public: Sequence[Metric], results: Sequence[Result]) -> list[str]:
        """See `Narrative`."""
        return sentences_of(self, public, results)


def guarantee(k: int, longest: int | None = None) -> str:
    """What holds for every k-anonymous release, in one sentence.

    Args:
        k: privacy resolution.
        longest: R, where records are made from released combinations alone; None where each is proved as a whole.
    """
    if longest is not None:
        return (
            f"Every combination of up to {longest} attributes of a synthetic record is shared by at least {k} "
            "sensitive "
            f"records; longer ones need not exist, nor be shared; every published count is at least {k} and a multiple "
            f"of {k}."
        )
    return (
        f"Every synthetic record, as a whole, is contained in at least {k} sensitive records, so every combination of "
        f"attributes in it, of any length, is shared by at least {k} of them; every published count is at least {k} "
        f"and a multiple of {k}."
    )


def facts_of(resolved: ResolvedPlan, run_id: str, aggregates: SafeTable, synthetic: SafeTable) -> Facts:
    """The facts of a run whose tables are kept."""
    counted = count_by_length(aggregates)
    return Facts(
        title=resolved.plan.title,
        run_id=run_id,
        columns=len(resolved.names),
        k=resolved.k,
        longest=resolved.length,
        protected_records=resolved.protected_records,
        synthetic_records=synthetic.kept.rows,
        exact_singles=resolved.exact_singles,
        proven=resolved.proves_records,
        combinations=tuple(counted[length] for length in range(1, resolved.length + 1)),
        notes=(*resolved.notes, *about_rules(len(resolved.plan.input.constraints))),
    )


def sentences_of(facts: Facts, public: Sequence[Metric], results: Sequence[Result]) -> list[str]:
    """The release in sentences.

    Args:
        facts: its numbers.
        public: measures of reportable against synthetic counts.
        results: the audit.
    """
    figures = {(m.measure, m.length): m.value for m in public if m.count_bin is None}
    lengths = ", ".join(f"{count:,} of length {length}" for length, count in enumerate(facts.combinations, 1))
    kept = by_length(figures, "kept_share_of_common", facts.longest)
    mass = by_length(figures, "mass_share_of_common", facts.longest)
    held = sum(result.success for result in results)
    sentences = [
        f"This release, “{facts.title}” ({facts.run_id}), describes about {facts.protected_records:,} records with "
        f"{facts.columns} columns; the exact number is not published.",
        f"It was made under k-anonymity with k = {facts.k}.",
        guarantee(facts.k, None if facts.proven else facts.longest),
        f"The table `aggregates` holds {sum(facts.combinations):,} combinations of up to {facts.longest} attributes "
        f"({lengths}); each count was rounded down to a multiple of {facts.k}, so it is up to {facts.k - 1} too low.",
        "A combination that is not in `aggregates` was either too rare to publish or does not exist; which of the two "
        "is not told.",
        f"The table `synthetic_records` holds {facts.synthetic_records:,} artificial records. None of them is a "
        f"person; {_SINGLES[facts.exact_singles].format(k=facts.k)}",
        f"Of the published combinations, the synthetic records hold {kept}.",
        f"Of the published counts, the synthetic records reproduce {mass}.",
        "Counts of combinations of two or more attributes taken from the synthetic records are estimates: where a "
        "combination is in `aggregates`, prefer its count there.",
        f"All {len(results)} rules of the audit were checked on the tables as written; {held} held. "
        + _PROVEN[facts.proven],
        "What is not promised: a group of k people who all share a value is still described by it; someone who knows "
        "all but one of a group's members, or holds several releases of the same data, may learn more than from this "
        "one alone.",
    ]
    return [*sentences, *facts.notes]
