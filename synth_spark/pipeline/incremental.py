"""A run that adds to an earlier one: only what is new is read and counted, and what was kept is added to it.

Counts are additive. Of the earlier run four kept tables are taken over, whole and as they were written: its records are
copied file by file; its marginals and counts are added to those of the new records; its codes and cells are renumbered,
as a few more records may change the order of values. What comes of it is, row for row, what a run over everything
would have kept; every later stage works on it as always.

Where that could not be guaranteed nothing is added: another plan, another version, files that were counted and are
changed or gone, tables that are not what was written. Then the run stops before anything is read, and says what to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synth_spark import read
from synth_spark.encode import codes, combinations
from synth_spark.errors import InputError, RunError
from synth_spark.pipeline.run import Run
from synth_spark.plan import Plan
from synth_spark.plan.addresses import absolute
from synth_spark.schema import tables
from synth_spark.schema.domain import arrived, renumbering
from synth_spark.storage.run_store import RunStore

#: What is taken over, and the stages that kept it.
_TAKEN = (tables.RECORDS, tables.DOMAIN, tables.CODES, tables.COUNTS)
_STAGES = ("read", "encode", "aggregate")
#: Parts of an input that say where it is, not what is made of it.
_WHERE = ("path", "paths", "version", "since")
#: What can be done instead; what both releases tell together can be looked at all the same.
_FULL = "make a full run, without input.since; name the earlier release in assessment.earlier"


@dataclass(frozen=True)
class Beginning:
    """What an incremental run begins with.

    Attributes:
        earlier: the earlier run.
        additions: what it has not counted, by source.
    """

    earlier: Run
    additions: Mapping[str, read.Addition]


def begin(run: Run, inventory: read.Inventory | None) -> Beginning | None:
    """Find out what is new since the earlier run that the plan names; None if it names none.

    Args:
        run: the run.
        inventory: what its input is made of.

    Raises:
        RunError: the earlier run cannot be added to, or nothing is new.
    """
    since = run.plan.input.since
    if since is None:
        return None
    if inventory is None:
        problem = "needs an input whose files can be looked at: local files, mounted volumes, Delta folders"
        raise RunError("input.since", problem, _FULL)
    store = RunStore.open(absolute(since))
    earlier = Run(run.spark, store, run.progress)
    _check(earlier, run)
    counted = read.Inventory.of_facts(store.facts["inventory"])
    additions = read.additions(counted, inventory, store.run_id)
    hashes = {table.name: store.manifest["tables"][table.name]["content_hash"] for table in _TAKEN}
    run.store.facts["since"] = {
        "run_id": store.run_id,
        "folder": store.address,
        "records": earlier.records,
        "content_hashes": hashes,
    }
    files = sum(len(part.names) + sum(map(len, part.files.values())) for part in additions.values())
    run.progress.say(f"run {store.run_id} is added to: {files:,} files are new, all others were counted there")
    return Beginning(earlier, additions)


def join_records(run: Run, earlier: Run) -> None:
    """Put the earlier run's records and the new ones together.

    Raises:
        InputError: the new records have other columns, or columns of other types, as of partitions that are no numbers.
        RunError: the earlier records are not what was written.
    """
    for what in ("fields", "types"):
        if run.store.facts[what] != earlier.store.facts.get(what):
            called = "other columns" if what == "fields" else "columns of other types"
            raise InputError("input", f"has {called} than run {earlier.store.run_id} has read", _FULL)
    parts = [(run.store, tables.NEW_RECORDS), (earlier.store, tables.RECORDS)]
    records = run.store.assemble(run.spark, tables.RECORDS, parts)
    run.store.facts.update(records=records.rows)


def earlier_of(run: Run) -> Run | None:
    """The run that this one adds to, with the tables that it was begun with; None for a run that adds to none.

    Raises:
        RunError: its folder is gone, or its tables were made anew since.
    """
    since = run.store.facts.get("since")
    if since is None:
        return None
    store = RunStore.open(since["folder"])
    for table in _TAKEN:
        entry = store.manifest["tables"].get(table.name, {})
        if entry.get("content_hash") != since["content_hashes"][table.name]:
            raise RunError(f"run {since['run_id']}", "was made anew since this run was begun", "run the plan again")
    return Run(run.spark, store, run.progress)


def all_marginals(run: Run) -> DataFrame:
    """Exact counts of all values: of a run that adds, those of the earlier run and of the new records, added.

    See `encode.marginals`.
    """
    earlier = earlier_of(run)
    if earlier is None:
        return codes.marginals(run.kept(tables.RECORDS).frame, run.fields)
    new = codes.marginals(run.kept(tables.NEW_RECORDS).frame, run.fields)
    both = earlier.kept(tables.DOMAIN).frame.unionByName(new)
    return both.groupBy("column", "value").agg(F.sum("count").alias("count"))


def all_codes(run: Run) -> DataFrame:
    """Distinct records of codes, all together; see `encode.codes`. Of a run that adds, what changed is kept, too.

    Raises:
        InputError: a column identifies records, seen over all of them.
    """
    earlier, domain = earlier_of(run), run.domain
    if earlier is None:
        return codes.codes(run.kept(tables.RECORDS).frame, domain, run.records)
    _check_identifiers(run)
    moves, width = renumbering(earlier.domain, domain), len(domain.columns)
    new = run.kept(tables.NEW_RECORDS)
    changes = [codes.coded(new.frame, domain, new.rows)]
    came = arrived(earlier.domain, domain)
    if came:  # values of lists that were too rare for a column: the few records that hold one are coded anew
        held = [F.arrays_overlap(F.col(f"c{field}"), _texts(values)) for field, values in came.items()]
        concerned = tables.positional(earlier.kept(tables.RECORDS).frame).where(reduce(Column.__or__, held))
        before = codes.codes(concerned, earlier.domain, new.rows)
        changes += [codes.coded(concerned, domain, new.rows), codes.recoded(before, moves, new.rows, sign=-1)]
    changed = run.keep(tables.CHANGED_CODES, codes.merged(changes, width))  # one row a distinct record: came, or went
    old = codes.recoded(earlier.kept(tables.CODES).frame, moves, run.records)
    return codes.merged([old, codes.recoded(changed.frame, renumbering(domain, domain), run.records)], width)


def summed_counts(run: Run) -> DataFrame | None:
    """Exact counts of all combinations, the earlier ones and those of what changed, added; see `combinations.count`.

    Returns:
        None where there is nothing to add to, or it cannot be: rare combinations were left out of the earlier counts,
        or are now; or there were fewer columns than R before.
    """
    earlier = earlier_of(run)
    if earlier is None:
        return None
    before, now = earlier.resolved, run.resolved
    if before.prunes or now.prunes or before.length < now.length:
        run.progress.say("counts cannot be added here: all combinations are counted again")
        return None
    changed = run.kept(tables.CHANGED_CODES)
    few = replace(now, distinct=max(1, changed.rows))
    moves = renumbering(earlier.domain, run.domain)
    parts = [combinations.renumbered(earlier.kept(tables.COUNTS).frame, moves, now.length)]
    for sign in (1, -1) if arrived(earlier.domain, run.domain) else (1,):  # else nothing went
        part = changed.frame.where(F.col("multiplicity") * sign > 0).withColumn("multiplicity", F.abs("multiplicity"))
        parts.append(combinations.partial(part, now.cells, few.counting_tasks, few.counting_block, sign=sign))
    return combinations.added(reduce(DataFrame.unionAll, parts))


def published_before(run: Run) -> Run | None:
    """The last run before this one, of those that it was added to, that was published; None if none was.

    Raises:
        RunError: the folder of one of them is gone, so that nobody knows what was published.
    """
    since = run.store.facts.get("since")
    while since is not None:
        store = RunStore.open(since["folder"])
        if store.done("publish"):
            return Run(run.spark, store, run.progress)
        since = store.facts.get("since")
    return None


def _check(earlier: Run, run: Run) -> None:
    """Refuse an earlier run whose counts are not those that a full run would have of its files."""
    store = earlier.store
    name, manifest = f"run {store.run_id}", store.manifest
    missing = [stage for stage in _STAGES if not store.done(stage)]
    if missing:
        raise RunError(name, f"has not completed its stage '{missing[0]}'", "resume it first, or name another run")
    if manifest["versions"] != run.store.manifest["versions"]:
        raise RunError(name, "was made by another version of synth-spark", _FULL)
    key = other_key(run.plan, earlier.plan)
    if key is not None:
        raise RunError(key, f"is not as in {name}, to whose counts is added", f"set it as there, or {_FULL}")
    if store.facts.get("inventory") is None:
        raise RunError(name, "does not tell which files it has read", _FULL)
    for table in _TAKEN:
        entry = manifest["tables"].get(table.name)
        if entry is None or "hash_sums" not in entry:
            raise RunError(name, f"does not hold its table {table.name} any more", _FULL)
        if table is not tables.RECORDS:  # which is compared while it is copied
            store.verify(table)


def other_key(plan: Plan, other: Plan) -> str | None:
    """The first key, by name, in which two plans differ as to what records and counts are; None if in none."""
    mine, theirs = _decisive(plan), _decisive(other)
    return next((key for key in sorted(mine.keys() | theirs.keys()) if mine.get(key) != theirs.get(key)), None)


def _decisive(plan: Plan) -> dict[str, Any]:
    """The keys of a plan that decide what records and counts are, by dotted name."""
    content = plan.model_dump(mode="json", include={"input", "privacy", "reporting_length"})
    content["privacy"].pop("stepwise", None)
    for key in _WHERE:
        content["input"].pop(key)
        for source in content["input"]["sources"].values():
            source.pop(key, None)
    keys = {f"input.{key}": value for key, value in content["input"].items()}
    keys |= {f"privacy.{key}": value for key, value in content["privacy"].items()}
    return {**keys, "reporting_length": content["reporting_length"]}


def _check_identifiers(run: Run) -> None:
    """As `read.check` does of records that are read all at once; here exact numbers are known."""
    columns, numbers = run.marginals["column"].to_numpy(), run.marginals["count"].to_numpy()
    distinct = np.bincount(columns, minlength=len(run.fields))
    filled = np.bincount(columns, numbers, len(run.fields))
    for index, field in enumerate(run.fields):
        if not field.many:
            read.check_identifier(field.name, int(distinct[index]), int(filled[index]), run.plan.input)


def _texts(values: list[str]) -> Column:
    return F.array(*map(F.lit, values))
