"""The manifest of a run folder, read with no trust in the names that stand in it.

Whoever can write such a file must not decide by it what a command reads, writes or removes elsewhere: every name is
checked, and every path that is made of one stays in the folder that the command was given.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synth_spark.errors import RunError, SynthSparkError
from synth_spark.schema.root_layout import RUN_MANIFEST
from synth_spark.storage.paths import checked_name, refuse_links

#: Version of the manifest of a run folder.
RUN_FORMAT = 3


def read_run_manifest(folder: Path, for_removal: bool = False) -> dict[str, Any]:
    """What the manifest of a run folder says.

    Args:
        folder: the run folder.
        for_removal: whether links among its tables are no matter, as nothing is read or written through them.

    Raises:
        RunError: there is none, it is of another format, names what cannot be in the folder, or that holds a link out.
    """
    refuse_links(folder, f"run {folder}", RunError, *((1,) if for_removal else ()))
    try:
        content = (folder / RUN_MANIFEST).read_bytes()
    except OSError:
        content = None
    return checked_run_manifest(str(folder), content)


def checked_run_manifest(folder: str, content: bytes | None) -> dict[str, Any]:
    """What the manifest of a run folder says.

    Args:
        folder: the run folder, for messages.
        content: of the manifest; None if there is none.

    Raises:
        RunError: there is none, it is of another format, or names what cannot be in the folder.
    """
    field, file = f"run {folder}", f"{folder}/{RUN_MANIFEST}"
    try:
        manifest = json.loads((content or b"").decode("utf-8"))
    except (ValueError, RecursionError):
        raise RunError(field, f"has no readable {RUN_MANIFEST}", "give the folder of a run") from None
    if not isinstance(manifest, dict) or manifest.get("format") != RUN_FORMAT:
        raise RunError(field, "was made by another version", "run the plan again")
    checked_name(manifest.get("run_id"), f"{file}: run_id", RunError)
    check_tables(file, manifest, RunError)
    for table, entry in manifest["tables"].items():
        if "attempt" in entry:
            checked_name(entry["attempt"], f"{file}: attempt of table {table}", RunError)
    return manifest


def check_tables(file: str, content: Mapping[str, Any], error: type[SynthSparkError]) -> None:
    """Refuse a manifest, of a run or a release, whose tables or files have names that could lead elsewhere.

    Args:
        file: the manifest, for messages.
        content: what it says.
        error: the class of the error.

    Raises:
        SynthSparkError: it is damaged, or names what cannot be in its folder.
    """
    tables = content.get("tables")
    if not isinstance(tables, dict):
        raise error(file, "is damaged", "restore it from a backup")
    for table, entry in tables.items():
        checked_name(table, f"{file}: tables", error)
        files = entry.get("files", {}) if isinstance(entry, dict) else None
        if not isinstance(files, dict):
            raise error(f"{file}: table {table}", "is damaged", "restore it from a backup")
        for name in files:
            checked_name(name, f"{file}: files of table {table}", error, file=True)
