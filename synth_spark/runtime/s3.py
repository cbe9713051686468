"""What a local session needs to read and write in S3, and in what speaks S3: Hadoop's client, and where the server is.

The client comes from Maven's central repository, once a machine: 690 MB, nearly all of it Amazon's. It is put on the
class path of the driver, as whatever is named in ``spark.jars`` is copied at every start. There it comes behind Spark's
own files: Java takes no archive of classes (`class_archive`) unless its class path begins with that of the archive. Who
may use a server is told by the environment alone (AWS_ACCESS_KEY_ID, …), which the JVM inherits: no setting of Spark
holds a key.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from synth_spark.errors import EngineError
from synth_spark.runtime.environment import variable
from synth_spark.runtime.locks import lock

#: Group and name of the client; its version is that of the Hadoop among Spark's own files.
_GROUP, _NAME = "org.apache.hadoop", "hadoop-aws"
_HADOOP = re.compile(r"hadoop-client-api-(.+)\.jar")
#: What addresses of S3 begin with.
_SCHEMES = ("s3://", "s3a://")
#: Where the environment names a server that is not Amazon's: the first one that is set counts.
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
#: Names, in the environment in which Spark starts a JVM, what comes behind its own files on the class path.
BEHIND = "SPARK_DIST_CLASSPATH"
#: Seconds that fetching may take.
_PATIENCE = 1800


def is_in_s3(address: str) -> bool:
    """Whether an address is one of S3.

    >>> is_in_s3("S3A://bucket/cases"), is_in_s3("s3:/bucket"), is_in_s3("/data/s3")
    (True, False, False)
    """
    return address.lower().startswith(_SCHEMES)


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Settings of a local session by which Spark reads and writes where the environment says.

    Args:
        environment: of the process, by the names that Amazon's own tools use.

    Returns:
        Settings, none of which holds a key; ``s3://`` is another name for ``s3a://``.
    """
    found = {"spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem"}
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if region:
        found["spark.hadoop.fs.s3a.endpoint.region"] = region
    endpoint = next((environment[name] for name in _ENDPOINTS if environment.get(name)), None)
    if endpoint is not None:
        by_host = environment.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "").lower() in ("true", "1")
        found["spark.hadoop.fs.s3a.endpoint"] = endpoint
        found["spark.hadoop.fs.s3a.path.style.access"] = str(not by_host).lower()
        found["spark.hadoop.fs.s3a.connection.ssl.enabled"] = str(not endpoint.startswith("http://")).lower()
    return found


def class_path(java: str, jars: Path) -> str:
    """The files of Hadoop's client of S3, for the class path of a driver; they are fetched if they are not here.

    Args:
        java: the program by which they are fetched.
        jars: the folder of Spark's own files.

    Returns:
        Paths, separated by ``:``; empty if the client is among the files of Spark itself.

    Raises:
        EngineError: they cannot be fetched.
    """
    if any(jars.glob("hadoop-aws-*.jar")):
        return ""
    version = _version(jars)
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "synth-spark"
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        known = cache / f"{_NAME}-{version}.classpath"
        with (cache / f".{known.name}.lock").open("w") as turn:
            lock(turn)  # of several who start at once, one fetches
            if not _all_here(known):
                _fetch(java, jars, version, known)
        return known.read_text(encoding="utf-8").strip()
    except (OSError, RuntimeError, subprocess.SubprocessError):  # RuntimeError: a user without a home folder
        problem = f"needs {_NAME} {version} and what it needs, which could not be fetched"
        raise EngineError("s3", problem, f"allow Maven's central repository, or put them into {jars}") from None


def behind_spark(path: str) -> AbstractContextManager[None]:
    """A JVM that is started in the body has files behind Spark's own, and behind what the environment has put there.

    Args:
        path: the files, separated by ``:``; empty: none.
    """
    return variable(BEHIND, os.pathsep.join(filter(None, [os.environ.get(BEHIND), path])) if path else None)


def _version(jars: Path) -> str:
    """The version of Hadoop among Spark's own files.

    Raises:
        EngineError: there is none.
    """
    found = [match[1] for file in jars.glob("*.jar") if (match := _HADOOP.fullmatch(file.name))]
    if not found:
        raise EngineError("s3", f"needs Hadoop, which is not in {jars}", "install pyspark with its jars")
    return max(found)


def _all_here(known: Path) -> bool:
    """Whether the files that were fetched before are still there."""
    if not known.is_file():
        return False
    paths = known.read_text(encoding="utf-8").strip().split(os.pathsep)
    return all(Path(path).is_file() for path in paths)


def _fetch(java: str, jars: Path, version: str, known: Path) -> None:
    """Fetch the client into the cache that Spark has for packages, by the Ivy that comes with Spark, which checks sums.

    Raises:
        OSError: a file cannot be written.
        SubprocessError: Ivy ended with an error, or took too long.
    """
    cache = Path("~/.ivy2.5.2").expanduser() / "cache"
    with tempfile.TemporaryDirectory(dir=known.parent) as folder:
        written = Path(folder) / "classpath"
        ivy = ["-cp", str(jars / "*"), "org.apache.ivy.Main", "-error", "-cache", str(cache)]
        asked = ["-dependency", _GROUP, _NAME, version, "-confs", "default", "-cachepath", str(written)]
        subprocess.run([java, *ivy, *asked], check=True, capture_output=True, timeout=_PATIENCE)
        if not _all_here(written):
            raise FileNotFoundError(written)
        written.replace(known)
