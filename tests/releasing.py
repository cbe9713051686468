"""What the tests of whole runs share: making a release and reading it back, as a stranger to the code would."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.sql import SparkSession

from synth_spark import plan as plans
from synth_spark import running
from synth_spark.progress import Progress
from synth_spark.run import Run


def release(spark: SparkSession, source: Path, out: Path, **settings: Any) -> Run:
    """Run the line on a file; settings are dotted keys with ``__`` for the dot."""
    keys = {key.replace("__", "."): value for key, value in settings.items()}
    plan = plans.load(None, {"input.path": str(source), "output.path": str(out), "seed": 5, **keys})
    run = running.start(spark, plan, Progress(quiet=True))
    running.resume(run)
    return run


def published(out: Path, table: str) -> pd.DataFrame:
    """The latest release's table, found through the pointer alone, with pandas alone."""
    pointer = json.loads((out / "LATEST.json").read_text())
    files = sorted((out / pointer["tables"][table]).glob("*.parquet"))
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def hashes(out: Path) -> dict[str, str]:
    """Content hashes of the latest release's data tables."""
    pointer = json.loads((out / "LATEST.json").read_text())
    entries = json.loads((out / pointer["manifest"]).read_text())["tables"]
    return {name: entries[name]["content_hash"] for name in ("synthetic_records", "aggregates", "evaluation")}


def write_csv(path: Path, text: str) -> Path:
    """A file with the given text."""
    path.write_text(text, encoding="utf-8")
    return path
