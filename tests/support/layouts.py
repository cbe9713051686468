"""Random tables written in random layouts, by every writer at hand, with what reading them must give.

A layout is a function of its number: `make layouts` tells the numbers that fail, and `laid_out` makes them again.
"""

import csv
import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import parquet_layouts
import pyarrow as pa
import pyarrow.csv
from packings import SUFFIXES, pack

#: Texts that some reader takes for something else.
TEXTS = [
    "left", "right", "big", "small", "north east", "", "", " ", "  x ", "x ", " 1", "\t", 'say "hi"', '"', '""',
    "'", '"a', 'a"', "a,b", "a;b", "a|b", "a\tb", ",", ";", "line\nbreak", "cr\rhere", "crlf\r\nx", "\n", "\\",
    "a\\b", 'a\\"b', "end\\", "\\N", "\\\\", "nan", "NaN", "NULL", "null", "None", "NA", "N/A", "1", "01",
    "1.0", "1e5", "-0", "0", "00", "1,5", "12345678901234567890", "0x1F", "2021-02-03", "03.02.2021", "08:30",
    "true", "False", "#x", "=1+1", "sep=;", "é", "ß", "€5", "größe", "日本", "東京", "ж", "😀", "e\u0301", "שלום",
    "\u200b", "a\u00a0b", "\u2028", "\x85", "\x1f", "a\x0bb", "{}", "%s", "$x", "`", "../x", "@", "~", "NO",
    "\ufeff",
]  # fmt: skip
NAMES = [
    "size", "side", "größe", "ä b", 'na"me', "a,b", "a;b", "性別", "c.d", "`q`", "1", "2020", "raw0", "own1",
    "folder0", "record", "_metadata", "value", "a\tb", "x=y", "%", "{}", "😀", "é", "key", "A", "Fälle", "null",
    "true", "0", "a\\b", "'q'", "#", "line\nname", "count(1)", "_corrupt_record", "*",
]  # fmt: skip
#: Names of files that some reader takes for a pattern, an address or none of its business.
FILES = [
    "cases", "cases[1]", "c{1}", "c*", "c?x", "c 12:30", "_c", ".c", "Fälle ü", "a b", "c%20d", "a+b", "c#1",
    "x=y", "c\\1", "c\nd",
]  # fmt: skip
ENCODINGS = [
    "UTF-8", "UTF-8", "UTF-8", "UTF-8", "utf-8-sig", "utf8", "utf-16", "utf-16-le", "utf-16-be", "utf-32",
    "windows-1252", "latin1", "ISO-8859-15", "shift_jis", "gb18030", "cp850", "ascii", "iso2022_jp", "utf-7",
    "mac_roman", "cp037", "hz",
]  # fmt: skip
_BLANK = "".join(map(chr, range(33)))
#: What the product trims from values before it tells whether there is one.
_NOTHING = _BLANK + "\u00a0\ufeff"
Rows = list[tuple[str, ...]]


@dataclass
class Layout:
    """A table as it lies in files.

    Attributes:
        number: that it was made of.
        paths: to hand in.
        keys: of the input in the plan, without the paths.
        names: of its columns, in the order in which they must be found.
        rows: its texts; None where a file has no such column, or no value.
        alone: whether files have one column, in which a row without a value may be a blank line, which is no record.
        exact: whether blanks around values are content: all are quoted, or typed.
        refusals: beginnings and parts of the refusals that would be right; if there are none, it must be read.
        how: how it was written, for people.
    """

    number: int
    paths: list[Path]
    keys: dict[str, Any]
    names: tuple[str, ...]
    rows: list[tuple[str | None, ...]]
    exact: bool
    alone: bool = False
    refusals: list[str] = field(default_factory=list)
    how: str = ""

    @property
    def settings(self) -> dict[str, Any]:
        """The part ``input`` of a plan."""
        where = {"path": str(self.paths[0])} if len(self.paths) == 1 else {"paths": [str(path) for path in self.paths]}
        return {**where, **self.keys}

    def shown(self, rows: Sequence[Sequence[str | None]]) -> list[tuple[str | None, ...]]:
        """Rows as they are compared: in order of their texts, without blanks that are layout, None for no value."""
        texts = [tuple(self._text(text) for text in row) for row in rows]
        blank = (None,) if self.alone else ()  # such a row may be a blank line
        return sorted((row for row in texts if not blank or row[:1] != blank), key=repr)

    def _text(self, text: str | None) -> str | None:
        if text is None or text.strip(_NOTHING) == "":
            return None
        return text if self.exact else text.strip(_BLANK)


