"""What the tests of the installed product share: its wheel, environments without it, commands in clean processes."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pyspark

from synth_spark.runtime.class_archive import java_options
from synth_spark.runtime.session import check_java

ROOT = Path(__file__).parents[2]
SPARK_HOME = Path(pyspark.__file__).parent


def short_lived() -> str:
    """Options of Java that suit processes that live for a minute and share few cores."""
    simple = ("-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=240m", "-XX:+UseSerialGC")
    return " ".join([*simple, *java_options(check_java())])


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without what its Spark put there."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYSPARK_", "SPARK_"))}
    return {**clean, **more}


def run(command: list[str | Path], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process without this one's Spark."""
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(**environment),
        cwd="/",
    )


def installed(given: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """The installed command in the current folder, in a process of its own that finds no Java."""
    command = [str(Path(sys.executable).with_name("synth-spark")), *map(str, given)]
    environment = {name: text for name, text in clean_environment(PATH="/nowhere").items() if name != "JAVA_HOME"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout."""
    built = run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT])
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def bare_environment(folder: Path, *options: str) -> Path:
    """The Python of a new environment that has what the package needs, borrowed by links, and not the package."""
    assert run([sys.executable, "-m", "venv", *options, folder]).returncode == 0
    packages = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if "synth_spark" not in package.name and not (packages / package.name).exists() and package.suffix != ".pth":
            (packages / package.name).symlink_to(package)
    return folder / "bin" / "python"
