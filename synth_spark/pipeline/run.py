"""A run in progress: what every stage works with."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import comb
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from synth_spark import evaluate
from synth_spark.encode import codes as encode
from synth_spark.encode.protected_counts import protect
from synth_spark.kernels.cells import Ints
from synth_spark.kernels.counting.association import Singles
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline.ahead import Ahead
from synth_spark.pipeline.policy import POLICIES, Policy
from synth_spark.plan import Plan
from synth_spark.plan.planner import ResolvedPlan, resolve
from synth_spark.privacy import Spending, measurable_triples, spend
from synth_spark.privacy.mechanisms import Noise, VettedNoise
from synth_spark.schema import tables
from synth_spark.schema.domain import Domain
from synth_spark.schema.fields import Field
from synth_spark.schema.tables import Kept, Sensitivity, Table
from synth_spark.storage.hashing import sha256_of_text
from synth_spark.storage.run_store import RunStore
from synth_spark.storage.runs.written import Written

#: Records, and combinations of their values, up to which every table is written by one task, as one file.
FEW_RECORDS, FEW_COMBINATIONS = 2_000, 10_000_000


@dataclass(frozen=True)
class Run:
    """A run in progress: its session, folder and plan, and the results of the stages so far."""

    spark: SparkSession
    store: RunStore
    progress: Progress
    noise: Noise = field(default_factory=VettedNoise)
    _kept: dict[str, Kept] = field(default_factory=dict, repr=False, compare=False)
    _singles: dict[tuple[str, int], Singles] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def ahead(self) -> Ahead:
        """Parts of later stages that run beside earlier ones, while stages follow each other."""
        return Ahead(self.spark, self.store.run_id)

    @cached_property
    def plan(self) -> Plan:
        """The effective plan."""
        return self.store.plan

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The columns of the records, as they were read."""
        return tuple(Field(**field) for field in self.store.facts["fields"])

    @cached_property
    def marginals(self) -> pa.Table:
        """One row an attribute: ``column``, ``value``, ``count``, from the kept DOMAIN."""
        return self.kept(tables.DOMAIN).arrow()

    @property
    def records(self) -> int:
        """Number of records n. SENSITIVE."""
        return int(self.store.facts["records"])

    @property
    def policy(self) -> Policy:
        """What follows from the kind of privacy."""
        return POLICIES[self.plan.privacy.kind]

    @cached_property
    def domain(self) -> Domain:
        """The input's fields and values; under differential privacy those that may be published, and nothing else."""
        return self.policy.domain(self)

    @cached_property
    def values(self) -> pa.Table:
        """One row a value that may be published, or absent: ``column``, ``value``, ``count`` (noisy), ``sigma``."""
        return self.kept(tables.VALUES).arrow()

    @cached_property
    def never_null(self) -> list[bool]:
        """For every column, whether it is known to be never absent."""
        return self.policy.never_null(self)

    @property
    def rare_below(self) -> int:
        """Below how many records a combination is called rare: k, or as the plan says where privacy has none."""
        return self.policy.rare_below(self.plan)

    @property
    def spending(self) -> Spending:
        """What differential privacy may cost, step by step; the same before and after values are known."""
        values_known = tables.VALUES.name in self.store.manifest["tables"]
        several = any(one.many for one in self.fields)
        lengths = self.plan.reporting_length if several else min(self.plan.reporting_length, len(self.fields))
        columns = len(self.domain.columns) if values_known else len(self.fields)
        triples = len(self.measurable_triples) if values_known else None
        drawn = self.store.facts.get("drawn", {})
        return spend(self.plan, lengths, columns, drawn.get("rho"), drawn.get("domain_share"), triples)

    @property
    def table_sizes(self) -> list[int]:
        """Places of the table of every column that is counted; absent is one, where the column may be absent."""
        return self.domain.table_sizes(self.never_null)

    @cached_property
    def measurable_triples(self) -> Ints:
        """(t, 3) the triples of columns whose tables differential privacy may measure, once values are known."""
        return measurable_triples(self.plan, self.table_sizes)

    @property
    def growth_seed(self) -> int:
        """The seed of records that are grown from sensitive ones: of the run's seed and all coded records. SENSITIVE.

        The same seed and records give the same choices, whatever the partitions. Who guesses the seed alone cannot make
        them again; else what rounding took out of which record would tell counts exactly.
        """
        records = self.store.manifest["tables"][tables.CODES.name]["hash_sums"]  # which a purge removes
        return int(sha256_of_text("/".join([str(self.store.seed), *records])), 16)

    @cached_property
    def resolved(self) -> ResolvedPlan:
        """The numbers of this run."""
        domain, distinct = self.domain, self.kept(tables.CODES).rows
        filled = -(-sum(sum(column.counts) for column in domain.columns) // max(1, self.records))
        resolved = resolve(self.plan, tuple(domain.names), domain.cards, self.records, distinct, filled)
        step = self.store.facts.get("step")
        return resolved if step is None else replace(resolved, stepped=True, lowered_records=step["lowered_records"])

    def note_step(self, step: dict[str, Any] | None) -> None:
        """Remember that counts follow those of earlier releases in steps, and how; or that they do not."""
        self.store.facts["step"] = step
        self.__dict__.pop("resolved", None)

    def kept(self, table: Table) -> Kept:
        """A table kept by an earlier stage; while its files are the same, so is the frame that reads them."""
        kept, cached = self.store.kept(self.spark, table), self._kept.get(table.name)
        if cached is None or (cached.folder.address, cached.files) != (kept.folder.address, kept.files):
            self._kept[table.name] = kept
        return self._kept[table.name]

    def single_counts(self, table: Table, records: int) -> Singles:
        """What a kept table of counts of so many records says of single attributes; looked up once a process."""
        if table is tables.COUNTS and self.policy.exact_domain:
            return Singles(self.domain.single_counts(self.resolved.k if self.resolved.prunes else 1), records)
        kept = self.kept(table)
        key = (kept.content_hash, records)
        if key not in self._singles:
            self._singles[key] = evaluate.single_counts(kept.frame, self.resolved.cells, records)
        return self._singles[key]

    @cached_property
    def lowered_singles(self) -> Ints:
        """(A,) by how many multiples of k the count of each attribute with count ≥ k is published lower."""
        common = self.domain.single_counts() >= self.resolved.k
        return self.single_counts(tables.LOWERED, 0).counts[common] // self.resolved.k

    @cached_property
    def published_singles(self) -> Singles:
        """Single counts as they are published under k-anonymity: rounded down, few of them lowered further."""
        k, exact = self.resolved.k, self.single_counts(tables.COUNTS, self.records)
        lowered = self.single_counts(tables.LOWERED, 0).counts
        return Singles(protect(exact.counts, k) - lowered, self.resolved.protected_records)

    @property
    def is_small(self) -> bool:
        """Whether no table of the run has many rows: one task then writes each, as one file, without a shuffle."""
        facts = self.store.facts
        if facts.get("records", FEW_RECORDS + 1) > FEW_RECORDS:
            return False
        tuples = sum(comb(len(facts["fields"]), length) for length in range(1, self.plan.reporting_length + 1))
        return int(facts["records"]) * tuples <= FEW_COMBINATIONS

    def write(self, table: Table, rows: DataFrame | pa.Table) -> Written:
        """Write a table, to be kept later; what the driver made, an Arrow table, is written without a job.

        How many files a table has that may be published follows from protected counts, never from exact ones.
        """
        if isinstance(rows, pa.Table):
            return self.store.write_rows(table, rows)
        one = table.sensitivity is not Sensitivity.SAFE and self.is_small
        return self.store.write_frame(table, rows.coalesce(1) if one else rows)

    def keep(self, table: Table, rows: DataFrame | pa.Table | Written) -> Kept:
        """Write a table, unless that was done, and read it back."""
        written = rows if isinstance(rows, Written) else self.write(table, rows)
        kept = self.store.keep(self.spark, table, written)
        # exact numbers of sensitive rows stay inside the run folder
        shown = kept.rows if table.sensitivity is Sensitivity.SAFE else None
        seconds = self.store.manifest["tables"][table.name]["seconds"]
        if self.progress.run_id == self.store.run_id:  # and not a trial inside another run
            self.progress.event("table_kept", table=table.name, rows=shown, seconds=seconds)
        return kept

    def keep_domain(self, attributes: DataFrame | Written) -> None:
        """Keep the exact domain, one row an attribute and its count, of a size and of text that can be coded."""
        kept = self.keep(tables.DOMAIN, attributes)
        encode.check_size(kept.rows)
        encode.check_text(self.marginals, self.fields)

    def keep_once(self, table: Table, make: Callable[[], DataFrame | pa.Table]) -> Kept:
        """Write a table that holds noise, unless it was written before: what was drawn is never drawn again."""
        if table.name in self.store.manifest["tables"]:
            return self.kept(table)
        return self.keep(table, make())

    def once(self, name: str, draw: Callable[[], Any]) -> Any:
        """Something small that is drawn, or computed, once, and kept."""
        drawn = self.store.facts.setdefault("drawn", {})
        if name not in drawn:
            drawn[name] = draw()
            self.store.save()
        return drawn[name]
