"""What lies beside the package for those who run, build or cite it, and what version all of it is."""

import fnmatch
import importlib.util
import json
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import synth_spark
from synth_spark.cli.main import COMMANDS
from synth_spark.cli.parser import parser

ROOT = Path(__file__).parents[2]
LINES = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8")).splitlines()


def told(instruction: str) -> list[str]:
    """What an instruction of the Dockerfile says, each time."""
    return [line.partition(" ")[2] for line in LINES if line.startswith(f"{instruction} ")]


def test_the_image_runs_the_demo_as_a_user_that_is_not_root() -> None:
    (user,) = told("USER")
    assert user == "synth"
    assert f"useradd --create-home --uid 10001 {user}" in " ".join(told("RUN"))
    (entry,), (command,) = told("ENTRYPOINT"), told("CMD")
    assert json.loads(entry) == ["synth-spark"]
    assert parser(COMMANDS).parse_args(json.loads(command)).name_of_command == "demo"
    places = [place for place, line in enumerate(LINES) if line.startswith(("USER ", "ENTRYPOINT "))]
    assert places == sorted(places)


def test_what_is_copied_into_the_image_is_there_and_goes_to_the_builder() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"]
    copied = [source for line in told("COPY") for source in line.split()[1:-1]]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(source == one or fnmatch.fnmatch(source, f"{one}/*") for one in kept), source
    assert {"synth_spark", "conf", "pyproject.toml", "requirements.lock", "LICENSE", "README.md"} <= set(copied)
    assert not {".git", "tests", "demo", "out"} & set(kept)


spec = importlib.util.spec_from_file_location("needed", ROOT / "conf" / "setup" / "needed.py")
assert spec is not None
assert spec.loader is not None
needed = importlib.util.module_from_spec(spec)
spec.loader.exec_module(needed)


def locked(lock: str) -> set[str]:
    """The packages that a lock file pins."""
    return set(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==", lock, re.MULTILINE))


def test_the_image_holds_what_releases_need_and_nothing_that_only_developers_do() -> None:
    whole = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    part = needed.needed(whole, ["hatchling"])
    assert "needed.py requirements.lock hatchling" in " ".join(told("RUN"))
    kept = locked(part)
    assert {"pyspark", "numba", "opendp", "duckdb", "obstore", "py4j", "llvmlite", "pathspec"} <= kept
    assert not {"pytest", "playwright", "mypy", "polars", "ruff", "deltalake"} & kept
    for name in kept:  # what it asks for here is there, too
        try:
            asked = map(Requirement, metadata.requires(name) or ())
        except metadata.PackageNotFoundError:  # it is for other systems
            continue
        for one in asked:
            if one.marker is None or one.marker.evaluate({"extra": ""}):
                assert canonicalize_name(one.name) in kept, f"{one.name} for {name}"
    with pytest.raises(ValueError, match=r"^six: the lock file does not say what asks for it$"):
        needed.needed("six==1.16.0 \\\n    --hash=sha256:00\n")


def test_the_citation_is_that_of_this_version() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (cited["cff-version"], cited["version"], cited["license"]) == (
        "1.2.0",
        synth_spark.__version__,
        "Apache-2.0",
    )
    assert {"title", "message", "authors", "type"} <= cited.keys()


def test_the_package_the_citation_and_the_changelog_have_one_version() -> None:
    """The package is built with that of its module, and the changelog begins with it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["version"] == {"path": "synth_spark/__init__.py"}
    assert project["project"]["dynamic"] == ["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (.+)$", changelog, re.M)
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - (unreleased|\d{4}-\d\d-\d\d)", section) for section in sections)
    versions = [tuple(map(int, re.findall(r"\d+", section)[:3])) for section in sections]
    assert versions == sorted(set(versions), reverse=True)
    assert sections[0].startswith(f"[{synth_spark.__version__}] - ")
    assert [section for section in sections[1:] if section.endswith("unreleased")] == []
    image = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
    assert set(re.findall(r"synth-spark:(\d[\d.]+)", image)) == {synth_spark.__version__}
