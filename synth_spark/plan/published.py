"""What of a plan may be published: an allow-list of keys, each with the reason. No Spark here.

A key that is not listed is not published, so a new key of the plan stays in the run folder until someone lists it. A
test walks the plan's model and asks that every key is in `PUBLISHED` or in `PRIVATE`.
"""

from typing import Any

from synth_spark.plan.model import Plan

_METHOD = "says how the records were made, which a reader needs to judge them"
_PRIVACY = "is part of what is promised, and can be checked by it"
_TERMS = "is written to be published"
_READING = "says what a published value means"

#: Key → why it may be published. ``*`` stands for a name that the plan gives, or for the place in a list.
PUBLISHED: dict[str, str] = {
    "title": "is written to be published",
    "reporting_length": "is seen in the table aggregates",
    "privacy.kind": _PRIVACY,
    "privacy.k": _PRIVACY,
    "privacy.stepwise": _PRIVACY,
    "privacy.epsilon": _PRIVACY,
    "privacy.delta": _PRIVACY,
    "privacy.public_domain": "names values that the plan declares to be no secret",
    "privacy.never_absent": "names columns that the plan declares to be never absent",
    "privacy.values_a_record": _PRIVACY,
    "privacy.domain_share": _PRIVACY,
    "privacy.domain_delta_share": _PRIVACY,
    "privacy.most_pairs": _PRIVACY,
    "privacy.selection_share": _PRIVACY,
    "privacy.triple_share": _PRIVACY,
    "privacy.record_count_share": _PRIVACY,
    "privacy.percentile": _PRIVACY,
    "privacy.percentile_share": _PRIVACY,
    "privacy.accuracy": _PRIVACY,
    "privacy.fabrication": _PRIVACY,
    "privacy.thresholds": _PRIVACY,
    "synthesis.kind": _METHOD,
    "synthesis.groups": _METHOD,
    "synthesis.power": _METHOD,
    "synthesis.packing": _METHOD,
    "synthesis.oversampling": _METHOD,
    "synthesis.weight_percentile": _METHOD,
    "synthesis.synthetic_counts": _METHOD,
    "synthesis.required_length": _METHOD,
    "synthesis.scale": _METHOD,
    "synthesis.records": "is about the number of rows of a published table",
    "synthesis.passes": _METHOD,
    "input.columns": "names the columns of the published tables",
    "input.source_column": "names a column of the published tables",
    "input.trim": _READING,
    "input.sensitive_zeros": _READING,
    "input.multi_values.*": "is seen in the values; tools split them by it",
    "input.numbers.*.width": _READING,
    "input.numbers.*.quantiles": _READING,
    "input.dates.*.to": _READING,
    "input.subject.across_sources": "says who counts as one person",
    "input.subject.take.*": _READING,
    "assessment.rare_below": "is what the showcase calls few, beside published counts",
    "output.format": "is seen in the published files",
    "output.indicators": "is seen in the published tables",
    "output.long_form": "is seen in the published tables",
    "publication.name": _TERMS,
    "publication.version": _TERMS,
    "publication.licence": _TERMS,
    "publication.licence_url": _TERMS,
    "publication.licence_text": _TERMS,
    "publication.authors.*.name": _TERMS,
    "publication.authors.*.family": _TERMS,
    "publication.authors.*.given": _TERMS,
    "publication.authors.*.affiliation": _TERMS,
    "publication.authors.*.orcid": _TERMS,
    "publication.publisher": _TERMS,
    "publication.publisher_url": _TERMS,
    "publication.contact": _TERMS,
    "publication.citation": _TERMS,
    "publication.doi": _TERMS,
    "publication.url": _TERMS,
    "publication.keywords": _TERMS,
    "publication.temporal": _TERMS,
    "publication.spatial": _TERMS,
}

_WHERE = "says where sensitive records are, or how their files are laid out"
_ENDS = "may be chosen by looking at the records; published values name the ends that matter"
_INSIDE = "is about work inside"

#: Key → why it is not published; a key stands for all keys below it.
PRIVATE: dict[str, str] = {
    "run_id": "the release has its name elsewhere",
    "seed": "tells how chance fell",
    "work": _WHERE,
    "ledger": _WHERE,
    "data_set": _WHERE,
    "operations": _INSIDE,
    "task_memory": _INSIDE,
    "rules": "tells bounds of figures that are compared with exact counts",
    "accepted": "tells of figures that are compared with exact counts",
    "showcase": "may name values that are not published; the presentation tells what is about published ones",
    "output.catalog": "is a place on a platform",
    "output.catalog_tags": _INSIDE,
    "output.catalog_readers": "names people",
    "output.path": "is a place on a machine, and the default of where run folders are",
    "assessment.secrets": _INSIDE,
    "assessment.rehearsal": _INSIDE,
    "assessment.control": _INSIDE,
    "assessment.rehearsed_records": _INSIDE,
    "assessment.attacks": _INSIDE,
    "assessment.redaction": _INSIDE,
    "assessment.rare": _INSIDE,
    "assessment.earlier": _WHERE,
    "input.path": _WHERE,
    "input.paths": _WHERE,
    "input.table": _WHERE,
    "input.sql": _WHERE,
    "input.format": _WHERE,
    "input.delimiter": _WHERE,
    "input.quote": _WHERE,
    "input.escape": _WHERE,
    "input.encoding": _WHERE,
    "input.header": _WHERE,
    "input.names": "names columns of the source",
    "input.sheet": _WHERE,
    "input.multiline": _WHERE,
    "input.version": _WHERE,
    "input.timestamp": _WHERE,
    "input.sources": _WHERE,
    "input.since": _WHERE,
    "input.rename": "names columns of the source",
    "input.null_markers": "may be values of records",
    "input.groups": "names values of records",
    "input.constraints": "names values of records",
    "input.on_violation": "is about rules that are not published",
    "input.numbers.*.edges": _ENDS,
    "input.numbers.*.origin": _ENDS,
    "input.numbers.*.bottom": _ENDS,
    "input.numbers.*.top": _ENDS,
    "input.dates.*.format": _WHERE,
    "input.subject.id": "names a column of the source that is never released",
    "input.subject.order": "names a column of the source",
    "input.subject.ignore_case": "is about ids, which are never released",
    "input.identifiers": "tells that nearly every record has a value of its own",
    "input.record_limit": "tells, or bounds, an exact number of records",
    "input.max_value_length": "may be chosen by the longest value of a record",
}


def published(plan: Plan, defaults: bool = True) -> dict[str, Any]:
    """The keys of a plan that may be published, with their values; JSON-ready.

    Args:
        plan: what was asked for.
        defaults: whether keys that were left at their default are in it.
    """
    kept: dict[str, Any] = _allowed(plan.model_dump(mode="json", exclude_defaults=not defaults), ())
    return kept


_LISTED = {tuple(key.split(".")) for key in PUBLISHED}
_ABOVE = {key[:length] for key in _LISTED for length in range(1, len(key))}


def _allowed(content: dict[str, Any] | list[Any], place: tuple[str, ...]) -> Any:
    """What is listed of a part of a plan, whose keys are below a place."""
    items = content.items() if isinstance(content, dict) else ((str(at), one) for at, one in enumerate(content))
    kept = {}
    for name, value in items:
        key = next((found for found in ((*place, name), (*place, "*")) if found in _LISTED or found in _ABOVE), None)
        if key in _LISTED:
            kept[name] = value
        elif key in _ABOVE and isinstance(value, dict | list):
            kept[name] = _allowed(value, key)
    return kept if isinstance(content, dict) else list(kept.values())
