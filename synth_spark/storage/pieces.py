"""Large files of a store, which are read piece by piece whatever the store is."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path


class ReadInPieces(ABC):
    """What a place does with a file that it can read piece by piece, see `synth_spark.storage.places.Place`."""

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
