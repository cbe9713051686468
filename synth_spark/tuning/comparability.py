"""What the figures of several runs are over, and so which of them may be ranked. No Spark. INTERNAL.

A share of the pairs that at least k records hold says nothing beside one of another k: 189 pairs are easier to keep
than 3,515. So figures are ranked only where they are over the same combinations of the same records, and only among
runs that promise the same of their synthetic records.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from synth_spark.errors import PlanError
from synth_spark.plan import FROM_RECORDS

#: Measures that say over how many combinations the distance of marginals is.
COUNTED = ("tuples", "source_combinations", "source_count")
SYNTHETIC, REPORTABLE = "sensitive_to_synthetic", "sensitive_to_reportable"


@dataclass(frozen=True)
class Outcome:
    """One run under k-anonymity.

    Attributes:
        run_id: its name.
        data_set: what it was made of, as its ledger calls it.
        records: content hash of its records, and names of their columns; None where the run folder does not say.
        plan: its settings, by dotted key.
        seconds: of all its stages together.
        longest: R.
        measures: (comparison, measure, length) → value, over all bins.
    """

    run_id: str
    data_set: str
    records: str | None
    plan: Mapping[str, Any]
    seconds: float
    longest: int
    measures: Mapping[tuple[str, str, int | None], float]

    def figure(self, measure: str, length: int | None = None, comparison: str = SYNTHETIC) -> float | None:
        """A measure; None if it was not taken."""
        return self.measures.get((comparison, measure, length))

    @property
    def k(self) -> int:
        """Privacy resolution."""
        return int(self.plan["privacy.k"])

    @property
    def whole_records(self) -> bool:
        """Whether every synthetic record, as a whole, is contained in at least k sensitive records."""
        return self.plan["synthesis.kind"] in FROM_RECORDS

    @property
    def guarantee(self) -> str:
        """What at least k sensitive records hold of a synthetic record, in a few words."""
        return f"k {self.k}, " + ("whole records" if self.whole_records else f"up to {self.longest} attributes")


class Figure(NamedTuple):
    """A figure of the comparison.

    Attributes:
        title: its name in the table.
        measure: the measure that it is.
        over: what it is over.
        each: whether there is one for each length from 2.
        percent: whether it is a share.
        comparison: what is compared with what.
    """

    title: str
    measure: str
    over: str
    each: bool = False
    percent: bool = False
    comparison: str = SYNTHETIC


_OWN = "the combinations that at least the run's own k records hold; how many that are is in the rows «common»"
#: The figures that are compared, in their order.
FIGURES = (
    Figure("common", "common", "all combinations of the records", each=True),
    Figure("kept", "kept_share_of_common", _OWN, True, True),
    Figure("mass", "mass_share_of_common", _OWN, True, True),
    Figure("TVD", "mean_tvd", "all combinations of the records that were counted", each=True),
    Figure("suppressed %", "suppressed_percent_of_source", "all combinations of the records", comparison=REPORTABLE),
    Figure("mean error", "mean_absolute_error", "the combinations that the run's synthetic records hold"),
    Figure("expansion", "record_expansion", "all records"),
    Figure("leaked", "leaked", "the combinations that fewer than the run's own k records hold"),
    Figure("fabricated", "fabricated", "the combinations that the run's synthetic records hold"),
)


def check(names: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse to compare runs by exact figures where that is not paid for.

    Args:
        names: name of each run → its plan.

    Raises:
        PlanError: a run is under differential privacy.
    """
    for name, plan in names.items():
        if plan.get("privacy", {}).get("kind") == "differential_privacy":
            problem = (
                "is under differential privacy: whoever chooses by exact figures uses what the budget does not pay for"
            )
            remedy = "compare runs under k-anonymity; what ε buys is told beforehand: synth-spark plan PLAN --epsilon …"
            raise PlanError(f"run {name}", problem, remedy)


def same_records(outcomes: Sequence[Outcome]) -> bool:
    """Whether runs are known to be made of the same records."""
    return None not in {one.records for one in outcomes} and len({one.records for one in outcomes}) == 1


