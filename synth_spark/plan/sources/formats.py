"""The format of a path by its name, and where that says nothing, by what is there."""

import zipfile
from pathlib import Path

from synth_spark.plan.addresses import scheme_of

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
    if scheme_of(path) is not None:
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


def _format_in(path: str) -> str | None:
    """The format of the files in a zip archive, if their suffixes tell one."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith((".zip", "/"))]
    except (OSError, zipfile.BadZipFile):
        return None
    formats = {_SUFFIXES.get(Path(name).suffix.lower()) for name in names} - {None}
    return formats.pop() if len(formats) == 1 else None
