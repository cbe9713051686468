"""Tables of every kind, opened as strings: CSV, JSON lines, Excel, Parquet, Delta, catalog tables and queries."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import unquote

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BooleanType, StringType, StructField, StructType

from synth_spark.errors import InputError, PlanError
from synth_spark.plan import Location
from synth_spark.plan.addresses import absolute
from synth_spark.plan.sources import files, json_lines, parquet_recognition, workbooks
from synth_spark.plan.sources.delimited import recognition
from synth_spark.plan.sources.delimited.fields import UnsureError, cut
from synth_spark.plan.sources.delimited.recognition import dialect_of
from synth_spark.plan.sources.description import told
from synth_spark.plan.sources.header import BLANKS, check_header
from synth_spark.plan.sources.layout import Dialect
from synth_spark.read import file_frames
from synth_spark.read.column_types import check_type, inner, text
from synth_spark.read.examination import Laid
from synth_spark.read.failures import unreadable
from synth_spark.read.formats.json_frames import json_table
from synth_spark.read.formats.workbook_frames import workbook_frame
from synth_spark.schema.spark_paths import LITERAL
from synth_spark.storage.inventory import Addition

#: The name in a folder ``name=value`` of a path.
_FOLDER = re.compile(r"/([^/=]+)=[^/]*(?=/)")
#: Suffixes of compressed files that nobody can begin to read in the middle.
_COMPRESSED = (".gz", ".deflate", ".lz4", ".snappy", ".zst", ".zstd", ".xz")


@dataclass(frozen=True)
class Opened:
    """A table as it came.

    Attributes:
        names: of its columns.
        frame: columns raw0, raw1, … in the order of ``names``: strings, or lists of strings.
        lists: names of the columns that are lists.
        booleans: names of the columns that held truth values.
        types: what its columns held, such as ``input.year int``; of a CSV, which holds texts, nothing.
        undivided: whether one task reads a whole file, however large: it is compressed, or has quoted line breaks.
        files: the CSV files that it is made of, with how their records are written.
        told: what people are told of its files.
        looks: at its files that are no CSV: each raises an error if its file cannot be read.
    """

    names: tuple[str, ...]
    frame: DataFrame
    lists: frozenset[str] = frozenset()
    booleans: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    undivided: bool = False
    files: tuple[Laid, ...] = ()
    told: tuple[str, ...] = ()
    looks: tuple[Callable[[], None], ...] = ()


def open_table(spark: SparkSession, location: Location, where: str = "input", only: Addition | None = None) -> Opened:
    """Open a table.

    Args:
        spark: the session.
        location: where it is, and how to read it.
        where: the part of the plan that says so, for messages.
        only: if given, no other rows of it are read; names and types are those of the whole table.

    Raises:
        PlanError: the plan does not say what it is.
        InputError: it is missing, empty, or its header cannot be used.
    """
    kind = location.resolved_format(where)
    for path in location.all_paths:
        _must_exist(path, where)
    seen = bool(location.all_paths) and all(files.is_seen(path) for path in location.all_paths)
    if kind == "csv":
        opened = _csv(spark, location, where, only) if seen else _remote_csv(spark, location, where)
    elif kind in ("jsonl", "excel"):
        if not seen:
            remedy = "copy the files to a folder of this machine first, or read them as Parquet"
            raise PlanError(f"{where}.path", f"is on another file system, where {kind} is not read", remedy)
        opened = (_json if kind == "jsonl" else _workbooks)(spark, location, where, only)
    else:
        opened = _typed(spark, location, kind, where, only)
    check_header(opened.names, where)
    return opened


def nothing_of(spark: SparkSession, opened: Opened) -> Opened:
    """A table without its rows."""
    types = {name: "array<string>" if name in opened.lists else "string" for name in opened.names}
    columns = [F.lit(None).cast(kind).alias(f"raw{index}") for index, kind in enumerate(types.values())]
    return replace(opened, frame=spark.range(0).select(*columns))


def _csv(spark: SparkSession, location: Location, where: str, only: Addition | None) -> Opened:
    """CSV files that this process sees, by what they were recognised as."""
    source = recognition.recognised(location, where)
    check_header(source.names, where)
    chosen = _chosen(only)
    if chosen is not None:
        source = replace(source, files=tuple(file for file in source.files if file.path in chosen))
    undivided = any(file.packing or not file.by_spark(source.dialect) for file in source.files)
    laid = tuple((file, source.dialect) for file in source.files)
    frame = file_frames.csv_frame(spark, source)
    return Opened(source.names, frame, undivided=undivided, files=laid, told=told(where, source))


def _json(spark: SparkSession, location: Location, where: str, only: Addition | None) -> Opened:
    """JSON lines that this process sees."""
    source = json_lines.recognised(location, where)
    table = json_table(spark, source, partial(check_header, where=where), _chosen(only))
    looks = tuple(partial(json_lines.examine, file) for file in source.files)
    return Opened(
        table.names, table.frame, table.lists, table.booleans, undivided=True, told=told(where, source), looks=looks
    )


def _workbooks(spark: SparkSession, location: Location, where: str, only: Addition | None) -> Opened:
    """Excel workbooks that this process sees."""
    source = workbooks.recognised(location, where)
    check_header(source.names, where)
    looks = tuple(partial(workbooks.examine, file) for file in source.files)
    frame = workbook_frame(spark, source, _chosen(only))
    return Opened(source.names, frame, undivided=True, told=told(where, source), looks=looks)


def _chosen(only: Addition | None) -> list[str] | None:
    """The files that are read of a source; None if all."""
    return None if only is None else [file for files in only.files.values() for file in files]


def _remote_csv(spark: SparkSession, location: Location, where: str) -> Opened:
    """CSV files of another file system, or several with the same header: Spark alone can look at them."""
    dialect = dialect_of(location, where)
    if location.header is False or location.escape is not None:
        remedy = "copy the files to a folder of this machine first, or read them as Parquet"
        raise PlanError(f"{where}.path", "is on another file system, where header and escape cannot be set", remedy)
    headers = [_remote_header(_first_line(spark, path, where), dialect, where) for path in location.all_paths]
    header = headers[0]
    if not header:
        raise InputError(where, "is empty", "give a file with a header and records")
    if any(other != header for other in headers):
        remedy = f"give them the same, or list them under {where}.sources with columns of their own"
        raise InputError(where, "has files with different headers", remedy)
    if dialect.delimiter <= " ":
        _check_no_blank_rows(spark, location.all_paths, dialect.delimiter, where)
    schema = ", ".join(f"raw{index} string" for index in range(len(header)))
    reader = spark.read.schema(schema).options(**LITERAL, **file_frames.options(dialect))
    reader = reader.option("header", True).option("enforceSchema", True).option("columnPruning", False)
    frame = reader.option("encoding", location.encoding).option("multiLine", location.multiline)
    undivided = location.multiline or any(path.lower().endswith(_COMPRESSED) for path in location.all_paths)
    whole = _union([frame.csv(path) for path in location.all_paths])
    return Opened(header, whole, undivided=undivided)


def _check_no_blank_rows(spark: SparkSession, paths: Sequence[str], delimiter: str, where: str) -> None:
    """Raise `InputError` for rows of nothing but delimiters and blanks, which Spark's reader would drop."""
    reader = spark.read.options(**LITERAL)
    for path in paths:
        lines = reader.text(path).where(F.contains("value", F.lit(delimiter)) & (F.trim("value", F.lit(" \t")) == ""))
        if not lines.isEmpty():
            problem = "holds rows of nothing but blanks, which Spark does not read from another file system"
            raise InputError(where, problem, "take them out, or copy the files to a folder of this machine first")


