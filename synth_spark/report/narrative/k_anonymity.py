"""The narrative of a release under k-anonymity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from synth_spark.plan import Plan, SingleCounts, what_is_counted
from synth_spark.plan.planner import ResolvedPlan
from synth_spark.report.narrative.shared import about_rules, about_singles, by_length, count_by_length, release_row
from synth_spark.schema.metrics import Metric
from synth_spark.schema.tables import SafeTable
from synth_spark.schema.verdicts import EVERYONE_COMPARED, Result

_SINGLES: dict[SingleCounts, str] = {
    "equal": "together they have the same single counts as `aggregates`, exactly.",
    "multiples": "their single counts are multiples of {k}, and not those of `aggregates`: most are lower, as values "
    "that a record could not keep were given to no other.",
    "free": "their single counts are not those of `aggregates`: more or fewer records were asked for than these have, "
    "or structural rules took values away.",
}
_ESTIMATES = {
    True: "Counts of combinations of two or more attributes taken from the synthetic records are estimates",
    False: "Counts taken from the synthetic records, those of single attributes too, are estimates",
}

_ROUNDED = {
    False: "each count was rounded down to a multiple of {k}, so it is up to {most} too low.",
    True: "each count is a multiple of {k}, and not more than the exact one. Counts follow those of the last release: "
    "one rose only if at least {k} more records hold the combination than when it was last changed, so it may lag.",
}
_SEVERAL = {
    False: ", or holds several releases of the same data, may learn more than from this one alone.",
    True: " may learn more. Who holds earlier releases can subtract them: counts were chosen so that what came or went "
    "in between is told of no group smaller than {k}, as far as such proofs are looked for.",
}
_PROVEN = {
    True: "One of them is the proof of sentence 3, for every synthetic record, by code that shares no step of the "
    "synthesis with the code that made them.",
    False: "Among them is sentence 3: every combination of the synthetic records, up to that length, was looked up in "
    "the sensitive ones.",
}

#: What is said of earlier releases: by the rule of the audit about them, if there are any.
_COMPARED = {
    None: "It was compared with no earlier release: none under k-anonymity was known that readers may hold.",
    True: "It was compared with every earlier release under k-anonymity that readers may hold; what each of them and "
    "this one tell together is in the report, as far as it was looked for.",
    False: "There are earlier releases that readers may hold and that it was not compared with, or not in all lengths "
    "of combinations: what they tell together was not looked for there. The report names them.",
}


@dataclass(frozen=True)
class Facts:
    """What may be said about a release.

    Attributes:
        title: of the release.
        run_id: its name.
        columns: number of columns.
        guarantee: what holds, in plain words.
        k: privacy resolution.
        longest: R.
        protected_records: ⌊n⌋k.
        synthetic_records: number of synthetic records.
        combinations: number of published combinations by length, from 1.
        single_counts: what those of the synthetic records are.
        stepped: whether counts follow those of earlier releases in steps.
        proven: whether every synthetic record is, as a whole, contained in ≥ k sensitive ones.
        notes: what was changed of the plan.
    """

    title: str
    run_id: str
    columns: int
    guarantee: str
    k: int
    longest: int
    protected_records: int
    synthetic_records: int
    combinations: tuple[int, ...]
    single_counts: SingleCounts
    stepped: bool
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
        return release_row(plan, numbers, self.guarantee, safe, texts)

    def sentences(self, public: Sequence[Metric], results: Sequence[Result]) -> list[str]:
        """See `Narrative`."""
        return sentences_of(self, public, results)


def guarantee(resolved: ResolvedPlan) -> str:
    """What holds for a k-anonymous release, and what k counts, in plain words.

    Args:
        resolved: the numbers of the run.
    """
    k, counted = resolved.k, what_is_counted(resolved.plan)
    if resolved.proves_records:
        held = (
            f"Every synthetic record, as a whole, is contained in at least {k} sensitive records, so every combination "
            f"of attributes in it, of any length, is shared by at least {k} of them"
        )
    else:
        held = (
            f"Every combination of up to {resolved.length} attributes of a synthetic record is shared by at least {k} "
            "sensitive records; longer ones need not exist, nor be shared"
        )
    return f"{held}; every count in `aggregates` is at least {k} and a multiple of {k}. {counted}"


def facts_of(resolved: ResolvedPlan, run_id: str, aggregates: SafeTable, synthetic: SafeTable) -> Facts:
    """The facts of a run whose tables are kept."""
    counted = count_by_length(aggregates)
    return Facts(
        title=resolved.plan.title,
        run_id=run_id,
        columns=len(resolved.names),
        guarantee=guarantee(resolved),
        k=resolved.k,
        longest=resolved.length,
        protected_records=resolved.protected_records,
        synthetic_records=synthetic.kept.rows,
        single_counts=resolved.single_counts,
        stepped=resolved.stepped,
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
    compared = next((result.success for result in results if result.name == EVERYONE_COMPARED), None)
    sentences = [
        f"This release, “{facts.title}” ({facts.run_id}), describes about {facts.protected_records:,} records with "
        f"{facts.columns} columns; the exact number is not published.",
        f"It was made under k-anonymity with k = {facts.k}.",
        facts.guarantee,
        f"The table `aggregates` holds {sum(facts.combinations):,} combinations of up to {facts.longest} attributes "
        f"({lengths}); {_ROUNDED[facts.stepped].format(k=facts.k, most=facts.k - 1)} Where counts together would have "
        "proved something of fewer, some are lower still, or left out, and which is not told.",
        f"A combination that is not in `aggregates` is held by nobody, or by fewer than {facts.k} records, or was left "
        "out for that reason; that somebody holds it cannot be proved from the counts, as far as such proofs are "
        "looked for.",
        f"The table `synthetic_records` holds {facts.synthetic_records:,} artificial records. None of them is a "
        f"person; {_SINGLES[facts.single_counts].format(k=facts.k)}",
        about_singles(figures),
        f"Of the published combinations, the synthetic records hold {kept}.",
        f"Of the published counts, the synthetic records reproduce {mass}.",
        f"{_ESTIMATES[facts.single_counts == 'equal']}: where a combination is in `aggregates`, prefer its count "
        "there.",
        f"{len(results)} rules of the audit may be told of; all were checked on what was written, and {held} held. "
        + _PROVEN[facts.proven],
        _COMPARED[compared],
        "What is not promised: a group of k people who all share a value is still described by it; someone who knows "
        f"all but one of a group's members{_SEVERAL[facts.stepped].format(k=facts.k)}",
    ]
    return [*sentences, *facts.notes]
