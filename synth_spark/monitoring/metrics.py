"""The latest run as figures that a monitor reads: Prometheus' text format, as its textfile collector takes it.

The text is written by Prometheus' own client.

Names and labels are part of the interface, described in ``docs/operations.md``. No label holds the name of a run, which
would be a new series each time; ``synth_spark_run_info`` alone names it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from synth_spark.errors import SynthSparkError
from synth_spark.monitoring.summary import VERDICTS
from synth_spark.storage.places import place
from synth_spark.storage.root_files import current_of, read_manifest

_Sample = tuple[Mapping[str, str], float]


def metrics_text(summary: Mapping[str, Any], root: str | None) -> str:
    """The figures of a summary.

    Args:
        summary: of the run.
        root: folder of the published tables, whose current release is dated.

    Returns:
        Text that ends with a line break.
    """
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()

    def add(name: str, text: str, samples: Iterable[_Sample]) -> None:
        held = [({"job": summary["job"] or "", **labels}, value) for labels, value in samples]
        if held:
            gauge = Gauge(name, text, list(held[0][0]), registry=registry)
            for labels, value in held:
                gauge.labels(**labels).set(value)

    def seconds(key: str) -> float:
        return datetime.fromisoformat(summary[key]).timestamp()

    info = {"run_id": summary["run_id"] or "", "version": summary["version"]}
    stages = [one for one in summary["stages"] if one["done"]]
    safe = [one for one in summary["tables"] if one["rows"] is not None]
    add("synth_spark_run_info", "The latest run; always 1.", [(info, 1)])
    add("synth_spark_run_success", "1 if the latest run ended without an error.", [({}, summary["exit_code"] == 0)])
    add("synth_spark_run_exit_code", "What the latest run exited with.", [({}, summary["exit_code"])])
    verdicts = [({"verdict": name}, float(name == summary["verdict"])) for name in VERDICTS]
    add("synth_spark_run_verdict", "1 for how the latest run ended, 0 for the other ways.", verdicts)
    add("synth_spark_run_started_timestamp_seconds", "When the latest run began.", [({}, seconds("started"))])
    add("synth_spark_run_finished_timestamp_seconds", "When the latest run ended.", [({}, seconds("finished"))])
    add("synth_spark_run_seconds", "How long the latest run took.", [({}, summary["seconds"])])
    took = [({"stage": one["stage"]}, one["seconds"]) for one in stages]
    add("synth_spark_stage_seconds", "How long a stage took, when it was last run.", took)
    rows = [({"table": one["table"]}, one["rows"]) for one in safe]
    add("synth_spark_table_rows", "Rows of a table that may be published.", rows)
    figures = [
        ({"measure": one["measure"], "length": str(one["length"] or "all")}, one["value"])
        for one in summary["figures"]
        if one["value"] is not None
    ]
    add("synth_spark_evaluation", "Published counts against synthetic records, by length of combinations.", figures)
    when = _released(root) if root is not None else None
    if when is not None:
        add("synth_spark_release_timestamp_seconds", "When the current release was published.", [({}, when)])
    return generate_latest(registry).decode("utf-8")


def _released(root: str) -> float | None:
    """When the current release was published; None if there is none."""
    try:
        released = place(root)
        current = current_of(released)
        manifest = None if current is None else read_manifest(released, current)
        return None if manifest is None else datetime.fromisoformat(manifest["published"]).timestamp()
    except (OSError, ValueError, KeyError, TypeError, SynthSparkError):
        return None
