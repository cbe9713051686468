"""The only place that builds or finds a SparkSession, or asks Spark how far it is."""

import logging
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.find_spark_home import _find_spark_home
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from synth_spark.errors import EngineError
from synth_spark.runtime import s3
from synth_spark.runtime.class_archive import java_options
from synth_spark.runtime.environment import variable
from synth_spark.runtime.imports import unwarned
from synth_spark.runtime.jvm_output import catch_up, heard
from synth_spark.runtime.libraries import SPARK_ALONE, Libraries, s3_client, with_delta
from synth_spark.runtime.scratch import Scratch, remove, scratch, told_to_java

if TYPE_CHECKING:
    import pyarrow as pa

_MIN_JAVA = 17
#: On few cores a run of a minute is better off with the simple compiler (measured on 2 cores: 49 s instead of 65 s), a
#: longer one repays the optimising compiler; a concurrent collector would compete with the work itself in both. Without
#: the latter Java reserves a fifth of the room for compiled code: three releases fill it, then nothing is compiled.
_FEW_CORES = (os.cpu_count() or 1) <= 4
_COLLECTOR = "-XX:+UseSerialGC" if _FEW_CORES else "-XX:+UseParallelGC"
_SHORT = ("-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=240m") if _FEW_CORES else ()
#: Room from the start: growing to it step by step takes some hundred collections (measured: 2 s of a run of a minute).
_ROOM = ("-Xms1g", "-XX:NewSize=400m", "-XX:MetaspaceSize=256m")
#: Set once a local session was left to end with the process.
LEFT_RUNNING = threading.Event()
#: Set once it was said that a session writes rows down in plain text.
TOLD_OF_PLAIN_FILES = threading.Event()
#: Whether Spark encrypts what it shuffles and spills, and what it sends to Python by way of a file.
ENCRYPTED = "spark.io.encryption.enabled"
#: The address of a JVM of a local session, and the variable by which Spark is told it before it has settings.
_LOOPBACK, _ADDRESS = "127.0.0.1", "SPARK_LOCAL_IP"
#: Where the tables of the session's own catalog are.
_WAREHOUSE = "spark.sql.warehouse.dir"
#: What a classic session shows of a job.
_SHOWN = ("spark.jobGroup.id", "spark.job.description", "spark.job.interruptOnCancel")
#: Loggers of PySpark with which it prints errors that it raises as well.
_LOUD = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")


@contextmanager
def session(
    libraries: Libraries = SPARK_ALONE,
    long: bool = False,
    quiet: bool = False,
    ends: bool = False,
    place: Path | None = None,
    kept: bool = False,
) -> Iterator[SparkSession]:
    """The session of a command: one that was there, or is the platform's, is left running; one that was built stops.

    Args:
        libraries: what the session has beside Spark's own files.
        long: whether the work will take minutes.
        quiet: whether a JVM that starts is not to be heard.
        ends: whether the process ends after the body; a local session then stops by itself, and nobody waits for it.
        place: the folder in which a local session makes private folders of its own, see `scratch`.
        kept: whether what a JVM says once it has started is told only if the command fails.
    """
    active = SparkSession.getActiveSession()
    if active is None:
        hush()
    with heard(quiet, kept) if active is None else nullcontext():
        spark = active or open_session(libraries, long=long, place=place)
    try:
        yield spark
    finally:
        catch_up()
        if active is None and not _hosted():
            if ends and is_local(spark):
                LEFT_RUNNING.set()
                remove()
            else:
                spark.stop()


def found_session(libraries: Libraries = SPARK_ALONE, long: bool = False) -> SparkSession:
    """The session of a program that calls synth-spark: one that is there, or a new one, which is left running.

    What the JVM of a new one says is not printed, unless it does not start.

    Args:
        libraries: what the session has beside Spark's own files.
        long: whether the work will take minutes.

    Raises:
        EngineError: no usable Java for a local session, or no library for it.
    """
    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    hush()
    with heard(quiet=True, kept=True):
        return open_session(libraries, long=long)


def sees_this_machine(spark: SparkSession) -> bool:
    """Whether the tasks of a session see this machine's temporary folder; of Spark Connect it is taken to be so."""
    if _hosted():
        return False
    try:
        return str(spark.sparkContext.master).startswith("local")
    except Exception:  # Spark Connect has no context
        return True


def hush() -> None:
    """Keep PySpark from printing what it raises: its loggers print the query, and the stack of the JVM, beside it.

    What it says of the version of pandas is kept quiet, too.
    """
    unwarned()
    for name in _LOUD:
        PySparkLogger.getLogger(name).setLevel(logging.CRITICAL + 1)


def is_local(spark: SparkSession) -> bool:
    """Whether the JVM of a session is a child of this process, with all that it runs; it ends when this one does."""
    try:
        master = str(spark.sparkContext.master)
    except Exception:  # Spark Connect has no context
        return False
    return "PYSPARK_GATEWAY_PORT" not in os.environ and re.match(r"local(\[|$)", master) is not None


