"""Values and files as no one should send them, the files drawn by hypothesis; no message may repeat a cell's mark."""

import csv
import gzip
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

#: Values that a careless reader would drop, split, turn into numbers or mix up.
HOSTILE_VALUES = [
    '"', '""', "'", ";", ":", "a;b", "a:b", "<colon>", ",", "\t", "\n", "line\nbreak", "\r\n", "\\", "\\n", "|",
    "nan", "NaN", "NULL", "null", "None", "NA", "1.0", "1", "01", "1e0", "-0", "0.0", "00", "True", "true",
    "a", "A", "á", "a\u0301", "ß", "SS", "😀", "👩‍👩‍👧", "שלום", "مرحبا", "\u202eabc", "\u200b", "a\u00a0b", "日本語",
    "=1+1", "%s", "{}", "$x", "`", "../x", "\x00", "\x1f", "\ufeff", "x" * 1_000,
]  # fmt: skip
#: Part of every cell that is written; an error, a log or a header of a release that shows it has leaked.
MARK = "Zq7"
_TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "0", "nan", "NULL", "1.0", ";", ":", ",", '"', '""', "'", "\\", "\n", "\r\n", "\t", "a;b", "=1+1",
         "-1", "\x00", "\x1f", "\x85", "\u2028", "\ufeff", "\u200b", "😀", "שלום", "\u202eabc", "é", "e\u0301",
         "{}", "%s", "$x", "`", "../x", "</script>", "2021-02-30", "1e999", "x" * 1_200]
    ),
    st.text(st.characters(codec="utf-8"), max_size=6),
)  # fmt: skip
_NAMES = st.one_of(
    st.sampled_from(
        ["a", "b", "A", "c d", "", " ", "run_id", "length", "x.y", "`q`", "a;b", "a:b", "é", "😀", "0", "c0"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=4),
)


@dataclass(frozen=True)
class Hostile:
    """A file's bytes, its suffix, and what the plan says about it."""

    content: bytes
    suffix: str
    settings: dict[str, Any]

    def write(self, folder: Path) -> Path:
        """The file, in a folder."""
        path = folder / f"cases{self.suffix}"
        path.write_bytes(self.content)
        return path


@st.composite
def files(draw: st.DrawFn) -> Hostile:
    """A table of few columns and values, written with care or without, whole or damaged."""
    width, height = draw(st.integers(1, 4)), draw(st.integers(0, 30))
    names = draw(st.lists(_NAMES, min_size=width, max_size=width))
    cells = draw(st.lists(_TEXTS, min_size=1, max_size=6))
    picked = draw(st.lists(st.integers(0, len(cells)), min_size=width * height, max_size=width * height))
    rows = [[_marked(cells, place) for place in picked[at * width : (at + 1) * width]] for at in range(height)]
    delimiter = draw(st.sampled_from([",", "\t", ";", "|"]))
    text = _written(names, rows, delimiter, careful=draw(st.integers(0, 4)) > 0)
    content = text.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16"])))
    if draw(st.integers(0, 5)) == 0:
        content = _damaged(content, draw(st.integers(0, max(0, len(content) - 1))), draw(st.binary(max_size=3)))
    suffix = draw(st.sampled_from([".csv", ".csv", ".csv.gz", ".parquet"]))
    if suffix == ".csv.gz" and draw(st.integers(0, 4)) > 0:
        content = gzip.compress(content, mtime=0)
    settings: dict[str, Any] = {"delimiter": delimiter, "multiline": draw(st.booleans()), "trim": draw(st.booleans())}
    several = draw(st.sampled_from([None, ";", "|", "\\E"]))
    if several is not None and names[0].strip():
        settings["multi_values"] = {names[0].strip(): several}
    if draw(st.integers(0, 5)) == 0 and names[-1].strip():
        settings["numbers"] = {names[-1].strip(): {"width": 10}}
    return Hostile(content, suffix, settings)


def _marked(cells: list[str], place: int) -> str:
    return MARK + cells[place] if place < len(cells) and cells[place].strip() else "" if place else "0"


def _written(names: list[str], rows: list[list[str]], delimiter: str, *, careful: bool) -> str:
    if not careful:
        return "\n".join(delimiter.join(row) for row in [names, *rows])
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerows([names, *rows])
    return out.getvalue()


def _damaged(content: bytes, at: int, put: bytes) -> bytes:
    return content[:at] + put + content[at + len(put) :] if put else content[:at]
