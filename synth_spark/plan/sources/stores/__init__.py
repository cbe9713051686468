"""Files in stores. Object stores are S3 and what speaks S3, Azure, Google, by obstore; of HDFS `hdfs` knows more.

Who may use them is told by the environment alone, as the tools of each store do it (AWS_…, AZURE_…, …).
"""

import io
import os
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from synth_spark.errors import PlanError, check_extra
from synth_spark.plan.addresses import HDFS, OBJECT_STORES, scheme_of
from synth_spark.plan.sources.stores import hdfs
from synth_spark.plan.sources.stores.opening import begin
from synth_spark.plan.sources.stores.refusals import failed

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig

#: What is to be checked where an object store refuses, or is not reached.
REMEDY = "check the address, the network, and who you are to the store (AWS_…, AZURE_…, GOOGLE_… variables)"
#: What variables of the environment begin with that say how a store is reached, and who asks.
_TOLD_BY = ("AWS_", "AZURE_", "GOOGLE_", *hdfs.TOLD_BY)
#: How long a store is asked again that does not answer, or is busy: ten times within twenty seconds. One request waits
#: five seconds for a connection, and thirty in all, so an outage is told after half a minute.
BRIEFLY: "RetryConfig" = {
    "max_retries": 10,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=5), "base": 2},
}
#: The same where large files come or go: the rest of one is asked for again until three minutes after its beginning.
FOR_LONG: "RetryConfig" = {"max_retries": 10, "retry_timeout": timedelta(minutes=3)}
#: How long is waited for a store of which nobody knows whether it lets this process in.
_SOON: "RetryConfig" = {"max_retries": 1, "retry_timeout": timedelta(seconds=5)}
#: Buckets that did not let this process in, as its environment was.
_SHUT: set[tuple[str, str, tuple[tuple[str, str], ...]]] = set()
#: Bytes that are fetched first, and at most, of a file that is read from its beginning.
_FIRST, _MOST = 1 << 18, 1 << 23


class Address(NamedTuple):
    """An address of a store in its parts, in which no sign but ``/`` has a meaning.

    Attributes:
        scheme: such as ``s3``.
        bucket: the bucket or container, or the name node of HDFS, as the address names it.
        key: of the object, or of the folder; empty for all of the bucket.
    """

    scheme: str
    bucket: str
    key: str

    @classmethod
    def of(cls, address: str) -> "Address":
        """The parts of an address.

        Raises:
            PlanError: it names no bucket or container, or no name node.
        """
        scheme, _, rest = address.partition("://")
        bucket, _, path = rest.partition("/")
        if not bucket:
            raise _no_place(address)
        return cls(scheme.lower(), bucket, "/".join(part for part in path.split("/") if part))


class Listed(NamedTuple):
    """A file of a store, or a folder.

    Attributes:
        key: in its bucket.
        size: in bytes; 0 of a folder.
        tag: what the store has for its content; empty of a folder.
        is_folder: whether it is a folder.
    """

    key: str
    size: int = 0
    tag: str = ""
    is_folder: bool = False


def is_stored(path: str) -> bool:
    """Whether a path is an address of a store: of an object store, or of HDFS.

    >>> is_stored("s3://bucket/cases.csv"), is_stored("hdfs://host/cases.csv"), is_stored("cases.csv")
    (True, True, False)
    """
    return scheme_of(path) in OBJECT_STORES or hdfs.is_in_hdfs(path)


def store_of(address: str, for_long: bool = False) -> "ObjectStore":
    """The bucket or container of an address of an object store; it is not looked at.

    Args:
        address: of something in it.
        for_long: whether large files come or go, which takes long by itself: a store that does not answer is asked for
            three minutes then, and else for half a minute.

    Raises:
        PlanError: the address names none.
        EngineError: the library for object stores is not installed.
    """
    scheme, bucket, _ = Address.of(address)
    check_extra("s3", address)
    try:
        return _opened(f"{scheme}://{bucket}", for_long, _environment())
    except Exception:
        raise _no_place(address) from None


def is_reached(path: str) -> bool:
    """Whether this process can look at what is at an address; where it cannot, Spark may.

    A bucket that did not let this process in is not asked again: each time could take seconds.
    """
    environment = _environment()
    try:
        scheme, bucket, key = Address.of(path)
        if (scheme, bucket, environment) in _SHUT:
            return False
        reached = hdfs.is_reached(bucket, f"/{key}") if hdfs.is_in_hdfs(path) else _reached(path, environment)
    except (PlanError, ModuleNotFoundError):
        return False
    if not reached:
        _SHUT.add((scheme, bucket, environment))
    return reached


def listed(folder: str, deep: bool) -> list[Listed]:
    """What is in a folder of a store, by key.

    Args:
        folder: its address. Nothing is in a folder that is not there.
        deep: whether all files below are told, and no folders.

    Raises:
        Exception: of the client of the store: it cannot be reached, or refuses.
    """
    _, bucket, key = Address.of(folder)
    if not hdfs.is_in_hdfs(folder):
        return listing(store_of(folder), key, deep)
    found = hdfs.listing(hdfs.client_of(bucket), f"/{key}", deep)
    tags = ["" if one.isdir else hdfs.entry_tag(one) for one in found]
    return sorted(
        Listed(one.path.lstrip("/"), one.length, tag, one.isdir) for one, tag in zip(found, tags, strict=True)
    )


