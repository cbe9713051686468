"""A report as Markdown: the same content, charts as the tables of their numbers."""

from collections.abc import Iterable, Sequence

from synth_spark import __version__
from synth_spark.report.blocks import Block, Chart, DataTable, Figures, Paragraphs, Report, Section, Small
from synth_spark.report.charts import MOST_NUMBERS, left_out
from synth_spark.report.scales import written
from synth_spark.schema.plain_text import plain


def markdown(report: Report) -> str:
    """The report as Markdown, with a heading a section."""
    lines = [
        f"# {plain(report.title)}",
        "",
        f"{plain(report.subtitle)} · {report.edition} edition · {plain(report.verdict)}",
        "",
    ]
    return "\n".join([*lines, sections_text(report), f"Made by synth-spark {__version__}.", ""])


def sections_text(report: Report) -> str:
    """The sections of a report alone."""
    return "\n".join(line for section in report.sections for line in _section(section))


def _section(section: Section) -> list[str]:
    lines = [f"## {plain(section.heading)}", ""]
    for block in section.blocks:
        lines += _block(block)
    return lines


def _block(block: Block) -> list[str]:
    if isinstance(block, Paragraphs):
        texts = [plain(text) for text in block.texts]
        if block.numbered:
            texts = [f"{number}. {text}" for number, text in enumerate(texts, 1)]
        return [line for text in texts for line in (text, "")]
    if isinstance(block, Figures):
        return [
            *(f"- {plain(one.label)}: **{plain(one.value)}** — {plain(one.definition)}" for one in block.figures),
            "",
        ]
    if isinstance(block, DataTable):
        terms = [f"*{plain(one.name)}*: {plain(one.definition)}" for one in block.columns if one.definition]
        rows = _rows([one.name for one in block.columns], [one.number for one in block.columns], block.rows)
        return [f"**{plain(block.caption)}**", "", *rows, "", *(line for term in terms for line in (term, ""))]
    if isinstance(block, Chart):
        return _chart(block)
    assert isinstance(block, Small)
    return [line for one in block.charts for line in _chart(one)]


def _chart(chart: Chart) -> list[str]:
    heads = ["", *(one.name for one in chart.series)]
    cells = [
        (name, *("–" if (value := one.values[at]) is None else written(value, chart.unit) for one in chart.series))
        for at, name in enumerate(chart.categories[:MOST_NUMBERS])
    ]
    rows = _rows(heads, [False, *(True for _ in chart.series)], cells)
    more = left_out(chart)
    return [f"**{plain(chart.caption)}**", "", plain(chart.definition), "", *rows, "", *([more, ""] if more else [])]


def _rows(heads: Sequence[str], numbers: Sequence[bool], rows: Iterable[Sequence[str]]) -> list[str]:
    line = "|" + "|".join("---:" if right else "---" for right in numbers) + "|"
    return [_row(heads), line, *(_row(row) for row in rows)]


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(plain(cell) for cell in cells) + " |"
