"""What schedulers start and are told: the crontab's command is run, the DAG is walked, exit codes are as said."""

import ast
import json
import re
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any, Self

import pytest
from installing import ROOT, clean_environment
from pyspark.sql import SparkSession
from releasing import published

from synth_spark import demo, errors
from synth_spark.cli.exit_table import EXIT_CODES, exit_lines, exit_table
from synth_spark.cli.main import COMMANDS, main
from synth_spark.cli.parser import parser

COMMAND = Path(sys.executable).with_name("synth-spark")
CRONTAB = ROOT / "conf" / "schedule" / "crontab"
DAG = ROOT / "conf" / "schedule" / "airflow_dag.py"


def test_exit_codes_are_those_of_the_one_table() -> None:
    """Documents hold it as it is, errors have its codes, and the help prints it."""
    text = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
    assert exit_table() in text
    kinds = [errors.SynthSparkError, *errors.SynthSparkError.__subclasses__()]
    told = {one.error: one.code for one in EXIT_CODES if one.error}
    assert told == {kind.__name__: kind.exit_code for kind in kinds}
    others = {one.code for one in EXIT_CODES if not one.error}
    assert others == {errors.PUBLISHED, errors.UNFORESEEN, errors.INTERRUPTED}
    assert errors.exit_code(KeyboardInterrupt()) == errors.INTERRUPTED
    assert errors.exit_code(ZeroDivisionError()) == errors.UNFORESEEN
    assert [errors.exit_code(kind("a", "b", "c")) for kind in kinds] == [kind.exit_code for kind in kinds]
    assert exit_lines() in parser(COMMANDS).format_help()
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    named = {int(code) for page in pages for code in re.findall(r"exit(?:s with| code) (\d+)", page.read_text())}
    assert named - {75} <= {one.code for one in EXIT_CODES}  # 75 is that of flock


def test_every_recipe_encrypts_what_is_shuffled_and_spilled() -> None:
    """A command that starts a session elsewhere, and the job's cluster; what starts the command has its own session."""
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))]
    blocks = [block for text in texts for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]
    commands = [command for block in blocks for command in re.findall(r"spark-submit (?:.*\\\n)*.*", block)]
    commands += [block for block in blocks if re.search("^(aws emr|gcloud dataproc)", block, re.MULTILINE)]
    assert len(commands) == 7
    assert [command for command in commands if "spark.io.encryption.enabled=true" not in command] == []
    job = (ROOT / "conf" / "databricks" / "release.job.yml").read_text(encoding="utf-8")
    clusters = job.split("new_cluster:")[1:]
    assert len(clusters) == 1
    assert all('spark.io.encryption.enabled: "true"' in cluster.split("tasks:")[0] for cluster in clusters)


def entries(text: str) -> tuple[dict[str, str], list[tuple[list[str], str]]]:
    """A crontab: its variables, and its lines, (five fields, command)."""
    variables: dict[str, str] = {}
    lines = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        assigned = re.fullmatch(r"([A-Z_]+)=(\S+)", line)
        if assigned:
            variables[assigned[1]] = assigned[2]
            continue
        *fields, command = re.split(r"\s+", line, maxsplit=5)
        assert len(fields) == 5
        assert all(re.fullmatch(r"[0-9*/,-]+", field) for field in fields)
        assert "%" not in command  # cron makes a line break of it
        lines.append((fields, command))
    return variables, lines


@pytest.fixture
def state(spark: SparkSession, tmp_path: Path) -> Path:
    """What the crontab's variables lead to: a folder of the job, with a plan and cases."""
    demo.write_csv(spark, tmp_path / "cases.csv", 300, seed=3)
    plan = {
        "input": {"path": str(tmp_path / "cases.csv"), "columns": ["gender", "ageBroad", "citizenship"]},
        "privacy": {"kind": "k_anonymity", "k": 5},
        "reporting_length": 2,
        "output": {"path": str(tmp_path / "out")},
    }
    (tmp_path / "plan.yml").write_text(json.dumps(plan))
    return tmp_path


@pytest.mark.takes("a process of its own, with Spark")
def test_the_crontab_makes_a_release_and_mails_what_went_wrong(state: Path) -> None:
    variables, [(_, command)] = entries(CRONTAB.read_text(encoding="utf-8"))
    here = {"SYNTH_SPARK": str(COMMAND), "PLAN": str(state / "plan.yml"), "STATE": str(state)}
    assert set(here) | {"MAILTO", "SHELL"} == set(variables)

    def started(**more: str) -> subprocess.CompletedProcess[str]:
        shell = [variables["SHELL"], "-c", command]
        environment = clean_environment(**here, **more)
        return subprocess.run(shell, env=environment, capture_output=True, text=True, check=False, cwd="/")

    done = started()
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("", "")  # cron mails whatever is printed
    assert len(published(state / "out", "synthetic_records")) > 100
    assert json.loads((state / "summary.json").read_text())["verdict"] == "published"
    assert (state / "log.jsonl").stat().st_mode & 0o077 == 0
    assert not list((state / "out.work").glob(".*")), "what Spark shuffled and spilled is gone"
    (state / "cases.csv").unlink()
    failed = started()
    assert failed.returncode == 3
    assert json.loads(failed.stdout)["error"]["class"] == "InputError"
    events = [json.loads(line)["event"] for line in (state / "log.jsonl").read_text().splitlines()]
    assert events[-1] == "failed"
    assert "run_finished" in events


