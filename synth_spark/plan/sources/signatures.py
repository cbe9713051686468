"""What a file is by its first bytes, whatever its name says."""

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
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        office = (b"xl/", b"[Content_Types].xml", b"mimetypeapplication/vnd.oasis")
        return "an Excel workbook or another Office file" if any(part in head for part in office) else "a zip archive"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "an HTML page"
    return "an XML file" if text.startswith(b"<?xml") else None


def encoding_by_mark(head: bytes) -> str | None:
    """The encoding that a byte-order mark at the beginning of a file names; None if there is none.

    >>> encoding_by_mark(bytes([255, 254, 97, 0])), encoding_by_mark(b"a,b")
    ('UTF-16', None)
    """
    return next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
