"""The front of the package: what it names, what it loads, and what a type checker sees of it."""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from installing import ROOT, run
from pyspark import cloudpickle

import synth_spark as ss
import synth_spark.plan as plans
from synth_spark import library
from synth_spark.errors import InputError
from synth_spark.runtime import scratch

#: A script of a user, of which every type is told.
SCRIPT = """
from pathlib import Path
from typing import assert_type

import pandas as pd
import polars as pl
from pyspark.sql import DataFrame, SparkSession

import synth_spark as ss
from synth_spark.plan import load

frame = pd.DataFrame({"gender": ["Woman", "Man"]})
released = ss.release(frame, k=10, seed=1, input={"columns": ["gender"]}, output="out", accepted={"a.b": "so"})
assert_type(released, ss.Release[pd.DataFrame])
assert_type(released.synthetic, pd.DataFrame)
assert_type(released.publish("out"), ss.Release[pd.DataFrame])
assert_type(released.package(), Path)
assert_type(released.run_id, str)
assert_type(ss.release(pl.DataFrame({"a": ["x"]}), length=2).aggregates, pl.DataFrame)
assert_type(ss.release(frame, epsilon=1.0, ledger=Path("l.jsonl"), data_set="a").quality, pd.DataFrame)
assert_type(ss.release("cases.csv", k=10).evaluation, pd.DataFrame)
assert_type(ss.release(Path("plan.yml"), synthesis={"kind": "unseeded"}).evaluation, pd.DataFrame)
assert_type(ss.release(frame, plan=load("plan.yml", {}), quiet=True), ss.Release[pd.DataFrame])


def of_spark(spark: SparkSession, cases: DataFrame) -> DataFrame:
    return ss.release(cases, k=5, spark=spark).synthetic


planned = ss.plan(frame, k=10)
assert_type(planned.plan, ss.Plan)
assert_type(ss.Plan.from_yaml(planned.plan.to_yaml()), ss.Plan)
assert_type(ss.inspect(frame).linkable, float)
assert_type(ss.tune(frame, ks=(5, 10), seed=1).advice, str)
assert_type(ss.open_release("out"), ss.Release[pd.DataFrame])
assert_type(ss.open_release("out", kind="polars").synthetic, pl.DataFrame)
assert_type(ss.resume("run", frame, accept={"use.kept_pairs": "small"}), ss.Release[pd.DataFrame])
try:
    ss.resume()
except ss.HeldError as held:
    assert_type(held.held, tuple[ss.Broken, ...])
    assert_type(held.report, Path | None)
"""
#: Lines that are wrong, each by itself.
WRONG = (
    'ss.release(frame, k="ten")',
    "ss.release(frame, kk=10)",
    'ss.plan(frame, reporting_length="3")',
    "released.unaudited",
    "ss.plan(frame).load",
)


def test_importing_it_loads_nothing() -> None:
    code = "import synth_spark, sys; print(sorted({'pyspark', 'pandas', 'pydantic', 'pyarrow'} & set(sys.modules)))"
    done = run([sys.executable, "-c", code], PYTHONPATH=str(ROOT))
    assert done.stdout == "[]\n", done.stderr


def test_what_it_names_is_there() -> None:
    assert set(ss.__all__) - {"__version__"} == set(library.__all__)
    assert set(ss.__all__) <= set(dir(ss))
    for name in library.__all__:
        assert getattr(ss, name) is (plans if name == "plan" else getattr(library, name))
    with pytest.raises(AttributeError, match="no attribute 'relaese'"):
        ss.relaese  # type: ignore[attr-defined]  # noqa: B018


def test_the_package_of_plans_can_be_called_and_sent() -> None:
    assert plans is ss.plan
    with pytest.raises(InputError, match="does not exist"):
        ss.plan("none.csv", k=5)
    assert pickle.loads(pickle.dumps(plans)) is plans
    assert pickle.loads(cloudpickle.dumps(plans)) is plans


def checked(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "script.py").write_text(SCRIPT)
    (folder / "wrong.py").write_text(SCRIPT + "\n".join(WRONG))
    return folder


def wrong_lines() -> set[int]:
    first = SCRIPT.count("\n") + 1
    return set(range(first, first + len(WRONG)))


@pytest.mark.takes("mypy looks at all of the package")
def test_a_script_of_a_user_passes_mypy(scripts: Path) -> None:
    mypy = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--no-color-output"]
    fine = checked([*mypy, "script.py"], scripts)
    assert fine.returncode == 0, fine.stdout + fine.stderr
    told = checked([*mypy, "wrong.py"], scripts).stdout
    assert {int(line.split(":")[1]) for line in told.splitlines() if ": error: " in line} == wrong_lines(), told


def test_a_script_of_a_user_passes_pyright(scripts: Path) -> None:
    command = shutil.which("pyright", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if command is None:
        pytest.skip("pyright is not installed")
    (scripts / "pyrightconfig.json").write_text(
        f'{{"typeCheckingMode": "strict", "extraPaths": ["{ROOT}"], "reportMissingTypeStubs": false}}'
    )
    pyright = [command, "--pythonpath", sys.executable]
    fine = checked([*pyright, "script.py"], scripts)
    assert fine.returncode == 0, fine.stdout + fine.stderr
    told = checked([*pyright, "wrong.py"], scripts).stdout
    found = {int(line.split(":")[1]) for line in told.splitlines() if " - error: " in line}
    assert found == wrong_lines(), told


def test_the_private_folder_is_made_once_and_goes_with_the_process() -> None:
    code = "from synth_spark.runtime.scratch import private_folder as p; assert p() == p(); print(p(), p().is_dir())"
    done = run([sys.executable, "-c", code], PYTHONPATH=str(ROOT))
    folder, was_there = done.stdout.split()
    assert was_there == "True", done.stderr
    assert not Path(folder).exists()
    assert Path(folder) != scratch.private_folder()
