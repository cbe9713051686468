"""Addresses of files and folders: those of this machine's file systems, and those that only Spark can reach."""

import re
from typing import Annotated

from pydantic import AfterValidator

#: A scheme with what follows it: ``s3a://…``, ``hdfs:/…``; one letter is a drive of Windows.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")


def scheme_of(address: str) -> str | None:
    """The scheme that an address begins with, in small letters; None for a path of this machine.

    >>> scheme_of("s3a://bucket/cases"), scheme_of("DBFS:/cases"), scheme_of("cases:2026/a.csv"), scheme_of("C:/cases")
    ('s3a', 'dbfs', None, None)
    """
    match = _SCHEME.match(address)
    return None if match is None else match[1].lower()


def check_local(address: str) -> str:
    """An address that is written to by this process, if it is one of this machine's file systems.

    Raises:
        ValueError: it has a scheme.
    """
    scheme = scheme_of(address)
    if scheme is None:
        return address
    mounted = "its path without 'file:'" if scheme == "file" else "a path under /Volumes" if scheme == "dbfs" else None
    remedy = mounted or "a folder of this machine, or one that is mounted there"
    raise ValueError(f"is an address of {scheme}:, which is read from but not written to; give {remedy}")


#: An address of a plan at which something is written, or kept.
LocalPath = Annotated[str, AfterValidator(check_local)]
