"""What an input is made of: files, known by their content, or a version of a Delta table. No Spark here.

A later run reads what an earlier one has not counted. A file is the same if its bytes are, in the same folder of
partitions below the declared path: neither its name nor its time decides, so a copied or renamed file is not counted
twice, and one that was changed is refused. Of a file in a store its size is looked at, and the tag by which the store
tells its content; a copy may have another tag, so a new file of the size of one that was counted is refused.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from synth_spark.errors import InputError, RunError
from synth_spark.plan import Input, Location
from synth_spark.plan.addresses import absolute
from synth_spark.plan.sources import files
from synth_spark.plan.sources.folders import listed
from synth_spark.plan.sources.stores import is_stored
from synth_spark.storage.hashing import sha256

#: The file of a commit in a Delta table's log.
_COMMIT = re.compile(r"(\d{20})\.json")
#: What the commit of an append may say besides the files that it adds.
_HARMLESS = {"commitInfo", "txn", "add"}
_FULL = "make a full run, without input.since"


@dataclass(frozen=True)
class Item:
    """A file of an input, or a Delta table at a version.

    Attributes:
        source: name of its source; empty if there is one alone.
        folder: folders of partitions that it is in, below the declared path.
        sha256: of its bytes; in a store, the tag by which it tells them; of a Delta table, of the commit of the
            version.
        size: bytes.
        version: of a Delta table.
        root: declared path, and
        name: where it is below it; both for messages and for reading alone.
    """

    source: str
    folder: str
    sha256: str
    size: int
    version: int | None
    root: str
    name: str

    @property
    def path(self) -> str:
        """Where it is."""
        return f"{self.root.rstrip('/')}/{self.name}" if self.name else self.root

    @property
    def is_stored(self) -> bool:
        """Whether it is in a store."""
        return is_stored(self.root)

    @property
    def identity(self) -> tuple[str, str, str, int]:
        """What makes a file the same."""
        return self.source, self.folder, self.sha256, self.size


@dataclass(frozen=True)
class Inventory:
    """What an input was made of when a run read it.

    Attributes:
        items: its files, or Delta tables.
        mappings: SHA-256 of each mapping table, by the column that it groups.
    """

    items: tuple[Item, ...]
    mappings: Mapping[str, str]

    def as_facts(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> "Inventory":
        """Back from `as_facts`."""
        return cls(tuple(Item(**item) for item in facts["items"]), facts["mappings"])


@dataclass(frozen=True)
class Addition:
    """What is to be read of a source: see `additions`.

    Attributes:
        files: declared path → files below it, or that file itself.
        names: of a Delta table, the names of the data files that were appended.
    """

    files: Mapping[str, tuple[str, ...]]
    names: tuple[str, ...] = ()


def inventory(source: Input, digest: Callable[[files.Entry], str] | None = None) -> Inventory | None:
    """Look at the files of an input; None where this process cannot see them all, or they are not in files.

    Args:
        source: the input part of the plan.
        digest: of a file; default: its SHA-256, or the tag by which a store tells its content.
    """
    tables = {name: Location(path=part.path) for name, part in source.groups.items() if part.path is not None}
    items: list[Item] = []
    for name, location in _locations(source).items():
        found = _items(name, location, digest or _digest)
        if found is None:
            return None
        items += found
    mappings = {}
    for name, location in tables.items():
        found = _items(name, location)
        if found is None:
            return None
        mappings[name] = "/".join(item.sha256 for item in found)
    return Inventory(tuple(items), mappings)


def check_unchanged(source: Input, inventory: Inventory | None) -> None:
    """Make sure, after reading, that what was read is what was looked at before, if it was.

    Raises:
        InputError: a file came, went, or has another size.
    """
    if inventory is None:
        return
    for name, location in _locations(source).items():
        now = [item for item in _items(name, location, _at_a_glance) or [] if item.version is None]
        before = [item for item in inventory.items if item.source == name and item.version is None]
        if [item if item.is_stored else replace(item, sha256="") for item in before] != now:
            remedy = "run again once all files are in place"
            raise InputError("input", "changed while it was read", remedy)


def pinned(source: Input, inventory: Inventory | None) -> Input:
    """The input with the version of every Delta table that was looked at, so that no later one is read."""
    versions = {item.source: item.version for item in inventory.items if item.version is not None} if inventory else {}
    if not source.sources:
        return source.model_copy(update={"version": versions[""]}) if "" in versions else source
    parts = {
        name: part.model_copy(update={"version": versions[name]}) if name in versions else part
        for name, part in source.sources.items()
    }
    return source.model_copy(update={"sources": parts})


def additions(earlier: Inventory, now: Inventory, run_id: str) -> dict[str, Addition]:
    """What an earlier run has not counted, by source.

    Args:
        earlier: what it was made of.
        now: what the input is made of.
        run_id: the earlier run, for messages.

    Raises:
        RunError: something that was counted is gone or another now; nothing is new.
    """
    if earlier.mappings != now.mappings:
        changed = sorted(earlier.mappings.items() ^ now.mappings.items())
        problem = f"has another mapping table than run {run_id} had"
        raise RunError(f"input.groups.{changed[0][0]}", problem, _FULL)
    counted = Counter(item.identity for item in earlier.items if item.version is None)
    new: dict[str, dict[str, list[str]]] = {}
    for item in now.items:
        if item.version is None and counted[item.identity] > 0:
            counted[item.identity] -= 1
        elif item.version is None:
            new.setdefault(item.source, {}).setdefault(item.root, []).append(item.path)
    gone = [item for item in earlier.items if counted[item.identity] > 0]
    if gone:
        problem = f"lacks {len(gone)} of the files that run {run_id} counted, such as {gone[0].name or gone[0].root}"
        raise RunError("input", f"{problem}: removed or changed", f"put them back as they were, or {_FULL}")
    _check_no_copy(earlier, now, run_id)
    by_source = {
        source: Addition({root: tuple(paths) for root, paths in roots.items()}) for source, roots in new.items()
    }
    before = {item.source: item for item in earlier.items if item.version is not None}
    for item in now.items:
        if item.version is not None:
            names = _appended(before.get(item.source), item, run_id)
            if names:
                by_source[item.source] = Addition({}, names)
    if not by_source:
        raise RunError("input", f"holds nothing that run {run_id} has not counted", "release again once there is more")
    return by_source


def _check_no_copy(earlier: Inventory, now: Inventory, run_id: str) -> None:
    """Refuse a new file of a store that may be a copy of one that was counted: its tag tells only what it says.

    Raises:
        RunError: it has the size of one of the same source, and another tag.
    """
    counted = {item.identity for item in earlier.items}
    sizes = {(item.source, item.size) for item in earlier.items if item.is_stored}
    for item in now.items:
        if item.is_stored and item.identity not in counted and (item.source, item.size) in sizes:
            problem = f"has the size of a file that run {run_id} counted, and may be a copy of it"
            raise RunError(f"file '{Path(item.path).name}'", problem, f"take it out if it is one; else {_FULL}")


def _at_a_glance(entry: files.Entry) -> str:
    """What is known of a file's content without reading it."""
    return entry.tag


