"""One Spark session for the suite, and where the shared data sets are, if they are here."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """A local session with few partitions and Delta, as quiet as the product's own."""
    from synth_spark.class_archive import java_options
    from synth_spark.session import check_java, local_settings, with_delta

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = with_delta(SparkSession.builder.master("local[2]").appName("tests"))
    settings = local_settings(more=java_options(check_java()))
    settings |= {"spark.sql.shuffle.partitions": "4", "spark.driver.memory": "2g"}
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture
def shared() -> Path:
    """The folder of shared data sets; skips the test where it is not, except in CI."""
    if not SHARED.is_dir():
        assert "SYNTH_SPARK_CI" not in os.environ, "CI must have the shared data sets"
        pytest.skip("the shared data sets are not here")
    return SHARED
