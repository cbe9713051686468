"""Spark's classes, parsed and checked ahead: a Java class-data archive that local sessions start from.

A run of a minute spends seconds on loading some twenty thousand classes. Java (JEP 350) writes those that a process
loaded into an archive, and maps them from there in the next one. It belongs to one Java, one Spark and their files,
wherever they are; Java checks that itself, and does without an archive that does not fit.
"""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from pyspark.find_spark_home import _find_spark_home

#: Names, in the environment, the file that a local session writes its classes to when its process ends.
WRITTEN_TO = "SYNTH_SPARK_CLASSES"
#: Archives that are kept, those written last: each is some hundred megabytes, and belongs to one installation.
_KEPT = 4
#: An archive that does not fit is passed over without a word; what stops a JVM is still printed.
_QUIET = ("-Xshare:auto", "-Xlog:disable", "-Xlog:all=error:stderr")


def archive_of(java: str) -> Path:
    """Where the archive for a Java, and for this Spark, is or would be in the user's cache folder.

    Args:
        java: what that Java says of itself.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    key = hashlib.sha256("\n".join([java, version("pyspark"), _find_spark_home()]).encode()).hexdigest()
    return cache / "synth-spark" / f"classes-{key[:24]}.jsa"


def java_options(java: str) -> tuple[str, ...]:
    """Options that start a JVM from the archive, where there is one; of one that does not fit, Java says nothing."""
    written = os.environ.get(WRITTEN_TO)
    if written:
        return (f"-XX:ArchiveClassesAtExit={written}", *_QUIET)
    try:
        file = archive_of(java)
    except RuntimeError:  # a user without a home folder
        return ()
    return (f"-XX:SharedArchiveFile={file}", *_QUIET) if file.is_file() else ()


def write_archive(java: str, command: Sequence[str]) -> Path | None:
    """Run a command that loads what is to be archived, and keep its archive.

    Args:
        java: what the Java that the command starts says of itself.
        command: the words of a command that opens a local session.

    Returns:
        The archive, readable by this user alone; None if the command fails, or no archive can be written.
    """
    try:
        target = archive_of(java)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            written = Path(folder) / target.name
            # A JVM outlives the command by the seconds that writing takes, but holds its standard output to the end.
            done = subprocess.run(
                [*command], env=os.environ | {WRITTEN_TO: str(written)}, capture_output=True, check=False
            )
            if done.returncode or not written.is_file():
                return None
            written.replace(target)
        for old in sorted(target.parent.glob("classes-*.jsa"), key=lambda file: file.stat().st_mtime)[:-_KEPT]:
            old.unlink(missing_ok=True)
        return target
    except (OSError, RuntimeError):  # no room, or a user without a home folder
        return None
