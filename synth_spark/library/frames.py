"""What the library is handed, and hands back: frames of Spark, pandas, Polars, Arrow. `narwhals` tells them apart."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from narwhals.exceptions import DuplicateError

from synth_spark.errors import InputError, PlanError
from synth_spark.plan import Plan
from synth_spark.publish.published_release import PublishedRelease
from synth_spark.storage.files import disk_errors

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Kinds of frames.
Kind = Literal["spark", "pandas", "polars", "arrow"]
#: Suffixes of plan files.
_PLANS = (".yml", ".yaml")
#: Rows of a row group: so a table of one file is read by several tasks.
_GROUP = 20_000
_WANTED = "give a frame of Spark, pandas, Polars or Arrow, the path of a file or folder, a plan file, or a Plan"


@dataclass(frozen=True)
class Given:
    """What was handed in.

    Attributes:
        kind: of the frames that are handed back.
        frame: the frame; None where that is no frame.
        path: of a file or folder of records.
        plan: a plan, or the path of one, that says where the records are.
    """

    kind: Kind = "pandas"
    frame: Any = None
    path: str | None = None
    plan: Plan | str | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is a frame in the memory of this process."""
        return self.frame is not None and self.kind != "spark"

    @property
    def spark(self) -> "SparkSession | None":
        """The session of a frame of Spark."""
        return self.frame.sparkSession if self.kind == "spark" else None


def given(data: Any) -> Given:
    """Tell what was handed in; nothing of it is read.

    Args:
        data: a frame, a path, a plan file or a plan.

    Raises:
        PlanError: it is nothing of these.
        InputError: it is a frame with two columns of the same name.
    """
    if isinstance(data, Plan):
        return Given(plan=data)
    if isinstance(data, str | os.PathLike):
        path = os.fspath(data)
        if not isinstance(path, str):
            raise PlanError("data", "is a path of bytes", "give it as text")
        return Given(plan=path) if Path(path).suffix.lower() in _PLANS else Given(path=path)
    try:
        implementation = nw.from_native(data).implementation
    except DuplicateError:
        raise InputError("data", "has two columns of the same name", "give each a name of its own") from None
    except TypeError:
        raise PlanError("data", f"is of the type {type(data).__name__}, which is not read", _WANTED) from None
    if implementation.is_pyspark() or implementation.is_pyspark_connect():
        return Given("spark", data)
    kinds: dict[nw.Implementation, Kind] = {
        nw.Implementation.PANDAS: "pandas",
        nw.Implementation.POLARS: "polars",
        nw.Implementation.PYARROW: "arrow",
    }
    if implementation not in kinds:
        raise PlanError("data", f"is a frame of {implementation.value}, which is not read", _WANTED)
    return Given(kinds[implementation], data)


def write(frame: Given, file: Path) -> None:
    """Write a frame in memory to a Parquet file that its owner alone can read, for the line to read.

    Args:
        frame: the frame; its index, if it has one, is left out.
        file: the file; its folder, and that of run folders around it, are made for their owner only.

    Raises:
        InputError: a column holds what is no value.
        RunError: the disk is full, or refuses.
    """
    table = _plain(_arrow(frame))
    with disk_errors("a copy of the frame"):
        for folder in (file.parents[1], file.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(handle, "wb") as stream:
                pq.write_table(table, stream, compression="zstd", row_group_size=_GROUP, store_schema=False)
        except BaseException:
            file.unlink()
            raise


def handed_back(release: PublishedRelease, table: str, kind: Kind, spark: "SparkSession | None") -> Any:
    """A published table as a frame.

    Args:
        release: the release.
        table: its name.
        kind: of the frame.
        spark: a session; needed for frames of Spark, and for slices of Delta tables.

    Raises:
        PublishError: the release has no such table, or a file of it is missing or damaged.
    """
    if kind == "spark":
        assert spark is not None
        return release.frame(table, spark)
    rows = release.arrow(table, spark).replace_schema_metadata(None)
    if kind == "polars":
        import polars as pl

        return pl.from_arrow(rows)
    return rows.to_pandas() if kind == "pandas" else rows


def _arrow(frame: Given) -> pa.Table:
    """A frame in memory as an Arrow table."""
    if frame.kind == "polars":
        native = frame.frame.collect() if hasattr(frame.frame, "collect") else frame.frame
        return native.to_arrow()
    if frame.kind == "arrow":
        return frame.frame
    names = [str(name) for name in frame.frame.columns]
    columns = [_column(name, frame.frame.iloc[:, index]) for index, name in enumerate(names)]
    return pa.Table.from_arrays(columns, names=names)


def _column(name: str, values: Any) -> pa.Array:
    """A column of a pandas frame; what it holds is not part of an error."""
    try:
        return pa.Array.from_pandas(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        problem = "holds values of several types, or objects that are no values"
        raise InputError(f"column '{name}'", problem, "give it one type, such as text: astype('string')") from None


def _plain(table: pa.Table) -> pa.Table:
    """A table without types that only memory has: values behind codes, columns of nothing, times in nanoseconds."""
    columns = [_plain_column(name, table[index]) for index, name in enumerate(table.schema.names)]
    return pa.Table.from_arrays(columns, names=_names(table.schema.names))


def _names(names: Sequence[Any]) -> list[str]:
    return [str(name) for name in names]


def _plain_column(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        try:
            return pc.cast(column, pa.timestamp("us", kind.tz))
        except pa.ArrowInvalid:
            problem, remedy = "holds times finer than microseconds", "round them: dt.round('us')"
            raise InputError(f"column '{name}'", problem, remedy) from None
    return column
