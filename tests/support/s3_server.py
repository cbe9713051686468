"""A real S3 server on this machine's own address, for as long as a test needs it: SeaweedFS."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_KEYS = {"accessKey": "invented-key", "secretKey": "invented-secret"}
#: Seconds for the server to begin.
_BEGIN = 120


@contextmanager
def s3_server(folder: Path) -> Iterator[dict[str, str]]:
    """Start a server; a bucket is there as soon as something is put into it.

    Args:
        folder: where it keeps what it is given; empty.

    Yields:
        The environment by which clients find it, and may use it.
    """
    identity = {"name": "tests", "credentials": [_KEYS], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
    (folder / "identities.json").write_text(json.dumps({"identities": [identity]}))
    (folder / "data").mkdir()
    names = [f"{part}.port{kind}" for part in ("s3", "master", "volume", "filer") for kind in ("", ".grpc")]
    given = dict(zip(names, map(str, free_ports(len(names))), strict=True))
    endpoint = f"http://127.0.0.1:{given['s3.port']}"
    given |= {"s3.config": str(folder / "identities.json"), "dir": str(folder / "data")}
    given |= {"ip": "127.0.0.1", "ip.bind": "127.0.0.1", "volume.max": "200", "master.volumeSizeLimitMB": "64"}
    given |= {"s3.port.iceberg": "0", "s3.port.lance": "0", "master.telemetry": "false"}
    command = str(Path(sys.executable).with_name("weed"))
    with (folder / "log").open("wb") as log:
        line = [command, "server", "-s3", *(f"-{key}={value}" for key, value in given.items())]
        server = subprocess.Popen(line, stdout=log, stderr=log, cwd=folder)
    try:
        await_server(endpoint, server)
        yield {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": _KEYS["accessKey"],
            "AWS_SECRET_ACCESS_KEY": _KEYS["secretKey"],
            "AWS_REGION": "us-east-1",
        }
    finally:
        server.kill()
        server.wait()


def free_ports(count: int) -> list[int]:
    """Ports of this machine's own address that nobody listens at."""
    with ExitStack() as taken:
        sockets = [taken.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def await_server(endpoint: str, server: "subprocess.Popen[bytes]") -> None:
    """Wait until a server answers.

    Raises:
        RuntimeError: it ended, or does not answer.
    """
    end = time.monotonic() + _BEGIN
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(endpoint, timeout=5).close()
        except urllib.error.HTTPError:
            return  # it answers: that it knows nobody without a key
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("the server does not begin")
