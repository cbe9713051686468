"""What a folder of files holds, on this machine or in a store, and by which names it is asked for."""

import re
from dataclasses import dataclass

from synth_spark.errors import RunError

#: A part of a name: no sign that is not printed, and neither '/' nor a backslash, which parts are told apart by.
_PART = re.compile(r"[^\x00-\x1f\x7f/\\]{1,255}")
#: What a file is called while it is written: hidden, and not to be asked for.
_UNFINISHED = re.compile(r"\..*\.unfinished")


@dataclass(frozen=True)
class Held:
    """A file, or a folder, below a place.

    Attributes:
        name: below the place; parts are separated by ``/``.
        size: in bytes; 0 of a folder.
        tag: what changes whenever the file does: the store's tag, or times and size; empty of a folder.
        is_folder: whether it is a folder.
    """

    name: str
    size: int = 0
    tag: str = ""
    is_folder: bool = False


def below(name: str, address: str) -> str:
    """A name, if it is one of something below a place, and can lead nowhere else.

    >>> below("_commits/00000001.json", "s3://bucket/root")
    '_commits/00000001.json'

    Args:
        name: parts that are separated by ``/``.
        address: of the place, for the message.

    Raises:
        RunError: a part of it is empty, ``.``, ``..``, that of an unfinished file, or has signs that no name has; the
            message does not repeat it.
    """
    if not all(_PART.fullmatch(part) and part not in (".", "..") for part in name.split("/")) or is_unfinished(name):
        remedy = "give a name below that folder, without '..'; if it stands in a file, restore that from a backup"
        raise RunError(address, "is asked for a name that could lead elsewhere", remedy)
    return name


def is_unfinished(name: str) -> bool:
    """Whether a file is one that is being written, or that was when its process ended.

    >>> is_unfinished("tables/.LATEST.json.0f3a.unfinished"), is_unfinished("LATEST.json")
    (True, False)
    """
    return _UNFINISHED.fullmatch(name.rpartition("/")[2]) is not None
