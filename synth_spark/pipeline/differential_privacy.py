"""The line under differential privacy: the stages of `pipeline`, where noise takes the place of suppression.

Noise is drawn in two stages alone, encode (which values there are) and aggregate (how often they meet), written before
anything reads it, and never drawn again. What follows sees noisy counts only; `_evaluate` compares them with exact ones
for those who sign the release, and publishes none of that.
"""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from synth_spark import aggregate, evaluate, synthesize, validate
from synth_spark.encode import codes as encode
from synth_spark.encode import combinations
from synth_spark.errors import InputError
from synth_spark.kernels.keyed_random import derive
from synth_spark.kernels.marginals.consistency import Estimates, Measured, estimate
from synth_spark.kernels.marginals.targets import Targets, targets
from synth_spark.kernels.marginals.triples import worth_measuring
from synth_spark.pipeline.accounts import DRAWN, begin_draws, draws, enter_draws, ledger_of
from synth_spark.pipeline.assessment import count_synthetic, keep_comparisons
from synth_spark.pipeline.audit import conclude
from synth_spark.pipeline.policy import enter
from synth_spark.pipeline.run import Run
from synth_spark.plan.planner import ResolvedPlan, check_cells
from synth_spark.privacy import TRIPLE_SCORES, TRIPLES, chooses_share, compose, share_of_values
from synth_spark.privacy.entries import Entry, private_entry
from synth_spark.schema import tables
from synth_spark.schema.domain import build

#: The tables of the stage aggregate that hold noise.
NOISY = tuple(table for table in DRAWN if table is not tables.VALUES)


def encode_values(run: Run) -> None:
    """Which values there are, as far as noise lets them be published; records in codes of these values."""
    terms = run.plan.private_terms
    held = [terms.values_a_record if field.many else 1 for field in run.fields]
    capped = encode.capped(run.kept(tables.RECORDS).frame, run.fields, terms.values_a_record)
    run.keep_domain(encode.marginals(capped, run.fields))
    counted = aggregate.candidates(run.marginals, run.fields, run.records, terms)
    sizes = aggregate.table_sizes(counted, len(run.fields))
    _check_declared(run, counted)
    run.once("rho", lambda: compose(run.plan, sizes, _column_sizes(run, sizes), held))
    _debit(run)

    def draw() -> pa.Table:
        spending = run.spending
        rho, delta = spending.on("values"), spending.domain_delta
        return aggregate.noisy(counted, run.fields, held, rho, delta, run.noise)

    begin_draws(run.store, "encode")
    if chooses_share(run.plan) and tables.VALUES.name not in run.store.manifest["tables"]:
        _choose_share(run, counted, sizes, held)
    run.keep_once(tables.VALUES, draw)  # one row a value that may be published
    enter_draws(run.store)
    if run.plan.output.indicators:
        synthesize.indicator_names(run.domain)  # they must differ
    codes = encode.codes(capped, run.domain, run.records)
    run.keep(tables.CODES, codes)  # one row a distinct record of small integers
    if not sum(run.domain.cards):
        raise InputError("privacy", "lets no value exist", "declare privacy.public_domain, or raise privacy.epsilon")
    for note in run.resolved.notes:
        run.progress.say(note)


def aggregate_counts(run: Run) -> None:
    """Noisy counts that agree with each other."""
    resolved, codes = run.resolved, run.kept(tables.CODES).frame
    exact = combinations.count(codes, resolved.cells, resolved.counting_tasks, resolved.counting_block)
    counts = run.keep(tables.COUNTS, exact)  # one row a bucket of column tuples with its exact counts
    begin_draws(run.store, "aggregate")
    if run.plan.synthesis.kind == "marginal_matching":
        run.keep_once(tables.NOISY_PAIRS, lambda: _noisy_pairs(run, counts.frame))  # one row a pair of columns
        enter_draws(run.store)
        _measure_triples(run, counts.frame)
        released = aggregate.from_estimates(_estimates(run)[1], run.domain, run.never_null, run.plan.private_terms)
    else:
        plan = aggregate.CountingPlan(run.plan.private_terms, run.spending, resolved.length, run.store.seed)
        drawing = aggregate.Draws(
            run.noise, lambda length, make: run.keep_once(tables.NOISY_LENGTHS[length - 2], make).frame, run.once
        )
        released = aggregate.released_lengths(codes, run.domain, _singles(run), plan, drawing)
        enter_draws(run.store)
    if not released.records > 0 or not len(released.rows[0]):
        raise InputError("privacy", "leaves nothing but noise", "raise privacy.epsilon, or add data")
    run.store.facts["released"] = {
        "records": released.records,
        "caps": list(released.caps),
        "lengths": len(released.rows),
    }
    kept = run.keep(
        tables.RELEASED_COUNTS, aggregate.counts_frame(run.spark, released, resolved.cells)
    )  # one row a bucket
    run.keep(tables.NOISY_AGGREGATES, aggregate.aggregates(kept.frame, run.domain, resolved))  # one row a combination


