"""Watching a run: however it ends, its subscribers are notified, which never changes the end.

In the run folder: ``summary.json`` and ``metrics.prom``. Beside the run folders: a row in ``runs``, one small Parquet
file an attempt, put there whole. Besides: what ``--summary``, ``operations.metrics`` and ``operations.lineage`` name.
"""

import io
import json
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from synth_spark.errors import SynthSparkError
from synth_spark.monitoring.documents import check_document, name_of, write_document
from synth_spark.monitoring.lineage import Lineage
from synth_spark.monitoring.metrics import metrics_text
from synth_spark.monitoring.progress import Progress
from synth_spark.monitoring.summary import Attempt, row, summarize
from synth_spark.plan import Plan
from synth_spark.schema.root_layout import METRICS, SUMMARY
from synth_spark.schema.tables import Table
from synth_spark.storage.places import place
from synth_spark.storage.root_files import current_of
from synth_spark.storage.runs import beside

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
            summary: a file for the summary, besides the one in the run folder: a path, or an address of a store.

        Raises:
            PlanError: no file can be written there.
            EngineError: it is in a store whose library is not installed.
        """
        self._started = datetime.now(UTC)
        self._summary = summary
        self._plan: Plan | None = None
        self._store: RunStore | None = None
        self._stages: Mapping[str, Sequence[str]] = {}
        self._lineage: Lineage | None = None
        self._progress = Progress(quiet=True)
        self._was_published = False
        if summary is not None:
            check_document(summary, "--summary")

    @property
    def run_id(self) -> str | None:
        """The run that is worked on, once there is one."""
        return self._store.run_id if self._store is not None else None

    def put_in_place(self) -> bool:
        """Whether this attempt published the release: from then on nothing that fails makes it a failure."""
        store = self._store
        if store is None or self._was_published:
            return False
        if store.done("publish"):
            return True
        try:
            return current_of(place(store.plan.output.path)) == store.run_id
        except (OSError, SynthSparkError):
            return False

    def planned(self, plan: Plan) -> None:
        """The plan is known.

        Raises:
            PlanError: it asks for a file of figures, or for events in a store, that cannot be written.
            EngineError: it asks for lineage, or for files in a store, and the library for that is not installed.
        """
        if plan.operations.metrics is not None:
            check_document(plan.operations.metrics, "operations.metrics")
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
        self._store, self._progress = store, progress
        self._was_published = store.done("publish")
        self._stages = {name: [table.name for table in stage.keeps] for name, stage in stages.items()}
        progress.run_id = store.run_id
        left = [name for name in stages if not store.done(name)]
        progress.event("run_started", job=store.plan.job_name, folder=store.address, stages=left)
        if self._lineage is not None and not self._lineage.start(store.run_id):
            progress.say("lineage: the start could not be delivered")

    def ended(self, error: BaseException | None = None) -> dict[str, Any]:
        """The attempt ended; notify everyone. What cannot be delivered becomes a remark, and changes nothing.

        Returns:
            The summary.
        """
        if error is not None and self.put_in_place():
            error = None
        attempt = Attempt(self._started, datetime.now(UTC), error, self._stages)
        summary = summarize(attempt, self._plan, self._store, published=self.put_in_place() or None)
        for what, deliver in self._subscribers(summary):
            try:
                deliver()
            except (OSError, SynthSparkError) as failed:
                why = getattr(failed, "strerror", None) or type(failed).__name__
                self._progress.say(f"{what} could not be written ({why})")
            except Exception as failed:  # whatever it is, the end of the run stands
                self._progress.say(f"{what} could not be written ({type(failed).__name__})")
        if self._store is not None:
            self._progress.detail(f"summary for machines: {self._store.where(SUMMARY)}")
        return summary

    def _subscribers(self, summary: Mapping[str, Any]) -> Iterator[tuple[str, Callable[[], None]]]:
        """Everyone who is notified of an end: what they get, and how."""
        yield "the log", lambda: self._log(summary)
        yield from self._documents(summary)
        if self._store is not None:
            yield "the table of runs", lambda: self._remember(summary)
        yield "lineage", lambda: self._deliver_lineage(summary)

    def _deliver_lineage(self, summary: Mapping[str, Any]) -> None:
        if self._lineage is not None and not self._lineage.end(summary):
            self._progress.say("lineage: the end could not be delivered")

    def _documents(self, summary: Mapping[str, Any]) -> Iterator[tuple[str, Callable[[], None]]]:
        """Files that tell of the end: what they are called, and what writes them."""

        def text() -> str:
            return json.dumps(summary, indent=1, ensure_ascii=False) + "\n"

        def figures() -> str:
            return metrics_text(summary, self._plan.output.path if self._plan is not None else None)

        if self._summary is not None:
            yield name_of(self._summary), partial(_put, self._summary, text)
        if self._store is not None:
            yield SUMMARY, partial(_keep, self._store, SUMMARY, text)
            yield METRICS, partial(_keep, self._store, METRICS, figures)
        if self._plan is not None and self._plan.operations.metrics is not None:
            yield name_of(self._plan.operations.metrics), partial(_put, self._plan.operations.metrics, figures)

    def _log(self, summary: Mapping[str, Any]) -> None:
        error, published = summary["error"] or {}, summary["published"] or {}
        if self._store is None and error:
            self._progress.event("failed", logging.ERROR, exit_code=summary["exit_code"], **_error_fields(error))
        elif self._store is not None:
            level = logging.ERROR if error else logging.INFO
            ended = {key: summary[key] for key in ("verdict", "exit_code", "seconds")}
            self._progress.event(
                "run_finished", level, **ended, **_error_fields(error), published=published.get("path")
            )

    def _remember(self, summary: Mapping[str, Any]) -> None:
        """Add a row to those of all attempts: a file that is there whole or not at all."""
        import pyarrow.parquet as pq

        assert self._store is not None
        name = f"{self._started:%Y%m%dT%H%M%S%f}-{self.run_id}-{uuid.uuid4().hex[:8]}.parquet"
        stream = io.BytesIO()
        pq.write_table(row(summary), stream)
        beside.put(self._store.work, "runs", name, stream.getvalue())


def _keep(store: "RunStore", name: str, text: Callable[[], str]) -> None:
    """Put a document into the run folder."""
    store.write(name, text())


def _put(address: str, text: Callable[[], str]) -> None:
    """Put a document where somebody asked for it."""
    write_document(address, text())


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
