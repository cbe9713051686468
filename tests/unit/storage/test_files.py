"""Small files that are replaced in one step."""

import errno
import os
from pathlib import Path

import pytest

from synth_spark.storage.files import write_atomically


def test_what_a_full_disk_took_a_part_of_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomically(tmp_path / "told.json", "before")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(tmp_path / "told.json", "after")
    assert [file.name for file in tmp_path.iterdir()] == ["told.json"]
    assert (tmp_path / "told.json").read_text() == "before"