def _digest(entry: files.Entry) -> str:
    """What is known of a file's content: its SHA-256, or the tag of a store for it."""
    return entry.tag or sha256(Path(entry.path))


def _locations(source: Input) -> dict[str, Location]:
    return {**source.sources} or {"": source}


def _items(source: str, location: Location, digest: Callable[[files.Entry], str] = _digest) -> list[Item] | None:
    """The files of one location, in order; None if they cannot be seen."""
    if location.table or location.sql or location.timestamp is not None:
        return None
    kind, items = location.resolved_format(f"input.sources.{source}" if source else "input"), []
    for root in map(absolute, location.all_paths):
        if not files.is_seen(root) or (kind == "delta" and is_stored(root)):
            return None
        if kind == "delta":
            item = _delta(source, Path(root), location.version)
            if item is None or len(location.all_paths) > 1:
                return None
            items.append(item)
        else:
            items += [_item(source, root, files.entry(found.path), digest) for found in listed(root, kind).files]
    return items


def _item(source: str, root: str, file: files.Entry, digest: Callable[[files.Entry], str]) -> Item:
    """A file that a declared path names, or that is below it."""
    below = PurePosixPath(file.path[len(root) + 1 :]) if file.path != root else None
    folder, name = ("", "") if below is None else (below.parent.as_posix(), below.as_posix())
    return Item(source, folder, digest(file), file.size, None, root, name)


def _delta(source: str, table: Path, version: int | None) -> Item | None:
    """A Delta table at a version, by default its last one; None if its log does not hold that commit any more."""
    commits = {int(match[1]): entry for entry in (table / "_delta_log").glob("*.json") if (match := _commit(entry))}
    at = version if version is not None else max(commits, default=None)
    if at is None or at not in commits:
        return None
    return Item(source, "", sha256(commits[at]), 0, at, str(table), "")


def _commit(file: Path) -> re.Match[str] | None:
    return _COMMIT.fullmatch(file.name)


def _appended(before: Item | None, now: Item, run_id: str) -> tuple[str, ...]:
    """Names of the data files that a Delta table was given since an earlier version.

    Raises:
        RunError: it is another table, or an earlier version, or more was done to it than appending.
    """
    field = f"Delta table {now.root}"
    log = Path(now.root) / "_delta_log"
    if before is None or before.version is None or now.version is None:
        raise RunError(field, f"was no Delta table in run {run_id}", _FULL)
    commit = log / f"{before.version:020d}.json"
    if now.version < before.version or not commit.is_file() or sha256(commit) != before.sha256:
        raise RunError(field, f"is not a later version of the one that run {run_id} counted", _FULL)
    names: list[str] = []
    for version in range(before.version + 1, now.version + 1):
        try:
            lines = (log / f"{version:020d}.json").read_text(encoding="utf-8").splitlines()
            actions: Sequence[dict[str, Any]] = [json.loads(line) for line in lines if line.strip()]
        except (OSError, ValueError):
            raise RunError(field, f"has no readable log of version {version}", _FULL) from None
        for action in actions:
            add = action.get("add")
            if set(action) - _HARMLESS or (add and (not add.get("dataChange") or add.get("deletionVector"))):
                problem = f"was changed in version {version} by more than appending"
                raise RunError(field, problem, _FULL)
            if add:
                names.append(Path(add["path"]).name)
    return tuple(names)
