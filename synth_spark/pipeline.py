"""THE LINE: read → encode → aggregate → synthesize → evaluate → assess → validate → publish.

Every stage reads kept tables of the run folder and keeps its own, so a run can be resumed at any stage, and what one
stage saw is exactly what the one before wrote. The comment beside each kept table is its grain.
"""

from dataclasses import asdict

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame

from synth_spark import aggregate, combinations, encode, evaluate, explain, read, synthesize, tables, validate
from synth_spark import pipeline_private as private
from synth_spark.assessing import assess, keep_comparisons
from synth_spark.errors import InputError
from synth_spark.increment import all_codes, all_marginals, begin, join_records, summed_counts
from synth_spark.plan import FROM_COUNTS
from synth_spark.releasing import release
from synth_spark.run import Run, Stage
from synth_spark.tables import Kept
from synth_spark.verdict import conclude


def _read(run: Run) -> None:
    wish, known = run.plan.input, read.inventory(run.plan.input)
    since = begin(run, known)  # None, unless this run adds to an earlier one
    only, target = (None, tables.RECORDS) if since is None else (since.additions, tables.NEW_RECORDS)
    source = read.open_records(run.spark, read.pinned(wish, known), run.plan.privacy.k, only)
    try:
        records = run.keep(target, source.frame)  # one row a record of strings, and of lists of strings
    except Exception as error:  # Spark wraps what went wrong in more than one way
        raise read.explain_failure(error) or error from None
    number, tallies = read.check(source, wish, records.frame, since is not None)
    read.check_unchanged(wish, known)
    run.workspace.facts.update(fields=[asdict(field) for field in source.fields], records=number)
    run.workspace.facts.update(types=sorted(source.types), inventory=None if known is None else known.as_facts())
    if since is not None:
        join_records(run, since.earlier)
    run.workspace.write("input.md", read.report_text(run.workspace.run_id, tallies))
    if tallies:
        run.progress.say(f"{len(tallies)} remarks on the input: see input.md in the run folder")


def _encode(run: Run) -> None:
    attributes = run.keep(tables.DOMAIN, all_marginals(run))  # one row an attribute and its exact count
    encode.check_size(attributes.rows)
    encode.check_text(run.marginals, run.fields)
    if run.plan.output.indicators:
        synthesize.indicator_names(run.domain)  # they must differ
    run.keep(tables.CODES, all_codes(run))  # one row a distinct record of small integers
    if not run.domain.common(run.resolved.k).any():
        raise InputError("privacy.k", "is more often than any value occurs", "nothing could be released; lower k")
    for note in run.resolved.notes:
        run.progress.say(note)


def _aggregate(run: Run) -> None:
    found, codes, common = run.resolved, run.kept(tables.CODES).frame, None
    if found.prunes:
        common = run.domain.common(found.k)
        run.progress.say("combinations with an attribute rarer than k are too many: not counted, nor in the measures")
    exact = summed_counts(run)
    if exact is None:  # nothing to add to
        exact = combinations.count(codes, found.cells, found.counting_tasks, found.counting_block, common)
    counts = run.keep(tables.COUNTS, exact)  # one row a bucket of column tuples with its exact counts
    common_ones = aggregate.aggregates(counts.frame, run.domain, found)
    run.keep(tables.AGGREGATES, common_ones)  # one row a common combination


def _synthesize(run: Run) -> Kept:
    if run.plan.synthesis.kind in FROM_COUNTS:
        return _synthesize_from_counts(run)
    codes, seed, rounds = run.kept(tables.CODES).frame, run.workspace.seed, iter(tables.ROUNDS)
    made = synthesize.grown_records(
        codes, run.domain, run.resolved, seed, lambda grown: run.keep(next(rounds), grown).frame
    )  # one row a record and part, kept round by round
    grown = run.keep(tables.GROWN, made).frame  # one row a distinct synthetic record, totals not yet rounded
    rounded = synthesize.synthetic_records(grown, run.domain, run.resolved, seed)
    return run.keep(tables.SYNTHETIC_RECORDS, rounded)  # one row a synthetic record


def _synthesize_from_counts(run: Run) -> Kept:
    told, found, wish = run.kept(tables.AGGREGATES).frame, run.resolved, run.plan.synthesis
    domain = synthesize.released_domain(told.where("length = 1").toArrow(), run.fields)
    rules = synthesize.attributes_of(run.plan.input.constraints, domain)
    made = synthesize.seeded_records(
        run.spark, told, domain, found.protected_records, found.length, found.length, rules, wish, run.workspace.seed
    )
    records = synthesize.written(made, domain, found.files, run.workspace.seed)
    return run.keep(tables.SYNTHETIC_RECORDS, records)  # one row a synthetic record