@dataclass
class Dialect:
    """How a CSV is written."""

    delimiter: str
    quote: str
    escape: str | None
    all_quoted: bool
    line_end: str


def laid_out(number: int, folder: Path, sparks: Callable[..., None] | None = None) -> Layout:
    """Make a layout.

    Args:
        number: which.
        folder: an empty folder for its files.
        sparks: writes a table by Spark; without it others write it.
    """
    rng = random.Random(f"layout {number}")
    if rng.random() < 0.25:
        return _parquet(number, rng, folder)
    return _csv(number, rng, folder, sparks)


def _table(rng: random.Random, names: int = 5) -> tuple[tuple[str, ...], Rows]:
    width = rng.randint(1, names)
    header: list[str] = []
    while len(header) < width:
        name = rng.choice(NAMES if rng.random() < 0.7 else ["size", "side", "kind", "way"])
        if name.lower() not in {one.lower() for one in header} and ("\n" not in name or rng.random() < 0.2):
            header.append(name)
    pool = [*rng.sample(TEXTS, rng.randint(2, 8)), "left"]
    if rng.random() < 0.05:
        pool.append("long " * rng.choice([300, 20_000]))
    if rng.random() < 0.1:
        pool += [
            "".join(chr(rng.choice([rng.randint(32, 126), rng.randint(160, 0x2FF)])) for _ in range(9))
            for _ in range(5)
        ]
    if width == 1:  # where it comes first, it is the line of Excel
        pool = ["sep=" if text == "sep=;" else text for text in pool]
    rows = [tuple(rng.choice(pool) for _ in header) for _ in range(rng.randint(1, 12))]
    return tuple(header), rows


# --- CSV


def _csv(number: int, rng: random.Random, folder: Path, sparks: Callable[..., None] | None) -> Layout:
    header, rows = _table(rng)
    encoding = rng.choice(ENCODINGS)
    header = tuple(_of(encoding, name, f"n{place}") for place, name in enumerate(header))
    rows = [tuple(_of(encoding, text, "x") for text in row) for row in rows]
    escape = "\\" if rng.random() < 0.15 else None
    quote = "'" if rng.random() < 0.1 else '"'
    delimiter = rng.choice([",", ",", ";", "\t", "|", " ", ":", "\x01", "~", "§"])
    delimiter = _of(encoding, delimiter, ";")
    dialect = Dialect(delimiter, quote, escape, rng.random() < 0.4, rng.choice(["\n", "\n", "\r\n", "\r"]))
    writer = rng.choice(_writers(sparks))
    layout = Layout(number, [], {"format": "csv"}, header, [], dialect.all_quoted)
    several = _parts(rng, header, rows)
    has_header = rng.random() < 0.8
    if not has_header:
        layout.keys |= {"header": False, "names": list(header)}
        several = [(header, [_moved(row, theirs, header) for row in part], rest) for theirs, part, rest in several]
    elif rng.random() < 0.8:
        layout.keys["header"] = True
    else:
        layout.refusals.append("seems to have no header")
    texts = [text for row in rows for text in row] + list(header)
    multiline = any("\n" in text or "\r" in text for text in texts) and rng.random() < 0.9
    layout.keys |= {"multiline": True} if multiline or rng.random() < 0.2 else {}
    if "multiline" not in layout.keys and any("\n" in text or "\r" in text for text in texts):
        layout.refusals += ["that its line does not close", "a header of several lines"]
    layout.keys |= {"quote": quote} if quote != '"' else {}
    layout.keys |= {"escape": escape} if escape is not None else {}
    if escape is not None and not dialect.all_quoted:
        layout.refusals.append("outside of quotes")
    layout.keys["encoding"] = encoding
    says_separator = has_header and rng.random() < 0.08 and dialect.delimiter.isprintable()
    if not says_separator or rng.random() < 0.5:
        layout.keys["delimiter"] = delimiter
    how = [f"{len(several)} files", writer.__name__, encoding, repr(dialect)]
    partitions = _partitions(rng, several)
    layout.names = first = several[0][0]
    for place, (theirs, part, _) in enumerate(several):
        text = writer(theirs if has_header else None, part, dialect, folder)
        layout.exact = layout.exact and writer is not _by_pyarrow
        text = _touched(rng, text, dialect, says_separator)
        packing, suffix = _packing(rng)
        alone = len(several) == 1 and not partitions[0]
        name = rng.choice(FILES) if alone and rng.random() < 0.4 else f"part{place}"
        inside = folder / "in" / "/".join(f"{key}={value}" for key, value in partitions[place])
        inside.mkdir(parents=True, exist_ok=True)
        try:
            path = inside / f"{name}{suffix}"
            path.write_bytes(pack(_encoded(rng, text, encoding), packing))
        except OSError:
            path = inside / f"part{place}.csv"
            path.write_bytes(pack(_encoded(rng, text, encoding), packing))
        layout.paths.append(path)
        how.append(f"{path.name!r} {packing}")
        folders = tuple(value for _, value in partitions[place])
        layout.rows += [(*_moved(row, theirs, first), *folders) for row in part]
    if partitions[0]:
        layout.names = (*first, *(key for key, _ in partitions[0]))
    if partitions[0] or (len(several) > 1 and rng.random() < 0.5):
        layout.paths = [folder / "in"]
    layout.how = ", ".join(how)
    _allowed(layout, rows, header, several, encoding)
    return layout


