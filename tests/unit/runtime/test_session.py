"""What a session keeps quiet about, and how its JVM names files."""

import logging

import pytest
from pyspark.logger import PySparkLogger

from synth_spark.runtime import session
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


def test_a_session_sees_to_that_before_its_jvm_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Asked(Exception):
        pass

    def asked(environment: dict[str, str]) -> None:
        assert environment["LC_ALL"] == "C"
        raise Asked

    monkeypatch.setattr(session.SparkSession, "getActiveSession", lambda: None)
    monkeypatch.setenv("LC_ALL", "C")
    for name in ("SPARK_REMOTE", "PYSPARK_GATEWAY_PORT", "DATABRICKS_RUNTIME_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(session, "name_files_in_utf8", asked)
    with pytest.raises(Asked):
        session.open_session()
