"""THE LINE: read → encode → aggregate → synthesize → evaluate → validate → publish.

Every stage reads kept tables of the run folder and keeps its own, so a run can be resumed at any stage, and what one
stage saw is exactly what the one before wrote. The comment beside each kept table is its grain.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import DataFrame, SparkSession

from synth_spark import aggregate, combinations, encode, evaluate, explain, publish, read, synthesize, tables, validate
from synth_spark.domain import Domain, build
from synth_spark.errors import InputError, RunError
from synth_spark.plan import Plan, nearest
from synth_spark.progress import Progress
from synth_spark.resolve import Resolved, resolve
from synth_spark.tables import Kept, SafeTable, Table
from synth_spark.workspace import Workspace


@dataclass(frozen=True)
class Run:
    """A run in progress: its session, folder and plan, and what the stages so far found out."""

    spark: SparkSession
    workspace: Workspace
    progress: Progress

    @cached_property
    def plan(self) -> Plan:
        """The effective plan."""
        return self.workspace.plan

    @cached_property
    def domain(self) -> Domain:
        """The input's columns and values, from the kept DOMAIN."""
        marginals = self.kept(tables.DOMAIN).frame.toArrow()
        return build(self.workspace.facts["names"], marginals, self.workspace.facts["records"])

    @cached_property
    def resolved(self) -> Resolved:
        """The numbers of this run."""
        domain, distinct = self.domain, self.kept(tables.CODES).rows
        return resolve(self.plan, tuple(domain.names), domain.cards, domain.records, distinct, domain.filled)

    def kept(self, table: Table) -> Kept:
        """A table kept by an earlier stage."""
        return self.workspace.kept(self.spark, table)

    def keep(self, table: Table, frame: DataFrame) -> Kept:
        """Write a table and read it back."""
        return self.workspace.keep(table, frame)


def _read(run: Run) -> None:
    source = read.open_source(run.spark, run.plan.input)
    try:
        records = run.keep(tables.RECORDS, source.frame)  # one row an input record of strings
    except Exception as error:  # Spark wraps what went wrong in more than one way
        raise read.explain_failure(error) or error from None
    run.workspace.facts.update(names=source.names, records=read.check(source, run.plan.input, records.frame))


def _encode(run: Run) -> None:
    records = run.kept(tables.RECORDS).frame
    attributes = run.keep(tables.DOMAIN, encode.marginals(records))  # one row an attribute and its exact count
    encode.check_size(attributes.rows)
    encode.check_text(run.domain)
    run.keep(tables.CODES, encode.codes(records, run.domain))  # one row a distinct record of small integers
    if not run.domain.common(run.resolved.k).any():
        raise InputError("privacy.k", "is more often than any value occurs", "nothing could be released; lower k")
    for note in run.resolved.notes:
        run.progress.say(note)


def _aggregate(run: Run) -> None:
    found, codes, common = run.resolved, run.kept(tables.CODES).frame, None
    if found.prunes:
        common = run.domain.common(found.k)
        run.progress.say("combinations with an attribute rarer than k are too many: not counted, nor in the measures")
    exact = combinations.count(codes, found.cells, found.counting_tasks, found.counting_block, common)
    counts = run.keep(tables.COUNTS, exact)  # one row a bucket of column tuples with its exact counts
    run.keep(
        tables.AGGREGATES, aggregate.aggregates(counts.frame, run.domain, run.resolved)
    )  # one row a common combination


def _synthesize(run: Run) -> None:
    codes, rounds = run.kept(tables.CODES).frame, iter(tables.ROUNDS)
    made = synthesize.grown_records(
        codes, run.domain, run.resolved, run.workspace.seed, lambda grown: run.keep(next(rounds), grown).frame
    )
    grown = run.keep(tables.GROWN, made).frame  # one row a distinct synthetic record, totals not yet rounded
    rounded = synthesize.synthetic_records(grown, run.domain, run.resolved, run.workspace.seed)
    run.keep(tables.SYNTHETIC_RECORDS, rounded)  # one row a synthetic record


def _evaluate(run: Run) -> None:
    written = run.kept(tables.SYNTHETIC_RECORDS)
    recoded = encode.codes(written.frame, run.domain)
    made = combinations.count(recoded, run.resolved.cells, run.resolved.counting_tasks, run.resolved.counting_block)
    synthetic = run.keep(tables.SYNTHETIC_COUNTS, made)  # one row a bucket of column tuples
    sums = evaluate.partial_sums(run.kept(tables.COUNTS).frame, synthetic.frame, run.resolved.cells, run.resolved.k)
    found = evaluate.measures(sums, run.resolved, written.rows)
    public = [measure for measure in found if measure.comparison == evaluate.PUBLIC]
    run.keep(tables.MEASURES, evaluate.evaluation(run.spark, found))  # one row a measure, against exact counts too
    run.keep(
        tables.EVALUATION, evaluate.evaluation(run.spark, public)
    )  # one row a measure, protected against synthetic


