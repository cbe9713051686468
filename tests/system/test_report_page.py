"""The report in a real browser: nothing overlaps, nothing sticks out, all definitions are reachable, light and dark."""

from pathlib import Path

import pytest
from browser import measured

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
from synth_spark.report.html_page import page

LONG = "Length of stay in the country of exploitation before registration, in months"
NAMES = (
    LONG,
    "Straße × Größe",
    "国籍と年齢の組み合わせ",
    "x",
    "CountryOfExploitation × citizenship × yearOfRegistration",
)


def chart(kind: str, names: tuple[str, ...], series: int, scale: float, unit: str = "number") -> Chart:
    made = []
    for index in range(series):
        values = tuple(
            None if (at + index) % 7 == 6 else scale * ((at * 37 + index * 11) % 97) / 97 for at in range(len(names))
        )
        low = tuple(None if value is None else value * 0.7 for value in values)
        high = tuple(None if value is None else value * 1.2 for value in values)
        made.append(Series(f"series {index} → of a table", values, low, high))
    how = "Half the sum of |s - t| over the sum of s, over the combinations of the column tuple."
    return Chart(
        kind, f"{kind} of {len(names)} with {series}", how, names, tuple(made), "share of the records", LONG, unit
    )


def demanding() -> Report:
    many = tuple(f"≤ {10 * 2**at:,}" for at in range(14))
    charts = [
        chart(kind, names, series, scale, unit)
        for kind in ("bars", "columns", "lines", "intervals")
        for names, series, scale, unit in (
            (NAMES, 1, 1.0, "percent"), (NAMES, 4, 3.4e6, "number"), (many, 3, 0.004, "number"),
            (("one",), 2, -7.5, "number"),
        )
    ]  # fmt: skip
    charts += [chart("points", NAMES, 2, 1.0), chart("points", tuple(map(str, range(150))), 2, 1.0)]
    heads = (
        TableColumn("comparison", number=False),
        *(TableColumn(f"figure {at}", "How it is calculated.") for at in range(9)),
    )
    table = DataTable("Many columns", heads, tuple((LONG, *("1,234,567.89",) * 9) for _ in range(4)))
    figures = Figures(tuple(KeyFigure(LONG, "about 1,234,567,890", "What it means.") for _ in range(5)))
    small = Small(tuple(chart("bars", NAMES, 2, 1e5) for _ in range(5)))
    blocks = (Paragraphs((LONG * 4, "x" * 200), numbered=True), figures, table, *charts, small)
    return Report(
        LONG, "subtitle", "INTERNAL", "Must not go out: 14 of 15 rules held", False, (Section("all", LONG, blocks),)
    )


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (768, True), (360, False), (1280, True)])
def test_a_demanding_page_can_be_read(width: int, dark: bool, tmp_path: Path) -> None:
    found = measured(page(demanding()), tmp_path, width, dark)
    assert found["charts"] == 23
    assert found["overlaps"] == []
    assert found["outside"] == []
    assert found["small"] == []
    assert found["unreachable"] == []
    assert found["wide"] == []
    assert (found["scheme"] == "rgb(20, 24, 27)") == dark
