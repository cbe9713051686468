"""Addresses of files and folders: those of this machine's file systems, of object stores, and those of Spark alone.

An address has three forms, each for a purpose, and no other module makes one of them: `absolute` is what is kept and
told, `for_spark` is what Spark reads and writes by, `resolved` tells whether two addresses are the same place.

Databricks shows volumes to the processes of its machines: there ``dbfs:/Volumes/…`` is ``/Volumes/…``.
"""

import os
import posixpath
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from synth_spark.errors import PlanError

#: Where Databricks shows the files of volumes on its machines.
VOLUMES = Path("/Volumes")
_OF_VOLUMES = "dbfs:/Volumes/"
#: Schemes of object stores.
OBJECT_STORES = frozenset({"s3", "s3a", "gs", "az", "azure", "abfs", "abfss"})
#: The scheme of HDFS.
HDFS = "hdfs"
#: Schemes of stores, in which this process can read and write: object stores, and HDFS.
STORES = OBJECT_STORES | {HDFS}
#: Schemes that are other names of one → that one.
_SAME = {"s3a": "s3", "s3n": "s3"}
#: Schemes of Azure, whose containers have one name in `resolved`.
_OF_AZURE = frozenset({"az", "azure", "abfs", "abfss", "wasb", "wasbs"})
#: What a host of Azure begins with after its account, by which interface it is asked: one container has both.
_INTERFACES = ("dfs", "blob")
#: The variable that says which account a container is of whose address names none.
_ACCOUNT = "AZURE_STORAGE_ACCOUNT_NAME"
#: The port of a name node that an address need not give.
_HDFS_PORT = ":8020"
#: A scheme with what follows it: ``s3a://…``, ``hdfs:/…``; one letter is a drive of Windows.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")


def scheme_of(address: str) -> str | None:
    """The scheme that an address begins with, in small letters; None for a path of this machine.

    >>> scheme_of("s3a://bucket/cases"), scheme_of("DBFS:/cases"), scheme_of("cases:2026/a.csv"), scheme_of("C:/cases")
    ('s3a', 'dbfs', None, None)
    """
    match = _SCHEME.match(address)
    return None if match is None else match[1].lower()


def as_seen(address: str) -> str:
    """An address as this machine sees it: ``dbfs:/Volumes/…`` is ``/Volumes/…`` where volumes are shown."""
    if address.startswith(_OF_VOLUMES) and VOLUMES.is_dir():
        return str(VOLUMES / address.removeprefix(_OF_VOLUMES))
    return address


def absolute(address: str) -> str:
    """An address as it is from everywhere, as it is kept and told.

    One of a store keeps its scheme, and loses what means nothing there: an empty part, a last ``/``.
    One of another file system stays as it is.

    >>> absolute("s3a://bucket//cases/"), absolute("viewfs://all/cases/"), absolute("/data//cases/")
    ('s3a://bucket/cases', 'viewfs://all/cases/', '/data/cases')
    """
    scheme = scheme_of(address)
    if scheme is None:
        return str(Path(address).absolute())
    start, colon, rest = address.partition("://")
    if scheme not in STORES or not colon:
        return address
    bucket, _, path = rest.partition("/")
    return "/".join([f"{start}://{bucket}", *filter(None, path.split("/"))])


def for_spark(address: str) -> str:
    """An address by the name that Spark has for its store, whoever started the session.

    >>> for_spark("S3://bucket/cases/"), for_spark("gs://bucket/cases"), for_spark("/data/cases")
    ('s3a://bucket/cases', 'gs://bucket/cases', '/data/cases')
    """
    scheme, told = scheme_of(address), absolute(address)
    return told if scheme is None else f"{'s3a' if scheme == 's3' else scheme}:{told.partition(':')[2]}"


def path_of(address: str) -> str | None:
    """The path of this machine that an address leads to, also with ``file:``; None if it leads elsewhere.

    >>> path_of("file:///data/cases.csv"), path_of("cases.csv"), path_of("s3://bucket/cases.csv")
    ('/data/cases.csv', 'cases.csv', None)
    """
    seen = as_seen(address)
    scheme = scheme_of(seen)
    if scheme is None:
        return seen
    host, path = _host_and_path(seen)
    return path if scheme == "file" and host in ("", "localhost") else None


