"""How the stages of a run follow each other, and how one of them is run anew."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from synth_spark.errors import PlanError, RunError
from synth_spark.pipeline.accounts import check_drawn
from synth_spark.pipeline.run import Run
from synth_spark.plan import nearest
from synth_spark.runtime import faults
from synth_spark.runtime.session import described
from synth_spark.schema.tables import Table
from synth_spark.storage.run_store import RunStore


@dataclass(frozen=True)
class Stage:
    """A stage: what it does, in a word for progress, the tables it keeps, and those of them that hold noise."""

    work: Callable[[Run], object]
    what: str
    keeps: tuple[Table, ...]
    draws: tuple[Table, ...] = ()


def check_again(store: RunStore, stages: Mapping[str, Stage], name: str) -> None:
    """Refuse to run a stage anew that cannot be: before Spark is asked for anything, and before anything is written.

    Args:
        store: the run folder.
        stages: all of its line, by name, in order.
        name: of the stage.

    Raises:
        PlanError: there is no such stage.
        RunError: the run was purged, the stage before it is not completed, or noise would be drawn anew.
        BudgetError: the stage draws, and the ledger knows draws of this run that its folder does not hold.
    """
    order = list(stages)
    if name not in stages:
        raise PlanError(f"stage '{name}'", "does not exist", f"did you mean {nearest(name, order)}?")
    store.check_not_purged()
    for earlier in order[: order.index(name)]:
        if not store.done(earlier):
            needs = f"needs the stage '{earlier}' before it"
            raise RunError(f"stage '{name}'", needs, "run that first: synth-spark resume RUN")
    if store.done(name) and _has_drawn(store, stages, name):
        problem = "would draw noise again for the same records, which the budget does not hold"
        raise RunError(f"stage '{name}'", problem, "make a new release; later stages can be run anew")
    if stages[name].draws:
        check_drawn(store)


def _has_drawn(store: RunStore, stages: Mapping[str, Stage], name: str) -> bool:
    """Whether a stage, or one after it, has drawn noise."""
    order = list(stages)
    drawn = [table for stage in order[order.index(name) :] for table in stages[stage].draws]
    return any(table.name in store.manifest["tables"] for table in drawn)


@dataclass(frozen=True)
class Runner:
    """Runs the stages of a run.

    Attributes:
        run: the run.
        stages: all of its line, by name, in order.
    """

    run: Run
    stages: Mapping[str, Stage]

    def resume(self) -> None:
        """Run every stage that has not been completed, in order.

        Raises:
            RunError: a kept table is not what was written, the run was purged, or another process works on it.
            BudgetError: the ledger knows draws of this run that its folder does not hold.
        """
        store = self.run.store
        store.check_not_purged()
        check_drawn(store)
        with store.alone(), self.run.ahead.allowed():
            self.check_kept(list(self.stages))
            store.clean()
            for name in self.stages:
                if not store.done(name):
                    self.work(name)

    def check_kept(self, of: Collection[str]) -> None:
        """Compare the tables that stages have kept with the hashes taken when they were written.

        Of a stage that is to be run anew only noise that was drawn matters: the rest is written again.

        Raises:
            RunError: one is torn, missing or changed: nothing can be made of it.
        """
        for name, stage in self.stages.items():
            matter = stage.keeps if self.run.store.done(name) else stage.draws
            for table in matter if name in of else ():
                if not self.run.store.is_whole(table.name):
                    again = f"run its stage again: synth-spark stage {name} RUN, then synth-spark resume RUN"
                    lost = _has_drawn(self.run.store, self.stages, name)
                    remedy = "make a new release: noise that was drawn is not drawn again" if lost else again
                    raise RunError(f"table {table.name}", "is not what was written", remedy)

    def again(self, name: str) -> None:
        """Run one stage, from tables that are checked first; see `work`.

        Raises:
            PlanError: there is no such stage.
            RunError: a table of a stage before it is not what was written, another process works on this run, or as
                `work` does.
        """
        order = list(self.stages)
        check_again(self.run.store, self.stages, name)
        with self.run.store.alone():
            self.check_kept(order[: order.index(name)])
            self.work(name)

    def work(self, name: str) -> None:
        """Run one stage, anew if it was completed before; what later stages had made of it is dropped.

        Raises:
            PlanError: there is no such stage.
            RunError: the stage before it is not completed, or noise would be drawn anew.
        """
        run = self.run
        check_again(run.store, self.stages, name)
        self.forget(name)
        named = described(run.spark, run.store.run_id, name)
        with named, run.progress.stage(name, self.stages[name].what), run.store.stage(name):
            faults.point(f"stage.{name}.before")
            self.stages[name].work(run)
            faults.point(f"stage.{name}.after")
        faults.point(f"stage.{name}.done")

    def forget(self, name: str) -> None:
        """Drop what a stage and those after it have kept, but for noise that was drawn."""
        later, drawn = self._from(name), self._drawn(name)
        keeps = [table for stage in later for table in self.stages[stage].keeps if table not in drawn]
        self.run.store.forget(later, keeps)

    def _from(self, name: str) -> list[str]:
        """A stage and those after it."""
        order = list(self.stages)
        return order[order.index(name) :]

    def _drawn(self, name: str) -> list[Table]:
        """Tables of noise that a stage and those after it draw."""
        return [table for stage in self._from(name) for table in self.stages[stage].draws]
