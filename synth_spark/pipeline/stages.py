"""THE LINE, in one table: the stages of each kind of privacy, in order, and the tables that each of them keeps.

read → encode → aggregate → synthesize → evaluate → assess → validate → publish
"""

from collections.abc import Callable

from synth_spark.pipeline import differential_privacy, k_anonymity
from synth_spark.pipeline.assessment import assess, begin_rehearsal
from synth_spark.pipeline.publication import publish_tables
from synth_spark.pipeline.run import Run
from synth_spark.pipeline.runner import Runner, Stage
from synth_spark.schema import tables


def runner(run: Run) -> Runner:
    """What runs the stages of a run."""
    return Runner(run, STAGES[run.plan.privacy.kind])


def _synthesize(records: Callable[[Run], object]) -> Callable[[Run], object]:
    """The stage that makes records, beside which a rehearsal begins."""

    def work(run: Run) -> object:
        begin_rehearsal(run, STAGES[run.plan.privacy.kind])
        return records(run)

    return work


def _assess(run: Run) -> None:
    assess(run, STAGES[run.plan.privacy.kind])


_READ = (tables.RECORDS, tables.NEW_RECORDS)
_CODED = (tables.DOMAIN, tables.CODES, tables.CHANGED_CODES)
_COUNTED = (tables.SYNTHETIC_CODES, tables.SYNTHETIC_COUNTS)
_COMPARED = (*_COUNTED, tables.MEASURES, tables.COMPARISONS, tables.EVALUATION, tables.FIDELITY)
_AUDITED = (tables.SINGLE_COUNTS, tables.AUDIT_RESULTS, tables.QUALITY_RESULTS)
_ASSESSED = (tables.REDACTED, tables.ASSESSMENT, tables.DIFFERENCES, tables.DIFFERING, tables.RARE)
_LONG = (tables.SYNTHETIC_ATTRIBUTES, tables.AGGREGATE_ATTRIBUTES)
_PUBLISHED = (tables.RELEASE, tables.SYNTHETIC_INDICATORS, *_LONG)
#: The stages of each kind of privacy, in order.
STAGES = {
    "k_anonymity": {
        "read": Stage(k_anonymity.read_records, "reading and checking the records", _READ),
        "encode": Stage(k_anonymity.encode_records, "counting values, coding records", _CODED),
        "aggregate": Stage(
            k_anonymity.aggregate_counts,
            "counting combinations, suppressing what they would tell",
            (tables.COUNTS, *tables.LOWERING, tables.STEPPED, tables.ANCHORS, tables.LOWERED, tables.AGGREGATES),
        ),
        "synthesize": Stage(
            _synthesize(k_anonymity.synthesize_records),
            "growing records",
            (*tables.ROUNDS, tables.GROWN, tables.SEPARATED, tables.SYNTHETIC_RECORDS),
        ),
        "evaluate": Stage(k_anonymity.evaluate_counts, "comparing counts", _COMPARED),
        "assess": Stage(_assess, "looking for who could be linked", _ASSESSED),
        "validate": Stage(k_anonymity.validate_tables, "auditing", (tables.PROOF, *_AUDITED)),
        "publish": Stage(publish_tables, "publishing", _PUBLISHED),
    },
    "differential_privacy": {
        "read": Stage(k_anonymity.read_records, "reading and checking the records", _READ),
        "encode": Stage(
            differential_privacy.encode_values,
            "counting values with noise, coding records",
            (tables.DOMAIN, tables.VALUES, tables.CODES),
            draws=(tables.VALUES,),
        ),
        "aggregate": Stage(
            differential_privacy.aggregate_counts,
            "counting combinations with noise",
            (
                tables.COUNTS,
                tables.OF_PAIRS,
                *differential_privacy.NOISY,
                tables.RELEASED_COUNTS,
                tables.NOISY_AGGREGATES,
            ),
            draws=differential_privacy.NOISY,
        ),
        "synthesize": Stage(
            _synthesize(differential_privacy.synthesize_records),
            "making records of noisy counts",
            (tables.SYNTHETIC_RECORDS,),
        ),
        "evaluate": Stage(differential_privacy.evaluate_counts, "comparing counts", _COMPARED),
        "assess": Stage(_assess, "looking for who could be linked", _ASSESSED),
        "validate": Stage(differential_privacy.validate_tables, "auditing", _AUDITED),
        "publish": Stage(publish_tables, "publishing", _PUBLISHED),
    },
}
