"""THE LINE under k-anonymity: read → encode → aggregate → synthesize → evaluate → assess → validate → publish.

Every stage reads kept tables of the run folder and keeps its own, so a run can be resumed at any stage, and what one
stage saw is exactly what the one before wrote. The comment beside each kept table is its grain.
"""

from dataclasses import asdict
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark import aggregate, evaluate, read, synthesize, validate
from synth_spark.encode import combinations
from synth_spark.encode.protected_counts import with_lowered
from synth_spark.errors import InputError
from synth_spark.pipeline.assessment import count_synthetic, keep_comparisons
from synth_spark.pipeline.audit import conclude
from synth_spark.pipeline.incremental import all_codes, all_marginals, begin, join_records, summed_counts
from synth_spark.pipeline.run import Run
from synth_spark.pipeline.series import steps
from synth_spark.plan import FROM_COUNTS, check_shown_columns
from synth_spark.publish import delta
from synth_spark.schema import tables
from synth_spark.schema.published_columns import aggregate_columns
from synth_spark.schema.tables import Kept
from synth_spark.storage.runs.written import Written

#: Bytes of an input, whose files may be compressed, up to which one task writes its records, as one file.
FEW_BYTES = 1 << 18


def read_records(run: Run) -> None:
    """Read and check the records, and keep them as text."""
    config, inventory = run.plan.input, read.inventory(run.plan.input)
    since = begin(run, inventory)  # None, unless this run adds to an earlier one
    only, target = (None, tables.RECORDS) if since is None else (since.additions, tables.NEW_RECORDS)
    source = read.open_records(run.spark, read.pinned(config, inventory), run.plan.privacy.k, only)
    check_shown_columns(run.plan, [field.name for field in source.fields])
    if run.plan.output.sliced:
        columns = {field.name: field.type for field in source.fields}
        delta.check_columns(run.spark, Path(run.plan.output.path), tables.SYNTHETIC_RECORDS.name, columns)
    validate.load_library_beside()  # while Spark works and Python waits
    try:
        records = run.keep(
            target, source.frame.coalesce(1) if _is_small(inventory) else source.frame
        )  # one row a record of strings, and of lists of strings
    except Exception as error:  # Spark wraps what went wrong in more than one way
        raise read.explain_failure(error, source.examination) or error from None
    number, remarks = read.check(source, config, records.frame, since is not None)
    read.check_unchanged(config, inventory)
    run.store.facts.update(fields=[asdict(field) for field in source.fields], records=number)
    run.store.facts.update(types=sorted(source.types), inventory=None if inventory is None else inventory.as_facts())
    if since is not None:
        join_records(run, since.earlier)
    run.store.write("input.md", read.report_text(run.store.run_id, remarks, source.told))
    if any(remark.what == read.IN_SEVERAL_SOURCES for remark in remarks):
        run.progress.say("ids occur in several sources, and count once in each: see input.md in the run folder")
    if remarks:
        run.progress.say(f"{len(remarks)} remarks on the input: see input.md in the run folder")


def _is_small(inventory: read.Inventory | None) -> bool:
    """Whether an input is known to be of few bytes; of a Delta table that is not known."""
    items = () if inventory is None else inventory.items
    return bool(items) and all(item.version is None for item in items) and sum(i.size for i in items) <= FEW_BYTES


def encode_records(run: Run) -> None:
    """Count values, and code records as small integers."""
    run.keep_domain(all_marginals(run))
    if run.plan.output.indicators:
        synthesize.indicator_names(run.domain)  # they must differ
    run.keep(tables.CODES, all_codes(run))  # one row a distinct record of small integers
    if not run.domain.common(run.resolved.k).any():
        raise InputError("privacy.k", "is more often than any value occurs", "nothing could be released; lower k")
    for note in run.resolved.notes:
        run.progress.say(note)


