"""Why a table could not be opened, or read to its end, in a line that quotes none of its values."""

import re
from collections.abc import Mapping

from synth_spark.errors import InputError, PlanError, SynthSparkError
from synth_spark.read.examination import Examination

#: The beginning of a condition of Spark → what is wrong with a query, and what to do. Spark's own texts may quote it.
_OF_QUERIES = {
    "PARSE_SYNTAX_ERROR": ("is no SQL that Spark understands", "check its keywords, commas, quotes and brackets"),
    "PARSE_EMPTY_STATEMENT": ("is empty", "give a query that begins with SELECT"),
    "UNRESOLVED_COLUMN": ("names a column that its tables do not have", "check the names of its columns"),
    "UNRESOLVED_FIELD": ("names a field that its column does not have", "check the names of its fields"),
    "UNRESOLVED_ROUTINE": ("names a function that Spark does not have", "check the names of its functions"),
    "TABLE_OR_VIEW_NOT_FOUND": ("names a table that is not there", "check the catalog, schema and name of its tables"),
    "SCHEMA_NOT_FOUND": ("names a schema that is not there", "check the catalog, schema and name of its tables"),
    "AMBIGUOUS_REFERENCE": ("names a column that two of its tables have", "write table.column"),
    "MISSING_AGGREGATION": ("has a column outside GROUP BY that is not aggregated", "group by it, or aggregate it"),
    "MISSING_GROUP_BY": ("has a column outside GROUP BY that is not aggregated", "group by it, or aggregate it"),
    "DATATYPE_MISMATCH": ("has an expression of the wrong type", "cast its parts to one type"),
}
#: The same of a table by its name.
_OF_TABLES = {
    "TABLE_OR_VIEW_NOT_FOUND": ("is not a readable table: it is not there", "check its catalog, schema and name"),
    "SCHEMA_NOT_FOUND": ("is not a readable table: its schema is not there", "check its catalog, schema and name"),
    "PARSE_SYNTAX_ERROR": ("is not a readable table: that is no name", "write catalog.schema.table, odd names in `…`"),
}
_BY_KIND: Mapping[str, Mapping[str, tuple[str, str]]] = {"sql": _OF_QUERIES, "table": _OF_TABLES}
#: What Spark says where a date pattern is none of Java's.
_PATTERNS = ("INVALID_DATETIME_PATTERN", "DATETIME_PATTERN_RECOGNITION", "DateTimeFormatter")
#: Where in Spark's own reader of Parquet pages are taken apart: those of a damaged file may fail there in any way.
_TORN = re.compile(
    r"datasources\.parquet\.(ParquetDictionary|Vectorized|ParquetVectorUpdater|ParquetColumnVector)"
    r"|parquet\.(column\.|hadoop\.ParquetFileReader|io\.api\.Binary)"
)


def unreadable(error: Exception, kind: str, where: str) -> SynthSparkError:
    """The reason why a table of a kind other than CSV could not be opened.

    Args:
        error: what went wrong.
        kind: parquet, delta, table or sql.
        where: the part of the plan that says so.
    """
    condition = condition_of(error)
    for start, (problem, remedy) in _BY_KIND.get(kind, {}).items():
        if condition.startswith(start):
            return InputError(f"{where}.{kind}", problem, remedy)
    told = f" ({condition})" if condition else ""
    remedy = "check its name, format, version and permissions"
    return InputError(where, f"is not a readable {kind}{told}", remedy)


def condition_of(error: Exception) -> str:
    """The name of the condition that Spark gives an error, such as ``UNRESOLVED_COLUMN``; empty if it gives none."""
    condition = getattr(error, "getCondition", lambda: None)()
    return condition if isinstance(condition, str) else ""


def explain_failure(error: Exception, examination: Examination) -> SynthSparkError | None:
    """The plain reason of a failure to read, without the record that Spark quotes; None if it is something else.

    Args:
        error: what reading ended with.
        examination: the look at the files that were read.
    """
    if isinstance(error, SynthSparkError):
        return error
    found = examination.reason()
    if found is not None:
        return found
    text = str(error)
    if any(mark in text for mark in _PATTERNS):
        remedy = "write it as in dd.MM.yyyy or yyyy-MM-dd HH:mm:ss"
        return PlanError("input.dates", "has a format that is no date pattern", remedy)
    if "MALFORMED" in text or "Malformed" in text:
        return InputError(
            "input",
            "has a row with more or fewer fields than its header",
            "check delimiter and quotes; set input.multiline for quoted line breaks",
        )
    if any(mark in text for mark in ("FAILED_READ_FILE", "PATH_NOT_FOUND", "EOFException")) or _TORN.search(text):
        return InputError("input", "cannot be read to its end", "check that the file is whole and of the stated format")
    return None