def set_for_tasks(spark: SparkSession, variable: str, value: str) -> None:
    """Put a variable into the environment of the Python workers that a local session starts from now on."""
    spark.sparkContext.environment[variable] = value


def open_session(
    libraries: Libraries = SPARK_ALONE, master: str | None = None, long: bool = False, place: Path | None = None
) -> SparkSession:
    """Find or build the session this run works with.

    A session that is there already is used as it is (notebooks, Databricks); a process started by ``spark-submit`` or
    given ``SPARK_REMOTE`` takes what that names, with its settings and under its name; otherwise a local session on all
    cores is built.

    Args:
        libraries: what the session has beside Spark's own files.
        master: master of a session that is built here.
        long: whether the work will take minutes.
        place: the folder in which such a session makes private folders of its own, see `scratch`.

    Raises:
        EngineError: no usable Java for a local session, no library for it, or no Delta for this Spark.
    """
    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    builder = SparkSession.builder
    if libraries.delta:
        builder = with_delta(builder, fetched=not _brings_jars())
    if "SPARK_REMOTE" in os.environ or "PYSPARK_GATEWAY_PORT" in os.environ or _hosted():
        return builder.getOrCreate()
    java = check_java()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # workers take the system's python3 otherwise
    name_files_in_utf8(os.environ)
    private = scratch(place)
    temporary = f"-Djava.io.tmpdir={private.temporary}"
    settings = {**local_settings(long, (*java_options(java), temporary)), **_folders(private)}
    client = s3_client(java_program()) if libraries.s3 else ""
    for key, value in {**settings, **(s3.settings(os.environ) if libraries.s3 else {})}.items():
        builder = builder.config(key, value)
    address = os.environ.get(_ADDRESS, _LOOPBACK)  # that of this machine is asked for by a name that no server may know
    with told_to_java(private), variable(_ADDRESS, address), s3.behind_spark(client):
        session: SparkSession = builder.appName("synth-spark").master(master or "local[*]").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    return session


def name_files_in_utf8(environment: MutableMapping[str, str]) -> None:
    """Have a JVM that starts with an environment name files in UTF-8, as Python does under the locale C, too.

    The JVM would ask for a file by other bytes than the name that Python has for it.

    Args:
        environment: is changed where it names the locale C or POSIX for everything.
    """
    if environment.get("LC_ALL") in ("C", "POSIX"):
        environment["LC_ALL"] = "C.UTF-8"


def _hosted() -> bool:
    """Whether the platform owns the session: stopping it would fail the job, or stop the work of others."""
    return "DATABRICKS_RUNTIME_VERSION" in os.environ


def local_settings(long: bool = False, more: Sequence[str] = ()) -> dict[str, str]:
    """Settings of a local session: quiet, in UTC, memory from the machine's; for minutes of work if ``long``.

    Args:
        long: whether the work will take minutes.
        more: further options of its JVM.
    """
    cores = os.cpu_count() or 1
    log4j = f"-Dlog4j2.configurationFile={resources.files(__package__) / 'log4j2.properties'}"
    options = (*(() if long else _SHORT), _COLLECTOR, *_ROOM, log4j, *more)
    return {
        "spark.driver.memory": f"{_driver_megabytes()}m",
        "spark.driver.extraJavaOptions": " ".join(f'"{option}"' for option in options),
        "spark.ui.enabled": "false",
        "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",  # tables are renamed once they are whole
        # Java starts a process for every file whose permissions it sets: a mark that nobody reads is two of them.
        "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.python.daemon.module": "synth_spark.pipeline.workers.daemon",
        "spark.python.sql.dataFrameDebugging.enabled": "false",  # else each expression notes where it was written
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(2 * cores if long else cores),  # a task costs some hundredths of a second
        "spark.sql.codegen.cache.maxEntries": "3000",  # a release needs 122, the default is 100
        "spark.sql.adaptive.enabled": "false",  # tables are cut to fit; it only makes more jobs
        "spark.sql.files.openCostInBytes": str(1 << 16),  # else a file of some MB is cut unevenly
        # Spark asks every column for its size after every row, unless rows alone limit batches: a fifth of what tasks
        # of a small table do. Of a large one batches could grow too wide, and the optimising compiler makes it cheap.
        "spark.sql.execution.arrow.maxBytesPerBatch": str(64 << 20 if long else (1 << 31) - 1),
        "spark.sql.execution.arrow.maxRecordsPerBatch": "50000" if long else "20000",
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.databricks.delta.snapshotPartitions": "2",
        ENCRYPTED: "true",
        "spark.driver.host": _LOOPBACK,
        "spark.driver.bindAddress": _LOOPBACK,
    }


def _folders(private: Scratch) -> dict[str, str]:
    """Settings by which a local session writes nothing outside its private folders but what it is told to.

    Where the user's own settings of Spark name a folder for the tables of the session's catalog, that one counts.
    """
    local = {"spark.local.dir": ",".join(map(str, private.local))}
    return local if _WAREHOUSE in _users_settings() else {**local, _WAREHOUSE: str(private.temporary / "warehouse")}


