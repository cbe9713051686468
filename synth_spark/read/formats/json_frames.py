"""JSON lines as a table: one pass over all records tells their keys and what these hold, a second one reads them.

Tasks unpack and decode files, and cut them into lines. Spark parses the lines; numbers keep up to 38 digits.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from synth_spark.errors import InputError, SynthSparkError
from synth_spark.plan.sources import json_lines
from synth_spark.plan.sources.json_lines import JsonFile, JsonLines
from synth_spark.read.column_types import number_text

#: Files are read by so many tasks at most.
_TASKS = 256
#: Most keys: where there are more, keys are values.
MOST_KEYS = 5_000
#: What a line is: one JSON object, with nothing behind it. Spark's parser stops where a value ends, so that the line is
#: looked at inside of an array and of an object, too: what is behind it breaks one of them, or is another element.
_IS_OBJECT = (
    "json_array_length(concat('[', record, ']')) = 1 "
    """AND json_object_keys(concat('{"r":', record, '}')) = array('r') AND json_object_keys(record) IS NOT NULL"""
)
#: An escaped backslash, or a whole surrogate pair; and half of a pair, which is looked for in what is left without
#: these: Spark 4.1 reads it as a question mark.
_PAIRED = r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF = r"\\u[dD][89a-fA-F]"
#: What a value is: BIGINT, DECIMAL, DOUBLE, STRING, BOOLEAN, VOID (null), ARRAY or OBJECT.
_KIND = "regexp_extract(schema_of_variant({}), '^[A-Z]+', 0)"
_SINGLE = frozenset({"BIGINT", "DECIMAL", "DOUBLE", "STRING", "BOOLEAN", "VOID"})
#: The remedy for values in values.
_FLATTEN = "give every value a key of its own, or leave the key out of the file"


@dataclass(frozen=True)
class JsonTable:
    """JSON lines as a table.

    Attributes:
        names: of its columns: keys in the order in which they occur first, then those of folders ``name=value``.
        frame: columns raw0, raw1, … in the order of ``names``: strings, or lists of strings.
        lists: names of the columns that are lists.
        booleans: names of the columns that held nothing but truth values.
    """

    names: tuple[str, ...]
    frame: DataFrame
    lists: frozenset[str]
    booleans: frozenset[str]


def json_table(
    spark: SparkSession, source: JsonLines, check: Callable[[tuple[str, ...]], None], only: Collection[str] | None
) -> JsonTable:
    """Read JSON lines; the keys of all records are looked for at once.

    Args:
        spark: the session.
        source: what the files are.
        check: raises an error for names that no table has.
        only: if given, no other files are read; names are those of all.

    Raises:
        InputError: a line is no JSON object; a key holds values in values, or lists and single values.
    """
    kinds = _keys(spark, source)
    names = (*kinds, *source.partitions)
    check(names)
    lists = {name for name, held in kinds.items() if any(kind.startswith("[") for kind in held)}
    booleans = {
        name for name, held in kinds.items() if {kind.strip("[]") for kind in held} - {"VOID", ""} == {"BOOLEAN"}
    }
    schema = ", ".join(f"{_quoted(name)} variant" for name in kinds)
    files = [file for file in source.files if only is None or file.path in only]
    parsed = F.from_json("record", schema, {"mode": "FAILFAST"}).alias("own")
    folders = [f"folder{place}" for place in range(len(source.partitions))]
    found = _lines(spark, files).select(parsed, *folders)
    columns = [_text(f"own.{_quoted(name)}", name in lists, held) for name, held in kinds.items()]
    columns += [F.col(name) for name in folders]
    frame = found.select(*(column.alias(f"raw{place}") for place, column in enumerate(columns)))
    return JsonTable(names, frame, frozenset(lists), frozenset(booleans))


def _keys(spark: SparkSession, source: JsonLines) -> dict[str, frozenset[str]]:
    """The keys of all records, in the order in which they occur first → what they hold; of a list ``[…]``."""
    half = F.contains("record", F.lit(r"\u")) & F.regexp_replace("record", _PAIRED, " ").rlike(_HALF)
    parsed = F.when(F.expr(_IS_OBJECT) & ~half, F.expr("try_parse_json(record)"))
    fields = _lines(spark, source.files).select("file", "line", parsed.alias("parsed"), "record")
    fields = fields.select(
        "file",
        "line",
        F.expr("parsed IS NULL AS broken"),
        F.expr("CASE WHEN parsed IS NOT NULL THEN json_object_keys(record) END AS keys"),
        F.explode_outer(F.expr("CAST(parsed AS MAP<STRING, VARIANT>)")).alias("key", "value"),
    )
    element = _KIND.format("element")
    many = f"transform(CAST(value AS ARRAY<VARIANT>), element -> concat('[', {element}, ']'))"
    own = _KIND.format("value")
    held = f"CASE WHEN {own} = 'ARRAY' THEN array_append({many}, '[]') ELSE array({own}) END"
    places = fields.select(
        "broken", "key", F.expr("struct(file, line, array_position(keys, key)) AS place"), F.expr(f"{held} AS held")
    )
    found = places.groupBy("broken", "key").agg(
        F.min("place").alias("place"), F.expr("array_distinct(flatten(collect_set(array_distinct(held)))) AS held")
    )
    try:
        rows = found.limit(MOST_KEYS + 3).collect()
    except Exception:  # of Spark, of a task that could not read a file
        raise _unread(source.files) from None
    return _checked(source, rows)


def _checked(source: JsonLines, rows: list[Row]) -> dict[str, frozenset[str]]:
    broken = [row["place"] for row in rows if row["broken"]]
    if broken:
        file, line, _ = min(broken)
        raise json_lines.no_object(source.files[file], line)
    keys = sorted((row for row in rows if row["key"] is not None), key=lambda row: tuple(row["place"]))
    if len(keys) > MOST_KEYS:
        problem = f"has more than {MOST_KEYS:,} different keys, which are the names of columns"
        raise InputError("input", problem, "write values that are keys as values")
    kinds = {row["key"]: frozenset(row["held"]) for row in keys}
    if not kinds:
        raise InputError("input", "is empty", "give a file with records")
    for name, held in kinds.items():
        _check_kinds(name, held)
    return kinds


def _check_kinds(name: str, held: frozenset[str]) -> None:
    field = f"column '{name}'"
    if "OBJECT" in held:
        raise InputError(field, "holds JSON objects", _FLATTEN)
    if "[OBJECT]" in held or "[ARRAY]" in held:
        what = "JSON objects" if "[OBJECT]" in held else "lists"
        raise InputError(field, f"holds lists of {what}", _FLATTEN)
    if "[]" in held and held & (_SINGLE - {"VOID"}):
        remedy = "write a list in every record, of one value where there is one"
        raise InputError(field, "holds lists in some records, and single values in others", remedy)


def _text(name: str, is_list: bool, held: frozenset[str]) -> Column:
    """The value of a variant as text, or of a list of them."""
    fractions = bool({kind.strip("[]") for kind in held} & {"DOUBLE", "DECIMAL"})

    def single(value: str) -> str:
        plain = f"CAST({value} AS STRING)"
        if not fractions:
            return plain
        return f"CASE WHEN {_KIND.format(value)} IN ('DOUBLE', 'DECIMAL') THEN {number_text(plain)} ELSE {plain} END"

    if is_list:
        return F.expr(f"transform(CAST({name} AS ARRAY<VARIANT>), value -> {single('value')})")
    return F.expr(single(name))


def _lines(spark: SparkSession, files: Collection[JsonFile]) -> DataFrame:
    """The lines of files that are not blank: file, line, record, and the values of folders."""
    if not files:
        return spark.range(0).selectExpr("0 AS file", "id AS line", "'' AS record")
    folders = "".join(f", folder{place} string" for place in range(len(next(iter(files)).partitions)))
    numbers = spark.range(0, len(files), 1, min(len(files), _TASKS))
    return numbers.mapInArrow(_reading(tuple(files)), f"file int, line bigint, record string{folders}")


def _reading(files: tuple[JsonFile, ...]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What a task does: numbers of files → their lines."""

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for place in batch.column(0).to_pylist():
                for first, texts in json_lines.lines(files[place]):
                    count = len(texts)
                    numbers = pa.array(range(first, first + count), pa.int64())
                    folders = [pa.repeat(pa.scalar(value, pa.string()), count) for _, value in files[place].partitions]
                    arrays = [pa.repeat(pa.scalar(place, pa.int32()), count), numbers, texts, *folders]
                    names = ["file", "line", "record", *(f"folder{at}" for at in range(len(folders)))]
                    whole = pa.RecordBatch.from_arrays(arrays, names=names)
                    yield whole.filter(pc.not_equal(pc.utf8_trim_whitespace(texts), ""))

    return read


def _unread(files: Collection[JsonFile]) -> SynthSparkError:
    """Why files could not be read."""
    try:
        for file in files:
            json_lines.examine(file)
    except SynthSparkError as error:
        return error
    return InputError("input", "cannot be read to its end", "check that its files are whole, and of the stated format")


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
