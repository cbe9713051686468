"""What benchmarks/ computes from what it saw: CPU time and peaks by stage, references, the fit and the plan."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cost
import numpy as np
import observe
import pytest
import references
from bench import Case
from observe import Moment, Process, Watched

import jobs
from synth_spark.pipeline.stages import STAGES

BENCHMARKS = str(Path(cost.__file__).parent)
MANIFEST = {
    "stages": {
        "read": {"started": "1970-01-01T00:00:10.000+00:00", "seconds": 4.0},
        "encode": {"started": "1970-01-01T00:00:14.000+00:00", "seconds": 2.0},
    }
}


def moment(at: float, driver: float, jvm: float, *workers: float, reaped: float = 0.0, launched: float = 0.5) -> Moment:
    processes = [Process("driver", driver, 0.0, 100.0), Process("jvm", jvm, launched, 300.0)]
    if workers:  # a daemon, and the workers that it forked
        processes += [Process("workers", 0.0, reaped, 10.0), *(Process("workers", cpu, 0.0, 50.0) for cpu in workers)]
    return Moment(at, tuple(processes))


def test_processes_are_told_apart_by_their_command_line() -> None:
    assert observe.kind_of("python3\0-m\0pyspark.daemon\0pyspark.worker\0") == "workers"
    assert observe.kind_of("java\0-cp\0/lib/pyspark/jars/*\0pyspark-shell\0") == "jvm"
    assert observe.proportional("head\nRss:  9999 kB\nPss:  2048 kB\nPss_Anon: 5 kB\n") == 2.0
    assert observe.proportional("") == 0.0


def test_spans_begin_with_the_start_and_end_with_the_stop() -> None:
    assert observe.spans(MANIFEST, 1.0, 20.0) == {
        "start": (1.0, 10.0),
        "read": (10.0, 14.0),
        "encode": (14.0, 16.0),
        "stop": (16.0, 20.0),
    }


def test_the_cpu_time_of_workers_stays_theirs_when_they_end() -> None:
    moments = [
        moment(1, 1, 2),
        moment(2, 1, 2, 1.0, 2.0),
        moment(3, 1, 2, 2.0, reaped=2.5),
        moment(4, 1, 3, launched=5.0),  # the JVM has seen its daemon end
    ]
    used = observe.cpu_until(moments)
    assert used == {"driver": [1, 1, 1, 1], "jvm": [2.5, 2.5, 2.5, 3.5], "workers": [0, 3.0, 4.5, 4.5]}


def test_what_was_seen_falls_to_the_stage_of_its_moment() -> None:
    watched = Watched(1.0, 20.0, 0, [moment(10, 4, 8), moment(12, 4, 10, 1.0), moment(14, 4, 12, 2.0, 2.0)])
    cuts = observe.spans(MANIFEST, 1.0, 20.0)
    cpu, peaks = observe.cpu_by_span(watched, cuts), observe.peaks_by_span(watched, cuts)
    assert cpu["read"] == pytest.approx({"driver": 0, "jvm": 4, "workers": 4})
    assert cpu["stop"] == {"driver": 0, "jvm": 0, "workers": 0}
    assert peaks["read"] == {"driver": 100, "jvm": 300, "workers": 110, "worker": 50, "all": 510}
    assert peaks["start"]["workers"] == 0


def test_shuffled_bytes_are_read_from_the_event_log() -> None:
    def ended(at: float, written: int) -> str:
        metrics = {"Shuffle Write Metrics": {"Shuffle Bytes Written": written}, "Disk Bytes Spilled": 0}
        return json.dumps(
            {"Event": "SparkListenerTaskEnd", "Task Info": {"Finish Time": at * 1000}, "Task Metrics": metrics}
        )

    cuts = observe.spans(MANIFEST, 1.0, 20.0)
    found = observe.tasks_by_span([ended(11, 2_000_000), '{"Event": "Other"}', ended(12, 0), ended(15, 500_000)], cuts)
    assert found["read"] == {"tasks": 2, "shuffle_mb": 2.0, "spilled_mb": 0.0}
    assert found["encode"]["shuffle_mb"] == 0.5


def test_jobs_are_counted_by_the_stage_that_started_them() -> None:
    def started(group: str | None) -> str:
        properties = {} if group is None else {"spark.jobGroup.id": group}
        return json.dumps({"Event": "SparkListenerJobStart", "Job ID": 1, "Properties": properties})

    groups = ["one.read", "one.encode", "one.encode", "other.read"]
    lines = [started(f"synth-spark.{group}") for group in groups]
    lines += [started(None), started("mine"), '{"Event": "SparkListenerJobEnd"}', '{"Event": "SparkListenerJobStart"}']
    assert observe.jobs_by_stage(lines, "one") == {"read": 1, "encode": 2}
    rest = [f"| {stage} | 0 |" for stage in [*STAGES["k_anonymity"]][2:]]
    shown = jobs.table({"read": 1, "encode": 2}).splitlines()
    assert shown[2:] == ["| read | 1 |", "| encode | 2 |", *rest, "| **all** | 3 |"]


def test_a_case_is_read_from_its_name() -> None:
    assert Case.parse("100000x100x3x9").shape == (100_000, 100, 9)
    assert Case.parse("10000x20x2").length == 2
    for text in ("10000", "axb", "10000x20", "1x2x3x4x5"):
        with pytest.raises(argparse.ArgumentTypeError):
            Case.parse(text)


def test_the_compiled_loop_counts_what_brute_force_counts() -> None:
    random = np.random.default_rng(3)
    cards = (2, 3, 4)
    codes = np.stack([random.integers(0, card + 1, 50) for card in cards]).astype(np.uint16)
    table = references.Coded(codes, random.integers(1, 4, 50), cards)
    tuples = references.column_tuples(3, 2)
    assert tuples == [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]
    steps = references.count_by_kernel(table, tuples)
    next(steps)
    cells, counts = references.all_cells(table, tuples, list(steps))
    expected = {}
    for row, weight in zip(codes.T, table.weights, strict=True):
        for base, columns in zip((0, 2, 5, 9, 15, 23), tuples, strict=True):
            if all(row[column] for column in columns):
                key = 0
                for column in columns:
                    key = key * cards[column] + int(row[column]) - 1
                expected[base + key] = expected.get(base + key, 0) + int(weight)
    assert dict(zip(cells.tolist(), counts.tolist(), strict=True)) == expected


def invented(records: int, columns: int = 20) -> dict[str, Any]:
    """A case whose figures follow the formulas exactly."""
    facts = {
        "records": records,
        "columns": columns,
        "length": 3,
        "distinct": records,
        "attributes": 193,
        "tuples": 1350,
        "possible_cells": 600_000,
        "cells": 500_000,
        "aggregates": 100_000,
        "synthetic": 2 * records,
        "synthetic_distinct": records,
    }
    values = records * columns
    seconds = dict.fromkeys(cost.CPU, 2 + 1e-06 * values)
    stages = {
        stage: {
            "cpu": {"driver": 0.1, "jvm": cpu / 2, "workers": cpu / 2},
            "shuffle_mb": 1e-6 * values,
            "peak_mb": {"worker": 200 + 3e-5 * values},
        }
        for stage, cpu in seconds.items()
    }
    return {"name": f"{records}x{columns}x3", **facts, "stages": stages}


def test_every_stage_of_the_line_has_a_formula() -> None:
    assert list(cost.CPU) == ["start", *STAGES["k_anonymity"], "stop"]
    assert set(cost.SHUFFLE) < set(cost.CPU)


def test_the_fit_finds_the_constants_and_none_below_zero() -> None:
    cases = [invented(records) for records in (10_000, 30_000, 100_000)]
    formula = cost.fit_all(cases)["cpu"]["read"]
    assert formula.constants == pytest.approx((2, 1e-6))
    assert str(formula) == "2 + 1e-06 · n·m"
    falling = cost.fit(("1", "n·m"), cases, [3.0, 2.0, 1.0])
    assert min(falling.constants) >= 0
    for name, stage, measured, fitted, predicted in cost.check(cases):
        if stage == "read":
            assert fitted == pytest.approx(measured), name
            assert predicted == pytest.approx(measured), name


def test_a_plan_bounds_what_it_takes_and_says_what_does_not_fit() -> None:
    cases = [invented(records) for records in (10_000, 30_000, 100_000)]
    facts = cost.extrapolate(cases, 10**9, 20, 3)
    assert facts["distinct"] == 10**9
    assert facts["synthetic_distinct"] == facts["synthetic"] == 2 * 10**9
    assert facts["cells"] == 600_000
    assert cost.cuts(facts) == (250, 500)
    formulas = cost.fit_all(cases)
    small = cost.Cluster(workers=20, cores=16, memory=64, network=1.25, efficiency=0.5, node=1_000_000)
    rows = {row[0]: row for row in cost.plan(formulas, facts, small)}
    assert rows["synthesize"][1] == "1,000"
    assert rows["validate"][1] == "125,000"
    assert float(rows["read"][5]) == pytest.approx(20_002 / 3600 / 0.5 / 320, abs=0.01)
    whole = cost.Cluster(workers=20, cores=16, memory=64, network=1.25, efficiency=0.5, node=10**9)
    assert "does not fit" in {row[0]: row for row in cost.plan(formulas, facts, whole)}["synthesize"][-1]
    with pytest.raises(SystemExit):
        cost.extrapolate(cases, 10**9, 40, 3)


def test_the_limits_of_the_plan_are_those_of_the_product() -> None:
    from synth_spark.plan import parse
    from synth_spark.plan.planner import ResolvedPlan
    from synth_spark.validate import cuts
    from synth_spark.validate.proof import SENT_AS_THEY_ARE

    assert cost.SENT_AS_THEY_ARE == SENT_AS_THEY_ARE
    plan, names = parse({"input": {"path": "cases.csv"}}), tuple(f"c{index}" for index in range(20))
    for records in (10**4, 10**6, 10**7, 10**9):
        facts = invented(records)
        resolved = ResolvedPlan(plan, names, (2,) * 20, records, records, 20, ())
        assert cost.cuts(facts) == cuts(records, 2 * records)
        assert cost.counting_tasks(facts) == resolved.counting_tasks


def test_every_benchmark_loads_by_itself() -> None:
    """As `python benchmarks/NAME.py` would, with nothing but its own folder to import from."""
    loads = "import pathlib, runpy, sys; sys.path[0] = sys.argv[1]\n"
    loads += "for path in sorted(pathlib.Path(sys.argv[1]).glob('*.py')): runpy.run_path(str(path), run_name='loaded')"
    done = subprocess.run([sys.executable, "-c", loads, BENCHMARKS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
