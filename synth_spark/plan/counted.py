"""What a release counts: records, subjects, or subjects of each source. No Spark here."""

from typing import Literal

from synth_spark.plan.model import Plan

#: What is counted once: a record as it was read; a subject; a subject in each source that it is in.
Unit = Literal["record", "subject", "subject of a source"]

#: What is said of a promise where values were taken from the data (``public_domain: true``).
GIVEN = "given the values that occur, and whether a column is ever absent"

_COUNTED: dict[Unit, str] = {
    "record": "k counts records: where one person has several records, fewer than k people may be behind a count.",
    "subject": "k counts subjects: all rows with one id were joined to one record. They are people as far as every "
    "person has one id.",
    "subject of a source": "k counts subjects, of which one who is in several sources counts once in each: all rows "
    "with one id in one source were joined to one record, so fewer than k people may be behind a count.",
}
_PRIVATE: dict[Unit, str] = {
    "record": "That is promised for each record: for a person with several records, their ε add up.",
    "subject": "That is promised for each subject: all rows with one id were joined to one record.",
    "subject of a source": "That is promised for each subject of a source: all rows with one id in one source were "
    "joined to one record, and for one who is in several sources the ε add up.",
}


def _unit(plan: Plan) -> Unit:
    """What a release counts once."""
    subject = plan.input.subject
    if subject is None:
        return "record"
    apart = len(plan.input.sources) > 1 and not subject.across_sources
    return "subject of a source" if apart else "subject"


def what_is_counted(plan: Plan) -> str:
    """What k counts, or whom ε is promised to, in a sentence or two for readers."""
    return (_PRIVATE if plan.privacy.noisy else _COUNTED)[_unit(plan)]
