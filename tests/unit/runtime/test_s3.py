"""Where Spark finds a server of S3, and the files of the client that it needs for that."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from synth_spark.errors import EngineError
from synth_spark.runtime import s3


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, {}),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, {"endpoint.region": "eu-west-1"}),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000", "AWS_ENDPOINT_URL_S3": "https://s3.example.org"},
            {"endpoint": "https://s3.example.org", "path.style.access": "true", "connection.ssl.enabled": "true"},
        ),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true"},
            {"endpoint": "http://127.0.0.1:9000", "path.style.access": "false", "connection.ssl.enabled": "false"},
        ),
    ],
)
def test_the_environment_says_where_the_server_is_and_no_key_becomes_a_setting(
    environment: dict[str, str], expected: dict[str, str]
) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "planted-1", "AWS_SECRET_ACCESS_KEY": "planted-2", "AWS_SESSION_TOKEN": "planted-3"}
    found = s3.settings(environment | keys)
    assert found.pop("spark.hadoop.fs.s3.impl") == "org.apache.hadoop.fs.s3a.S3AFileSystem"
    assert found == {f"spark.hadoop.fs.s3a.{name}": value for name, value in expected.items()}


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are fetched instead of the client's, each time it is asked for."""
    files: list[Path] = []

    def ivy(line: list[str], **_: Any) -> None:
        files.append(tmp_path / f"client-{len(files)}.jar")
        files[-1].touch()
        Path(line[-1]).write_text(f"{files[-1]}\n")
        assert line[line.index("hadoop-aws") + 1] == "3.5.0"  # as the Hadoop of Spark is

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(subprocess, "run", ivy)
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / "hadoop-client-api-3.5.0.jar").touch()
    return files


def test_the_client_is_fetched_once_and_again_if_a_file_of_it_is_gone(fetched: list[Path], tmp_path: Path) -> None:
    assert s3.class_path("java", tmp_path / "jars") == s3.class_path("java", tmp_path / "jars") == str(fetched[0])
    fetched[0].unlink()
    assert s3.class_path("java", tmp_path / "jars") == str(fetched[1])
    assert len(fetched) == 2


def test_a_client_among_the_files_of_spark_is_taken(fetched: list[Path], tmp_path: Path) -> None:
    (tmp_path / "jars" / "hadoop-aws-3.5.0.jar").touch()
    assert s3.class_path("java", tmp_path / "jars") == ""
    assert fetched == []


def test_where_it_cannot_be_fetched_people_are_told_where_to_put_it(
    fetched: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(1, "java")

    monkeypatch.setattr(subprocess, "run", fails)
    with pytest.raises(EngineError, match=r"hadoop-aws 3.5.0 .* could not be fetched; allow .*, or put them into"):
        s3.class_path("java", tmp_path / "jars")


@pytest.mark.parametrize("before", [None, "/platform/*"])
def test_the_client_comes_behind_the_files_of_spark(before: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """And behind what a platform has put there; the environment is as it was once the JVM has started."""
    monkeypatch.delenv(s3.BEHIND, raising=False)
    if before is not None:
        monkeypatch.setenv(s3.BEHIND, before)
    with s3.behind_spark("/cache/client.jar"):
        assert os.environ[s3.BEHIND] == ":".join(filter(None, [before, "/cache/client.jar"]))
    assert os.environ.get(s3.BEHIND) == before
    with s3.behind_spark(""):
        assert os.environ.get(s3.BEHIND) == before
