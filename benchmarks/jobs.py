"""How many Spark jobs a run takes, stage by stage: python benchmarks/jobs.py [--rows N] [--k K].

Each job costs some tenths of a second whatever it is given, so a run of few records takes as long as its jobs are many.
Invented cases are released under k-anonymity, in one session that logs its events; counted is what was started for a
stage. The numbers are the same on any machine, unless a table is so large that more jobs are needed.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import observe

from synth_spark import demo
from synth_spark import plan as plans
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import api
from synth_spark.pipeline.stages import STAGES
from synth_spark.runtime.session import session

_RUN_ID = "jobs"


def main() -> int:
    """Generate, release, count, print."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        found = _counted(Path(name), options.rows, options.k)
    print(table(found))
    return 0


def table(found: dict[str, int]) -> str:
    """The jobs of every stage of the line, and of all together, as Markdown."""
    rows = [(stage, found.get(stage, 0)) for stage in STAGES["k_anonymity"]]
    rows.append(("**all**", sum(found.values())))
    return "\n".join(["| stage | jobs |", "|---|---:|", *(f"| {stage} | {jobs} |" for stage, jobs in rows)])


def _counted(folder: Path, rows: int, k: int) -> dict[str, int]:
    """Jobs by stage of a run on invented cases, all in a folder."""
    cases, events = folder / "cases.csv.gz", folder / "events"
    os.environ.update(observe.event_log(events))
    asked = {"input.path": str(cases), "privacy.k": k, "output.path": str(folder / "out"), "run_id": _RUN_ID, "seed": 1}
    with session() as spark:
        demo.write_csv(spark, cases, rows, seed=1)
        api.resume(api.start(spark, plans.load(None, asked), Progress()))
    (log,) = events.iterdir()
    with log.open(encoding="utf-8") as lines:
        return observe.jobs_by_stage(lines, _RUN_ID)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Count the Spark jobs of a run, stage by stage.")
    parser.add_argument("--rows", type=int, default=3_000, help="number of invented cases")
    parser.add_argument("--k", type=int, default=10, help="privacy resolution")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
