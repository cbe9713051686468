"""What the package must not do, read from its syntax trees; where paths may lead; licences of what it needs."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from synth_spark.errors import PlanError, PublishError
from synth_spark.plan import Output, parse
from synth_spark.publish import publisher
from synth_spark.schema import tables
from synth_spark.storage import paths
from synth_spark.storage.run_store import RunStore

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "synth_spark").rglob("*.py"))
#: Modules that run what they read, or start what they are told.
FORBIDDEN_MODULES = {
    "pickle", "cPickle", "cloudpickle", "dill", "shelve", "marshal", "joblib", "code", "codeop", "pty", "ctypes",
}  # fmt: skip
FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.startfile", "os.fork", "yaml.load",
    "yaml.full_load", "yaml.unsafe_load", "yaml.load_all", "pd.read_pickle", "pandas.read_pickle",
}  # fmt: skip
FORBIDDEN_ENDS = re.compile(r"\.(to_pickle|read_pickle|saveAsPickleFile|pickleFile)$|^os\.(exec|spawn|posix_spawn)")
#: The places that start a program: Ivy that fetches, java -version, and this package's own command.
STARTS_PROGRAMS = {"s3.py", "session.py", "class_archive.py"}
#: The place that forks: the template of this user's own workers, asked through a folder that is this user's alone.
FORKS = {"template.py"}


def misuses(source: str, name: str = "module.py") -> list[str]:
    """What a module does that it must not."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            banned = FORBIDDEN_MODULES | (set() if name in STARTS_PROGRAMS else {"subprocess"})
            found += [one for one in imported if one.partition(".")[0] in banned]
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called == "os.fork" and name in FORKS:
                continue
            if called in FORBIDDEN_CALLS or FORBIDDEN_ENDS.search(called):
                found.append(called)
            for keyword in node.keywords:
                truth = not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
                if keyword.arg in ("shell", "allow_pickle") and truth:
                    found.append(f"{called}({keyword.arg})")
            if called.startswith("subprocess.") and node.args and not isinstance(node.args[0], ast.List):
                found.append(f"{called} with a text")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_runs_what_it_reads(path: Path) -> None:
    assert misuses(path.read_text(encoding="utf-8"), path.name) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from cloudpickle import loads",
        "import subprocess",
        "eval(text)",
        "exec(text)",
        "os.system('ls')",
        "os.fork()",
        "os.execvp('ls', [])",
        "np.load(file, allow_pickle=True)",
        "np.load(file, allow_pickle=asked)",
        "yaml.load(text)",
        "frame.to_pickle(file)",
        "run(['ls'], shell=True)",
    ],
)
def test_what_is_forbidden_is_found(source: str) -> None:
    assert misuses(source)


def test_a_program_is_started_by_a_list_alone() -> None:
    assert misuses("import subprocess\nsubprocess.run(['java'])", "session.py") == []
    assert misuses("import subprocess\nsubprocess.run(command)", "session.py") == ["subprocess.run with a text"]


# --- paths


@pytest.mark.parametrize(
    "name", ["../up", "a/b", "/etc", "..", ".", "", "a b", "a\n", "12", "a" * 64, "-a", "a\x00", "ä"]
)
def test_a_name_of_a_run_is_no_path(name: str) -> None:
    with pytest.raises(PlanError, match="run_id"):
        parse({"input": {"path": "cases.csv"}, "run_id": name})


def test_names_of_tables_are_no_paths() -> None:
    declared = [one for one in vars(tables).values() if isinstance(one, tables.Table)]
    declared += [*tables.ROUNDS, *tables.NOISY_LENGTHS]
    assert len(declared) > 25
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", one.name) for one in declared)


@pytest.mark.parametrize("work", ["out", "out/work", "out/../out/x", "./out//x", "link/x"])
def test_run_folders_are_not_inside_the_published_folder(
    work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to("out")
    plan = parse({"input": {"path": "cases.csv"}, "output": {"path": "out"}, "work": work})
    with pytest.raises(PlanError, match="work: is inside the folder of the published tables"):
        RunStore.create(plan)
    assert list((tmp_path / "out").iterdir()) == []


def test_the_ledger_is_not_inside_it_either_and_beside_it_is_fine(tmp_path: Path) -> None:
    content = {"input": {"path": "cases.csv"}, "output": {"path": str(tmp_path / "out")}}
    with pytest.raises(PlanError, match="ledger: is inside"):
        paths.check_roots(parse({**content, "ledger": str(tmp_path / "out" / "ledger.jsonl")}))
    paths.check_roots(parse(content))
    paths.check_roots(parse({**content, "work": str(tmp_path / "output")}))  # begins with the same letters
    (tmp_path / "published").mkdir()
    (tmp_path / "out").symlink_to("published")
    with pytest.raises(PlanError, match="work: is inside"):
        paths.check_roots(parse({**content, "work": str(tmp_path / "published" / "work")}))


@pytest.mark.parametrize("name", ["synthetic_records", "_manifests", ".LATEST.json.unfinished"])
def test_a_link_out_of_the_published_folder_is_refused(name: str, tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (root / name).symlink_to(elsewhere)
    with pytest.raises(PublishError, match="leads out of it"):
        publisher.publish([], {}, Output(path=str(root)), "one")
    assert list(elsewhere.iterdir()) == []
    assert [path.name for path in root.iterdir()] == [name]


def test_links_within_are_fine(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").symlink_to("one")
    assert paths.leading_out(tmp_path) == []


# --- licences

spec = importlib.util.spec_from_file_location("licences", ROOT / "conf" / "setup" / "licences.py")
assert spec is not None
assert spec.loader is not None
licences = importlib.util.module_from_spec(spec)
spec.loader.exec_module(licences)


def test_every_package_that_is_installed_has_a_licence_that_was_looked_at() -> None:
    found = list(licences.entries())
    assert len(found) > 60
    assert [one for one in found if not licences.accepted(one)] == []
    written = (ROOT / "docs" / "LICENCES.md").read_text(encoding="utf-8")
    assert written == licences.text(found), "make licences"


def test_the_list_is_that_of_the_lock_file() -> None:
    lines = re.findall(
        r"^[a-z0-9_.-]+(?:\[[a-z,]+\])?==[^\\\n]+", (ROOT / "requirements.lock").read_text(), re.MULTILINE
    )
    locked = [one for one in map(Requirement, lines) if one.marker is None or one.marker.evaluate()]
    versions = {one.name: str(one.specifier) for one in locked}
    for one in licences.entries():
        assert versions[one.name] == f"=={one.version}"


@pytest.mark.parametrize(
    ("name", "licence", "fine"),
    [
        ("x", "MIT", True),
        ("x", "GPL-3.0-only OR MIT", True),
        ("x", "MIT AND GPL-3.0-only", False),
        ("x", "GPL-3.0-only", False),
        ("x", "MPL-2.0", False),
        ("x", "", False),
        ("certifi", "MPL-2.0", True),
        ("certifi", "GPL-3.0-only", False),
    ],
)
def test_other_licences_are_refused(name: str, licence: str, fine: bool) -> None:
    assert licences.accepted(licences.Entry(name, "1", licence, "")) is fine
