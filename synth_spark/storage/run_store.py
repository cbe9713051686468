"""A run's folder: every stage's tables as written, and the manifest that makes the run explainable and resumable.

The folder is SENSITIVE. ``docs/run-folder.md`` lists what is in it::

    RUN/manifest.json            what was kept: rows, content hashes, seconds, files with SHA-256; plan, versions, seed,
                                 key of the order of rows
    RUN/tables/<name>/*.parquet  the kept tables, and nothing beside their files

A table is written under a temporary name and renamed once it is complete and in the manifest, so a table that the
manifest names is whole. Reading one back cuts Spark's lineage: nothing is ever computed twice.
"""

import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

import synth_spark.plan as plans
from synth_spark import __version__
from synth_spark.errors import RunError
from synth_spark.plan import Plan
from synth_spark.runtime import faults
from synth_spark.runtime.locks import lock
from synth_spark.schema.arrow_types import spark_schema
from synth_spark.schema.root_layout import LOCK, RUN_MANIFEST
from synth_spark.schema.tables import Kept, Sensitivity, Table
from synth_spark.storage import new_runs
from synth_spark.storage.files import disk_errors, remove_others, write_atomically
from synth_spark.storage.hashing import SUMS, arrow_sums, hash_of, hash_sums, sha256, sums_of
from synth_spark.storage.manifests import RUN_FORMAT, read_run_manifest

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

#: How Parquet is written: without a dictionary of distinct records, which is what a column of that name holds.
_PARQUET: dict[str, Any] = {"parquet.enable.dictionary#record": "false"}
#: Bytes of a row group in memory: few, so that several tasks read a file; many (True) of what may be published, as
#: readers ask an object store for every column of every group.
_GROUP_BYTES = {False: 1 << 20, True: 64 << 20}
#: Bytes of the key of the order of rows.
_KEY_BYTES = 32
#: What a file's name begins with in a table that was put together.
_NUMBER = re.compile(r"^\d{5}-")


@dataclass(frozen=True)
class Written:
    """A table that was written beside its place in a run folder, and waits for its turn to be kept.

    Attributes:
        rows: how many.
        sums: its `SUMS`.
        schema: as Spark writes it in JSON.
        seconds: how long writing took.
        files: SHA-256 of each file, where that is known.
    """

    rows: int
    sums: Sequence[int]
    schema: Any
    seconds: float
    files: dict[str, str] | None = None