def synthesize_records(run: Run) -> None:
    """Records from noisy counts alone."""
    config, seed = run.plan.synthesis, run.store.seed
    released = run.store.facts["released"]
    domain = run.domain
    if config.kind == "marginal_matching":
        rules = synthesize.attributes_of(run.plan.input.constraints, domain)
        wanted = targets(*_estimates(run), _of_pairs(run))
        synthetic = synthesize.matched_records(run.spark, wanted, run.never_null, rules, config, seed)
    else:
        aggregates = run.kept(tables.NOISY_AGGREGATES).frame
        domain = synthesize.released_domain(aggregates.where("length = 1").toArrow(), run.fields)
        rules = synthesize.attributes_of(run.plan.input.constraints, domain)
        combined = synthesize.ReleasedCombinations(aggregates, domain, released["records"], released["lengths"])
        synthetic = synthesize.seeded_records(combined, config.required_length, rules, config, seed)
    files = max(1, -(-released["records"] // 1_000_000))
    records = synthesize.written(synthetic, domain, files, run.store.order_key)
    run.keep(tables.SYNTHETIC_RECORDS, records)  # one row a synthetic record


def evaluate_counts(run: Run) -> None:
    """All comparisons, for those who sign; what is published compares noisy counts with synthetic ones."""
    written, synthetic = count_synthetic(run, lambda: _evidence(run))
    released = run.store.facts["released"]
    exact, aggregates = run.kept(tables.COUNTS).frame, run.kept(tables.RELEASED_COUNTS).frame
    of_exact = run.single_counts(tables.COUNTS, run.records)
    of_released = run.single_counts(tables.RELEASED_COUNTS, released["records"])
    of_synthetic = run.single_counts(tables.SYNTHETIC_COUNTS, written.rows)
    sums = evaluate.partial_sums_between(
        evaluate.CountedTable(exact, of_exact),
        evaluate.CountedTable(aggregates, of_released),
        evaluate.CountedTable(synthetic.frame, of_synthetic),
        run.resolved.cells,
        released["lengths"],
        run.rare_below,
    )
    keep_comparisons(run, sums.toArrow(), written.rows, (of_exact, of_released, of_synthetic), released["lengths"])


def validate_tables(run: Run) -> None:
    """The contract of a private release, on what was written."""
    synthetic, aggregates = run.kept(tables.SYNTHETIC_RECORDS).frame, run.kept(tables.NOISY_AGGREGATES).frame
    evidence, rules = run.ahead.take("validate", lambda: _evidence(run)), run.policy.contract(run)
    run.keep(tables.SINGLE_COUNTS, evidence.singles)  # one row an attribute
    ledger, debit = ledger_of(run.plan), _entry(run)
    release = validate.PrivateRelease(
        run_id=run.store.run_id,
        terms=run.plan.private_terms,
        names=run.domain.names,
        released=set(zip(run.values["column"].to_pylist(), run.values["value"].to_pylist(), strict=True)),
        records=run.store.facts["released"]["records"],
        fabricated=_fabricated(run),
        debit=debit,
        draws=draws(run.store),
        entered=ledger.drawn(debit),
    )
    results = validate.audit_private(evidence, release, ledger.entries(), rules)
    conclude(run, rules, results, synthetic, aggregates)


def _evidence(run: Run) -> validate.Evidence:
    """What the audit judges."""
    synthetic, aggregates = run.kept(tables.SYNTHETIC_RECORDS).frame, run.kept(tables.NOISY_AGGREGATES).frame
    singles = validate.single_counts(aggregates, synthetic, run.fields)
    return validate.evidence(
        synthetic, aggregates, run.fields, run.plan.input.constraints, run.policy.contract(run), singles
    )


def _check_declared(run: Run, counted: pa.Table) -> None:
    """Refuse before the debit what values that are declared public would make impossible after it.

    Values whose existence is private are not looked at: that a run is refused for them would tell that they exist.

    Raises:
        PlanError: two columns of `indicators` would have the same name.
        ResourceError: more combinations than can be numbered, or than the driver holds of pairs.
    """
    public = counted.filter(pc.and_(pc.invert(counted["private"]), pc.is_valid(counted["value"])))
    ones = pa.array(np.ones(public.num_rows, np.int64))
    marginals = pa.table({"column": public["column"], "value": public["value"], "count": ones})
    declared = build(run.fields, marginals, 0, run.plan.privacy.k)
    if run.plan.output.indicators:
        synthesize.indicator_names(declared)
    longest = min(run.plan.reporting_length, len(declared.cards))
    check_cells(declared.cards, longest)
    if run.plan.synthesis.kind == "marginal_matching":
        aggregate.check_pairs(declared.cards, longest)


def _choose_share(run: Run, counted: pa.Table, sizes: list[int], held: list[int]) -> None:
    """Draw a noisy number of records, and choose by it the share of ρ for single counts: see `share_of_values`."""
    sigma, private = run.spending.on("records").sigma(), bool(pc.any(counted["private"]).as_py())
    size = run.once("size", lambda: run.records + int(run.noise.gaussian(1, sigma)[0]))
    run.once("domain_share", lambda: share_of_values(run.spending, size, sizes, held, private))


def _debit(run: Run) -> None:
    """Enter what the release costs, before the first draw; once, however often the run is taken up again.

    It comes after the last check that needs no noisy count: ``docs/debit.md`` lists what is checked before and after.
    """
    enter(run, _entry(run))


def _entry(run: Run) -> Entry:
    """What the ledger holds of this release, but for the time and for what its data set is made of."""
    plan = run.plan
    entry = private_entry(plan.data_set_name, run.store.run_id, plan.synthesis.kind, plan.unit, run.spending)
    return replace(entry, nonce=run.store.manifest.get("nonce"))


def _fabricated(run: Run) -> float:
    """Combinations of synthetic records, up to the required length, that were not released."""
    most = run.plan.synthesis.required_length
    return float(
        sum(
            row["value"]
            for row in run.kept(tables.EVALUATION).arrow().to_pylist()
            if row["measure"] == "fabricated" and row["count_bin"] is None and (row["length"] or most + 1) <= most
        )
    )


def _column_sizes(run: Run, sizes: list[int]) -> list[int]:
    """Cells of the tables of all columns that are counted, where all values are public."""
    several = {index for index, field in enumerate(run.fields) if field.many}
    return [size for index, size in enumerate(sizes) for size in ([2] * size if index in several else [size])]


def _noisy_pairs(run: Run, counts: DataFrame) -> DataFrame:
    exact = aggregate.exact_pairs(counts, run.records, run.resolved.cells, run.never_null)
    spending, columns = run.spending, len(run.domain.columns)
    left, choice = spending.on("pairs"), spending.on("selection")
    chosen = aggregate.choose_pairs(exact, run.plan.private_terms, columns, choice, left, run.noise)
    return aggregate.noisy_pairs(run.spark, exact, chosen, left, run.noise)


def _measure_triples(run: Run, counts: DataFrame) -> None:
    """Tables of triples of columns: those that records made of pairs are farthest from, as far as noise lets be told.

    Scores are drawn and kept first, then tables of what follows from these. What records are made of pairs alone is a
    function of noisy counts and of the seed of the run, which depends on no record: so one record more or less changes
    each score by 1 at most.
    """
    triples, names = run.measurable_triples, run.store.manifest["tables"]
    if not len(triples) or {tables.NOISY_SCORES.name, tables.NOISY_TRIPLES.name} <= names.keys():
        return
    measured, agreed, forbidden = _estimates(run, with_triples=False)
    if not agreed.total > 0:  # nothing is released then
        return
    made = _records_of_pairs(run, targets(measured, agreed, forbidden))
    sides = aggregate.Sides(_counted(run, counts), made, run.never_null)
    choice, left = run.spending.on(TRIPLE_SCORES), run.spending.on(TRIPLES)
    scores = run.keep_once(
        tables.NOISY_SCORES, lambda: aggregate.noisy_scores(run.spark, sides, triples, choice, run.noise)
    ).arrow()  # one row a triple of columns
    enter_draws(run.store)
    in_order = scores.sort_by([(name, "ascending") for name in ("first", "second", "third")])
    chosen = triples[worth_measuring(triples, in_order["score"].to_numpy(), run.table_sizes)]
    run.keep_once(
        tables.NOISY_TRIPLES, lambda: aggregate.noisy_triples(run.spark, sides, chosen, left, run.noise)
    )  # one row a measured triple
    enter_draws(run.store)


def _records_of_pairs(run: Run, wanted: Targets) -> aggregate.Counted:
    """Counts of records that are made of noisy single counts and pairs alone."""
    config, seed = run.plan.synthesis.model_copy(update={"records": None}), derive(run.store.seed, "records of pairs")
    rules, numbers = synthesize.attributes_of(run.plan.input.constraints, run.domain), _to_three(run.resolved)
    made = synthesize.matched_records(run.spark, wanted, run.never_null, rules, config, seed)
    codes = made.withColumnRenamed("copies", "multiplicity")
    counts = combinations.count(codes, numbers.cells, numbers.counting_tasks, numbers.counting_block)
    kept = run.keep(tables.OF_PAIRS, counts)  # one row a bucket
    return aggregate.Counted(kept.frame, round(wanted.estimates.total), numbers.cells)


def _counted(run: Run, counts: DataFrame) -> aggregate.Counted:
    """Exact counts of length 3 at least: those that were kept, or, if these are shorter, others."""
    numbers = _to_three(run.resolved)
    if run.resolved.length < numbers.length:
        codes = run.kept(tables.CODES).frame
        counts = combinations.count(codes, numbers.cells, numbers.counting_tasks, numbers.counting_block)
        return aggregate.Counted(counts, run.records, numbers.cells)
    return aggregate.Counted(counts, run.records, run.resolved.cells)


def _to_three(resolved: ResolvedPlan) -> ResolvedPlan:
    """The numbers of a run that counts combinations up to length 3."""
    return replace(resolved, plan=resolved.plan.model_copy(update={"reporting_length": 3}))


def _of_pairs(run: Run) -> dict[tuple[int, int, int], np.ndarray]:
    """What records made of pairs have in the cells of each measured table of three columns."""
    if tables.NOISY_TRIPLES.name not in run.store.manifest["tables"]:
        return {}
    return aggregate.of_pairs(run.kept(tables.NOISY_TRIPLES).arrow(), run.table_sizes)


def _estimates(
    run: Run, with_triples: bool = True
) -> tuple[list[Measured], Estimates, dict[tuple[int, int], np.ndarray]]:
    """What was measured, the tables that agree, as they are published, and the cells that rules forbid."""
    pairs, there = run.kept(tables.NOISY_PAIRS).arrow(), tables.NOISY_TRIPLES.name in run.store.manifest["tables"]
    triples = run.kept(tables.NOISY_TRIPLES).arrow() if with_triples and there else None
    rules = synthesize.attributes_of(run.plan.input.constraints, run.domain)
    forbidden = synthesize.forbidden_cells(rules, run.domain, run.never_null)
    measured = aggregate.measured(run.values, pairs, run.domain, run.never_null, triples)
    return measured, estimate(measured, forbidden), forbidden


def _singles(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Noisy counts of the domain's attributes and the scales of their noise, column by column."""
    values = {(row["column"], row["value"]): row for row in run.values.to_pylist()}
    bounds, rows = run.domain.bounds, []
    for index in range(len(run.fields)):
        for column in run.domain.columns[bounds[index] : bounds[index + 1]]:
            rows += [values[index, value] for value in column.values]
    return np.array([row["count"] for row in rows], np.int64), np.array([row["sigma"] for row in rows])
