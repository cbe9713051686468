"""Trying several plans on a sample of the records, before one is chosen. Nothing is published. SENSITIVE.

Parameters that are chosen by looking at exact figures tell of the records. Under k-anonymity that is as much as the
choice itself tells; differential privacy has to pay for it, and so is not tuned here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

import synth_spark.plan as plans
from synth_spark.errors import InputError, PlanError, ResourceError
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import api
from synth_spark.pipeline.run import Run
from synth_spark.plan import Plan
from synth_spark.plan.addresses import scheme_of
from synth_spark.schema import tables
from synth_spark.storage import new_runs
from synth_spark.storage.run_store import RunStore
from synth_spark.tuning.comparability import Outcome, by_guarantee, kept_of, reference
from synth_spark.tuning.comparison import called, differing, outcomes

#: The stages that tell how useful a release would be.
_STAGES = ("encode", "aggregate", "synthesize", "evaluate")
#: Share of the pairs that a release should keep.
_WANTED = 0.9


@dataclass(frozen=True)
class Grid:
    """What is tried: every combination of these.

    Attributes:
        ks: privacy resolutions.
        lengths: reporting lengths.
        kinds: ways of synthesis.
        sample: most records.
    """

    ks: tuple[int, ...]
    lengths: tuple[int, ...]
    kinds: tuple[str, ...]
    sample: int


def tune(run: Run, grid: Grid, folder: str | Path) -> list[Outcome]:
    """Try every plan of a grid on the same sample.

    Args:
        run: a run of the plan that is varied, nothing of which is done yet.
        grid: what is tried.
        folder: of the run folders that are made, on this machine or in a store.

    Returns:
        One outcome a plan that could be tried, in the order of the grid.

    Raises:
        PlanError: the plan is under differential privacy, or nothing of the grid could be tried.
    """
    check(run.plan, grid, folder)
    api.work(run, "read")
    sample = _sample(run.kept(tables.RECORDS).frame, grid.sample, run.store.seed)
    first: Run | None = None
    folders = []
    for k, length, kind in product(grid.ks, grid.lengths, grid.kinds):
        name = _name(k, length, kind)
        trial = _trial(run, _varied(run.plan, folder, name, k, length, kind), sample if first is None else first)
        first = first or trial
        try:
            with run.progress.stage("tune", f"trying {name}"):
                for stage in _STAGES:
                    api.work(trial, stage)
            folders.append(trial.store.address)
        except (InputError, PlanError, ResourceError) as error:
            run.progress.say(f"{name} was left out: {error.field}: {error.problem}")
    if not folders:
        raise PlanError("grid", "holds no plan that works on the sample", "try lower k, or a larger sample")
    return outcomes(folders)


def check(plan: Plan, grid: Grid, folder: str | Path) -> None:
    """Refuse what cannot be tried, before any work; nothing is made but what `new_runs.check_new` leaves in a store.

    Args:
        plan: the plan that is varied.
        grid: what is tried.
        folder: of the run folders that are made, on this machine or in a store.

    Raises:
        PlanError: the plan is under differential privacy, or the grid holds a value that no plan can have.
        RunError: a run folder cannot be made, or is there already.
    """
    if plan.privacy.noisy:
        problem = "would be chosen by exact figures, which the budget does not pay for"
        raise PlanError("privacy.epsilon", problem, "see what it buys beforehand: synth-spark plan PLAN --epsilon …")
    if grid.sample < 1:
        raise PlanError("--sample", "is below 1", "give a number of records, such as 20000")
    for k, length, kind in product(grid.ks, grid.lengths, grid.kinds):
        varied = _varied(plan, folder, _name(k, length, kind), k, length, kind)
        new_runs.check_new(varied, str(varied.run_id))


def advice(outcomes: Sequence[Outcome]) -> str:
    """The largest k that still keeps what a release should, in a sentence for each guarantee that plans give.

    What is kept is counted of the same pairs for all: those that are common under the least k that was tried.
    """
    base = reference(outcomes)
    if base is None:
        return "No pairs were counted of the same records under every plan: none is recommended."
    groups, texts = by_guarantee(outcomes), []
    pairs = f"the {base.figure('common', 2) or 0:,.0f} pairs that at least {base.k} records of the sample hold"
    for what, ones in groups.items():
        among = f"Of the plans that promise {what}: " if len(groups) > 1 else ""
        shares = {one.run_id: kept_of(one, base, 2) or 0.0 for one in ones}
        good = [one for one in ones if shares[one.run_id] >= _WANTED]
        if not good:
            texts.append(f"{among}No plan keeps {_WANTED:.0%} of {pairs}: make values coarser, or lower k.")
            continue
        best = max(good, key=lambda one: (one.k, shares[one.run_id]))
        name = called(best, differing(outcomes))
        texts.append(
            f"{among}The largest k that keeps {_WANTED:.0%} of {pairs}: {name}, with {shares[best.run_id]:.1%}."
        )
    return " ".join([*texts, "A larger table keeps more than its sample does."])


def _name(k: int, length: int, kind: str) -> str:
    return f"k{k}-R{length}-{kind}"


def _varied(plan: Plan, folder: str | Path, name: str, k: int, length: int, kind: str) -> Plan:
    content = plan.model_dump(mode="json")
    content["privacy"]["k"], content["reporting_length"], content["synthesis"]["kind"] = k, length, kind
    if kind != "value_seeded":
        content["synthesis"]["oversampling"] = None
    content.update(work=str(folder), run_id=name, seed=plan.seed if plan.seed is not None else 0)
    return plans.parse(content)


def _trial(run: Run, plan: Plan, records: "DataFrame | Run") -> Run:
    """A run whose records are read already."""
    trial = Run(run.spark, RunStore.create(plan), Progress(quiet=True))
    frame = records.kept(tables.RECORDS).frame if isinstance(records, Run) else records
    with trial.store.stage("read"):
        kept = trial.keep(tables.RECORDS, frame)
        trial.store.facts.update(fields=run.store.facts["fields"], records=kept.rows)
    return trial


def _sample(records: DataFrame, most: int, seed: int) -> DataFrame:
    """The records with the smallest hashes, of equal ones all or some: whatever the partitions."""
    columns = [F.col(name) for name in records.columns]
    shuffled = F.xxhash64(F.lit(seed % (1 << 62)), *columns)
    return records.orderBy(shuffled, *columns).limit(most)


def default_folder(plan: Plan) -> str:
    """Where trials go if nobody says: beside the run folders, on this machine or in a store."""
    name = f"tune-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    return str(plan.work_folder / name) if scheme_of(plan.work_address) is None else f"{plan.work_address}/{name}"
