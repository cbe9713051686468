"""What is said where an installation lacks an extra, or the operating system is not POSIX."""

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

from synth_spark.errors import EXTRAS, EngineError, check_extra, missing_extra
from synth_spark.exports.warehouse.database import connected
from synth_spark.monitoring.lineage import Lineage
from synth_spark.pipeline.api import check_libraries
from synth_spark.plan import parse
from synth_spark.plan.sources.preview import look
from synth_spark.privacy import Delta, Rho, Sigma, epsilon_of, scaled_to
from synth_spark.privacy.mechanisms import VettedNoise
from synth_spark.privacy.units import Epsilon
from synth_spark.storage import append_log

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CASES = {"input": {"path": "cases.csv"}}
#: A file that begins as workbooks do.
WORKBOOK = b"PK\x03\x04"


def warehouse(target: str) -> None:
    with connected(target):
        pass


#: What asks for a module of an extra → module, extra, and how it is asked for.
ASKED: dict[str, tuple[str, str, Callable[[], object]]] = {
    "noise": ("opendp", "dp", lambda: VettedNoise().gaussian(3, Sigma(2.0))),
    "choice": ("opendp", "dp", lambda: VettedNoise().choose(np.array([1, 2]), Rho(0.1))),
    "accountant": ("opendp", "dp", lambda: epsilon_of(Rho(0.1), Delta(1e-6))),
    "losses": ("dp_accounting", "dp", lambda: scaled_to([Sigma(2.0)], Epsilon(1.0), Delta(1e-6))),
    "private run": (
        "dp_accounting",
        "dp",
        lambda: check_libraries(parse({**CASES, "privacy": {"kind": "differential_privacy", "epsilon": 1}})),
    ),
    "rehearsal": (
        "sklearn",
        "attacks",
        lambda: check_libraries(parse({**CASES, "assessment": {"rehearsal": True}})),
    ),
    "ledger": ("obstore", "s3", lambda: append_log.opened("s3://bucket/ledger")),
    "ledger in HDFS": ("hdfs_native", "hdfs", lambda: append_log.opened("hdfs://host:8020/ledger")),
    "postgresql": ("adbc_driver_postgresql", "warehouse", lambda: warehouse("postgresql://host/cases")),
    "duckdb": ("duckdb", "warehouse", lambda: warehouse("duckdb:cases.duckdb")),
    "lineage": (
        "openlineage",
        "lineage",
        lambda: Lineage(parse({**CASES, "operations": {"lineage": "events.jsonl"}})),
    ),
}


@pytest.mark.parametrize("what", ASKED)
def test_a_missing_library_is_an_error_that_names_the_extra(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, extra, ask = ASKED[what]
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    with pytest.raises(EngineError, match=rf"needs {module}, .* pip install 'synth-spark\[{extra}\]'$"):
        ask()


def test_a_workbook_without_its_reader_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cases.xlsx").write_bytes(WORKBOOK)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(EngineError, match=r"input\.format: needs openpyxl, .*'synth-spark\[excel\]'$"):
        look(parse({"input": {"path": str(tmp_path / "cases.xlsx")}}))


def test_extras_are_those_of_the_package_and_all_of_them_are_in_one() -> None:
    declared = PROJECT["optional-dependencies"]
    assert set(EXTRAS) <= set(declared)
    (everything,) = (Requirement(text) for text in declared["all"])
    assert everything.name == PROJECT["name"]
    assert everything.extras == set(declared) - {"all"}
    needed = {Requirement(text).name for text in PROJECT["dependencies"]}
    assert not needed & {
        "pyspark",
        "delta-spark",
        "opendp",
        "dp-accounting",
        "scikit-learn",
        "duckdb",
        "obstore",
        "hdfs-native",
    }


def test_other_missing_modules_are_no_matter_of_an_extra() -> None:
    assert missing_extra(ModuleNotFoundError("No module named 'synth_spark.x'", name="synth_spark.x")) is None
    assert missing_extra(ImportError("cannot import name", name="pyspark")) is None
    for extra, modules in EXTRAS.items():
        for module in modules:
            told = missing_extra(ModuleNotFoundError(f"No module named '{module}'", name=f"{module}.x"))
            assert f"'synth-spark[{extra}]'" in str(told)


def test_what_is_installed_is_not_refused() -> None:
    for extra in EXTRAS:
        check_extra(extra, "input")


# --- in processes of their own

#: Runs a command where modules cannot be imported: modules, then the command's words.
_WITHOUT = """
import sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None
from synth_spark.cli.main import main
sys.exit(main(sys.argv[2:]))
"""
#: Modules that only POSIX systems have.
POSIX = "fcntl,resource,pwd,grp,termios"
#: Imports every module but the ones that run as they are imported.
_EVERY = f"""
import importlib, pkgutil, sys
for name in "{POSIX}".split(","):
    sys.modules[name] = None
import synth_spark
names = [one.name for one in pkgutil.walk_packages(synth_spark.__path__, "synth_spark.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names))
"""


def started(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.csv"
    path.write_text("gender,age\n" + "Woman,0-17\nMan,18-30\n" * 50)
    return path


def test_without_spark_a_plan_is_printed_and_a_run_is_refused_in_one_line(cases: Path) -> None:
    planned = started(_WITHOUT, "pyspark,delta", "plan", "--input", str(cases))
    assert planned.returncode == 0, planned.stderr
    refused = started(_WITHOUT, "pyspark,delta", "run", "--input", str(cases), "--output", str(cases.parent / "out"))
    assert (refused.returncode, refused.stdout) == (EngineError.exit_code, "")
    (line,) = refused.stderr.splitlines()
    assert line.endswith("install it: pip install 'synth-spark[spark]'")
    assert list(cases.parent.iterdir()) == [cases]


def test_every_module_is_imported_where_nothing_of_posix_is() -> None:
    done = started(_EVERY)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 250


def test_without_posix_a_plan_is_printed_and_a_ledger_in_a_file_is_refused(cases: Path) -> None:
    planned = started(_WITHOUT, POSIX, "plan", "--input", str(cases))
    assert planned.returncode == 0, planned.stderr
    ledger = cases.parent / "ledger.jsonl"
    granted = started(_WITHOUT, POSIX, "ledger", "grant", str(ledger), str(cases), "--epsilon", "1", "--delta", "1e-6")
    assert granted.returncode == 7
    (line,) = granted.stderr.splitlines()
    assert "no file can be locked (this operating system has no locks on files)" in line
    assert "; choose another file, or a store" in line
