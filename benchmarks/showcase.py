"""How fast a showcase is: python benchmarks/showcase.py [ROWSxCOLUMNS …] [--clicks N].

Invented records are shown as if they were released, with all their pairs and some of their triples as published counts.
Measured in headless Chromium: the size of the file, how long it takes to make, how long until it is ready (from the
start of loading), and how long from a click until the charts that are seen are drawn again (median and largest of N).
"""

import argparse
import itertools
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import generate
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from playwright.sync_api import Page, sync_playwright

from synth_spark.exports.showcase import ShowcaseTables, presentation, published_values, showcase
from synth_spark.plan import parse

_K, _TRIPLES_OF = 10, 9
_CLICK = """async place => {
  const bars = [...document.querySelectorAll(".place:not([hidden]) button.bar")];
  const bar = bars[Math.floor(place * bars.length)];
  const start = performance.now();
  bar.click();
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""


def main() -> None:
    """Generate, show, click, print."""
    parser = argparse.ArgumentParser(description="Measure showcases in a browser.")
    parser.add_argument("sizes", nargs="*", default=["100000x30", "1000000x30"])
    parser.add_argument("--clicks", type=int, default=30)
    options = parser.parse_args()
    heads = ("records", "combinations", "made", "file", "ready", "click, median", "click, largest")
    print(f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", sep="\n")
    with tempfile.TemporaryDirectory(prefix="bench-") as name, sync_playwright() as playwright:
        command = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=command, args=["--no-sandbox", "--disable-gpu"])
        for size in options.sizes:
            rows, columns = map(int, size.split("x"))
            generate.main(rows, columns, Path(name) / f"{size}.parquet", 1, None)
            source, counted = _released(pq.read_table(Path(name) / f"{size}.parquet"))
            start = time.monotonic()
            html = showcase(source)
            made = time.monotonic() - start
            file = Path(name) / f"{size}.html"
            file.write_text(html, encoding="utf-8")
            ready, clicks = _measured(browser.new_page(viewport={"width": 1360, "height": 900}), file, options.clicks)
            print(
                f"| {size} | {counted:,} | {made:.1f} s | {file.stat().st_size / 1e6:.1f} MB | {ready / 1000:.2f} s "
                f"| {statistics.median(clicks):.0f} ms | {max(clicks):.0f} ms |",
                flush=True,
            )
        browser.close()


def _measured(page: Page, file: Path, clicks: int) -> tuple[float, list[float]]:
    """Milliseconds until ready, and of every click until what is seen is drawn again; each other click undoes one."""
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-ready]", timeout=120_000)
    ready = float(page.evaluate("document.documentElement.dataset.ready"))
    page.wait_for_timeout(2_000)
    chance = np.random.default_rng(1)
    taken = []
    for number in range(clicks):
        if number % 3 == 0:  # one, two, three columns are selected, and from the start again
            page.evaluate("showcase.state.change({ selection: new Map() })")
            page.wait_for_timeout(1_000)
        taken.append(float(page.evaluate(_CLICK, float(chance.random()))))
        page.wait_for_timeout(300)
    page.close()
    return ready, taken


def _released(records: pa.Table) -> tuple[ShowcaseTables, int]:
    """Records as a release: counts of singles, pairs, and triples of the first columns, rounded down."""
    encoded = [pc.dictionary_encode(records[name]).combine_chunks() for name in records.column_names]
    codes = [pc.fill_null(pc.add(one.indices, 1), 0).to_numpy(zero_copy_only=False) for one in encoded]
    values = [np.array([None, *one.dictionary.to_pylist()], object) for one in encoded]
    places = range(len(codes))
    chosen = [(at,) for at in places] + [*itertools.combinations(places, 2)]
    chosen += itertools.combinations(range(min(_TRIPLES_OF, len(codes))), 3)
    parts = [_counts(own, codes, values, records.column_names) for own in chosen]
    aggregates = pa.concat_tables(parts).sort_by([("length", "ascending"), ("protected_count", "descending")])
    bare = ShowcaseTables({"synthetic_records": records, "aggregates": aggregates})
    row = {
        "title": "Invented records", "privacy": "k_anonymity", "k": _K, "reporting_length": 3,
        "protected_record_count": records.num_rows, "synthetic_record_count": records.num_rows,
        "combination_count": aggregates.num_rows, "guarantee": "None: these are invented.", "sentences": "[]",
        "plan": json.dumps(parse({"input": {}}).model_dump(mode="json", exclude={"showcase"})),
        "presentation": json.dumps(presentation(parse({"input": {}}), published_values(bare))),
    }  # fmt: skip
    nothing = {name: pa.table({"comparison": pa.array([], pa.string())}) for name in
               ("evaluation", "fidelity", "differences", "quality_results")}  # fmt: skip
    told = {**bare.tables, **nothing, "release": pa.table({name: [value] for name, value in row.items()})}
    return ShowcaseTables(told), aggregates.num_rows


def _counts(own: tuple[int, ...], codes: list, values: list, names: list[str]) -> pa.Table:
    cards = [len(values[at]) for at in own]
    key = np.zeros(len(codes[0]), np.int64)
    for at, card in zip(own, cards, strict=True):
        key = key * card + codes[at]
    counted = np.bincount(key, minlength=int(np.prod(cards)))
    held = np.unravel_index(np.flatnonzero(counted >= _K), cards)
    there = np.all([codes_of > 0 for codes_of in held], axis=0)
    cells = {names[at]: pa.array(values[at][held[place][there]], pa.string()) for place, at in enumerate(own)}
    number = int(there.sum())
    count = counted[counted >= _K][there] // _K * _K
    columns = {name: cells.get(name, pa.nulls(number, pa.string())) for name in names}
    return pa.table({"length": pa.array(np.full(number, len(own), np.int32)), **columns, "protected_count": count})


if __name__ == "__main__":
    main()
