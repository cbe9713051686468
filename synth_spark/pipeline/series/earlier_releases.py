"""Which releases of the same records somebody may hold by now and lay beside this one: all of them, not the last.

Readers may hold every k-anonymous release of the published root, be it the current one, an earlier one or one that was
rolled back; also one that was retired, unless who retired it said that nobody had read it. Besides, the release that
`assessment.earlier` names, and the last one that was published of the runs that this one adds to, wherever that was.

What was retired, or cannot be read where it was published, is read in its run folder, if what is kept there has the
hashes that the manifest of the release tells. Private releases are left out: what they cost is in the ledger.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from synth_spark.assess.differencing import Published
from synth_spark.errors import InputError, PublishError, RunError
from synth_spark.pipeline.incremental import published_before
from synth_spark.pipeline.run import Run
from synth_spark.plan.addresses import scheme_of
from synth_spark.publish.lifecycle import retired_unread
from synth_spark.publish.published_release import PublishedRelease, open_release
from synth_spark.publish.repository import ReleaseRepository
from synth_spark.schema import tables
from synth_spark.storage.places import Place
from synth_spark.storage.run_store import RunStore

#: What of a release is compared: its counts, and the row that says how they are to be read.
_READ = (tables.AGGREGATES.name, tables.RELEASE.name)


class EarlierReleases(NamedTuple):
    """What readers may hold.

    Attributes:
        published: releases that can be compared, oldest first.
        lost: names of releases that readers may hold and that nobody can read any more.
    """

    published: tuple[Published, ...]
    lost: tuple[str, ...]


class _Release(NamedTuple):
    """A release that readers may hold.

    Attributes:
        run_id: its name.
        root: where it was published.
        manifest: what is told of it there; None if that cannot be read.
        when: it was published.
    """

    run_id: str
    root: Place
    manifest: dict[str, Any] | None
    when: str


def earlier_releases(run: Run) -> EarlierReleases:
    """Find every k-anonymous release that readers may hold besides the one that a run makes, each once.

    Args:
        run: the run.

    Raises:
        InputError: what `assessment.earlier` names cannot be read.
        PublishError: the published root is damaged.
        RunError: a run folder of the chain of `input.since` is gone, so that nobody knows what was published.
    """
    found: dict[str, tuple[str, Published]] = {}
    lost: dict[str, str] = {}
    named = list(_named(run))
    for one in (*_of_root(run), *named, *_of_chain(run)):
        if one.run_id == run.store.run_id or one.run_id in found:
            continue
        try:
            published = _published(run, one)
        except (PublishError, RunError, KeyError, IndexError, TypeError):
            lost[one.run_id] = one.when
            continue
        if published is not None:
            found[one.run_id] = (one.when, published)
    in_order = sorted(found.values(), key=lambda each: each[0])
    missing = sorted((name for name in lost if name not in found), key=lambda name: lost[name])
    return EarlierReleases(tuple(each for _, each in in_order), tuple(missing))


def held_by_readers(run: Run) -> list[str]:
    """Names of the releases of the published root that readers may hold besides this run's, private ones too."""
    return sorted({one.run_id for one in _of_root(run)} - {run.store.run_id})


def outdated(run: Run) -> bool:
    """Whether readers have another release by now, or may hold others, than when this run was compared with them."""
    facts = run.store.facts
    if "readers_have" not in facts:  # a private release
        return False
    current = ReleaseRepository(run.plan.output.path).current()
    if current not in (facts["readers_have"], run.store.run_id):
        return True
    return bool(facts.get("readers_may_hold") != held_by_readers(run))


def run_of(run: Run, run_id: str) -> Run | None:
    """The run of an earlier release, if its folder is where it may be and still holds its counts."""
    for folder in _folders(run, run_id):
        try:
            store = RunStore.open(folder)
        except RunError:
            continue
        entries = store.manifest["tables"]
        kept = (tables.COUNTS.name, tables.LOWERED.name)
        if store.run_id == run_id and all(name in entries and "purged" not in entries[name] for name in kept):
            return Run(run.spark, store, run.progress)
    return None


def _of_root(run: Run) -> Iterator[_Release]:
    """The releases of the published root, but those that were retired before anybody had read them."""
    root = ReleaseRepository(run.plan.output.path)
    history = root.history()
    when = {event["run_id"]: str(event["at"]) for event in history if event["action"] == "publish"}
    unread = retired_unread(history)
    for run_id in when:
        if run_id not in unread:
            yield _release(root, run_id, when[run_id])