def resolved(address: str) -> str:
    """What tells whether two addresses are the same place; of this machine once links and ``..`` are followed.

    A container of Azure is named with its account, which is that of the environment where the address gives none.

    >>> resolved("s3a://bucket/a/../cases/"), resolved("S3://bucket/cases"), resolved("/nowhere/../cases//")
    ('s3://bucket/cases', 's3://bucket/cases', '/cases')
    >>> resolved("abfs://c@account.dfs.core.windows.net/cases"), resolved("wasbs://c@account.blob.core.windows.net/cases")
    ('abfss://c@account.dfs.core.windows.net/cases', 'abfss://c@account.dfs.core.windows.net/cases')
    >>> resolved("hdfs:///a/cases"), resolved("hdfs:/a/cases"), resolved("hdfs://a:8020/cases"), resolved("hdfs://a/cases")
    ('hdfs:///a/cases', 'hdfs:///a/cases', 'hdfs://a/cases', 'hdfs://a/cases')
    """
    here = path_of(address)
    if here is not None:
        return os.path.realpath(here)
    scheme = scheme_of(address) or ""
    host, path = _host_and_path(address)
    if scheme in _OF_AZURE:
        scheme, host = "abfss", _container(host)
    elif scheme == HDFS:
        host = host.lower().removesuffix(_HDFS_PORT)
    rest = posixpath.normpath("/" + path.lstrip("/"))
    return f"{_SAME.get(scheme, scheme)}://{host}{rest if rest != '/' or not host else ''}"


def _host_and_path(address: str) -> tuple[str, str]:
    """The host, bucket or container that an address names, which may be none, and the path there, with its first ``/``.

    >>> _host_and_path("s3://bucket/cases"), _host_and_path("hdfs:///cases"), _host_and_path("dbfs:/cases")
    (('bucket', '/cases'), ('', '/cases'), ('', '/cases'))
    """
    rest = address.partition(":")[2]
    if not rest.startswith("//"):
        return "", rest
    host, slash, path = rest[2:].partition("/")
    return host, slash + path


def _container(host: str) -> str:
    """A container of Azure with its account, as one name whatever interface the address names."""
    container, _, account = host.lower().partition("@")
    if not account:
        known = os.environ.get(_ACCOUNT, "").lower()
        return f"{container}@{known}.dfs.core.windows.net" if known else container
    name, _, rest = account.partition(".")
    interface, _, domain = rest.partition(".")
    return f"{container}@{name}.dfs.{domain}" if interface in _INTERFACES and domain else f"{container}@{account}"


def default_ledger() -> str:
    """Where the privacy ledger of the user is, whatever is released and wherever that goes.

    Raises:
        PlanError: the user has no folder.
    """
    given = os.environ.get("XDG_STATE_HOME", "")
    try:
        state = Path(given) if Path(given).is_absolute() else Path.home() / ".local" / "state"
    except RuntimeError:  # nobody knows who the user is
        problem = "has no default place, as the user has no home folder"
        raise PlanError("ledger", problem, "give a file with ledger=…, or set XDG_STATE_HOME") from None
    return str(state / "synth-spark" / "ledger.jsonl")


def check_local(address: str) -> str:
    """An address that is written to by this process, as this machine sees it, if it is of its file systems.

    Raises:
        ValueError: it has a scheme.
    """
    return _checked(address, frozenset())


def check_local_or_stored(address: str) -> str:
    """An address of something that is kept on this machine, or in a store.

    Raises:
        ValueError: it has the scheme of something else, or holds a key.
    """
    return _checked(address, STORES)


def check_destination(address: str) -> str:
    """An address that gets events: a file of this machine, also with ``file:``, a folder of a store, or a URL.

    Raises:
        ValueError: it has the scheme of something else, or is one of a store and holds a key.
    """
    return _checked(address, STORES | {"http", "https", "file"})


def check_keyless(address: str) -> str:
    """An address of anything that is read; it is told to others, so it may hold no key.

    Raises:
        ValueError: it has a scheme, whichever that is, and holds a key.
    """
    if scheme_of(address) and ":" in _host_and_path(address)[0].rpartition("@")[0]:
        raise ValueError("holds a key before '@'; leave it out: the environment says who you are")
    return address


def _checked(address: str, schemes: frozenset[str]) -> str:
    address = check_keyless(as_seen(address))
    scheme = scheme_of(address)
    if scheme is None or scheme in schemes:
        return address
    if scheme in STORES:
        raise ValueError(f"is an address of {scheme}:, where this is not kept; give a path of this machine")
    mounted = "its path without 'file:'" if scheme == "file" else "a path under /Volumes" if scheme == "dbfs" else None
    remedy = mounted or "a folder of this machine, or one that is mounted there"
    raise ValueError(f"is an address of {scheme}:, which is read from but not written to; give {remedy}")


#: An address of a plan that is read.
ReadPath = Annotated[str, AfterValidator(check_keyless)]
#: An address of a plan at which something is written, or kept: on this machine or in a store.
LocalOrStoredPath = Annotated[str, AfterValidator(check_local_or_stored)]
