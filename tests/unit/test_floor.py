"""Nothing is used of Spark that is newer than the floor: 4.1, as Databricks Runtime 18 has it."""

import ast
import re
from pathlib import Path

import pyspark
import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "synth_spark").rglob("*.py"))
FLOOR = (4, 1)


def added() -> dict[str, tuple[int, int]]:
    """Names of Spark's Python API → the oldest version in which something is called so, as its documentation says."""
    found: dict[str, tuple[int, int]] = {}
    for path in (Path(pyspark.__file__).parent / "sql").rglob("*.py"):
        if "tests" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                told = re.search(r"\.\. versionadded:: (\d+)\.(\d+)", ast.get_docstring(node) or "")
                if told:
                    version = (int(told[1]), int(told[2]))
                    found[node.name] = min(version, found.get(node.name, version))
    return found


NEWER = {name for name, version in added().items() if version > FLOOR}


def used(source: str) -> set[str]:
    """Names of attributes, and of what is imported from Spark."""
    tree = ast.parse(source)
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pyspark"):
            names |= {alias.name for alias in node.names}
    return names


def test_what_is_newer_is_known() -> None:
    versions = added()
    assert (versions["repartitionById"], versions["mapInArrow"], versions["zipWithIndex"]) == ((4, 1), (3, 3), (4, 2))
    assert "zipWithIndex" in NEWER
    assert "repartitionById" not in NEWER
    assert used("frame.zipWithIndex()") & NEWER


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_newer_than_the_floor_is_used(path: Path) -> None:
    assert used(path.read_text(encoding="utf-8")) & NEWER == set()


def test_the_floor_is_told() -> None:
    assert f"Spark {FLOOR[0]}.{FLOOR[1]}" in (ROOT / "docs" / "databricks.md").read_text(encoding="utf-8")
