"""The line on a standalone cluster whose executors get the package as a shipped wheel, and lose a worker on the way."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from cluster import Cluster, ask, free_port, running_cluster, wait
from installing import ROOT, SPARK_HOME, bare_environment, clean_environment, run, short_lived
from releasing import hashes, release
from sharing import CTDC

#: Without the real data: rows, columns and values a record, so many that each stage has several tasks an executor.
SHAPE = (12_000, 80, 12)
SEED = 1
DONE_AND_BUSY = ("SUCCESS", "RUNNING")


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real data where they are, else generated ones."""
    if CTDC.exists():
        return CTDC
    path = tmp_path_factory.mktemp("cases") / "cases.parquet"
    rows, columns, values = (str(number) for number in SHAPE)
    made = run([sys.executable, ROOT / "benchmarks" / "generate.py", rows, columns, path, str(SEED), values])
    assert made.returncode == 0, made.stderr
    return path


@pytest.fixture(scope="module")
def expected(request: pytest.FixtureRequest, cases: Path) -> dict[str, str]:
    """Content hashes of a release of the cases in this process."""
    if cases == CTDC:
        return hashes(request.getfixturevalue("ctdc"))
    out = cases.with_name("out")
    release(request.getfixturevalue("spark"), cases, out)
    return hashes(out)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has everything but the package: the driver's and the executors'."""
    python = bare_environment(tmp_path_factory.mktemp("bare") / "env", "--without-pip")
    assert "No module named 'synth_spark'" in run([python, "-c", "import synth_spark"]).stderr
    assert run([python, "-c", "import pyspark, numba, pyarrow"]).returncode == 0
    return python


@pytest.fixture(scope="module")
def shipped(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel under a name that Spark puts on the path."""
    return Path(shutil.copy(wheel, tmp_path_factory.mktemp("shipped") / "synth_spark.zip"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster") / "spark") as cluster:
        yield cluster


class Job:
    """A release under spark-submit, and what Spark tells of it while it runs and afterwards."""

    def __init__(self, folder: Path, cluster: Cluster, python: Path, shipped: Path, cases: Path) -> None:
        self.out, self.events, self._log = folder / "out", folder / "events", folder / "driver.log"
        self.events.mkdir()
        self._page = free_port()
        settings = {
            "spark.driver.extraJavaOptions": short_lived(),
            "spark.executor.extraJavaOptions": short_lived(),
            "spark.scheduler.minRegisteredResourcesRatio": "1",  # no task before both executors are there
            "spark.scheduler.maxRegisteredResourcesWaitingTime": "120s",
            "spark.ui.port": self._page,
            "spark.ui.liveUpdate.period": "0",
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": self.events.as_uri(),
            "spark.eventLog.compress": "false",
            "spark.eventLog.rolling.enabled": "false",
        }
        plan = folder / "plan.yml"
        asked = {"input": {"path": str(cases)}, "output": {"path": str(self.out)}, "seed": 5, "run_id": "job"}
        plan.write_text(json.dumps(asked), encoding="utf-8")
        given = {"spark://HOST:7077": cluster.url, "synth_spark.zip": shipped, "plan.yml": plan}
        submit, *words = readme_command()
        command = [str(SPARK_HOME / "bin" / submit)]
        command += [part for key, value in settings.items() for part in ("--conf", f"{key}={value}")]
        command += [str(given.get(word, ROOT / word if word.startswith("jobs/") else word)) for word in words]
        environment = clean_environment(PYSPARK_PYTHON=str(python), SPARK_LOCAL_IP="127.0.0.1")
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, cwd=folder, start_new_session=True
            )

    def log(self) -> str:
        """What the driver printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def finish(self) -> None:
        """Wait for the end, which must be a good one."""
        assert self.process.wait() == 0, self.log()[-5_000:]

    def stop(self) -> None:
        """End it if it has not ended."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stages_done(self) -> list[str]:
        """Stages of the line that are completed."""
        return self._recorded("stages")

    def tables_kept(self) -> list[str]:
        """Tables that were kept so far."""
        return self._recorded("tables")

    def _recorded(self, what: str) -> list[str]:
        try:
            manifest = json.loads((self.out.with_name("out.work") / "job" / "manifest.json").read_text())
        except OSError:
            return []
        return list(manifest[what])

    def busy_executors(self, of: str, again: bool = False) -> list[str]:
        """Executors that work for a stage of the line: if ``again``, only those that ended a task of that step before.

        Parts of a stage may run beside the stage before it: what a task is of, its description says.
        """
        assert self.process.poll() is None, self.log()[-5_000:]
        applications = f"http://127.0.0.1:{self._page}/api/v1/applications"
        found: set[str] = set()
        for application in ask(applications) or []:
            stages = f"{applications}/{application['id']}/stages"
            for stage in ask(f"{stages}?status=active") or []:
                if not stage.get("description", "").endswith(f": {of}"):
                    continue
                tasks = ask(f"{stages}/{stage['stageId']}/{stage['attemptId']}/taskList") or []
                done, busy = ({task["executorId"] for task in tasks if task["status"] == how} for how in DONE_AND_BUSY)
                found |= busy & done if again else busy
        return sorted(found)

    def tasks(self) -> list["Ended"]:
        """Every attempt of a task, as the event log tells of it."""
        (file,) = self.events.iterdir()
        plans: dict[str, str] = {}
        query_of: dict[int, str] = {}
        ended: list[Ended] = []
        for event in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            match event["Event"].rpartition(".")[2]:
                case "SparkListenerSQLExecutionStart":
                    plans[str(event["executionId"])] = event["physicalPlanDescription"]
                case "SparkListenerStageSubmitted":
                    query = plans.get(event["Properties"].get("spark.sql.execution.id", ""), "")
                    query_of[event["Stage Info"]["Stage ID"]] = query
                case "SparkListenerTaskEnd":
                    how, executor = event["Task End Reason"]["Reason"], event["Task Info"]["Executor ID"]
                    ended.append(Ended(how, executor, query_of[event["Stage ID"]]))
        return ended


class Ended(NamedTuple):
    """How an attempt of a task ended, where, and the plan of the query it was of."""

    how: str
    executor: str
    query: str


def readme_command() -> list[str]:
    """The words of the command that the README gives for a cluster."""
    (command,) = re.findall(r"^PYSPARK_PYTHON=\S+ (spark-submit .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    return shlex.split(command)


@pytest.fixture
def job(tmp_path: Path, cluster: Cluster, python: Path, shipped: Path, cases: Path) -> Iterator[Job]:
    job = Job(tmp_path, cluster, python, shipped, cases)
    yield job
    job.stop()


@pytest.mark.takes("a driver, and a cluster that loses two workers")
def test_the_shipped_wheel_gives_what_a_local_run_gives_though_workers_die(
    job: Job, cluster: Cluster, expected: dict[str, str]
) -> None:
    """One dies at counting, which takes too short a time to be caught: it is stopped before. Another dies in growth.

    All executors have the package from the wheel alone.
    """
    wait(lambda: "encode" in job.stages_done(), "the stage encode")
    kill_a_worker_as_a_stage_begins(job, cluster, "0", "aggregate")
    cluster.start_workers(1)
    wait(lambda: "counts" in job.tables_kept(), "counts, after which growth begins")
    executor = wait(lambda: kill_a_worker_at_its_second_task(job, cluster), "a worker in the middle", pause=0)
    assert "synthesize" not in job.stages_done()
    job.finish()
    assert hashes(job.out) == expected
    done = [task for task in job.tasks() if task.how == "Success"]
    assert {task.executor for task in done if "grow_one(" in task.query} == {"1", "2"}
    assert not [task for task in done if "load(" in task.query], "workers of a cluster were warmed"
    assert "ExecutorLostFailure" in lost(job, "0", "count_block(")
    assert {"ExecutorLostFailure", "Resubmitted"} <= lost(job, executor, "grow_one("), "what had been done, too"


def kill_a_worker_as_a_stage_begins(job: Job, cluster: Cluster, executor: str, stage: str) -> None:
    """Stop the worker of an executor, wait until it is given a task of a stage, and kill it."""
    worker = str(cluster.worker_of(executor))
    cluster.signal(worker, signal.SIGSTOP)
    wait(lambda: executor in job.busy_executors(stage), "a task of the stopped worker")
    assert stage not in job.stages_done()
    cluster.kill(worker)


def lost(job: Job, executor: str, work: str) -> set[str]:
    """How an executor's tasks ended in the queries whose plan holds a text, such as the name of a function."""
    return {task.how for task in job.tasks() if task.executor == executor and work in task.query}


def kill_a_worker_at_its_second_task(job: Job, cluster: Cluster) -> str | None:
    """Kill the worker of an executor that has done a task of a step; returns the executor, or None if none was caught.

    The worker is stopped first: if its executor is then still known to be busy, no task can end before the kill.
    """
    found = job.busy_executors("synthesize", again=True)
    worker = cluster.worker_of(found[0]) if found else None
    if not worker:
        return None
    cluster.signal(worker, signal.SIGSTOP)
    time.sleep(0.2)  # for what the executor had said before
    if found[0] not in job.busy_executors("synthesize", again=True):
        cluster.signal(worker, signal.SIGCONT)
        return None
    cluster.kill(worker)
    return found[0]
