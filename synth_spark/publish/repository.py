"""A published root as its writers see it: one of them at a time, switched in one step, mended after a fault.

Layout::

    OUT/<table>/run_id=<id>/part-00000.parquet …     tables of a release (or OUT/<table>, a Delta table)
    OUT/_documents/<id>/…                            its documents
    OUT/_manifests/<id>.json                         what it holds; written once all of it is in place
    OUT/LATEST.json                                  which release is current; replaced in one step
    OUT/RELEASE.md, QUALITY.md, report.html …        copies of the documents of the release that LATEST.json names
    OUT/_history.jsonl                               one line a publication, rollback and retirement, oldest first
    OUT/.publishing                                  the lock, and who holds it
    OUT.staging/<id>/publishing.json                 there while a release is put in place: what, and by whom

A release is published once its manifest is there and nothing of it is in staging, or ``LATEST.json`` names it. All else
that has a run id is a remnant of a publication that was killed, and is removed by the next one.

The lock covers processes of one machine, and of several where the file system passes ``flock`` on. The operating system
releases it when its process ends, however that happens. What it may not see, a writer on another machine, is caught by
comparing the pointer right before it is replaced; between these two steps, some microseconds, two machines could still
both succeed: then the later one is current, and both are whole. What such a writer has in staging is left alone for an
hour after its last sign of life.
"""

import json
import platform
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth_spark.errors import PublishError
from synth_spark.runtime import faults
from synth_spark.runtime.locks import lock
from synth_spark.schema.root_layout import DOCUMENTS, HISTORY, MANIFESTS, POINTER
from synth_spark.storage.files import sync_folder, write_atomically, write_unfinished
from synth_spark.storage.manifests import (
    current_of,
    event_in,
    is_document,
    named_in,
    parsed,
    read_manifest,
    read_mark,
    text_of,
)
from synth_spark.storage.paths import checked_name, is_name, kept_inside, manifest_of, refuse_links