class RunStore:
    """The folder of one run.

    Attributes:
        folder: where it is.
        manifest: its content, JSON-ready; saved after every change.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
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
        now, folder = faults.now(), plan.work_folder / run_id
        try:
            plan.work_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.mkdir(mode=0o700)
            (folder / "tables").mkdir()
        except FileExistsError:
            raise new_runs.exists(plan, run_id) from None
        except OSError as error:
            raise RunError(
                "work", f"cannot be written ({error.strerror})", "choose another folder with --set work=…"
            ) from None
        store = cls(
            folder,
            {
                "format": RUN_FORMAT,
                "run_id": run_id,
                "created": now.isoformat(timespec="seconds"),
                "seed": plan.seed if plan.seed is not None else secrets.randbits(128),
                "nonce": secrets.token_hex(16),
                "order_key": secrets.token_hex(_KEY_BYTES),
                "plan": plan.model_dump(mode="json"),
                "versions": {"synth_spark": __version__},
                "facts": {},
                "stages": {},
                "tables": {},
            },
        )
        store.save()
        return store

    @classmethod
    def open(cls, folder: Path, for_removal: bool = False) -> "RunStore":
        """Open an existing run folder.

        Args:
            folder: the run folder.
            for_removal: whether it is to be purged, which removes links and follows none.

        Raises:
            RunError: there is none, it is of another format, or it leads elsewhere.
        """
        return cls(folder, read_run_manifest(folder, for_removal))

    @staticmethod
    def discard(folder: Path) -> None:
        """Remove a folder of run folders, if there is one."""
        shutil.rmtree(folder, ignore_errors=True)

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
            RunError: the disk is full, or refuses.
        """
        with disk_errors(RUN_MANIFEST):
            write_atomically(self.folder / RUN_MANIFEST, json.dumps(self.manifest, indent=1, ensure_ascii=False))

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

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only process that works on this run; the operating system lets go when it ends, however that happens.

        Raises:
            RunError: another process does, or did since the manifest was read.
        """
        with disk_errors("its lock"):
            stream = (self.folder / LOCK).open("a")
        with stream:
            try:
                lock(stream, wait=False)
            except BlockingIOError:
                remedy = "wait for it, or end it"
                raise RunError(f"run {self.run_id}", "is being worked on by another process", remedy) from None
            except OSError:  # a file system without locks
                pass
            saved = read_run_manifest(self.folder, for_removal=True)  # it was looked at when it was opened
            if saved["stages"] != self.manifest["stages"] or saved["tables"].keys() != self.manifest["tables"].keys():
                raise RunError(f"run {self.run_id}", "has gone on meanwhile", "resume it once more")
            yield

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
        dropped = [self.manifest["tables"].pop(table.name, None) and table for table in tables]
        self.save()
        for table in filter(None, dropped):
            shutil.rmtree(self._path(table), ignore_errors=True)

    def write_frame(self, table: Table, frame: "DataFrame") -> Written:
        """Write a table beside its place. The manifest is not touched: other threads may work on it.

        Raises:
            RunError: the disk is full, or refuses.
        """
        from pyspark.sql import Observation  # who only looks at a run folder needs no Spark
        from pyspark.sql import functions as F

        start, observed = time.monotonic(), Observation(f"keep_{table.name}")
        frame = faults.in_tasks(f"keep.{table.name}.tasks", frame)
        hashed = frame.observe(observed, F.count(F.lit(1)).alias("rows"), *hash_sums(frame.columns))
        with disk_errors(f"table {table.name}"):
            options = {**_PARQUET, "parquet.block.size": _GROUP_BYTES[table.sensitivity is Sensitivity.SAFE]}
            hashed.write.mode("overwrite").options(**options).parquet(str(self._unfinished(table)))
            metrics = observed.get
            remove_others(self._unfinished(table), ".parquet")
        return Written(metrics["rows"], sums_of(metrics), frame.schema.jsonValue(), time.monotonic() - start)

    def write_rows(self, table: Table, rows: pa.Table) -> Written:
        """Write a small table that the driver made, by the same rules as `write_frame`; no job is started for it.

        Raises:
            RunError: the disk is full, or refuses.
        """
        start, unfinished = time.monotonic(), self._unfinished(table)
        with disk_errors(f"table {table.name}"):
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            with (unfinished / "part-00000.parquet").open("wb") as stream:
                pq.write_table(rows, stream, compression="zstd", store_schema=False)
        return Written(rows.num_rows, arrow_sums(rows), spark_schema(rows.schema), time.monotonic() - start)

    def keep(self, spark: "SparkSession", table: Table, written: Written) -> Kept:
        """Put a table that was written in its place, and that of one before; record it, and give it back as read there.

        Raises:
            RunError: the disk is full, or refuses.
        """
        path, point = self._path(table), f"keep.{table.name}"
        with disk_errors(f"table {table.name}"):
            faults.point(f"{point}.rename")
            shutil.rmtree(path, ignore_errors=True)
            self._unfinished(table).rename(path)
            faults.point(f"{point}.renamed")
        self._enter(table, written)
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
        start, unfinished = time.monotonic(), self._unfinished(table)
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        entries = [store.manifest["tables"][part.name] for store, part in parts]
        files: dict[str, str] = {}
        for (store, part), entry in zip(parts, entries, strict=True):
            if _columns(entry["schema"]) != _columns(entries[0]["schema"]):
                raise RunError(f"table {part.name}", f"of run {store.run_id} has other columns", "make a full run")
            for name, digest in entry["files"].items():
                source, target = store._path(part) / name, unfinished / f"{len(files):05d}-{_NUMBER.sub('', name)}"
                if not source.is_file() or sha256(shutil.copyfile(source, target)) != digest:
                    problem = f"of run {store.run_id} is not what was written"
                    raise RunError(f"table {part.name}", problem, "make a full run, without input.since")
                files[target.name] = digest
        rows = sum(entry["rows"] for entry in entries)
        sums = [sum(int(entry["hash_sums"][at]) for entry in entries) for at in range(len(SUMS))]
        written = Written(rows, sums, entries[0]["schema"], time.monotonic() - start, files)
        return self.keep(spark, table, written)

    def _enter(self, table: Table, written: Written) -> None:
        """Enter a table that is in its place into the manifest."""
        path, files = self._path(table), written.files
        if files is None:
            files = {file.name: sha256(file) for file in sorted(path.glob("*.parquet"))}
        self.manifest["tables"][table.name] = {
            "grain": table.grain,
            "sensitivity": table.sensitivity.name,
            "rows": written.rows,
            "content_hash": hash_of(written.rows, written.sums),
            "hash_sums": [str(total) for total in written.sums],  # they add up where tables do
            "schema": written.schema,
            "seconds": round(written.seconds, 3),
            "files": files,
        }
        self.save()
        faults.point(f"keep.{table.name}.kept", path)

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
        about = (entry[name] for name in ("schema", "rows", "content_hash", "files"))
        return Kept(table, spark, self._path(table), *about)

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
        entry, path = self.manifest["tables"].get(name, {"files": {}}), self.folder / "tables" / name
        files: dict[str, str] = entry["files"]
        if files and {file.name for file in path.glob("*.parquet")} != set(files):
            return False
        return all(sha256(path / file) == digest for file, digest in files.items())

    def write(self, name: str, text: str) -> None:
        """Put a document into the run folder."""
        write_atomically(self.folder / name, text)

    def _path(self, table: Table) -> Path:
        return self.folder / "tables" / table.name

    def _unfinished(self, table: Table) -> Path:
        """Where a table is written, before it takes its place."""
        return self._path(table).with_name(f".{table.name}.unfinished")


def _columns(schema: dict[str, Any]) -> list[tuple[str, Any]]:
    """Names and types of a table's columns."""
    return [(field["name"], field["type"]) for field in schema["fields"]]
