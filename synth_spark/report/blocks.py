"""What a report is made of: sections of paragraphs, figures, tables and charts, before any format.

Content is put together once (`report.content`) and written as one offline page (`report.page`) or as Markdown
(`report.markdown`), so all formats say the same. Texts are plain: formats escape them.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class KeyFigure:
    """A number that stands out.

    Attributes:
        label: what it is, in a few words.
        value: as text, with its unit.
        definition: how it is calculated, in one sentence; shown on hover and to those who read with the ears.
    """

    label: str
    value: str
    definition: str


@dataclass(frozen=True)
class Paragraphs:
    """Sentences; numbered where a reader may want to quote one."""

    texts: tuple[str, ...]
    numbered: bool = False


@dataclass(frozen=True)
class Figures:
    """Some numbers beside each other."""

    figures: tuple[KeyFigure, ...]


@dataclass(frozen=True)
class TableColumn:
    """A column of a table.

    Attributes:
        name: its head.
        definition: how its cells are calculated; empty where the name says it.
        number: whether its cells are numbers, which stand to the right.
    """

    name: str
    definition: str = ""
    number: bool = True


@dataclass(frozen=True)
class DataTable:
    """Rows of texts, one for each column."""

    caption: str
    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Series:
    """Values of one kind, one for each category of a chart.

    Attributes:
        name: for the legend.
        values: None where there is none.
        low: lower ends of intervals; empty if the values have none.
        high: upper ends.
    """

    name: str
    values: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Chart:
    """Values by category.

    Attributes:
        kind: ``bars`` (horizontal, for many or long names), ``columns`` (vertical, for ordered categories such as
            lengths), ``lines`` (ordered categories), ``intervals`` (a dot with its interval a row and series),
            ``points`` (one dot a category at x = ``series[0]``, y = ``series[1]``, named by it).
        caption: what it shows, and how to read it.
        definition: how the values are calculated.
        categories: their names, in order.
        series: at most four.
        axis: what the values are, with their unit; of ``points``, y.
        axis_x: of ``points``, what x is.
        unit: ``percent`` for shares (1 is 100 %), ``number`` for anything else.
        limits: lowest and highest value of the axis; None where the values decide.
    """

    kind: Literal["bars", "columns", "lines", "intervals", "points"]
    caption: str
    definition: str
    categories: tuple[str, ...]
    series: tuple[Series, ...]
    axis: str
    axis_x: str = ""
    unit: Literal["percent", "number"] = "number"
    limits: tuple[float | None, float | None] = (0.0, None)


@dataclass(frozen=True)
class Small:
    """Several small charts in a grid, for instance one for each column of the records."""

    charts: tuple[Chart, ...]


Block = Paragraphs | Figures | DataTable | Chart | Small


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it. ``anchor`` is made of lower-case letters and hyphens."""

    anchor: str
    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """A report.

    Attributes:
        title: its heading.
        subtitle: one line below it.
        edition: who may read it: ``INTERNAL`` holds figures of the sensitive records, ``PUBLIC`` does not.
        verdict: whether the release may go out, in a few words.
        good: whether the verdict is.
        sections: in order; the first is the summary in plain sentences.
    """

    title: str
    subtitle: str
    edition: Literal["INTERNAL", "PUBLIC"]
    verdict: str
    good: bool
    sections: tuple[Section, ...]
