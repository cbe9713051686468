"""What lies beside the package for those who run, build or cite it, and what version all of it is."""

import fnmatch
import json
import re
import tomllib
from pathlib import Path

import yaml

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