@pytest.mark.takes("a process of its own, with Spark")
def test_a_scheduler_that_stops_a_run_is_told_so(state: Path) -> None:
    """And all that is on standard error are objects, one a line, also of a process that starts Spark itself."""
    log = state / "stderr"
    told = ["--log-format", "json", "--summary", str(state / "summary.json"), "--run-id", "stopped"]
    command = [COMMAND, "run", state / "plan.yml", *told]
    with log.open("w") as stream:
        started = subprocess.Popen(command, env=clean_environment(), cwd="/", stderr=stream)
    while started.poll() is None and not (log.exists() and '"stage_started"' in log.read_text()):
        time.sleep(0.05)
    started.terminate()
    assert started.wait(timeout=60) == 130
    found = json.loads((state / "summary.json").read_text())
    assert (found["verdict"], found["exit_code"], found["error"]["class"]) == ("interrupted", 130, "KeyboardInterrupt")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    ends = [line for line in lines if line["event"] == "run_finished"]
    assert [end["verdict"] for end in ends] == ["interrupted"]
    assert not (state / "out" / "LATEST.json").exists()
    assert main(["resume", found["run_folder"], "--quiet"]) == 0
    assert (state / "out" / "LATEST.json").exists()


class Recorded:
    """Stands for Airflow's DAG and operator: remembers what was made, and what comes after what."""

    made: list["Recorded"]

    def __init__(self, **settings: Any) -> None:
        self.settings, self.after = settings, []
        type(self).made.append(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def __rshift__(self, other: "Recorded") -> "Recorded":
        other.after.append(self.settings["task_id"])
        return other


@pytest.fixture
def dag(monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], dict[str, Recorded], types.ModuleType]:
    """The DAG as Airflow would read it: settings, tasks by id, and its module."""
    kinds = {name: type(name, (Recorded,), {"made": []}) for name in ("DAG", "BashOperator")}
    for path, name in (("airflow.models.dag", "DAG"), ("airflow.providers.standard.operators.bash", "BashOperator")):
        parts = path.split(".")
        for depth in range(1, len(parts) + 1):
            module = ".".join(parts[:depth])
            if module not in sys.modules:
                monkeypatch.setitem(sys.modules, module, types.ModuleType(module))
        monkeypatch.setattr(sys.modules[path], name, kinds[name], raising=False)
    module = types.ModuleType("airflow_dag")
    source = DAG.read_text(encoding="utf-8")
    imported = [node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in imported if (name or "").startswith(("synth_spark", "pyspark"))]
    exec(compile(source, str(DAG), "exec"), module.__dict__)
    (made,) = kinds["DAG"].made
    return made.settings, {task.settings["task_id"]: task for task in kinds["BashOperator"].made}, module


def test_the_dag_has_one_line_of_tasks(dag: tuple[dict[str, Any], dict[str, Recorded], types.ModuleType]) -> None:
    settings, tasks, module = dag
    assert {name: task.after for name, task in tasks.items()} == {
        "plan": [],
        "release": ["plan"],
        "verdict": ["release"],
    }
    assert settings["max_active_runs"] == 1
    assert settings["catchup"] is False
    assert len(settings["schedule"].split()) == 5
    assert settings["default_args"]["retries"] == 2
    assert tasks["verdict"].settings["retries"] == 0
    assert set(module.TRY_AGAIN) == {one.code for one in EXIT_CODES if one.mendable}


@pytest.mark.parametrize("code", [one.code for one in EXIT_CODES])
def test_only_what_may_be_mended_is_tried_again(
    dag: tuple[dict[str, Any], dict[str, Recorded], types.ModuleType], code: int, tmp_path: Path
) -> None:
    """The tasks' own shell commands, with a command in place of the product that ends as it is told to."""
    _, tasks, module = dag
    stand_in = tmp_path / "synth-spark"
    verdict = "published" if code == 0 else "held"
    summary = json.dumps({"verdict": verdict})
    stand_in.write_text(f"#!/bin/sh\nfor last; do :; done\necho '{summary}' > \"$last\"\nexit {code}\n")
    stand_in.chmod(0o755)

    def ends(name: str) -> int:
        text = tasks[name].settings["bash_command"].replace("{{ ts_nodash }}", "20260101T030000")
        text = text.replace(module.SYNTH_SPARK, str(stand_in)).replace(module.STATE, str(tmp_path))
        assert "{{" not in text
        return subprocess.run(["bash", "-c", text], capture_output=True, check=False).returncode

    assert ends("release") == (code if code in module.TRY_AGAIN else 0)
    assert (ends("verdict") == 0) == (code == 0)


def test_the_dags_commands_are_the_products(
    dag: tuple[dict[str, Any], dict[str, Recorded], types.ModuleType], state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What follows the command's name is run, in this process, on a plan of this test."""
    _, tasks, module = dag
    for name, code in (("plan", 0), ("release", 0)):
        text = tasks[name].settings["bash_command"].replace("{{ ts_nodash }}", "now")
        line = next(line for line in text.splitlines() if line.startswith(module.SYNTH_SPARK))
        words = line.replace(module.PLAN, str(state / "plan.yml")).replace(module.STATE, str(state)).split()[1:]
        assert main(words) == code
    assert json.loads((state / "now.json").read_text())["verdict"] == "published"
    assert '"verdict": "published"' in (state / "now.json").read_text()  # as the last task looks for it
    assert all(json.loads(line) for line in capsys.readouterr().err.splitlines())
