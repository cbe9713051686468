"""A real server of Azure's blobs on this machine's own address, for as long as a test needs it: Azurite."""

import base64
import hashlib
import hmac
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

from s3_server import await_server, free_ports

_VERSION = "3.37.0"
_ACCOUNT, _KEY = "invented", base64.b64encode(b"invented-secret").decode()


def azurite() -> Path:
    """The program; npm installs it beside what other tools keep on this machine, once."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / f"synth-spark-tests/azurite-{_VERSION}"
    program = folder / "node_modules" / ".bin" / "azurite-blob"
    if not program.exists():
        npm = shutil.which("npm")
        assert npm is not None, "npm is needed, to install a server of Azure's blobs (Debian: npm)"
        folder.mkdir(parents=True, exist_ok=True)
        line = [npm, "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", f"azurite@{_VERSION}"]
        subprocess.run(line, check=True, capture_output=True)
    return program


@contextmanager
def azure_server(program: Path, folder: Path, container: str) -> Iterator[dict[str, str]]:
    """Start a server with an empty container; it keeps everything in memory.

    Args:
        program: see `azurite`.
        folder: where its log is written.
        container: the name of the container.

    Yields:
        The environment by which clients find it, and may use it.
    """
    port = free_ports(1)[0]
    line = [str(program), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence"]
    environment = {**os.environ, "AZURITE_ACCOUNTS": f"{_ACCOUNT}:{_KEY}"}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*line, "--disableTelemetry", "--skipApiVersionCheck"], stdout=log, stderr=log, cwd=folder, env=environment
        )
    endpoint = f"http://127.0.0.1:{port}"
    try:
        await_server(endpoint, server)
        _make(endpoint, container)
        yield {
            "AZURE_STORAGE_ENDPOINT": f"{endpoint}/{_ACCOUNT}",
            "AZURE_ALLOW_HTTP": "true",
            "AZURE_STORAGE_ACCOUNT_NAME": _ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": _KEY,
        }
    finally:
        server.kill()
        server.wait()


def _make(endpoint: str, container: str) -> None:
    """Make a container, by a request that is signed with the account's key."""
    given = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    named = [*(f"{name}:{value}" for name, value in given.items()), f"/{_ACCOUNT}/{_ACCOUNT}/{container}"]
    signed = "\n".join(["PUT", *([""] * 11), *named, "restype:container"])
    signature = base64.b64encode(hmac.new(base64.b64decode(_KEY), signed.encode(), hashlib.sha256).digest()).decode()
    headers = {**given, "Authorization": f"SharedKey {_ACCOUNT}:{signature}", "Content-Length": "0"}
    address = f"{endpoint}/{_ACCOUNT}/{container}?restype=container"
    urllib.request.urlopen(urllib.request.Request(address, method="PUT", headers=headers), timeout=30).close()
