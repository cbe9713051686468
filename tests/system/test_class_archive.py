"""A local session maps Spark's classes from the archive, and starts all the same where the archive is damaged."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from synth_spark.runtime.class_archive import archive_of, write_archive
from synth_spark.runtime.session import check_java

#: Asks a session for a number, and says whether a JVM of its own has mapped an archive.
SESSION = """
import pathlib, sys
from synth_spark.runtime.session import session
with session() as spark:
    print(spark.sql("SELECT 3").first()[0])
    own = " ".join(part.read_text() for part in pathlib.Path("/proc/self/task").glob("*/children")).split()
    print(any(sys.argv[1] in pathlib.Path(f"/proc/{process}/maps").read_text() for process in own))
"""


@pytest.mark.takes("two starts of a session, and the writing of the archive where that is not written yet")
def test_classes_come_from_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = archive_of(check_java())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a cache"))
    file = archive_of(check_java())
    command = (sys.executable, "-c", SESSION, str(file))
    if written.is_file():  # by ``make setup``
        file.parent.mkdir(parents=True)
        shutil.copy(written, file)
    else:
        assert write_archive(check_java(), command) == file

    def told() -> tuple[list[str], str]:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.split(), done.stderr

    whole, said = told()
    assert whole == ["3", "True"]
    file.chmod(0o600)
    file.write_bytes(bytes(1 << 20))
    assert told() == (["3", "False"], said)
