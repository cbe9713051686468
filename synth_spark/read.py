"""Stage 1: a source of any kind becomes RECORDS, one row an input record of plain strings. SENSITIVE.

Values are trimmed; an empty value is absent, and so is ``0`` outside the columns that declare it sensitive. Columns are
named by position (c0, c1, …) from here on, so no header can confuse what follows; the names travel beside.
"""

import csv
import gzip
import io
from dataclasses import dataclass
from pathlib import Path

from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from synth_spark.errors import InputError, PlanError
from synth_spark.plan import Input, delimiter_of, nearest, used_columns

#: Blanks trimmed from values: ASCII white space, no-break space, byte-order mark.
_BLANKS = " \t\n\r\x0b\x0c\u00a0\ufeff"
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True)
class Source:
    """An opened source.

    Attributes:
        names: the used columns' names.
        frame: one row a record, string columns c0, c1, … in the order of ``names``, normalised.
        checks: numbers that are known once the frame has been written; see `check`.
    """

    names: tuple[str, ...]
    frame: DataFrame
    checks: Observation


def open_source(spark: SparkSession, source: Input) -> Source:
    """Open the input of a plan.

    Raises:
        PlanError: a column named in the plan is not in the input.
        InputError: the input is missing, empty, or its header cannot be used.
    """
    kind = source.resolved_format()
    if kind == "csv":
        header, raw = _csv(spark, source)
    else:
        header, raw = _typed(spark, source, kind)
    check_header(header)
    used = used_columns(header, source)
    for name in source.sensitive_zeros:
        if name not in used:
            raise PlanError(
                "input.sensitive_zeros", f"names no used column '{name}'", f"did you mean {nearest(name, list(used))}?"
            )
    positions = {name: index for index, name in enumerate(header)}
    trimmed = [F.trim(F.col(f"raw{positions[name]}"), F.lit(_BLANKS)).alias(f"c{at}") for at, name in enumerate(used)]
    values = [_or_absent(f"c{at}", name in source.sensitive_zeros) for at, name in enumerate(used)]
    checks = Observation("read")
    longest = F.max(_longest([F.col(f"c{at}") for at in range(len(used))])).alias("longest")
    frame = raw.select(*trimmed).select(*values).observe(checks, F.count(F.lit(1)).alias("records"), longest)
    return Source(used, frame, checks)


def check(opened: Source, source: Input, records: DataFrame) -> int:
    """Look at what was read, once it has been written; returns the number of records.

    Args:
        opened: the source, whose frame has been written.
        source: its part of the plan.
        records: what was written; looked at again only to name the column at fault.

    Raises:
        InputError: no records, or a value that is too long.
    """
    found = opened.checks.get
    if found["records"] == 0:
        raise InputError("input", "holds no records under its header", "give a table with records")
    limit = source.max_value_length
    if (found["longest"] or 0) > limit:  # in bytes, which are known without looking at the characters
        name, length = _worst(records, opened.names)
        if length > limit:
            raise InputError(
                f"column '{name}'",
                f"holds a value of {length:,} characters; the limit is {limit:,}",
                "leave free text out with input.columns, or raise input.max_value_length",
            )
    return int(found["records"])


def explain_failure(error: Exception) -> InputError | None:
    """The plain reason of a failure to read, without the record that Spark quotes; None if it is something else."""
    text = str(error)
    if "MALFORMED" in text or "Malformed" in text:
        return InputError(
            "input",
            "has a row with more or fewer fields than its header",
            "check delimiter and quotes; set input.multiline for quoted line breaks",
        )
    if any(mark in text for mark in ("FAILED_READ_FILE", "PATH_NOT_FOUND", "EOFException")):
        return InputError("input", "cannot be read to its end", "check that the file is whole and of the stated format")
    return None


def check_header(header: list[str]) -> None:
    """Raise `InputError` for a header with empty or repeated names, or one that is not UTF-8."""
    seen: set[str] = set()
    for position, name in enumerate(header, 1):
        if not name:
            raise InputError("input", f"has no name for column {position}", "name every column in the header")
        if _REPLACEMENT in name:
            raise InputError(
                "input", f"has a name for column {position} that is not UTF-8", "convert the file to UTF-8 first"
            )
        if name.lower() in seen:
            raise InputError(
                f"column '{name}'", "occurs twice in the header (case does not count)", "rename one of them"
            )
        seen.add(name.lower())


