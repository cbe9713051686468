"""A run watched from outside: memory and CPU time of its processes from /proc, shuffle bytes from Spark's event log.

Processes are of three kinds: the driver's Python, the JVM, and Python workers. Memory is proportional (PSS), so pages
that forked workers share count once. What is seen falls to the stage that the run's manifest names for that moment.
"""

import itertools
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

KINDS = ("driver", "jvm", "workers")
#: Seconds between two looks at the processes.
PERIOD = 0.5
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """One process at one moment: CPU seconds of its own and of its children that have ended, and memory in MB."""

    kind: str
    own: float
    ended_children: float
    megabytes: float


@dataclass(frozen=True)
class Moment:
    """All processes of a run at one moment (seconds of the epoch)."""

    at: float
    processes: tuple[Process, ...]

    def own(self, kind: str) -> float:
        """CPU seconds of the living processes of a kind."""
        return sum(process.own for process in self.processes if process.kind == kind)

    def ended(self, *kinds: str) -> float:
        """CPU seconds of the ended children of the living processes of some kinds."""
        return sum(process.ended_children for process in self.processes if process.kind in kinds)

    def megabytes(self, kind: str) -> float:
        """Memory of all processes of a kind."""
        return sum(process.megabytes for process in self.processes if process.kind == kind)

    def largest_worker(self) -> float:
        """Memory of the largest Python worker."""
        return max((process.megabytes for process in self.processes if process.kind == "workers"), default=0.0)


@dataclass
class Watched:
    """What was seen of a run: when it began and ended, its exit code, and moments between."""

    began: float
    ended: float = 0.0
    code: int = -1
    moments: list[Moment] = field(default_factory=list)


def watch(command: list[str], environment: dict[str, str], log: Path) -> Watched:
    """Run a command and look at its processes until it ends; what it prints goes to ``log``."""
    with log.open("wb") as stream:
        watched = Watched(time.time())
        process = subprocess.Popen(command, env=environment, stdout=stream, stderr=subprocess.STDOUT)
        while process.poll() is None:
            watched.moments.append(look(process.pid))
            time.sleep(PERIOD)
    watched.ended, watched.code = time.time(), process.returncode
    return watched


def kind_of(command_line: str) -> str:
    """The kind of a process below the driver: Spark starts its Python processes as ``-m pyspark.…``."""
    words = command_line.split("\0")
    python = any(a == "-m" and b.startswith("pyspark.") for a, b in itertools.pairwise(words))
    return "workers" if python else "jvm"


