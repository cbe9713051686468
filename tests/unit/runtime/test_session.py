"""What a session keeps quiet about, and how its JVM names files."""

import logging
import os
from pathlib import Path

import pytest
from pyspark.logger import PySparkLogger

from synth_spark.errors import EngineError
from synth_spark.runtime import libraries, session
from synth_spark.runtime.libraries import delta_package
from synth_spark.runtime.scratch import Scratch
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


@pytest.mark.parametrize(("given", "told"), [(None, "127.0.0.1"), ("127.0.0.2", "127.0.0.2")])
def test_a_local_jvm_does_not_ask_for_the_name_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str | None, told: str
) -> None:
    """In containers and behind firewalls that name is often known to no server; only what is started is told."""

    class Asked(Exception):
        pass

    def asked(client: str) -> None:
        assert os.environ["SPARK_LOCAL_IP"] == told
        raise Asked

    monkeypatch.setattr(session.SparkSession, "getActiveSession", lambda: None)
    for name in ("SPARK_REMOTE", "PYSPARK_GATEWAY_PORT", "DATABRICKS_RUNTIME_VERSION", "SPARK_LOCAL_IP"):
        monkeypatch.delenv(name, raising=False)
    if given:
        monkeypatch.setenv("SPARK_LOCAL_IP", given)
    monkeypatch.setattr(session, "scratch", lambda place: Scratch((tmp_path,), tmp_path))
    monkeypatch.setattr(session.s3, "behind_spark", asked)
    with pytest.raises(Asked):
        session.open_session()
    assert os.environ.get("SPARK_LOCAL_IP") == given


@pytest.mark.parametrize(("spark", "built"), [("4.1.0", "4.1"), ("4.2.1", "4.2")])
def test_deltas_package_is_that_of_the_spark_that_is_there(spark: str, built: str) -> None:
    assert delta_package(spark) == f"io.delta:delta-spark_{built}_2.13:4.4.0"


def test_a_spark_without_a_delta_is_told_before_a_session_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match=r"delta: 4\.4\.0 is not built for Spark 4\.3; install pyspark 4\.1 or 4\.2"):
        delta_package("4.3.0")
    # where others see to packages of Java, none is asked for
    monkeypatch.setattr(libraries, "delta_package", lambda: pytest.fail("a package was asked for"))
    libraries.with_delta(session.SparkSession.builder, fetched=False)
