"""What the tests of showcases share: published tables made without Spark, and a real browser to open them in."""

import itertools
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from browser import browser
from playwright.sync_api import Browser, Page, Playwright

from synth_spark.exports.showcase import ShowcaseTables, presentation, published_values
from synth_spark.plan import parse

#: Nothing of these tables is needed to explore; their rows are what reports are tested with elsewhere.
_MEASURES = pa.schema([("comparison", pa.string()), ("measure", pa.string()), ("length", pa.int32()),
                       ("count_bin", pa.int64()), ("value", pa.float64())])  # fmt: skip
_FINDINGS = pa.schema([("topic", pa.string()), ("comparison", pa.string()), ("measure", pa.string()),
                       ("about", pa.string()), ("length", pa.int32()), ("value", pa.float64()), ("low", pa.float64()),
                       ("high", pa.float64())])  # fmt: skip
_RESULTS = pa.schema([*((name, pa.string()) for name in ("suite", "rule", "expectation", "severity")),
                      ("success", pa.bool_()), ("meaning", pa.string()), ("accepted", pa.string())])  # fmt: skip


def released(
    table: pd.DataFrame,
    /,
    k: int = 2,
    longest: int = 3,
    delimiters: dict[str, str] | None = None,
    title: str = "A release",
    noisy: bool = False,
    **view: Any,
) -> ShowcaseTables:
    """A release whose published counts are those of the records themselves, rounded down to multiples of k."""
    delimiters = delimiters or {}
    aggregates = counted(table, k, longest, delimiters)
    if noisy:
        aggregates = aggregates.assign(
            standard_error=1.5, low=(aggregates.protected_count - 3).clip(lower=0), high=aggregates.protected_count + 3
        )
    told = pa.table({name: pa.array(aggregates[name].astype(object)) for name in aggregates.columns})
    told = told.set_column(0, "length", told["length"].cast(pa.int32()))
    shown = pa.table({name: pa.array(table[name], pa.string()) for name in table.columns})
    plan = parse({"input": {"multi_values": delimiters}, "privacy": {"k": max(k, 2)}, "showcase": view})
    source = ShowcaseTables({"synthetic_records": shown, "aggregates": told})
    row = {
        "title": title,
        "privacy": "k_anonymity",
        "k": k,
        "reporting_length": longest,
        "protected_record_count": len(table) // k * k,
        "synthetic_record_count": len(table),
        "combination_count": len(aggregates),
        "guarantee": f"Every record is shared by at least {k}.",
        "plan": json.dumps(plan.model_dump(mode="json", exclude={"showcase"})),
        "sentences": json.dumps([f"This release, “{title}”, describes records.", "It was made under k-anonymity."]),
        "presentation": json.dumps(presentation(plan, published_values(source))),
    }
    held = [["aggregates", "multiples_of_k", "Expect", "critical", True, "Counts are multiples of k.", ""]]
    return ShowcaseTables(
        {
            **source.tables,
            "release": pa.table({name: [value] for name, value in row.items()}),
            "evaluation": _MEASURES.empty_table(),
            "fidelity": _FINDINGS.empty_table(),
            "differences": _FINDINGS.empty_table(),
            "quality_results": pa.Table.from_pylist(
                [dict(zip(_RESULTS.names, row, strict=True)) for row in held], _RESULTS
            ),
        }
    )


def attributes(row: Sequence[Any], names: Sequence[str], delimiters: dict[str, str]) -> list[tuple[str, str]]:
    """The attributes of a record."""
    found = []
    for name, cell in zip(names, row, strict=True):
        if isinstance(cell, str):
            found += [(name, value) for value in (cell.split(delimiters[name]) if name in delimiters else [cell])]
    return found


def counted(records: pd.DataFrame, k: int, longest: int, delimiters: dict[str, str]) -> pd.DataFrame:
    """Aggregates by brute force."""
    names = list(records.columns)
    counts: Counter[tuple[tuple[str, str], ...]] = Counter()
    for row in records.itertuples(index=False):
        own = attributes(row, names, delimiters)
        for length in range(1, longest + 1):
            counts.update(itertools.combinations(own, length))
    rows = []
    for combination, count in counts.items():
        if count >= k:
            cells: dict[str, list[str]] = {}
            for name, value in combination:
                cells.setdefault(name, []).append(value)
            joined = {name: delimiters.get(name, "").join(values) for name, values in cells.items()}
            rows.append({"length": len(combination), **joined, "protected_count": count // k * k})
    found = pd.DataFrame(rows, columns=["length", *names, "protected_count"])
    return found.sort_values(["length", "protected_count"], ascending=[True, False], ignore_index=True)


@dataclass
class Opened:
    """A showcase in a browser, and all that the browser said or asked for."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


def browse(playwright: Playwright) -> Browser:
    """The machine's own Chromium; skips the test where there is none, except in CI."""
    command = shutil.which(browser())
    return playwright.chromium.launch(executable_path=command, args=["--no-sandbox", "--disable-gpu"])


def opened(chromium: Browser, file: Path, width: int = 1280, fragment: str = "", **context: Any) -> Opened:
    """Open a showcase from disk and wait until it is ready."""
    page = chromium.new_page(viewport={"width": width, "height": 900}, **context)
    found = Opened(page)
    page.on("console", lambda message: found.said.append(message.text))
    page.on("pageerror", lambda error: found.said.append(str(error)))
    page.on("dialog", lambda dialog: found.said.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: found.asked.append(request.url))
    page.goto(f"{file.as_uri()}{fragment}")
    page.wait_for_selector("html[data-ready]", timeout=30_000)
    return found
