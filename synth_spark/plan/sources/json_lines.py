"""What a source of JSON lines is, its lines, and a look at its head. One JSON object a line is a record."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from synth_spark.errors import InputError
from synth_spark.plan.sources.folders import Partitions, common_folders, listed
from synth_spark.plan.sources.layout import Told
from synth_spark.plan.sources.unpacking import check_is_text, codec_of, first_bytes, texts

if TYPE_CHECKING:
    import pyarrow as pa

_ONE_A_LINE = "write one JSON object a line, each key once in it"
#: Characters of the longest line that is looked for its end.
LONGEST = 1 << 28
#: Characters of the head that is looked at before anything is read, at most.
_HEAD = 1 << 24


@dataclass(frozen=True)
class JsonFile:
    """A file of JSON lines.

    Attributes:
        path: absolute.
        packing: of its bytes; None if it is not packed.
        codec: encoding, as Python names it.
        partitions: the folders ``name=value`` that it is in.
    """

    path: str
    packing: str | None
    codec: str
    partitions: Partitions = ()

    @property
    def name(self) -> str:
        """Its name without folders, for messages."""
        return Path(self.path).name


@dataclass(frozen=True)
class JsonLines:
    """A source of JSON lines. Its columns are the keys of all records, which reading tells.

    Attributes:
        files: in order.
        partitions: names of the folders ``name=value`` that all files are in.
        passed_over: what its folders hold that is not read, each with the reason.
    """

    files: tuple[JsonFile, ...]
    partitions: tuple[str, ...]
    passed_over: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """How it was read, for people."""
        packings = ", ".join(sorted({file.packing or "not packed" for file in self.files}))
        count = "1 file" if len(self.files) == 1 else f"{len(self.files):,} files"
        return f"{count} of JSON lines ({packings}), encoding {self.files[0].codec}"


@dataclass(frozen=True)
class Head:
    """The first records of a source.

    Attributes:
        names: keys, in the order in which they occur first; then the names of folders.
        rows: the values as text, in the order of ``names``; "" where a record has none.
        complete: whether these are all records.
        flat: whether every value is a single one.
        read: characters of the lines looked at.
    """

    names: tuple[str, ...]
    rows: list[list[str]]
    complete: bool
    flat: bool
    read: int


def recognised(told: Told, where: str = "input") -> JsonLines:
    """What a source of JSON lines is.

    Args:
        told: what the plan says of it; this process sees all its paths.
        where: the part of the plan that says so, for messages.

    Raises:
        PlanError: there is no encoding of that name.
        InputError: a file is no text, or files do not fit together, or there is none.
    """
    listings = [listed(path, "jsonl") for path in told.all_paths]
    passed_over = [name for one in listings for name in one.passed_over]
    codec = codec_of(told.encoding, where)
    files: list[JsonFile] = []
    for found in (file for one in listings for file in one.files):
        packing, head = first_bytes(found.path)
        file = JsonFile(found.path, packing, codec, found.partitions)
        if not head:
            passed_over.append(f"{file.name} (empty)")
            continue
        check_is_text(found.path, head, codec, where, "a file of JSON lines")
        if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"[":
            raise InputError(f"file '{file.name}'", "is a JSON array, or has lines that are", _ONE_A_LINE)
        files.append(file)
    if not files:
        raise InputError(where, "is empty", "give a file with records")
    return JsonLines(tuple(files), common_folders(files), tuple(passed_over))


def lines(file: JsonFile) -> "Iterator[tuple[int, pa.StringArray]]":
    """The lines of a file, some megabytes at a time, blank ones too; before them the number of the first one.

    Raises:
        InputError: it cannot be read to its end, holds a byte that is not of the encoding, or a line that is too long.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    left, number = "", 1
    for text in texts(file.path, file.packing, file.codec):
        whole, end, rest = (left + text).rpartition("\n")
        left = rest
        if len(left) > LONGEST:
            problem = f"has a line of more than {LONGEST:,} characters"
            raise InputError(f"file '{file.name}'", problem, _ONE_A_LINE)
        if end:
            found = pc.split_pattern(pa.array([whole], pa.large_string()), "\n").flatten().cast(pa.string())
            yield number, found
            number += len(found)
    if left:
        yield number, pa.array([left], pa.string())


def examine(file: JsonFile) -> None:
    """Look at all bytes of a file.

    Raises:
        InputError: as `lines` does.
    """
    for _ in texts(file.path, file.packing, file.codec):
        pass


def no_object(file: JsonFile, line: int) -> InputError:
    """The error of a line that is no JSON object."""
    problem = "holds in line {line} what is no JSON object, or one with a key twice"
    return InputError(f"file '{file.name}'", problem, _ONE_A_LINE, {"line": line})


def head(source: JsonLines, most: int) -> Head:
    """The first records of the first file.

    Args:
        source: the source.
        most: records that are looked at, at most.

    Raises:
        InputError: a line of them is no JSON object.
    """
    file = source.files[0]
    records: list[dict[str, Any]] = []
    read, whole = 0, len(source.files) == 1
    for number, some in lines(file):
        for place, line in enumerate(islice(some.to_pylist(), most - len(records) + 1)):
            if line.strip():
                records.append(_object(file, number + place, line))
                read += len(line)
        if len(records) > most or read > _HEAD:
            whole = False
            break
    names = tuple(dict.fromkeys(key for record in records for key in record))
    values = [[record.get(name) for name in names] for record in records[:most]]
    flat = not any(isinstance(value, list | dict) for row in values for value in row)
    folders = ["" if value is None else value for _, value in file.partitions]
    rows = [[*map(_shown, row), *folders] for row in values]
    return Head((*names, *source.partitions), rows, whole, flat, read)


def _object(file: JsonFile, line: int, text: str) -> dict[str, Any]:
    """A line's object; its numbers are texts."""
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_int=str, parse_float=str, parse_constant=_refused)
        if "\\u" in text:
            json.dumps(found, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError):
        raise no_object(file, line) from None
    if not isinstance(found, dict):
        raise no_object(file, line)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of pairs, whose keys differ."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key twice")
    return found


def _refused(name: str) -> NoReturn:
    raise ValueError(name)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
