"""What the columns that synth-spark itself names say, by table."""

_COUNTED = {
    "protected_count": "protected count of the records that hold the combination",
    "standard_error": "standard error of the count's noise",
    "low": "lower end of the interval that holds the exact count in about 95 of 100 cases",
    "high": "upper end of that interval",
}
_LONG = {
    "length": "number of attributes of the combination",
    "column": "header of a column of the data",
    "value": "a value of it",
}
_FINDINGS = {
    "topic": "what the figure is about: distance, association, subgroup, difference or drift",
    "comparison": "what it compares: reportable_to_synthetic is published counts against synthetic records",
    "measure": "what was calculated",
    "about": "the columns or the attribute that it is about",
    "length": "length of the combinations that it is about",
    "value": "the figure",
    "low": "lower end of its 95 % interval, where it has one",
    "high": "upper end of that interval",
}
#: Table → column → what it says. A column that is not here is one of the data, or made of its values.
MEANINGS: dict[str, dict[str, str]] = {
    "aggregates": {
        "length": _LONG["length"],
        "selections": "the combination as one text: column:value, joined by semicolons",
        **_COUNTED,
    },
    "synthetic_attributes": {
        "record_id": "place of the record in synthetic_records, from 0",
        "column": _LONG["column"],
        "value": _LONG["value"],
    },
    "aggregate_attributes": {
        "combination_id": "place of the combination in aggregates, from 0",
        **_LONG,
        **_COUNTED,
    },
    "evaluation": {
        "comparison": _FINDINGS["comparison"],
        "measure": _FINDINGS["measure"],
        "length": _FINDINGS["length"],
        "count_bin": "of combinations whose synthetic count is at most this and above half of it (10: at most 10)",
        "value": _FINDINGS["value"],
    },
    "fidelity": _FINDINGS,
    "differences": _FINDINGS,
    "quality_results": {
        "suite": "what the rule is about",
        "rule": "name of the rule",
        "expectation": "how it was checked",
        "severity": "critical: a release that breaks it is not published; warning: only if someone accepts that",
        "success": "whether it held",
        "meaning": "what it says, in a sentence",
        "accepted": "why it was accepted that it did not hold",
    },
}
