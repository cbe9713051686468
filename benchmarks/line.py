"""Time the whole line from process start to published tables, and its parts: python benchmarks/line.py CASES [K]."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main(source: str, k: str) -> None:
    """Release a table with the installed command, in a process of its own, and print where the time went."""
    command = Path(sys.executable).with_name("synth-spark")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        start = time.monotonic()
        arguments = [str(command), "run", "--input", source, "--k", k, "--output", str(out), "--seed", "1", "--quiet"]
        subprocess.run(arguments, check=True, capture_output=True)
        total = time.monotonic() - start
        (manifest,) = (json.loads(path.read_text()) for path in out.with_name("out.work").glob("*/manifest.json"))
    seconds = {name: stage["seconds"] for name, stage in manifest["stages"].items()}
    tables = {"read": "records", "encode": "codes", "aggregate": "aggregates", "synthesize": "synthetic_records"}
    rows = {name: f"{manifest['tables'][table]['rows']:,}" for name, table in tables.items()}
    parts = {"start, session and stop": total - sum(seconds.values()), **seconds}
    parts["**aggregate + synthesize**"] = seconds["aggregate"] + seconds["synthesize"]
    parts["**total**"] = total
    print("| part | seconds | rows kept |\n|---|---|---|")
    for name, spent in parts.items():
        print(f"| {name} | {spent:.1f} | {rows.get(name, '')} |")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "10")
