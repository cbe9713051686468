"""Rows of files, read as a run reads them; and why files are refused."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from synth_spark import read
from synth_spark.errors import SynthSparkError
from synth_spark.plan import parse

#: The text of a file with two columns, and its records.
TEXT = "size,side\nbig,left\nsmall,right\n"
ROWS = [("big", "left"), ("small", "right")]


def rows(spark: SparkSession, **settings: Any) -> list[tuple[Any, ...]]:
    """The records of an input, by the order of their texts; as a run reads them."""
    source = parse({"input": settings}).input
    opened = read.open_records(spark, source, 1)
    try:
        found = opened.frame.collect()
    except Exception as error:
        raise read.explain_failure(error, opened.examination) or error from None
    read.check(opened, source, spark.createDataFrame(found, opened.frame.schema))
    return sorted((tuple(row) for row in found), key=str)


def refusal(spark: SparkSession, **settings: Any) -> str:
    with pytest.raises(SynthSparkError) as caught:
        rows(spark, **settings)
    assert 2 <= caught.value.exit_code <= 9
    return caught.value.whole()
