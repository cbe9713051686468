"""Object stores that do not answer: what is told, how long they are asked again, and where they are asked longer."""

import re
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
import pytest
from gcs_server import reached_at

from synth_spark.errors import RunError
from synth_spark.plan.sources import stores
from synth_spark.plan.sources.stores.refusals import kind_of
from synth_spark.storage.places import Place, place

_KEYS = {
    "s3": {"AWS_ALLOW_HTTP": "true", "AWS_ACCESS_KEY_ID": "invented", "AWS_SECRET_ACCESS_KEY": "invented-secret"},
    "az": {"AZURE_ALLOW_HTTP": "true", "AZURE_STORAGE_ACCOUNT_NAME": "invented", "AZURE_STORAGE_ACCOUNT_KEY": "aW52"},
}


def environment(scheme: str, port: int) -> dict[str, str]:
    """How a store is told that a server at a port of this machine is it."""
    endpoint = f"http://127.0.0.1:{port}"
    server = {
        "s3": {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1"},
        "az": {"AZURE_STORAGE_ENDPOINT": f"{endpoint}/invented"},
        "gs": reached_at(endpoint),
    }
    return _KEYS.get(scheme, {}) | server[scheme]


def asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told does not depend on how often a store was asked."""
    for limits in ("BRIEFLY", "FOR_LONG"):
        monkeypatch.setattr(stores, limits, {**getattr(stores, limits), "max_retries": 0})


@pytest.fixture(params=["s3", "az", "gs"])
def unreached(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A folder of a store at a port of this machine that nobody listens at."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        for name, value in environment(request.param, nobody.getsockname()[1]).items():
            monkeypatch.setenv(name, value)
        yield f"{request.param}://bucket/folder"


def steps_of(folder: Place, file: Path) -> dict[str, tuple[str, Callable[[], object]]]:
    """Each step, and what cannot be done if it fails."""
    file.write_bytes(b"1")
    return {
        "read": ("read", lambda: folder.read("a")),
        "exists": ("read", lambda: folder.exists("a")),
        "create": ("written", lambda: folder.create("a", b"1")),
        "write": ("written", lambda: folder.write("a", b"1")),
        "entries": ("read", lambda: folder.entries()),
        "deep": ("read", lambda: folder.entries(deep=True)),
        "delete": ("removed from", lambda: folder.delete(["a"])),
        "digest": ("read", lambda: folder.digest("a")),
        "download": ("read", lambda: folder.download("a", file)),
        "upload": ("written", lambda: folder.upload(file, "a")),
        "copy": ("written", lambda: folder.copy_from(folder, "a", "b")),
    }


def test_a_store_that_is_not_reached_is_told_by_what_the_system_says(
    unreached: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_once(monkeypatch)
    for what, step in steps_of(place(unreached), tmp_path / "file").values():
        said = f"{unreached}: cannot be {what} (Connection refused); check the address, the network, and "
        with pytest.raises(RunError, match=f"^{re.escape(said)}"):
            step()
    with pytest.raises(OSError, match=r"^Connection refused$"):
        stores.StoredFile(f"{unreached}/a")


@pytest.mark.parametrize(
    ("scheme", "variable"), [("s3", "AWS_TIMEOUT"), ("az", "AZURE_TIMEOUT"), ("gs", "GOOGLE_TIMEOUT")]
)
def test_a_server_that_takes_a_request_and_says_nothing_has_not_answered_in_time(
    scheme: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment says how long one request waits."""
    asked_once(monkeypatch)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for name, value in environment(scheme, silent.getsockname()[1]).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv(variable, "50ms")
        with pytest.raises(RunError, match=r"cannot be read \(no answer in time\)"):
            place(f"{scheme}://bucket/folder").read("a")


def test_an_outage_is_told_within_half_a_minute_and_large_files_are_asked_for_longer(
    unreached: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a request waits for a connection, five seconds, is the client's own."""
    asked: list[timedelta] = []

    def noting(store: Any, *_: object, **__: object) -> None:
        config = store.retry_config
        assert config is not None, "the client's own limits"
        asked.append(config["retry_timeout"])
        if config["retry_timeout"] < timedelta(minutes=1):
            assert config["retry_timeout"] + config["backoff"]["max_backoff"] <= timedelta(seconds=30 - 5)
        raise TimeoutError

    for verb in ("get", "put", "head", "delete", "copy", "list", "list_with_delimiter"):
        monkeypatch.setattr(obstore, verb, noting)
    for name, (_, step) in steps_of(place(unreached), tmp_path / "file").items():
        with pytest.raises(RunError, match="Timeout"):
            step()
        is_large = name in ("digest", "download", "upload", "copy")
        assert asked.pop() == (timedelta(minutes=3) if is_large else timedelta(seconds=20)), name
        assert asked == []
    with pytest.raises(OSError, match="Timeout"):  # the look at a file of an input, before its pieces are asked for
        stores.StoredFile(f"{unreached}/a")
    assert asked == [timedelta(seconds=20)]


class GenericError(Exception):
    """As obstore calls what has no name of its own."""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Server returned non-2xx status code: 503 Service Unavailable: secret 17", "status 503"),
        (
            "HTTP error  Debug source: HttpError {\n  kind: Connect,\n  source: dns error of secret.example",
            "no connection",
        ),
        ("HttpError {\n  kind: Decode,\n source: secret", "Generic"),
        ("Os {\n   code: 113,\n   kind: HostUnreachable, secret", "No route to host"),
        ("secret (os error 99999999999999999999)", "Generic"),
    ],
)
def test_what_went_wrong_is_told_without_what_a_server_sent(text: str, kind: str) -> None:
    assert kind_of(GenericError(text)) == kind
