"""Files as tables: Spark is told every file and every column, and decides nothing; what it cannot read, tasks read."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StructType

from synth_spark.errors import InputError
from synth_spark.plan.sources.delimited.records import records
from synth_spark.plan.sources.folders import NO_VALUE, Found, escaped
from synth_spark.plan.sources.layout import Csv, CsvFile, Dialect, is_pattern
from synth_spark.plan.sources.parquet_recognition import Parquet
from synth_spark.schema.spark_paths import LITERAL
from synth_spark.schema.sql_text import quoted

#: Files that tasks read themselves are read by so many tasks at most.
_TASKS = 256


def csv_frame(spark: SparkSession, source: Csv) -> DataFrame:
    """The records of CSV files: columns raw0, raw1, … in the order of the source's names.

    Args:
        spark: the session.
        source: what the files are.
    """
    groups: dict[tuple[bool, int, tuple[str, ...]], list[CsvFile]] = {}
    for file in source.files:
        skipped = file.skipped if file.by_spark(source.dialect) else 0
        groups.setdefault((file.by_spark(source.dialect), skipped, file.header), []).append(file)
    frames = []
    for (by_spark, _, header), files in groups.items():
        raw = [f"raw{source.names.index(name)}" for name in header]
        frame = (_by_spark if by_spark else _by_tasks)(spark, files, source, raw)
        frames.append(frame.select(*(f"raw{place}" for place in range(len(source.names)))))
    if not frames:  # all files are empty
        frames = [spark.range(0).select(*(F.lit("").alias(f"raw{place}") for place in range(len(source.names))))]
    return _together(frames)


def options(dialect: Dialect) -> dict[str, str]:
    """What Spark is told of how records are written, for its reader and for its function alike."""
    return {
        "mode": "FAILFAST",
        "sep": dialect.delimiter,
        "quote": dialect.quote,
        "escape": dialect.escape,
        "ignoreLeadingWhiteSpace": "true",  # around quotes, and where there are none: layout, not content
        "ignoreTrailingWhiteSpace": "true",
    }


def parquet_frame(spark: SparkSession, source: Parquet, only: Sequence[str] | None = None) -> DataFrame:
    """The rows of Parquet files, with their names and types; a column that a file lacks is absent in its rows.

    Args:
        spark: the session.
        source: what the files are.
        only: if given, no other files are read; names and types are those of all.

    Raises:
        InputError: a column has several types.
    """
    read = [(files, _load(spark, [file.path for file in files])) for files, _ in source.groups]
    types = _types(read, source.partitions)
    kept = None if only is None else set(only)
    frames = []
    for files, parts in read:
        chosen = [file.path for file in files if kept is None or file.path in kept]
        if not chosen:
            continue
        if len(chosen) < len(files):
            parts = _load(spark, chosen, parts[0].schema)
        columns = [
            F.col(quoted(name)) if name in parts[0].columns else F.lit(None).cast(kind).alias(name)
            for name, kind in types.items()
        ]
        for part in parts:
            place = part.metadataColumn("_metadata")  # by this name alone a column of the files could be meant
            frames.append(part.select(*columns, *(_folder(place, name).alias(name) for name in source.partitions)))
    return _together(frames)


def _load(spark: SparkSession, paths: list[str], schema: StructType | None = None) -> list[DataFrame]:
    """Parquet files of the same columns in one table; those whose paths read as patterns one by one, see `LITERAL`.

    Only a table that was loaded, and none put together of several, knows the file of each row.
    """
    reader = spark.read.options(**LITERAL).format("parquet")
    reader = reader if schema is None else reader.schema(schema)
    plain = [path for path in paths if not is_pattern(path)]
    return [
        reader.load(part) for part in [*([plain] if plain else []), *([path] for path in paths if is_pattern(path))]
    ]


def _types(read: Sequence[tuple[Sequence[Found], list[DataFrame]]], partitions: Sequence[str]) -> dict[str, DataType]:
    """The type of every column of several tables.

    Raises:
        InputError: a column has several, or has the name of a folder ``name=value``.
    """
    types: dict[str, tuple[DataType, str]] = {}
    for files, parts in read:
        for field in parts[0].schema.fields:
            name = Path(files[0].path).name
            kind, where = types.setdefault(field.name, (field.dataType, name))
            if kind != field.dataType:
                problem = f"is {kind.simpleString()} in '{where}' and {field.dataType.simpleString()} in '{name}'"
                raise InputError(f"column '{field.name}'", problem, "give it one type in all files")
    for name in partitions:
        if name.lower() in {one.lower() for one in types}:
            raise InputError(
                f"column '{name}'", "is in the files and in the names of their folders", "rename one of them"
            )
    return {name: kind for name, (kind, _) in types.items()}


def _by_spark(spark: SparkSession, files: Sequence[CsvFile], source: Csv, raw: Sequence[str]) -> DataFrame:
    """Files whose every byte Spark's own reader takes as it is meant: their columns, named so, and those of folders.

    Names that are given later would have Spark write every row once more.
    """
    schema = ", ".join(f"{name} string" for name in raw)
    reader = spark.read.schema(schema).options(**LITERAL, **options(source.dialect))
    reader = reader.option("header", files[0].skipped == 1).option("enforceSchema", True)
    frame = reader.option("columnPruning", False).option("encoding", source.charset).csv([file.path for file in files])
    folders = [name for name, _ in files[0].partitions]
    place = F.col("_metadata")
    values = [_folder(place, name).alias(f"raw{source.names.index(name)}") for name in folders]
    return frame.select("*", *values) if values else frame


def _by_tasks(spark: SparkSession, files: Sequence[CsvFile], source: Csv, raw: Sequence[str]) -> DataFrame:
    """Files that tasks unpack, decode and cut into records; fields are cut as Spark's own reader does."""
    folders = [f"raw{source.names.index(name)}" for name, _ in files[0].partitions]
    schema = ", ".join(f"{name} string" for name in ("record", *folders))
    rows = spark.range(0, len(files), 1, min(len(files), _TASKS))
    found = rows.mapInArrow(reading(tuple(files), source.dialect, ("record", *folders)), schema)
    fields = ", ".join(f"{name} string" for name in raw)
    parsed = F.from_csv("record", fields, options(source.dialect)).alias("fields")
    return found.select(parsed, *folders).select("fields.*", *folders)


