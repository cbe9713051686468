"""Bytes packed in every way that files come in."""

import bz2
import gzip
import lzma

import pyarrow as pa

#: Packing → suffixes of files that are packed so.
SUFFIXES = {"none": [""], "gzip": [".gz", ".gzip"], "bzip2": [".bz2"], "xz": [".xz"], "zstd": [".zst"]}


def pack(content: bytes, packing: str) -> bytes:
    """Bytes, packed."""
    if packing == "gzip":
        return gzip.compress(content, mtime=0)
    if packing == "bzip2":
        return bz2.compress(content)
    if packing == "xz":
        return lzma.compress(content)
    if packing == "zstd":
        out = pa.BufferOutputStream()
        with pa.CompressedOutputStream(out, "zstd") as stream:
            stream.write(content)
        return bytes(out.getvalue())
    return content
