"""What a session that is built here has beside Spark's own files: Delta's package, and Hadoop's client of S3."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synth_spark.errors import EngineError
from synth_spark.runtime import s3

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Version of Delta's package of Java, and the versions of Spark that it is built for, in the name of the package.
_DELTA, _DELTA_SPARKS = "4.4.0", ("4.1", "4.2")


@dataclass(frozen=True)
class Libraries:
    """What a session that is built here has beside Spark's own files; a platform's has what the platform gives it.

    Attributes:
        delta: whether Delta tables will be read or written.
        s3: whether files in S3 will be.
    """

    delta: bool = False
    s3: bool = False


#: Nothing beside Spark's own files.
SPARK_ALONE = Libraries()


def s3_client(java: str | None) -> str:
    """The files of Hadoop's client of S3, which come behind Spark's own; see `synth_spark.runtime.s3`.

    Args:
        java: the program by which what is missing is fetched.

    Returns:
        Paths, separated by ``:``; empty if the client is among the files of Spark itself.

    Raises:
        EngineError: they are not here, and cannot be fetched.
    """
    from pyspark.find_spark_home import _find_spark_home

    return s3.class_path(str(java), Path(_find_spark_home()) / "jars")


def with_delta(builder: "SparkSession.Builder", fetched: bool = True) -> "SparkSession.Builder":
    """Add what Delta tables need to a session that is being built.

    Args:
        builder: of the session.
        fetched: whether the session fetches Delta's package; otherwise it is there.

    Returns:
        The builder.

    Raises:
        EngineError: the package is to be fetched, and has no build for the Spark that is installed.
    """
    if fetched:
        builder = builder.config("spark.jars.packages", delta_package())
    return builder.config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension").config(
        "spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog"
    )


def delta_package(spark: str | None = None) -> str:
    """Delta's package of Java for a version of Spark, as Maven names it.

    Args:
        spark: the version; default: the one that is installed.

    Returns:
        The coordinates.

    Raises:
        EngineError: Delta has no build for it.

    >>> delta_package("4.1.2")
    'io.delta:delta-spark_4.1_2.13:4.4.0'
    """
    if spark is None:
        from pyspark import __version__ as spark
    series = ".".join(str(spark).split(".")[:2])
    if series not in _DELTA_SPARKS:
        remedy = f"install pyspark {' or '.join(_DELTA_SPARKS)}, or read and write no Delta tables"
        raise EngineError("delta", f"{_DELTA} is not built for Spark {series}", remedy)
    return f"io.delta:delta-spark_{series}_2.13:{_DELTA}"