def _remote_header(line: str, dialect: Dialect, where: str) -> tuple[str, ...]:
    """The names in the first line of a file of another file system; none if it is blank."""
    try:
        return tuple(name.strip(BLANKS) for name in cut(line.removeprefix("\ufeff"), dialect))
    except UnsureError:
        remedy = "look at its encoding and at the ends of its lines, then set input.encoding, or convert it to UTF-8"
        raise InputError(where, "begins with what is no line of CSV", remedy) from None


def _first_line(spark: SparkSession, path: str, where: str) -> str:
    """The first line of a file of another file system."""
    try:
        first = spark.read.options(**LITERAL).text(path).first()
    except PySparkException:
        raise InputError(f"{where}.path", "cannot be opened", "check the path and that the file is whole") from None
    return first[0] if first else ""


def _typed(spark: SparkSession, location: Location, kind: str, where: str, only: Addition | None) -> Opened:
    said: tuple[str, ...] = ()
    try:
        if kind == "parquet" and all(files.is_seen(path) for path in location.all_paths):
            source = parquet_recognition.recognised(location.all_paths, where)
            frame, said = file_frames.parquet_frame(spark, source, _chosen(only)), told(where, source)
        else:
            frame = _load(spark, location, kind)
            frame = frame if only is None else frame.where(F.col("_metadata.file_name").isin(*only.names))
        header = tuple(frame.columns)
    except InputError:
        raise
    except Exception as error:  # of Spark, of its connection to the JVM, of any reader
        raise unreadable(error, kind, where) from None
    types = {field.name: field.dataType for field in frame.schema.fields}
    for name, data_type in types.items():
        check_type(name, data_type)
    lists = {name for name, kind in types.items() if isinstance(kind, ArrayType)}
    raw = frame.toDF(*(f"raw{index}" for index in range(len(header))))
    texts = [text(f"raw{index}", types[name]).alias(f"raw{index}") for index, name in enumerate(header)]
    booleans = {name for name, kind in types.items() if isinstance(inner(kind), BooleanType)}
    typed = frozenset(f"{where}.{name} {kind.simpleString()}" for name, kind in types.items())
    return Opened(header, raw.select(*texts), frozenset(lists), frozenset(booleans), typed, told=said)


