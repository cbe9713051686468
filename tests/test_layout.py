"""The house rules that a machine can check."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "synth_spark").rglob("*.py"))
JOBS = sorted((ROOT / "jobs").glob("*.py"))
#: The modules of the proof and of the recount, and all that these may import of the package.
PROVING = {
    "synth_spark.validate.joint_bounds",
    "synth_spark.validate.proof",
    "synth_spark.validate.record_bounds",
    "synth_spark.validate.recount",
    "synth_spark.validate.text_ids",
    "synth_spark.kernels.risk.containment",
    "synth_spark.kernels.risk.joint_bounds",
    "synth_spark.kernels.risk.programs",
    "synth_spark.kernels.risk.record_bounds",
    "synth_spark.kernels.risk.recount",
    "synth_spark.kernels.numba_cache",
}


def functions(tree: ast.AST) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def parameters(function: ast.FunctionDef) -> int:
    """How many parameters who calls it gives it."""
    given = [each.arg for each in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return len([name for name in given if name not in ("self", "cls")])


def compiled(function: ast.FunctionDef) -> bool:
    """Whether it is a kernel; those take arrays one by one."""
    return any(isinstance(each, ast.Name) and each.id == "compiled" for each in function.decorator_list)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_small_named_and_explained(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert text.count("\n") <= 400
    assert path.stem not in {"utils", "util", "misc", "helpers", "common", "base", "core"}
    assert ast.get_docstring(tree)
    for function in functions(tree):
        assert (function.end_lineno or 0) - function.lineno < 60, function.name
        if not compiled(function):
            assert parameters(function) <= 6, function.name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_session_reaches_through_to_spark(path: Path) -> None:
    code = "\n".join(line.partition("#")[0] for line in path.read_text(encoding="utf-8").splitlines())
    assert not re.search(r"\.rdd\b|_jvm\b|_jdf\b|\.cache\(|\.persist\(|\.conf\.set\(", code)
    if path.stem != "session":
        assert not re.search(r"\bsparkContext\b|getOrCreate|getActiveSession", code)


def test_only_the_doors_mint_safe_tables() -> None:
    minting = [
        path.relative_to(ROOT / "synth_spark").parts[0]
        for path in MODULES
        if any(
            isinstance(node, ast.Call) and getattr(node.func, "id", "") == "SafeTable"
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    ]
    assert sorted(minting) == ["aggregate", "synthesize"]


def imported(path: Path) -> set[str]:
    """What a module imports of the package, wherever in it: modules, and names that are none as ``module.name``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, path
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "synth_spark"}


def test_the_proof_and_the_recount_import_what_is_named_and_nothing_else() -> None:
    for module in PROVING:
        path = ROOT / f"{module.replace('.', '/')}.py"
        text = path.read_text(encoding="utf-8")
        outside = {name for name in imported(path) if name not in PROVING and name.rpartition(".")[0] not in PROVING}
        assert outside == set(), module
        assert module.endswith("numba_cache") or not re.search(r"importlib|__import__|sys\.modules", text), module
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {one["name"]: one for one in settings["tool"]["importlinter"]["contracts"]}
    contract = contracts["The proof and the recount share nothing with what they prove"]
    assert set(contract["source_modules"]) == PROVING
    rooms = {path.relative_to(ROOT / "synth_spark").parts[0].removesuffix(".py") for path in MODULES}
    shut = {f"synth_spark.{room}" for room in rooms} - {"synth_spark.__init__", "synth_spark.__main__"}
    assert set(contract["forbidden_modules"]) >= shut - {"synth_spark.validate", "synth_spark.kernels"}


def test_the_house_has_few_rooms_and_none_is_crowded() -> None:
    package = ROOT / "synth_spark"
    rooms = {path.relative_to(package).parts[0] for path in MODULES if path.parent != package}
    assert len(rooms) <= 21
    assert len(list(package.glob("*.py"))) <= 4
    for folder in {path.parent for path in MODULES}:
        assert len(list(folder.glob("*.py"))) <= 16, folder


def test_imports_have_few_layers_and_every_room_is_in_one() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    assert len(layers) <= 12
    named = {name.strip() for layer in layers for name in layer.split("|")}
    tops = {path.relative_to(ROOT / "synth_spark").parts[0].removesuffix(".py") for path in MODULES} - {"__init__"}
    assert named == {f"synth_spark.{name}" for name in tops}
    rooms = re.findall(
        r"^\| `(\w+)(?:/|\.py)` \|", (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"), re.M
    )
    assert set(rooms) == tops - {"__main__"}


def test_what_to_change_where_names_files_that_are_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.(?:py|js))`", text)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / "synth_spark" / name).is_file()] == []


def test_tests_reach_no_private_name() -> None:
    """Of the package they know what everyone may: neither do they import another name, nor replace one."""
    for path in [*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)]
        names = [alias for node in imports if "synth_spark" in ast.unparse(node) for alias in node.names]
        assert [alias.name for alias in names if alias.name.startswith("_")] == [], path
        ours = {alias.asname or alias.name for alias in names}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) in ours:
                assert not node.attr.startswith("_") or node.attr.startswith("__"), f"{path}: {ast.unparse(node)}"
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("monkeypatch.setattr"):
                of, *rest = [ast.unparse(each) for each in node.args]
                assert of not in ours or not rest[0].startswith(("'_", '"_')), f"{path}: {ast.unparse(node)}"


def test_jobs_hold_no_logic() -> None:
    assert JOBS
    for path in JOBS:
        assert path.read_text(encoding="utf-8").count("\n") <= 40


def test_the_line_can_be_read_in_one_sitting() -> None:
    assert (ROOT / "synth_spark" / "pipeline" / "stages.py").read_text(encoding="utf-8").count("\n") <= 200


def test_the_package_and_the_licence_agree() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_a_decision_is_a_page_and_the_index_names_all() -> None:
    folder = ROOT / "docs" / "decisions"
    pages = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    index = re.findall(r"^- \[(\d{4})\]\((.+?)\) (.+)$", (folder / "README.md").read_text(encoding="utf-8"), re.M)
    assert [(number, name) for number, name, _ in index] == [(path.name[:4], path.name) for path in pages]
    for number, (path, (_, _, title)) in enumerate(zip(pages, index, strict=True), 1):
        text = path.read_text(encoding="utf-8")
        assert path.name.startswith(f"{number:04d}-")
        assert text.startswith(f"# {number}. {title}\n\n20")
        assert text.count("\n") <= 40, path.name
