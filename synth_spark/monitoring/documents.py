"""Documents that are put where somebody asked for them: files of this machine, or files in a store.

In a store a document is written to the folder that its address names, by `synth_spark.storage.places`. Folders that are
made for it are for their owner alone; in an object store, which has no folders, the store says who may read it.
"""

from contextlib import suppress
from pathlib import Path

from synth_spark.errors import PlanError, RunError
from synth_spark.plan.addresses import absolute, as_seen, scheme_of
from synth_spark.runtime.writable import check_writable, make_folder_of
from synth_spark.storage.files import write_atomically
from synth_spark.storage.places import Place, place

#: What the name of a file in a store ends with that is made, and removed, to find out whether files can be.
_PROBE = ".probe"


def check_document(address: str, field: str) -> None:
    """Refuse, before any work, a document that could not be written; what is made to find that out is removed.

    Where a store lets this process write and not delete, an empty file ``NAME.probe`` stays.

    Args:
        address: a path of this machine, or an address of a store.
        field: what it is, for the message.

    Raises:
        PlanError: it names a folder, or cannot be written.
        EngineError: the library for that store is not installed.
    """
    if scheme_of(as_seen(address)) is None:
        return check_writable(Path(as_seen(address)), field, PlanError)
    try:
        folder, name = _placed(address, field)
        folder.create(name + _PROBE, b"")
    except RunError as error:
        raise PlanError(field, error.problem, error.remedy) from None
    with suppress(RunError):
        folder.delete([name + _PROBE])
    if address.endswith("/") or _holds(folder, name):
        raise PlanError(field, "is a folder", "give the name of a file")
    return None


def write_document(address: str, text: str) -> None:
    """Put a document in place, whatever is there: readers see the old one or the new, never a part.

    What is there on this machine and is no file, such as ``/dev/stderr``, is written, not replaced.

    Args:
        address: a path of this machine, or an address of a store.
        text: what it is to hold.

    Raises:
        OSError: this machine's disk refuses.
        RunError: the store refuses.
    """
    if scheme_of(as_seen(address)) is not None:
        folder, name = _placed(address, address)
        return folder.write(name, text.encode())
    file = Path(as_seen(address))
    make_folder_of(file)
    if file.exists() and not file.is_file():
        with file.open("w", encoding="utf-8") as stream:
            stream.write(text)
        return None
    return write_atomically(file, text)


def name_of(address: str) -> str:
    """The last part of an address.

    >>> name_of("s3://bucket/weekly/summary.json"), name_of("weekly/summary.json")
    ('summary.json', 'summary.json')
    """
    return address.rstrip("/").rpartition("/")[2]


def _holds(folder: Place, name: str) -> bool:
    """Whether something is in a folder of that name, as far as this process may look."""
    try:
        return bool(folder.entries(name))
    except RunError:
        return False


def _placed(address: str, field: str) -> tuple[Place, str]:
    """The folder of a store that a document is in, and its name there.

    Raises:
        PlanError: the address names a bucket or a host, and no file in it.
    """
    folder, _, name = absolute(address).rpartition("/")
    if folder.endswith(":/") or not name:
        raise PlanError(field, "names no file in its store", "write s3://BUCKET/FOLDER/NAME, or alike")
    return place(folder, private=True), name
