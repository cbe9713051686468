"""What the tests of the product as it is started elsewhere compare with, and what several of them start."""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from installing import SPARK_HOME, bare_environment, build_wheel, run
from pyspark.sql import SparkSession
from releasing import hashes, release
from sharing import CTDC, alone


@pytest.fixture(scope="module")
def expected(spark: SparkSession, cases: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Content hashes of a release of the module's ``cases`` in this process."""
    out = tmp_path_factory.mktemp("expected") / "out"
    release(spark, cases, out)
    return hashes(out)


@pytest.fixture(scope="session")
def wheel(common: Path) -> Path:
    """The wheel of this checkout, built once for all processes."""
    folder = common / "wheel"
    with alone(common, "wheel"):
        found = list(folder.glob("*.whl"))
        return found[0] if found else build_wheel(folder)


class Demo(NamedTuple):
    """The demo, as a user of the wheel runs it: 1,000 cases of seed 1, and a release of seed 1."""

    python: Path
    folder: Path
    ended: subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def demo_of_the_wheel(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The wheel is installed where nothing of it was; only its dependencies are borrowed."""
    folder = tmp_path_factory.mktemp("installed")
    python = bare_environment(folder / "env", "--without-pip")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel]
    assert run(install).returncode == 0
    command = [python.with_name("synth-spark"), "demo", "--rows", "1000", "--set", "seed=1"]
    ended = run([*command, "--output", folder / "demo"], SPARK_HOME=str(SPARK_HOME))  # whose classes are in the archive
    return Demo(python, folder / "demo", ended)


@pytest.fixture(scope="session")
def ctdc(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of CTDC's cases in this process, by tests that have the fixture ``shared``, too."""
    out = tmp_path_factory.mktemp("ctdc") / "out"
    release(spark, CTDC, out, privacy__k=10)
    return out
