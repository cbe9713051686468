"""What loading costs: python benchmarks/warehouse.py [ROWS] [TARGET …].

A release of invented records, 20 columns of text as Parquet, is loaded into each target under two names, so that the
second load also replaces and drops what the first had loaded. Seconds are printed, from the check of the hashes to the
commit. Without a target, PostgreSQL is started in a temporary folder (as the tests start it) and a DuckDB file made.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
from postgres import PASSWORD, server

from synth_spark.exports.warehouse import load
from synth_spark.publish.published_release import open_release

_CARDS = (2, 3, 5, 9, 12, 20, 40, 60, 4, 7, 2, 3, 5, 9, 12, 20, 40, 60, 4, 7)


def main() -> int:
    """Generate, load, print."""
    parser = argparse.ArgumentParser(description="Measure what loading a release costs.")
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        for run_id in ("first", "second"):
            publish(folder, run_id, options.rows)
        if options.targets:
            measure(folder, options.targets)
            return 0
        with server() as at:
            targets = [f"postgresql://postgres:{quote(PASSWORD)}@{at}/postgres", f"duckdb:{folder / 'bench.duckdb'}"]
            measure(folder, targets)
    return 0


def measure(out: Path, targets: list[str]) -> None:
    """Load both releases into every target."""
    for target in targets:
        for run_id in ("first", "second"):
            start = time.monotonic()
            loaded = load(open_release(out, run_id), target, "loaded")
            seconds = time.monotonic() - start
            print(f"{target.partition(':')[0]}, {run_id} load: {sum(loaded.rows.values()):,} rows, {seconds:.1f} s")


def publish(out: Path, run_id: str, rows: int) -> None:
    """A release as it lies in a published root: records in four files, one row that tells of it, and a manifest."""
    random = np.random.default_rng(3)
    values = [np.char.add("value ", np.arange(card).astype(str)) for card in _CARDS]
    absent = random.random(rows) < 0.3
    columns = [pa.array(of[random.integers(0, len(of), rows)], mask=absent) for of in values]
    records = pa.table(columns, names=[f"column{index}" for index in range(len(_CARDS))])
    parts = [records.slice(at, -(-rows // 4)) for at in range(0, rows, -(-rows // 4))]
    told = pa.table({"title": ["Bench"], "plan": ["{}"]})
    tables = {"synthetic_records": parts, "release": [told]}
    entries = {table: write(out, table, run_id, written) for table, written in tables.items()}
    manifest = {"run_id": run_id, "published": "2026-01-01T00:00:00+00:00", "format": "parquet", "tables": entries}
    (out / "_manifests").mkdir(exist_ok=True)
    (out / "_manifests" / f"{run_id}.json").write_text(json.dumps(manifest), encoding="utf-8")


def write(out: Path, table: str, run_id: str, parts: list[pa.Table]) -> dict[str, object]:
    """Write a table's files; its entry in the manifest."""
    folder, files = out / table / f"run_id={run_id}", {}
    folder.mkdir(parents=True)
    for number, part in enumerate(parts):
        file = folder / f"part-{number:05d}.parquet"
        pq.write_table(part, file, compression="zstd")
        files[file.name] = {"sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "bytes": file.stat().st_size}
    schema = [{"name": name, "type": "string"} for name in parts[0].column_names]
    path = f"{table}/run_id={run_id}"
    rows = sum(part.num_rows for part in parts)
    return {"grain": "", "rows": rows, "content_hash": run_id, "schema": schema, "path": path, "files": files}


if __name__ == "__main__":
    sys.exit(main())