def read_header(lines: str, delimiter: str) -> list[str]:
    """The names in the first line of a CSV file, trimmed.

    >>> read_header('"a, b", c', ",")
    ['a, b', 'c']
    """
    if not lines.strip(_BLANKS):
        return []
    csv.field_size_limit(1 << 30)
    parsed = next(csv.reader(io.StringIO(lines.removeprefix("\ufeff")), delimiter=delimiter, skipinitialspace=True), [])
    return [name.strip(_BLANKS) for name in parsed]


def _csv(spark: SparkSession, source: Input) -> tuple[list[str], DataFrame]:
    assert source.path is not None
    _must_exist(source.path)
    delimiter = delimiter_of(source)
    header = read_header(_first_line(spark, source.path), delimiter)
    if not header:
        raise InputError("input", "is empty", "give a file with a header and records")
    schema = ", ".join(f"raw{index} string" for index in range(len(header)))
    frame = (
        spark.read.schema(schema)
        .option("header", True)
        .option("enforceSchema", True)
        .option("columnPruning", False)
        .option("mode", "FAILFAST")
        .option("sep", delimiter)
        .option("quote", '"')
        .option("escape", '"')
        .option("multiLine", source.multiline)
        .csv(source.path)
    )
    return header, frame


def _first_line(spark: SparkSession, path: str) -> str:
    """The first line of a file, read here if it is a local file (a job costs seconds), else by Spark."""
    try:
        if Path(path).is_file():
            opened = gzip.open(path, "rb") if path.endswith(".gz") else Path(path).open("rb")
            with opened as raw:
                return raw.readline().decode("utf-8", "replace").strip("\r\n")
        first = spark.read.text(path).first()
    except (PySparkException, OSError, EOFError):
        raise InputError("input.path", "cannot be opened", "check the path and that the file is whole") from None
    return first[0] if first else ""


def _typed(spark: SparkSession, source: Input, kind: str) -> tuple[list[str], DataFrame]:
    if source.path is not None:
        _must_exist(source.path)
    try:
        frame = spark.read.table(source.table) if source.table else spark.read.format(kind).load(source.path)
        header = list(frame.columns)
    except AnalysisException:
        raise InputError("input", f"is not a readable {kind}", "check its name, format and permissions") from None
    nested = [
        field.name
        for field in frame.schema.fields
        if field.dataType.typeName() in ("array", "map", "struct", "binary", "variant")
    ]
    if nested:
        raise InputError(
            f"column '{nested[0]}'", "holds nested or binary values", "leave it out with input.columns, or flatten it"
        )
    return header, frame.toDF(*(f"raw{index}" for index in range(len(header)))).select(
        *(F.col(f"raw{index}").cast("string").alias(f"raw{index}") for index in range(len(header)))
    )


def _must_exist(path: str) -> None:
    if "://" in path or path.startswith("dbfs:"):
        return
    if not Path(path).exists():
        raise InputError("input.path", f"{path} does not exist", "check the path")


def _or_absent(name: str, sensitive_zero: bool) -> Column:
    value = F.col(name)
    absent = (value == "") if sensitive_zero else value.isin("", "0")
    return F.when(~absent, value).alias(name)


def _longest(columns: list[Column]) -> Column:
    lengths = [F.coalesce(F.octet_length(column), F.lit(0)) for column in columns]
    return F.greatest(*lengths) if len(lengths) > 1 else lengths[0]


def _worst(records: DataFrame, names: tuple[str, ...]) -> tuple[str, int]:
    """The column with the longest value, and its length in characters."""
    row = records.agg(*(F.coalesce(F.max(F.length(column)), F.lit(0)) for column in records.columns)).collect()[0]
    worst = max(range(len(names)), key=lambda index: row[index])
    return names[worst], row[worst]
