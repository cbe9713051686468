"""What differential privacy costs in accuracy: releases of a table at several ε, compared with it on all records.

    python benchmarks/privacy.py adult14.csv.gz --epsilon 0.1 1 10 --delta 1.9e-6 --public-domain

Prints a Markdown table: whole run and synthesis in seconds, mean total variation distance of all tables of one, two and
three columns (½ Σ |sensitive − synthetic| / Σ sensitive, combinations without absent values).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

_LENGTHS = (1, 2, 3)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", metavar="FILE.csv", help="a table of text")
    parser.add_argument("--epsilon", type=float, nargs="+", default=[1.0])
    parser.add_argument("--delta", type=float, default=1e-6)
    parser.add_argument("--public-domain", action="store_true")
    parser.add_argument("--kind", nargs="+", default=["marginal_matching", "aggregate_seeded"])
    parser.add_argument("--records", type=int, help="number of records to make; default: as the counts have it")
    options = parser.parse_args()
    lengths = " | ".join(f"TVD {length}-way" for length in _LENGTHS)
    print(f"| synthesis | ε | domain | whole run, s | synthesis, s | records | {lengths} |")
    print("|---|---:|---|---:|---:|---:|" + "---:|" * len(_LENGTHS))
    sensitive = pd.read_csv(options.input, dtype=str, keep_default_na=False)
    for kind in options.kind:
        for epsilon in options.epsilon:
            print(_row(sensitive, kind, epsilon, options), flush=True)


def _row(sensitive: pd.DataFrame, kind: str, epsilon: float, options: argparse.Namespace) -> str:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        keys = [f"synthesis.kind={kind}"] + ([f"synthesis.records={options.records}"] if options.records else [])
        command = [
            *(sys.executable, "-m", "synth_spark", "run", "--quiet", "--input", options.input, "--output", str(out)),
            *("--epsilon", str(epsilon), "--delta", str(options.delta)),
            *(part for key in keys for part in ("--set", key)),
        ]
        command += ["--public-domain"] if options.public_domain else []
        start = time.monotonic()
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.monotonic() - start
        manifest = json.loads(next(Path(f"{out}.work").glob("*/manifest.json")).read_text())
        pointer = json.loads((out / "LATEST.json").read_text())
        made = pd.read_parquet(out / pointer["tables"]["synthetic_records"])
    distances = distances_of(sensitive, made[list(sensitive.columns)].fillna(""))
    figures = " | ".join(f"{distance:.4f}" for distance in distances)
    domain = "public" if options.public_domain else "private"
    own = manifest["stages"]["synthesize"]["seconds"]
    return f"| {kind} | {epsilon:g} | {domain} | {seconds:.0f} | {own:.1f} | {len(made):,} | {figures} |"


def distances_of(sensitive: pd.DataFrame, synthetic: pd.DataFrame) -> list[float]:
    """Mean total variation distance of all tables of one, two and three columns: of counts as they are."""
    scale = len(sensitive) / max(1, len(synthetic)) if len(synthetic) > 2 * len(sensitive) else 1.0
    codes, cards = {}, {}
    for name in sensitive.columns:
        both = pd.concat([pd.Series([""]), sensitive[name].str.strip().replace("0", ""), synthetic[name].astype(str)])
        numbers = pd.factorize(both)[0]
        codes[name] = numbers[1 : len(sensitive) + 1], numbers[len(sensitive) + 1 :]
        cards[name] = int(numbers.max()) + 1
    means = []
    for length in _LENGTHS:
        found = []
        for names in combinations(sensitive.columns, length):
            counts = []
            for side in (0, 1):
                cells = [codes[name][side] for name in names]
                whole = np.all([cell > 0 for cell in cells], axis=0)
                places = np.ravel_multi_index([cell[whole] for cell in cells], [cards[name] for name in names])
                counts.append(np.bincount(places, minlength=int(np.prod([cards[name] for name in names]))))
            if counts[0].sum():
                found.append(0.5 * np.abs(counts[0] - scale * counts[1]).sum() / counts[0].sum())
        means.append(float(np.mean(found)))
    return means


if __name__ == "__main__":
    main()