def aggregate_counts(run: Run) -> None:
    """Count combinations, and keep those that are common, with protected counts."""
    resolved, codes, common = run.resolved, run.kept(tables.CODES).frame, None
    if resolved.prunes:
        common = run.domain.common(resolved.k)
        run.progress.say("combinations with an attribute rarer than k are too many: not counted, nor in the measures")
    exact = summed_counts(run)
    if exact is None:  # nothing to add to
        exact = combinations.count(codes, resolved.cells, resolved.counting_tasks, resolved.counting_block, common)
    run.keep(tables.COUNTS, exact)  # one row a bucket of column tuples with its exact counts
    if resolved.fits and run.plan.synthesis.kind not in FROM_COUNTS:
        run.ahead.begin("synthesize", lambda: _grow(run))  # of the codes alone
    beside = steps.lowered_beside(run)
    run.keep(tables.LOWERED, _lowered(run) if beside is None else beside)  # one row a bucket of which one is lowered
    published = aggregate.aggregates(_counts(run), run.domain, run.resolved)
    run.keep(tables.AGGREGATES, published)  # one row a published combination


def _lowered(run: Run) -> DataFrame:
    """What is lowered so that counts of this release prove nothing together."""
    rounds = iter(tables.LOWERING)

    def keep(so_far: DataFrame) -> DataFrame:
        return run.keep(next(rounds), so_far).frame

    return aggregate.lowered_counts(run.kept(tables.COUNTS).frame, run.resolved, keep, len(tables.LOWERING))


def _counts(run: Run) -> DataFrame:
    """Exact counts, beside what of them is lowered."""
    return with_lowered(run.kept(tables.COUNTS).frame, run.kept(tables.LOWERED).frame)


def synthesize_records(run: Run) -> Kept:
    """Grow synthetic records of common combinations."""
    if run.plan.synthesis.kind in FROM_COUNTS:
        return _synthesize_from_counts(run)
    written = run.ahead.take("synthesize", lambda: _grow(run))
    grown = run.keep(tables.GROWN, written).frame  # one row a distinct synthetic record, totals not yet rounded
    separated = synthesize.separated(grown, _counts(run), run.resolved)
    grown = run.keep(tables.SEPARATED, separated).frame  # one row a distinct synthetic record
    rounded = synthesize.synthetic_records(
        grown, run.domain, run.resolved, run.growth_seed, run.store.order_key, run.lowered_singles
    )
    return run.keep(tables.SYNTHETIC_RECORDS, rounded)  # one row a synthetic record


def _grow(run: Run) -> Written:
    codes, seed, rounds = run.kept(tables.CODES).frame, run.growth_seed, iter(tables.ROUNDS)
    records = synthesize.grown_records(
        codes, run.domain, run.resolved, seed, lambda grown: run.keep(next(rounds), grown).frame
    )  # one row a record and part, kept round by round, where the table does not fit
    return run.write(tables.GROWN, records)


def _synthesize_from_counts(run: Run) -> Kept:
    aggregates, resolved, config = run.kept(tables.AGGREGATES).frame, run.resolved, run.plan.synthesis
    domain = synthesize.released_domain(aggregates.where("length = 1").toArrow(), run.fields)
    rules = synthesize.attributes_of(run.plan.input.constraints, domain)
    released = synthesize.ReleasedCombinations(aggregates, domain, resolved.protected_records, resolved.length)
    synthetic = synthesize.seeded_records(released, resolved.length, rules, config, run.store.seed)
    records = synthesize.written(synthetic, domain, resolved.files, run.store.order_key)
    return run.keep(tables.SYNTHETIC_RECORDS, records)  # one row a synthetic record


def evaluate_counts(run: Run) -> None:
    """Count the combinations of synthetic records, and compare."""
    resolved = run.resolved
    written, counted = count_synthetic(run, lambda: _evidence(run))
    exact = run.single_counts(tables.COUNTS, run.records)
    synthetic = run.single_counts(tables.SYNTHETIC_COUNTS, written.rows)
    singles = exact, run.published_singles, synthetic
    sums = evaluate.partial_sums(_counts(run), counted.frame, resolved.cells, resolved.k, singles).toArrow()
    keep_comparisons(run, sums, written.rows, singles)