def listing(store: "ObjectStore", folder: str, deep: bool) -> list[Listed]:
    """What is in a folder of an object store, by key; an empty object by which some clients mark a folder is none.

    Args:
        store: the bucket.
        folder: its key; empty: the whole bucket. Nothing is in a folder that is not there.
        deep: whether all objects below are told, and no folders.

    Raises:
        BaseError: of obstore: the store cannot be reached, or refuses.
    """
    import obstore

    if deep:
        objects, folders = obstore.list(store, folder or None).collect(), []
    else:
        found = obstore.list_with_delimiter(store, folder or None)
        objects, folders = found["objects"], list(found["common_prefixes"])
    marks = {folder, *folders, *(parent for one in objects for parent in _parents(one["path"]))}
    held = [Listed(path, is_folder=True) for path in folders]
    held += [
        Listed(one["path"], one["size"], (one["e_tag"] or "").strip('"'))
        for one in objects
        if one["size"] > 0 or one["path"] not in marks
    ]
    return sorted(held)


class _HeldObject:
    """An object whose bytes are asked for piece by piece; one that is replaced meanwhile is an error.

    Attributes:
        size: in bytes.
        tag: what the store has for its content.
    """

    def __init__(self, path: str) -> None:
        import obstore

        self._store, self._key = store_of(path, for_long=True), Address.of(path).key
        try:
            about = obstore.head(store_of(path), self._key)
        except Exception as error:
            raise failed(error) from None
        self.size, self._match = about["size"], about["e_tag"]
        self.tag = (self._match or "").strip('"')

    def fetch(self, start: int, end: int) -> bytes:
        import obstore

        try:
            found = obstore.get(self._store, self._key, options={"range": (start, end), "if_match": self._match})
            piece = bytes(found.bytes())
        except Exception as error:
            raise failed(error) from None
        if found.meta["e_tag"] != self._match:  # of a server that passes over the condition
            raise OSError("Precondition")
        return piece


class StoredFile(io.RawIOBase):
    """The bytes of a file in a store, piece by piece, all of them of the file that was looked at; or an error.

    Attributes:
        size: in bytes.
        tag: what the store has for its content; of HDFS see `synth_spark.plan.sources.stores.hdfs.HeldFile`.
    """

    def __init__(self, path: str) -> None:
        """Look at the file.

        Raises:
            OSError: it is not there, or the store cannot be reached, or refuses.
        """
        _, bucket, key = Address.of(path)
        self._file = hdfs.HeldFile(bucket, f"/{key}") if hdfs.is_in_hdfs(path) else _HeldObject(path)
        self.size, self.tag = self._file.size, self._file.tag
        self._at, self._start, self._held, self._ahead = 0, 0, b"", _FIRST

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go on elsewhere."""
        self._at = max(0, offset + (0, self._at, self.size)[whence])
        return self._at

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read some bytes.

        Raises:
            OSError: the store cannot be reached, or refuses, or the file is another by now.
        """
        if not self._start <= self._at < self._start + len(self._held):
            self._fetch(len(buffer))
        part = self._held[self._at - self._start :][: len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _fetch(self, least: int) -> None:
        """Get what is read next: more each time, where one piece follows the other."""
        self._ahead = min(2 * self._ahead, _MOST) if self._at == self._start + len(self._held) else _FIRST
        end = min(self.size, self._at + max(least, self._ahead))
        self._start, self._held = self._at, b""
        if end > self._at:
            self._held = self._file.fetch(self._at, end)


def _parents(key: str) -> Iterator[str]:
    """The folders that an object is in."""
    while "/" in key:
        key = key.rpartition("/")[0]
        yield key


def _environment() -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith(_TOLD_BY)))


@lru_cache(maxsize=16)
def _opened(address: str, for_long: bool, environment: tuple[tuple[str, str], ...]) -> "ObjectStore":  # noqa: ARG001
    """A bucket as it is reached by an environment, which its client reads by itself."""
    from obstore.store import from_url

    begin()
    return from_url(address, retry_config=FOR_LONG if for_long else BRIEFLY)


@lru_cache(maxsize=256)
def _reached(path: str, environment: tuple[tuple[str, str], ...]) -> bool:  # noqa: ARG001  it is read there
    import obstore
    from obstore.store import from_url

    scheme, bucket, key = Address.of(path)
    begin()
    try:
        store = from_url(f"{scheme}://{bucket}", retry_config=_SOON)
        next(iter(obstore.list(store, key or None, chunk_size=1)), None)
    except Exception:  # of a store, of the network, of who we are to it
        return False
    return True


def _no_place(address: str) -> PlanError:
    if address.lower().startswith(f"{HDFS}:"):
        return PlanError(address, "names no place in HDFS", "write hdfs://HOST:PORT/FOLDER")
    return PlanError(address, "names no place in an object store", "write s3://BUCKET/FOLDER, or alike")
