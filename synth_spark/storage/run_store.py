"""A run's folder: every stage's tables as written, and the manifest that makes the run explainable and resumable.

The folder is SENSITIVE. It is on this machine or in a store: `storage.runs`. ``docs/run-folder.md`` lists what
is in it::

    RUN/manifest.json            what was kept: rows, content hashes, seconds, files with SHA-256; plan, versions, seed,
                                 key of the order of rows
    RUN/tables/<name>/*.parquet  the kept tables, and nothing beside their files

A table that the manifest names is whole: it is named once it is complete. Reading one back cuts Spark's lineage:
nothing is ever computed twice.
"""

import json
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

import synth_spark.plan as plans
from synth_spark.errors import RunError
from synth_spark.plan import Plan
from synth_spark.runtime import faults
from synth_spark.schema.arrow_types import spark_schema
from synth_spark.schema.tables import Kept, Sensitivity, Table
from synth_spark.storage import new_runs
from synth_spark.storage.files import disk_errors
from synth_spark.storage.hashing import SUMS, arrow_sums, hash_of, hash_sums, sums_of
from synth_spark.storage.local_places import LocalPlace
from synth_spark.storage.places import Place
from synth_spark.storage.runs import copies
from synth_spark.storage.runs.folders import RunFolder, TableFolder, run_folder
from synth_spark.storage.runs.written import Written, columns_of, parquet_options

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

#: What a file's name begins with in a table that was put together.
_NUMBER = re.compile(r"^\d{5}-")


