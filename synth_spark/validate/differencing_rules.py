"""Whether a release may stand beside an earlier one: rules that hold it until someone accepts that.

They are warnings. An earlier release cannot be taken back, but this one can wait: until more records have come, or
until someone has looked at what both together tell (see `evaluate.subtraction`).
"""

import pandas as pd

from synth_spark.validate.audit import Result, Rule, checked

_SUITE = "differencing"
#: The two rules; the outcome of the second tells of an exact number, and is not published.
NO_SMALL_GROUP, ENOUGH_ADDED = f"{_SUITE}.no_small_group", f"{_SUITE}.enough_added"


def differencing_rules(k: int, adds: bool) -> list[Rule]:
    """The rules of a release that is compared with an earlier one.

    Args:
        k: privacy resolution.
        adds: whether records were added to those of the earlier one, so that their number is known.
    """
    disclosed = Rule(
        _SUITE,
        "no_small_group",
        "ExpectColumnValuesToBeInSet",
        {"column": "told", "value_set": [0]},
        "Subtracting the earlier release, in the ways that are looked at, tells of no combination that at least one, "
        "but fewer than k records hold. Counts that fell are left out, and records that went are not looked for.",
        "warning",
    )
    enough = Rule(
        _SUITE,
        "enough_added",
        "ExpectColumnValuesToBeBetween",
        {"column": "added", "min_value": k},
        "At least k records were added to the release before: else every count that rose tells of fewer than k.",
        "warning",
    )
    return [enough, disclosed] if adds else [disclosed]


def differencing_results(rules: list[Rule], added: int, released: int) -> list[Result]:
    """Check the rules.

    Args:
        rules: see `differencing_rules`.
        added: records that were added to the earlier release. SENSITIVE: no more than the verdict is kept, and that one
            is for those who sign alone.
        released: combinations that both releases together tell someone of; see `evaluate.subtracted`.
    """
    return checked({_SUITE: ("pandas", pd.DataFrame({"added": [added], "told": [released]}))}, rules)
