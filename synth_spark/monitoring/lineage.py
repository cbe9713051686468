"""OpenLineage events of a run, through its own client: where the records are, what was published, how it ended.

Inputs are names alone; a query is left out, as its text may hold values. Outputs are the published tables with their
columns. The client is an optional part (``synth-spark[lineage]``); where lineage is asked for and it is missing, the
run is refused before any work. An event that cannot be delivered becomes a remark: it must not undo a release.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from synth_spark import __version__
from synth_spark.errors import EngineError, SynthSparkError, check_extra
from synth_spark.monitoring.documents import check_document, write_document
from synth_spark.plan import Location, Plan
from synth_spark.plan.addresses import STORES, absolute, scheme_of
from synth_spark.storage.places import place
from synth_spark.storage.root_files import read_manifest

if TYPE_CHECKING:
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import InputDataset, OutputDataset, RunEvent
    from openlineage.client.transport.transport import Transport

_PRODUCER = f"https://github.com/synth-spark/synth-spark/{__version__}"
#: Seconds to wait for events that are still on their way.
_PATIENCE = 10.0
#: Schemes by which one store is called → the one that the specification calls it by.
_ONE_SCHEME = {"s3a": "s3", "s3n": "s3", "abfs": "abfss", "wasb": "wasbs"}
#: Schemes of objects, whose names begin without a slash; and those whose addresses begin with a container.
_OBJECTS, _CONTAINERS = frozenset({"s3", "gs", "wasbs"}), frozenset({"abfss", "wasbs"})
_ENDS = {"published": "COMPLETE", "unfinished": "COMPLETE", "interrupted": "ABORT"}


class Lineage:
    """The events of one attempt at a run.

    Attributes:
        wanted: whether plan or environment ask for events.
    """

    def __init__(self, plan: Plan) -> None:
        """Find out where events go.

        Raises:
            EngineError: they are asked for, and the client is not installed, or cannot be set up.
            PlanError: they are to go to a folder of a store that cannot be written.
        """
        self._plan, self._run = plan, ""
        named = any(name.startswith("OPENLINEAGE_") for name in os.environ)
        off = os.environ.get("OPENLINEAGE_DISABLED", "").lower() == "true"
        self.wanted = not off and (plan.operations.lineage is not None or named)
        self._client: OpenLineageClient | None = None
        if not self.wanted:
            return
        check_extra("lineage", "operations.lineage")
        try:
            self._client = _client(plan.operations.lineage)
        except SynthSparkError:
            raise
        except Exception:  # of any transport
            remedy = "give a file, a folder of a store or a URL, or set OPENLINEAGE_…"
            raise EngineError("operations.lineage", "names nothing that events can be sent to", remedy) from None

    def start(self, run_id: str) -> bool:
        """Tell that work on a run begins; returns whether that could be delivered, if it is wanted."""
        if not self.wanted:
            return True
        from openlineage.client.uuid import generate_new_uuid

        self._run = str(generate_new_uuid())
        return self._emit("START", run_id, None)

    def end(self, summary: Mapping[str, Any]) -> bool:
        """Tell how it ended, with what was published; returns whether that could be delivered, if it is wanted."""
        if not self.wanted or not self._run:
            return True
        problem = self._emit(_ENDS.get(summary["verdict"], "FAIL"), summary["run_id"], summary)
        if self._client is not None:
            self._client.close(_PATIENCE)  # some transports send behind one's back
        return problem

    def _emit(self, kind: str, run_id: str, summary: Mapping[str, Any] | None) -> bool:
        assert self._client is not None
        try:
            self._client.emit(self._event(kind, run_id, summary))
        except Exception:  # of any transport: what it says may hold an address with a key
            return False
        return True

    def _event(self, kind: str, run_id: str, summary: Mapping[str, Any] | None) -> "RunEvent":
        from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
        from openlineage.client.generated.error_message_run import ErrorMessageRunFacet
        from openlineage.client.generated.job_type_job import JobTypeJobFacet
        from openlineage.client.generated.tags_run import TagsRunFacet, TagsRunFacetFields

        error = (summary or {}).get("error")
        tags = [TagsRunFacetFields("run_id", run_id), TagsRunFacetFields("version", __version__)]
        if summary is not None:
            tags.append(TagsRunFacetFields("verdict", summary["verdict"]))
        facets: dict[str, Any] = {"tags": TagsRunFacet(tags)}
        if error is not None:
            parts = [error["class"], error["field"]]
            message = ": ".join(part for part in parts if part is not None)
            facets["errorMessage"] = ErrorMessageRunFacet(message, "PYTHON")
        job = {"jobType": JobTypeJobFacet("BATCH", "SYNTH_SPARK", "JOB")}
        done = summary is not None and summary["verdict"] == "published"
        return RunEvent(
            eventTime=datetime.now(UTC).isoformat(timespec="milliseconds"),
            producer=_PRODUCER,
            eventType=RunState[kind],
            run=Run(self._run, facets),
            job=Job(self._plan.operations.lineage_namespace, self._plan.job_name, job),  # type: ignore[arg-type]
            inputs=input_datasets(self._plan),
            outputs=_outputs(self._plan, run_id) if done else [],
        )


def _client(target: str | None) -> "OpenLineageClient":
    from openlineage.client import OpenLineageClient
    from openlineage.client.transport.file import FileConfig, FileTransport
    from openlineage.client.transport.http import HttpConfig, HttpTransport

    if target is None:
        return OpenLineageClient()  # as the environment says
    if scheme_of(target) in STORES:
        return OpenLineageClient(transport=_into_store(target))
    parts = urlsplit(target)
    if parts.scheme in ("http", "https"):
        config: dict[str, Any] = {"url": target, "retry": {"total": 2}}  # a release does not wait for a catalogue
        if key := os.environ.get("OPENLINEAGE_API_KEY"):
            config["auth"] = {"type": "api_key", "apiKey": key}
        return OpenLineageClient(transport=HttpTransport(HttpConfig.from_dict(config)))
    path = Path(parts.path if parts.scheme == "file" else target).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a"):  # now rather than after the work
        pass
    return OpenLineageClient(transport=FileTransport(FileConfig(log_file_path=str(path), append=True)))


def _into_store(folder: str) -> "Transport":
    """What puts every event into a folder of a store as a file of its own: nothing is added to a file there.

    Raises:
        PlanError: the folder cannot be written.
        EngineError: the library for that store is not installed.
    """
    from openlineage.client.serde import Serde
    from openlineage.client.transport.transport import Transport

    check_document(f"{folder.rstrip('/')}/events", "operations.lineage")

    class IntoStore(Transport):
        kind = "synth_spark_store"

        def emit(self, event: Any) -> None:
            """Put an event there; its name begins with its time, so names are in the order of events."""
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{event.run.runId}-{event.eventType.value}.json"
            write_document(f"{folder.rstrip('/')}/{name}", Serde.to_json(event) + "\n")

    return IntoStore()


def input_datasets(plan: Plan) -> "list[InputDataset]":
    """The data sets that a plan reads, as OpenLineage names them."""
    from openlineage.client.event_v2 import InputDataset

    locations: list[Location] = [*plan.input.sources.values()] or [plan.input]
    paths = [dataset_of(path) for location in locations for path in location.all_paths]
    catalog = plan.operations.lineage_catalog
    tables = [(catalog, location.table) for location in locations if location.table]
    return [InputDataset(namespace, name) for namespace, name in dict.fromkeys(paths + tables)]


def _outputs(plan: Plan, run_id: str) -> "list[OutputDataset]":
    """The published tables, as the release's manifest lists them."""
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet
    from openlineage.client.generated.output_statistics_output_dataset import OutputStatisticsOutputDatasetFacet
    from openlineage.client.generated.schema_dataset import SchemaDatasetFacet, SchemaDatasetFacetFields

    root = place(plan.output.path)
    manifest = read_manifest(root, run_id) or {"tables": {}}
    outputs = []
    for name, entry in manifest["tables"].items():
        columns = [SchemaDatasetFacetFields(column["name"], column["type"]) for column in entry["schema"]]
        namespace, dataset = dataset_of(root.below(name).spark_address)
        about = {"schema": SchemaDatasetFacet(columns), "version": DatasetVersionDatasetFacet(run_id)}
        counted = {"outputStatistics": OutputStatisticsOutputDatasetFacet(rowCount=entry["rows"])}
        outputs.append(OutputDataset(namespace, dataset, counted, facets=about))  # type: ignore[arg-type]
    return outputs


def dataset_of(path: str) -> tuple[str, str]:
    """Namespace and name of a path, as the specification of OpenLineage names data sets; who has access is left out.

    Args:
        path: an address of any file system, or a path of this machine.

    Returns:
        (namespace, name). Where the address names no host, the namespace is the scheme alone.

    >>> dataset_of("s3a://bucket/cases/2026.csv"), dataset_of("/data/cases.csv")
    (('s3://bucket', 'cases/2026.csv'), ('file', '/data/cases.csv'))
    >>> dataset_of("abfss://cases@account.dfs.core.windows.net/2026.csv")
    ('abfss://cases@account.dfs.core.windows.net', '/2026.csv')
    """
    scheme = scheme_of(path)
    if scheme is None:
        return "file", absolute(path)
    parts = urlsplit(path)
    scheme = _ONE_SCHEME.get(scheme, scheme)
    user, _, host = parts.netloc.rpartition("@")
    if user and scheme in _CONTAINERS:  # elsewhere it is who has access, and with which key
        host = f"{user.partition(':')[0]}@{host}"
    return f"{scheme}://{host}" if host else scheme, parts.path.lstrip("/") if scheme in _OBJECTS else parts.path
