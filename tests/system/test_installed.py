"""The product as its users start it: the command, a job, a notebook, over Spark Connect, and from its wheel."""

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from installing import ROOT, SPARK_HOME, run, short_lived
from pyspark.sql import SparkSession
from releasing import hashes, published

from notebooks import Kernel, kernel, shown
from synth_spark import demo
from synth_spark.cli.main import main

COMMAND = Path(sys.executable).with_name("synth-spark")
NOTEBOOKS = ROOT / "notebooks"


#: As many as tell ways of starting the line apart; the demo of the wheel and the notebooks take all 27.
COLUMNS = ["yearOfRegistration", "gender", "ageBroad", "citizenship", "isForcedLabour", "meansThreats"]


@pytest.fixture(scope="module")
def whole(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "cases.csv.gz"
    demo.write_csv(spark, path, 500, seed=8)
    return path


@pytest.fixture(scope="module")
def cases(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cases") / "cases.csv.gz"
    pd.read_csv(whole, dtype=str, keep_default_na=False)[COLUMNS].to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel as a person starts it: without a session."""
    with kernel(tmp_path_factory.mktemp("kernel")) as started:
        yield started


@pytest.mark.takes("a process of its own, with Spark")
def test_over_spark_connect(cases: Path, expected: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run(
        [COMMAND, "run", "--input", cases, "--output", out, "--seed", "5"],
        SPARK_REMOTE="local[2]",
        PYSPARK_PYTHON=sys.executable,
        JAVA_TOOL_OPTIONS=short_lived(),
    )
    assert done.returncode == 0, done.stderr
    told = [*done.stdout.splitlines(), *done.stderr.splitlines()]
    usual = [line for line in told if not re.search(r", \d+ s$|^\S+ spark\.io\.encryption", line)]  # long; a remark
    assert len(usual) <= 12, done.stderr
    assert hashes(out) == expected


@pytest.mark.takes("a process of its own, with Spark")
def test_as_a_job_under_spark_submit(cases: Path, expected: dict[str, str], tmp_path: Path) -> None:
    submit = SPARK_HOME / "bin" / "spark-submit"
    out = tmp_path / "out"
    job = [submit, "--master", "local[2]", ROOT / "jobs" / "release.py"]
    asked = ["--input", cases, "--output", out, "--seed", "5", "--run-id", "job"]
    environment = {"PYSPARK_PYTHON": sys.executable, "JAVA_TOOL_OPTIONS": short_lived()}
    done = run([*job, *asked], **environment)
    assert done.returncode == 0, done.stderr
    assert hashes(out) == expected
    stage = [submit, "--master", "local[2]", ROOT / "jobs" / "stage.py", "publish", out.with_name("out.work") / "job"]
    again = run(stage, **environment)
    assert again.returncode == 6
    assert "has been published there already" in again.stdout + again.stderr  # spark-submit merges them


def test_the_wheel_in_an_empty_environment(demo_of_the_wheel) -> None:
    python, folder, _ = demo_of_the_wheel
    where = run([python, "-c", "import synth_spark; print(synth_spark.__file__)"])
    assert str(python.parents[1]) in where.stdout, where.stderr
    assert Path(where.stdout.strip()).with_name("py.typed").is_file()
    assert len(published(folder / "release", "synthetic_records")) > 400


def test_the_demo_command(demo_of_the_wheel) -> None:
    python, _, done = demo_of_the_wheel
    assert done.returncode == 0, done.stderr
    assert "Released " in done.stdout
    assert re.search(r"^\d\d:\d\d:\d\d synthesize: done in", done.stderr, re.MULTILINE)
    assert [line for line in done.stderr.splitlines() if not re.match(r"\d\d:\d\d:\d\d ", line)] == []  # progress alone
    told = re.search(r"look at the records  (python -c .*)$", done.stdout, re.MULTILINE)
    assert told
    shown = run([python, *shlex.split(told[1])[1:]])
    assert "yearOfRegistration" in shown.stdout, shown.stderr


@pytest.mark.takes("a kernel of its own, with Spark, and a whole notebook")
def test_the_notebook_gives_what_the_command_gives(demo_of_the_wheel, plain: Kernel) -> None:
    """In a kernel without a session; the records come as a frame of pandas, the command reads them from its file."""
    cells = plain.run(NOTEBOOKS / "01_release.py")
    (page,) = shown(cells[3], "text/html")
    assert "May go out" in page
    assert page.count("<iframe srcdoc=") == 2
    bars = [one for cell in cells for one in shown(cell, "text/html") if "<progress" in one]
    assert 'max="8" value="8"' in bars[-1]
    manifest = plain.ask("print(open(f'{released.path}/_manifests/{released.run_id}.json').read())")
    entries = json.loads(manifest)["tables"]
    expected = hashes(demo_of_the_wheel.folder / "release")
    assert {name: entries[name]["content_hash"] for name in expected} == expected
    assert plain.ask("print('records' in removed, (released.folder / 'tables' / 'records').exists())") == "True False\n"


@pytest.mark.takes("a whole notebook")
def test_the_notebook_that_tunes_runs(plain: Kernel) -> None:
    plain.run(NOTEBOOKS / "03_tune.py")
    assert plain.ask("print(*tried.table['run'])") == "k5-R2-row_seeded k20-R2-row_seeded\n"
    assert plain.ask("print(0 < tried.outcomes[0].figure('kept_share_of_common', 2) <= 1)") == "True\n"


@pytest.mark.takes("a kernel of its own, with a server of Spark Connect, and a whole notebook")
def test_the_notebook_that_inspects_runs_over_spark_connect(tmp_path: Path) -> None:
    with kernel(tmp_path, SPARK_REMOTE="local[2]", PYSPARK_PYTHON=sys.executable) as connected:
        cells = connected.run(NOTEBOOKS / "02_inspect.py")
        assert "SENSITIVE" in shown(cells[1], "text/markdown")[0]
        assert connected.ask("print(len(found.table), 0 < found.linkable <= 1)") == "27 True\n"
        assert cells[-1][0]["text"].startswith("input:")
        assert connected.ask(FRAMES) == "connect True\n"


#: A frame of Spark Connect, and the same records as a frame in memory, are read as the same records.
FRAMES = """
from pyspark.sql import SparkSession
from synth_spark.library.running import begin
from synth_spark.pipeline import api
spark = SparkSession.getActiveSession()
runs = [begin(frame, quiet=True) for frame in (spark.createDataFrame(cases), cases)]
for run in runs:
    api.work(run, "read")
one, other = (run.store.manifest["tables"]["records"]["content_hash"] for run in runs)
print(type(spark).__module__.split(".")[2], one == other)
"""


def test_plan_and_schema_need_no_spark(whole: Path, tmp_path: Path) -> None:
    planned = run([COMMAND, "plan", "--input", whole], PATH="/nowhere")
    assert planned.returncode == 0, planned.stderr
    for term in ("columns            27", "tuples to count    3,303", "k-anonymity, k = 10", "shuffle", "memory"):
        assert term in planned.stdout
    schema = run([COMMAND, "schema"], PATH="/nowhere")
    assert '"reporting_length"' in schema.stdout
    code = "import sys; from synth_spark.cli import main as cli; assert 'pyspark' not in sys.modules"
    assert run([sys.executable, "-c", code]).returncode == 0


def test_the_example_plan_is_the_demos(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(ROOT / "conf" / "demo" / "release.yml"), "--input", str(ROOT / "none.csv")]) == 3
    assert "does not exist" in capsys.readouterr().err


def test_readme_commands_are_the_makefiles() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make (\w+)", (ROOT / "README.md").read_text()):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