def _allowed(layout: Layout, rows: Rows, header: tuple[str, ...], several: list[Any], encoding: str) -> None:
    """What a layout may be refused for besides what its own parts have told."""
    if len(header) == 1:
        layout.alone = True
        layout.refusals.append("one column by the delimiter")
    if any(name.strip(_NOTHING) == "" for name in header):
        layout.refusals.append("has no name for column")
    if any(set(theirs) != set(header) for theirs, _, _ in several):
        layout.refusals += ["has another header than", "has a header of"]
    if not layout.shown(layout.rows):
        layout.refusals.append("is empty")


def _of(encoding: str, text: str, instead: str) -> str:
    """A text that an encoding can write and reads back the same; else another one."""
    try:
        kept = text.encode(encoding).decode(encoding) == text and (text.isascii() or encoding != "hz")
        return text if kept else instead
    except UnicodeError:
        return instead


def _encoded(rng: random.Random, text: str, encoding: str) -> bytes:
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be", "UTF-8") and rng.random() < 0.4 else ""
    return (mark + text).encode(encoding)


def _moved(row: tuple[str, ...], theirs: tuple[str, ...], header: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(row[theirs.index(name)] for name in header)


def _parts(rng: random.Random, header: tuple[str, ...], rows: Rows) -> list[tuple[tuple[str, ...], Rows, None]]:
    """A table in pieces with columns in orders of their own."""
    if len(rows) < 2 or rng.random() < 0.6:
        return [(header, rows, None)]
    pieces = []
    for part in (rows[::2], rows[1::2]):
        theirs = tuple(rng.sample(header, len(header)))
        pieces.append((theirs, [_moved(row, header, theirs) for row in part], None))
    return pieces


def _partitions(rng: random.Random, several: Sequence[Any]) -> list[tuple[tuple[str, str], ...]]:
    """Folders name=value of the files: of all, or of none."""
    if rng.random() < 0.85:
        return [()] * len(several)
    values = sorted(rng.sample(["01", "1", "2021-03", "a b", "x[1]", "ü", "1.0", "true"], len(several)))
    return [(("district", value),) for value in values]


def _packing(rng: random.Random) -> tuple[str, str]:
    packing = rng.choice(["none"] * 6 + ["gzip", "bzip2", "xz", "zstd"])
    if rng.random() < 0.8:
        return packing, ".csv" + SUFFIXES[packing][0]
    odd = [".csv", ".CSV", ".txt", ".csv.gz", ".csv.bz2", ".GZ", ".tsv", "", ".csv.zst", ".snappy", ".dat"]
    return packing, rng.choice(odd)


def _touched(rng: random.Random, text: str, dialect: Dialect, says_separator: bool) -> str:
    """A CSV with blank lines, without its last line end, and with the line of Excel."""
    if rng.random() < 0.3:
        text = text.removesuffix(dialect.line_end)
    elif rng.random() < 0.2:
        text += ("" if dialect.delimiter == " " else rng.choice(["", " "])) + dialect.line_end
    return f"sep={dialect.delimiter}{dialect.line_end}{text}" if says_separator else text


# --- writers of CSV: names (or None), rows and dialect → text

Writer = Callable[[tuple[str, ...] | None, Rows, Dialect, Path], str]


def _writers(sparks: Callable[..., None] | None) -> list[Writer]:
    made: list[Writer] = [_by_csv, _by_csv, _by_hand, _by_hand, _by_hand, _by_pandas, _by_pyarrow, _by_duckdb]
    if find_spec("polars"):
        made.append(_by_polars)
    if sparks is not None:
        made.append(_by_spark(sparks))
    return made


def _by_csv(header: tuple[str, ...] | None, rows: Rows, dialect: Dialect, folder: Path) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(
        out, delimiter=dialect.delimiter, quotechar=dialect.quote, lineterminator=dialect.line_end,
        escapechar=dialect.escape, doublequote=dialect.escape is None, quoting=_quoting([header or (), *rows], dialect),
    )  # fmt: skip
    writer.writerows([*([header] if header else []), *rows])
    return out.getvalue()


def _quoting(rows: Rows, dialect: Dialect) -> int:
    """How the csv module quotes; left to itself it leaves a line end that is not its own outside of quotes."""
    broken = any("\n" in text or "\r" in text for row in rows for text in row)
    return csv.QUOTE_ALL if dialect.all_quoted or broken else csv.QUOTE_MINIMAL


def _by_hand(header: tuple[str, ...] | None, rows: Rows, dialect: Dialect, folder: Path) -> str:
    """With blanks around fields, and quotes where they need not be."""
    rng = random.Random(repr(rows))
    blank = rng.choice(["", "", " ", "  "]) if dialect.delimiter != " " else ""

    def cell(text: str) -> str:
        special = {dialect.delimiter, dialect.quote, "\n", "\r"} | ({dialect.escape} if dialect.escape else set())
        if dialect.all_quoted or special & set(text) or text.strip(_BLANK) != text or text == "" or rng.random() < 0.3:
            escape = dialect.escape or dialect.quote
            for sign in dict.fromkeys([escape, dialect.quote]):
                text = text.replace(sign, escape + sign)
            text = f"{dialect.quote}{text}{dialect.quote}"
        return f"{blank}{text}{blank}"

    lines = [dialect.delimiter.join(map(cell, row)) for row in [*([header] if header else []), *rows]]
    return "".join(f"{line}{dialect.line_end}{dialect.line_end * (rng.random() < 0.05)}" for line in lines)


def _by_pandas(header: tuple[str, ...] | None, rows: Rows, dialect: Dialect, folder: Path) -> str:
    frame = pd.DataFrame(rows, columns=list(header) if header else None, dtype=str)
    text = frame.to_csv(
        index=False, header=bool(header), sep=dialect.delimiter, quotechar=dialect.quote, escapechar=dialect.escape,
        doublequote=dialect.escape is None, lineterminator=dialect.line_end,
        quoting=_quoting([header or (), *rows], dialect),
    )  # fmt: skip
    return str(text)


def _by_pyarrow(header: tuple[str, ...] | None, rows: Rows, dialect: Dialect, folder: Path) -> str:
    if (
        dialect.quote != '"'
        or dialect.escape
        or not dialect.delimiter.isascii()
        or dialect.line_end == "\r"
        or not rows
    ):
        return _by_csv(header, rows, dialect, folder)
    names = header or tuple(str(place) for place in range(len(rows[0])))
    table = pa.table([pa.array(list(texts), pa.string()) for texts in zip(*rows, strict=True)], names=list(names))
    style = "all_valid" if dialect.all_quoted else "needed"
    options = pyarrow.csv.WriteOptions(
        include_header=bool(header), delimiter=dialect.delimiter, quoting_style=style, eol=dialect.line_end
    )
    out = io.BytesIO()
    pyarrow.csv.write_csv(table, out, options)
    return out.getvalue().decode()


def _by_duckdb(header: tuple[str, ...] | None, rows: Rows, dialect: Dialect, folder: Path) -> str:
    import duckdb

    if not rows or not dialect.delimiter.isascii() or not dialect.delimiter.isprintable() or dialect.line_end != "\n":
        return _by_csv(header, rows, dialect, folder)
    names = header or tuple(f"n{place}" for place in range(len(rows[0])))
    table = pa.table([pa.array(list(texts), pa.string()) for texts in zip(*rows, strict=True)], names=list(names))
    quote, escape = dialect.quote.replace("'", "''"), (dialect.escape or dialect.quote).replace("'", "''")
    force = ", FORCE_QUOTE *" if dialect.all_quoted else ""
    with duckdb.connect() as database:
        database.register("written", table)
        database.execute(
            f"COPY written TO '{folder / 'duck'}' (FORMAT csv, HEADER {bool(header)}, DELIMITER '{dialect.delimiter}', "
            f"QUOTE '{quote}', ESCAPE '{escape}'{force})"
        )
    return (folder / "duck").read_bytes().decode()


def _by_polars(header: tuple[str, ...] | None, rows: Rows, dialect: Dialect, folder: Path) -> str:
    import polars as pl

    if dialect.escape or not dialect.delimiter.isascii() or not rows:
        return _by_csv(header, rows, dialect, folder)
    names = header or tuple(str(place) for place in range(len(rows[0])))
    frame = pl.DataFrame(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    text = frame.write_csv(
        include_header=bool(header), separator=dialect.delimiter, quote_char=dialect.quote,
        line_terminator=dialect.line_end, quote_style="always" if dialect.all_quoted else "necessary",
    )  # fmt: skip
    return str(text)


def _by_spark(sparks: Callable[..., None]) -> Writer:
    def spark(header: tuple[str, ...] | None, rows: Rows, dialect: Dialect, folder: Path) -> str:
        if not rows or any("'" in name for name in header or ()):  # which Spark takes out of headers
            return _by_csv(header, rows, dialect, folder)
        names = header or tuple(f"n{place}" for place in range(len(rows[0])))
        options = {
            "sep": dialect.delimiter, "quote": dialect.quote, "escape": dialect.escape or dialect.quote,
            "header": bool(header), "quoteAll": dialect.all_quoted, "lineSep": "\n",
            "ignoreLeadingWhiteSpace": False, "ignoreTrailingWhiteSpace": False,
        }  # fmt: skip
        place = folder / f"spark{len(list(folder.iterdir()))}"
        sparks(names, rows, options, str(place))
        parts = sorted(place.glob("part-*"))
        return parts[0].read_bytes().decode()

    return spark


# --- Parquet


def _parquet(number: int, rng: random.Random, folder: Path) -> Layout:
    names: list[str] = []
    for name in rng.sample(NAMES, rng.randint(1, 5)):
        if name.lower() not in {one.lower() for one in names}:
            names.append(name)
    kinds = [rng.choice(parquet_layouts.KINDS) for _ in names]
    layout = Layout(number, [], {"format": "parquet"}, tuple(names), [], True)
    files = rng.choice([1, 1, 2, 3])
    partitions = _partitions(rng, range(files))
    if partitions[0] and "district" in names:
        partitions = [()] * files
    found: dict[str, None] = {}
    parts = []
    for place in range(files):
        chosen = list(range(len(names))) if place == 0 else rng.sample(range(len(names)), rng.randint(1, len(names)))
        table, texts = parquet_layouts.drawn(rng, [names[at] for at in chosen], [kinds[at] for at in chosen])
        inside = folder / "in" / "/".join(f"{key}={value}" for key, value in partitions[place])
        inside.mkdir(parents=True, exist_ok=True)
        name = rng.choice(FILES) if files == 1 and rng.random() < 0.3 else f"part{place}"
        if name.startswith(("_", ".")) or ":" in name or not name.isprintable():
            layout.refusals += ["has a name that Spark passes over", "whose name begins with an underscore"]
        path = inside / f"{name}{rng.choice(['.parquet', '.parquet', '.pq', ''])}"
        layout.how += f"{parquet_layouts.write(rng, table, path)} {path.name!r}, "
        layout.paths.append(path)
        found |= dict.fromkeys(table.column_names)
        parts.append((chosen, texts, tuple(value for _, value in partitions[place])))
    for chosen, texts, folders in parts:
        own = {names[at]: column for at, column in zip(chosen, texts, strict=True)}
        count = len(texts[0])
        columns = [own.get(name, [None] * count) for name in names]
        layout.rows += [(*row, *folders) for row in zip(*columns, strict=True)]
    layout.names = (*names, *(key for key, _ in partitions[0]))
    layout.refusals += [reason for kind in kinds for reason in kind.refusals]
    layout.how += ", ".join(str(kind.arrow) for kind in kinds)
    if partitions[0] or (files > 1 and rng.random() < 0.5):
        layout.paths = [folder / "in"]
    if not layout.rows:
        layout.refusals.append("is empty")
    return layout
