"""The columns of published tables that synth-spark itself names: their order, their types and what they say.

This is the one source of them: what is audited, loaded into warehouses, packed with a codebook and described
follows from here. All other columns of published tables are columns of the data, or made of their values: texts.
"""

from collections.abc import Sequence
from typing import NamedTuple


class PublishedColumn(NamedTuple):
    """A column: its type, as Spark calls it in short, and what it says."""

    type: str
    meaning: str


#: The column that names the release of a row, where a table holds rows of several releases.
RUN_ID, RUN_ID_MEANING = "run_id", "the release that the row is of"
#: What a count that carries noise has beside itself.
NOISY_COLUMNS = ("standard_error", "low", "high")
#: A count, and how far it may be off.
COUNT_COLUMNS = ("protected_count", *NOISY_COLUMNS)

_COUNT = {
    "protected_count": PublishedColumn("bigint", "protected count of the records that hold the combination"),
    "standard_error": PublishedColumn("double", "standard error of the count's noise"),
    "low": PublishedColumn("bigint", "lower end of the interval that holds the exact count in about 95 of 100 cases"),
    "high": PublishedColumn("bigint", "upper end of that interval"),
}
_LENGTH = {"length": PublishedColumn("int", "number of attributes of the combination")}
_ATTRIBUTE = {
    "column": PublishedColumn("string", "header of a column of the data"),
    "value": PublishedColumn("string", "a value of it"),
}
_FIGURE = {
    "topic": PublishedColumn(
        "string", "what the figure is about: distance, association, subgroup, difference or drift"
    ),
    "comparison": PublishedColumn(
        "string", "what it compares: reportable_to_synthetic is published counts against synthetic records"
    ),
    "measure": PublishedColumn("string", "what was calculated"),
    "about": PublishedColumn("string", "the columns, the attribute or the earlier release that it is about"),
    "length": PublishedColumn("int", "length of the combinations that it is about"),
    "value": PublishedColumn("double", "the figure"),
    "low": PublishedColumn("double", "lower end of its 95 % interval, where it has one"),
    "high": PublishedColumn("double", "upper end of that interval"),
}
_BIN = "of combinations whose synthetic count is at most this and above half of it (10: at most 10)"
_SEVERITY = "critical: a release that breaks it is not published; warning: only if someone accepts that"

#: Table → its own columns, in order.
COLUMNS: dict[str, dict[str, PublishedColumn]] = {
    "synthetic_records": {},
    "synthetic_indicators": {},
    "aggregates": {
        **_LENGTH,
        "selections": PublishedColumn("string", "the combination as one text: column:value, joined by semicolons"),
        **_COUNT,
    },
    "synthetic_attributes": {
        "record_id": PublishedColumn("bigint", "place of the record in synthetic_records, from 0; it tells nothing"),
        **_ATTRIBUTE,
    },
    "aggregate_attributes": {
        "combination_id": PublishedColumn("bigint", "place of the combination in aggregates, from 0"),
        **_LENGTH,
        **_COUNT,
        **_ATTRIBUTE,
    },
    "evaluation": {
        "comparison": _FIGURE["comparison"],
        "measure": _FIGURE["measure"],
        "length": _FIGURE["length"],
        "count_bin": PublishedColumn("bigint", _BIN),
        "value": _FIGURE["value"],
    },
    "fidelity": _FIGURE,
    "differences": _FIGURE,
    "quality_results": {
        "suite": PublishedColumn("string", "what the rule is about"),
        "rule": PublishedColumn("string", "name of the rule"),
        "expectation": PublishedColumn("string", "how it was checked"),
        "severity": PublishedColumn("string", _SEVERITY),
        "success": PublishedColumn("boolean", "whether it held"),
        "meaning": PublishedColumn("string", "what it says, in a sentence"),
        "accepted": PublishedColumn("string", "why it was accepted that it did not hold"),
    },
    "release": {
        "title": PublishedColumn("string", "title of the release"),
        "privacy": PublishedColumn("string", "k_anonymity or differential_privacy"),
        "k": PublishedColumn("bigint", "k, under k-anonymity"),
        "epsilon": PublishedColumn("double", "ε, under differential privacy"),
        "delta": PublishedColumn("double", "δ, under differential privacy"),
        "rho": PublishedColumn("double", "what ρ that was worth to the draws"),
        "spent": PublishedColumn("string", "JSON: what was spent on what"),
        "reporting_length": PublishedColumn("bigint", "length of the longest published combinations"),
        "protected_record_count": PublishedColumn("bigint", "protected number of the sensitive records"),
        "synthetic_record_count": PublishedColumn("bigint", "number of the synthetic records"),
        "combination_count": PublishedColumn("bigint", "number of the published combinations"),
        "guarantee": PublishedColumn("string", "what is guaranteed, and what is counted, in plain words"),
        "plan": PublishedColumn("string", "JSON: the keys of the plan that may be published"),
        "versions": PublishedColumn("string", "JSON: versions of what it was made with"),
        "content_hashes": PublishedColumn("string", "JSON: content hash of each published table"),
        "sentences": PublishedColumn("string", "JSON: the release explained, sentence by sentence"),
        "presentation": PublishedColumn("string", "JSON: titles, order and descriptions of columns in the showcase"),
    },
}


def aggregate_columns(names: Sequence[str], noisy: bool) -> list[str]:
    """The columns of ``aggregates``, in order.

    Args:
        names: headers of the columns of the data.
        noisy: whether its counts carry noise.
    """
    return ["length", *names, "selections", *(COUNT_COLUMNS if noisy else COUNT_COLUMNS[:1])]
