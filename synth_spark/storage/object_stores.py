"""Folders of object stores with small files that decide what counts, see `synth_spark.storage.places`.

S3 and what speaks S3, Azure and Google storage, through obstore. Who may use them is told by the environment alone, as
the tools of each store do it (AWS_…, AZURE_…, GOOGLE_…); no address, message or log carries a key.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from synth_spark.errors import EngineError, PlanError, RunError
from synth_spark.storage.held import Held, below

if TYPE_CHECKING:
    from obstore import ObjectMeta, PutMode, UpdateVersion
    from obstore.store import ObjectStore

    from synth_spark.storage.places import Place


class StoredPlace:
    """A folder of an object store, see `synth_spark.storage.places.Place`.

    Attributes:
        address: such as ``s3://bucket/folder``.
        spark_address: by the name that Spark has for the store: ``s3a://bucket/folder``.
    """

    def __init__(self, address: str, store: "ObjectStore | None" = None) -> None:
        """Name a folder; it is not looked at yet.

        Args:
            address: of the folder.
            store: the bucket or container, if it was opened before.

        Raises:
            PlanError: the address names no bucket or container.
            EngineError: the library for object stores is not installed.
        """
        self.address = address.rstrip("/")
        self._scheme, self._bucket, path = _split(self.address)
        hadoop = "s3a" if self._scheme == "s3" else self._scheme
        self.spark_address = "/".join(filter(None, [f"{hadoop}://{self._bucket}", path]))
        self._store, self._path = _opened(self._scheme, self._bucket, address) if store is None else store, path

    def below(self, name: str) -> "StoredPlace":
        """See `Place.below`."""
        return StoredPlace(f"{self.address}/{below(name, self.address)}", self._store)

    def read(self, name: str) -> bytes | None:
        """See `Place.read`."""
        found = self._read(name)
        return None if found is None else found[0]

    def exists(self, name: str) -> bool:
        """See `Place.exists`."""
        import obstore

        key = self._key(name)
        with self._errors("read"):
            try:
                obstore.head(self._store, key)
            except FileNotFoundError:
                return False
            return True

    def create(self, name: str, content: bytes) -> bool:
        """See `Place.create`."""
        return self._put(name, content, "create")

    def replace(self, name: str, content: bytes, seen: bytes | None) -> bool:
        """See `Place.replace`."""
        if seen is None:
            return self.create(name, content)
        found = self._read(name)
        if found is None or found[0] != seen:
            return False
        version: UpdateVersion = {"e_tag": found[1]["e_tag"]}
        if found[1]["version"] is not None:  # Google compares by it
            version["version"] = found[1]["version"]
        return self._put(name, content, version)

    def write(self, name: str, content: bytes) -> None:
        """See `Place.write`."""
        self._put(name, content, "overwrite")

    def entries(self, prefix: str = "", deep: bool = False) -> list[Held]:
        """See `Place.entries`."""
        import obstore

        folder = self._key(prefix) if prefix else self._path
        with self._errors("read"):
            if deep:
                objects, folders = obstore.list(self._store, folder or None).collect(), []
            else:
                found = obstore.list_with_delimiter(self._store, folder or None)
                objects, folders = found["objects"], list(found["common_prefixes"])
        # some clients mark a folder by an empty object of its name
        marks = {folder, *folders, *(parent for one in objects for parent in _parents(one["path"]))}
        held = [Held(self._name(path), is_folder=True) for path in folders]
        held += [
            Held(self._name(one["path"]), one["size"], (one["e_tag"] or "").strip('"'))
            for one in objects
            if one["size"] > 0 or one["path"] not in marks
        ]
        return sorted(held, key=lambda one: one.name)

    def delete(self, names: Iterable[str]) -> None:
        """See `Place.delete`."""
        keys = [self._key(name) for name in names]
        if keys:
            self._delete(keys)

    def delete_folder(self, name: str = "") -> None:
        """See `Place.delete_folder`."""
        self.delete([one.name for one in self.entries(name, deep=True)])

    def copy_from(self, other: "Place", name: str, to: str) -> bool:
        """See `Place.copy_from`."""
        import obstore

        if not isinstance(other, StoredPlace) or (other._scheme, other._bucket) != (self._scheme, self._bucket):
            return False
        source, target = other._key(name), self._key(to)
        with self._errors("written"):
            obstore.copy(self._store, source, target)
        return True

    def _key(self, name: str) -> str:
        return "/".join(filter(None, [self._path, below(name, self.address)]))

    def _name(self, key: str) -> str:
        return key.removeprefix(f"{self._path}/") if self._path else key

    def _read(self, name: str) -> "tuple[bytes, ObjectMeta] | None":
        import obstore

        key = self._key(name)
        with self._errors("read"):
            try:
                found = obstore.get(self._store, key)
                return bytes(found.bytes()), found.meta
            except FileNotFoundError:
                return None

    def _put(self, name: str, content: bytes, mode: "PutMode") -> bool:
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        key = self._key(name)
        with self._errors("written"):
            try:
                obstore.put(self._store, key, content, mode=mode, use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                return False
            except FileNotFoundError:
                if not isinstance(mode, dict):
                    raise  # there is no such bucket
                return False  # what was to be replaced was removed meanwhile
            return True

    def _delete(self, keys: list[str]) -> None:
        """Remove objects, all at once where the store does that; of those that are not there some stores complain."""
        import obstore

        with self._errors("removed from"):
            try:
                obstore.delete(self._store, keys)
            except FileNotFoundError:
                if len(keys) > 1:
                    for key in keys:
                        self._delete([key])

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """What a store says of a step, without what a server sent, which may quote a key.

        Raises:
            RunError: it refuses, or cannot be reached.
        """
        try:
            yield
        except RunError:
            raise
        except Exception as error:
            kind = type(error).__name__.removesuffix("Error")
            remedy = "check the address, the network, and who you are to the store (AWS_…, AZURE_…, GOOGLE_… variables)"
            raise RunError(self.address, f"cannot be {what} ({kind})", remedy) from None


def _split(address: str) -> tuple[str, str, str]:
    """Scheme, bucket or container, and the rest of an address, in which no sign but ``/`` has a meaning.

    Raises:
        PlanError: it names no bucket or container.
    """
    scheme, _, rest = address.partition("://")
    bucket, _, path = rest.partition("/")
    if not bucket:
        raise _no_place(address)
    return scheme.lower(), bucket, "/".join(part for part in path.split("/") if part)


def _parents(key: str) -> Iterator[str]:
    """The folders that an object is in."""
    while "/" in key:
        key = key.rpartition("/")[0]
        yield key


def _opened(scheme: str, bucket: str, address: str) -> "ObjectStore":
    try:
        from obstore.store import from_url
    except ModuleNotFoundError:
        raise EngineError(address, "needs the library for object stores", "install synth-spark[s3]") from None
    try:
        return from_url(f"{scheme}://{bucket}")
    except Exception:
        raise _no_place(address) from None


def _no_place(address: str) -> PlanError:
    return PlanError(address, "names no place in an object store", "write s3://BUCKET/FOLDER, or alike")