def _load(spark: SparkSession, location: Location, kind: str) -> DataFrame:
    if location.table:
        reader = spark.read
        for option, value in (("versionAsOf", location.version), ("timestampAsOf", location.timestamp)):
            reader = reader if value is None else reader.option(option, str(value))
        return reader.table(location.table)
    if location.sql:
        return spark.sql(location.sql)
    if kind == "parquet":
        return _union([_folders_as_texts(spark, path) for path in location.all_paths])
    reader = spark.read.format(kind)
    for option, value in (("versionAsOf", location.version), ("timestampAsOf", location.timestamp)):
        reader = reader if value is None else reader.option(option, str(value))
    frames = [reader.load(absolute(path)) for path in location.all_paths]
    return frames[0] if len(frames) == 1 else _union(frames)


def _folders_as_texts(spark: SparkSession, path: str) -> DataFrame:
    """Parquet files, where this process cannot look at them; what the names of their folders say is text, as written.

    Spark guesses a type from all of them, so that one folder, which one person may be in alone, would decide how the
    values of all others are written.
    """
    path = absolute(path)
    frame = spark.read.options(**LITERAL).parquet(path)
    place = frame.metadataColumn("_metadata")  # by this name alone a column of the files could be meant
    first = frame.select(place["file_path"]).first()
    folders = set() if first is None else {unquote(name) for name in _FOLDER.findall(first[0])}
    guessed = [one.name for one in frame.schema if one.name in folders and not isinstance(one.dataType, StringType)]
    if not guessed:
        return frame
    fields = [StructField(one.name, StringType()) if one.name in guessed else one for one in frame.schema]
    return spark.read.options(**LITERAL).schema(StructType(fields)).parquet(path)


def _union(frames: list[DataFrame]) -> DataFrame:
    whole = frames[0]
    for frame in frames[1:]:
        whole = whole.unionByName(frame)
    return whole


def _must_exist(path: str, where: str) -> None:
    if files.is_reached(path) and not files.is_seen(path):
        raise InputError(f"{where}.path", f"{path} does not exist", "check the path")
