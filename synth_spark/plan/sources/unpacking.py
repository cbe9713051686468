"""Files as streams of unpacked bytes, and of text; a byte that is not of the encoding is an error, with its line."""

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from synth_spark.errors import InputError, PlanError
from synth_spark.plan.sources import files
from synth_spark.plan.sources.signatures import (
    HEAD,
    encoding_by_mark,
    files_in,
    foreign_kind,
    is_zip,
    office_kind,
    packing_of,
)

#: What a packed file that is torn or damaged is reported by.
TORN = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, OSError)
#: Ways of packing in zip archives that Python reads.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
#: What a byte-order mark is decoded to.
_MARK = "\ufeff"
#: Bytes that are unpacked and decoded at a time, where a whole file is read.
CHUNK = 1 << 22


@contextmanager
def unpacked(path: str, packing: str | None) -> Iterator[IO[bytes]]:
    """A file as a stream of bytes.

    Args:
        path: of the file.
        packing: of its bytes, as `first_bytes` tells it.
    """
    with files.opened(path) as raw, _unpacked(raw, packing) as stream:
        yield stream


def _unpacked(raw: IO[bytes], packing: str | None) -> Any:
    if packing == "gzip":
        return gzip.GzipFile(fileobj=raw)
    if packing == "bzip2":
        return bz2.BZ2File(raw)
    if packing == "xz":
        return lzma.LZMAFile(raw)
    if packing == "zstd":
        import pyarrow as pa

        return pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd")
    if packing == "zip":
        archive = zipfile.ZipFile(raw)
        return archive.open(files_in(archive.namelist())[0])  # which keeps the archive open as long as itself
    return raw


def first_bytes(path: str) -> tuple[str | None, bytes]:
    """The packing of a file, and the first of its unpacked bytes; a document of Office counts as not packed.

    Raises:
        InputError: it cannot be opened, is packed and torn, or is a zip archive of several files.
    """
    with told_if_torn(path):
        with files.opened(path) as raw:
            head = raw.read(HEAD)
        packing = packing_of(head)
        if is_zip(head) and _holds_a_file(path):
            packing = "zip"
        if packing is not None:
            with unpacked(path, packing) as stream:
                head = stream.read(HEAD)
        return packing, head


def check_is_text(path: str, head: bytes, codec: str, where: str = "input", kind: str = "a CSV") -> None:
    """Raise `InputError` for a file that is no text, or whose byte-order mark names another encoding.

    Args:
        path: of the file.
        head: the first of its unpacked bytes.
        codec: the encoding that the plan names, as Python names it.
        where: the part of the plan that names it, for messages.
        kind: what it should be, for messages.
    """
    mark = encoding_by_mark(head)
    found = foreign_kind(head) if mark in (None, "UTF-8") else None
    field = f"file '{Path(path).name}'"
    if found is not None:
        export = "export the table as CSV in UTF-8, or as Parquet"
        if "Excel workbook or another Office" in found:
            export = f"set {where}.format to excel if it is a workbook (.xlsx), or {export}"
        raise InputError(field, f"is {found}, not {kind}", "unpack it" if found.startswith("packed") else export)
    if mark is not None and not codec.upper().startswith(mark):
        problem = f"begins with the byte-order mark of {mark}, and the plan says {codec.upper()}"
        raise InputError(field, problem, f"set {where}.encoding to {mark}")


def _holds_a_file(path: str) -> bool:
    """Whether a zip archive holds one file to be read; not if it is a document of Office.

    Raises:
        InputError: it holds no file, or several, or one that cannot be unpacked.
    """
    with files.opened(path) as raw, zipfile.ZipFile(raw) as archive:
        names = archive.namelist()
        if office_kind(names) is not None:
            return False
        held = files_in(names)
        field = f"file '{Path(path).name}'"
        if len(held) != 1:
            some = ", ".join(f"'{name}'" for name in held[:3]) + (", …" if len(held) > 3 else "")
            many = f"holds {len(held):,} files: {some}" if held else "holds no file"
            raise InputError(field, f"is a zip archive that {many}", "unpack it, and list its files in input.paths")
        member = archive.getinfo(held[0])
    if member.flag_bits & 1:
        raise InputError(field, "is a zip archive with a password", "unpack it first")
    if member.compress_type not in _METHODS:
        problem = f"is a zip archive packed in a way that is not read (method {member.compress_type})"
        raise InputError(field, problem, "unpack it first")
    return True


@contextmanager
def told_if_torn(path: str) -> Iterator[None]:
    """Raise `InputError` with the file's name where the body finds that it cannot be read to its end."""
    try:
        yield
    except TORN:
        remedy = "check that the file is whole, and that you may read it"
        raise InputError(f"file '{Path(path).name}'", "cannot be read to its end", remedy) from None


def codec_of(encoding: str, where: str = "input") -> str:
    """The name that Python has for an encoding of text.

    Args:
        encoding: as the plan names it.
        where: the part of the plan that names it, for messages.

    Raises:
        PlanError: there is no encoding of that name.

    >>> codec_of("latin1"), codec_of("windows-1252"), codec_of("UTF8")
    ('iso8859-1', 'cp1252', 'utf-8')
    """
    try:
        io.TextIOWrapper(io.BytesIO(), encoding)  # refuses codecs that are no encodings of text
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError, TypeError):
        remedy = "give a name that Python knows, such as UTF-8, windows-1252 or ISO-8859-1"
        raise PlanError(f"{where}.encoding", "is not known", remedy) from None
    return "utf-8" if name == "utf-8-sig" else name


def texts(path: str, packing: str | None, codec: str, chunk: int = CHUNK) -> Iterator[str]:
    """The text of a file without its byte-order mark, piece by piece.

    Args:
        path: of the file.
        packing: of its bytes.
        codec: its encoding, as Python names it.
        chunk: bytes that a piece is made of.

    Raises:
        InputError: it holds a byte that is not of the encoding, or cannot be read to its end.
    """
    read, begun = 0, False
    decoder = codecs.getincrementaldecoder(codec)("strict")
    with told_if_torn(path), unpacked(path, packing) as stream:
        while True:
            data = stream.read(chunk)
            read += len(data)
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeError as error:
                fault = 0  # such as a mark that is missing at the beginning
                if isinstance(error, UnicodeDecodeError):  # of bytes that may have begun in the piece before
                    fault = read - len(error.object) + error.start
                raise _undecodable(path, codec, 1 + _line_ends(path, packing, codec, fault)) from None
            if text and not begun:
                text, begun = text.removeprefix(_MARK), True
            if text:
                yield text
            if not data:
                return


def _line_ends(path: str, packing: str | None, codec: str, size: int) -> int:
    """How many lines end in the first bytes of a file: those are read once more, as they are looked for rarely.

    Text in UTF-16 or UTF-32 without a byte-order mark is faulty from its first line on.
    """
    decoder = codecs.getincrementaldecoder(codec)("replace")
    new_lines, returns = 0, 0
    with unpacked(path, packing) as stream, suppress(UnicodeError):
        while size > 0 and (data := stream.read(min(size, CHUNK))):
            text = decoder.decode(data)
            new_lines, returns, size = new_lines + text.count("\n"), returns + text.count("\r"), size - len(data)
    return max(new_lines, returns)


def _undecodable(path: str, codec: str, line: int) -> InputError:
    return InputError(
        f"file '{Path(path).name}'",
        f"holds a byte in line {{line}} that is not {codec.upper()}",
        "set input.encoding to the encoding of the file, or convert it to UTF-8 first",
        {"line": line},
    )
