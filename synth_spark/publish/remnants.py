"""What publications that were killed have left in a published root."""

from collections.abc import Collection

from synth_spark.schema.root_layout import DOCUMENTS, MANIFESTS
from synth_spark.storage.local_places import LocalPlace
from synth_spark.storage.places import Place

_PARTITION = "run_id="


def remnants_of(root: Place, kept: Collection[str], told: Collection[str]) -> list[str]:
    """Files and folders that belong to no release; names of folders end in ``/``.

    Args:
        root: the published root.
        kept: names of the releases whose tables and documents stay.
        told: names of the releases whose manifests stay.
    """
    folders = [
        f"{partition}/"
        for table in _folders(root)
        if not table.startswith("_")
        for partition in _of_releases(root, table)
        if partition.rpartition(_PARTITION)[2] not in kept
    ]
    documents = [f"{name}/" for name in _folders(root, DOCUMENTS) if name.rpartition("/")[2] not in kept]
    manifests = [
        held.name
        for held in root.entries(MANIFESTS)
        if not held.is_folder and held.name.rpartition("/")[2].removesuffix(".json") not in told
    ]
    return [*(name for name in (*folders, *documents) if _is_there(root, name)), *manifests, *root.abandoned()]


def owner_of(name: str) -> str | None:
    """The release that a file or folder of `remnants_of` is of; None: of none.

    >>> owner_of("aggregates/run_id=one/"), owner_of("_documents/one/"), owner_of("_manifests/one.json")
    ('one', 'one', 'one')
    >>> owner_of(".LATEST.json.1.unfinished")
    """
    folder, _, last = name.rstrip("/").rpartition("/")
    if folder == MANIFESTS:
        return last.removesuffix(".json")
    if folder == DOCUMENTS:
        return last
    return last.removeprefix(_PARTITION) if last.startswith(_PARTITION) else None


def _folders(root: Place, prefix: str = "") -> list[str]:
    return [held.name for held in root.entries(prefix) if held.is_folder]


def _is_there(root: Place, folder: str) -> bool:
    """Whether a folder is more than its name: some stores go on telling of those whose files were removed."""
    return isinstance(root, LocalPlace) or bool(root.entries(folder.rstrip("/"), deep=True))


def _of_releases(root: Place, table: str) -> list[str]:
    """The folders of releases in a table's; of a Delta table none, as it knows its own."""
    names = _folders(root, table)
    parts = [name.rpartition("/")[2] for name in names]
    return [] if "_delta_log" in parts else [name for name in names if name.rpartition("/")[2].startswith(_PARTITION)]
