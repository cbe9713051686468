"""The showcase in a real browser: what it shows is what the published tables hold, whatever is selected."""

import csv
import io
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from showing import Opened, browse, counted, opened, released

from synth_spark.exports.showcase import showcase
from synth_spark.exports.spreadsheets import original_text

EVIL = "</script><script>document.title='evil'</script><img src=x onerror=alert(1)>"
DELIMITERS = {"means": ";"}
K, LONGEST = 3, 3


def cases(rows: int = 700) -> pd.DataFrame:
    """Records with years, countries, hostile values, flags, and several values a cell."""
    drawn = np.random.default_rng(7)
    country = drawn.choice(["UKR", "MDA", "PHL", "KHM", "IDN"], rows, p=[0.4, 0.25, 0.15, 0.1, 0.1])
    means = [
        ";".join(sorted(drawn.choice(["debt", "threats", "=1+1"], size, replace=False))) if size else None
        for size in drawn.integers(0, 3, rows)
    ]
    year = np.where(country == "UKR", drawn.integers(2015, 2019, rows), drawn.integers(2013, 2021, rows))
    gender = drawn.choice(["Woman", "Man", EVIL, 'a "quoted", one', None], rows, p=[0.5, 0.25, 0.1, 0.1, 0.05])
    flags = {f"is{name}": np.where(drawn.random(rows) < share, "1", None) for name, share in FLAGS.items()}
    return pd.DataFrame({"year": year.astype(str), "gender": gender, "citizenship": country, "means": means, **flags})


