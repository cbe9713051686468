"""Figures as Markdown: the machine, a table a case with its stages, and ratios to the references."""

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

from observe import KINDS

_PACKAGES = ("pyspark", "numpy", "numba", "pyarrow", "duckdb")
_HEAD = ("stage", "wall s", "CPU s", *(f"{kind} CPU s" for kind in KINDS))
_PEAKS = (*KINDS, "worker", "all")
_NAMES = {"kernel": "compiled loop, one core", "duckdb": "DuckDB GROUP BY, up to all cores"}


def machine() -> dict[str, str]:
    """What the figures were measured on, and how busy it was before."""
    cores = len(os.sched_getaffinity(0))
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    java = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "([^"]+)"', java)
    return {
        "processor": model.group(1) if model else platform.machine(),
        "cores": str(cores),
        "memory": f"{memory:.0f} GiB",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "Java": version.group(1) if version else "not found",
        "Python": platform.python_version(),
        **{package: _version(package) for package in _PACKAGES},
    }


def markdown(results: dict[str, Any]) -> str:
    """The whole report."""
    described = ", ".join(f"{name} {value}" for name, value in results["machine"].items())
    parts = [f"Machine: {described}.\n\nk = {results['k']}; MB are peaks of proportional memory (PSS).\n"]
    parts += [_failed(case) if "failed" in case else _case(case) for case in results["cases"]]
    return "\n".join(parts)


def rows_of(case: dict[str, Any]) -> list[list[str]]:
    """The cells of a case's table: a row a stage, and their total."""
    rows = []
    for name, stage in case["stages"].items():
        rows.append([name, *_figures(stage)])
    rows.append(["**total**", *_figures(total(case))])
    return rows


def total(case: dict[str, Any]) -> dict[str, Any]:
    """All stages together: sums of times and bytes, the largest of peaks."""
    stages = list(case["stages"].values())
    return {
        "wall": sum(stage["wall"] for stage in stages),
        "cpu": {kind: sum(stage["cpu"][kind] for stage in stages) for kind in KINDS},
        "peak_mb": {kind: max(stage["peak_mb"][kind] for stage in stages) for kind in _PEAKS},
        **{name: sum(stage[name] for stage in stages) for name in ("tasks", "shuffle_mb", "spilled_mb")},
    }


def ratios(case: dict[str, Any]) -> list[str]:
    """What counting costs beside each reference, in sentences."""
    stage = case["stages"]["aggregate"]
    wall, cpu, whole = stage["wall"], sum(stage["cpu"].values()), total(case)["wall"]
    lines = []
    for how, found in case["references"].items():
        if "missing" in found:
            lines.append(f"{_NAMES[how]}: {found['missing']}.")
            continue
        equal = "the same counts" if found["equal"] else "**DIFFERENT COUNTS**"
        lines.append(
            f"{_NAMES[how]}: {found['wall']:.2f} s, CPU {found['cpu']:.2f} s, {found['peak_mb']:.0f} MB, {equal}; "
            f"the stage aggregate takes {wall / found['wall']:.1f} × its wall time and "
            f"{cpu / found['cpu']:.1f} × its CPU time, the whole run {whole / found['wall']:.0f} × its wall time."
        )
    return lines


def grid(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; all columns but the first are aligned to the right."""
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _case(case: dict[str, Any]) -> str:
    head = [*_HEAD, *(f"{kind} MB" for kind in _PEAKS), "tasks", "shuffle MB", "spilled MB"]
    facts = (
        f"{case['records']:,} records ({case['distinct']:,} distinct) × {case['columns']} columns, "
        f"R = {case['length']}: {case['tuples']:,} column tuples, "
        f"{case['cells']:,} cells that occur of {case['possible_cells']:,}, "
        f"{case['aggregates']:,} aggregates, {case['synthetic']:,} synthetic records "
        f"({case['synthetic_distinct']:,} distinct)."
    )
    listed = "\n".join(f"- {line}" for line in ratios(case))
    return f"### {case['name']}\n\n{facts}\n\n{grid(head, rows_of(case))}\n{listed}\n"


def _failed(case: dict[str, Any]) -> str:
    return f"### {case['name']}\n\nFailed: {case['failed']}\n"


def _figures(stage: dict[str, Any]) -> list[str]:
    cpu, peaks = stage["cpu"], stage["peak_mb"]
    times = [stage["wall"], sum(cpu.values()), *(cpu[kind] for kind in KINDS)]
    return [
        *(f"{seconds:.1f}" for seconds in times),
        *(f"{peaks[kind]:.0f}" for kind in _PEAKS),
        str(stage["tasks"]),
        f"{stage['shuffle_mb']:.1f}",
        f"{stage['spilled_mb']:.1f}",
    ]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
