"""The small files of a published root, read with no trust in the names that stand in them.

Whoever can write such a file must not decide by it what a command reads, writes or removes elsewhere: every name is
checked, and a folder is asked by checked names alone (`storage.places`).

What was done to a root is its log of commits (`storage.append_log`): the last one that published a release or went back
to one says which is current. ``LATEST.json`` is made of it, for readers. Roots of earlier versions, which have no
commits yet, are read by ``LATEST.json`` and ``_history.jsonl``.
"""

import json
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synth_spark.errors import PublishError, RunError
from synth_spark.plan.addresses import scheme_of
from synth_spark.plan.names import checked_name, is_name
from synth_spark.schema.root_layout import COMMITS, HISTORY, MANIFESTS, MARKS, POINTER
from synth_spark.storage.append_log import CommitLog, Entry
from synth_spark.storage.manifests import check_tables
from synth_spark.storage.places import Place

#: What makes a release the current one.
SWITCHES = ("publish", "rollback")


@contextmanager
def publish_errors() -> Iterator[None]:
    """What a folder refuses, as an error of publication.

    Raises:
        PublishError: it cannot be reached, or refuses.
    """
    try:
        yield
    except RunError as error:
        raise PublishError(error.field, error.problem, error.remedy) from None


def commits_of(root: Place) -> CommitLog:
    """The log of what was done to a published root."""
    return CommitLog(root.below(COMMITS))


def events_of(root: Place, commits: CommitLog | None = None) -> list[dict[str, Any]]:
    """What was done to a published root: ``at``, ``action``, ``run_id`` and ``previous``, oldest first.

    Args:
        root: the root.
        commits: its log, if that was opened before.

    Raises:
        PublishError: the log cannot be read, or is damaged.
    """
    commits = commits_of(root) if commits is None else commits
    with publish_errors():
        entries = commits.entries()
    return events_in(entries, commits.address) or _earlier_events(root)


def events_in(entries: list[Entry], address: str) -> list[dict[str, Any]]:
    """What the entries of a log say was done.

    Raises:
        PublishError: an entry does not say what, when and to which release.
    """
    events: list[dict[str, Any]] = []
    for entry in entries:
        if not isinstance(entry.get("events"), list):
            raise damaged(address)
        events += [event_in(address, event) for event in entry["events"]]
    return events


