"""Kernels of a package, shipped or installed: where the compiled code is kept, and that none is needed."""

import pickle
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numba
import numpy as np
import pytest
from pyspark import cloudpickle

from synth_spark.kernels import keyed_random
from synth_spark.kernels.keyed_random import hash_rows

PACKAGE = Path(__file__).parents[3] / "synth_spark"
NOWHERE = "/dev/null/none"
SCRIPT = """
import sys
sys.path = [path for path in sys.path if path not in {hidden!r}]
sys.path.insert(0, sys.argv[1])
import numpy as np
from synth_spark.kernels import keyed_random as sampling
assert sampling.__file__.startswith(sys.argv[1]), sampling.__file__
print(sampling.hash_rows(np.arange(6, dtype=np.uint16).reshape(3, 2), np.uint64(1)).tolist())
print(sum(sampling.hash_rows.stats.cache_hits.values()))
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "shipped" / "synth.zip"
    path.parent.mkdir()
    ship(path)
    return path


def ship(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for source in PACKAGE.rglob("*.py"):
            archive.write(source, source.relative_to(PACKAGE.parent))


def hashed(archive: Path, **environment: str) -> tuple[str, int]:
    """What a kernel of the archive answers in a process of its own, and whether it was found compiled."""
    script = SCRIPT.format(hidden=["", str(PACKAGE.parent)])
    command = [sys.executable, "-I", "-c", script, str(archive)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd="/")
    assert done.returncode == 0, done.stderr
    answer, hits = done.stdout.splitlines()
    return answer, int(hits)


def test_a_cache_is_found_again_wherever_the_archive_lies(archive: Path, tmp_path: Path) -> None:
    answer, hits = hashed(archive, HOME=str(tmp_path))
    assert hits == 0
    ship(tmp_path / "another.zip")
    assert hashed(tmp_path / "another.zip", HOME=str(tmp_path)) == (answer, 1)
    assert list((tmp_path / ".cache" / "synth-spark").rglob("*.nbi"))
    assert list(archive.parent.iterdir()) == [archive]


def test_environments_share_what_one_of_them_compiled(tmp_path: Path) -> None:
    hits = []
    for name in ("one", "another", "changed"):
        copy = tmp_path / name / "synth_spark"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        if name == "changed":  # a kernel that others may call
            with (copy / "kernels" / "cells.py").open("a") as stream:
                stream.write("\n# changed\n")
        hits.append(hashed(tmp_path / name, HOME=str(tmp_path))[1])
        assert not list(copy.rglob("*.nbi"))
    assert hits == [0, 1, 0]


def test_the_cache_folder_can_be_set(archive: Path, tmp_path: Path) -> None:
    set_to = {"HOME": NOWHERE, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    answer, _ = hashed(archive, **set_to)
    assert hashed(archive, **set_to) == (answer, 1)
    assert list((tmp_path / "cache").rglob("*.nbi"))


def test_without_a_home_the_cache_is_beside_the_archive(archive: Path) -> None:
    answer, _ = hashed(archive, HOME=NOWHERE)
    assert hashed(archive, HOME=NOWHERE) == (answer, 1)
    assert list(archive.parent.rglob("*.nbi"))


def test_without_any_folder_kernels_are_compiled_in_memory(archive: Path) -> None:
    answer, _ = hashed(archive, HOME=NOWHERE)
    nowhere = {"HOME": NOWHERE, "NUMBA_CACHE_DIR": NOWHERE}
    for left in [path for path in archive.parent.iterdir() if path != archive]:
        left.rename(archive.parent.parent / left.name)
    (archive.parent / "synth-spark").write_text("no folder")
    assert hashed(archive, **nowhere) == (answer, 0)


def test_a_cache_of_other_sources_is_not_used(archive: Path, tmp_path: Path) -> None:
    hashed(archive, HOME=str(tmp_path))
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("synth_spark/kernels/another.py", "")
    assert hashed(archive, HOME=str(tmp_path))[1] == 0


def test_a_kernel_travels_by_its_name() -> None:
    """A function that is sent to a task brings no kernel to be compiled there anew."""

    def task(codes: np.ndarray) -> np.ndarray:
        return keyed_random.hash_rows(codes, np.uint64(1))

    def direct(codes: np.ndarray) -> np.ndarray:
        return hash_rows(codes, np.uint64(1))

    arrived = pickle.loads(cloudpickle.dumps(direct))
    assert arrived.__globals__["hash_rows"] is hash_rows
    assert pickle.loads(pickle.dumps(hash_rows)) is hash_rows
    codes = np.ones((2, 3), np.uint16)
    assert arrived(codes).tolist() == task(codes).tolist()


def test_a_kernel_without_a_name_travels_as_numba_does_it() -> None:
    doubled = numba.njit(lambda x: 2 * x)
    assert pickle.loads(cloudpickle.dumps(doubled))(4) == 8


SIGNATURES = """
import sys
from numba.core.registry import CPUDispatcher
from synth_spark.kernels.warmup import compile_kernels
compile_kernels()
kernels = {name: thing for module in list(sys.modules.values()) if module.__name__.startswith("synth_spark.kernels")
           for name, thing in vars(module).items() if isinstance(thing, CPUDispatcher)}
of_text = {"csv_records", "csv_words"}  # whose units are bytes, or characters where a delimiter is none of one byte
def types(kernel):
    found = {" ".join(map(str, signature)) for signature in kernel.signatures}
    if kernel.py_func.__module__.rpartition(".")[2] in of_text:
        found = {one.replace("array(uint32, 1d, C)", "array(uint8, 1d, C)") for one in found}
    return found
print(len(kernels), *(name for name, kernel in kernels.items() if len(types(kernel)) > 1))
"""


def test_each_kernel_is_compiled_once() -> None:
    """Literal numbers and arrays that cannot be written are types of their own, each of which costs seconds."""
    done = subprocess.run([sys.executable, "-c", SIGNATURES], capture_output=True, text=True, check=True)
    number, *twice = done.stdout.split()
    assert int(number) > 50
    assert twice == []
