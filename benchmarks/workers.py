"""What more workers give: python benchmarks/workers.py ROWSxCOLUMNSxR [--workers 1 2] [--cache FOLDER].

The same release on standalone clusters of workers with one core each, every executor a process of its own, started by
``spark-submit`` with a driver of bounded memory that runs no task. Every executor is held to one core of this machine,
its Python worker with it: without that a JVM and its worker use two cores beside each other and pass for one. The
driver may use all. Printed are wall times by stage, their ratios, and the driver's peak memory.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import observe
import pyspark
from bench import Case

_ROOT = Path(__file__).parents[1]
_PARTS = ("driver", "executors", "their Python workers")
#: Seconds in which executors are started, and between looks at memory.
_BEGINNING, _BETWEEN_LOOKS = 30, 5
#: Each JVM compiles its own code, on the core that it works on: the simple compiler costs less than it gives away.
_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
_SUBMIT = Path(pyspark.__file__).parent / "bin" / "spark-submit"


def main() -> int:
    """Measure every number of workers, the first one being what the others are compared with."""
    options = _options()
    found: dict[int, dict[str, float]] = {}
    subprocess.run([sys.executable, "-m", "synth_spark", "warm"], check=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        case = Case.parse(options.size)
        table = case.table(Path(options.cache or folder))
        for workers in options.workers:
            found[workers] = _measured(table, case.length, workers, options, Path(folder) / f"of-{workers}")
    first = found[options.workers[0]]
    print(f"| stage | {' | '.join(f'{workers} × 1 core, s' for workers in found)} | ratios |")
    print("|---|" + "---|" * (len(found) + 1))
    for stage in first:
        seconds = [times[stage] for times in found.values()]
        ratios = ", ".join(f"{seconds[0] / max(later, 1e-3):.2f}" for later in seconds[1:])
        print(f"| {stage} | {' | '.join(f'{value:.1f}' for value in seconds)} | {ratios} |")
    print(f"\nEach driver was given {options.driver_memory}, each executor {options.executor_memory} MB for its JVM.")
    return 0


def _measured(table: Path, length: int, workers: int, options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Seconds of every stage, of what comes before and after them, and of all, from process start to its end."""
    folder.mkdir()
    job = [_ROOT / "jobs" / "release.py", "--input", table, "--output", folder / "out", "--run-id", "bench"]
    job += ["--seed", 1, "--k", options.k, "--set", f"reporting_length={length}", "--quiet"]
    master = f"local-cluster[{workers},1,{options.executor_memory}]"
    settings = {
        "spark.executor.memory": f"{options.executor_memory}m",
        "spark.sql.shuffle.partitions": 4,
        "spark.sql.files.openCostInBytes": 1 << 16,
        "spark.sql.execution.arrow.maxRecordsPerBatch": 50_000,
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.executor.extraJavaOptions": _JAVA,
        "spark.driver.extraJavaOptions": _JAVA,
        "spark.ui.enabled": "false",
    }
    submit = [_SUBMIT, "--master", master, "--driver-memory", options.driver_memory]
    submit += [part for key, value in settings.items() for part in ("--conf", f"{key}={value}")]
    environment = os.environ | {
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": str(_ROOT),
        "SPARK_HOME": str(_SUBMIT.parents[1]),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    began = time.time()
    with (folder / "log").open("wb") as log:
        words = [str(word) for word in [*submit, *job]]
        running = subprocess.Popen(words, env=environment, cwd=folder, stdout=log, stderr=log)
        watching = threading.Thread(target=_hold, args=(running, used := _Used()), daemon=True)
        watching.start()
        code = running.wait()
    ended = time.time()
    watching.join()
    if code != 0:
        sys.exit((folder / "log").read_text(encoding="utf-8", errors="replace")[-3_000:])
    manifest = json.loads((folder / "out.work" / "bench" / "manifest.json").read_text(encoding="utf-8"))
    cuts = observe.spans(manifest, began, ended)
    times = {name: end - start for name, (start, end) in cuts.items()}
    memory = {f"{part}, peak GB": megabytes / 1024 for part, megabytes in used.peaks.items()}
    spent = {f"{part}, CPU s": seconds for part, seconds in used.seconds.items()}
    return {**times, "**total**": ended - began, **memory, **spent}


@dataclass
class _Used:
    """What a run used by part: MB at most, also in all, and CPU seconds of processes until they were last looked at."""

    peaks: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def _hold(running: subprocess.Popen[bytes], used: _Used) -> None:
    """Hold every executor to a core while a run goes on, and note what the parts of the cluster use.

    Threads and processes inherit the core of what starts them; so an executor is held as soon as it is seen, and now
    and then again, for what it started in between. Looking costs time too: it is done often only at the beginning.
    """
    cores, began = sorted(os.sched_getaffinity(0)), time.monotonic()
    looked = began
    while running.poll() is None:
        for folder in Path("/proc").iterdir():
            with suppress(OSError, ValueError):  # not a process, or not any more
                words = (folder / "cmdline").read_bytes().split(b"\0")
                core = cores[int(words[words.index(b"--executor-id") + 1]) % len(cores)]
                for thread in (folder / "task").iterdir():
                    os.sched_setaffinity(int(thread.name), {core})
        now = time.monotonic()
        if now - looked > _BETWEEN_LOOKS:
            seen, looked = observe.look(running.pid, _part), now
            megabytes = {part: seen.megabytes(part) for part in _PARTS}
            for part, number in {**megabytes, "all": sum(megabytes.values())}.items():
                used.peaks[part] = max(used.peaks.get(part, 0.0), number)
            used.seconds = {part: max(used.seconds.get(part, 0.0), seen.own(part)) for part in _PARTS}
        time.sleep(0.05 if now - began < _BEGINNING else _BETWEEN_LOOKS)


def _part(command_line: str) -> str:
    """What a process is to the cluster: an executor, a Python worker of one, or the driver, which is all others."""
    if "pyspark.daemon" in command_line:
        return "their Python workers"
    return "executors" if "--executor-id" in command_line else "driver"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what more workers give.")
    parser.add_argument("size", metavar="ROWSxCOLUMNSxR", nargs="?", default="1000000x20x3")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="numbers of workers")
    parser.add_argument("--k", type=int, default=10, help="privacy resolution")
    parser.add_argument("--driver-memory", default="1g", help="of the driver's JVM")
    parser.add_argument("--executor-memory", type=int, default=3_072, help="MB of each executor's JVM")
    parser.add_argument("--cache", metavar="FOLDER", help="keep generated tables there; default: they are removed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
