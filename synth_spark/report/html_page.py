"""A report as one HTML file that needs nothing else: no script, no request, readable on paper, in light and in dark."""

from collections.abc import Callable, Iterable, Iterator
from html import escape
from importlib import resources
from itertools import count

from synth_spark import __version__
from synth_spark.report.blocks import Block, Chart, DataTable, Figures, Paragraphs, Report, Section, Small, TableColumn
from synth_spark.report.charts import MOST_NUMBERS, drawn, left_out, legend
from synth_spark.report.scales import written

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
#: Letters of a cell that needs some room, so that it is not broken into many lines.
_LONG = 20
_WARNING = "Figures of sensitive records: for those who sign the release. Do not publish."
_PUBLIC = "Made from what is published alone."


def page(report: Report) -> str:
    """The report as HTML. Every text is escaped; the policy in its head forbids scripts and requests."""
    body = sections_html(report.sections)
    links = "".join(f'<li><a href="#{escape(one.anchor)}">{escape(one.heading)}</a></li>' for one in report.sections)
    internal = report.edition == "INTERNAL"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(report.title)}</title>\n<style>\n{style()}</style>\n</head>\n<body>\n"
        f'<header><p class="edition {report.edition.lower()}"><strong>{report.edition}</strong> '
        f"{_WARNING if internal else _PUBLIC}</p>"
        f'<h1>{escape(report.title)}</h1><p class="subtitle">{escape(report.subtitle)}</p>'
        f'<p class="verdict {"good" if report.good else "bad"}">{escape(report.verdict)}</p></header>\n'
        f'<div class="sheet"><nav aria-label="Sections"><ul>{links}</ul></nav>\n<main>{body}</main></div>\n'
        f"<footer>Made by synth-spark {escape(__version__)}.</footer>\n</body>\n</html>\n"
    )


def sections_html(sections: Iterable[Section]) -> str:
    """Sections of a report as HTML, for a page of its style; every text is escaped."""
    ids = count(1)
    return "".join(_section(section, ids) for section in sections)


def style() -> str:
    """The style sheet of reports, also from a shipped archive."""
    return resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")


def _section(section: Section, ids: Iterator[int]) -> str:
    inner = "".join(_block(block, ids) for block in section.blocks)
    anchor = escape(section.anchor)
    return f'<section id="{anchor}"><h2>{escape(section.heading)}</h2>{inner}</section>\n'


def _block(block: Block, ids: Iterator[int]) -> str:
    write: dict[type, Callable[..., str]] = {
        Paragraphs: _paragraphs,
        Figures: _figures,
        DataTable: _table,
        Chart: _chart,
        Small: _small,
    }
    return write[type(block)](block, ids)


def _paragraphs(block: Paragraphs, ids: Iterator[int]) -> str:
    del ids
    if block.numbered:
        return f'<ol class="sentences">{"".join(f"<li>{escape(text)}</li>" for text in block.texts)}</ol>'
    return "".join(f"<p>{escape(text)}</p>" for text in block.texts)


def _defined(text: str, definition: str, ids: Iterator[int]) -> str:
    """A text whose definition shows when it is pointed at, or reached with the keyboard."""
    if not definition:
        return escape(text)
    name = f"d{next(ids)}"
    return (
        f'<span class="defined" tabindex="0" aria-describedby="{name}">{escape(text)}'
        f'<span class="tip" role="tooltip" id="{name}">{escape(definition)}</span></span>'
    )


def _figures(block: Figures, ids: Iterator[int]) -> str:
    cells = "".join(
        f'<div class="figure"><dt>{_defined(one.label, one.definition, ids)}</dt><dd>{escape(one.value)}</dd></div>'
        for one in block.figures
    )
    return f'<dl class="figures">{cells}</dl>'


def _kind(column: TableColumn, cell: str) -> str:
    return "number" if column.number else "text long" if len(cell) > _LONG else "text"


def _table(block: DataTable, ids: Iterator[int]) -> str:
    heads = "".join(
        f'<th scope="col" class="{"number" if one.number else "text"}">{_defined(one.name, one.definition, ids)}</th>'
        for one in block.columns
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td class="{_kind(one, cell)}">{escape(cell)}</td>' for one, cell in zip(block.columns, row, strict=True)
        )
        + "</tr>"
        for row in block.rows
    )
    defined = [one for one in block.columns if one.definition]
    terms = "".join(f"<dt>{escape(one.name)}</dt><dd>{escape(one.definition)}</dd>" for one in defined)
    how = f"<details><summary>How the figures are calculated</summary><dl>{terms}</dl></details>" if defined else ""
    caption = escape(block.caption)
    return (
        f'<p class="caption">{caption}</p><div class="scroll" tabindex="0" role="region" aria-label="{caption}">'
        f'<table aria-label="{caption}"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{how}'
    )


def _chart(block: Chart, ids: Iterator[int], small: bool = False) -> str:
    """A chart with its caption, what it shows, and its numbers as a table."""
    heads = "".join(f'<th scope="col" class="number">{escape(one.name)}</th>' for one in block.series)
    rows = "".join(
        f'<tr><td class="text">{escape(name)}</td>'
        + "".join(f'<td class="number">{escape(_cell(block, one.values[at]))}</td>' for one in block.series)
        + "</tr>"
        for at, name in enumerate(block.categories[:MOST_NUMBERS])
    )
    more = escape(left_out(block))
    numbers = (
        f'<details><summary>The numbers</summary><p>{escape(block.definition)}</p><div class="scroll" tabindex="0" '
        f'role="region" aria-label="{escape(block.caption)}: the numbers"><table>'
        f'<thead><tr><th scope="col"></th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{more}</details>'
    )
    caption = _defined(block.caption, block.definition, ids)
    drawing = f'<div class="drawing narrow">{drawn(block, True)}</div>'  # what phones have room for
    if not small:
        drawing = f'<div class="drawing wide">{drawn(block)}</div>{drawing}'
    return f"<figure><figcaption>{caption}</figcaption>{legend(block)}{drawing}{numbers}</figure>"


def _cell(chart: Chart, value: float | None) -> str:
    return "–" if value is None else written(value, chart.unit)


def _small(block: Small, ids: Iterator[int]) -> str:
    return f'<div class="grid">{"".join(_chart(one, ids, small=True) for one in block.charts)}</div>'