def _release(root: ReleaseRepository, run_id: str, when: str) -> _Release:
    try:
        manifest = root.manifest(run_id)
    except PublishError:
        manifest = None
    return _Release(run_id, root.place, manifest, str((manifest or {}).get("published", when)))


def _named(run: Run) -> Iterator[_Release]:
    """The release that the plan names.

    Raises:
        InputError: it cannot be read, or is a private one.
    """
    named = run.plan.assessment.earlier
    if named is None:
        return
    folder, field = Path(named), "assessment.earlier"
    is_file = scheme_of(named) is None and folder.is_file() and len(folder.parents) > 1
    try:
        release = open_release(folder.parents[1], folder.stem) if is_file else open_release(named)
        told = _Release(release.run_id, release.root, release.manifest, str(release.manifest.get("published", "")))
        published = _published(run, told)
    except (PublishError, RunError, KeyError, IndexError, TypeError):
        problem = "holds no release that can be read, to compare this one with"
        remedy = "name one: assessment.earlier, the folder of a published release, or its file in _manifests"
        raise InputError(field, problem, remedy) from None
    if published is None:
        problem, remedy = "was made under differential privacy", "what such releases cost together is in the ledger"
        raise InputError(field, problem, remedy)
    yield told


def _of_chain(run: Run) -> Iterator[_Release]:
    """The last published release of the runs that this one adds to, as its root tells of it, else its run folder."""
    before = published_before(run)
    if before is None:
        return
    store, root = before.store, ReleaseRepository(before.store.plan.output.path)
    try:
        if store.run_id in retired_unread(root.history()):
            return
        yield _release(root, store.run_id, "")
    except PublishError:  # that root is damaged: what was published is kept in the run folder, too
        pass
    own = {"retired": "", "tables": store.manifest["tables"]}
    yield _Release(store.run_id, root.place, own, store.manifest["stages"]["publish"]["finished"])


def _published(run: Run, one: _Release) -> Published | None:
    """What a release tells; None if it is a private one, of which subtraction tells nothing.

    Raises:
        PublishError: nobody can read it any more, as are `RunError`, `KeyError`, `IndexError`, `TypeError`.
    """
    lost = PublishError(f"release '{one.run_id}'", "cannot be read any more", "restore it from a backup")
    if one.manifest is None:
        raise lost
    if one.manifest.get("terms", {}).get("privacy", "k_anonymity") != "k_anonymity":
        return None
    if "retired" not in one.manifest:
        release = PublishedRelease(one.root, one.run_id, one.manifest)
        if all(release.is_whole(name) for name in _READ):
            row = release.arrow(tables.RELEASE.name, run.spark).to_pylist()[0]
            private = row["privacy"] != "k_anonymity"
            return None if private else _of_row(one, row, release.frame(tables.AGGREGATES.name, run.spark))
    entries = one.manifest["tables"]
    for folder in _folders(run, one.run_id):
        store = _kept_by(folder, {name: entries[name]["content_hash"] for name in _READ})
        if store is not None and store.run_id == one.run_id:
            row = store.kept(run.spark, tables.RELEASE).arrow().to_pylist()[0]
            private = row["privacy"] != "k_anonymity"
            return None if private else _of_row(one, row, store.kept(run.spark, tables.AGGREGATES).frame)
    raise lost


def _of_row(one: _Release, row: dict[str, Any], aggregates: Any) -> Published:
    return Published(one.run_id, row["k"], row["reporting_length"], row["protected_record_count"], aggregates)


def _folders(run: Run, run_id: str) -> list[str]:
    """Where the run folder of a release may be: beside this one's, by default, or where the plan says."""
    places, roots = [run.plan.work_address], (run.plan.output.path, run.plan.assessment.earlier)
    places += [f"{root.rstrip('/')}.work" for root in roots if root is not None and scheme_of(root) is None]
    since = run.store.facts.get("since")
    while since is not None:
        if since["run_id"] == run_id:
            return [since["folder"], *(f"{place}/{run_id}" for place in places)]
        since = RunStore.open(since["folder"]).facts.get("since")
    return [f"{place}/{run_id}" for place in places]


def _kept_by(folder: str, hashes: dict[str, str]) -> RunStore | None:
    """A run folder, if it keeps tables of these contents as they were written."""
    try:
        store = RunStore.open(folder)
    except RunError:
        return None
    entries = store.manifest["tables"]
    same = all(entries.get(name, {}).get("content_hash") == digest for name, digest in hashes.items())
    return store if same and all(store.is_whole(name) for name in hashes) else None