def _users_settings() -> set[str]:
    """Names of what ``spark-defaults.conf`` sets, in the folder that Spark looks for it in."""
    folder = os.environ.get("SPARK_CONF_DIR") or os.path.join(_find_spark_home(), "conf")
    try:
        lines = (Path(folder) / "spark-defaults.conf").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return set()
    return {re.split(r"[\s=:]", line.strip(), maxsplit=1)[0] for line in lines if not line.lstrip().startswith("#")}


def say_if_plain(spark: SparkSession, say: Callable[[str], None]) -> None:
    """Say, once a process, that a session writes rows that it shuffles and spills in plain text, if it does.

    Args:
        spark: the session; of one that keeps its settings to itself nothing is said.
        say: takes a sentence that names the setting and the remedy.
    """
    try:
        encrypts = str(spark.conf.get(ENCRYPTED, "false")).lower() == "true"
    except Exception:  # a platform may refuse to tell
        return
    if not encrypts and not TOLD_OF_PLAIN_FILES.is_set():
        TOLD_OF_PLAIN_FILES.set()
        say(
            f"{ENCRYPTED} is off: Spark writes values that it shuffles and spills in plain text into its local "
            "folders; set it to true where the session is started, or keep these folders on encrypted disks"
        )


def check_java() -> str:
    """What the Java on the path, or in JAVA_HOME, says of its version.

    Raises:
        EngineError: there is none, or it is older than version 17.
    """
    java = java_program()
    if java is None or not Path(java).exists():
        remedy = f"install a Java runtime of version {_MIN_JAVA} or newer (Debian: openjdk-17-jre-headless)"
        raise EngineError("java", "was not found", remedy)
    output = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', output)
    if version is None or int(version.group(1)) < _MIN_JAVA:
        raise EngineError("java", f"is older than version {_MIN_JAVA}", "install a newer one, or point JAVA_HOME to it")
    return output


def java_program() -> str | None:
    """The Java of JAVA_HOME, or the one on the path; None if there is none."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else shutil.which("java")


def warm_workers(spark: SparkSession) -> None:
    """Start a local session's Python workers, with what they load (see `workers`), beside whatever runs meanwhile.

    One task is enough: workers are forks of the daemon that it starts, and reading has the other cores meanwhile.
    Elsewhere than in a local session nothing is done: workers come and go there.
    """

    def pass_on(batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        yield from batches

    try:
        if not is_local(spark):
            return
        spark.range(0, 1, 1, 1).mapInArrow(pass_on, "id bigint").write.format("noop").mode("append").save()
    except Exception:  # a session that ends early, or of another kind: warm or not, the result is the same
        return


def tag_of(run_id: str, stage: str) -> str:
    """The tag of all that a stage of a run does."""
    return f"synth-spark.{run_id}.{stage}"


@contextmanager
def described(spark: SparkSession, run_id: str, stage: str) -> Iterator[None]:
    """Name run and stage on all that Spark does for the body, where Spark shows what it does.

    Everywhere it is a tag, by which `SparkSession.interruptTag` finds the stage; in a classic session it is the jobs'
    group and description, too, as its pages and its event log show them.
    """
    tag = tag_of(run_id, stage)
    context = None
    try:
        spark.addTag(tag)
        context = spark.sparkContext
        before = [context.getLocalProperty(key) for key in _SHOWN]
        context.setJobGroup(tag, f"synth-spark {run_id}: {stage}")
    except Exception:  # Spark Connect has no context, and shows tags alone; a name is never worth a run
        context = None
    try:
        yield
    finally:
        with suppress(Exception):  # a session that ended has none
            spark.removeTag(tag)
        if context is not None:
            for key, value in zip(_SHOWN, before, strict=True):
                context.setLocalProperty(key, value)  # type: ignore[arg-type]  # None takes it away


def running_tasks(spark: SparkSession) -> tuple[int, int] | None:
    """(tasks done, tasks in all) of the stages that have started and not ended; None where Spark does not say."""
    try:
        tracker = spark.sparkContext.statusTracker()
        stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
    except Exception:  # Spark Connect has no tracker; a session that is being stopped answers with anything
        return None
    running = [stage for stage in stages if stage is not None]
    return sum(stage.numCompletedTasks for stage in running), sum(stage.numTasks for stage in running)


def _brings_jars() -> bool:
    """Whether packages of Java are a matter of who started the JVM: a platform, spark-submit or a remote server."""
    remote = os.environ.get("SPARK_REMOTE", "").startswith("sc://")
    return _hosted() or remote or "PYSPARK_GATEWAY_PORT" in os.environ


def _driver_megabytes() -> int:
    """A third of the machine's memory, between 1 and 8 GiB; Python workers need the rest."""
    if not hasattr(os, "sysconf"):  # Windows
        return 1024
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return max(1024, min(8192, total // 3))
