"""A published root as its writers see it, here or in a store: switched in one step, mended after a fault.

Layout::

    OUT/<table>/run_id=<id>/part-00000.parquet …     tables of a release (or OUT/<table>, a Delta table)
    OUT/<table>/run_id=<id>/_delta_log/…             in a store: what makes that folder a Delta table
    OUT/_documents/<id>/…                            its documents
    OUT/_manifests/<id>.json                         what it holds; written once all of it is in place
    OUT/_commits/00000001.json …                     what was done: a publication, a rollback, a retirement
    OUT/LATEST.json                                  which release is current, for readers: made of the last switch
    OUT/RELEASE.md, QUALITY.md, report.html …        copies of the documents of the current release
    OUT/_publishing/<id>.json                        there while a release is put in place: what, and by whom
    OUT/.publishing                                  on this machine: who writes

To make commit N + 1 is the switch. Of several writers one makes it; the others are told that somebody else was first.
Nobody waits for a lock, so it holds between machines and in stores. ``LATEST.json`` and
the copies follow from it; of a process that was killed in between, whatever writes to the root next writes them.

A release is published once a commit says so. All else that has a run id is a remnant of a publication that was killed,
and is removed by the next one. What is under way must not be removed: on this machine a lock on ``.publishing`` tells
that, which the operating system releases when its process ends; what other machines have begun is left alone for an
hour after their last sign of life.
"""

import json
import platform
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth_spark.errors import PublishError
from synth_spark.publish.remnants import owner_of, remnants_of
from synth_spark.publish.turns import locked
from synth_spark.runtime import faults
from synth_spark.schema.root_layout import DOCUMENTS, HISTORY, MANIFESTS, MARKS, POINTER
from synth_spark.storage.append_log import Entry
from synth_spark.storage.held import is_unfinished
from synth_spark.storage.local_places import LocalPlace
from synth_spark.storage.paths import checked_name, is_name, refuse_links
from synth_spark.storage.places import Place, at_once, place
from synth_spark.storage.root_files import (
    commits_of,
    current_in,
    events_of,
    is_document,
    manifest_name,
    mark_name,
    publish_errors,
    read_manifest,
    read_mark,
    text_of,
)

#: Seconds for which a publication that the lock cannot see is taken to be under way.
_GRACE = 3_600.0


@dataclass(frozen=True)
class Unfinished:
    """A publication that was begun and has not ended.

    Attributes:
        run_id: of what.
        format: parquet or delta.
        tables: names of the tables that it may have put in place.
        host: where it runs, or ran.
        age: seconds since it last gave a sign of life.
    """

    run_id: str
    format: str
    tables: tuple[str, ...]
    host: str
    age: float


