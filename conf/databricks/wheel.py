"""The wheel for a platform that brings Spark: the same files, without Spark and Delta among what it requires.

Databricks forbids packages that install PySpark (serverless), or breaks by them (clusters). Use: wheel.py WHEEL FOLDER.
"""

import base64
import hashlib
import re
import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

_BROUGHT = re.compile(r"^Requires-Dist: (pyspark|delta-spark)\b.*\n", re.MULTILINE)
_LABEL = "+databricks"


def without_spark(wheel: Path, folder: Path) -> Path:
    """Write the other wheel into a folder; its version has a label of its own, as its requirements differ."""
    name, version, *tags = wheel.name.removesuffix(".whl").split("-")
    old, new = f"{name}-{version}.dist-info/", f"{name}-{version}{_LABEL}.dist-info/"
    target = folder / "-".join([name, version + _LABEL, *tags])
    target = target.with_name(target.name + ".whl")
    folder.mkdir(parents=True, exist_ok=True)
    with ZipFile(wheel) as source, ZipFile(target, "w", ZIP_DEFLATED) as written:
        record = []
        for entry in source.namelist():
            content = source.read(entry)
            path = entry.replace(old, new, 1)
            if entry == f"{old}RECORD":
                continue
            if entry == f"{old}METADATA":
                content = _metadata(content.decode("utf-8"), version).encode("utf-8")
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode("ascii")
            record.append(f"{path},sha256={digest},{len(content)}")
            written.writestr(path, content)
        written.writestr(f"{new}RECORD", "\n".join([*record, f"{new}RECORD,,"]) + "\n")
    return target


def _metadata(text: str, version: str) -> str:
    changed, number = _BROUGHT.subn("", text)
    if number < 2 or f"\nVersion: {version}\n" not in changed:
        raise SystemExit("the wheel's metadata is not what it was: look at it, and at this script")
    return changed.replace(f"\nVersion: {version}\n", f"\nVersion: {version}{_LABEL}\n", 1)


if __name__ == "__main__":
    without_spark(Path(sys.argv[1]), Path(sys.argv[2]))