def look(root: int, kind_of: Callable[[str], str] = kind_of) -> Moment:
    """Look at a process, the driver, and all that descend from it; ``kind_of`` tells kinds by the command line."""
    parents: dict[int, list[int]] = {}
    stats: dict[int, list[str]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (text := _read(entry / "stat")):
            stats[int(entry.name)] = fields = text.rpartition(")")[2].split()  # the name before it may hold anything
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        waiting += parents.get(pid, [])
        if pid in stats:
            times = [int(ticks) / _TICKS for ticks in stats[pid][11:15]]
            kind = "driver" if pid == root else kind_of(_read(Path(f"/proc/{pid}/cmdline")))
            memory = proportional(_read(Path(f"/proc/{pid}/smaps_rollup")))
            found.append(Process(kind, sum(times[:2]), sum(times[2:]), memory))
    return Moment(time.time(), tuple(found))


def proportional(rollup: str) -> float:
    """Proportional memory in MB, from the text of a smaps_rollup."""
    kilobytes = [int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")]
    return kilobytes[0] / 1024 if kilobytes else 0.0


def spans(manifest: dict[str, Any], began: float, ended: float) -> dict[str, tuple[float, float]]:
    """Beginning and end of every stage, of the start before the first and of the stop after the last."""
    found: dict[str, tuple[float, float]] = {}
    for name, stage in manifest["stages"].items():
        start = datetime.fromisoformat(stage["started"]).timestamp()
        found[name] = (start, start + stage["seconds"])
    first, last = min(span[0] for span in found.values()), max(span[1] for span in found.values())
    return {"start": (began, first), **found, "stop": (last, ended)}


def cpu_by_span(watched: Watched, cuts: dict[str, tuple[float, float]]) -> dict[str, dict[str, float]]:
    """CPU seconds of every kind in every span, between moments by interpolation.

    What a process uses between the last look at it and its end is not seen.
    """
    times = np.array([watched.began, *(moment.at for moment in watched.moments)])
    found: dict[str, dict[str, float]] = {name: {} for name in cuts}
    for kind, used in cpu_until(watched.moments).items():
        for name, (start, end) in cuts.items():
            found[name][kind] = float(np.interp(end, times, [0.0, *used]) - np.interp(start, times, [0.0, *used]))
    return found


def cpu_until(moments: list[Moment]) -> dict[str, list[float]]:
    """CPU seconds that every kind has used until each moment.

    Workers that have ended count in the daemon that forked them. What ended below the driver and the JVM before there
    were workers is what started the JVM; what ends there later has been counted while it lived.
    """
    workers = [any(process.kind == "workers" for process in moment.processes) for moment in moments]
    first = workers.index(True) if any(workers) else len(moments) - 1
    starting = moments[first].ended("driver", "jvm") if moments else 0.0
    used = {
        "driver": [moment.own("driver") for moment in moments],
        "jvm": [moment.own("jvm") + min(moment.ended("driver", "jvm"), starting) for moment in moments],
        "workers": [moment.own("workers") + moment.ended("workers") for moment in moments],
    }
    return {kind: list(itertools.accumulate(seconds, max)) for kind, seconds in used.items()}


def peaks_by_span(watched: Watched, cuts: dict[str, tuple[float, float]]) -> dict[str, dict[str, float]]:
    """Peak MB of every kind, of the largest worker and of all together, in every span.

    A span shorter than the period has the moment nearest to its middle.
    """
    times = np.array([moment.at for moment in watched.moments])
    found = {}
    for name, (start, end) in cuts.items():
        inside = np.flatnonzero((times >= start) & (times <= end))
        if inside.size == 0:
            inside = np.array([np.argmin(np.abs(times - (start + end) / 2))])
        moments = [watched.moments[index] for index in inside]
        peaks = {kind: max(moment.megabytes(kind) for moment in moments) for kind in KINDS}
        peaks["worker"] = max(moment.largest_worker() for moment in moments)
        peaks["all"] = max(sum(moment.megabytes(kind) for kind in KINDS) for moment in moments)
        found[name] = peaks
    return found


def tasks_by_span(lines: Iterable[str], cuts: dict[str, tuple[float, float]]) -> dict[str, dict[str, float]]:
    """Tasks, shuffled MB and MB spilled to disk in every span, from the lines of an event log."""
    found = {name: {"tasks": 0, "shuffle_mb": 0.0, "spilled_mb": 0.0} for name in cuts}
    for line in lines:
        if '"SparkListenerTaskEnd"' not in line:
            continue
        event = json.loads(line)
        at, metrics = event["Task Info"]["Finish Time"] / 1000, event.get("Task Metrics") or {}
        name = min(cuts, key=lambda span: max(cuts[span][0] - at, at - cuts[span][1], 0.0))
        found[name]["tasks"] += 1
        found[name]["shuffle_mb"] += metrics.get("Shuffle Write Metrics", {}).get("Shuffle Bytes Written", 0) / 1e6
        found[name]["spilled_mb"] += metrics.get("Disk Bytes Spilled", 0) / 1e6
    return found


def jobs_by_stage(lines: Iterable[str], run_id: str) -> dict[str, int]:
    """How many jobs each stage of a run started, by the groups that jobs have in the lines of an event log."""
    found: dict[str, int] = {}
    for line in lines:
        if '"SparkListenerJobStart"' in line:
            group = (json.loads(line).get("Properties") or {}).get("spark.jobGroup.id") or ""
            run, _, stage = group.rpartition(".")
            if run == f"synth-spark.{run_id}":
                found[stage] = found.get(stage, 0) + 1
    return found


def stages(watched: Watched, manifest: dict[str, Any], events: Iterable[str]) -> dict[str, dict[str, Any]]:
    """All that was seen, by stage: wall time, CPU time and peaks by kind, tasks and what they shuffled."""
    cuts = spans(manifest, watched.began, watched.ended)
    cpu, peaks, tasks = cpu_by_span(watched, cuts), peaks_by_span(watched, cuts), tasks_by_span(events, cuts)
    return {
        name: {"wall": end - start, "cpu": cpu[name], "peak_mb": peaks[name], **tasks[name]}
        for name, (start, end) in cuts.items()
    }


def event_log(folder: Path) -> dict[str, str]:
    """Environment variables that make a local Spark session log its events into ``folder``, as text.

    They are arguments, not a file of settings: with a folder that has files on its path, Java takes no archive of
    classes.
    """
    folder.mkdir(parents=True)
    settings = {"enabled": "true", "dir": folder.as_uri(), "compress": "false", "rolling.enabled": "false"}
    words = [f"--conf spark.eventLog.{key}={value}" for key, value in settings.items()]
    return {"PYSPARK_SUBMIT_ARGS": " ".join([*words, "pyspark-shell"])}


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:  # the process has ended
        return ""