_LOCK, _MARK = ".publishing", "publishing.json"
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
        path: its folder.
        staging: folder beside it, for what is not in place yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.staging = path.absolute().with_name(f"{path.absolute().name}.staging")
        self._locks, self._who = True, ""

    @contextmanager
    def alone(self, who: str) -> Iterator[None]:
        """Be the only writer; what an earlier one left half done after its switch is finished first.

        Args:
            who: the run that is published, or what else is done; shown to others who want to write meanwhile.

        Raises:
            PublishError: somebody else is writing, the root cannot be written, or it holds a link that leads out of it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.check_links()
            stream = (self.path / _LOCK).open("a+b", buffering=0)  # nothing is left to be written on closing
        except OSError as error:
            raise PublishError(
                "output.path", f"cannot be written ({error.strerror})", "choose another folder"
            ) from None
        self._who = who
        with stream:
            try:
                lock(stream, wait=False)
            except BlockingIOError:
                stream.seek(0)
                holder = stream.read(200).decode(errors="replace").strip() or "another process"
                problem = f"is being written by {holder}"
                raise PublishError(
                    "output.path", problem, "publish this one afterwards: synth-spark resume RUN"
                ) from None
            except OSError:  # a file system without locks: what is left is comparing the pointer
                self._locks = False
            with suppress(OSError):  # a full disk: who holds the lock is not written, but it is held
                stream.truncate(0)
                stream.write(f"{who} on {platform.node()} since {faults.now():%Y-%m-%d %H:%M:%S} UTC".encode())
            try:
                self._settle_or_say()
                yield
            finally:
                with suppress(OSError):
                    stream.truncate(0)

    def check_links(self) -> None:
        """Refuse a root, or its staging, that holds a link to somewhere else: what is done there is done elsewhere.

        Raises:
            PublishError: it does.
        """
        refuse_links(self.path, "output.path", PublishError)
        if self.staging.is_symlink():
            raise PublishError(str(self.staging), "is a link", "remove it")
        refuse_links(self.staging, str(self.staging), PublishError)

    def pointer(self) -> str | None:
        """The text of the pointer."""
        return text_of(self.path, self.path / POINTER)

    def current(self) -> str | None:
        """Name of the current release."""
        return current_of(self.path)

    def manifest(self, run_id: str) -> dict[str, Any] | None:
        """What was published of a run; None if nothing was."""
        return read_manifest(self.path, run_id) if is_name(run_id) else None

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write, or replace, the manifest of a release."""
        (self.path / MANIFESTS).mkdir(exist_ok=True)
        text = json.dumps(manifest, indent=1, ensure_ascii=False)
        write_atomically(manifest_of(self.path, manifest["run_id"]), text)

    def published(self) -> dict[str, dict[str, Any]]:
        """Manifests of all releases that were published, also of those that were retired since; oldest first."""
        manifests = {}
        for file in (self.path / MANIFESTS).glob("*.json"):
            manifest = self.manifest(file.stem)
            if manifest is not None and self.is_published(file.stem):
                manifests[file.stem] = manifest
        order = {event["run_id"]: place for place, event in enumerate(self.history()) if event["action"] == "publish"}
        keys = {name: (order.get(name, -1), manifest["published"]) for name, manifest in manifests.items()}
        return {name: manifests[name] for name in sorted(manifests, key=lambda name: keys[name])}

    def is_published(self, run_id: str) -> bool:
        """Whether a release is in place, whole; also one that was retired since."""
        if not is_name(run_id):
            return False
        begun = (self.staging / run_id / _MARK).exists()
        return manifest_of(self.path, run_id).exists() and (not begun or self.current() == run_id)

    def history(self) -> list[dict[str, Any]]:
        """What was done to this root: ``at``, ``action``, ``run_id`` and ``previous``, oldest first."""
        file = self.path / HISTORY
        lines = (text_of(self.path, file) or "").splitlines()
        return [event_in(file, parsed(file, line)) for line in lines if line.strip()]

    def begin(self, run_id: str, format_: str, tables: Iterable[str]) -> None:
        """Say that a release is about to be put in place; its folder in staging is empty then."""
        folder = self._staged(run_id)
        folder.mkdir(parents=True, exist_ok=True)
        self.remove(path for path in folder.glob("*") if path.name != _MARK)
        mark = {"run_id": run_id, "format": format_, "tables": sorted(tables), "host": platform.node()}
        write_atomically(folder / _MARK, json.dumps(mark))

    def staged(self, run_id: str, table: str) -> Path:
        """Where the files of a table are before it is put in place."""
        return self._staged(run_id) / checked_name(table, "table", PublishError)

    def place(self, run_id: str, table: str) -> None:
        """Put a table of a release in place, in one step."""
        target = self.path / table / f"run_id={run_id}"
        target.parent.mkdir(exist_ok=True)
        self.staged(run_id, table).rename(target)
        sync_folder(target.parent)

    def alive(self, run_id: str) -> None:
        """Give a sign of life of a publication."""
        (self._staged(run_id) / _MARK).touch()

    def end(self, run_id: str) -> None:
        """Say that nothing of a release is left to be put in place, or to be removed."""
        shutil.rmtree(self._staged(run_id), ignore_errors=True)
        with suppress(OSError):  # others are there
            self.staging.rmdir()

    def unfinished(self) -> list[Unfinished]:
        """Publications that were begun, did not end, and cannot be under way.

        Raises:
            PublishError: a mark is not that of the publication in whose folder it is.
        """
        publications = []
        for folder in sorted(path for path in self.staging.glob("*") if is_name(path.name)):
            try:
                mark = read_mark(folder / _MARK)
                age = time.time() - (folder / _MARK).stat().st_mtime
            except (OSError, ValueError):  # killed before it put anything in place
                mark, age = {"run_id": folder.name, "format": "parquet", "tables": [], "host": platform.node()}, 0.0
            one = Unfinished(mark["run_id"], mark["format"], tuple(mark["tables"]), mark["host"], abs(age))
            here = self._locks and one.host == platform.node()
            if here or one.run_id == self._who or one.age > _GRACE:
                publications.append(one)
        return publications

    def file_documents(self, run_id: str, documents: Mapping[str, str]) -> None:
        """Put the documents of a release in place, under its name."""
        folder = self._staged(run_id) / DOCUMENTS
        folder.mkdir()
        for name, text in documents.items():
            write_atomically(folder / name, text)
        (self.path / DOCUMENTS).mkdir(exist_ok=True)
        folder.rename(self.path / DOCUMENTS / run_id)

    def documents(self, run_id: str) -> dict[str, str]:
        """The documents of a release, name → text."""
        folder = self.path / DOCUMENTS / checked_name(run_id, "release", PublishError)
        found = [file for file in sorted(folder.glob("*")) if is_document(file.name)]
        inside = [kept_inside(self.path, file, f"document {file.name}", PublishError) for file in found]
        return {file.name: file.read_text(encoding="utf-8") for file in inside if file.is_file()}

    def switch(self, run_id: str, seen: str | None, action: str) -> None:
        """Make a release current: the pointer first, in one step, then the copies of its documents, and the history.

        All that takes space is written before the pointer is switched; after that files are only renamed.

        Args:
            run_id: of the release.
            seen: the pointer's text when the work began.
            action: what the history calls it.

        Raises:
            PublishError: somebody else switched the pointer meanwhile; it is theirs.
        """
        manifest = self.manifest(run_id)
        assert manifest is not None
        previous = named_in(self.path / POINTER, parsed(self.path / POINTER, seen)) if seen else None
        event = {"at": self.time(), "action": action, "run_id": run_id, "previous": previous}
        pointer = {
            "run_id": run_id,
            "manifest": f"{MANIFESTS}/{run_id}.json",
            "tables": {name: entry["path"] for name, entry in manifest["tables"].items()},
            "event": event,
        }
        texts = {POINTER: json.dumps(pointer, indent=1), HISTORY: self._with(event), **self.documents(run_id)}
        unfinished: dict[str, Path] = {}
        try:
            for name, text in texts.items():
                unfinished[name] = write_unfinished(self.path / name, text)
            faults.point("publish.switch")
            if self.pointer() != seen:
                problem = "was given another release meanwhile, by another machine"
                raise PublishError("output.path", problem, "publish this one after it: synth-spark resume RUN")
            for name, file in unfinished.items():
                file.replace(self.path / name)
                if name == POINTER:
                    sync_folder(self.path)
                    faults.point("publish.switched")
            self._drop_stale_documents(run_id)
        finally:
            for name in texts:
                with suppress(OSError):
                    (self.path / f".{name}.unfinished").unlink(missing_ok=True)

    def _settle_or_say(self) -> None:
        try:
            self.settle()
        except OSError as error:
            problem = f"holds a release that was not finished, nor can it be now ({error.strerror})"
            raise PublishError("output.path", problem, "free space or mend permissions, then try again") from None

    def settle(self) -> None:
        """Finish a switch whose process was killed right after it: documents, history, and what marks it as begun."""
        text = self.pointer()
        if text is None:
            return
        file = self.path / POINTER
        pointer = parsed(file, text)
        run_id, event = named_in(file, pointer), pointer.get("event")
        self._adopt_documents(run_id)
        for name, wanted in self.documents(run_id).items():
            copy = self.path / name
            if not copy.is_file() or copy.read_text(encoding="utf-8") != wanted:
                write_atomically(copy, wanted)
        self._drop_stale_documents(run_id)
        if event is not None and event_in(file, event) not in self.history():
            self.record(event)
        if (self.staging / run_id / _MARK).exists():
            self.end(run_id)

    def record(self, event: Mapping[str, Any]) -> None:
        """Add a line to the history."""
        write_atomically(self.path / HISTORY, self._with(event))

    def time(self) -> str:
        """Now (ISO 8601, UTC), but never before the last line of the history: clocks go back, releases do not."""
        times = [str(event["at"]) for event in self.history()[-1:]]
        return max([faults.now().isoformat(timespec="seconds"), *times])

    def remnants(self) -> list[Path]:
        """Files and folders in the root that no published release owns; slices of Delta tables are not looked for."""
        under_way = {folder.name for folder in self.staging.glob("*")} - {one.run_id for one in self.unfinished()}
        kept = {name for name, manifest in self.published().items() if "retired" not in manifest} | under_way
        folders = [
            folder
            for folder in sorted(self.path.glob("*/run_id=*"))
            if not (folder.parent / "_delta_log").exists() and folder.name.partition("=")[2] not in kept
        ]
        documents = [folder for folder in sorted((self.path / DOCUMENTS).glob("*")) if folder.name not in kept]
        manifests = [
            file
            for file in sorted((self.path / MANIFESTS).glob("*.json"))
            if file.stem not in under_way and not self.is_published(file.stem)
        ]
        loose = [*self.path.glob(".*.unfinished"), *(self.path / MANIFESTS).glob(".*.unfinished")]
        return [*folders, *documents, *manifests, *loose]

    def remove(self, paths: Iterable[Path]) -> None:
        """Remove files and folders of the root or of staging, and a table's folder that is empty then.

        Of a link only the link is removed.

        Raises:
            OSError: one of them is still there.
            PublishError: one of them is in a folder elsewhere.
        """
        for path in paths:
            home = self.staging if path.is_relative_to(self.staging) else self.path
            kept_inside(home, path.parent, str(path), PublishError)
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
            if path.parent.parent == self.path:
                with suppress(OSError):  # others are there
                    path.parent.rmdir()

    def _staged(self, run_id: str) -> Path:
        """The folder in staging of a release, which is named as that is."""
        return self.staging / checked_name(run_id, "release", PublishError)

    def _with(self, event: Mapping[str, Any]) -> str:
        """The history, and a line more."""
        return "".join(json.dumps(one) + "\n" for one in [*self.history(), event])

    def _adopt_documents(self, run_id: str) -> None:
        """Keep the documents of a release that was published before documents were kept for each."""
        manifest = self.manifest(run_id)
        target = self.path / DOCUMENTS / run_id
        if manifest is None or target.exists():
            return
        told = [kept_inside(self.path, self.path / name, name, PublishError) for name in manifest["documents"]]
        documents = [file for file in told if file.is_file()]
        if documents:
            unfinished = target.with_name(f".{run_id}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            for file in documents:
                shutil.copyfile(file, unfinished / file.name)
            unfinished.rename(target)

    def _drop_stale_documents(self, run_id: str) -> None:
        """Remove copies of documents that the current release does not have."""
        documents = {file.name for file in (self.path / DOCUMENTS).glob("*/*") if not file.parent.name.startswith(".")}
        for name in filter(is_document, documents - set(self.documents(run_id))):
            (self.path / name).unlink(missing_ok=True)
