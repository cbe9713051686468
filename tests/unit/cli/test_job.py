"""The Databricks bundle, checked offline: its shape, its references, and that the plan it starts is one."""

import importlib.metadata
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from databricks.bundles.jobs import Job
from installing import ROOT, build_wheel, run
from packaging.requirements import Requirement

from synth_spark.cli import job
from synth_spark.cli.main import COMMANDS, plan_of
from synth_spark.cli.parser import parser

BUNDLE = yaml.safe_load((ROOT / "databricks.yml").read_text(encoding="utf-8"))
JOBS: dict[str, dict[str, Any]] = {}
for pattern in BUNDLE["include"]:
    for path in sorted(ROOT.glob(pattern)):
        JOBS |= yaml.safe_load(path.read_text(encoding="utf-8"))["resources"]["jobs"]
#: What the platform itself knows.
BUILT_IN = {"bundle.name", "bundle.target", "workspace.file_path", "workspace.root_path"}


def texts(content: Any) -> list[str]:
    """All texts of a nested structure."""
    if isinstance(content, dict):
        return [text for value in content.values() for text in texts(value)]
    if isinstance(content, list):
        return [text for value in content for text in texts(value)]
    return [content] if isinstance(content, str) else []


def references(content: Any) -> set[str]:
    return {name for text in texts(content) for name in re.findall(r"\$\{([^}]*)\}", text)}


def filled(text: str, target: str) -> str:
    """A text with the variables of a target in place."""
    chosen = {name: about.get("default") for name, about in BUNDLE["variables"].items()}
    chosen |= BUNDLE["targets"][target]["variables"]
    text = text.replace("${workspace.file_path}", str(ROOT))
    return re.sub(r"\$\{var\.([a-z_]+)\}", lambda found: str(chosen[found[1]]), text)


@pytest.mark.parametrize("name", JOBS)
def test_a_job_has_the_shape_that_the_platform_takes(name: str) -> None:
    read = Job.from_dict(JOBS[name])
    assert json.loads(json.dumps(read.as_dict())) == json.loads(json.dumps(JOBS[name]))


@pytest.mark.parametrize(
    ("where", "key"),
    [((), "task"), (("tasks", 0), "wheel"), (("tasks", 0, "python_wheel_task"), "arguments"), (("schedule",), "cron")],
)
def test_a_key_that_the_platform_does_not_know_is_found(where: tuple[Any, ...], key: str) -> None:
    broken = json.loads(json.dumps(JOBS["release"]))
    part = broken
    for step in where:
        part = part[step]
    part[key] = "x"
    with pytest.raises(Exception, match=key):
        Job.from_dict(broken)


def test_every_reference_leads_somewhere_and_every_variable_is_used() -> None:
    known = {f"var.{name}" for name in BUNDLE["variables"]}
    used = references(JOBS) | references({key: part for key, part in BUNDLE.items() if key != "variables"})
    assert used - BUILT_IN <= known
    assert {name for name in used if name.startswith("var.")} == known


@pytest.mark.parametrize("target", BUNDLE["targets"])
def test_a_target_gives_every_variable_a_value(target: str) -> None:
    given = BUNDLE["targets"][target]["variables"]
    assert set(given) <= set(BUNDLE["variables"])
    assert all("default" in about or name in given for name, about in BUNDLE["variables"].items())
    assert BUNDLE["targets"][target]["mode"] in ("development", "production")


def test_tasks_name_compute_and_a_wheel_that_are_there() -> None:
    (artifact,) = BUNDLE["artifacts"].values()
    (built,) = (part["source"] for part in artifact["files"])
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{artifact['build'].removeprefix('make ')}:", makefile, re.MULTILINE)
    for one in JOBS.values():
        clusters = {cluster["job_cluster_key"] for cluster in one.get("job_clusters", [])}
        environments = {each["environment_key"]: each["spec"] for each in one.get("environments", [])}
        (task,) = one["tasks"]
        wheels = [library["whl"] for library in task.get("libraries", [])]
        if "environment_key" in task:
            wheels += environments[task["environment_key"]]["dependencies"]
        else:
            assert task["job_cluster_key"] in clusters
        assert [(ROOT / "conf" / "databricks" / wheel).resolve() for wheel in wheels] == [ROOT / built]


@pytest.mark.parametrize("name", JOBS)
@pytest.mark.parametrize("target", BUNDLE["targets"])
def test_a_task_starts_a_command_that_is_understood(name: str, target: str) -> None:
    """Parameters, with the target's variables, are parsed and checked by the product itself."""
    task = JOBS[name]["tasks"][0]["python_wheel_task"]
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert task["package_name"].replace("_", "-") == "synth-spark"
    assert scripts[task["entry_point"]] == "synth_spark.cli.job:run"
    arguments = [filled(text, target) for text in task["parameters"]]
    assert not [text for text in arguments if "${" in text]
    options = parser(COMMANDS).parse_args(arguments)
    plan = plan_of(options)
    assert plan.input.table == f"{target}.cases.cases"
    assert plan.output.path == f"/Volumes/{target}/published/release"
    assert str(plan.work_folder) == f"/Volumes/{target}/cases/runs"
    assert not plan.work_folder.is_relative_to(plan.output.path)
    assert plan.operations.after_publication == "purge"
    assert options.log_format == "json"


def test_the_schedule_is_a_quartz_expression() -> None:
    fields = BUNDLE["variables"]["schedule"]["default"].split(" ")
    assert len(fields) == 6
    second, minute, hour, day, _month, weekday = fields
    assert (int(second), 0 <= int(minute) < 60, 0 <= int(hour) < 24) == (0, True, True)
    assert [day, weekday].count("?") == 1  # one of the two days must be left open


def test_the_wheel_brings_no_spark_unless_it_is_asked_for(tmp_path: Path) -> None:
    """As an installer sees it: without an extra nothing of Spark is required, and all that runs on it is."""
    target = tmp_path / "installed"
    command = ["-m", "pip", "install", "--no-deps", "--no-index", "--target", str(target)]
    assert run([sys.executable, *command, str(build_wheel(tmp_path / "dist"))]).returncode == 0
    (found,) = importlib.metadata.distributions(path=[str(target)])
    required = [Requirement(text) for text in found.requires or []]
    always = {one.name for one in required if one.marker is None}
    assert not {"pyspark", "delta-spark", "opendp", "scikit-learn"} & always
    assert {"great-expectations", "numba", "numpy", "pydantic"} <= always
    asked = {one.name for one in required if one.marker is not None and one.marker.evaluate({"extra": "spark"})}
    assert asked - always == {"pyspark"}
    assert {entry.name for entry in found.entry_points} == {"synth-spark", "synth-spark-job"}


def test_what_is_no_success_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that takes whatever returns for a success must not take a held release for one."""
    monkeypatch.setattr(job, "main", lambda _: 0)
    assert job.run() is None
    monkeypatch.setattr(job, "main", lambda _: 5)
    with pytest.raises(SystemExit) as raised:
        job.run()
    assert raised.value.code == 5


def test_versions_are_told_where_spark_has_no_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyspark

    from synth_spark.report.narrative import shared

    def version(name: str) -> str:
        if name in ("pyspark", "opendp"):
            raise importlib.metadata.PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(shared, "version", version)
    told = shared.versions()
    assert (told["pyspark"], told["opendp"], told["numpy"]) == (pyspark.__version__, "unknown", "1")
