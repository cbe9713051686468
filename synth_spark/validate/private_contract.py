"""The contract of a release under differential privacy, over the tables as written.

Noise cannot be proved by looking at what came out. What can be: that nothing is published that was not released, that
the budget was entered before, and that the tables are what they claim to be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from synth_spark.plan import DifferentialPrivacy, SingleCounts
from synth_spark.plan.counted import GIVEN
from synth_spark.privacy.entries import RELEASE, Entry
from synth_spark.schema.published_columns import aggregate_columns
from synth_spark.schema.verdicts import Result, Rule
from synth_spark.validate.audit import checked, rule
from synth_spark.validate.evidence import Evidence

#: Whether values were taken from the data → what the entry of the ledger is about.
_TERMS = {
    False: "What it holds is of this run and data set, with this ε and this δ.",
    True: f"What it holds is of this run and data set, with this ε and this δ, {GIVEN}.",
}
_DRAWN = "The noise is what the ledger knows to have been drawn, all of it and nothing else."


@dataclass(frozen=True)
class PrivateRelease:
    """What a private release says of itself.

    Attributes:
        run_id: its name.
        terms: of privacy.
        names: column names, in order.
        released: the values that may be published: index of the column, and value.
        records: number of records, as released.
        fabricated: combinations of synthetic records, up to the required length, that were not released.
        debit: what the ledger should hold of it.
        draws: what its run folder holds that was drawn, by name → hash.
        entered: what the ledger knows to have been drawn.
    """

    run_id: str
    terms: DifferentialPrivacy
    names: list[str]
    released: set[tuple[int, str]]
    records: int
    fabricated: float
    debit: Entry
    draws: Mapping[str, str]
    entered: Mapping[str, str]


def private_contract(
    longest: int, constrained: bool, seeded: bool, single_counts: SingleCounts, conditional: bool = False
) -> list[Rule]:
    """The rules of every private release, suite by suite.

    Args:
        longest: longest combination that is released.
        constrained: whether the plan declares structural rules.
        seeded: whether records are put together from released combinations alone.
        single_counts: what the way of synthesis promises of those of the synthetic records.
        conditional: whether values were taken from the data, so that the promise is one given these.
    """
    none, same = {"value_set": [0]}, {"column_A": "declared", "column_B": "written", "ignore_row_if": "neither"}
    between, in_set, present = (
        "ExpectColumnValuesToBeBetween",
        "ExpectColumnValuesToBeInSet",
        "ExpectColumnValuesToNotBeNull",
    )
    query = "UnexpectedRowsExpectation"
    twice = "SELECT selections FROM {batch} GROUP BY selections HAVING count(*) > 1"
    outside = "SELECT length FROM {batch} WHERE protected_count < low OR protected_count > high OR standard_error < 0"
    small = Rule("privacy", "delta", in_set, {"column": "delta_too_large", **none}, "δ < 1 / records.", "warning")
    declared = [rule("constraints.kept", in_set, "Every synthetic record keeps the rules.", column="broken", **none)]
    known = "Every combination of the records, up to required_length, was released."
    rules = [rule("combinations.released", in_set, known, column="fabricated", **none)]
    equal = [rule("single_counts.exact", in_set, "Single counts equal the released ones.", column="difference", **none)]
    return [
        rule("columns.schema", "ExpectColumnPairValuesToBeEqual", "Every table has its declared columns.", **same),
        rule("synthetic_records.not_empty", "ExpectTableRowCountToBeBetween", "There are records.", min_value=1),
        rule("aggregates.selections", present, "Every combination has its text.", column="selections"),
        rule("aggregates.length", between, "No length above R.", column="length", min_value=1, max_value=longest),
        rule("aggregates.positive", between, "No count below 1.", column="protected_count", min_value=1),
        rule("aggregates.interval", query, "Every count lies in its interval.", unexpected_rows_query=outside),
        rule("aggregates.unique", query, "No combination twice.", unexpected_rows_query=twice),
        rule("single_counts.value_domain", present, "Every synthetic value was released.", column="released"),
        *(equal if single_counts == "equal" else []),
        rule("privacy.debited", in_set, "The ledger holds this release, once.", column="debits", value_set=[1]),
        rule("privacy.terms", in_set, _TERMS[conditional], column="other_terms", **none),
        rule("privacy.drawn", in_set, _DRAWN, column="other_draws", **none),
        small,
        *(declared if constrained else []),
        *(rules if seeded else []),
    ]


def audit_private(
    evidence: Evidence, release: PrivateRelease, ledger: Sequence[Entry], rules: list[Rule]
) -> list[Result]:
    """Check every rule of a private contract.

    Args:
        evidence: what was counted of the written tables.
        release: what it says of itself.
        ledger: all entries.
        rules: the contract.

    Returns:
        One result a rule.
    """
    names, terms = release.names, release.terms
    declared = {"synthetic_records": names, "aggregates": aggregate_columns(names, noisy=True)}
    own = [entry for entry in ledger if entry.kind == RELEASE and entry.run_id == release.run_id]
    privacy = {
        "debits": len(own),
        "other_terms": sum(_terms(entry) != _terms(release.debit) for entry in own),
        "other_draws": len({*release.entered.items()} ^ {*release.draws.items()}),
        "delta_too_large": int(terms.delta * release.records >= 1),
    }
    batches: dict[str, tuple[str, Any]] = {
        **evidence.batches(declared),
        "single_counts": ("pandas", _single_figures(evidence.singles, release.released)),
        "privacy": ("pandas", pd.DataFrame([privacy])),
        "combinations": ("pandas", pd.DataFrame({"fabricated": [release.fabricated]})),
    }
    return checked(batches, rules)


def _terms(entry: Entry) -> tuple[object, ...]:
    """What two entries of one release have in common, whatever a later version finds ε to be worth."""
    return entry.data_set, entry.nonce, entry.privacy, entry.mechanism, entry.unit, entry.epsilon, entry.delta


def _single_figures(single_counts: pa.Table, released: set[tuple[int, str]]) -> pd.DataFrame:
    """One row an attribute of either table: ``released`` and ``difference``.

    ``released`` is null where synthetic records hold what may not be published; ``difference`` is between both counts.
    """
    counts = single_counts.to_pandas()
    known = [(column, value) in released for column, value in zip(counts["column"], counts["value"], strict=True)]
    fine = counts["synthetic"].isna() | pd.Series(known, dtype=bool)
    difference = counts["synthetic"].fillna(0) - counts["protected"].fillna(0)
    return pd.DataFrame({"released": np.where(fine, 1.0, np.nan), "difference": difference})
