"""The format of a path by its name, and where that says nothing, by what is there."""

import zipfile
from pathlib import Path

from synth_spark.plan.sources import files

_PACKED = ("", ".gz", ".gzip", ".bz2", ".zst", ".xz", ".zip")
#: Suffixes of the formats that may be packed, and of those that never are.
_TEXT = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_WHOLE = {".parquet": "parquet", ".xlsx": "excel"}
_SUFFIXES = {f"{kind}{packed}": name for kind, name in _TEXT.items() for packed in _PACKED} | _WHOLE
#: Formats of files that a plan can name, as messages list them.
FORMATS = "csv, jsonl, excel, parquet or delta"


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
    if not files.is_reached(path):
        return None
    if name.endswith(".zip") and files.is_file(path):
        return _format_in(path)
    if not files.is_folder(path):
        return None
    if any(entry.name == "_delta_log" and entry.is_folder for entry in files.inside(path)):
        return "delta"
    below = (entry.path for entry in files.inside(path, deep=True) if not entry.name.startswith(("_", ".")))
    formats = {format_of(file) for file in below} - {None}
    return formats.pop() if len(formats) == 1 else None


def _format_in(path: str) -> str | None:
    """The format of the files in a zip archive, if their suffixes tell one."""
    try:
        with files.opened(path) as raw, zipfile.ZipFile(raw) as archive:
            names = [name for name in archive.namelist() if not name.endswith((".zip", "/"))]
    except (OSError, zipfile.BadZipFile):
        return None
    formats = {_SUFFIXES.get(Path(name).suffix.lower()) for name in names} - {None}
    return formats.pop() if len(formats) == 1 else None
