"""What a session keeps quiet about."""

import logging

from pyspark.logger import PySparkLogger

from synth_spark.runtime.session import hush


def test_pyspark_prints_no_query_and_no_stack_beside_what_it_raises() -> None:
    names = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")
    levels = {name: PySparkLogger.getLogger(name).level for name in names}
    try:
        hush()
        assert not any(PySparkLogger.getLogger(name).isEnabledFor(logging.CRITICAL) for name in names)
    finally:
        for name, level in levels.items():
            PySparkLogger.getLogger(name).setLevel(level)
