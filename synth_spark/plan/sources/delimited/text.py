"""The text of a CSV file that is its table: without a byte-order mark, and without a first line ``sep=``."""

import re
from collections.abc import Iterator

from synth_spark.errors import InputError
from synth_spark.plan.sources.layout import CsvFile
from synth_spark.plan.sources.unpacking import CHUNK, texts

_SEPARATOR = re.compile(r'"?sep=([^\r\n])"?[ \t]*(?=[\r\n]|\Z)', re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\r(?!\Z)|\n")
_ZERO = "\0"
#: Signs in which a line ``sep=`` ends.
_LINE = 16


def table_texts(file: CsvFile, codec: str, chunk: int = CHUNK) -> Iterator[str]:
    """The text of a file's table, piece by piece.

    Args:
        file: the file.
        codec: its encoding, as Python names it.
        chunk: bytes that a piece is made of.

    Raises:
        InputError: as `texts` does, or it holds a zero byte, which Spark leaves out of quoted values in silence.
    """
    pieces = _without_zeros(file, codec, chunk)
    return _without_first_line(pieces) if file.separated else pieces


def separator(path: str, packing: str | None, codec: str) -> str | None:
    """The delimiter that a first line ``sep=`` names, as Excel writes it; None where there is no such line.

    Raises:
        InputError: as `texts` does.
    """
    match = _SEPARATOR.match(next(texts(path, packing, codec, 16 * _LINE), "")[:_LINE])
    return None if match is None else match[1]


def _without_zeros(file: CsvFile, codec: str, chunk: int) -> Iterator[str]:
    for piece in texts(file.path, file.packing, codec, chunk):
        if _ZERO in piece:
            raise _zero(file, codec, chunk)
        yield piece


def _zero(file: CsvFile, codec: str, chunk: int) -> InputError:
    """What is said of the first zero byte; lines before it are counted now, as that is rarely asked."""
    new_lines, returns = 0, 0
    for piece in texts(file.path, file.packing, codec, chunk):
        before = piece.partition(_ZERO)[0]
        new_lines, returns = new_lines + before.count("\n"), returns + before.count("\r")
        if len(before) < len(piece):
            break
    remedy = "write the file anew without zero bytes, or set input.encoding if it is in another one"
    line = {"line": 1 + max(new_lines, returns)}
    return InputError(f"file '{file.name}'", "holds a zero byte in line {line}", remedy, line)


def _without_first_line(pieces: Iterator[str]) -> Iterator[str]:
    head = ""
    for piece in pieces:
        head += piece
        end = _LINE_END.search(head)
        if end is not None:
            yield head[end.end() :]
            yield from pieces
            return
