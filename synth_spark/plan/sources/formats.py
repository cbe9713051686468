"""The format of a path by its name, where it is; and paths of Databricks as this machine sees them."""

import zipfile
from pathlib import Path

_PACKED = ("", ".gz", ".gzip", ".bz2", ".zst", ".xz", ".zip")
#: Suffixes of the formats that may be packed, and of those that never are.
_TEXT = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_WHOLE = {".parquet": "parquet", ".xlsx": "excel"}
_SUFFIXES = {f"{kind}{packed}": name for kind, name in _TEXT.items() for packed in _PACKED} | _WHOLE
#: Formats of files that a plan can name, as messages list them.
FORMATS = "csv, jsonl, excel, parquet or delta"
#: Where Databricks shows the files of volumes on its machines.
VOLUMES = Path("/Volumes")
_OF_VOLUMES = "dbfs:/Volumes/"


def format_of(path: str) -> str | None:
    """The format of a file by its suffix, of a folder by the files in it, of an archive by its only file.

    Args:
        path: of a file or a folder.

    Returns:
        csv, jsonl, excel, parquet or delta; None where the names say nothing, or two things.

    >>> format_of("cases.csv.gz"), format_of("cases.ndjson"), format_of("cases.xlsx"), format_of("cases.dat")
    ('csv', 'jsonl', 'excel', None)
    """
    name = path.rstrip("/").lower()
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if name.endswith(suffix):
            return _SUFFIXES[suffix]
    if is_elsewhere(path):
        return None
    if name.endswith(".zip") and Path(path).is_file():
        return _format_in(path)
    if not Path(path).is_dir():
        return None
    if (Path(path) / "_delta_log").is_dir():
        return "delta"
    below = (file for file in Path(path).rglob("*") if not file.name.startswith(("_", ".")))
    formats = {format_of(str(file)) for file in below if file.is_file()} - {None}
    return formats.pop() if len(formats) == 1 else None


def is_elsewhere(path: str) -> bool:
    """Whether a path is of another file system, which Spark alone can look at.

    >>> is_elsewhere("s3://bucket/cases.csv"), is_elsewhere("dbfs:/cases.csv"), is_elsewhere("cases.csv")
    (True, True, False)
    """
    return "://" in path or path.startswith("dbfs:")


def as_seen(path: str) -> str:
    """A path as this machine sees it: ``dbfs:/Volumes/…`` is ``/Volumes/…`` on a machine that shows volumes.

    Every other path, and every path on a machine without volumes, is returned as it is.
    """
    if path.startswith(_OF_VOLUMES) and VOLUMES.is_dir():
        return str(VOLUMES / path.removeprefix(_OF_VOLUMES))
    return path


def of_this_machine(path: str) -> str:
    """A path that is written to, as this machine sees it.

    Raises:
        ValueError: it is of another file system.
    """
    seen = as_seen(path)
    if is_elsewhere(seen):
        raise ValueError("is on another file system; give a folder of this machine, which /Volumes/… of Databricks is")
    return seen


def _format_in(path: str) -> str | None:
    """The format of the files in a zip archive, if their suffixes tell one."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith((".zip", "/"))]
    except (OSError, zipfile.BadZipFile):
        return None
    formats = {_SUFFIXES.get(Path(name).suffix.lower()) for name in names} - {None}
    return formats.pop() if len(formats) == 1 else None
