"""Folders of object stores with small files that decide what counts, see `synth_spark.storage.places`.

S3 and what speaks S3, Azure and Google storage, through obstore. Who may use them is told by the environment alone, as
the tools of each store do it (AWS_…, AZURE_…, GOOGLE_…); no address, message or log carries a key.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from synth_spark.plan.addresses import absolute, for_spark, resolved
from synth_spark.plan.sources.stores import REMEDY, Address, listing, store_of
from synth_spark.storage.held import Held, below
from synth_spark.storage.in_stores import InStore

if TYPE_CHECKING:
    from obstore import GetResult

    from synth_spark.storage.places import Place


class StoredPlace(InStore):
    """A folder of an object store, see `synth_spark.storage.places.Place`.

    Attributes:
        address: such as ``s3://bucket/folder``.
        spark_address: see `synth_spark.plan.addresses.for_spark`.
    """

    _remedy = REMEDY

    def __init__(self, address: str) -> None:
        """Name a folder; it is not looked at yet.

        Raises:
            PlanError: the address names no bucket or container.
            EngineError: the library for object stores is not installed.
        """
        self.address, self.spark_address = absolute(address), for_spark(address)
        scheme, bucket, self._path = Address.of(self.address)
        self._bucket = resolved(f"{scheme}://{bucket}")
        self._store, self._for_long = store_of(self.address), store_of(self.address, for_long=True)

    def below(self, name: str) -> "StoredPlace":
        """See `Place.below`."""
        return StoredPlace(f"{self.address}/{below(name, self.address)}")

    def read(self, name: str) -> bytes | None:
        """See `Place.read`."""
        import obstore

        key = self._key(name)
        with self._errors("read"):
            try:
                return bytes(obstore.get(self._store, key).bytes())
            except FileNotFoundError:
                return None

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

    def write(self, name: str, content: bytes) -> None:
        """See `Place.write`."""
        self._put(name, content, "overwrite")

    @contextmanager
    def prepared(self, contents: Mapping[str, bytes]) -> Iterator[Callable[[], None]]:
        """See `Place.prepared`."""

        def put() -> None:
            for name, content in contents.items():
                self.write(name, content)

        yield put

    def abandoned(self, alone: bool = False) -> list[str]:
        """See `Place.abandoned`."""
        del alone
        return []

    def remove_abandoned(self, names: Iterable[str]) -> None:
        """See `Place.remove_abandoned`."""

    def upload(self, file: Path, name: str) -> None:
        """See `Place.upload`."""
        import obstore

        key = self._key(name)
        with self._errors("written"):
            obstore.put(self._for_long, key, file)

    def entries(self, prefix: str = "", deep: bool = False) -> list[Held]:
        """See `Place.entries`."""
        folder = self._key(prefix) if prefix else self._path
        with self._errors("read"):
            found = listing(self._store, folder, deep)
        return [Held(self._name(one.key), one.size, one.tag, one.is_folder) for one in found]

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

        if not isinstance(other, StoredPlace) or other._bucket != self._bucket:
            return False
        source, target = other._key(name), self._key(to)
        with self._errors("written"):
            obstore.copy(self._for_long, source, target)
        return True

    def _key(self, name: str) -> str:
        return "/".join(filter(None, [self._path, below(name, self.address)]))

    def _name(self, key: str) -> str:
        return key.removeprefix(f"{self._path}/") if self._path else key

    def _pieces(self, name: str) -> Iterator[bytes] | None:
        """See `InStore`."""
        import obstore

        key = self._key(name)

        def pieces(found: "GetResult") -> Iterator[bytes]:
            with self._errors("read"):
                for piece in found:
                    yield bytes(piece)

        with self._errors("read"):
            try:
                return pieces(obstore.get(self._for_long, key))
            except FileNotFoundError:
                return None

    def _put(self, name: str, content: bytes, mode: Literal["create", "overwrite"]) -> bool:
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        key = self._key(name)
        with self._errors("written"):
            try:
                obstore.put(self._store, key, content, mode=mode, use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                return False
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
