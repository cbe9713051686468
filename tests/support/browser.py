"""A real browser, headless: what stands where on a page, and whether it can be read."""

import json
import os
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Runs on the page: every visible text's box, what sticks out, and what can be reached with the keyboard.
_MEASURE = """
const found = {overlaps: [], outside: [], wide: [],
  unreachable: [], small: [], charts: 0, scheme: getComputedStyle(document.body).backgroundColor};
for (const svg of document.querySelectorAll("svg")) {
  found.charts += 1;
  const frame = svg.getBoundingClientRect();
  if (!frame.width) { found.charts -= 1; continue; }  // the one for another width
  const texts = [...svg.querySelectorAll("text")].map(t => [t.textContent, t.getBoundingClientRect()]);
  for (const [text, box] of texts) {
    const across = box.left < frame.left - 1 || box.right > frame.right + 1;
    if (across || box.top < frame.top - 1 || box.bottom > frame.bottom + 1) found.outside.push(text);
    if (box.height < 8) found.small.push(text);
  }
  texts.forEach(([a, p], i) => texts.slice(i + 1).forEach(([b, q]) => {
    const across = Math.min(p.right, q.right) - Math.max(p.left, q.left);
    const down = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    if (across > 1 && down > 3) found.overlaps.push([a, b]);
  }));
}
for (const one of document.querySelectorAll(".defined")) {
  one.focus();
  const tip = one.querySelector(".tip");
  const shown = document.activeElement === one && getComputedStyle(tip).display !== "none";
  if (!shown) found.unreachable.push(one.textContent);
}
for (const one of document.querySelectorAll("p, li, h1, h2, dt, dd, figcaption, summary, svg, .scroll, .figure")) {
  const box = one.getBoundingClientRect();
  if (!one.closest(".scroll .tip, .drawing, td") && box.right > window.innerWidth + 1) found.wide.push(one.textContent);
}
const out = document.createElement("pre");
out.id = "found";
out.textContent = JSON.stringify(found);
parent.document.body.append(out);
"""


def browser() -> str:
    """The browser's command; skips the test where there is none, except in CI."""
    for name in _NAMES:
        if shutil.which(name):
            return name
    assert "SYNTH_SPARK_CI" not in os.environ, "CI must have Chromium"
    pytest.skip("there is no Chromium")


def measured(page: str, folder: Path, width: int, dark: bool = False) -> dict[str, Any]:
    """Open a page, in a frame of a width, and measure it. Its own policy forbids scripts: the copy has no policy."""
    copy = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    file = folder / f"page-{width}-{dark}.html"
    framed = escape(copy.replace("</body>", f"<script>{_MEASURE}</script></body>"))
    frame = f'<iframe srcdoc="{framed}" style="width: {width}px; height: 900px; border: 0"></iframe>'
    file.write_text(f'<!DOCTYPE html><meta charset="utf-8"><body>{frame}</body>', encoding="utf-8")
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--hide-scrollbars"]
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    command = [browser(), *arguments, *scheme, f"--user-data-dir={folder / 'profile'}", "--window-size=1400,1000"]
    done = subprocess.run([*command, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=120)
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.S)
    assert found, done.stderr[-2000:]
    return json.loads(unescape(found[1]))
