"""Removing what a run kept: once its release is in place, or when it is given up.

What stays are the tables that were published, the documents that are INTERNAL (``report.html``, ``quality.md``, …),
what is for machines, and the manifest: plan, versions, times, schemas and hashes, so that it can be shown what was made
of which input. What goes are all other tables, whatever else lies in the folder (``input.md``, which is SENSITIVE), the
random seed, the key of the order of rows, and exact numbers of rows.

Files are removed, not overwritten: what a disk, its journal, a snapshot or a backup still holds is out of reach of any
program that writes over a file. Where that matters, keep the run folders on an encrypted volume, and destroy its key.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from synth_spark.errors import PublishError, RunError
from synth_spark.plan.addresses import scheme_of
from synth_spark.publish.published_release import open_release
from synth_spark.runtime.scratch import sweep
from synth_spark.schema.root_layout import FRAMES, LOCK, METRICS, QUARANTINE, REPORT, RUN_MANIFEST, SUMMARY
from synth_spark.schema.tables import Sensitivity
from synth_spark.storage.files import disk_errors
from synth_spark.storage.run_store import RunStore
from synth_spark.storage.runs import beside

#: Files of a run folder that may stay, by name; nothing else does, whoever made it.
STAYING_FILES = frozenset({RUN_MANIFEST, LOCK, REPORT, "report.md", "quality.md", "contract.yml", SUMMARY, METRICS})
#: Facts of a run about its records that may stay: names of columns, and what was released.
_STAYING_FACTS = ("fields", "released")
#: What may stay of a table that is gone. Whatever else is known of one goes: numbers of rows, and sums over them,
#: whose difference between two runs can tell of the one record that came in between.
_STAYING_KEYS = ("grain", "sensitivity", "content_hash", "schema", "seconds", "files")


def purge(store: RunStore, force: bool = False) -> list[str]:
    """Remove the kept tables of a run that may not be published; begun before and cut short, it is finished.

    What Spark shuffled and spilled in processes that were killed is removed from beside the run folder, too.

    Args:
        store: the run folder.
        force: whether a run goes that is not published, or whose published files are not what was audited.

    Returns:
        Names of the tables that were removed.

    Raises:
        RunError: the run is not published, and that was not forced; or another process works on it.
    """
    with store.alone():
        if not force and "purged" not in store.manifest:
            _must_be_published(store)
        gone = [
            name
            for name, entry in store.manifest["tables"].items()
            if entry["sensitivity"] != Sensitivity.SAFE.name and "purged" not in entry
        ]
        _forget(store.manifest, gone)
        store.save()  # first: whoever opens the run from now on sees it
        staying = {name for name in store.manifest["tables"] if name not in _removed(store)}
        store.remove_others(STAYING_FILES, staying)
        _remove_copy(store)
        store.manifest["purged"]["finished"] = _now()
        store.save()
        _tell_machines(store)
        if scheme_of(store.work) is None:
            sweep(Path(store.work))
        return gone


def purge_as_planned(store: RunStore) -> None:
    """Purge a run whose plan says so, once its release is in place; nothing is done twice."""
    wanted = store.plan.operations.after_publication == "purge" and store.purged is None
    if wanted and store.done("publish"):
        purge(store)


def _remove_copy(store: RunStore) -> None:
    """Remove the copy of a frame that a run was given to read, beside the run folders."""
    beside.remove(store.work, FRAMES, f"{store.run_id}.parquet")


def _must_be_published(store: RunStore) -> None:
    remedy = "publish it first: synth-spark resume RUN; or give it up: synth-spark purge RUN --force"
    if not store.done("publish"):
        raise RunError(f"run '{store.run_id}'", "has not been published", remedy)
    try:
        open_release(store.plan.output.path, store.run_id).verify()
    except PublishError as error:
        raise RunError(f"run '{store.run_id}'", f"has no whole release: {error.problem}", remedy) from None


def _tell_machines(store: RunStore) -> None:
    """Let the summary in the run folder say that the run was purged; a run that is given up is not held any more."""
    with disk_errors(SUMMARY):
        try:
            text = store.read(SUMMARY)
            if text is not None:
                told = {**json.loads(text), "purged": True}
                store.write(SUMMARY, json.dumps(told, indent=1, ensure_ascii=False) + "\n")
        except (ValueError, TypeError):  # a damaged one says nothing to anybody
            store.place.delete([SUMMARY])
        beside.remove(store.work, QUARANTINE, f"{store.run_id}.md")


def _forget(manifest: dict[str, Any], gone: list[str]) -> None:
    """Take out of a manifest what tells of records."""
    manifest.setdefault("purged", {"started": _now()})
    manifest["seed"] = manifest["plan"]["seed"] = manifest["order_key"] = None
    manifest["facts"] = {key: value for key, value in manifest["facts"].items() if key in _STAYING_FACTS}
    for name in gone:
        entry = manifest["tables"][name]
        staying = {key: entry[key] for key in _STAYING_KEYS if key in entry}
        manifest["tables"][name] = {**staying, "rows": None, "purged": True}


def _removed(store: RunStore) -> list[str]:
    return [name for name, entry in store.manifest["tables"].items() if "purged" in entry]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