def _evaluate(run: Run) -> None:
    found, written = run.resolved, run.kept(tables.SYNTHETIC_RECORDS)
    validate.check_columns("synthetic_records", run.domain.names, written.frame.columns)
    coded = encode.codes(written.frame, run.domain, written.rows)
    recoded = run.keep(tables.SYNTHETIC_CODES, coded)  # one row a distinct record
    counted = combinations.count(recoded.frame, found.cells, found.counting_tasks, found.counting_block)
    made = run.keep(tables.SYNTHETIC_COUNTS, counted).frame  # one row a bucket of column tuples
    counts = run.kept(tables.COUNTS).frame
    exact = run.single_counts(tables.COUNTS, run.records)
    synthetic = run.single_counts(tables.SYNTHETIC_COUNTS, written.rows)
    sums = evaluate.partial_sums(counts, made, found.cells, found.k, (exact, synthetic)).toArrow()
    told = evaluate.reportable_singles(exact, found.k)
    keep_comparisons(run, sums, written.rows, (exact, told, synthetic))


def _assess(run: Run) -> None:
    assess(run, STAGES[run.plan.privacy.kind])


def _validate(run: Run) -> None:
    synthetic, aggregates = run.kept(tables.SYNTHETIC_RECORDS).frame, run.kept(tables.AGGREGATES).frame
    columns = ["length", *run.domain.names, "selections", "protected_count"]
    validate.check_columns("aggregates", columns, aggregates.columns)
    counted = validate.single_counts(aggregates, synthetic, run.fields)
    singles = run.keep(tables.SINGLE_COUNTS, counted).arrow()  # one row an attribute
    proof = _prove(run, synthetic, singles) if run.resolved.proves_records else None
    found, constrained = run.resolved, bool(run.plan.input.constraints)
    rules = validate.contract(found.k, found.length, found.exact_singles, constrained, found.proves_records)
    results = validate.audit(
        synthetic=synthetic,
        aggregates=aggregates,
        single_counts=singles.select(["protected", "synthetic"]).to_pandas(),
        measures=validate.overall(run.kept(tables.MEASURES).arrow()),
        proof=proof,
        broken=validate.broken(synthetic, run.fields, run.plan.input.constraints),
        names=run.domain.names,
        k=run.resolved.k,
        rules=rules,
    )
    conclude(run, rules, results, synthetic, aggregates)


def _prove(run: Run, synthetic: DataFrame, singles: pa.Table) -> pd.DataFrame:
    values = validate.synthetic_values(singles, len(run.fields))
    blocks, parts = validate.cuts(run.records, run.kept(tables.SYNTHETIC_RECORDS).rows)
    supports = validate.proof(
        run.kept(tables.RECORDS).frame, synthetic, run.fields, values, run.resolved.k, blocks, parts
    )
    proof = run.keep(tables.PROOF, supports)  # one row a distinct synthetic record
    return validate.weakest(proof.frame, run.resolved.k)


def _publish(run: Run) -> None:
    release(run, tables.AGGREGATES, lambda told, made: explain.facts_of(run.resolved, run.workspace.run_id, told, made))


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
        "read": Stage(_read, "reading and checking the records", _READ),
        "encode": Stage(_encode, "counting values, coding records", _CODED),
        "aggregate": Stage(_aggregate, "counting combinations", (tables.COUNTS, tables.AGGREGATES)),
        "synthesize": Stage(_synthesize, "growing records", (*tables.ROUNDS, tables.GROWN, tables.SYNTHETIC_RECORDS)),
        "evaluate": Stage(_evaluate, "comparing counts", _COMPARED),
        "assess": Stage(_assess, "looking for who could be linked", _ASSESSED),
        "validate": Stage(_validate, "auditing", (tables.PROOF, *_AUDITED)),
        "publish": Stage(_publish, "publishing", _PUBLISHED),
    },
    "differential_privacy": {
        "read": Stage(_read, "reading and checking the records", _READ),
        "encode": Stage(
            private.encode_values,
            "counting values with noise, coding records",
            (tables.DOMAIN, tables.VALUES, tables.CODES),
            draws=(tables.VALUES,),
        ),
        "aggregate": Stage(
            private.aggregate_counts,
            "counting combinations with noise",
            (tables.COUNTS, *private.NOISY, tables.RELEASED_COUNTS, tables.NOISY_AGGREGATES),
            draws=private.NOISY,
        ),
        "synthesize": Stage(private.synthesize_records, "making records of noisy counts", (tables.SYNTHETIC_RECORDS,)),
        "evaluate": Stage(private.evaluate_counts, "comparing counts", _COMPARED),
        "assess": Stage(_assess, "looking for who could be linked", _ASSESSED),
        "validate": Stage(private.validate_tables, "auditing", _AUDITED),
        "publish": Stage(private.publish_tables, "publishing", _PUBLISHED),
    },
}
