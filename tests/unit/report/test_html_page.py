"""Reports: charts, pages and Markdown say the same, hold no markup of the data's, and need nothing else."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth_spark.report.blocks import (
    Chart,
    DataTable,
    Figures,
    KeyFigure,
    Paragraphs,
    Report,
    Section,
    Series,
    Small,
    TableColumn,
)
from synth_spark.report.charts import drawn
from synth_spark.report.html_page import page
from synth_spark.report.markdown import markdown
from synth_spark.report.scales import shortened, ticks, width, written

HOSTILE = "</script><img src=x onerror=alert(1)>|`*\n# x"


def chart(kind: str, names: tuple[str, ...] = ("a", "b"), **changes: object) -> Chart:
    values = tuple(0.25 * at if at != 1 else None for at in range(len(names)))
    series = (Series("one", values), Series("two", tuple(0.5 for _ in names)))
    keys = {"kind": kind, "caption": f"About {kind}", "definition": f"How {kind} are made", "categories": names,
            "series": series, "axis": "share", "axis_x": "other share"}  # fmt: skip
    return Chart(**{**keys, **changes})


def report(*blocks: object) -> Report:
    sections = (Section("first", "The first", blocks),)
    return Report("Title", "subtitle", "INTERNAL", "May go out", True, sections)


KINDS = ("bars", "columns", "lines", "intervals", "points")
EVERYTHING = report(
    Paragraphs(("Sentence one.", "Sentence two."), numbered=True),
    Figures((KeyFigure("label", "1,234", "What the label means."),)),
    DataTable(
        "A table", (TableColumn("name", number=False), TableColumn("count", "How many there are.")), (("x", "3"),)
    ),
    *(chart(kind) for kind in KINDS),
    Small((chart("bars"),)),
)


class Tags(HTMLParser):
    """The tags of a page, those that are left open, and its text."""

    VOID = frozenset({"meta", "line", "rect", "circle", "polyline", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(text: str) -> Tags:
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    return tags


def test_a_page_is_whole_and_needs_nothing_else() -> None:
    text = page(EVERYTHING)
    tags = parsed(text)
    assert not {"script", "img", "link", "iframe", "object"} & {tag for tag, _ in tags.seen}
    assert "http" not in text.replace("http-equiv", "")
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import|src=", text)


def test_every_definition_is_on_the_page_and_reachable() -> None:
    tags = parsed(page(EVERYTHING))
    ids = {attributes["id"] for _, attributes in tags.seen if "id" in attributes}
    defined = [attributes for _, attributes in tags.seen if attributes.get("class") == "defined"]
    assert len(defined) == 2 + len(KINDS) + 1
    for one in defined:
        assert one["tabindex"] == "0"
        assert one["aria-describedby"] in ids
    for definition in ("What the label means.", "How many there are.", *(f"How {kind} are made" for kind in KINDS)):
        assert definition in tags.text


def test_all_numbers_of_a_chart_are_in_its_table() -> None:
    tags = parsed(page(report(chart("columns", unit="percent"))))
    assert "50\u00a0%" in tags.text
    assert "–" in tags.text  # the one that there is none of


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_texts_are_texts(kind: str) -> None:
    one = chart(kind, (HOSTILE, HOSTILE + "2"), caption=HOSTILE, definition=HOSTILE, axis=HOSTILE, axis_x=HOSTILE)
    table = DataTable(HOSTILE, (TableColumn(HOSTILE, HOSTILE),), ((HOSTILE,),))
    text = page(Report(HOSTILE, HOSTILE, "PUBLIC", HOSTILE, False, (Section("x", HOSTILE, (one, table)),)))
    tags = parsed(text)
    assert not {"script", "img"} & {tag for tag, _ in tags.seen}
    assert "onerror=alert(1)" in tags.text
    for line in markdown(report(one, table)).splitlines():
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line)
            assert len(cells) in (3, 5)
        assert "<img" not in line.replace("\\<", "")


@pytest.mark.parametrize("kind", KINDS)
def test_charts_without_anything_say_so(kind: str) -> None:
    nothing = chart(kind, (), series=(Series("one", ()), Series("two", ())))
    assert "Nothing to show" in drawn(nothing)
    gaps = chart(kind, series=(Series("one", (None, None)), Series("two", (None, None))))
    assert "Nothing to show" in drawn(gaps)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("values", [(0.0, 0.0), (-3.0, 2.0), (1e9, 5.0), (1e-6, 2e-6)])
def test_marks_lie_inside_their_chart(kind: str, values: tuple[float, float]) -> None:
    series = (Series("one", values, values, values), Series("two", values))
    text = drawn(chart(kind, series=series, limits=(0.0, None)))
    box = [float(part) for part in re.search(r'viewBox="([^"]+)"', text)[1].split()]
    for name, limit in (("x", box[2]), ("cx", box[2]), ("x2", box[2]), ("y", box[3]), ("cy", box[3]), ("y2", box[3])):
        for found in re.findall(rf'\s{name}="([^"]+)"', text):
            assert 0 <= float(found) <= limit, name
    assert not re.search(r'(width|height)="-', text)


def test_markdown_holds_what_the_page_holds() -> None:
    text = markdown(EVERYTHING)
    for part in ("# Title", "## The first", "1. Sentence one.", "1,234", "How many there are.", "| x | 3 |"):
        assert part in text
    for kind in KINDS:
        assert f"About {kind}" in text
        assert f"How {kind} are made" in text


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9))
def test_ticks_are_round_few_and_span_what_is_shown(low: float, span: float) -> None:
    high = low + span
    found = ticks(low, high)
    tolerance = 1e-6 * max(1.0, abs(low), abs(high)) + 1e-9
    assert found[0] <= low + tolerance
    assert found[-1] >= high - tolerance
    assert 2 <= len(found) <= 8
    assert all(a < b for a, b in pairwise(found))


@given(st.text(max_size=60), st.floats(20, 400))
def test_shortened_texts_fit(text: str, room: float) -> None:
    short = shortened(text, room, 12)
    assert width(short, 12) <= room or short == "…"
    assert short == text or short.endswith("…")


@given(st.floats(-1e15, 1e15), st.sampled_from(["number", "percent"]))
def test_written_values_are_short_where_they_are_usual(value: float, unit: str) -> None:
    assert written(value, unit)
    if 0 <= value <= 1e9 and unit == "number":
        assert len(written(value, unit)) <= 7
