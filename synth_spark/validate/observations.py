"""Large written tables, each scanned once: what all rules need is observed together, and expectations judge that.

An expectation of Great Expectations is a metric to be computed and a verdict on its value. Left to itself, it computes
every metric in passes of its own over the table. Here one pass counts the rows that do not meet each rule, one more
query counts those that the rules' own queries find, and the library's expectations say what these numbers mean.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synth_spark.schema.sql_text import quoted

#: Expectations whose metrics are known here: expectation → how a row's column does not meet it, as GX defines that.
_UNMET: dict[str, Callable[[Column, Mapping[str, Any]], Column]] = {
    "ExpectColumnValuesToNotBeNull": lambda column, _: column.isNull(),
    "ExpectColumnValuesToBeBetween": lambda column, limits: (
        ~column.between(limits.get("min_value", column), limits.get("max_value", column))
    ),
}
_ROWS, _QUERY = "ExpectTableRowCountToBeBetween", "UnexpectedRowsExpectation"
#: What an expectation is asked for: a verdict, and no sample of rows.
_VERDICT = {"result_format": {"result_format": "BOOLEAN_ONLY"}}
#: Metrics, by what their names end in.
_NULLS, _UNEXPECTED, _ROW_COUNT = "nonnull.unexpected_count", ".unexpected_count", "unexpected_rows_query.row_count"

Expected = tuple[str, Mapping[str, Any]]


def observe(table: DataFrame, expected: Sequence[Expected]) -> list[dict[str, int]]:
    """Count what a table's expectations judge.

    Args:
        table: as it was written.
        expected: names of expectations whose metrics are known here, with their arguments.

    Returns:
        For each expectation: ``rows`` of the table; ``nulls`` of its column, and rows that are ``unexpected``.

    Raises:
        KeyError: the metrics of an expectation are not known here.
    """
    sums = [F.count(F.lit(1)).alias("rows")]
    for number, (name, arguments) in enumerate(expected):
        if name not in (_ROWS, _QUERY):
            unmet = _UNMET[name]
            column = F.col(quoted(arguments["column"]))
            sums.append(F.count_if(column.isNull()).alias(f"nulls{number}"))
            sums.append(F.count_if(unmet(column, arguments)).alias(f"unexpected{number}"))
    observed = table.agg(*sums).collect()[0].asDict()
    queries = {
        number: arguments["unexpected_rows_query"]
        for number, (name, arguments) in enumerate(expected)
        if name == _QUERY
    }
    observed |= {f"unexpected{number}": rows for number, rows in _queried(table, queries).items()}
    return [
        {
            "rows": observed["rows"],
            "nulls": observed.get(f"nulls{number}", 0),
            "unexpected": observed.get(f"unexpected{number}", 0),
        }
        for number in range(len(expected))
    ]


def judged(expectation: Any, observed: Mapping[str, int]) -> bool:
    """The verdict of an expectation on what was observed for it.

    Args:
        expectation: of Great Expectations.
        observed: see `observe`.
    """
    asked = expectation.get_validation_dependencies(runtime_configuration=_VERDICT).metric_configurations
    metrics = {configuration.id: _metric(name, observed) for name, configuration in asked.items()}
    return bool(expectation.metrics_validate(metrics, runtime_configuration=_VERDICT).success)


def _metric(name: str, observed: Mapping[str, int]) -> int | list[Any]:
    """The value of a metric, by its name in Great Expectations."""
    if name == "table.row_count":
        return observed["rows"]
    if name.endswith(_NULLS) and "nulls" in observed:
        return observed["nulls"]
    if name.endswith(_UNEXPECTED) or name == _ROW_COUNT:
        return observed["unexpected"]
    return []  # rows that are shown as a sample: none


def _queried(table: DataFrame, queries: Mapping[int, str]) -> dict[int, int]:
    """How many rows each query finds, all in one job; ``{batch}`` in a query stands for the table."""
    if not queries:
        return {}
    spark, view = table.sparkSession, f"written_{secrets.token_hex(8)}"
    table.createOrReplaceTempView(view)
    try:
        counts = [
            spark.sql(query.format(batch=view)).agg(F.lit(number).alias("number"), F.count(F.lit(1)).alias("rows"))
            for number, query in queries.items()
        ]
        return {row["number"]: row["rows"] for row in reduce(DataFrame.unionAll, counts).collect()}
    finally:
        spark.catalog.dropTempView(view)
