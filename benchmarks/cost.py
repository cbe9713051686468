"""The cost model: python benchmarks/cost.py RESULTS.json [--plan ROWSxCOLUMNSxR …] [--write benchmarks/COST.md].

Fits the constants of the formulas below to what bench.py measured, says how well each case is predicted by the others,
and plans a table of another size on a cluster. With --write the text between the two marks of a file is replaced.
"""

import argparse
import itertools
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from report import grid

Facts = Mapping[str, float]
MARKS = ("<!-- fitted: the text below is written by benchmarks/cost.py -->", "<!-- end of what is fitted -->")
#: Records of a block of sensitive and of a part of synthetic records in the proof, and visits of a counting task.
BLOCK, PART, FEWEST_PARTS, VISITS, MOST_TASKS = 4_000_000, 4_000_000, 2, 10**8, 4_096
#: Most distinct records of a synthesis task by default.
NODE = 1_000_000
#: Parts, and blocks, that records are sent to without being merged first.
SENT_AS_THEY_ARE = 2

#: What costs are proportional to.
TERMS: dict[str, Callable[[Facts], float]] = {
    "1": lambda _: 1.0,
    "n·m": lambda f: f["records"] * f["columns"],
    "d·m": lambda f: f["distinct"] * f["columns"],
    "s·m": lambda f: f["synthetic"] * f["columns"],
    "(n+s)·m": lambda f: (f["records"] + f["synthetic"]) * f["columns"],
    "d·T": lambda f: f["distinct"] * f["tuples"],
    "e·T": lambda f: f["synthetic_distinct"] * f["tuples"],
    "C": lambda f: f["cells"],
    "C·t": lambda f: f["cells"] * counting_tasks(f),
    "pairs·m": lambda f: pairs(f) * f["columns"],
}
#: CPU seconds of the JVM and the workers, by stage. Reading the two tables and the meeting of blocks and parts, which
#: make up "validate", can be told apart only with a case of more than 4,000,000 records.
CPU: dict[str, tuple[str, ...]] = {
    "start": ("1",),
    "read": ("1", "n·m"),
    "encode": ("1", "n·m"),
    "aggregate": ("1", "d·T", "C·t"),
    "synthesize": ("1", "d·m", "s·m"),
    "evaluate": ("1", "e·T", "C·t"),
    "assess": ("1", "n·m"),
    "validate": ("1", "(n+s)·m", "pairs·m"),
    "publish": ("1", "(n+s)·m"),
    "stop": ("1",),
}
#: MB shuffled.
SHUFFLE: dict[str, tuple[str, ...]] = {
    "encode": ("d·m",),
    "aggregate": ("d·m", "C·t"),
    "synthesize": ("d·m", "s·m"),
    "evaluate": ("s·m", "C·t"),
    "assess": ("n·m",),
    "validate": ("pairs·m",),
}
#: MB of the largest Python worker while a stage ran; here n, d, s, e are what a task holds.
MEMORY: dict[str, tuple[str, ...]] = {"synthesize": ("1", "d·m")}
#: CPU seconds of the driver, all stages together: they do not get less with more workers.
DRIVER: dict[str, tuple[str, ...]] = {"driver": ("1", "(n+s)·m")}


def counting_tasks(facts: Facts) -> int:
    """Tasks that count combinations."""
    return max(2, min(MOST_TASKS, math.ceil(facts["distinct"] * facts["tuples"] / VISITS)))


def cuts(facts: Facts) -> tuple[int, int]:
    """Blocks of sensitive and parts of synthetic records that meet in the proof."""
    return max(1, math.ceil(facts["records"] / BLOCK)), max(FEWEST_PARTS, math.ceil(facts["synthetic"] / PART))


def pairs(facts: Facts) -> float:
    """Records that the proof sends: every block to every part and every part to every block.

    What is sent to more than two tasks is merged first, which sends it once more, and then distinct.
    """
    blocks, parts = cuts(facts)
    held = facts["records"] * parts if parts <= SENT_AS_THEY_ARE else facts["distinct"] * (1 + parts)
    claims = facts["synthetic"] * blocks if blocks <= SENT_AS_THEY_ARE else facts["synthetic_distinct"] * (1 + blocks)
    return held + claims


