"""The summary of a run for machines: what was done, what came of it, and where it is. No value, and no exact count.

It may leave the run folder: it has numbers of rows of tables that may be published, and figures are those that are
published, of protected counts against synthetic ones. Every key is described in ``docs/operations.md``.
"""

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synth_spark import __version__
from synth_spark.errors import AuditFailed, RunError, SynthSparkError, exit_code
from synth_spark.plan import Plan
from synth_spark.plan.addresses import absolute
from synth_spark.schema import tables
from synth_spark.schema.root_layout import POINTER
from synth_spark.schema.tables import Sensitivity
from synth_spark.storage.root_files import manifest_name

if TYPE_CHECKING:
    import pyarrow as pa

    from synth_spark.storage.run_store import RunStore

#: Version of the summary's keys: a key may be added, none is dropped or renamed without another number.
FORMAT = 1
#: How a run can end.
VERDICTS = ("published", "unfinished", "held", "failed", "interrupted")


@dataclass(frozen=True)
class Attempt:
    """One command, or one notebook, that worked on a run.

    Attributes:
        started: when.
        finished: when it ended.
        error: what it ended with; None if that was no error.
        stages: name → the tables it keeps, in order.
    """

    started: datetime
    finished: datetime
    error: BaseException | None = None
    stages: Mapping[str, Sequence[str]] | None = None


def summarize(
    attempt: Attempt, plan: Plan | None = None, store: "RunStore | None" = None, published: bool | None = None
) -> dict[str, Any]:
    """Tell how an attempt ended.

    Args:
        attempt: the attempt.
        plan: what was asked for, if that was understood.
        store: the run folder, if there is one.
        published: whether its release is in place; default: as the run folder says.

    Returns:
        The summary, JSON-ready.
    """
    manifest = store.manifest if store is not None else {"stages": {}, "tables": {}}
    stages = attempt.stages or {}
    if published is None:
        published = store is not None and store.done("publish")
    return {
        "format": FORMAT,
        "run_id": store.run_id if store is not None else None,
        "job": plan.job_name if plan is not None else None,
        "version": __version__,
        "privacy": _privacy(plan) if plan is not None else None,
        "started": attempt.started.isoformat(timespec="milliseconds"),
        "finished": attempt.finished.isoformat(timespec="milliseconds"),
        "seconds": round((attempt.finished - attempt.started).total_seconds(), 3),
        "verdict": verdict(attempt.error, published),
        "exit_code": exit_code(attempt.error),
        "error": _error(attempt.error, next((name for name in stages if name not in manifest["stages"]), None)),
        "stages": [_stage(name, kept, manifest) for name, kept in stages.items()],
        "tables": [_table(name, entry, stages) for name, entry in manifest["tables"].items()],
        "figures": _figures(store) if store is not None else [],
        "published": _published(plan, store) if published and plan is not None and store is not None else None,
        "run_folder": store.full_address if store is not None else None,
        "purged": "purged" in manifest,
    }


def verdict(error: BaseException | None, published: bool) -> str:
    """How an attempt ended, in a word of `VERDICTS`."""
    if error is None:
        return "published" if published else "unfinished"
    if isinstance(error, AuditFailed):
        return "held"
    return "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"


def row(summary: Mapping[str, Any]) -> "pa.Table":
    """A summary as one row of the table of runs."""
    import pyarrow as pa

    error, privacy = summary["error"] or {}, summary["privacy"] or {}
    rows = {one["table"]: one["rows"] for one in summary["tables"]}
    columns = {
        "run_id": pa.array([summary["run_id"]], pa.string()),
        "job": pa.array([summary["job"]], pa.string()),
        "version": pa.array([summary["version"]], pa.string()),
        "started": pa.array([datetime.fromisoformat(summary["started"])], pa.timestamp("us", "UTC")),
        "finished": pa.array([datetime.fromisoformat(summary["finished"])], pa.timestamp("us", "UTC")),
        "seconds": pa.array([summary["seconds"]], pa.float64()),
        "verdict": pa.array([summary["verdict"]], pa.string()),
        "exit_code": pa.array([summary["exit_code"]], pa.int32()),
        "error_class": pa.array([error.get("class")], pa.string()),
        "error_field": pa.array([error.get("field")], pa.string()),
        "error_problem": pa.array([error.get("problem")], pa.string()),
        "error_stage": pa.array([error.get("stage")], pa.string()),
        "privacy": pa.array([privacy.get("kind")], pa.string()),
        "k": pa.array([privacy.get("k")], pa.int64()),
        "epsilon": pa.array([privacy.get("epsilon")], pa.float64()),
        "delta": pa.array([privacy.get("delta")], pa.float64()),
        "synthetic_records": pa.array([rows.get("synthetic_records")], pa.int64()),
        "aggregates": pa.array([rows.get("aggregates")], pa.int64()),
        "published_path": pa.array([(summary["published"] or {}).get("path")], pa.string()),
        "run_folder": pa.array([summary["run_folder"]], pa.string()),
    }
    return pa.table(columns)


def _privacy(plan: Plan) -> dict[str, Any]:
    return {"kind": plan.privacy.kind, **plan.privacy.parameters}


def _error(error: BaseException | None, stage: str | None) -> dict[str, Any] | None:
    """What went wrong; of an error that nobody foresaw its class alone, as its text may quote data."""
    if error is None:
        return None
    details: dict[str, str | None] = {"field": None, "problem": None, "remedy": None}
    if isinstance(error, SynthSparkError):
        details = {"field": error.field, "problem": error.problem, "remedy": error.remedy}
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else None
    return {"class": type(error).__name__, **details, "stage": stage, "where": where}


def _stage(name: str, kept: Sequence[str], manifest: Mapping[str, Any]) -> dict[str, Any]:
    done = manifest["stages"].get(name)
    rows = [_rows(manifest["tables"][table]) for table in kept if table in manifest["tables"]]
    numbers = [number for number in rows if number is not None]
    return {
        "stage": name,
        "done": done is not None,
        "started": done.get("started") if done else None,
        "seconds": done["seconds"] if done else None,
        "rows": sum(numbers) if numbers else None,
    }


def _table(name: str, entry: Mapping[str, Any], stages: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    return {
        "table": name,
        "stage": next((stage for stage, kept in stages.items() if name in kept), None),
        "sensitivity": entry["sensitivity"],
        "rows": _rows(entry),
        "seconds": entry["seconds"],
    }


def _rows(entry: Mapping[str, Any]) -> int | None:
    return int(entry["rows"]) if entry["sensitivity"] == Sensitivity.SAFE.name else None


def _figures(store: "RunStore") -> list[dict[str, Any]]:
    """How well records reproduce published counts: figures over all bins, of the table that is published."""
    if tables.EVALUATION.name not in store.manifest["tables"]:
        return []
    try:
        rows = store.arrow(tables.EVALUATION).to_pylist()
    except RunError:  # a damaged table is the run's concern, which says so itself
        return []
    whole = [row for row in rows if row["count_bin"] is None]
    return [{"measure": row["measure"], "length": row["length"], "value": row["value"]} for row in whole]


def _published(plan: Plan, store: "RunStore") -> dict[str, Any]:
    root = absolute(plan.output.path)
    return {
        "path": root,
        "format": plan.output.format,
        "pointer": f"{root}/{POINTER}",
        "manifest": f"{root}/{manifest_name(store.run_id)}",
    }