def reading(
    files: tuple[CsvFile, ...], dialect: Dialect, names: tuple[str, ...]
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What a task does: numbers of files → their records and the values of their folders, in columns of these names.

    Args:
        files: all of them.
        dialect: how their records are written.
        names: of the column of records, and of a column for each folder ``name=value``.
    """

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for place in batch.column(0).to_pylist():
                file = files[place]
                for rows in records(file, dialect):
                    values = [pa.repeat(pa.scalar(value, pa.string()), len(rows)) for _, value in file.partitions]
                    yield pa.RecordBatch.from_arrays([rows, *values], names=list(names))

    return read


def _folder(place: Column, name: str) -> Column:
    """The value of the innermost folder ``name=value`` that a row's file is in, as text.

    Args:
        place: what Spark tells of the file of each row.
        name: of the column.
    """
    path = F.url_decode(F.regexp_replace(place["file_path"], r"\+", "%2B"))
    written = "|".join("".join(f"\\x{{{ord(sign):x}}}" for sign in form) for form in (name, escaped(name)))
    value = F.regexp_extract(path, f"^.*/(?:{written})=([^/]*)/", 1)
    return F.when(value != NO_VALUE, F.url_decode(F.regexp_replace(value, r"\+", "%2B")))


def _together(frames: list[DataFrame]) -> DataFrame:
    whole = frames[0]
    for frame in frames[1:]:
        whole = whole.unionAll(frame)
    return whole
