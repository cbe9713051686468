"""Tables of every kind, opened as strings: CSV, Parquet, Delta, catalog tables and queries."""

import codecs
import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BooleanType

from synth_spark.errors import InputError, PlanError
from synth_spark.plan import Location
from synth_spark.read.column_types import check_type, inner, text
from synth_spark.read.failures import unreadable
from synth_spark.read.inventory import Addition

#: Blanks trimmed from values: ASCII white space, no-break space, byte-order mark.
BLANKS = " \t\n\r\x0b\x0c\u00a0\ufeff"
_REPLACEMENT = "\ufffd"
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
    """

    names: tuple[str, ...]
    frame: DataFrame
    lists: frozenset[str] = frozenset()
    booleans: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    undivided: bool = False


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
    if kind == "csv":
        opened = _csv(spark, location if only is None else _narrowed(location, only), where)
    else:
        opened = _typed(spark, location, kind, where, only)
    check_header(opened.names, where)
    return opened


def nothing_of(spark: SparkSession, opened: Opened) -> Opened:
    """A table without its rows."""
    types = {name: "array<string>" if name in opened.lists else "string" for name in opened.names}
    columns = [F.lit(None).cast(kind).alias(f"raw{index}") for index, kind in enumerate(types.values())]
    return replace(opened, frame=spark.range(0).select(*columns))


def _narrowed(location: Location, only: Addition) -> Location:
    """A CSV of some of its files; what the declared path tells of them still holds."""
    files = tuple(file for files in only.files.values() for file in files)
    settings = {"format": "csv", "delimiter": location.resolved_delimiter}
    return location.model_copy(update={"path": None, "paths": files, **settings})


def check_header(header: Sequence[str], where: str = "input") -> None:
    """Raise `InputError` for a header with empty or repeated names, or one that is not text."""
    seen: set[str] = set()
    for position, name in enumerate(header, 1):
        if not name:
            raise InputError(where, f"has no name for column {position}", "name every column in the header")
        if _REPLACEMENT in name:
            remedy = f"set {where}.encoding, or convert the file to UTF-8 first"
            raise InputError(where, f"has a name for column {position} that is not UTF-8", remedy)
        if name.lower() in seen:
            raise InputError(
                f"column '{name}'", "occurs twice in the header (case does not count)", "rename one of them"
            )
        seen.add(name.lower())


def read_header(line: str, delimiter: str, quote: str = '"') -> list[str]:
    """The names in the first line of a CSV file, trimmed.

    Raises:
        InputError: it is no line of CSV, such as one of bytes that are no text.

    >>> read_header('"a, b", c', ",")
    ['a, b', 'c']
    """
    if not line.strip(BLANKS.replace(delimiter, "")):
        return []
    csv.field_size_limit(1 << 30)
    lines = io.StringIO(line.removeprefix("\ufeff"))
    try:
        parsed = next(csv.reader(lines, delimiter=delimiter, quotechar=quote, skipinitialspace=True), [])
    except csv.Error:
        remedy = "look at its encoding and at the ends of its lines, then set input.encoding, or convert it to UTF-8"
        raise InputError("input", "begins with what is no line of CSV", remedy) from None
    return [name.strip(BLANKS) for name in parsed]


def _csv(spark: SparkSession, location: Location, where: str) -> Opened:
    """A CSV, or several with the same header."""
    try:
        codecs.lookup(location.encoding)
    except LookupError:
        raise PlanError(f"{where}.encoding", "is not known", "give a name such as UTF-8 or ISO-8859-1") from None
    delimiter = location.resolved_delimiter
    headers = [
        tuple(read_header(_first_line(spark, path, location.encoding, where), delimiter, location.quote))
        for path in location.all_paths
    ]
    header = headers[0]
    if not header:
        raise InputError(where, "is empty", "give a file with a header and records")
    if any(other != header for other in headers):
        remedy = f"give them the same, or list them under {where}.sources with columns of their own"
        raise InputError(where, "has files with different headers", remedy)
    schema = ", ".join(f"raw{index} string" for index in range(len(header)))
    frame = (
        spark.read.schema(schema)
        .option("header", True)
        .option("enforceSchema", True)
        .option("columnPruning", False)
        .option("mode", "FAILFAST")
        .option("sep", delimiter)
        .option("quote", location.quote)
        .option("escape", location.quote)
        .option("encoding", location.encoding)
        .option("multiLine", location.multiline)
        .option("ignoreLeadingWhiteSpace", True)  # around quotes, and where there are none: layout, not content
        .option("ignoreTrailingWhiteSpace", True)
        .csv(_absolute(location.all_paths))
    )
    undivided = location.multiline or any(path.lower().endswith(_COMPRESSED) for path in location.all_paths)
    return Opened(header, frame, undivided=undivided)


def _first_line(spark: SparkSession, path: str, encoding: str, where: str) -> str:
    """The first line of a file, read here if it is a local file (a job costs seconds), else by Spark."""
    try:
        if Path(path).is_file():
            opened = gzip.open(path, "rb") if path.endswith(".gz") else Path(path).open("rb")
            with opened as raw, io.TextIOWrapper(raw, encoding, errors="replace", newline="\n") as text:
                return text.readline().strip("\r\n")
        first = spark.read.text(path).first()
    except (PySparkException, OSError, EOFError):
        raise InputError(f"{where}.path", "cannot be opened", "check the path and that the file is whole") from None
    return first[0] if first else ""


def _typed(spark: SparkSession, location: Location, kind: str, where: str, only: Addition | None) -> Opened:
    try:
        frame = _load(spark, location, kind)
        frame = frame if only is None else _part(spark, frame, kind, only)
        header = tuple(frame.columns)
    except Exception as error:  # of Spark, of its connection to the JVM, of any reader
        raise unreadable(error, location, kind, where) from None
    types = {field.name: field.dataType for field in frame.schema.fields}
    for name, data_type in types.items():
        check_type(name, data_type)
    lists = {name for name, kind in types.items() if isinstance(kind, ArrayType)}
    raw = frame.toDF(*(f"raw{index}" for index in range(len(header))))
    texts = [text(f"raw{index}", types[name]).alias(f"raw{index}") for index, name in enumerate(header)]
    booleans = {name for name, kind in types.items() if isinstance(inner(kind), BooleanType)}
    typed = frozenset(f"{where}.{name} {kind.simpleString()}" for name, kind in types.items())
    return Opened(header, raw.select(*texts), frozenset(lists), frozenset(booleans), typed)


def _load(spark: SparkSession, location: Location, kind: str) -> DataFrame:
    if location.table:
        reader = spark.read
        for option, value in (("versionAsOf", location.version), ("timestampAsOf", location.timestamp)):
            reader = reader if value is None else reader.option(option, str(value))
        return reader.table(location.table)
    if location.sql:
        return spark.sql(location.sql)
    reader = spark.read.format(kind)
    for option, value in (("versionAsOf", location.version), ("timestampAsOf", location.timestamp)):
        reader = reader if value is None else reader.option(option, str(value))
    if kind == "parquet":
        return reader.load(_absolute(location.all_paths))
    frames = [reader.load(path) for path in _absolute(location.all_paths)]
    return frames[0] if len(frames) == 1 else _union(frames)


def _part(spark: SparkSession, whole: DataFrame, kind: str, only: Addition) -> DataFrame:
    """The rows of some files of a table, with the names and types of the whole."""
    if only.names:
        return whole.where(F.col("_metadata.file_name").isin(*only.names))
    frames = []
    for root, files in only.files.items():
        reader = spark.read.schema(whole.schema).format(kind)
        reader = reader.option("basePath", root) if Path(root).is_dir() else reader
        frames.append(reader.load(list(files)))
    return frames[0] if len(frames) == 1 else _union(frames)


def _union(frames: list[DataFrame]) -> DataFrame:
    whole = frames[0]
    for frame in frames[1:]:
        whole = whole.unionByName(frame)
    return whole


def _absolute(paths: Iterable[str]) -> list[str]:
    """Paths as Spark finds them wherever it was started; those of other file systems as they are."""
    return [str(Path(path).absolute()) if Path(path).exists() else path for path in paths]


def _must_exist(path: str, where: str) -> None:
    if "://" in path or path.startswith("dbfs:"):
        return
    if not Path(path).exists():
        raise InputError(f"{where}.path", f"{path} does not exist", "check the path")
