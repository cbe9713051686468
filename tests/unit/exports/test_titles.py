"""A title is a text: in no document, and in nothing for machines, is any of it taken for markup, a link or a line."""

import html
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import mistune
import pandas as pd
import pytest
import yaml
from packing import contents, put
from showing import released

from synth_spark.cli.main import main
from synth_spark.exports.data_package import package
from synth_spark.exports.showcase import showcase
from synth_spark.monitoring.lineage import Lineage
from synth_spark.monitoring.summary import Attempt, summarize
from synth_spark.plan import parse
from synth_spark.publish.published_release import open_release
from synth_spark.report.blocks import Paragraphs, Report, Section
from synth_spark.report.html_page import page
from synth_spark.report.markdown import markdown
from synth_spark.report.narrative import quality_text, release_text
from synth_spark.schema.plain_text import one_line

TITLE = (
    "1. <script>alert(1)</script> [link](javascript:alert(2)) ![image](http://x.example/i) | `code` *em* __strong__ "
    "_em_ a_b_c ~~gone~~ {{trust}} &lt;i&gt; </h1><img src=x onerror=alert(3)> \\* #\n# Injected\n- item\u202e\x1b[31m"
)
PLAIN = one_line(TITLE)
#: Tags that only a title could have brought into a document of ours.
BROUGHT = re.compile(r"<(script|img|a|em|del|h1>\s*Injected|i)\b|<strong>strong")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("titled")
    view = {"description": f"About {TITLE}", "columns": {"sex": {"title": TITLE, "description": TITLE}}}
    source = released(pd.DataFrame({"sex": ["a", "b"] * 4}), title=TITLE, **view)
    return contents(package(open_release(put(source, folder / "out")), folder)) | {
        "showcase.html": showcase(source).encode()
    }


def shown(text: str) -> str:
    """A document of Markdown as a reader sees it, as HTML; HTML inside it is not escaped."""
    return str(mistune.create_markdown(escape=False, plugins=["strikethrough", "table"])(text))


def heading(rendered: str) -> str:
    """The text of the first heading."""
    return html.unescape(re.sub("<[^>]*>", "", re.findall("<h1>(.*?)</h1>", rendered, re.DOTALL)[0]))


@pytest.mark.parametrize(("name", "before"), [("README.md", ""), ("RELEASE.md", ""), ("codebook.md", "Codebook: ")])
def test_documents_of_a_package(name: str, before: str, files: dict[str, bytes]) -> None:
    rendered = shown(files[name].decode())
    assert heading(rendered) == before + PLAIN
    assert not BROUGHT.search(rendered), BROUGHT.search(rendered)


def test_the_sentences_of_a_release_quote_it() -> None:
    rendered = shown(release_text(TITLE, [f"This release, “{TITLE}” (R-1), describes `aggregates`.", "Another."]))
    assert heading(rendered) == PLAIN
    assert rendered.count("<li>") == 2
    assert "<code>aggregates</code>" in rendered
    assert f"“{html.escape(PLAIN, quote=False)}”" in rendered.replace("&quot;", '"')
    assert not BROUGHT.search(rendered)


def test_a_rule_and_its_reason_stay_in_their_row() -> None:
    rule = SimpleNamespace(
        name="use.x", severity="warning", success=False, accepted=TITLE, meaning=TITLE, holds_back=False
    )
    rendered = shown(quality_text("R-1", [rule]))  # type: ignore[list-item]
    assert rendered.count("<tr>") == 2
    assert rendered.count("<td") == 4
    assert not BROUGHT.search(rendered)


def test_reports_of_both_forms() -> None:
    report = Report(TITLE, "Release R-1", "PUBLIC", "May go out", True, (Section("a", "A", (Paragraphs(("b",)),)),))
    rendered = shown(markdown(report))
    assert heading(rendered) == PLAIN
    assert not BROUGHT.search(rendered)
    assert html.escape(TITLE) in page(report)
    assert not re.search("<(script|img|a) ?[^>]*>", page(report).partition("<header>")[2].partition("</header>")[0])


def test_the_showcase(files: dict[str, bytes]) -> None:
    text = files["showcase.html"].decode()
    assert text.count(html.escape(TITLE)) == 2  # in the head, and in the heading
    assert "alert(1)</script>" not in text
    assert "<img src=x" not in text
    assert text.count("{{trust}}") == 2  # of the title; what a place of the page stands for is put in once


def test_texts_and_descriptors(files: dict[str, bytes]) -> None:
    assert json.loads(files["datapackage.json"])["title"] == PLAIN
    assert yaml.safe_load(files["CITATION.cff"])["title"] == PLAIN
    for name in ("CITATION.txt", "LICENCE.txt"):
        assert not re.search("^(# Injected|- item)", files[name].decode(), re.MULTILINE)
    assert PLAIN in files["CITATION.txt"].decode()


def test_events_and_summaries(tmp_path: Path) -> None:
    plan = parse({"input": {"path": "x"}, "title": TITLE, "operations": {"lineage": str(tmp_path / "events.jsonl")}})
    now = datetime.now(UTC)
    assert json.loads(json.dumps(summarize(Attempt(now, now), plan)))["job"] == TITLE
    Lineage(plan).start("one")
    (line,) = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["job"]["name"] == TITLE


def test_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = put(released(pd.DataFrame({"sex": ["a", "b"] * 4}), title=TITLE), tmp_path / "out")
    assert main(["releases", "show", str(out)]) == 0
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "\n# Injected" not in told