@dataclass(frozen=True)
class Formula:
    """A sum of terms with constants ≥ 0."""

    terms: tuple[str, ...]
    constants: tuple[float, ...]

    def at(self, facts: Facts) -> float:
        """What it says for a table."""
        return sum(
            constant * TERMS[term](facts) for term, constant in zip(self.terms, self.constants, strict=True) if constant
        )

    def constant_share(self, facts: Facts) -> float:
        """How much of what it says for a table does not depend on the table."""
        return sum(c for term, c in zip(self.terms, self.constants, strict=True) if term == "1") / (self.at(facts) or 1)

    def __str__(self) -> str:
        parts = [
            f"{constant:.3g}" + ("" if term == "1" else f" · {term}")
            for term, constant in zip(self.terms, self.constants, strict=True)
            if constant
        ]
        return " + ".join(parts) or "0"


def fit(terms: tuple[str, ...], facts: Sequence[Facts], measured: Sequence[float]) -> Formula:
    """Least squares of relative errors with constants ≥ 0: the best of all choices of terms that has none below 0."""
    scale = np.maximum(np.array(measured, float), 1e-3)
    rows = np.array([[TERMS[term](fact) for term in terms] for fact in facts]) / scale[:, None]
    aim = np.array(measured, float) / scale
    best, least = np.zeros(len(terms)), float(aim @ aim)
    for chosen in itertools.chain(*(itertools.combinations(range(len(terms)), r) for r in range(1, len(terms) + 1))):
        part = rows[:, chosen]
        size = np.linalg.norm(part, axis=0)
        found = np.linalg.lstsq(part / size, aim, rcond=None)[0] / size
        error = float(np.sum((part @ found - aim) ** 2))
        if (found >= 0).all() and error < least - 1e-12:
            best, least = np.zeros(len(terms)), error
            best[list(chosen)] = found
    return Formula(terms, tuple(float(constant) for constant in best))


def measured_cpu(case: Mapping[str, Any], stage: str) -> float:
    """CPU seconds of the JVM and the workers in a stage of a case."""
    cpu = case["stages"][stage]["cpu"]
    return float(cpu["jvm"] + cpu["workers"])


def fit_all(cases: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Formula]]:
    """The formulas of every quantity and stage."""
    held = [{**case, "distinct": min(case["distinct"], NODE)} for case in cases]  # by the largest synthesis task

    def fitted(
        wanted: dict[str, tuple[str, ...]],
        of: Callable[[Mapping[str, Any], str], float],
        facts: Sequence[Facts] = cases,
    ) -> dict[str, Formula]:
        return {stage: fit(terms, facts, [of(case, stage) for case in cases]) for stage, terms in wanted.items()}

    return {
        "cpu": fitted(CPU, measured_cpu),
        "shuffle": fitted(SHUFFLE, lambda case, stage: float(case["stages"][stage]["shuffle_mb"])),
        "memory": fitted(MEMORY, lambda case, stage: float(case["stages"][stage]["peak_mb"]["worker"]), held),
        "driver": fitted(DRIVER, lambda case, _: sum(stage["cpu"]["driver"] for stage in case["stages"].values())),
    }


def check(cases: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, float, float, float]]:
    """(case, stage, measured, fitted, predicted by all other cases) CPU seconds, and each case's total."""
    whole, rows = fit_all(cases)["cpu"], []
    for index, case in enumerate(cases):
        others = fit_all([*cases[:index], *cases[index + 1 :]])["cpu"]
        found = [
            (case["name"], stage, measured_cpu(case, stage), whole[stage].at(case), others[stage].at(case))
            for stage in case["stages"]
        ]
        total = [sum(row[at] for row in found) for at in (2, 3, 4)]
        rows += [*found, (case["name"], "**total**", total[0], total[1], total[2])]
    return rows


@dataclass(frozen=True)
class Cluster:
    """What a plan is for.

    Attributes:
        workers: machines.
        cores: cores each.
        memory: GB each.
        network: GB a second each.
        efficiency: share of their time that cores are expected to work.
        node: most distinct records that a synthesis task holds.
    """

    workers: int
    cores: int
    memory: float
    network: float
    efficiency: float
    node: int

    def at_once(self, task_gb: float) -> int:
        """Tasks that run at once: as many as memory allows, a fifth of it left to the JVM and the system."""
        return self.workers * max(0, min(self.cores, int(0.8 * self.memory / task_gb)))


