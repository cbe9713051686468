"""Watching a run: however it ends, its subscribers are notified, which never changes the end.

In the run folder: ``summary.json`` and ``metrics.prom``. Beside the run folders: a row in ``runs``, one small Parquet
file an attempt, put there whole. Besides: what ``--summary``, ``operations.metrics`` and ``operations.lineage`` name.
"""

import json
import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from synth_spark.errors import PlanError, RunError
from synth_spark.monitoring.lineage import Lineage
from synth_spark.monitoring.metrics import metrics_text
from synth_spark.monitoring.progress import Progress
from synth_spark.monitoring.summary import Attempt, row, summarize
from synth_spark.plan import Plan
from synth_spark.schema.root_layout import METRICS, SUMMARY
from synth_spark.schema.tables import Table
from synth_spark.storage.files import write_atomically
from synth_spark.storage.paths import kept_inside

if TYPE_CHECKING:
    from synth_spark.storage.run_store import RunStore


class _Keeps(Protocol):
    """What is asked of a stage: the tables that it keeps."""

    @property
    def keeps(self) -> tuple[Table, ...]: ...


class Watch:
    """One attempt, from its start: first the plan is known, then the run folder, then how it ended."""

    def __init__(self, summary: str | None = None) -> None:
        """Begin.

        Args:
            summary: a file for the summary, besides the one in the run folder.

        Raises:
            PlanError: no file can be written there.
        """
        self._started = datetime.now(UTC)
        self._file = Path(summary) if summary is not None else None
        self._plan: Plan | None = None
        self._workspace: RunStore | None = None
        self._stages: Mapping[str, Sequence[str]] = {}
        self._lineage: Lineage | None = None
        self._progress = Progress(quiet=True)
        if self._file is not None and not self._file.parent.is_dir():
            raise PlanError("--summary", "is in a folder that does not exist", "make the folder first")

    def planned(self, plan: Plan) -> None:
        """The plan is known.

        Raises:
            EngineError: it asks for lineage, which is not installed.
        """
        self._plan = plan
        self._lineage = Lineage(plan)

    def begun(self, store: "RunStore", progress: Progress, stages: Mapping[str, _Keeps]) -> None:
        """The run folder is known.

        Args:
            store: the run folder.
            progress: says what could not be delivered.
            stages: all of the line, by name, in order.
        """
        if self._plan is None:
            self.planned(store.plan)
        self._workspace, self._progress = store, progress
        self._stages = {name: [table.name for table in stage.keeps] for name, stage in stages.items()}
        progress.run_id = store.run_id
        left = [name for name in stages if not store.done(name)]
        progress.event("run_started", job=store.plan.job_name, folder=str(store.folder), stages=left)
        if self._lineage is not None and not self._lineage.start(store.run_id):
            progress.say("lineage: the start could not be delivered")

    def ended(self, error: BaseException | None = None) -> dict[str, Any]:
        """The attempt ended; notify everyone. What cannot be delivered becomes a remark, and changes nothing.

        Returns:
            The summary.
        """
        attempt = Attempt(self._started, datetime.now(UTC), error, self._stages)
        summary = summarize(attempt, self._plan, self._workspace)
        self._log(summary)
        text = json.dumps(summary, indent=1, ensure_ascii=False) + "\n"
        figures = metrics_text(summary, Path(self._plan.output.path) if self._plan is not None else None)
        for file, content in self._documents(text, figures):
            try:
                write_atomically(file, content)
            except OSError as failed:
                self._progress.say(f"{file.name} could not be written ({failed.strerror})")
        if self._workspace is not None:
            self._remember(summary, self._workspace)
            self._progress.say(f"summary for machines: {self._workspace.folder / SUMMARY}")
        if self._lineage is not None and not self._lineage.end(summary):
            self._progress.say("lineage: the end could not be delivered")
        return summary

    def _documents(self, text: str, figures: str) -> list[tuple[Path, str]]:
        documents = [(self._file, text)] if self._file is not None else []
        if self._workspace is not None:
            documents += [
                (self._workspace.folder / SUMMARY, text),
                (self._workspace.folder / METRICS, figures),
            ]
        if self._plan is not None and self._plan.operations.metrics is not None:
            documents.append((Path(self._plan.operations.metrics), figures))
        return documents

    def _log(self, summary: Mapping[str, Any]) -> None:
        error, published = summary["error"] or {}, summary["published"] or {}
        if self._workspace is None and error:
            self._progress.event("failed", logging.ERROR, exit_code=summary["exit_code"], **_error_fields(error))
        elif self._workspace is not None:
            level = logging.ERROR if error else logging.INFO
            ended = {key: summary[key] for key in ("verdict", "exit_code", "seconds")}
            self._progress.event(
                "run_finished", level, **ended, **_error_fields(error), published=published.get("path")
            )

    def _remember(self, summary: Mapping[str, Any], store: "RunStore") -> None:
        """Add a row to those of all attempts: a file that is there whole or not at all."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        folder = store.folder.parent / "runs"
        name = f"{self._started:%Y%m%dT%H%M%S%f}-{store.run_id}-{uuid.uuid4().hex[:8]}.parquet"
        try:
            kept_inside(store.folder.parent, folder, "runs", RunError)
            folder.mkdir(mode=0o700, exist_ok=True)
            pq.write_table(row(summary), folder / f".{name}")
            (folder / f".{name}").rename(folder / name)
        except (OSError, pa.ArrowException, RunError) as failed:
            why = getattr(failed, "strerror", None) or type(failed).__name__
            self._progress.say(f"the table of runs could not be added to ({why})")


@contextmanager
def watched(store: "RunStore", progress: Progress, stages: Mapping[str, _Keeps]) -> Iterator[Watch]:
    """Watch the work of the body on a run, as the command line does: for notebooks and programs."""
    watch = Watch()
    watch.begun(store, progress, stages)
    try:
        yield watch
    except BaseException as error:
        watch.ended(error)
        raise
    watch.ended()


def _error_fields(error: Mapping[str, Any]) -> dict[str, Any]:
    """An error for a log line, where ``class`` would say too little."""
    return {"error" if key == "class" else key: value for key, value in error.items()}
