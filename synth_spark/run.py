"""A run in progress: what every stage works with, and how stages follow each other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from synth_spark import tables
from synth_spark.domain import Domain, build
from synth_spark.errors import RunError
from synth_spark.fields import Field
from synth_spark.plan import Plan, nearest
from synth_spark.progress import Progress
from synth_spark.resolve import Resolved, resolve
from synth_spark.tables import Kept, Table
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
    def fields(self) -> tuple[Field, ...]:
        """The columns of the records, as they were read."""
        return tuple(Field(**field) for field in self.workspace.facts["fields"])

    @cached_property
    def marginals(self) -> pa.Table:
        """One row an attribute: ``column``, ``value``, ``count``, from the kept DOMAIN."""
        return self.kept(tables.DOMAIN).frame.toArrow()

    @cached_property
    def domain(self) -> Domain:
        """The input's fields and values."""
        return build(self.fields, self.marginals, self.workspace.facts["records"], self.plan.privacy.k)

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

    def resume(self, stages: Mapping[str, "Stage"]) -> None:
        """Run every stage that has not been completed, in order."""
        for name in stages:
            if not self.workspace.done(name):
                self.work(stages, name)

    def work(self, stages: Mapping[str, "Stage"], name: str) -> None:
        """Run one stage, anew if it was completed before; what later stages had made of it is dropped.

        Raises:
            RunError: there is no such stage, or the stage before it is not completed.
        """
        order = list(stages)
        if name not in stages:
            raise RunError(f"stage '{name}'", "does not exist", f"did you mean {nearest(name, order)}?")
        before, later = order[: order.index(name)], order[order.index(name) :]
        for earlier in before:
            if not self.workspace.done(earlier):
                needs = f"needs the stage '{earlier}' before it"
                raise RunError(f"stage '{name}'", needs, "run that first: synth-spark resume RUN")
        self.workspace.forget(later, [table for stage in later for table in stages[stage].keeps])
        with self.progress.stage(name, stages[name].what), self.workspace.stage(name):
            stages[name].work(self)


@dataclass(frozen=True)
class Stage:
    """A stage: what it does, in a word for progress, and the tables it keeps."""

    work: Callable[[Run], None]
    what: str
    keeps: tuple[Table, ...]
