"""What joining costs: python benchmarks/subjects.py [ROWS] [SUBJECTS].

Rows of subjects that agree in eight columns and differ in two with several values a cell, as a CSV in no order; the
whole release is made, and wall time and peak memory of every stage are printed. The first, read, does the joining.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import observe
import pyarrow as pa
import pyarrow.csv
import yaml

_CARDS, _SEVERAL = (2, 5, 9, 20, 60, 3, 4, 7), {"m1": 12, "m2": 40}


def main() -> int:
    """Generate, release, print."""
    parser = argparse.ArgumentParser(description="Measure what joining the rows of subjects costs.")
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    parser.add_argument("subjects", type=int, nargs="?", default=300_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        pyarrow.csv.write_csv(rows_of(options.rows, options.subjects), folder / "rows.csv")
        subject, several = {"id": "subject"}, dict.fromkeys(_SEVERAL, ";")
        plan = {"input": {"path": str(folder / "rows.csv"), "subject": subject, "multi_values": several}}
        (folder / "plan.yml").write_text(yaml.safe_dump(plan), encoding="utf-8")
        words = [
            sys.executable,
            "-m",
            "synth_spark",
            "run",
            str(folder / "plan.yml"),
            "--run-id",
            "bench",
            "--seed",
            "1",
        ]
        words += ["--output", str(folder / "out"), "--quiet"]
        watched = observe.watch(words, dict(os.environ), folder / "log")
        if watched.code != 0:
            sys.exit((folder / "log").read_text(encoding="utf-8")[-2_000:])
        manifest = json.loads((folder / "out.work" / "bench" / "manifest.json").read_text(encoding="utf-8"))
    cuts = observe.spans(manifest, watched.began, watched.ended)
    peaks = observe.peaks_by_span(watched, cuts)
    print(f"{options.rows:,} rows of {manifest['facts']['records']:,} subjects\n\n| stage | s | GB |\n|---|---:|---:|")
    for stage, (start, end) in cuts.items():
        print(f"| {stage} | {end - start:.1f} | {peaks[stage]['all'] / 1024:.1f} |")
    print(f"| **total** | {watched.ended - watched.began:.1f} | {max(p['all'] for p in peaks.values()) / 1024:.1f} |")
    return 0


def rows_of(rows: int, subjects: int) -> pa.Table:
    """At least one row a subject, in no order."""
    random = np.random.default_rng(3)
    whose = np.concatenate([np.arange(subjects), random.integers(0, subjects, rows - subjects)])
    random.shuffle(whose)
    columns = {"subject": np.char.add("S", whose.astype(str))}
    for index, card in enumerate(_CARDS):
        columns[f"c{index}"] = np.char.add("v", random.integers(0, card, subjects).astype(str))[whose]
    for name, card in _SEVERAL.items():
        one, other = (np.char.add("w", (random.zipf(1.6, rows) % card).astype(str)) for _ in range(2))
        columns[name] = np.where(random.random(rows) < 0.5, one, np.char.add(np.char.add(one, ";"), other))
    return pa.table({name: pa.array(values) for name, values in columns.items()})


if __name__ == "__main__":
    sys.exit(main())
