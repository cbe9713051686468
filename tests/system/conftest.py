"""What the tests of the product as it is started elsewhere compare with."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from releasing import hashes, release


@pytest.fixture(scope="module")
def expected(spark: SparkSession, cases: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Content hashes of a release of the module's ``cases`` in this process."""
    out = tmp_path_factory.mktemp("expected") / "out"
    release(spark, cases, out)
    return hashes(out)
