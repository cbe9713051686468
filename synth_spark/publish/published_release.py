"""A published release, opened as its readers open it: through the pointer and the manifest alone.

Whatever is made of a release after it was published (a showcase, a package, tables of a warehouse) is made of these
files, and so of nothing that was not audited. Files of a store are fetched into a folder of this process first,
which goes with it.
"""

import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from synth_spark.errors import PublishError
from synth_spark.plan.addresses import scheme_of
from synth_spark.schema.root_layout import DELTA_LOG, DOCUMENTS, POINTER, RUN_MANIFEST
from synth_spark.schema.spark_paths import LITERAL
from synth_spark.schema.sql_text import quoted
from synth_spark.storage.hashing import sha256_of_text
from synth_spark.storage.local_places import LocalPlace
from synth_spark.storage.paths import kept_inside, refuse_links
from synth_spark.storage.places import Place, place
from synth_spark.storage.root_files import current_of, is_sliced, publish_errors, read_manifest
from synth_spark.storage.run_store import RunStore
from synth_spark.storage.runs.stored import is_there

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

#: Rows that are read at once.
_BATCH = 1 << 16


class Fetched:
    """Files of a store on this machine, each of which is fetched once."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files: dict[str, Path] = {}

    def file(self, root: Place, name: str) -> Path:
        """A file of a folder.

        Raises:
            PublishError: it cannot be read.
        """
        address = f"{root.address}/{name}"
        if address not in self._files:
            self._folder = self._folder or tempfile.TemporaryDirectory(prefix="synth-spark-")
            file = Path(self._folder.name) / f"{len(self._files)}.parquet"
            with publish_errors():
                if not root.download(name, file):
                    raise PublishError(address, "is not there", "check it: synth-spark validate RUN")
            self._files[address] = file
        return self._files[address]


@dataclass(frozen=True)
class PublishedRelease:
    """One release of a published root.

    Attributes:
        root: the published root.
        run_id: its name.
        manifest: what was published: ``format`` and ``tables`` (name → path, rows, content_hash, schema, files, and
            delta_log, if a log of Delta is beside them). ``document_hashes`` are those of its documents.
    """

    root: Place
    run_id: str
    manifest: dict[str, Any]
    _fetched: Fetched = field(default_factory=Fetched, compare=False, repr=False)

    @property
    def is_delta(self) -> bool:
        """Whether it was published as Delta."""
        return bool(self.manifest["format"] == "delta")

    @property
    def is_sliced(self) -> bool:
        """Whether its tables are slices of Delta tables, which are read with Spark; all others have files."""
        return is_sliced(self.manifest)

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the published tables."""
        return tuple(self.manifest["tables"])

    def files(self, table: str) -> list[Path]:
        """The Parquet files of a table on this machine, in order; of a slice of a Delta table none: that knows its own.

        Raises:
            PublishError: the release has no such table, a file is a link that leads out of the root, or cannot be read.
        """
        entry = self._entry(table)
        names = [f"{entry['path']}/{name}" for name in entry.get("files", {})]
        if isinstance(self.root, LocalPlace):
            files = [self.root.folder / name for name in names]
            return [kept_inside(self.root.folder, file, f"table {table}", PublishError) for file in files]
        return [self._fetched.file(self.root, name) for name in names]

    def frame(self, table: str, spark: "SparkSession") -> "DataFrame":
        """A table as it was published, without a column that only names the release.

        Args:
            table: its name.
            spark: a session; one with Delta, if the release is of slices of Delta tables.

        Raises:
            PublishError: the release has no such table, or its folder leads out of the root.
        """
        entry = self._entry(table)
        if isinstance(self.root, LocalPlace):
            folder = kept_inside(self.root.folder, self.root.folder / entry["path"], f"table {table}", PublishError)
            refuse_links(folder, f"table {table}", PublishError)
        address = self.root.below(entry["path"]).spark_address
        if self.is_sliced:  # which slice is known by the release's name, not by a condition that stands in a file
            rows = spark.read.format("delta").load(address).where(f"run_id = '{self.run_id}'")
        else:
            rows = spark.read.options(**LITERAL).parquet(address)
        return rows.select(*(quoted(column["name"]) for column in entry["schema"]))

    def arrow(
        self, table: str, spark: "SparkSession | None" = None, columns: Collection[str] | None = None
    ) -> pa.Table:
        """A table as it was published, without a column that only names the release.

        Args:
            table: its name.
            spark: a session with Delta; needed for slices of Delta tables only.
            columns: names of those that are wanted; default: all.

        Raises:
            PublishError: the release has no such table, or a file of it is missing or damaged.
        """
        entry = self._entry(table)
        names = [column["name"] for column in entry["schema"] if columns is None or column["name"] in columns]
        try:
            if self.is_sliced:
                if spark is None:
                    raise TypeError("a slice of a Delta table is read with a session")
                return self.frame(table, spark).select(*map(quoted, names)).toArrow()
            return pa.concat_tables([pq.read_table(file, columns=names) for file in self.files(table)])
        except (OSError, pa.ArrowException):
            raise PublishError(
                f"table {table}", "cannot be read as it was published", "check it: synth-spark validate RUN"
            ) from None

    def batches(self, table: str, spark: "SparkSession | None" = None) -> Iterator[pa.RecordBatch]:
        """The rows of a table in order, a few at a time; those of a slice of a Delta table are fetched at once.

        Args:
            table: its name.
            spark: a session with Delta; needed for slices of Delta tables only.

        Raises:
            PublishError: see `arrow`.
        """
        if self.is_sliced:
            yield from self.arrow(table, spark).to_batches(_BATCH)
            return
        try:
            for file in self.files(table):
                with pq.ParquetFile(file) as opened:
                    yield from opened.iter_batches(_BATCH)
        except (OSError, pa.ArrowException):
            raise PublishError(
                f"table {table}", "cannot be read as it was published", "check it: synth-spark validate RUN"
            ) from None

    def verify(self) -> None:
        """Check all files against the hashes in the manifest; slices of Delta tables keep their own.

        Raises:
            PublishError: a file is missing or was changed.
        """
        for name in self.tables:
            if not self.is_whole(name):
                problem, remedy = "is not what was audited", "withdraw it, and publish a new release"
                raise PublishError(f"table {name}", problem, remedy)

    def is_whole(self, table: str) -> bool:
        """Whether the files of a table are those that were published; slices of Delta tables keep their own.

        Of a table with a log of Delta that is the only one: whoever commits to it changes what readers of Delta see.

        Raises:
            PublishError: the release has no such table, or its files cannot be reached.
        """
        entry = self._entry(table)
        expected = {name: file["sha256"] for name, file in entry.get("files", {}).items()}
        logs = {DELTA_LOG: entry["delta_log"]["sha256"]} if "delta_log" in entry else {}
        with publish_errors():
            folder = self.root.below(entry["path"])
            found = {name: folder.digest(name) for name in (*expected, *logs)}
            log = folder.entries(DELTA_LOG.rpartition("/")[0], deep=True) if logs else []
        same = {**expected, **logs} == {name: None if one is None else one[0] for name, one in found.items()}
        return same and {held.name for held in log} == set(logs)

    def document(self, name: str) -> str | None:
        """The text of a document as it was published; None if the manifest knows no hash of it.

        Args:
            name: of its file, such as ``RELEASE.md``.

        Raises:
            PublishError: it is missing or was changed.
        """
        expected = self.manifest.get("document_hashes", {}).get(name)
        if expected is None:
            return None
        with publish_errors():
            content = self.root.read(f"{DOCUMENTS}/{self.run_id}/{name}") or b""
        text = content.decode(errors="replace")
        if sha256_of_text(text) != expected:
            problem = "is not what was published"
            raise PublishError(f"document {name}", problem, "withdraw it, and publish a new release")
        return text

    def _entry(self, table: str) -> dict[str, Any]:
        entry: dict[str, Any] | None = self.manifest["tables"].get(table)
        if entry is None:
            raise PublishError(f"table {table}", "is not part of this release", "make a release with this version")
        return entry