def extrapolate(cases: Sequence[Mapping[str, Any]], rows: int, columns: int, length: int) -> dict[str, float]:
    """The facts of a larger table, as bounds from above: ratios of the largest measured table of the same shape.

    Raises:
        SystemExit: none of that shape was measured.
    """
    alike = [case for case in cases if case["columns"] == columns and case["length"] == length]
    if not alike:
        raise SystemExit(f"cost.py: no case of {columns} columns and R = {length} was measured")
    largest = max(alike, key=lambda case: case["records"])
    times = rows / largest["records"]
    grows = {name: round(largest[name] * times) for name in ("records", "distinct", "synthetic")}
    bounded = {"cells": largest["possible_cells"], "aggregates": largest["possible_cells"]}
    same = {name: largest[name] for name in ("columns", "length", "tuples", "attributes", "possible_cells")}
    return {**grows, **bounded, **same, "synthetic_distinct": grows["synthetic"]}


def tasks_of(stage: str, facts: Facts, cluster: Cluster) -> int | None:
    """How many tasks the heavy part of a stage has; None where files decide, or nothing is distributed."""
    blocks, parts = cuts(facts)
    known = {
        "aggregate": counting_tasks(facts),
        "evaluate": counting_tasks(facts),
        "synthesize": math.ceil(facts["distinct"] / cluster.node),
        "validate": blocks * parts,
    }
    return known.get(stage)


def task_gigabytes(stage: str, facts: Facts, cluster: Cluster, memory: Formula) -> float:
    """GB that a task's Python worker holds: as a synthesis task of as many records, for those that hold many."""
    blocks, parts = cuts(facts)
    held = {
        "synthesize": min(facts["distinct"], cluster.node),
        "validate": facts["distinct"] / blocks + facts["synthetic_distinct"] / parts,
        "aggregate": min(1 << 20, facts["distinct"] / counting_tasks(facts)),
        "evaluate": min(1 << 20, facts["synthetic_distinct"] / counting_tasks(facts)),
    }
    return memory.at({**facts, "distinct": held.get(stage, 0)}) / 1000


def plan(formulas: Mapping[str, Mapping[str, Formula]], facts: Facts, cluster: Cluster) -> list[list[str]]:
    """A row a stage: tasks, GB a task, CPU hours, hours, GB shuffled and the hours that takes."""
    rows, total = [], 0.0
    for stage, formula in formulas["cpu"].items():
        gigabytes = task_gigabytes(stage, facts, cluster, formulas["memory"]["synthesize"])
        at_once, tasks = cluster.at_once(gigabytes), tasks_of(stage, facts, cluster)
        if at_once == 0:
            total = math.inf
            rows.append([stage, _number(tasks), f"{gigabytes:.1f}", "", "", "", "**does not fit**"])
            continue
        cpu = formula.at(facts) / 3600
        hours = cpu / cluster.efficiency / min(at_once, tasks or at_once)
        shuffled = formulas["shuffle"].get(stage, Formula((), ()))
        sent = shuffled.at(facts) / 1000
        moving = 2 * sent / (cluster.workers * cluster.network) / 3600  # written, then read
        total += max(hours, moving)
        figures = [f"{gigabytes:.1f}", str(at_once), f"{cpu:,.1f}", f"{hours:.2f}", f"{sent:,.0f}", f"{moving:.2f}"]
        rows.append([stage, _number(tasks), *figures])
    serial = formulas["driver"]["driver"].at(facts) / 3600
    rows.append(["driver, alone", "1", "", "", f"{serial:,.1f}", f"{serial:.2f}", "", ""])
    rows.append(["**all**", "", "", "", "", f"**{total + serial:.1f}**", "", ""])
    return rows


