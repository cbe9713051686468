"""What places of object stores and of HDFS have in common: how errors are told, and large files that come in pieces."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from synth_spark.errors import RunError
from synth_spark.plan.sources.stores.refusals import kind_of


class InStore(ABC):
    """A place that is in a store, see `synth_spark.storage.places.Place`.

    Attributes:
        address: as the user wrote it.
    """

    address: str
    #: What is to be checked where the store refuses, or is not reached.
    _remedy: ClassVar[str]

    def download(self, name: str, file: Path) -> bool:
        """See `Place.download`."""
        pieces = self._pieces(name)
        if pieces is None:
            return False
        with file.open("wb") as stream:
            for piece in pieces:
                stream.write(piece)
        return True

    def digest(self, name: str) -> tuple[str, int] | None:
        """See `Place.digest`."""
        pieces, hashed, size = self._pieces(name), hashlib.sha256(), 0
        if pieces is None:
            return None
        for piece in pieces:
            hashed.update(piece)
            size += len(piece)
        return hashed.hexdigest(), size

    @abstractmethod
    def _pieces(self, name: str) -> Iterator[bytes] | None:
        """The bytes of a file, a few megabytes at a time; None if it is not there."""

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """What a store says of a step, without what a server sent.

        Args:
            what: what cannot be done then, such as ``read``.

        Raises:
            RunError: it refuses, or cannot be reached.
        """
        try:
            yield
        except RunError:
            raise
        except Exception as error:
            raise RunError(self.address, f"cannot be {what} ({kind_of(error)})", self._remedy) from None
