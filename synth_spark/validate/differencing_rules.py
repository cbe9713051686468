"""Whether a release may stand beside earlier ones: rules that hold it until someone accepts that.

They are warnings. An earlier release cannot be taken back, but this one can wait: until more records have come, or
until someone has looked at what both together tell (see `assess.differencing_bounds`).
"""

from collections.abc import Mapping

import pandas as pd

from synth_spark.schema.verdicts import (
    DIFFERENCING_SUITE,
    ENOUGH_ADDED,
    EVERYONE_COMPARED,
    NO_KNOWN_COUNT,
    NO_SMALL_GROUP,
    Result,
    Rule,
)
from synth_spark.validate.audit import checked

_IN_SET = "ExpectColumnValuesToBeInSet"
#: All of them, also those that a release has none of, as there is nothing to compare it with.
DIFFERENCING = (EVERYONE_COMPARED, NO_SMALL_GROUP, NO_KNOWN_COUNT, ENOUGH_ADDED)

_TOLD = (
    "Subtracting the earlier releases that were compared, in the ways that are looked at, tells of no combination that "
    "at least one, but fewer than k (the larger one of two releases) of the records that were added, that went, or "
    "that a release withholds hold it."
)
_KNOWN = (
    "If the same records hold it in an earlier release that was compared and in this one, no combination's exact count "
    "is known to fewer than the smaller k numbers, or known to be at least one and less than the larger k."
)
_COMPARED = (
    "Every k-anonymous release that readers may hold was compared with this one: none is lost, each has columns of "
    "this one, and both report the same lengths."
)
_ENOUGH = "At least k records were added to the release before: else every count that rose tells of fewer than k."


def differencing_rules(k: int, adds: bool, compares: bool = True) -> list[Rule]:
    """The rules of a release that has earlier ones.

    Args:
        k: privacy resolution.
        adds: whether records were added to those of an earlier one, so that their number is known.
        compares: whether any earlier one was compared; else nothing is said of what they tell together.
    """

    def none(name: str, meaning: str, column: str) -> Rule:
        return Rule(DIFFERENCING_SUITE, name, _IN_SET, {"column": column, "value_set": [0]}, meaning, "warning")

    between, least = "ExpectColumnValuesToBeBetween", {"column": "added", "min_value": k}
    enough = [Rule(DIFFERENCING_SUITE, "enough_added", between, least, _ENOUGH, "warning")] if adds else []
    together = [none("no_small_group", _TOLD, "told"), none("no_known_count", _KNOWN, "known")] if compares else []
    return [*enough, none("everyone_compared", _COMPARED, "uncompared"), *together]


def differencing_results(rules: list[Rule], numbers: Mapping[str, int]) -> list[Result]:
    """Check the rules.

    Args:
        rules: see `differencing_rules`.
        numbers: over all earlier releases: ``told``, combinations that two releases together tell someone of;
            ``known``, those whose count two releases with different k tell; ``uncompared``, releases that were not
            compared, or not all of them; ``added``, records that were added to the earlier release. SENSITIVE: no
            more than the verdict is kept of that, and that one is for those who sign alone.
    """
    return checked(
        {DIFFERENCING_SUITE: ("pandas", pd.DataFrame({name: [number] for name, number in numbers.items()}))}, rules
    )
