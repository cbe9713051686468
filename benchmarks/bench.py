"""Measure the whole line and its references: python benchmarks/bench.py [ROWSxCOLUMNSxR …] [--input FILE].

Every case is a run of the command in a process tree of its own, watched from outside (see observe.py), and beside it
the same column tuples counted by one compiled loop and by DuckDB (see references.py). A fourth number makes a case
wide and sparse: 100000x100x3x9 has 9 values a record. Written are a Markdown table and, with --json, all figures.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import generate
import observe
import pyarrow.parquet as pq
import references
import report

DEFAULT = (
    "10000x10x3",
    "10000x20x2",
    "10000x20x3",
    "10000x20x4",
    "10000x40x2",
    "10000x40x3",
    "100000x20x3",
    "1000000x20x3",
)
_REFERENCES = Path(references.__file__)
_SEED = "1"
#: Seconds that a reference may take; of two million column tuples each takes hours.
_PATIENCE = 900


@dataclass(frozen=True)
class Case:
    """One table and how it is released."""

    name: str
    length: int
    file: Path | None = None
    shape: tuple[int, int, int | None] | None = None

    @classmethod
    def parse(cls, text: str) -> "Case":
        """Read ROWSxCOLUMNSxR or ROWSxCOLUMNSxRxVALUES.

        >>> Case.parse("10000x20x3").shape
        (10000, 20, None)
        """
        try:
            rows, columns, length, *values = [int(part.replace("_", "")) for part in text.split("x")]
            (value,) = values or (None,)
        except ValueError:
            raise argparse.ArgumentTypeError(f"'{text}' is not ROWSxCOLUMNSxR, as in 100000x20x3") from None
        return cls(text, length, shape=(rows, columns, value))

    def table(self, cache: Path) -> Path:
        """The case's file, generated into ``cache`` if it is not there."""
        if self.file is not None or self.shape is None:
            return Path(str(self.file))
        rows, columns, values = self.shape
        file = cache / f"{rows}x{columns}{'' if values is None else f'x{values}'}.parquet"
        if not file.exists():
            cache.mkdir(parents=True, exist_ok=True)
            unfinished = file.with_suffix(".unfinished")
            generate.main(rows, columns, unfinished, int(_SEED), values)
            unfinished.rename(file)
        return file


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the cases that were asked for, one after the other; 1 if one of them failed."""
    options = _options(arguments)
    cases = [Case.parse(text) for text in options.sizes or ([] if options.input else DEFAULT)]
    if options.input:
        cases.append(Case(Path(options.input).name, options.length, Path(options.input).resolve()))
    results: dict[str, Any] = {"machine": report.machine(), "k": options.k, "cases": []}
    with _folder(options.cache) as cache:
        _command("warm")
        for case in cases:
            _say(f"{case.name} …")
            results["cases"].append(_measured(case, options.k, cache))
            if options.json:
                Path(options.json).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    text = report.markdown(results)
    print(text)
    if options.output:
        Path(options.output).write_text(text, encoding="utf-8")
    return int(any("failed" in case for case in results["cases"]))


def _measured(case: Case, k: int, cache: Path) -> dict[str, Any]:
    """Run one case in a folder of its own, which is removed, and give its figures."""
    table = case.table(cache)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        environment = os.environ | observe.event_log(folder / "events")
        arguments = ["--input", str(table), "--k", str(k), "--set", f"reporting_length={case.length}"]
        arguments += ["--output", str(folder / "out"), "--run-id", "bench", "--seed", _SEED, "--quiet"]
        watched = observe.watch(_words("run", *arguments), environment, folder / "log")
        if watched.code != 0:
            lines = [line for line in (folder / "log").read_text().splitlines() if line.startswith("synth-spark:")]
            return {"name": case.name, "failed": lines[-1] if lines else f"exit code {watched.code}"}
        run = folder / "out.work" / "bench"
        manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
        (events,) = (folder / "events").iterdir()
        with events.open(encoding="utf-8") as lines_of_events:
            stages = observe.stages(watched, manifest, lines_of_events)
        facts = _facts(manifest, run / "tables", case.length)
        compared = {how: _reference(how, run / "tables", facts["length"]) for how in ("kernel", "duckdb")}
    return {"name": case.name, **facts, "k": k, "stages": stages, "references": compared}


def _facts(manifest: dict[str, Any], tables: Path, length: int) -> dict[str, int]:
    """The sizes that a case's work depends on."""
    rows = {name: table["rows"] for name, table in manifest["tables"].items()}
    columns = len(manifest["facts"]["fields"])
    length = min(length, columns)
    held = pq.read_table(tables / "domain", columns=["column"])["column"].to_pylist()
    cards = [held.count(column) for column in range(columns)]
    by_length = [1] + [0] * length  # elementary symmetric polynomials of the cardinalities
    for card in cards:
        for at in range(length, 0, -1):
            by_length[at] += by_length[at - 1] * card
    return {
        "records": manifest["facts"]["records"],
        "columns": columns,
        "length": length,
        "distinct": rows["codes"],
        "attributes": rows["domain"],
        "tuples": sum(math.comb(columns, at) for at in range(1, length + 1)),
        "possible_cells": sum(by_length[1:]),
        "cells": int(references.read_counts(tables / "counts")[0].size),
        "aggregates": rows["aggregates"],
        "synthetic": rows["synthetic_records"],
        "synthetic_distinct": rows["proof"],
    }


def _reference(how: str, tables: Path, length: int) -> dict[str, Any]:
    """Count the same tuples another way, in a process of its own; a failure is a figure too, and so is a long wait."""
    command = [sys.executable, str(_REFERENCES), how, str(tables), str(length)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        return {"missing": f"not done after {_PATIENCE} s"}
    if done.returncode != 0:
        return {"missing": f"failed with exit code {done.returncode}"}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def _folder(cache: str | None) -> Iterator[Path]:
    """Where generated tables are: the folder that was named, which stays, or one that is removed."""
    if cache is not None:
        yield Path(cache)
        return
    with tempfile.TemporaryDirectory(prefix="bench-tables-") as name:
        yield Path(name)


def _words(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "synth_spark", *arguments]


def _command(*arguments: str) -> None:
    subprocess.run(_words(*arguments), check=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the whole line and its references.")
    parser.add_argument("sizes", nargs="*", metavar="ROWSxCOLUMNSxR", help=f"default: {' '.join(DEFAULT)}")
    parser.add_argument("--input", metavar="FILE", help="a table of your own, beside or instead of generated ones")
    parser.add_argument("--length", type=int, default=3, metavar="R", help="longest combination of --input")
    parser.add_argument("--k", type=int, default=10, help="privacy resolution of all cases")
    parser.add_argument("--cache", metavar="FOLDER", help="keep generated tables there; default: they are removed")
    parser.add_argument("--output", metavar="FILE.md", help="also write the table there")
    parser.add_argument("--json", metavar="FILE.json", help="write all figures there, for benchmarks/cost.py")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
