"""Stage 1: a source of any kind becomes RECORDS, one row an input record of plain strings. SENSITIVE.

Values are trimmed; an empty value is absent, and so is ``0`` outside the columns that declare it sensitive. Columns are
named by position (c0, c1, …) from here on, so no header can confuse what follows; the names travel beside.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from synth_spark.errors import InputError, PlanError
from synth_spark.plan import Input, nearest

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
    used = _used(header, source)
    for name in source.sensitive_zeros:
        if name not in used:
            raise PlanError("input.sensitive_zeros", f"names no used column '{name}'", f"did you mean {nearest(name, list(used))}?")
    positions = {name: index for index, name in enumerate(header)}
    values = [
        _normalised(F.col(f"raw{positions[name]}"), name in source.sensitive_zeros).alias(f"c{index}")
        for index, name in enumerate(used)
    ]
    checks = Observation("read")
    longest = [F.coalesce(F.max(F.length(f"c{index}")), F.lit(0)).alias(f"longest{index}") for index in range(len(used))]
    garbled = [F.coalesce(F.max(F.contains(f"c{index}", F.lit(_REPLACEMENT))), F.lit(False)) for index in range(len(used))]
    marks = [check.alias(f"garbled{index}") for index, check in enumerate(garbled)]
    frame = raw.select(*values).observe(checks, F.count(F.lit(1)).alias("records"), *longest, *marks)
    return Source(used, frame, checks)


def check(opened: Source, source: Input) -> int:
    """Look at what was read, once it has been written; returns the number of records.

    Raises:
        InputError: no records, a value that is too long, or bytes that are not UTF-8.
    """
    found = opened.checks.get
    if found["records"] == 0:
        raise InputError("input", "holds no records under its header", "give a table with records")
    for index, name in enumerate(opened.names):
        if found[f"longest{index}"] > source.max_value_length:
            raise InputError(
                f"column '{name}'",
                f"holds a value of {found[f'longest{index}']:,} characters; the limit is {source.max_value_length:,}",
                "leave free text out with input.columns, or raise input.max_value_length",
            )
        if found[f"garbled{index}"]:
            raise InputError(f"column '{name}'", "holds bytes that are not UTF-8", "convert the file to UTF-8 first")
    return int(found["records"])


def explain_failure(error: PySparkException) -> InputError | None:
    """The plain reason of a failure to read, without the record that Spark quotes; None if it is something else."""
    text = str(error)
    if "MALFORMED" in text or "Malformed" in text:
        return InputError(
            "input",
            "has a row with more or fewer fields than its header",
            "check delimiter and quotes; set input.multiline for quoted line breaks",
        )
    if "FAILED_READ_FILE" in text or "PATH_NOT_FOUND" in text:
        return InputError("input", "cannot be read to its end", "check that the file is whole and of the stated format")
    return None


def check_header(header: list[str]) -> None:
    """Raise `InputError` for a header with empty or repeated names, or one that is not UTF-8."""
    seen: set[str] = set()
    for position, name in enumerate(header, 1):
        if not name:
            raise InputError("input", f"has no name for column {position}", "name every column in the header")
        if _REPLACEMENT in name:
            raise InputError("input", f"has a name for column {position} that is not UTF-8", "convert the file to UTF-8 first")
        if name.lower() in seen:
            raise InputError(f"column '{name}'", "occurs twice in the header (case does not count)", "rename one of them")
        seen.add(name.lower())


def read_header(lines: str, delimiter: str) -> list[str]:
    """The names in the first line of a CSV file, trimmed.

    >>> read_header('"a, b", c', ",")
    ['a, b', 'c']
    """
    parsed = next(csv.reader(io.StringIO(lines.removeprefix("\ufeff")), delimiter=delimiter, skipinitialspace=True), [])
    return [name.strip(_BLANKS) for name in parsed]


def delimiter_of(source: Input) -> str:
    """The delimiter of a CSV: as given, or a tab for a .tsv file whose plan does not say."""
    named = (source.path or "").lower()
    return "\t" if source.delimiter == "," and (".tsv" in Path(named).suffixes) else source.delimiter


def _csv(spark: SparkSession, source: Input) -> tuple[list[str], DataFrame]:
    assert source.path is not None
    _must_exist(source.path)
    delimiter = delimiter_of(source)
    try:
        first = spark.read.text(source.path).first()
    except PySparkException as error:
        raise explain_failure(error) or InputError("input.path", "cannot be opened", "check the path and its permissions") from None
    if first is None or not first[0].strip(_BLANKS):
        raise InputError("input", "is empty", "give a file with a header and records")
    header = read_header(first[0], delimiter)
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


def _typed(spark: SparkSession, source: Input, kind: str) -> tuple[list[str], DataFrame]:
    if source.path is not None:
        _must_exist(source.path)
    try:
        frame = spark.read.table(source.table) if source.table else spark.read.format(kind).load(source.path)
        header = list(frame.columns)
    except AnalysisException:
        raise InputError("input", f"is not a readable {kind}", "check its name, format and permissions") from None
    nested = [field.name for field in frame.schema.fields if field.dataType.typeName() in ("array", "map", "struct", "binary", "variant")]
    if nested:
        raise InputError(f"column '{nested[0]}'", "holds nested or binary values", "leave it out with input.columns, or flatten it")
    return header, frame.toDF(*(f"raw{index}" for index in range(len(header)))).select(
        *(F.col(f"raw{index}").cast("string").alias(f"raw{index}") for index in range(len(header)))
    )


def _must_exist(path: str) -> None:
    if "://" in path or path.startswith("dbfs:"):
        return
    if not Path(path).exists():
        raise InputError("input.path", f"{path} does not exist", "check the path")


def _used(header: list[str], source: Input) -> tuple[str, ...]:
    for name in source.columns:
        if name not in header:
            raise PlanError("input.columns", f"names no column of the input: '{name}'", f"did you mean {nearest(name, header)}?")
    return tuple(name for name in header if name in source.columns) if source.columns else tuple(header)


def _normalised(raw: Column, sensitive_zero: bool) -> Column:
    trimmed = F.trim(raw, F.lit(_BLANKS))
    absent = (trimmed == "") if sensitive_zero else trimmed.isin("", "0")
    return F.when(absent, F.lit(None)).otherwise(trimmed)
