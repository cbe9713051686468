"""Object stores, by the two steps that a log needs of them: read an object, and make one that is not there yet.

S3 and what speaks S3, Azure and Google storage, through obstore. Who may use them is told by the environment alone, as
the tools of each store do it (AWS_…, AZURE_…, GOOGLE_…); no address, message or log carries a key.
"""

from typing import TYPE_CHECKING, Protocol

from synth_spark.errors import PlanError, RunError, check_extra

if TYPE_CHECKING:
    from obstore.store import ObjectStore


class Objects(Protocol):
    """Objects below an address, as a log needs them.

    Attributes:
        address: where they are.
    """

    address: str

    def read(self, name: str) -> bytes | None:
        """What an object holds; None if it is not there.

        Raises:
            RunError: the store cannot be reached, or refuses.
        """
        ...

    def create(self, name: str, content: bytes) -> bool:
        """Make an object that is not there yet; False if it is there, and then it stays as it is.

        Raises:
            RunError: the store cannot be reached, or refuses; the object may have been made all the same.
        """
        ...


class StoredObjects:
    """Objects in an object store.

    Attributes:
        address: such as ``s3://bucket/folder``.
    """

    def __init__(self, address: str) -> None:
        """Name a place; it is not looked at yet.

        Raises:
            PlanError: the address names no bucket or container.
            EngineError: the library for object stores is not installed.
        """
        self.address = address.rstrip("/")
        self._store = _opened(self.address)

    def read(self, name: str) -> bytes | None:
        """What an object holds; None if it is not there.

        Raises:
            RunError: the store cannot be reached, or refuses.
        """
        import obstore

        try:
            return bytes(obstore.get(self._store, name).bytes())
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._refused("read", error) from None

    def create(self, name: str, content: bytes) -> bool:
        """Make an object that is not there yet; False if it is there, and then it stays as it is.

        Raises:
            RunError: the store cannot be reached, or refuses; the object may have been made all the same.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError

        try:
            obstore.put(self._store, name, content, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return False
        except Exception as error:
            raise self._refused("written", error) from None
        return True

    def _refused(self, what: str, error: Exception) -> RunError:
        kind = type(error).__name__.removesuffix("Error")  # the text may quote what a server sent
        remedy = "check the address, the network, and who you are to the store (AWS_…, AZURE_… or GOOGLE_… variables)"
        return RunError(self.address, f"cannot be {what} ({kind})", remedy)


def _opened(address: str) -> "ObjectStore":
    check_extra("s3", address)
    from obstore.store import from_url

    try:
        return from_url(address)
    except Exception:
        raise PlanError(address, "names no place in an object store", "write s3://BUCKET/FOLDER, or alike") from None
