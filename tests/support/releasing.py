"""What the tests of whole runs share: making a release and reading it back, as a stranger to the code would."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from synth_spark import plan as plans
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import api
from synth_spark.pipeline.run import Run
from synth_spark.pipeline.stages import STAGES
from synth_spark.privacy.mechanisms import Noise
from synth_spark.schema.tables import Table
from synth_spark.storage.run_store import RunStore

#: Content of the release of the demo's 1,000 cases of seed 1, of seed 1; a change that alters it must be meant.
GOLDEN = {
    "synthetic_records": "13a640baf3d236fa8bf5d104b51906d04b4875e5c053dce6c8684416782712d3",
    "aggregates": "07a02d4503ad1968fd9133c430bc541a1b137ca6fb427dccd727c91dedae1e91",
    "evaluation": "1bff185b233caf13914a4dcdf276f760c677c57d4931cbe797f85509ea1fbc76",
}


def started(spark: SparkSession, source: Path, out: Path, **settings: Any) -> Run:
    """A run on a file, of which nothing is done; settings are dotted keys with ``__`` for the dot."""
    keys = {key.replace("__", "."): value for key, value in settings.items()}
    own = {"ledger": str(out.with_name(f"{out.name}.work") / "ledger.jsonl")}
    plan = plans.load(None, {"input.path": str(source), "output.path": str(out), "seed": 5, **own, **keys})
    return api.start(spark, plan, Progress(quiet=True))


def release(spark: SparkSession, source: Path, out: Path, **settings: Any) -> Run:
    """Run the line on a file; settings as for `started`."""
    run = started(spark, source, out, **settings)
    api.resume(run)
    return run


def in_several_files(patched: pytest.MonkeyPatch) -> None:
    """Let tables of few records be written as tables of many are: by several tasks, as several files."""
    patched.setattr("synth_spark.pipeline.run.FEW_RECORDS", 0)
    patched.setattr("synth_spark.pipeline.k_anonymity.FEW_BYTES", 0)


def work_until(run: Run, last: str) -> Run:
    """Do the stages of a run that are not done, up to a stage, and no others."""
    for name in _stages(run.store):
        if not run.store.done(name):
            api.work(run, name)
        if name == last:
            break
    return run


def another(run: Run, out: Path, name: str, first: str, noise: Noise | None = None, **settings: Any) -> Run:
    """A copy of a run, to be changed: it has a name and a target of its own, and a stage and those after it to do.

    Settings are those of a plan that differ, as for `started`; of stages that are done they change nothing.
    """
    folder = out.with_name(f"{out.name}.work") / name
    shutil.copytree(run.store.folder, folder)
    store = RunStore.open(folder)
    told: dict[str, Any] = store.manifest["plan"]
    for key, value in {"run_id": name, "output__path": str(out), **settings}.items():
        *parents, last = key.split("__")
        within = told
        for parent in parents:
            within = within[parent]
        within[last] = value
    store.manifest |= {"run_id": name, "plan": plans.parse(told).model_dump(mode="json")}
    store.manifest["seed"] = settings.get("seed", store.manifest["seed"])
    stages = _stages(store)
    todo = list(stages)[list(stages).index(first) :]
    store.forget(todo, [table for stage in todo for table in stages[stage].keeps])
    return Run(run.spark, RunStore.open(folder), Progress(quiet=True), noise or run.noise)


def _stages(store: RunStore) -> dict[str, Any]:
    return STAGES[store.plan.privacy.kind]


def kept(run: Run, table: Table) -> pd.DataFrame:
    """A table of a run's folder, with pandas alone."""
    files = sorted((run.store.folder / "tables" / table.name).glob("*.parquet"))
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


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


def kept_hashes(run: Run) -> dict[str, str]:
    """Content hashes of the same tables in a run's folder, as far as they are made."""
    entries = run.store.manifest["tables"]
    names = ("synthetic_records", "aggregates", "evaluation")
    return {name: entries[name]["content_hash"] for name in names if name in entries}


def write_csv(path: Path, text: str) -> Path:
    """A file with the given text."""
    path.write_text(text, encoding="utf-8")
    return path
