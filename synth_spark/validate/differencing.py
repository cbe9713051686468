"""Whether a release may be compared with the one that it adds to: rules that hold it until someone accepts that.

They are warnings. A release that only adds to an earlier one cannot be taken back, but it can wait: until more records
have come, or until someone has looked at what both together tell (see `evaluate.subtraction`).
"""

import pandas as pd

from synth_spark.validate.audit import Result, Rule, checked

_SUITE = "differencing"


def differencing_rules(k: int) -> list[Rule]:
    """The rules of a release that adds records to a published one.

    Args:
        k: privacy resolution.
    """
    between, in_set = "ExpectColumnValuesToBeBetween", "ExpectColumnValuesToBeInSet"
    return [
        Rule(
            _SUITE,
            "enough_added",
            between,
            {"column": "added", "min_value": k},
            "At least k records were added to the release before: else every count that rose tells of fewer than k.",
            "warning",
        ),
        Rule(
            _SUITE,
            "no_small_group",
            in_set,
            {"column": "told", "value_set": [0]},
            "Subtracting the release before tells of no combination that at least one, but fewer than k records hold.",
            "warning",
        ),
    ]


def differencing_results(rules: list[Rule], added: int, told: int) -> list[Result]:
    """Check the rules.

    Args:
        rules: see `differencing_rules`.
        added: records that were added since the last published release. SENSITIVE: no more than the verdict is kept.
        told: combinations that both releases together tell someone of; see `evaluate.subtracted`.
    """
    return checked({_SUITE: ("pandas", pd.DataFrame({"added": [added], "told": [told]}))}, rules)
