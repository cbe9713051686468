"""A standalone Spark cluster on this machine, from the installed pyspark; each process has a group of its own."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from installing import SPARK_HOME, clean_environment, short_lived

_HOST = "127.0.0.1"
#: No second port for submitting, which would be the same for every master of a machine.
_MASTER = "-Dspark.master.rest.enabled=false"
_SET_DEATH_SIGNAL = 1
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
T = TypeVar("T")


@dataclass
class Cluster:
    """A cluster that runs.

    Attributes:
        folder: its logs and the workers' folders.
        port: of the master.
        page: port of the master's page.
        environment: variables that the workers, and so the executors, get.
        processes: everything that was started, by name.
    """

    folder: Path
    port: int
    page: int
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def url(self) -> str:
        """What to give as ``--master``."""
        return f"spark://{_HOST}:{self.port}"

    def start_master(self) -> None:
        """Start the master and wait until it answers."""
        at = ["--host", _HOST, "--port", str(self.port), "--webui-port", str(self.page)]
        self._start("master", "org.apache.spark.deploy.master.Master", *at)
        wait(lambda: self.alive_workers() is not None, "the master to answer")

    @property
    def workers(self) -> list[str]:
        """Names of the workers that were started and not killed."""
        return [name for name in self.processes if name != "master"]

    def start_workers(self, number: int) -> None:
        """Start so many more workers of one core, and wait until the master knows those there are and no others."""
        for _ in range(number):
            name = f"worker-{next(self._numbers)}"
            at = ["--host", _HOST, "--webui-port", "0", "--work-dir", str(self.folder / name)]
            self._start(name, "org.apache.spark.deploy.worker.Worker", *at, "--cores", "1", "--memory", "1g", self.url)
        expected = len(self.workers)
        wait(lambda: len(self.alive_workers() or []) == expected, f"{expected} workers to be registered")

    def alive_workers(self) -> list[Any] | None:
        """What the master says of the workers that it thinks alive; None while it does not answer."""
        answer = ask(f"http://{_HOST}:{self.page}/json/")
        return answer and [worker for worker in answer["workers"] if worker["state"] == "ALIVE"]

    def worker_of(self, executor: str) -> str | None:
        """Name of the worker that runs an executor; None if that has ended."""
        for process in Path("/proc").iterdir():
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
                group = os.getpgid(int(process.name))
            except (OSError, ValueError):  # not a process, or not any more
                continue
            if b"--executor-id" in words and words[words.index(b"--executor-id") + 1] == executor.encode():
                for name, started in self.processes.items():
                    if started.pid == group:
                        return name
        return None

    def signal(self, worker: str, number: int) -> None:
        """Send a signal to a worker and its executors, at once."""
        os.killpg(self.processes[worker].pid, number)

    def kill(self, worker: str) -> None:
        """Kill a worker and its executors, which have no chance to say so."""
        self.signal(worker, signal.SIGKILL)
        self.processes.pop(worker).wait()

    def stop(self) -> None:
        """Stop everything, workers first."""
        for asked in (signal.SIGTERM, signal.SIGKILL):
            for started in reversed(self.processes.values()):
                try:
                    os.killpg(started.pid, asked)
                    started.wait(10)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    continue
        self.processes.clear()

    def _start(self, name: str, what: str, *arguments: str) -> None:
        settings = {
            "SPARK_HOME": str(SPARK_HOME),
            "SPARK_LOCAL_IP": _HOST,
            "SPARK_MASTER_OPTS": _MASTER,
            "SPARK_DAEMON_JAVA_OPTS": short_lived(),
        }
        environment = clean_environment(**settings, **self.environment)
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [str(SPARK_HOME / "bin" / "spark-class"), what, *arguments]
            self.processes[name] = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )


@contextmanager
def running_cluster(folder: Path, workers: int = 2, **environment: str) -> Iterator[Cluster]:
    """Start a master and workers; stop them whatever happens."""
    folder.mkdir(parents=True)
    cluster = Cluster(folder, free_port(), free_port(), environment)
    try:
        cluster.start_master()
        cluster.start_workers(workers)
        yield cluster
    finally:
        cluster.stop()


def _end_with_parent() -> None:
    """Have the kernel terminate this process when the one that started it dies without stopping it (Linux only)."""
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)


def ask(url: str) -> Any:
    """The JSON that a server of this machine answers; None where it does not."""
    try:
        with _direct.open(url, timeout=5) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


def wait(found: Callable[[], T], what: str, seconds: float = 300, pause: float = 0.05) -> T:
    """The first answer that is something, within a time that only a hanging process needs."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = found()
        if answer:
            return answer
        time.sleep(pause)
    raise AssertionError(f"waited {seconds:.0f} s for {what}")


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