FLAGS = {"Labour": 0.4, "Sexual": 0.3, "Other": 0.05}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = browse(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def records() -> pd.DataFrame:
    return cases()


@pytest.fixture(scope="module")
def file(records: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shown") / "showcase.html"
    view = {
        "description": f"About {EVIL}",
        "columns": {"gender": {"title": f"Gender {EVIL}", "labels": {"Woman": "Women & girls", "nobody": "secret"}}},
        "groups": {"Who": ["gender", "citizenship"]},
        "visuals": {"Labour and debt": [{"isLabour": "1"}, {"means": "debt"}, {"means": "unheard of"}]},
        "pages": {"People": ["gender", "citizenship", "Labour and debt"]},
    }
    path.write_text(showcase(released(records, K, LONGEST, DELIMITERS, f"Cases {EVIL}", **view)), encoding="utf-8")
    return path


@pytest.fixture
def shown(browser: Browser, file: Path) -> Iterator[Opened]:
    found = opened(browser, file)
    yield found
    assert found.said == []
    assert {url.partition("#")[0] for url in found.asked} == {file.as_uri()}  # nothing but the file itself
    assert found.page.title().startswith("Cases </script>")
    found.page.close()


Selection = dict[str, set[str]]


def values_of(records: pd.DataFrame, column: str) -> pd.Series:
    """The set of values of every record."""
    cells = records[column]
    return cells.map(lambda cell: set() if cell is None else set(cell.split(";") if column in DELIMITERS else [cell]))


def matching(records: pd.DataFrame, selection: Selection, without: str | None = None) -> pd.Series:
    """Which records match a selection: any of the values of a column, of all columns together."""
    chosen = pd.Series(True, records.index)
    for column, values in selection.items():
        if column != without:
            chosen &= values_of(records, column).map(lambda held, values=values: bool(held & values))
    return chosen


def reported(published: dict[frozenset, int], selection: Selection, column: str, value: str) -> int | None:
    """The published count of a value together with a selection: a sum over alternatives that exclude each other."""
    others = [(name, values) for name, values in selection.items() if name != column]
    if len(others) + 1 > LONGEST or any(len(values) > 1 and name in DELIMITERS for name, values in others):
        return None
    combinations = [frozenset([(column, value)])]
    for name, values in others:
        combinations = [one | {(name, own)} for one in combinations for own in values]
    counts = [published.get(one) for one in combinations]
    return None if None in counts else sum(counts)


@pytest.fixture(scope="module")
def published(records: pd.DataFrame) -> dict[frozenset, int]:
    found = {}
    for row in counted(records, K, LONGEST, DELIMITERS).to_dict("records"):
        own = {name: cell for name, cell in row.items() if isinstance(cell, str)}
        several = {name: cell.split(";") if name in DELIMITERS else [cell] for name, cell in own.items()}
        parts = frozenset((name, value) for name, values in several.items() for value in values)
        found[parts] = row["protected_count"]
    return found


def bars(shown: Opened) -> list[dict]:
    """All bars that are drawn, with what they say."""
    shown.page.evaluate("showcase.explore.drawAll()")
    return shown.page.evaluate(
        """() => [...document.querySelectorAll("#charts .place:not([hidden]) button.bar")].map(bar => ({
            column: showcase.release.columns[bar.dataset.column].name,
            value: showcase.release.columns[bar.dataset.column].values[bar.dataset.value],
            place: [bar.dataset.column, bar.dataset.value],
            chart: bar.closest(".place").dataset.chart,
            count: Number(bar.dataset.count),
            reported: bar.dataset.reported === undefined ? null : Number(bar.dataset.reported),
            pressed: bar.getAttribute("aria-pressed") === "true",
            text: bar.querySelector(".tally").innerText.split(/\\s+/),
            width: parseFloat(bar.querySelector(".fill.synthetic").style.width),
        }))"""
    )


def test_counts_on_screen_are_those_of_the_tables(
    shown: Opened, records: pd.DataFrame, published: dict[frozenset, int]
) -> None:
    """Random selections, made with the mouse: every bar, its published count, and the totals."""
    chance = random.Random(3)
    seen_reported = seen_missing = 0
    for _ in range(14):
        selection: Selection = {}
        if shown.page.is_enabled("#clear"):
            shown.page.click("#clear")
        for _ in range(chance.randint(0, 4)):
            some = chance.choice([bar for bar in bars(shown) if bar["count"] > 0] or bars(shown))
            column, value = some["place"]
            bar = f'button.bar[data-column="{column}"][data-value="{value}"]'
            shown.page.click(f'.place[data-chart="{some["chart"]}"] {bar}')
            held = selection.setdefault(some["column"], set())
            held ^= {some["value"]}
            selection = {name: values for name, values in selection.items() if values}
        everyone = matching(records, selection)
        assert int(shown.page.get_attribute("#total", "data-count") or -1) == everyone.sum()
        for bar in bars(shown):
            base = matching(records, selection, without=bar["column"])
            exact = (base & values_of(records, bar["column"]).map(lambda held, bar=bar: bar["value"] in held)).sum()
            assert bar["count"] == exact, (selection, bar)
            assert bar["reported"] == reported(published, selection, bar["column"], bar["value"]), (selection, bar)
            assert bar["pressed"] == (bar["value"] in selection.get(bar["column"], set()))
            assert bar["text"] == [f"{exact:,}", "–" if bar["reported"] is None else f"{bar['reported']:,}"]
            seen_reported += bar["reported"] is not None
            seen_missing += bar["reported"] is None
    assert seen_reported > 50
    assert seen_missing > 50


def test_alternatives_are_added_only_where_they_exclude_each_other(
    shown: Opened, published: dict[frozenset, int]
) -> None:
    """Of a column with several values a record, two alternatives may be the same person."""
    page = shown.page
    women = published[frozenset([("gender", "Woman")])] + published[frozenset([("gender", "Man")])]
    for place in (0, 1):
        page.locator('.place[data-chart="gender"] button.bar').nth(place).click()
    assert page.locator("#total-reported").inner_text() == f"published count {women}"
    page.click("#clear")
    for place in (0, 1):
        page.locator('.place[data-chart="means"] button.bar').nth(place).click()
    assert page.locator("#total-reported").inner_text() == "no published count of its own"
    assert {bar["reported"] for bar in bars(shown) if bar["chart"] == "citizenship"} == {None}
    assert None not in {bar["reported"] for bar in bars(shown) if bar["chart"] == "means"}


def test_bars_stand_in_order_and_are_as_long_as_their_counts(shown: Opened) -> None:
    by_chart: dict[str, list[dict]] = {}
    for bar in bars(shown):
        by_chart.setdefault(bar["chart"], []).append(bar)
    years = [bar["value"] for bar in by_chart["year"]]
    assert years == sorted(years)
    for chart, own in by_chart.items():
        if chart != "year":
            assert [bar["count"] for bar in own] == sorted((bar["count"] for bar in own), reverse=True)
        longest = max(own, key=lambda bar: bar["count"])
        for bar in own:
            assert bar["width"] == pytest.approx(longest["width"] * bar["count"] / longest["count"], abs=0.1)
    assert {"Is …", "Labour and debt"} <= by_chart.keys()
    assert len(by_chart["Labour and debt"]) == 2  # a value that is not published is not spoken of
    shown.page.select_option("#views select", "People")
    assert {bar["chart"] for bar in bars(shown)} == {"gender", "citizenship", "Labour and debt"}


def test_a_selection_is_in_the_address_and_can_be_undone(shown: Opened, browser: Browser, file: Path) -> None:
    page = shown.page
    page.locator('.place[data-chart="citizenship"] button.bar').first.click()
    page.locator('.place[data-chart="gender"] button.bar').nth(1).click()
    count, fragment = page.get_attribute("#total", "data-count"), page.evaluate("location.hash")
    again = opened(browser, file, fragment=fragment)
    assert again.page.get_attribute("#total", "data-count") == count
    assert again.page.locator("#chips .chip").count() == 2
    again.page.close()
    page.click("#undo")
    assert page.locator("#chips .chip").count() == 1
    page.click("#redo")
    assert page.get_attribute("#total", "data-count") == count
    page.locator("#chips .chip").first.click()
    assert page.locator("#chips .chip").count() == 1
    page.click("#clear")
    assert page.get_attribute("#total", "data-count") == "700"
    page.goto(f"{file.as_uri()}#page=nowhere&is.gender=nobody&is.unknown=1&view=toString&over=gender")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.locator("#chips .chip").count() == 0


def test_it_is_searched_and_used_by_keyboard(shown: Opened) -> None:
    page = shown.page
    page.keyboard.press("/")
    page.keyboard.type("ukrai")
    assert "Ukraine" in page.locator("#found").inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator("#chips").inner_text().startswith("Citizenship")
    bar = page.locator('.place[data-chart="citizenship"] button.bar[aria-pressed="true"]')
    assert bar.count() == 1
    page.locator('.place[data-chart="gender"] button.bar').first.focus()
    page.keyboard.press("Space")
    assert page.locator("#chips .chip").count() == 2
    focused = page.evaluate("document.activeElement.closest('.place').dataset.chart")
    assert focused == "gender"
    unnamed = page.evaluate(UNNAMED)
    assert unnamed == []


#: What can be operated and has no name for those who do not see it.
UNNAMED = """() => [...document.querySelectorAll("button, input, select")]
  .filter(one => !one.closest("[hidden]"))
  .filter(one => !(one.getAttribute("aria-label") || one.textContent.trim() || one.closest("label")))
  .map(one => one.id)"""


def cells(page: Page, rows: str) -> list[list[str]]:
    """The texts of rows of a table."""
    return page.eval_on_selector_all(rows, "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")


def test_pages_compare_trust_and_data(shown: Opened, records: pd.DataFrame) -> None:
    page = shown.page
    page.locator('.place[data-chart="citizenship"] button.bar').first.click()
    chosen = records[records.citizenship == "UKR"]
    page.click("#tab-compare")
    page.select_option("#compare-one select", label="Year")
    rows = cells(page, "#compare-one tbody tr")
    assert {row[0]: int(row[3].replace(",", "")) for row in rows} == {
        year: int((chosen.year == year).sum()) for year in sorted(set(records.year))
    }
    told = {row[0]: row[1] for row in rows}
    assert told["2016"] == f"{round(1000 * (chosen.year == '2016').mean()) / 10:g}%"
    page.select_option("#compare-time select >> nth=1", label="Means")
    rows, (heads,) = cells(page, "#compare-time tbody tr"), cells(page, "#compare-time thead tr")
    for row in rows:
        for name, cell in zip(heads[1:], row[1:], strict=True):
            held = values_of(chosen[chosen.year == row[0]], "means").map(lambda values, name=name: name in values)
            assert int(cell.replace(",", "")) == held.sum()
    page.select_option("#compare-flow select >> nth=1", label="Is labour")
    flows = cells(page, "#compare-flow tbody tr")
    assert sum(int(number.replace(",", "")) for _, number in flows) == len(chosen)
    assert page.locator("#compare-flow svg .band").count() == len(flows)
    page.click("#tab-trust")
    assert page.locator("#sentences li").count() == 2
    assert "k-anonymity with k = 3" in page.locator("#terms").inner_text()
    assert page.locator("#audit").is_visible()
    page.click("#tab-data")
    assert page.locator("#records tbody tr").count() == 25
    with page.expect_download() as taken:
        page.click("#download")
    text = Path(taken.value.path()).read_text(encoding="utf-8-sig")
    told = list(csv.reader(io.StringIO(text)))
    assert any(cell.startswith("'=1+1") for line in told for cell in line)
    table = [list(map(original_text, line)) for line in told]
    assert table[0] == list(records.columns)
    expected = sorted(tuple("" if cell is None else cell for cell in row) for row in chosen.itertuples(index=False))
    assert sorted(map(tuple, table[1:])) == expected
    page.click("#data-last")
    assert f"of {len(chosen)}" in page.locator("#data-shown").inner_text()
    assert page.locator("#records tbody tr").count() == (len(chosen) - 1) % 25 + 1


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_it_can_be_read_on_a_phone_and_in_the_dark(browser: Browser, file: Path, width: int, scheme: str) -> None:
    found = opened(browser, file, width, color_scheme=scheme)
    for page in ("explore", "compare", "trust", "data"):
        found.page.click(f"#tab-{page}")
        assert found.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page
        for what in SEEN[page]:
            box = found.page.locator(what).first.bounding_box()
            assert box, what
            assert min(box["width"], box["height"]) > 10, what
    contrasts = found.page.evaluate(CONTRASTS)
    assert min(contrasts.values()) >= 4.5, contrasts
    assert found.said == []
    found.page.close()


#: What must be seen of each page, whatever the width.
SEEN = {
    "explore": ("#charts .bar", "#charts .track", "#legend li"),
    "compare": ("#compare-one .bar", "#compare-one .track", "#compare-time svg", "#compare-flow svg"),
    "trust": ("#terms", "#sentences li", "#audit table"),
    "data": ("#records tbody tr", "#download"),
}
#: WCAG contrast of the colours that texts have on what they stand on.
CONTRASTS = """() => {
  const style = getComputedStyle(document.documentElement);
  const light = name => {
    const parts = style.getPropertyValue(name).trim().match(/[0-9a-f]{2}/gi).map(part => parseInt(part, 16) / 255);
    const linear = parts.map(one => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const pairs = [["--ink", "--paper"], ["--ink", "--panel"], ["--soft", "--paper"], ["--soft", "--panel"],
    ["--link", "--paper"], ["--good", "--good-paper"], ["--warn", "--warn-paper"]];
  return Object.fromEntries(pairs.map(([a, b]) => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return [`${a} on ${b}`, (high + 0.05) / (low + 0.05)];
  }));
}"""


def test_noisy_counts_show_their_intervals_and_samples_are_declared(browser: Browser, tmp_path: Path) -> None:
    records = cases(2_000)
    html = showcase(released(records, 1, 2, DELIMITERS, noisy=True, records=1_000, combinations=50))
    (tmp_path / "noisy.html").write_text(html, encoding="utf-8")
    found = opened(browser, tmp_path / "noisy.html")
    assert "A sample of 1,000 of the 2,000" in found.page.locator("#notes").inner_text()
    assert "the 50 shortest" in found.page.locator("#notes").inner_text()
    assert found.page.get_attribute("#total", "data-count") == "1000"
    bar = found.page.locator('.place[data-chart="gender"] button.bar').first
    whole = int((records.gender == "Woman").sum())
    assert f"published count {whole:,} ({whole - 3:,} to {whole + 3:,})" in (bar.get_attribute("aria-label") or "")
    assert bar.locator(".whisker").count() == 1
    assert found.said == []
    found.page.close()


def test_it_speaks_other_languages(browser: Browser, tmp_path: Path) -> None:
    texts = {"locale": "de", "page.trust": "Vertrauen", "count.synthetic": "{count} von {all} künstlichen Fällen"}
    (tmp_path / "de.html").write_text(showcase(released(cases(1_200), 2, 2, DELIMITERS, texts=texts)), encoding="utf-8")
    found = opened(browser, tmp_path / "de.html")
    assert found.page.locator("#tab-trust").inner_text() == "Vertrauen"
    assert found.page.locator("#total").inner_text() == "1.200 von 1.200 künstlichen Fällen"
    assert "Philippinen" in found.page.locator('.place[data-chart="citizenship"]').inner_text()
    assert found.page.get_attribute("html", "lang") == "de"
    assert found.said == []
    found.page.close()


@pytest.mark.parametrize("rows", [0, 1])
def test_a_release_of_almost_nothing_opens(browser: Browser, tmp_path: Path, rows: int) -> None:
    (tmp_path / "little.html").write_text(showcase(released(cases(50).head(rows), 1, 2, DELIMITERS)), encoding="utf-8")
    found = opened(browser, tmp_path / "little.html")
    for page in ("compare", "trust", "data", "explore"):
        found.page.click(f"#tab-{page}")
    assert found.said == []
    found.page.close()
