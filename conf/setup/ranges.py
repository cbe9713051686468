"""The ranges of pyproject.toml, tried at both ends: `make ranges` installs each end, and runs tests and the demo there.

An end is an environment of its own, made anew: all requirements at their lowest, all at their newest, and the newest
with each older series of Spark. requirements.lock is not asked. It needs an index of packages, and some minutes an end:
ranges.py [END…] [--folder FOLDER].
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: What is run at every end. What compares itself with the lock file, and what needs its tools, is not.
LANE = (
    "tests/unit",
    "tests/stages/test_line.py",
    "--ignore=tests/unit/test_security.py",
    "--ignore=tests/unit/test_floor.py",
    "--deselect=tests/unit/library/test_front.py::test_a_script_of_a_user_passes_mypy",
)
#: Tests of Delta tables, where Delta is built for the Spark of the end; a page names the versions of the lock file.
DELTA = (
    "tests/stages/test_delta.py",
    "--deselect=tests/stages/test_delta.py::test_what_is_documented_of_mapped_tables_is_so",
)


#: Packages whose versions are printed.
SHOWN = ("pyspark", "pandas", "numpy", "pyarrow", "numba", "great-expectations", "opendp", "scikit-learn")


@dataclass(frozen=True)
class End:
    """An end of the ranges.

    Attributes:
        name: what it is called.
        what: what is installed, in a few words.
        resolution: which versions uv chooses.
        bounds: further requirements.
        tests: what pytest is handed.
    """

    name: str
    what: str
    resolution: str = "highest"
    bounds: tuple[str, ...] = ()
    tests: tuple[str, ...] = (*LANE, *DELTA)


ENDS = (
    End("floor", "the lowest version that each requirement allows", "lowest-direct"),
    End("spark-4.1", "the newest of everything with Spark 4.1", bounds=("pyspark[connect]<4.2",)),
    End("spark-4.2", "the newest of everything with Spark 4.2", bounds=("pyspark[connect]<4.3",)),
    End("ceiling", "the newest of everything", tests=LANE),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try ends of the ranges; returns 1 if one of them failed.

    Args:
        arguments: of the command line; default: those of this process.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ends", nargs="*", metavar="END", help=f"default: all of {', '.join(one.name for one in ENDS)}")
    parser.add_argument("--folder", type=Path, help="where the environments go, and stay; default: nowhere")
    options = parser.parse_args(arguments)
    unknown = set(options.ends) - {one.name for one in ENDS}
    if unknown:
        parser.error(f"no end is called {', '.join(sorted(unknown))}")
    failed = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).absolute()
        uv = installer(folder / "uv")
        for end in ENDS:
            if not options.ends or end.name in options.ends:
                print(f"== {end.name}: {end.what}", flush=True)
                failed += [] if tried(end, folder, uv) else [end.name]
    print(f"failed: {', '.join(failed)}" if failed else "all passed")
    return int(bool(failed))


def installer(folder: Path) -> Path:
    """The command uv, in an environment of its own: pip cannot choose the lowest versions."""
    command = folder / "bin" / "uv"
    if not command.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", "uv"], check=True)
    return command


def tried(end: End, folder: Path, uv: Path) -> bool:
    """Whether an end can be installed, and passes its tests and the demo."""
    place = folder / end.name
    python = place / "bin" / "python"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SPARK_", "PYSPARK_"))}

    def done(*command: str | Path) -> bool:
        return subprocess.run(command, cwd=ROOT, env={**clean, "VIRTUAL_ENV": str(place)}, check=False).returncode == 0

    def installed(*what: str | Path) -> bool:
        return done(uv, "pip", "install", "--quiet", *what)

    chosen = place / "chosen.txt"
    if not (
        done(uv, "venv", "--quiet", "--seed", "--clear", "--python", "3.11", place)
        and installed("--resolution", end.resolution, "--editable", ".[all]", *end.bounds)
    ):
        return False
    frozen = subprocess.run(
        [uv, "pip", "freeze"], env={**clean, "VIRTUAL_ENV": str(place)}, capture_output=True, text=True
    )
    lines = [line for line in frozen.stdout.splitlines() if "==" in line]
    chosen.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("  " + ", ".join(line for line in lines if line.partition("==")[0] in SHOWN), flush=True)
    demo = tempfile.mkdtemp(dir=place)
    return (
        installed("--constraint", chosen, "--group", "test")
        and done(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *end.tests)
        and done(place / "bin" / "synth-spark", "demo", "--rows", "3000", "--output", demo)
    )


if __name__ == "__main__":
    sys.exit(main())