def current_in(events: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The event that made the current release current; None if there was none."""
    return next((event for event in reversed(events) if event["action"] in SWITCHES), None)


def current_of(root: Place) -> str | None:
    """Name of the release that is current in a published root; None if there is none.

    Raises:
        PublishError: what says so is damaged.
    """
    event = current_in(events_of(root))
    return None if event is None else event["run_id"]


def has_delta(where: str | Path) -> bool:
    """Whether a published root holds Delta tables that releases share, which none in a store does.

    Args:
        where: the root.
    """
    return scheme_of(str(where)) is None and any(Path(where).glob("*/_delta_log"))


def is_sliced(manifest: Mapping[str, Any]) -> bool:
    """Whether the tables of a release are slices of Delta tables that releases share: then it has no files of its own.

    Args:
        manifest: of the release, also of one that was retired.
    """
    return bool(manifest["format"] == "delta") and not any("files" in one for one in manifest["tables"].values())


def text_of(root: Place, name: str) -> str | None:
    """The text of a small file of a published root; None if it is not there.

    Raises:
        PublishError: it is a link that leads out of the root, or no text.
    """
    with publish_errors():
        content = root.read(name)
    try:
        return None if content is None else content.decode("utf-8")
    except UnicodeDecodeError:
        raise damaged(f"{root.address}/{name}") from None


def parsed(field: str, text: str) -> dict[str, Any]:
    """What a small file of a published root holds.

    Args:
        field: what it is, for the message.
        text: its text.

    Raises:
        PublishError: it is damaged.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise damaged(field) from None
    if not isinstance(content, dict):
        raise damaged(field)
    return content


def event_in(field: str, content: Any) -> dict[str, Any]:
    """What an event says was done.

    Args:
        field: where it stands, for the message.
        content: the event.

    Raises:
        PublishError: it does not say what, when and to which release.
    """
    if not isinstance(content, dict) or not all(isinstance(content.get(key), str) for key in ("at", "action")):
        raise damaged(field)
    checked_name(content.get("run_id"), f"{field}: run_id", PublishError)
    return content


def manifest_name(run_id: str) -> str:
    """The file that says what a release of a root holds; its name alone makes no release published.

    Raises:
        PublishError: the release has no name that can be part of a path.
    """
    return f"{MANIFESTS}/{checked_name(run_id, 'release', PublishError)}.json"


def mark_name(run_id: str) -> str:
    """The file that says that a release is being put in place.

    Raises:
        PublishError: the release has no name that can be part of a path.
    """
    return f"{MARKS}/{checked_name(run_id, 'release', PublishError)}.json"


def read_manifest(root: Place, run_id: str) -> dict[str, Any] | None:
    """What the manifest of a release says; None if there is none.

    Args:
        root: the published root.
        run_id: the release.

    Raises:
        PublishError: the release has no name, the manifest is damaged, is that of another, or names what cannot be in
            the root.
    """
    name = manifest_name(run_id)
    file, text = f"{root.address}/{name}", text_of(root, name)
    if text is None:
        return None
    content = parsed(file, text)
    if content.get("run_id", run_id) != run_id or not isinstance(content.get("documents", []), list):
        raise damaged(file)
    check_tables(file, content, PublishError)
    for document in content.get("documents", []):
        if not is_document(document):
            raise PublishError(f"{file}: documents", "names what is no document", "restore it from a backup")
    for table, entry in content["tables"].items():
        log = entry.get("delta_log", {"sha256": ""})
        if not isinstance(entry.get("path"), str) or not isinstance(log, dict) or "sha256" not in log:
            raise damaged(file)
        for part in entry["path"].split("/"):
            checked_name(part, f"{file}: path of table {table}", PublishError, file=True)
    return {**content, "run_id": run_id}


def read_mark(root: Place, run_id: str) -> dict[str, Any] | None:
    """What is said of a publication that is under way, by its mark; None if there is none.

    Args:
        root: the published root.
        run_id: the release; the mark is named as it is.

    Raises:
        PublishError: it is damaged, of another release, or names what is no table.
    """
    name = mark_name(run_id)
    file, text = f"{root.address}/{name}", text_of(root, name)
    if text is None:
        return None
    mark = parsed(file, text)
    fine = isinstance(mark.get("tables"), list) and mark.get("run_id") == run_id and isinstance(mark.get("at"), float)
    if not fine or not isinstance(mark.get("format"), str):
        raise PublishError(file, "is not the mark of the publication whose name it has", "look at who wrote it")
    for table in mark["tables"]:
        checked_name(table, file, PublishError)
    return {"host": platform.node(), **mark}


def is_document(name: object) -> bool:
    """Whether a document of a release can have a name: one that is no other file of a published root.

    >>> is_document("RELEASE.md"), is_document("LATEST.json"), is_document("../x.md"), is_document("_history.jsonl")
    (True, False, False, False)
    """
    return is_name(name, file=True) and str(name).lower() not in (POINTER.lower(), HISTORY)


def damaged(field: str) -> PublishError:
    """The error of a small file of a published root that does not say what it should."""
    return PublishError(field, "is damaged", "restore it from a backup")


def _earlier_events(root: Place) -> list[dict[str, Any]]:
    """What was done to a root that an earlier version made: by its history, its pointer and its manifests."""
    lines, file = (text_of(root, HISTORY) or "").splitlines(), f"{root.address}/{HISTORY}"
    events = [event_in(file, parsed(file, line)) for line in lines if line.strip()]
    text, file = text_of(root, POINTER), f"{root.address}/{POINTER}"
    pointer: Mapping[str, Any] = {} if text is None else parsed(file, text)
    if text is not None:
        run_id = checked_name(pointer.get("run_id"), f"{file}: run_id", PublishError)
        event = pointer.get("event") or {"at": "", "action": "publish", "run_id": run_id, "previous": None}
        if event_in(file, event) not in events and (pointer.get("event") or not events):
            events.append(event)
    return events
