"""What the tests of packages share: a release put in place without Spark, and a package that was opened."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from publishing import SPARK_TYPES

from synth_spark.exports.showcase import ShowcaseTables
from synth_spark.storage.hashing import sha256


def put(source: ShowcaseTables, out: Path, run_id: str = "R-1", documents: Mapping[str, str] | None = None) -> Path:
    """Publish tables in memory as a release of Parquet files, two of a table that has the rows for it."""
    entries = {}
    for name, table in source.tables.items():
        assert isinstance(table, pa.Table)
        folder = out / name / f"run_id={run_id}"
        folder.mkdir(parents=True)
        parts = [table] if table.num_rows < 2 else [table.slice(0, 1), table.slice(1)]
        files = {}
        for place, part in enumerate(parts):
            file = folder / f"part-{place:05d}.parquet"
            pq.write_table(part, file)
            files[file.name] = {"sha256": sha256(file), "bytes": file.stat().st_size}
        schema = [{"name": one.name, "type": SPARK_TYPES.get(one.type, "array<string>")} for one in table.schema]
        entries[name] = {
            "path": f"{name}/run_id={run_id}", "rows": table.num_rows, "content_hash": "x", "schema": schema,
            "files": files, "grain": f"one row of {name}",
        }  # fmt: skip
    documents = documents or {}
    (out / "_documents" / run_id).mkdir(parents=True)
    for name, text in documents.items():
        (out / "_documents" / run_id / name).write_text(text, encoding="utf-8")
    manifest = {
        "run_id": run_id, "published": "2026-03-04T05:06:07+00:00", "format": "parquet", "tables": entries,
        "documents": sorted(documents),
        "document_hashes": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in documents.items()},
    }  # fmt: skip
    (out / "_manifests").mkdir(exist_ok=True)
    (out / "_manifests" / f"{run_id}.json").write_text(json.dumps(manifest), encoding="utf-8")
    (out / "LATEST.json").write_text(json.dumps({"run_id": run_id}), encoding="utf-8")
    return out


def contents(file: Path) -> dict[str, bytes]:
    """The files of a package, by their path below its one folder."""
    with zipfile.ZipFile(file) as zipped:
        assert zipped.testzip() is None
        names = zipped.namelist()
        tops = {name.partition("/")[0] for name in names}
        assert tops == {file.stem}, tops
        return {name.partition("/")[2]: zipped.read(name) for name in names}


def table(files: Mapping[str, bytes], path: str) -> pd.DataFrame:
    """A CSV file of a package as text, as its README says to read it, and to take apostrophes away."""
    read, taken = re.findall(r"```python\n(.*?)```", files["README.md"].decode(), re.DOTALL)
    (sign,) = re.findall('sign = r"(.*)"', taken)
    assert "dtype=str, keep_default_na=False" in read
    frame = pd.read_csv(io.BytesIO(files[path]), dtype=str, keep_default_na=False, na_values=[""])
    frame = frame.apply(lambda texts: texts.str.replace(sign, "", regex=True))
    return frame.set_axis(frame.columns.str.replace(sign, "", regex=True), axis="columns")
