"""Small files that name others, read with no trust in these names: of a published root, and of a run folder.

Whoever can write such a file must not decide by it what a command reads, writes or removes elsewhere: every name is
checked, and every path that is made of one stays in the folder that the command was given.
"""

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synth_spark.errors import PublishError, RunError, SynthSparkError
from synth_spark.schema.root_layout import HISTORY, POINTER, RUN_MANIFEST
from synth_spark.storage.paths import checked_name, is_name, kept_inside, manifest_of, refuse_links

#: Version of the manifest of a run folder.
RUN_FORMAT = 3


def text_of(root: Path, file: Path) -> str | None:
    """The text of a small file of a published root; None if it is not there.

    Raises:
        PublishError: it is a link that leads out of the root, or no text.
    """
    try:
        return kept_inside(root, file, str(file), PublishError).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError:
        raise damaged(file) from None


def parsed(file: Path, text: str) -> dict[str, Any]:
    """What a small file of a published root holds.

    Raises:
        PublishError: it is damaged.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise damaged(file) from None
    if not isinstance(content, dict):
        raise damaged(file)
    return content


def named_in(file: Path, content: Mapping[str, Any]) -> str:
    """The release that a small file names.

    Raises:
        PublishError: it names none, or by no name.
    """
    return checked_name(content.get("run_id"), f"{file}: run_id", PublishError)


def event_in(file: Path, content: Any) -> dict[str, Any]:
    """What a line of the history, or the pointer, says was done.

    Raises:
        PublishError: it does not say what, when and to which release.
    """
    if not isinstance(content, dict) or not all(isinstance(content.get(key), str) for key in ("at", "action")):
        raise damaged(file)
    named_in(file, content)
    return content


def current_of(root: Path) -> str | None:
    """Name of the release that a published root says is current; None if there is none.

    Raises:
        PublishError: the pointer is damaged.
    """
    text = text_of(root, root / POINTER)
    return None if text is None else named_in(root / POINTER, parsed(root / POINTER, text))


def read_manifest(root: Path, run_id: str) -> dict[str, Any] | None:
    """What the manifest of a release says; None if there is none.

    Args:
        root: the published root.
        run_id: the release.

    Raises:
        PublishError: the release has no name, the manifest is damaged, is that of another, or names what cannot be in
            the root.
    """
    file = manifest_of(root, run_id)
    text = text_of(root, file)
    if text is None:
        return None
    content = parsed(file, text)
    if content.get("run_id", run_id) != run_id or not isinstance(content.get("documents", []), list):
        raise damaged(file)
    _check_tables(file, content, PublishError)
    for name in content.get("documents", []):
        if not is_document(name):
            raise PublishError(f"{file}: documents", "names what is no document", "restore it from a backup")
    for name, entry in content["tables"].items():
        if not isinstance(entry.get("path"), str):
            raise damaged(file)
        for part in entry["path"].split("/"):
            checked_name(part, f"{file}: path of table {name}", PublishError, file=True)
    return {**content, "run_id": run_id}


def read_mark(file: Path) -> dict[str, Any]:
    """What is said of a publication that is under way, by the mark in its folder in staging.

    Args:
        file: the mark; the release is named as its folder is.

    Raises:
        PublishError: it is of another release, or names what is no table.
        OSError: it is not there.
        ValueError: it is no JSON.
    """
    mark = json.loads(file.read_text(encoding="utf-8"))
    fine = isinstance(mark, dict) and isinstance(mark.get("tables"), list) and mark.get("run_id") == file.parent.name
    if not fine or not isinstance(mark.get("format"), str):
        problem = "is not the mark of the publication in whose folder it is"
        raise PublishError(str(file), problem, "look at who wrote it, then remove that folder")
    for name in (mark["run_id"], *mark["tables"]):
        checked_name(name, str(file), PublishError)
    return {"host": platform.node(), **mark}


def read_run_manifest(folder: Path, for_removal: bool = False) -> dict[str, Any]:
    """What the manifest of a run folder says.

    Args:
        folder: the run folder.
        for_removal: whether links among its tables are no matter, as nothing is read or written through them.

    Raises:
        RunError: there is none, it is of another format, names what cannot be in the folder, or that holds a link out.
    """
    field = f"run {folder}"
    refuse_links(folder, field, RunError, *((1,) if for_removal else ()))
    try:
        manifest = json.loads((folder / RUN_MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise RunError(field, f"has no readable {RUN_MANIFEST}", "give the folder of a run") from None
    if not isinstance(manifest, dict) or manifest.get("format") != RUN_FORMAT:
        raise RunError(field, "was made by another version", "run the plan again")
    checked_name(manifest.get("run_id"), f"{folder / RUN_MANIFEST}: run_id", RunError)
    _check_tables(folder / RUN_MANIFEST, manifest, RunError)
    return manifest


def is_document(name: object) -> bool:
    """Whether a document of a release can have a name: one that is no other file of a published root.

    >>> is_document("RELEASE.md"), is_document("LATEST.json"), is_document("../x.md"), is_document("_history.jsonl")
    (True, False, False, False)
    """
    return is_name(name, file=True) and str(name).lower() not in (POINTER.lower(), HISTORY)


def damaged(file: Path) -> PublishError:
    """The error of a small file of a published root that does not say what it should."""
    return PublishError(str(file), "is damaged", "restore it from a backup")


def _check_tables(file: Path, content: Mapping[str, Any], error: type[SynthSparkError]) -> None:
    """Refuse a manifest whose tables, or their files, have names that could lead elsewhere."""
    tables = content.get("tables")
    if not isinstance(tables, dict):
        raise error(str(file), "is damaged", "restore it from a backup")
    for table, entry in tables.items():
        checked_name(table, f"{file}: tables", error)
        files = entry.get("files", {}) if isinstance(entry, dict) else None
        if not isinstance(files, dict):
            raise error(f"{file}: table {table}", "is damaged", "restore it from a backup")
        for name in files:
            checked_name(name, f"{file}: files of table {table}", error, file=True)