def validate_tables(run: Run) -> None:
    """Audit the written tables; what breaks a rule stops the release."""
    evidence, counted, supports = run.ahead.take("validate", lambda: _evidence(run))
    run.keep(tables.SINGLE_COUNTS, evidence.singles)  # one row an attribute
    k, rules, measures = run.resolved.k, run.policy.contract(run), validate.overall(run.kept(tables.MEASURES).arrow())
    synthetic, aggregates = run.kept(tables.SYNTHETIC_RECORDS).frame, run.kept(tables.AGGREGATES).frame
    if supports is not None:
        proof = run.keep(tables.PROOF, supports).frame  # one row a distinct synthetic record
        values = validate.synthetic_values(evidence.singles, len(run.fields))
        counted["proof"] = validate.weakest(proof, validate.claimed(synthetic, run.fields, values), k)
    run.store.facts["suppressed"] = _suppressed(run)
    results = validate.audit(evidence, measures=measures, counted=counted, names=run.domain.names, k=k, rules=rules)
    conclude(run, rules, results, synthetic, aggregates)


def _suppressed(run: Run) -> dict[str, int]:
    """What counts and records have lost so that they prove nothing together, for the report of those who sign."""
    sums = aggregate.lowered_sums(_counts(run), run.resolved.k)
    if run.plan.synthesis.kind in FROM_COUNTS:
        return sums
    grown, separated = (run.kept(table).frame for table in (tables.GROWN, tables.SEPARATED))
    both = grown.select("record", "copies").unionAll(separated.selectExpr("record", "-copies"))
    fewer = both.groupBy("record").agg(F.sum("copies").alias("fewer")).where("fewer > 0").agg(F.sum("fewer"))
    return {**sums, "changed": fewer.collect()[0][0] or 0}


def _evidence(run: Run) -> tuple[validate.Evidence, dict[str, pd.DataFrame], Written | None]:
    """What the audit judges, what was counted anew, and the supports of all records if synthesis promises them."""
    synthetic, aggregates = run.kept(tables.SYNTHETIC_RECORDS), run.kept(tables.AGGREGATES).frame
    validate.check_columns("aggregates", aggregate_columns(run.domain.names, noisy=False), aggregates.columns)
    singles, supports = validate.single_counts(aggregates, synthetic.frame, run.fields), None
    records, resolved = run.kept(tables.RECORDS).frame, run.resolved
    common = validate.common_attributes(records, run.fields, resolved.k)
    share = validate.Share(resolved.counting_tasks)
    lowered = run.kept(tables.LOWERED)
    withheld = aggregate.aggregates(lowered.frame, run.domain, resolved) if lowered.rows else None
    recounted = validate.recount(records, aggregates, common, resolved.length, share, withheld)
    told = validate.Told(aggregates, run.fields, resolved.k, resolved.protected_records, resolved.length)
    bounds = validate.joint_bounds(told, run.kept(tables.AGGREGATES).rows)
    if resolved.proves_records:
        values = validate.synthetic_values(singles, len(run.fields))
        written = validate.claimed(synthetic.frame, run.fields, values)
        bounds = bounds.join(validate.record_bounds(written, values, told, synthetic.rows))
        cuts = validate.cuts(run.records, synthetic.rows)
        proof = validate.proof(records, synthetic.frame, run.fields, values, resolved.k, cuts)
        supports = run.write(tables.PROOF, proof)
    constraints, rules = run.plan.input.constraints, run.policy.contract(run)
    evidence = validate.evidence(synthetic.frame, aggregates, run.fields, constraints, rules, singles)
    return evidence, {"recount": recounted, "joint_bounds": bounds}, supports