def open_release(where: str | Path, run_id: str | None = None) -> PublishedRelease:
    """Find a release: the latest one of a published root, one of it by name, or that of a run folder.

    Args:
        where: a folder of published tables, here or in a store, or the run folder of a published run.
        run_id: name of a release of that folder; default: the current one.

    Raises:
        PublishError: there is none, its name or its manifest is not one, or it was retired.
    """
    if _is_run_folder(str(where)):
        store = RunStore.open(where)
        if not store.done("publish"):
            raise PublishError(f"run '{store.run_id}'", "has not been published", "publish it: synth-spark resume RUN")
        where, run_id = store.plan.output.path, run_id or store.run_id
    root = place(str(where))
    run_id = current_of(root) if run_id is None else run_id
    manifest = None if run_id is None else read_manifest(root, run_id)
    if manifest is None or run_id is None:
        name = "a release" if run_id is None else f"release '{run_id}'"
        raise PublishError(
            str(where),
            f"holds no manifest of {name} that can be read",
            "give a folder of published tables, or a run folder",
        )
    if "retired" in manifest:
        problem = f"was retired on {manifest['retired'][:10]}; only its manifest is left"
        raise PublishError(f"release '{run_id}'", problem, "choose another: synth-spark releases list OUT")
    return PublishedRelease(root, run_id, manifest)


def _is_run_folder(address: str) -> bool:
    if scheme_of(address) is not None:
        with publish_errors():
            return is_there(place(address))
    folder = Path(address)
    return (folder / RUN_MANIFEST).is_file() and not (folder / POINTER).is_file()
