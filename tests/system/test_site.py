"""The site of the documents: it is built strictly, from files alone, and loads nothing from elsewhere."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from installing import ROOT

CONFIG = ROOT / "conf" / "site" / "mkdocs.yml"
#: Attributes by which a page loads something as it is opened.
LOADING = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src"}


class Loaded(HTMLParser):
    """What a page loads as it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if LOADING.get(tag) == name]


def build(config: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Build a site, without a network: proxies lead nowhere."""
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(config)]
    return subprocess.run(
        [*command, "--site-dir", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**nowhere, "PATH": "/usr/bin:/bin", "NO_MKDOCS_2_WARNING": "1"},
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = build(CONFIG, folder)
    assert built.returncode == 0, built.stderr
    return folder


def test_every_page_of_the_documents_the_notebooks_and_the_package_is_there(site: Path) -> None:
    pages = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    documents = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    notebooks = {f"tutorials/{path.stem}" for path in (ROOT / "notebooks").glob("*.py")}
    rooms = {f"reference/synth_spark.{path.parent.name}" for path in (ROOT / "synth_spark").glob("*/__init__.py")}
    index = {"decisions/README"}  # it is the index of its folder
    assert (documents - index) | notebooks | rooms | {"index", "changelog", "decisions/index"} <= pages


def test_the_reference_holds_docstrings_and_the_pages_name_each_other(site: Path) -> None:
    errors = (site / "reference" / "synth_spark.errors.html").read_text(encoding="utf-8")
    assert "The plan cannot be understood or contradicts itself." in errors
    first = (site / "index.html").read_text(encoding="utf-8")
    assert '<a href="guarantees.html"><code>docs/guarantees.md</code></a>' in first


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        loaded = Loaded()
        loaded.feed(path.read_text(encoding="utf-8"))
        assert [one for one in loaded.found if re.match(r"(?:\w+:)?//", one)] == [], path
    for path in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", path.read_text(encoding="utf-8")), path


def test_a_link_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("[there](none.md)\n")
    told = CONFIG.read_text(encoding="utf-8")
    validation = told[told.index("validation:") : told.index("nav:")]
    (tmp_path / "mkdocs.yml").write_text(f"site_name: x\ndocs_dir: docs\n{validation}")
    built = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert built.returncode != 0
    assert "none.md" in built.stderr
