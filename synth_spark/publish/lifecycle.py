"""The releases of a published root: listed, shown, rolled back to, retired; what was killed there, cleaned up.

Releases with files of their own need no Spark. Of Delta tables that releases share, slices are removed with a session,
and stay in older versions of the tables until these are vacuumed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synth_spark.errors import PublishError
from synth_spark.publish.published_release import PublishedRelease, open_release
from synth_spark.publish.repository import ReleaseRepository
from synth_spark.runtime import faults
from synth_spark.schema.plain_text import one_line
from synth_spark.storage.paths import is_name
from synth_spark.storage.places import place
from synth_spark.storage.root_files import has_delta, is_sliced

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_VACUUM = "older versions of the Delta tables still hold it, until they are vacuumed: VACUUM delta.`{}/<table>`"


def list_text(where: str | Path) -> str:
    """All releases, oldest first: name, when, privacy, records and combinations; ``*`` marks the current one.

    Raises:
        PublishError: there is no published root.
    """
    root = _root(where)
    current, rows = root.current(), [("", "release", "published", "privacy", "records", "combinations")]
    for run_id, manifest in root.published().items():
        entries = manifest["tables"]
        records, combinations = (
            f"{entries[name]['rows']:,}" if name in entries else "" for name in ("synthetic_records", "aggregates")
        )
        state = "*" if run_id == current else "retired" if "retired" in manifest else ""
        rows.append(
            (state, run_id, _when(manifest["published"]), _terms_text(_terms(where, manifest)), records, combinations)
        )
    widths = [max(len(row[place]) for row in rows) for place in range(6)]
    lines = [
        "  ".join(
            text.rjust(width) if place > 3 else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def show_text(where: str | Path, run_id: str | None = None) -> str:
    """One release: when, what is guaranteed, its tables with rows, bytes and content hashes, its documents.

    Args:
        where: the published root.
        run_id: of the release; default: the current one.

    Raises:
        PublishError: there is no such release.
    """
    root = _root(where)
    name = run_id or root.current()
    manifest = root.manifest(name) if name else None
    if manifest is None or not root.is_published(str(name)):
        raise _unknown(where, str(name))
    terms = _terms(where, manifest)
    state = (
        "retired, only this is left" if "retired" in manifest else "current" if name == root.current() else "earlier"
    )
    lines = [
        f"{name} ({state})",
        f"  title       {one_line(str(terms.get('title', '')))}",
        f"  published   {_when(manifest['published'])}, as {manifest['format']}",
        *([f"  retired     {_when(manifest['retired'])}"] if "retired" in manifest else []),
        f"  privacy     {_terms_text(terms)}",
        f"  guarantee   {terms.get('guarantee', 'see its table release')}",
        f"  documents   {', '.join(manifest['documents'])}",
        "  tables",
    ]
    width = max(map(len, manifest["tables"]))
    for table, entry in manifest["tables"].items():
        size = sum(file["bytes"] for file in entry.get("files", {}).values())
        about = f"{len(entry['files'])} files, {size:,} bytes" if "files" in entry else "Delta"
        lines.append(f"    {table.ljust(width)}  {entry['rows']:>12,} rows  {entry['content_hash'][:16]}…  {about}")
    return "\n".join(lines)


def rollback(where: str | Path, run_id: str) -> str:
    """Make an earlier release the current one again; its files are checked before.

    Returns:
        What was done, in a line.

    Raises:
        PublishError: there is no such release, it was retired or is damaged, or somebody else writes to the root.
    """
    root = _root(where)
    with _alone(root, f"a rollback to {run_id}"):
        seen, current = root.seen(), root.current()
        if not root.is_published(run_id):
            raise _unknown(where, run_id)
        open_release(where, run_id).verify()
        if current == run_id:
            return f"{run_id} is the current release: nothing was changed"
        root.switch(run_id, seen, "rollback")
    return f"{run_id} is the current release again, instead of {current}"


def chosen(where: str | Path, keep: int | None, older_than: float | None) -> list[str]:
    """Releases that retention lets go, oldest first; the current one never is among them.

    Args:
        where: the published root.
        keep: how many of the newest stay; None: this is no reason to go.
        older_than: days after which a release goes; None: this is no reason to go.
    """
    root = _root(where)
    there = [name for name, manifest in root.published().items() if "retired" not in manifest]
    many = set(there[: len(there) - keep] if keep is not None else [])
    if older_than is not None:
        limit = faults.now() - timedelta(days=older_than)
        published = root.published()
        many |= {name for name in there if datetime.fromisoformat(published[name]["published"]) < limit}
    return [name for name in there if name in many and name != root.current()]


def retired_unread(history: Iterable[Mapping[str, Any]]) -> set[str]:
    """Names of the releases of which who retired them said that nobody had read them.

    Args:
        history: what was done to a published root.
    """
    return {event["run_id"] for event in history if event["action"] == "retire" and event.get("unread") is True}


def retire(where: str | Path, run_ids: Sequence[str], spark: "SparkSession | None" = None, unread: bool = False) -> str:
    """Take releases back: tables and documents are removed, the manifest stays and says when.

    A retirement that was interrupted is finished by asking for it again.

    Args:
        where: the published root.
        run_ids: of the releases.
        spark: a session with Delta; needed for slices of Delta tables only.
        unread: whether nobody has read them: later releases are not compared with them then. The history keeps that;
            it can be said later of a release that is retired.

    Returns:
        What was done, in lines.

    Raises:
        PublishError: one is unknown or current (then nothing was done), or somebody else writes to the root.
    """
    root = _root(where)
    with _alone(root, "a retirement"):
        manifests = {run_id: root.manifest(run_id) for run_id in run_ids}
        for run_id, manifest in manifests.items():
            if manifest is None or not root.is_published(run_id):
                raise _unknown(where, run_id)
            if run_id == root.current():
                remedy = "publish another first, or go back to one: synth-spark releases rollback OUT RUN_ID"
                raise PublishError(f"release '{run_id}'", "is the current one", remedy)
        for run_id, manifest in manifests.items():
            assert manifest is not None
            when = manifest.get("retired", root.time())
            if "retired" not in manifest:
                root.write_manifest({**manifest, "retired": when})
                faults.point("retire.marked")
            _record(root, run_id, when, unread)
            if is_sliced(manifest):
                from synth_spark.publish.delta import remove_slices  # which imports Spark

                remove_slices(_session(spark), root.folder, run_id, list(manifest["tables"]))
        root.remove(root.remnants())
    lines = [f"{run_id} is retired: its tables and documents are gone, its manifest stays" for run_id in run_ids]
    if unread and run_ids:
        lines.append("the history says that nobody had read what was retired: later releases are not compared with it")
    if any(manifest and is_sliced(manifest) for manifest in manifests.values()):
        lines.append(_VACUUM.format(where))
    return "\n".join(lines or ["nothing is to be retired"])


def _record(root: ReleaseRepository, run_id: str, when: str, unread: bool) -> None:
    """Enter a retirement into the history, unless it is there, and says as much of who has read the release."""
    history = root.history()
    there = [event for event in history if event["action"] == "retire" and event["run_id"] == run_id]
    if there and (not unread or run_id in retired_unread(there)):
        return
    at = root.time() if there else max([when, *(str(event["at"]) for event in history[-1:])])
    said = {"unread": True} if unread else {}
    root.record({"at": at, "action": "retire", "run_id": run_id, "previous": root.current(), **said})


def shown_in_catalogs(where: str | Path, run_ids: Sequence[str]) -> dict[str, tuple[str, list[str]]]:
    """Releases that a catalog shows, or may have shown → the catalog, and the names of their tables.

    Args:
        where: the published root.
        run_ids: of the releases.
    """
    root = _root(where)
    manifests = {run_id: root.manifest(run_id) or {} for run_id in run_ids}
    return {
        run_id: (str(manifest["catalog"]), list(manifest["tables"]))
        for run_id, manifest in manifests.items()
        if "catalog" in manifest
    }


def clean(where: str | Path, spark: "SparkSession | None" = None) -> str:
    """Remove what publications that were killed have left, and what belongs to no release.

    Args:
        where: the published root.
        spark: a session with Delta; needed for slices of Delta tables only.

    Returns:
        What was removed, in lines.

    Raises:
        PublishError: somebody else writes to the root, or it cannot be written.
    """
    root = _root(where)
    with _alone(root, "a cleaning"):
        dead = root.unfinished()
        under_way = root.under_way()
        lines = [f"{one.run_id}: its publication was killed; synth-spark resume RUN makes it" for one in dead]
        kept = {name for name, manifest in root.published().items() if "retired" not in manifest} | under_way
        if has_delta(where):
            from synth_spark.publish.delta import remove_slices, slices

            for run_id, names in slices(_session(spark), root.folder).items():
                if run_id not in kept and is_name(run_id):
                    remove_slices(_session(spark), root.folder, run_id, names)
                    lines.append(f"{run_id}: removed from {', '.join(names)}; {_VACUUM.format(where)}")
        remnants = root.remnants()
        root.remove(remnants)
        for one in dead:
            root.end(one.run_id)
    lines += [f"removed {root.place.address}/{name.rstrip('/')}" for name in remnants]
    return "\n".join(lines or ["nothing is left over"])


def open_two(where: str | Path, run_ids: Sequence[str]) -> tuple[PublishedRelease, PublishedRelease]:
    """Two releases to be compared: the two that were named, or the one that was and the current one.

    Raises:
        PublishError: there is none of that name, or it was retired.
    """
    _root(where)
    earlier, later = (*run_ids, None)[:2]
    return open_release(where, earlier), open_release(where, later)


def _root(where: str | Path) -> ReleaseRepository:
    root = ReleaseRepository(where)
    if root.current() is None:
        raise PublishError(str(where), "holds no release", "give the folder of published tables (output.path)")
    return root


@contextmanager
def _alone(root: ReleaseRepository, who: str) -> Iterator[None]:
    """The root for this alone; a disk that is full or refuses is an error."""
    try:
        with root.alone(who):
            yield
    except OSError as error:
        problem, remedy = f"could not be changed ({error.strerror})", "free space or mend permissions, then try again"
        raise PublishError("output.path", problem, remedy) from None


def _session(spark: "SparkSession | None") -> "SparkSession":
    if spark is None:
        raise TypeError("slices of Delta tables are removed with a session")
    return spark


def _unknown(where: str | Path, run_id: str) -> PublishError:
    return PublishError(f"release '{run_id}'", f"is not in {where}", f"see: synth-spark releases list {where}")


def _terms(where: str | Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest says of a release; of one that an earlier version published, its table."""
    terms: dict[str, Any] = manifest.get("terms", {})
    release = PublishedRelease(place(str(where)), manifest["run_id"], dict(manifest))
    if not terms and not release.is_sliced and "release" in release.tables and "retired" not in manifest:
        return dict(release.arrow("release").to_pylist()[0])
    return terms


def _terms_text(terms: Mapping[str, Any]) -> str:
    """Privacy in a few words.

    >>> _terms_text({"privacy": "k_anonymity", "k": 10, "reporting_length": 3})
    'k = 10, R = 3'
    >>> _terms_text({"privacy": "differential_privacy", "epsilon": 1.0, "delta": 1e-6, "reporting_length": 2})
    'ε = 1, δ = 1e-06, R = 2'
    """
    if "privacy" not in terms:
        return "see its table release"
    about = (
        f"k = {terms['k']}"
        if terms["privacy"] == "k_anonymity"
        else f"ε = {terms['epsilon']:g}, δ = {terms['delta']:.2g}"
    )
    return f"{about}, R = {terms['reporting_length']}"


def _when(text: str) -> str:
    """A time as people read it, in UTC."""
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC"