def _validate(run: Run) -> None:
    synthetic, aggregates = run.kept(tables.SYNTHETIC_RECORDS).frame, run.kept(tables.AGGREGATES).frame
    singles = run.keep(
        tables.SINGLE_COUNTS, validate.single_counts(aggregates, synthetic)
    ).frame  # one row an attribute
    values = validate.synthetic_values(singles, len(run.domain.columns))
    blocks, parts = validate.cuts(run.domain.records, run.kept(tables.SYNTHETIC_RECORDS).rows)
    supports = validate.proof(run.kept(tables.RECORDS).frame, synthetic, values, run.resolved.k, blocks, parts)
    proof = run.keep(tables.PROOF, supports)  # one row a distinct synthetic record
    results = validate.audit(
        synthetic=synthetic,
        aggregates=aggregates,
        single_counts=singles.select("protected", "synthetic").toPandas(),
        measures=evaluate.overall(run.kept(tables.MEASURES).frame, "sensitive_to_synthetic"),
        proof=validate.weakest(proof.frame, run.resolved.k),
        names=run.domain.names,
        k=run.resolved.k,
        rules=validate.contract(run.resolved.k, run.resolved.length, run.resolved.exact_singles),
    )
    run.keep(tables.QUALITY_RESULTS, validate.quality_results(run.spark, results))  # one row an expectation
    run.workspace.write("quality.md", explain.quality_text(run.workspace.run_id, results))
    validate.gate(results)


def _publish(run: Run) -> None:
    aggregates = aggregate.vouch(run.kept(tables.AGGREGATES))
    synthetic = synthesize.vouch(run.kept(tables.SYNTHETIC_RECORDS))
    evaluation = SafeTable.derived(run.kept(tables.EVALUATION), aggregates, synthetic)
    quality = SafeTable.derived(run.kept(tables.QUALITY_RESULTS), aggregates, synthetic)
    results = [validate.Result(*row) for row in quality.kept.frame.collect()]
    validate.gate(results)
    facts = explain.facts_of(run.resolved, run.workspace.run_id, aggregates, synthetic)
    row = explain.release_row(run.spark, run.plan, facts, [aggregates, synthetic, evaluation, quality])
    release = SafeTable.derived(run.keep(tables.RELEASE, row), aggregates, synthetic)  # one row
    safe = [synthetic, aggregates, evaluation, quality, release]
    for table in safe:
        run.workspace.verify(table.kept.table)
    measures = [evaluate.Measure(*row) for row in evaluation.kept.frame.collect()]
    documents = {
        "RELEASE.md": explain.release_text(facts, measures, results),
        "QUALITY.md": explain.quality_text(run.workspace.run_id, results),
    }
    publish.publish(safe, documents, run.plan.output, run.workspace.run_id)


@dataclass(frozen=True)
class Stage:
    """A stage: what it does, in a word for progress, and the tables it keeps."""

    work: Callable[[Run], None]
    what: str
    keeps: tuple[Table, ...]


STAGES = {
    "read": Stage(_read, "reading and checking the records", (tables.RECORDS,)),
    "encode": Stage(_encode, "counting values, coding records", (tables.DOMAIN, tables.CODES)),
    "aggregate": Stage(_aggregate, "counting combinations", (tables.COUNTS, tables.AGGREGATES)),
    "synthesize": Stage(_synthesize, "growing records", (*tables.ROUNDS, tables.GROWN, tables.SYNTHETIC_RECORDS)),
    "evaluate": Stage(_evaluate, "comparing counts", (tables.SYNTHETIC_COUNTS, tables.MEASURES, tables.EVALUATION)),
    "validate": Stage(
        _validate, "auditing the written tables", (tables.SINGLE_COUNTS, tables.PROOF, tables.QUALITY_RESULTS)
    ),
    "publish": Stage(_publish, "publishing", (tables.RELEASE,)),
}


def start(spark: SparkSession, plan: Plan, progress: Progress) -> Run:
    """Make a run folder for a plan, once the release could be put where the plan says."""
    workspace = Workspace.create(plan)
    publish.check_target(plan.output, workspace.run_id)
    return Run(spark, workspace, progress)


def resume(run: Run) -> None:
    """Run every stage that has not been completed, in order."""
    for name in STAGES:
        if not run.workspace.done(name):
            work(run, name)


def work(run: Run, name: str) -> None:
    """Run one stage, anew if it was completed before; what later stages had made of it is dropped.

    Raises:
        RunError: there is no such stage, or the stage before it is not completed.
    """
    order = list(STAGES)
    if name not in STAGES:
        raise RunError(f"stage '{name}'", "does not exist", f"did you mean {nearest(name, order)}?")
    before, later = order[: order.index(name)], order[order.index(name) :]
    for earlier in before:
        if not run.workspace.done(earlier):
            raise RunError(
                f"stage '{name}'", f"needs the stage '{earlier}' before it", "run that first: synth-spark resume RUN"
            )
    run.workspace.forget(later, [table for stage in later for table in STAGES[stage].keeps])
    with run.progress.stage(name, STAGES[name].what), run.workspace.stage(name):
        STAGES[name].work(run)