class RunStore:
    """The folder of one run.

    Attributes:
        address: where it is: a path, or an address of a store.
        place: the folder, for small files.
        work: the folder of run folders that it is in.
        manifest: its content, JSON-ready; saved after every change.
    """

    def __init__(self, run: RunFolder, manifest: dict[str, Any]) -> None:
        self._run, self.address, self.place, self.work = run, run.address, run.place, run.work
        self.manifest = manifest

    @classmethod
    def create(cls, plan: Plan, run_id: str | None = None) -> "RunStore":
        """Make a new run folder, readable by its owner only.

        Args:
            plan: what is asked for.
            run_id: name of the run; default: see `new_runs.name_of`.

        Raises:
            RunError: the run exists, or the folder cannot be made.
            PlanError: it would be inside the folder of the published tables.
        """
        run_id = run_id or new_runs.name_of(plan)
        new_runs.check_new(plan, run_id)
        run = run_folder(f"{plan.work_address}/{run_id}")
        store = cls(run, new_runs.first_manifest(plan, run_id))
        if not run.make():
            raise new_runs.exists(plan, run_id)
        store.save()
        return store

    @classmethod
    def open(cls, folder: str | Path, for_removal: bool = False) -> "RunStore":
        """Open an existing run folder.

        Args:
            folder: the run folder.
            for_removal: whether it is to be purged, which removes links and follows none.

        Raises:
            RunError: there is none, it is of another format, or it leads elsewhere.
        """
        run = run_folder(folder)
        return cls(run, run.manifest(for_removal))

    @property
    def folder(self) -> Path:
        """Its path.

        Raises:
            RunError: it is in a store.
        """
        if self.path is None:
            remedy = "use a run folder of this machine"
            raise RunError(f"run {self.address}", "is in a store, which cannot be done there", remedy)
        return self.path

    @property
    def path(self) -> Path | None:
        """Its path; None where it is in a store."""
        return self.place.folder if isinstance(self.place, LocalPlace) else None

    @property
    def full_address(self) -> str:
        """Where it is, for those who are elsewhere: of this machine its absolute path."""
        return self.address if self.path is None else str(self.path.absolute())

    def where(self, name: str) -> str:
        """Where a document of it is, as people are told."""
        return f"{self.address}/{name}" if self.path is None else str(self.path / name)

    @property
    def turn(self) -> int:
        """Which of those who have worked on the run in a store this process is; on this machine 1."""
        return self._run.turn

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return str(self.manifest["run_id"])

    @property
    def plan(self) -> Plan:
        """The effective plan."""
        return plans.parse(self.manifest["plan"])

    @property
    def seed(self) -> int:
        """The seed of the content of everything random. SENSITIVE."""
        return int(self.manifest["seed"])

    @property
    def order_key(self) -> int:
        """The key of the order of published rows: of the operating system, whatever the seed is. SENSITIVE."""
        return int(self.manifest["order_key"], 16)

    @property
    def facts(self) -> dict[str, Any]:
        """Small things that stages leave for later ones: names, numbers of records. SENSITIVE."""
        facts: dict[str, Any] = self.manifest["facts"]
        return facts

    def save(self) -> None:
        """Write the manifest, atomically.

        Raises:
            RunError: the disk is full, or the place refuses; or in a store another process works on the run by now.
        """
        self._run.save(json.dumps(self.manifest, indent=1, ensure_ascii=False), self.run_id)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Record that a stage is done, when it began and how long it took, when its body ends without an error."""
        started, start = faults.now(), time.monotonic()
        yield
        self.manifest["stages"][name] = {
            "seconds": round(time.monotonic() - start, 3),
            "started": started.isoformat(timespec="milliseconds"),
            "finished": faults.now().isoformat(timespec="milliseconds"),
        }
        self.save()

    def alone(self) -> AbstractContextManager[None]:
        """Be the only process that works on this run.

        On this machine the operating system lets go when the process ends, however that happens. In a store
        whoever comes last goes on, and the one before ends with an error when it saves its manifest next.

        Raises:
            RunError: another process does, or did since the manifest was read.
        """
        return self._run.alone(self.run_id, self._check_same)

    def _check_same(self, saved: dict[str, Any]) -> None:
        if saved["stages"] != self.manifest["stages"] or saved["tables"].keys() != self.manifest["tables"].keys():
            raise RunError(f"run {self.run_id}", "has gone on meanwhile", "resume it once more")

    def clean(self) -> None:
        """Remove what killed processes have left of tables in a store; who works there alone does that."""
        self._run.clean([self._where(name) for name in self.manifest["tables"]])

    def done(self, stage: str) -> bool:
        """Whether a stage has been completed."""
        return stage in self.manifest["stages"]

    @property
    def purged(self) -> str | None:
        """When what the run kept was removed; None if it was not."""
        record: dict[str, str] = self.manifest.get("purged", {})
        return record.get("finished", record.get("started"))

    def check_not_purged(self) -> None:
        """Raise `RunError` if what the run kept was removed."""
        if self.purged is not None:
            problem = f"was purged ({self.purged}): its kept tables and its seed are gone"
            raise RunError(f"run '{self.run_id}'", problem, "make a new release; what was published stands")

    def forget(self, stages: list[str], tables: list[Table]) -> None:
        """Drop stages and their tables, to run them anew."""
        for stage in stages:
            self.manifest["stages"].pop(stage, None)
        gone = [self._where(table.name) for table in tables if table.name in self.manifest["tables"]]
        for table in tables:
            self.manifest["tables"].pop(table.name, None)
        self.save()
        for where in gone:
            self._run.drop(where)

    def write_frame(self, table: Table, frame: "DataFrame") -> Written:
        """Write a table beside its place. The manifest is not touched: other threads may work on it.

        Raises:
            RunError: the disk is full, or refuses.
        """
        from pyspark.sql import Observation  # who only looks at a run folder needs no Spark
        from pyspark.sql import functions as F

        start, observed, where = time.monotonic(), Observation(f"keep_{table.name}"), self._run.new(table.name)
        frame = faults.in_tasks(f"keep.{table.name}.tasks", frame)
        hashed = frame.observe(observed, F.count(F.lit(1)).alias("rows"), *hash_sums(frame.columns))
        with disk_errors(f"table {table.name}"):
            written = hashed.write.mode("overwrite").options(**parquet_options(table))
            written.parquet(self._run.table(where).spark_address)
            metrics = observed.get
            self._run.tidy(where)
        schema = frame.schema.jsonValue()
        return Written(metrics["rows"], sums_of(metrics), schema, time.monotonic() - start, where)

    def write_rows(self, table: Table, rows: pa.Table) -> Written:
        """Write a small table that the driver made, by the same rules as `write_frame`; no job is started for it.

        Raises:
            RunError: the disk is full, or refuses.
        """
        start, where = time.monotonic(), self._run.new(table.name)
        with disk_errors(f"table {table.name}"):
            hashes = self._run.write_rows(where, rows)
        schema = spark_schema(rows.schema)
        return Written(rows.num_rows, arrow_sums(rows), schema, time.monotonic() - start, where, hashes)

    def keep(self, spark: "SparkSession", table: Table, written: Written) -> Kept:
        """Put a table that was written in its place, and that of one before; record it, and give it back as read there.

        Raises:
            RunError: the disk is full, or refuses.
        """
        point, before = f"keep.{table.name}", self._where(table.name)
        with disk_errors(f"table {table.name}"):
            faults.point(f"{point}.rename")
            where = self._run.settle(table.name, written.where)
            faults.point(f"{point}.renamed")
        self._enter(spark, table, written, where)
        if before not in (where, table.name):
            self._run.drop(before)
        return self.kept(spark, table)

    def assemble(self, spark: "SparkSession", table: Table, parts: Sequence[tuple["RunStore", Table]]) -> Kept:
        """Put tables of the same columns together, file by file; no row is read, and what is copied is compared.

        Args:
            spark: the session.
            table: what they become.
            parts: kept tables, each with its run folder.

        Raises:
            RunError: a part has other columns, or its files are not those that were written.
        """
        start, where = time.monotonic(), self._run.new(table.name)
        self._run.drop(where)
        entries = [store.manifest["tables"][part.name] for store, part in parts]
        hashes: dict[str, str] = {}
        for (store, part), entry in zip(parts, entries, strict=True):
            if columns_of(entry["schema"]) != columns_of(entries[0]["schema"]):
                raise RunError(f"table {part.name}", f"of run {store.run_id} has other columns", "make a full run")
            numbered = enumerate(sorted(entry["files"]), len(hashes))
            names = {f"{at:05d}-{_NUMBER.sub('', name)}": name for at, name in numbered}
            hashes |= store.copied(spark, part, names, self._run.table(where))
        rows = sum(entry["rows"] for entry in entries)
        sums = [sum(int(entry["hash_sums"][at]) for entry in entries) for at in range(len(SUMS))]
        return self.keep(
            spark, table, Written(rows, sums, entries[0]["schema"], time.monotonic() - start, where, hashes)
        )

    def _enter(self, spark: "SparkSession", table: Table, written: Written, where: str) -> None:
        """Enter a table that is in its place into the manifest."""
        entry = {
            "grain": table.grain,
            "sensitivity": table.sensitivity.name,
            "rows": written.rows,
            "content_hash": hash_of(written.rows, written.sums),
            "hash_sums": [str(total) for total in written.sums],  # they add up where tables do
            "schema": written.schema,
            "seconds": round(written.seconds, 3),
        }
        if self._run.hashed:
            entry["files"] = self._run.files(where) if written.hashes is None else written.hashes
        else:
            entry |= {"files": self._run.files(where), "attempt": where.rpartition("/")[2]}
            if table.sensitivity is Sensitivity.SAFE:  # what is published is compared with them
                entry["sha256"] = written.hashes or copies.hashes(spark, self._address(where), entry["files"])
        self.manifest["tables"][table.name] = entry
        self.save()
        point = f"keep.{table.name}.kept"
        faults.point(point, self.folder / "tables" / where if self._run.hashed else None)

    def copied(self, spark: "SparkSession", table: Table, names: Mapping[str, str], target: Place) -> dict[str, str]:
        """Copy the files of a kept table, and compare them with what was written; see `copies.copied`.

        Raises:
            RunError: they are not what was written.
        """
        entry = self.manifest["tables"][table.name]
        folder = self._folder(table.name)
        there = {one.name for one in folder.place.entries()}
        if there >= set(names.values()) and (self._run.hashed or self.is_whole(table.name)):
            copied = copies.hashes_of(copies.copied(spark, folder.address, target, names))
            known = {to: entry["files"][name] for to, name in names.items()}
            if copied == known if self._run.hashed else self.is_whole(table.name) and all(copied.values()):
                return copied
        problem = f"of run {self.run_id} is not what was written"
        raise RunError(f"table {table.name}", problem, "make a full run, without input.since")

    def kept(self, spark: "SparkSession", table: Table) -> Kept:
        """A table kept earlier.

        Raises:
            RunError: it was not kept, or it was removed.
        """
        entry = self.manifest["tables"].get(table.name)
        if entry is None:
            raise RunError(
                f"table {table.name}", "is not in this run", "run the stages before it first: synth-spark resume RUN"
            )
        if "purged" in entry:
            self.check_not_purged()
        about = {name: entry[name] for name in ("schema", "rows", "content_hash", "files")}
        hashes = entry["files"] if self._run.hashed else entry.get("sha256", {})
        return Kept(table, spark, self._folder(table.name), **about, hashes=hashes)

    def arrow(self, table: Table) -> pa.Table:
        """The rows of a small table that was kept; no session is asked for them.

        Raises:
            RunError: it was not kept, or it is not what was written.
        """
        return self.kept(cast("SparkSession", None), table).arrow()

    def verify(self, table: Table) -> None:
        """Check the files of a kept table against the hashes taken when they were written.

        Raises:
            RunError: a file is missing, torn, changed, or more than was written.
        """
        if not self.is_whole(table.name):
            raise RunError(
                f"table {table.name}", "is not what was written", "run its stage again: synth-spark stage NAME RUN"
            )

    def is_whole(self, name: str) -> bool:
        """Whether the files of a kept table are those that were written; also of one that was not kept."""
        files: dict[str, str] = self.manifest["tables"].get(name, {"files": {}})["files"]
        return not files or self._run.files(self._where(name)) == files

    def write(self, name: str, text: str) -> None:
        """Put a document into the run folder."""
        self._run.write(name, text)

    def read(self, name: str) -> str | None:
        """A document of the run folder; None if it is not there."""
        return self._run.read(name)

    def remove_others(self, files: Collection[str], tables: Collection[str]) -> None:
        """Remove all but the manifest, some files, and some tables.

        Args:
            files: names of those that stay.
            tables: names of those that stay.
        """
        self._run.purge(files, {name: self._where(name) for name in tables})

    def _where(self, name: str) -> str:
        """Where a table of the manifest is, below the folder of tables."""
        entry = self.manifest["tables"].get(name, {})
        return f"{name}/{entry['attempt']}" if "attempt" in entry else name

    def _folder(self, name: str) -> TableFolder:
        return TableFolder(self._run.table(self._where(name)))

    def _address(self, where: str) -> str:
        return TableFolder(self._run.table(where)).address
