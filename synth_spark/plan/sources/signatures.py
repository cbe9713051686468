"""What a file is by its first bytes, whatever its name says."""

from collections.abc import Sequence

#: First bytes → the packing that they are of.
_PACKINGS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "xz",
}
#: First bytes → what a file is that is no table of text.
_FOREIGN = {
    b"PAR1": "a Parquet file",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
    b"ARROW1": "an Arrow file",
    b"FEA1": "a Feather file",
    b"%PDF": "a PDF",
    b"{\\rtf": "an RTF document",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an Excel workbook or another file of the old Office",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a rar archive",
    b"\x04\x22\x4d\x18": "packed with lz4",
    b"\xff\x06\x00\x00sNaPpY": "packed with snappy",
    b"\x1f\x9d": "packed with compress (.Z)",
    b"LZIP": "packed with lzip",
    b"\x89LZO": "packed with lzop",
    b"\x5d\x00\x00\x80\x00": "packed with lzma",
    b"MSCF": "a cab archive",
    b"SQLite format 3": "an SQLite database",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"$FL2": "an SPSS file",
    b"$FL3": "an SPSS file",
}
#: Byte-order marks → the encoding that they are of; the longer ones first.
_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xef\xbb\xbf": "UTF-8",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
#: Names in a zip archive that is no archive of files, but a document of Office → what it is.
_OFFICE = {"xl/": "an Excel workbook", "word/": "a Word document", "ppt/": "slides", "mimetype": "an Office document"}
#: What programs add to a zip archive beside its files.
_ADDED = ("__MACOSX/", ".DS_Store", "Thumbs.db")
#: Where a tar archive says what it is.
_TAR = slice(257, 262)
#: How many bytes the first look at a file takes.
HEAD = 4096


def packing_of(head: bytes) -> str | None:
    """The packing of a file with these first bytes: gzip, bzip2, zstd or xz; None if it is not packed.

    >>> packing_of(bytes([31, 139, 8])), packing_of(b"a,b")
    ('gzip', None)
    """
    return next((name for signature, name in _PACKINGS.items() if head.startswith(signature)), None)


def foreign_kind(head: bytes) -> str | None:
    """What a file with these first bytes is, if it is no table of text; None if it may be one.

    >>> foreign_kind(b"%PDF-1.7"), foreign_kind(b"a,b")
    ('a PDF', None)
    """
    for signature, name in _FOREIGN.items():
        if head.startswith(signature):
            return name
    if is_zip(head):
        office = (b"xl/", b"[Content_Types].xml", b"mimetypeapplication/vnd.oasis")
        return "an Excel workbook or another Office file" if any(part in head for part in office) else "a zip archive"
    if head[_TAR] == b"ustar":
        return "a tar archive"
    packing = packing_of(head)
    if packing is not None:
        return f"packed with {packing}"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "an HTML page"
    return "an XML file" if text.startswith(b"<?xml") else None


def is_zip(head: bytes) -> bool:
    """Whether a file with these first bytes is a zip archive, which documents of Office are, too."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def office_kind(names: Sequence[str]) -> str | None:
    """What a zip archive with these names in it is, if it is a document of Office; None if it holds files.

    >>> office_kind(["[Content_Types].xml", "xl/workbook.xml"]), office_kind(["cases.csv"])
    ('an Excel workbook', None)
    """
    if "[Content_Types].xml" not in names and "mimetype" not in names:
        return None
    found = (kind for start, kind in _OFFICE.items() if any(name.startswith(start) for name in names))
    return next(found, "an Office document")


def files_in(names: Sequence[str]) -> list[str]:
    """The names in a zip archive that are files, without those that programs add.

    >>> files_in(["a/", "a/cases.csv", "__MACOSX/a/._cases.csv", "a/.DS_Store"])
    ['a/cases.csv']
    """
    return [name for name in names if not name.endswith(("/", *_ADDED[1:])) and not name.startswith(_ADDED[0])]


def encoding_by_mark(head: bytes) -> str | None:
    """The encoding that a byte-order mark at the beginning of a file names; None if there is none.

    >>> encoding_by_mark(bytes([255, 254, 97, 0])), encoding_by_mark(b"a,b")
    ('UTF-16', None)
    """
    return next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