class ReleaseRepository:
    """A published root.

    Attributes:
        place: its folder.
    """

    def __init__(self, where: str | Path) -> None:
        """Name a root; it is not looked at yet.

        Args:
            where: a folder of this machine, or an address of a store.

        Raises:
            PlanError: the address names no bucket or container, or no name node.
            EngineError: the library for that store is not installed.
        """
        self.place: Place = place(str(where))
        self._commits = commits_of(self.place)
        self._sees_others, self._who = False, ""

    @property
    def folder(self) -> Path:
        """Its folder on this machine; roots in stores have none."""
        assert isinstance(self.place, LocalPlace)
        return self.place.folder

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return isinstance(self.place, LocalPlace)

    def is_sliced(self, format_: str) -> bool:
        """Whether tables of a format are slices of Delta tables there, which all releases share: in no store."""
        return format_ == "delta" and self.is_local

    @contextmanager
    def alone(self, who: str) -> Iterator[None]:
        """Be the only writer of this machine; what an earlier one left half done after its switch is finished first.

        Args:
            who: the run that is published, or what else is done; shown to others who want to write meanwhile.

        Raises:
            PublishError: somebody else is writing, the root cannot be written, or it holds a link that leads out of it.
        """
        self._who = who
        with publish_errors():
            if not self.is_local:
                self._settle_or_say()
                yield
                return
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                self.check_links()
            except OSError as error:
                problem = f"cannot be written ({error.strerror})"
                raise PublishError("output.path", problem, "choose another folder") from None
            with locked(self.folder, who) as self._sees_others:
                self._settle_or_say()
                yield

    def check_links(self) -> None:
        """Refuse a root that holds a link to somewhere else: what is done there is done elsewhere.

        Raises:
            PublishError: it does.
        """
        if self.is_local:
            refuse_links(self.folder, "output.path", PublishError)

    def check_commits(self) -> None:
        """Find out, before any work, whether commits can be made.

        Raises:
            PublishError: they cannot, or the store lets one commit take the place of another.
        """
        with publish_errors():
            self._commits.check()

    def seen(self) -> int:
        """How many commits there are by now: what `switch` is told, so that it fails if there are more."""
        with publish_errors():
            return len(self._commits.entries())

    def current(self) -> str | None:
        """Name of the current release."""
        event = current_in(self.history())
        return None if event is None else event["run_id"]

    def manifest(self, run_id: str) -> dict[str, Any] | None:
        """What was published of a run; None if nothing was."""
        return read_manifest(self.place, run_id) if is_name(run_id) else None

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write, or replace, the manifest of a release."""
        text = json.dumps(manifest, indent=1, ensure_ascii=False)
        self.place.write(manifest_name(manifest["run_id"]), text.encode())

    def published(self) -> dict[str, dict[str, Any]]:
        """Manifests of all releases that were published, also of those that were retired since; oldest first."""
        names = list(self._published_names())
        return {name: one for name, one in zip(names, at_once(self.manifest, names), strict=True) if one is not None}

    def is_published(self, run_id: str) -> bool:
        """Whether a release is in place, whole; also one that was retired since."""
        return is_name(run_id) and run_id in self._published_names() and self.place.exists(manifest_name(run_id))

    def history(self) -> list[dict[str, Any]]:
        """What was done to this root: ``at``, ``action``, ``run_id`` and ``previous``, oldest first."""
        return events_of(self.place, self._commits)

    def begin(self, run_id: str, format_: str, tables: Iterable[str]) -> None:
        """Say that a release is about to be put in place."""
        mark = {"run_id": run_id, "format": format_, "tables": sorted(tables), "host": platform.node()}
        self.place.write(mark_name(run_id), json.dumps({**mark, "at": time.time()}).encode())

    def table(self, run_id: str, table: str) -> Place:
        """The folder of a table of a release."""
        run_id, table = (checked_name(one, "table", PublishError) for one in (run_id, table))
        return self.place.below(f"{table}/run_id={run_id}")

    def end(self, run_id: str) -> None:
        """Say that nothing of a release is left to be put in place, or to be removed."""
        self.place.delete([mark_name(run_id)])

    def unfinished(self) -> list[Unfinished]:
        """Publications that were begun, did not end, and cannot be under way.

        Raises:
            PublishError: a mark is not that of the publication whose name it has.
        """
        marked = [self._marked(run_id) for run_id in self._begun()]
        return [one for one in marked if one is not None and self._has_ended(one)]

    def under_way(self) -> set[str]:
        """Names of the releases that somebody else may be putting in place."""
        return {run_id for run_id in self._begun() if self._may_be_under_way(run_id)}

    def file_documents(self, run_id: str, documents: Mapping[str, str]) -> None:
        """Put the documents of a release in place, under its name."""
        folder = self._documents(run_id)
        folder.delete_folder()
        at_once(lambda name: folder.write(name, documents[name].encode()), documents)

    def documents(self, run_id: str) -> dict[str, str]:
        """The documents of a release, name → text."""
        folder = self._documents(run_id)
        names = [held.name for held in folder.entries() if not held.is_folder and is_document(held.name)]
        texts = at_once(lambda name: text_of(folder, name), names)
        return {name: text for name, text in zip(names, texts, strict=True) if text is not None}

    def switch(self, run_id: str, seen: int, action: str, to_the_day: bool = False) -> None:
        """Make a release current: one commit more, then the pointer and the copies of its documents.

        All that takes space is written before the switch; after that, files of this machine are only renamed.

        Args:
            run_id: of the release.
            seen: how many commits there were when the work began.
            action: what the history calls it.
            to_the_day: see `time`.

        Raises:
            PublishError: somebody else made a commit meanwhile; the release that is current is theirs.
        """
        event = {"at": self.time(to_the_day), "action": action, "run_id": run_id, "previous": self.current()}
        with self.place.prepared(self._copies(event)) as put:
            faults.point("publish.switch")
            self._commit(event, seen)
            faults.point("publish.switched")
            put()
        self._drop_stale_documents(run_id)

    def record(self, event: Mapping[str, Any]) -> None:
        """Add to the history what makes no other release current."""
        self._commit(event, None)

    def settle(self) -> None:
        """Finish a switch whose process was killed right after it: pointer, documents, and what marks it as begun."""
        if self._sees_others:
            self.place.remove_abandoned(self.place.abandoned())
        self._adopt()
        event = current_in(self.history())
        if event is None:
            return
        run_id = event["run_id"]
        self._adopt_documents(run_id)
        copies = self._copies(event)
        for name, there in zip(copies, at_once(self.place.read, copies), strict=True):
            if there != copies[name]:
                self.place.write(name, copies[name])
        self._drop_stale_documents(run_id)
        self.end(run_id)

    def time(self, to_the_day: bool = False) -> str:
        """Now (ISO 8601, UTC), but never before the last event of the history: clocks go back, releases do not.

        Args:
            to_the_day: whether the day alone may be told: the hours since a private run began follow from its records.
        """
        times = [str(event["at"]) for event in self.history()[-1:]]
        now = faults.now()
        now = now.replace(hour=0, minute=0, second=0) if to_the_day else now
        return max([now.isoformat(timespec="seconds"), *times])

    def remnants(self) -> list[str]:
        """Files and folders (ending in ``/``) that no published release owns; not slices of Delta tables."""
        under_way, manifests = self.under_way(), self.published()  # a mark that is none stops whatever removes
        kept = {name for name, manifest in manifests.items() if "retired" not in manifest} | under_way
        found = remnants_of(self.place, kept, set(manifests) | under_way)
        owners = {name: owner_of(name) for name in found}
        live = {one for one in set(owners.values()) if one is not None and self._may_be_under_way(one)}
        return [name for name in found if owners[name] not in live]

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, and folders, whose names end in ``/``."""
        for name in names:
            if name.endswith("/"):
                self.place.delete_folder(name.rstrip("/"))
            elif is_unfinished(name):
                self.place.remove_abandoned([name])
            else:
                self.place.delete([name])

    def _settle_or_say(self) -> None:
        try:
            self.settle()
        except OSError as error:
            problem = f"holds a release that was not finished, nor can it be now ({error.strerror})"
            raise PublishError("output.path", problem, "free space or mend permissions, then try again") from None

    def _commit(self, event: Mapping[str, Any], seen: int | None) -> None:
        """Add an event, if there are as many commits as were seen; None: however many there are."""

        def decide(entries: list[Entry]) -> Entry:
            if seen is not None and len(entries) != seen:
                problem = "was given another release meanwhile, by another machine"
                raise PublishError("output.path", problem, "publish this one after it: synth-spark resume RUN")
            return {"events": [event]}

        self._commits.append(decide)

    def _adopt(self) -> None:
        """Make the first commit of a root that an earlier version has kept a history of."""
        if self._commits.entries():
            return
        events, told = self.history(), {event["run_id"] for event in self.history()}
        for held in self.place.entries(MANIFESTS):
            run_id = held.name.rpartition("/")[2].removesuffix(".json")
            manifest = self.manifest(run_id) if run_id not in told else None
            if manifest is not None and not self.place.exists(mark_name(run_id)):
                when = str(manifest.get("published", ""))
                events.insert(0, {"at": when, "action": "publish", "run_id": run_id, "previous": None})
        if events:
            self._commits.append(lambda entries: None if entries else {"events": events})
            self.place.delete([HISTORY])

    def _published_names(self) -> dict[str, None]:
        """Names of the releases that were published, oldest first."""
        return dict.fromkeys(event["run_id"] for event in self.history() if event["action"] == "publish")

    def _marked(self, run_id: str) -> Unfinished | None:
        """What the mark of a publication says; None if there is none, or it ended meanwhile."""
        mark = read_mark(self.place, run_id) if is_name(run_id) else None
        if mark is None:
            return None
        age = abs(time.time() - mark["at"])
        return Unfinished(run_id, mark["format"], tuple(mark["tables"]), mark["host"], age)

    def _has_ended(self, one: Unfinished) -> bool:
        """Whether a publication that is marked cannot be under way."""
        here = self._sees_others and one.host == platform.node()
        return here or one.run_id == self._who or one.age > _GRACE

    def _may_be_under_way(self, run_id: str) -> bool:
        """Whether somebody else may be putting a release in place: its own mark is asked, no list of them."""
        one = self._marked(run_id)
        return one is not None and not self._has_ended(one)

    def _begun(self) -> list[str]:
        """Names of the releases that are marked as being put in place."""
        names = [held.name.rpartition("/")[2].removesuffix(".json") for held in self.place.entries(MARKS)]
        return [name for name in names if is_name(name)]

    def _documents(self, run_id: str) -> Place:
        return self.place.below(f"{DOCUMENTS}/{checked_name(run_id, 'release', PublishError)}")

    def _copies(self, event: Mapping[str, Any]) -> dict[str, bytes]:
        """The pointer and the copies of documents of the release that an event makes current."""
        run_id = str(event["run_id"])
        manifest = self.manifest(run_id)
        if manifest is None:
            raise PublishError(f"release '{run_id}'", "has no manifest", "restore it from a backup")
        pointer = {
            "run_id": run_id,
            "manifest": manifest_name(run_id),
            "tables": {name: entry["path"] for name, entry in manifest["tables"].items()},
            "event": event,
        }
        texts = {POINTER: json.dumps(pointer, indent=1), **self.documents(run_id)}
        return {name: text.encode() for name, text in texts.items()}

    def _adopt_documents(self, run_id: str) -> None:
        """Keep the documents of a release that was published before documents were kept for each."""
        manifest, folder = self.manifest(run_id), self._documents(run_id)
        if manifest is None or folder.entries():
            return
        for name in manifest.get("documents", []):
            text = text_of(self.place, name)
            if text is not None:
                folder.write(name, text.encode())

    def _drop_stale_documents(self, run_id: str) -> None:
        """Remove copies of documents that the current release does not have."""
        filed = [held.name.rpartition("/") for held in self.place.entries(DOCUMENTS, deep=True)]
        own = {name for folder, _, name in filed if folder == f"{DOCUMENTS}/{run_id}"}
        there = {held.name for held in self.place.entries() if not held.is_folder}
        stale = ({name for _, _, name in filed} & there) - own
        self.place.delete(sorted(filter(is_document, stale)))