def reference(outcomes: Sequence[Outcome], length: int = 2) -> Outcome | None:
    """The run of the least k, whose common combinations hold those of all others.

    Args:
        outcomes: the runs.
        length: of the combinations.

    Returns:
        That run, of those that counted this length; None where none did, or where records differ.
    """
    counted = [one for one in outcomes if one.figure("common", length) is not None]
    return min(counted, key=lambda one: one.k) if counted and same_records(outcomes) else None


def kept_of(one: Outcome, reference: Outcome, length: int) -> float | None:
    """Share of the common combinations of another run, whose k is no larger, that a run's synthetic records hold.

    What synthetic records hold is common under their own k, so it is among these.
    """
    kept, common = one.figure("kept", length), reference.figure("common", length)
    return None if kept is None or not common else kept / common


def over_the_same(outcomes: Sequence[Outcome], counts: Sequence[str], length: int) -> bool:
    """Whether a figure is over the same combinations in all runs.

    Args:
        outcomes: the runs.
        counts: measures that say over how many combinations the figure is; of the same records, and under a larger k
            only fewer of them, equal numbers are equal combinations.
        length: of the combinations.
    """
    return same_records(outcomes) and all(
        None not in values and len(values) == 1
        for values in ({one.figure(count, length) for one in outcomes} for count in counts)
    )


def by_guarantee(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Runs by what they promise of a synthetic record, whatever k is."""
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        what = "whole records" if one.whole_records else f"up to {one.longest} attributes"
        groups.setdefault(what, []).append(one)
    return groups


def over_lines(outcomes: Sequence[Outcome]) -> list[str]:
    """What each figure of the comparison is over, in a line for each base."""
    over: dict[str, list[str]] = {}
    for figure in FIGURES:
        over.setdefault(figure.over, []).append(figure.title)
    base = reference(outcomes)
    if base is not None:
        held = f"the combinations that at least {base.k} records hold, the same ones in every run"
        over[held] = [same_base_title(base)]
    return [f"{', '.join(titles)}: over {what}" for what, titles in over.items()]


def same_base_title(base: Outcome) -> str:
    """What the share is called that is over the same combinations in all runs."""
    return f"kept of k {base.k}"


def comparability_sentences(outcomes: Sequence[Outcome], called: Callable[[Outcome], str]) -> list[str]:
    """What may be ranked and what may not, and the ranks.

    Args:
        outcomes: the runs.
        called: what a run is called.
    """
    groups, base, texts = by_guarantee(outcomes), reference(outcomes), []
    if len(groups) > 1:
        weaker = ", ".join(called(one) for one in outcomes if not one.whole_records)
        texts.append(
            f"They do not promise the same: {weaker} promise less, that at least k records hold the combinations of a "
            "synthetic record up to a length, and nothing of the record as a whole."
        )
    if not same_records(outcomes):
        apart = "They were not made of the same records: their figures are over other combinations, and are not ranked."
        return [*texts, apart]
    if base is None:
        return texts
    if not over_the_same(outcomes, ["common"], 2):
        pairs = ", ".join(f"{one.figure('common', 2) or 0:,.0f} of {called(one)}" for one in outcomes)
        texts.append(f"«kept» and «mass» are over other pairs in each run, and are not ranked (common pairs: {pairs}).")
    near = over_the_same(outcomes, COUNTED, 2)
    if not near:
        texts.append("«TVD» is over other combinations in each run, and is not ranked.")
    for what, ones in groups.items():
        among = f"Of runs that promise {what}, " if len(groups) > 1 else ""
        shares = {one.run_id: share for one in ones if (share := kept_of(one, base, 2)) is not None}
        if shares:
            best = max(ones, key=lambda one: shares.get(one.run_id, -1.0))
            pairs = f"{base.figure('common', 2):,.0f} pairs that at least {base.k} records hold"
            texts.append(f"{among}{called(best)} keeps most of the {pairs}: {shares[best.run_id]:.1%} ({best.run_id}).")
        distances = {one.run_id: value for one in ones if (value := one.figure("mean_tvd", 2)) is not None}
        if near and distances:
            best = min(ones, key=lambda one: distances.get(one.run_id, float("inf")))
            texts.append(f"{among}{called(best)} is nearest in pairs: {distances[best.run_id]:,.3f} ({best.run_id}).")
    return texts