def text_of(results: Mapping[str, Any], wanted: Sequence[tuple[int, int, int]], cluster: Cluster) -> str:
    """Constants, check and plans as Markdown."""
    cases = [case for case in results["cases"] if "failed" not in case]
    formulas = fit_all(cases)
    machine = ", ".join(f"{name} {value}" for name, value in results["machine"].items())
    parts = [f"Fitted to {len(cases)} cases: {', '.join(case['name'] for case in cases)}. Machine: {machine}.\n"]
    units = {"cpu": "CPU seconds, JVM and workers", "shuffle": "MB shuffled", "memory": "MB of a worker"}
    largest = max(cases, key=lambda case: case["records"] * case["columns"])
    for quantity, unit in {**units, "driver": "CPU seconds of the driver"}.items():
        rows = [[stage, str(f), f"{f.constant_share(largest):.0%}"] for stage, f in formulas[quantity].items()]
        parts.append(grid(["stage", unit, f"constant, of {largest['name']}"], rows))
    parts.append("What is mostly constant in the largest case says little of how it grows.\n")
    rows = [[name, stage, *map(_seconds, figures), _off(figures)] for name, stage, *figures in check(cases)]
    head = ["case", "stage", "measured", "fitted", "by the other cases", "off by"]
    parts += ["### How well it predicts\n", grid(head, [row for row in rows if row[1] == "**total**"])]
    parts.append("Stages of the largest case:\n\n" + grid(head, [row for row in rows if row[0] == largest["name"]]))
    for records, columns, length in wanted:
        parts.append(_plan_text(formulas, extrapolate(cases, records, columns, length), cluster))
        times = records / max(case["records"] for case in cases)
        parts.append(f"This extrapolates records by a factor of {times:,.0f}.\n")
    return "\n".join(parts)


def _plan_text(formulas: Mapping[str, Mapping[str, Formula]], facts: Facts, cluster: Cluster) -> str:
    head = ["stage", "tasks", "GB a task", "at once", "CPU h", "h", "GB shuffled", "h to move them"]
    about = (
        f"### {facts['records']:,.0f} × {facts['columns']}, R = {facts['length']}\n\n"
        f"{cluster.workers} workers × {cluster.cores} cores × {cluster.memory:.0f} GB, {cluster.network} GB/s each, "
        f"cores busy {cluster.efficiency:.0%} of their time, synthesis nodes of {cluster.node:,} distinct records. "
        f"Taken: d = {facts['distinct']:,.0f}, s = e = {facts['synthetic']:,.0f}, C = {facts['cells']:,}.\n"
    )
    return about + "\n" + grid(head, plan(formulas, facts, cluster))


def _seconds(value: float) -> str:
    return f"{value:.1f}"


def _off(figures: Sequence[float]) -> str:
    return f"{figures[2] / figures[0] - 1:+.0%}" if figures[0] > 0 else ""


def _shape(text: str) -> tuple[int, int, int]:
    rows, columns, length = (int(part) for part in text.split("x"))
    return rows, columns, length


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, check and plan."""
    options = _options(arguments)
    results = json.loads(Path(options.results).read_text(encoding="utf-8"))
    cluster = Cluster(options.workers, options.cores, options.memory, options.network, options.efficiency, options.node)
    text = text_of(results, [_shape(text) for text in options.plan], cluster)
    if options.write:
        file = Path(options.write)
        before, mark, rest = file.read_text(encoding="utf-8").partition(MARKS[0])
        after = rest.partition(MARKS[1])[2]
        file.write_text(f"{before}{mark}\n\n{text}\n{MARKS[1]}{after}", encoding="utf-8")
    else:
        print(text)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fit the cost model, check it, and plan a larger table.")
    parser.add_argument("results", metavar="RESULTS.json", help="what bench.py --json wrote")
    parser.add_argument("--plan", nargs="*", default=["1000000000x20x3"], metavar="ROWSxCOLUMNSxR")
    parser.add_argument("--workers", type=int, default=20, help="machines")
    parser.add_argument("--cores", type=int, default=16, help="cores of a machine")
    parser.add_argument("--memory", type=float, default=64, help="GB of a machine")
    parser.add_argument("--network", type=float, default=1.25, help="GB a second of a machine")
    parser.add_argument("--efficiency", type=float, default=0.6, help="share of their time that cores work")
    parser.add_argument("--node", type=int, default=NODE, help="distinct records that a synthesis task holds")
    parser.add_argument("--write", metavar="FILE.md", help="replace the text between the two marks of this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
