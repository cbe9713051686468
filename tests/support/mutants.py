"""Files of records with damaged bytes, with what the bytes say after that by other readers than ours.

A mutant is a function of its number. Every cell holds `MARK`, which no message may show.
"""

import bz2
import csv
import gzip
import io
import lzma
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import parquet_layouts
import pyarrow as pa
import pyarrow.parquet as pq
from packings import SUFFIXES, pack

#: Part of every cell.
MARK = "Zq7"
_CELLS = ["left", "a,b", 'say "hi"', "größe", " x ", "", "line\nbreak", "long" * 50]
_ENCODINGS = ["UTF-8", "UTF-8", "UTF-8", "utf-16", "latin1", "windows-1252", "shift_jis"]
#: Signs that reading takes for blanks where they stand around fields → a blank, for readers that do not.
_CONTROLS = {number: " " for number in range(32) if chr(number) not in "\r\n"}


@dataclass
class Mutant:
    """A damaged file.

    Attributes:
        path: of it.
        keys: of the input in the plan, without the path.
        kind: how it was written, and what was done to it.
    """

    path: Path
    keys: dict[str, Any]
    kind: str

    @property
    def settings(self) -> dict[str, Any]:
        """The part ``input`` of a plan."""
        return {"path": str(self.path), **self.keys}

    def others(self) -> list[tuple[str, ...]] | None:
        """The rows that the csv module, or pyarrow, reads; of a CSV with its header; None where they fail."""
        return self._by_pyarrow() if self.keys["format"] == "parquet" else self._by_csv()

    def _by_pyarrow(self) -> list[tuple[str, ...]] | None:
        try:
            with pq.ParquetFile(self.path) as opened:
                columns = opened.read().to_pydict()
        except (OSError, ValueError, pa.ArrowException):
            return None
        rows = list(zip(*columns.values(), strict=True))
        return [tuple("" if value is None else str(value) for value in row) for row in rows]

    def _by_csv(self) -> list[tuple[str, ...]] | None:
        content = self.path.read_bytes()
        signatures = {b"\x1f\x8b": gzip, b"BZh": bz2, b"\xfd7zXZ\x00": lzma}
        try:
            for start, module in signatures.items():
                if content.startswith(start):
                    content = module.decompress(content)
                    break
            else:
                if content.startswith(b"\x28\xb5\x2f\xfd"):
                    with pa.CompressedInputStream(pa.BufferReader(content), "zstd") as stream:
                        content = stream.read()
            text = content.decode(self.keys["encoding"]).removeprefix("\ufeff").translate(_CONTROLS)
            csv.field_size_limit(1 << 30)
            rows = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True))
        except (OSError, EOFError, ValueError, lzma.LZMAError, csv.Error):
            return None
        stripped = [compared(row) for row in rows]
        return [row for row in stripped if len(row) > 1 or any(row)]


def compared(row: Iterable[str]) -> tuple[str, ...]:
    """A row as it is compared: without what surrounds fields, which other readers treat in other ways."""
    return tuple(cell.translate(_CONTROLS).strip() for cell in row)


def mutant(number: int, folder: Path) -> Mutant:
    """Make a mutant in an empty folder."""
    rng = random.Random(f"mutant {number}")
    if rng.random() < 0.25:
        return _parquet(rng, folder)
    encoding = rng.choice(_ENCODINGS)
    rows = [[_cell(rng, encoding) for _ in range(3)] for _ in range(rng.choice([3, 20, 200]))]
    out = io.StringIO(newline="")
    quoting = rng.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
    writer = csv.writer(out, lineterminator=rng.choice(["\n", "\r\n"]), quoting=quoting)
    writer.writerows([["size", "side", "kind"], *rows])
    content = out.getvalue().encode(encoding)
    packing = rng.choice(["none", "none", "none", "gzip", "bzip2", "xz", "zstd"])
    inside = rng.random() < 0.3
    if inside:
        content, done = damaged(rng, content)
    content = pack(content, packing)
    if not inside:
        content, done = damaged(rng, content)
    path = folder / f"cases.csv{SUFFIXES[packing][0]}"
    path.write_bytes(content)
    keys: dict[str, Any] = {"format": "csv", "encoding": encoding, "multiline": rng.random() < 0.6}
    if rng.random() < 0.5:
        keys["header"] = True
    return Mutant(path, keys, f"{encoding} {packing} {done}")


def _cell(rng: random.Random, encoding: str) -> str:
    text = MARK + rng.choice(_CELLS)
    try:
        text.encode(encoding)
    except UnicodeError:
        return MARK
    return text


def _parquet(rng: random.Random, folder: Path) -> Mutant:
    count = rng.choice([2, 50, 2000])
    columns = {
        "size": [rng.choice([MARK, f"{MARK}x", None]) for _ in range(count)],
        "side": [f"{MARK}{rng.random()}" for _ in range(count)],
        "year": [rng.randint(1990, 2030) for _ in range(count)],
    }
    path = folder / "cases.parquet"
    written = parquet_layouts.write(rng, pa.table(columns), path)
    content, done = damaged(rng, path.read_bytes())
    path.write_bytes(content)
    return Mutant(path, {"format": "parquet"}, f"parquet by {written} {done}")


def damaged(rng: random.Random, content: bytes) -> tuple[bytes, str]:
    """Bytes, damaged in one to three ways, and what was done."""
    done = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if not content:
            break
        at, to = sorted((rng.randrange(len(content)), rng.randrange(len(content))))
        way = rng.choice(["flip", "bit", "cut", "behead", "double", "swap", "remove", "repeat", "put"])
        done.append(f"{way} {at}")
        if way == "flip":
            content = content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]
        elif way == "bit":
            content = content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]
        elif way == "cut":
            content = content[:at]
        elif way == "behead":
            content = content[min(at, 40) :]
        elif way == "double":
            content = content[:at] + content[at : at + 1] + content[at:]
        elif way == "swap":
            content = (
                content[:at] + content[to : to + 1] + content[at + 1 : to] + content[at : at + 1] + content[to + 1 :]
            )
        elif way == "remove":
            content = content[:at] + content[to:]
        elif way == "repeat":
            content = content[:to] + content[at:]
        else:
            content = content[:at] + rng.choice([b'"', b"\n", b"\r", b"\0", b",", b"\xff", b"\\"]) + content[at:]
    return content, ", ".join(done)
